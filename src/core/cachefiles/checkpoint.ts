/**
 * Publishing content maps, and taking blocks out of them again. What is stored becomes findable
 * after a restart once a map on disk says so. A map may say so only after the data is durable, and
 * must durably have ceased to say so before the data is overwritten or given up. A stop at any
 * moment loses downloads only, whether checksums are compared or not.
 */
import path from 'node:path';
import type { Backing, IoDone } from '../io/types.js';
import type { Scheduler } from '../sim/scheduler.js';
import { type Task, WaitQueue } from '../sim/wait_queue.js';
import type { ChunkState } from './content_map.js';
import { type DataFile, mapPath, newMapPath } from './data_file.js';
import type { Ledger } from './ledger.js';
import { MapFile } from './map_file.js';
import type { CacheCounters } from './types.js';

/** A checkpoint begins when this much has been stored since the last. */
const BYTES_MAX = 256 << 20;
/** And when this many objects wait for one, so that memory stays bounded. */
const OBJECTS_MAX = 2048;
/** Chunks of a map that is written anew at a time: a quarter of a megabyte. */
const REWRITE_CHUNKS = 64;

/** What a checkpointer works with. */
export interface CheckpointParts {
  readonly backing: Backing;
  readonly ledger: Ledger;
  readonly counters: CacheCounters;
}

/** What is to be published of a file, as it was when the checkpoint began. */
interface Taken {
  readonly file: DataFile;
  readonly chunks: readonly ChunkState[];
  readonly unpublishings: number;
}

/** The maps of a cache. */
export class Checkpointer {
  readonly #backing: Backing;
  readonly #root: string;
  readonly #bind: number;
  readonly #scheduler: Scheduler;
  readonly #counters: CacheCounters;
  readonly #ledger: Ledger;
  readonly #intervalNs: number;
  /** By path: what has changed since it was published, open or not. */
  readonly #pending = new Map<string, DataFile>();
  #running = false;
  #bytes = 0;
  /** A timer looks whether a checkpoint is due. */
  #armed = false;
  #last: number;

  /** A checkpoint begins `intervalNs` after the last, too; `bind` is the number of the bind. */
  constructor(
    { backing, ledger, counters }: CheckpointParts,
    { root, number }: { readonly root: string; readonly number: number },
    scheduler: Scheduler,
    intervalNs: number,
  ) {
    this.#backing = backing;
    this.#ledger = ledger;
    this.#root = root;
    this.#bind = number;
    this.#intervalNs = intervalNs;
    this.#scheduler = scheduler;
    this.#counters = counters;
    this.#last = scheduler.clock.now();
  }

  /** The data file at this path of which something is still to be published. */
  find(file: string): DataFile | undefined {
    return this.#pending.get(file);
  }

  /** `bytes` have been stored in a file, or its map has changed otherwise. */
  changed(file: DataFile, bytes: number): void {
    // What has no name yet could not be found by its map; what we are changing is committed first.
    if (!file.current || file.modified || file.temporary !== undefined) return;
    this.#pending.set(file.path, file);
    this.#bytes += bytes;
    this.tick();
    this.#arm();
  }

  // Also when nobody uses the cache any more.
  #arm(): void {
    if (this.#armed || this.#pending.size === 0) return;
    this.#armed = true;
    this.#scheduler.afterIdle(this.#intervalNs, () => {
      this.#armed = false;
      this.tick();
      this.#arm();
    });
  }

  /** Begins a checkpoint if one is due. */
  tick(): void {
    if (this.#pending.size === 0) return;
    const due = this.#scheduler.clock.now() - this.#last >= this.#intervalNs;
    if (due || this.#bytes >= BYTES_MAX || this.#pending.size >= OBJECTS_MAX) this.begin();
  }

  /** The file has been replaced or removed. */
  forget(file: DataFile): void {
    file.current = false;
    this.#settled(file);
  }

  /** Publishes all that has changed up to now, in the background. */
  begin(): void {
    if (this.#running) return;
    this.#bytes = 0;
    this.#last = this.#scheduler.clock.now();
    const taken = [...this.#pending.values()]
      .filter(({ modified, waiting }) => !modified && waiting === undefined)
      .map((file) => ({
        file,
        chunks: file.map.takeChanges(),
        unpublishings: file.unpublishings,
      }));
    if (taken.length === 0) return;
    this.#running = true;
    this.#scheduler.queueWork(() => this.#publish(taken), 'unbound');
  }

  /**
   * Calls `go` once no map on disk says anything of blocks [first, end), so that they may be
   * overwritten: 0, or the negative errno with which that cannot be had. The calls of one file
   * come in order.
   */
  unpublish(file: DataFile, first: number, end: number, go: IoDone): void {
    if (file.waiting !== undefined) {
      file.waiting.push(() => this.unpublish(file, first, end, go));
      return;
    }
    const { chunks, error, written } = this.#takeOut(file, first, end);
    if (!written || error < 0) {
      go(error);
      return;
    }
    file.waiting = [];
    const { driver } = this.#backing;
    const synced = (result: number): void => {
      const waiting = file.waiting ?? [];
      file.waiting = undefined;
      this.#takenOut(file, chunks, result);
      go(Math.min(result, 0));
      for (const each of waiting) each();
    };
    const answer = driver.name === 'sync' ? synced : this.#scheduler.expect(synced);
    this.#backing.sync(this.#root, this.#mapNames(file), answer);
  }

  /** As `unpublish`, before it returns: 0 or a negative errno. */
  unpublishNow(file: DataFile, first: number, end: number): number {
    const { chunks, error, written } = this.#takeOut(file, first, end);
    if (!written || error < 0) return error;
    const result = this.#backing.syncNow(this.#mapNames(file));
    this.#takenOut(file, chunks, result);
    return result;
  }

  // Writes to the maps on disk that they say nothing of the chunks of blocks [first, end).
  #takeOut(file: DataFile, first: number, end: number) {
    const chunks = file.map.isPublished(first, end) ? file.map.publishedChunks(first, end) : [];
    const mapFiles = file.mapFiles.filter((each) => !each.isEmpty);
    if (chunks.length === 0) return { chunks, error: 0, written: false };
    file.unpublishings++;
    let error = 0;
    for (const each of mapFiles) error ||= each.unpublish(chunks);
    if (mapFiles.length === 0) file.map.unpublished(chunks);
    this.#measure(file);
    return { chunks, error, written: mapFiles.length > 0 };
  }

  #takenOut(file: DataFile, chunks: readonly number[], error: number): void {
    if (error < 0) return;
    file.mapRenamed = false;
    // A map that is written anew may say something of them again.
    if (file.mapFiles.length === 1) file.map.unpublished(chunks);
    this.changed(file, 0);
  }

  *#publish(taken: readonly Taken[]): Task {
    // What is changed, replaced or taken out meanwhile is left to the next checkpoint.
    const isStill = ({ file, unpublishings }: Taken): boolean =>
      file.current && !file.modified && file.unpublishings === unpublishings;
    const data = taken.filter(isStill).map(({ file }) => file.path);
    const error = yield* this.#sync(data);
    const written: DataFile[] = [];
    for (const each of taken) {
      const { file, chunks } = each;
      if (!file.current) continue;
      const result = error < 0 ? error : isStill(each) ? yield* this.#write(each) : 1;
      if (result === 0) written.push(file);
      else file.map.restore(chunks);
      if (result < 0) this.#failed(file);
      if (this.#scheduler.needResched()) yield* this.#scheduler.reschedule();
    }
    const failed = yield* this.#sync(written.flatMap((file) => this.#mapNames(file)));
    for (const file of written) this.#written(file, failed);
    const renamed = written.filter(({ mapRenamed }) => mapRenamed);
    const unnamed = yield* this.#sync(renamed.map((file) => path.dirname(file.path)));
    for (const file of renamed) if (unnamed === 0) file.mapRenamed = false;
    this.#running = false;
    this.tick();
  }

  // Appends what was taken, or writes the map anew: 0 or a negative errno.
  *#write({ file, chunks }: Taken): Task<number> {
    const [mapFile] = file.mapFiles as [MapFile];
    let error = mapFile.append(file.header, chunks);
    if (error === 0 && mapFile.needsRewrite(file.map)) error = yield* this.#writeAnew(file);
    this.#measure(file);
    return error;
  }

  // While it lasts every block that is taken out of the one map is taken out of the other, too.
  *#writeAnew(file: DataFile): Task<number> {
    const at = newMapPath(file.path);
    let error = this.#backing.remove(at);
    const mapFile = new MapFile(this.#backing, at, this.#bind);
    file.mapFiles.push(mapFile);
    const all = file.map.chunks();
    for (let i = 0; i < all.length && error === 0 && file.current; i += REWRITE_CHUNKS) {
      error = mapFile.append(file.header, file.map.states(all.slice(i, i + REWRITE_CHUNKS)));
      yield* this.#scheduler.reschedule();
    }
    // Blocks that were stored meanwhile are among those; their data may not be durable yet.
    if (error === 0 && file.current) error = yield* this.#sync([file.path]);
    if (error === 0 && file.current && !file.modified) return 0;
    this.#dropNew(file);
    return 0;
  }

  // What was written of the map of a file is durable, or is not.
  #written(file: DataFile, error: number): void {
    const next = file.mapFiles[1];
    if (next !== undefined) {
      if (error === 0 && file.current && next.rename(mapPath(file.path)) === 0) {
        file.mapFiles = [next];
        file.mapRenamed = true;
      } else this.#dropNew(file);
    }
    if (error < 0) this.#failed(file);
    else this.#counters.published++;
    if (file.current && !file.map.changed) this.#settled(file);
    this.#measure(file);
  }

  #dropNew(file: DataFile): void {
    file.mapFiles.length = 1;
    this.#backing.remove(newMapPath(file.path));
  }

  // What was stored in it is still there to be read until its object is closed; the next store
  // tries again.
  #failed(file: DataFile): void {
    this.#counters.publishFailed++;
    this.#settled(file);
  }

  #settled(file: DataFile): void {
    if (this.#pending.get(file.path) === file) this.#pending.delete(file.path);
    this.#ledger.mapSettled(file.account);
  }

  #measure(file: DataFile): void {
    if (!file.current) return;
    this.#ledger.mapsChanged(
      file.account,
      file.mapFiles.map((each) => each.path),
    );
  }

  // What has to be durable for a change of the maps of a file to be.
  #mapNames(file: DataFile): string[] {
    const names = file.mapFiles.map((each) => each.path);
    return file.mapRenamed ? [...names, path.dirname(file.path)] : names;
  }

  // On the real clock others run meanwhile.
  *#sync(files: readonly string[]): Task<number> {
    if (files.length === 0) return 0;
    const answered = new WaitQueue('checkpoint');
    let result: number | undefined;
    const ended = (error: number): void => {
      result = error;
      answered.wakeAll();
    };
    const { driver } = this.#backing;
    const answer = driver.name === 'sync' ? ended : this.#scheduler.expect(ended);
    this.#backing.sync(this.#root, files, answer);
    while (result === undefined) yield answered;
    return Math.min(result, 0);
  }
}
