/**
 * Publishing content maps: what is stored becomes findable after a restart once a map says so, and
 * a map may say so only after the data is durable. A map is written out first, then it and the data
 * are made durable together, then it takes the place of the old one. A stop at any moment loses
 * downloads only.
 */
import type { Backing } from '../io/types.js';
import type { Scheduler } from '../sim/scheduler.js';
import { type Content, mapPath } from './content.js';
import type { Ledger } from './ledger.js';
import type { CacheCounters } from './types.js';

/** A checkpoint begins when this much has been stored since the last. */
const BYTES_MAX = 256 << 20;
/** And when this many objects wait for one, so that memory stays bounded. */
const OBJECTS_MAX = 2048;

/** What a checkpointer works with. */
export interface CheckpointParts {
  readonly backing: Backing;
  readonly ledger: Ledger;
  readonly counters: CacheCounters;
}

/** A map that has been written out. */
interface Written {
  readonly content: Content;
  /** What it takes up. */
  readonly bytes: number;
}

/** The maps of a cache that are to be published. */
export class Checkpointer {
  readonly #backing: Backing;
  readonly #root: string;
  readonly #scheduler: Scheduler;
  readonly #counters: CacheCounters;
  readonly #ledger: Ledger;
  readonly #intervalNs: number;
  /** By path: what has changed since it was published, open or not. */
  readonly #pending = new Map<string, Content>();
  #running = false;
  #bytes = 0;
  #last: number;

  /** A checkpoint begins `intervalNs` after the last, too. */
  constructor(
    { backing, ledger, counters }: CheckpointParts,
    root: string,
    scheduler: Scheduler,
    intervalNs: number,
  ) {
    this.#backing = backing;
    this.#ledger = ledger;
    this.#root = root;
    this.#intervalNs = intervalNs;
    this.#scheduler = scheduler;
    this.#counters = counters;
    this.#last = scheduler.clock.now();
  }

  /** The content at this path that is still to be published. */
  find(path: string): Content | undefined {
    return this.#pending.get(path);
  }

  /** `bytes` have been stored in a content, or its map has changed otherwise. */
  changed(content: Content, bytes: number): void {
    // What has no name yet could not be found by it.
    if (!content.current || content.temporary !== undefined) return;
    content.dirty = true;
    this.#pending.set(content.path, content);
    this.#bytes += bytes;
    this.tick();
  }

  /** Begins a checkpoint if one is due. */
  tick(): void {
    if (this.#pending.size === 0) return;
    const due = this.#scheduler.clock.now() - this.#last >= this.#intervalNs;
    if (due || this.#bytes >= BYTES_MAX || this.#pending.size >= OBJECTS_MAX) this.begin();
  }

  /** The content has been replaced or removed. */
  forget(content: Content): void {
    content.current = false;
    this.#settled(content);
  }

  /** Publishes all that has changed up to now; in the background on the real clock. */
  begin(): void {
    if (this.#running) return;
    this.#bytes = 0;
    this.#last = this.#scheduler.clock.now();
    const written = [...this.#pending.values()].flatMap((content) => this.#writeOut(content));
    if (written.length === 0) return;
    this.#running = true;
    const files = written.flatMap(({ content: { path } }) => [path, unpublished(path)]);
    const { driver } = this.#backing;
    const ended = (error: number): void => this.#synced(written, error);
    const answer = driver.name === 'sync' ? ended : this.#scheduler.expect(ended);
    this.#backing.sync(this.#root, files, answer);
  }

  #writeOut(content: Content): Written[] {
    content.dirty = false;
    const data = content.map.encode(content.identity, content.name);
    const file = unpublished(content.path);
    // A new file, in case a power cut has left this name on the map that is published.
    const error = this.#backing.remove(file) || this.#backing.writeWhole(file, data);
    const bytes = this.#ledger.mapWritten(file);
    if (error === 0) return [{ content, bytes }];
    this.#failed({ content, bytes });
    return [];
  }

  #synced(written: readonly Written[], error: number): void {
    this.#running = false;
    for (const each of written) {
      const { content, bytes } = each;
      if (!content.current) this.#discard(each);
      else if (error < 0 || !this.#publish(content.path)) this.#failed(each);
      else {
        this.#counters.published++;
        this.#ledger.mapPublished(content.account, bytes);
        if (!content.dirty) this.#settled(content);
      }
    }
    this.tick();
  }

  #publish(path: string): boolean {
    return this.#backing.rename(unpublished(path), mapPath(path)) === 0;
  }

  // What was stored in it is still there to be read until its object is closed; the next store
  // tries again.
  #failed(written: Written): void {
    this.#counters.publishFailed++;
    this.#discard(written);
    this.#settled(written.content);
  }

  #discard({ content, bytes }: Written): void {
    this.#backing.remove(unpublished(content.path));
    this.#ledger.mapRemoved(bytes);
  }

  #settled(content: Content): void {
    if (this.#pending.get(content.path) === content) this.#pending.delete(content.path);
    this.#ledger.mapSettled(content.account);
  }
}

/** Where a map is written before it is published. */
export function unpublished(file: string): string {
  return `${mapPath(file)}.new`;
}
