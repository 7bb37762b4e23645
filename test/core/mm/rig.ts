/**
 * The page cache over a filesystem made up for the test: it records each window and page it is
 * asked for, fills pages with bytes that tell them apart, and fails, delays or leaves pages when
 * told to.
 */
import { PAGE_SHIFT, PAGE_SIZE } from '../../../src/core/base/range.js';
import { AddressSpace } from '../../../src/core/mm/address_space.js';
import { Filemap } from '../../../src/core/mm/filemap.js';
import { Folios, PG_READAHEAD, PG_UPTODATE } from '../../../src/core/mm/folio.js';
import {
  FileRaState,
  Readahead,
  type ReadaheadControl,
  readaheadFolio,
} from '../../../src/core/mm/readahead.js';
import type { AddressSpaceOps, MmBehaviour, OpenFile } from '../../../src/core/mm/types.js';
import { VirtualClock } from '../../../src/core/sim/clock.js';
import { Scheduler } from '../../../src/core/sim/scheduler.js';
import type { Task } from '../../../src/core/sim/wait_queue.js';

/** What decides a rig; pages unless said otherwise. */
export interface RigOptions {
  /** i_size, bytes. */
  readonly size: number;
  readonly raPages: number;
  readonly ioPages: number;
  /** Limit of the page cache. */
  readonly cachePages: number;
  readonly mm: Partial<MmBehaviour>;
  /** Most pages that ->readahead takes of one window. */
  readonly takes: number;
  /** Time a read takes, ns; 0: it ends inside the call. */
  readonly latencyNs: number;
  /** Called with each window before its pages are taken. */
  readonly expand: ((ractl: ReadaheadControl) => void) | undefined;
  /** The errno of a page's read, 0 for none; 1: it ends well but leaves the page not uptodate. */
  readonly fails: (index: number) => number;
  /** Made-up operations instead of the recording ones. */
  readonly ops: AddressSpaceOps | undefined;
  /** The memory of another rig, to be used again. */
  readonly memory: Memory | undefined;
}

/** What rigs may share. */
export interface Memory {
  readonly clock: VirtualClock;
  readonly scheduler: Scheduler;
  readonly folios: Folios;
}

/** v5.13 but for the batch limit, which is the corrected one. */
const BEHAVIOUR: MmBehaviour = {
  batchLimitInclusive: false,
  eofCheckedFirst: false,
  leftoversRemoved: false,
};

const DEFAULTS: RigOptions = {
  size: 1024 * PAGE_SIZE,
  raPages: 32,
  ioPages: 32,
  cachePages: 2048,
  mm: {},
  takes: Number.POSITIVE_INFINITY,
  latencyNs: 0,
  expand: undefined,
  fails: () => 0,
  ops: undefined,
  memory: undefined,
};

/** Bytes [position, position + count), below 2 GiB, as the made-up filesystem has them. */
export function rigBytes(position: number, count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const at = (position + i) | 0;
    bytes[i] = at * 7 + (at >> PAGE_SHIFT) * 31 + 1;
  }
  return bytes;
}

/** A memory of its own. */
export function makeMemory(pages: number): Memory {
  const clock = new VirtualClock();
  const scheduler = new Scheduler(clock);
  return { clock, scheduler, folios: new Folios(scheduler, pages * PAGE_SIZE) };
}

/** One file in a page cache. */
export class Rig implements Memory {
  readonly clock: VirtualClock;
  readonly scheduler: Scheduler;
  readonly folios: Folios;
  readonly mapping: AddressSpace;
  readonly inode: { ino: number; size: number; mapping: AddressSpace };
  readonly readahead: Readahead;
  readonly filemap: Filemap;
  /** What was asked: `4+8 m4` a window (first + pages, page with the marker), `RP 2` a readpage. */
  readonly calls: string[] = [];
  readonly options: RigOptions;

  constructor(given: Partial<RigOptions> = {}) {
    const options = { ...DEFAULTS, ...given };
    this.options = options;
    const { clock, scheduler, folios } = options.memory ?? makeMemory(options.cachePages);
    this.clock = clock;
    this.scheduler = scheduler;
    this.folios = folios;
    this.mapping = new AddressSpace(folios, options.ops ?? this.#ops());
    this.inode = { ino: 1, size: options.size, mapping: this.mapping };
    this.mapping.attach(this.inode);
    const behaviour = { ...BEHAVIOUR, ...options.mm };
    this.readahead = new Readahead(behaviour);
    this.filemap = new Filemap(folios, scheduler, behaviour, this.readahead);
  }

  /** Opens the file. */
  open(): OpenFile {
    const { raPages, ioPages } = this.options;
    const { inode, mapping } = this;
    return { inode, mapping, ra: new FileRaState({ raPages, ioPages }), randomMode: false };
  }

  /** Runs a task to its end and lets what it started end too. */
  async run<T>(body: () => Task<T>): Promise<T> {
    const results: T[] = [];
    this.scheduler.spawn('test', function* () {
      results.push(yield* body());
    });
    await this.scheduler.run(() => results.length > 0);
    await this.scheduler.drain();
    return results[0] as T;
  }

  /** Reads through the page cache: the bytes, or the errno. */
  async read(file: OpenFile, position: number, count: number): Promise<Uint8Array | number> {
    const target = new Uint8Array(count);
    const got = await this.run(() => this.filemap.read(file, target, 0, count, position));
    return got < 0 ? got : target.subarray(0, got);
  }

  /**
   * Reads pages [from, to) in steps of `step` pages; each call with the page that was read, as in
   * `@4 12+16 m12`.
   */
  async sequential(file: OpenFile, step: number, from: number, to: number): Promise<string[]> {
    const seen: string[] = [];
    for (let page = from; page < to; page += step) {
      this.calls.length = 0;
      await this.read(file, page * PAGE_SIZE, step * PAGE_SIZE);
      seen.push(...this.calls.map((call) => `@${page} ${call}`));
    }
    return seen;
  }

  /** Puts a folio with its bytes in place, unlocked and with the flags given. */
  place(index: number, flags = PG_UPTODATE, order = 0): number {
    const pfn = this.folios.addLocked(this.mapping, index, order);
    this.fill(pfn);
    this.folios.set(pfn, flags);
    this.folios.unlock(pfn);
    this.folios.put(pfn);
    return pfn;
  }

  /** Writes the file's bytes into a folio. */
  fill(pfn: number): void {
    const { frames } = this.folios;
    const bytes = rigBytes(this.folios.indexOf(pfn) * PAGE_SIZE, this.folios.sizeOf(pfn));
    frames.memoryOf(pfn).set(bytes, frames.offsetOf(pfn));
  }

  /** Indices of the pages that are present. */
  present(): number[] {
    const pages: number[] = [];
    for (const pfn of this.mapping.range(0, Number.MAX_SAFE_INTEGER)) {
      const first = this.folios.indexOf(pfn);
      for (let i = 0; i < this.folios.pagesOf(pfn); i++) pages.push(first + i);
    }
    return pages;
  }

  /** What a read of a folio leaves behind. */
  finish(pfn: number): void {
    if (this.options.fails(this.folios.indexOf(pfn)) === 0) {
      this.fill(pfn);
      this.folios.set(pfn, PG_UPTODATE);
    }
    this.folios.unlock(pfn);
  }

  #ops(): AddressSpaceOps {
    const rig = this;
    return {
      *readahead(ractl) {
        rig.options.expand?.(ractl);
        rig.calls.push(rig.#windowText(ractl));
        const taken: number[] = [];
        while (taken.length < rig.options.takes) {
          const pfn = readaheadFolio(ractl);
          if (pfn < 0) break;
          rig.folios.put(pfn);
          taken.push(pfn);
        }
        const { latencyNs } = rig.options;
        const end = (): void => {
          for (const pfn of taken) rig.finish(pfn);
        };
        if (latencyNs === 0) end();
        else rig.scheduler.after(latencyNs, end);
      },
      *readpage(_file, pfn) {
        const index = rig.folios.indexOf(pfn);
        rig.calls.push(`RP ${index}`);
        if (rig.options.latencyNs > 0) yield* rig.scheduler.sleep(rig.options.latencyNs);
        rig.finish(pfn);
        return Math.min(0, rig.options.fails(index));
      },
    };
  }

  #windowText({ index, nrPages }: ReadaheadControl): string {
    const marked: number[] = [];
    for (let i = index; i < index + nrPages; i++) {
      if (this.folios.test(this.mapping.find(i), PG_READAHEAD)) marked.push(i);
    }
    return `${index}+${nrPages}${marked.map((i) => ` m${i}`).join('')}`;
  }
}
