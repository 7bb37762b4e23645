/**
 * A cache in memory for tests of the read helper. It answers the table of cache operations as
 * cachefiles does (BEHAVIOUR 4.3 to 4.5) from the bytes it holds, and can be told to fail, to be
 * short, to refuse, and to answer inside the call or later. It emits no event: what a trace shows,
 * the helper did.
 */
import type { ExecutionContext } from 'ava';
import { ENOBUFS } from '../../src/core/base/errno.js';
import { PAGE_SIZE, roundDown, roundUp } from '../../src/core/base/range.js';
import type { LabOptions } from '../../src/core/lab/options.js';
import type { IovIter } from '../../src/core/mm/iov_iter.js';
import {
  type ReadRequest,
  SREQ_COPY_TO_CACHE,
  type Subrequest,
} from '../../src/core/netfs/objects.js';
import {
  type ByteRange,
  type CacheOps,
  type CacheResources,
  type CacheShare,
  DOWNLOAD_FROM_SERVER,
  FILL_WITH_ZEROES,
  READ_FROM_CACHE,
  type Source,
  type Terminated,
} from '../../src/core/netfs/types.js';
import type { Scheduler } from '../../src/core/sim/scheduler.js';
import type { Task } from '../../src/core/sim/wait_queue.js';
import { makeLab, type TestLab } from './lab.js';

/** One operation as the cache was asked for it, numbered from 0 among its kind. */
export interface CacheIo {
  readonly number: number;
  readonly start: number;
  readonly len: number;
  /** Of a read: look for data first. */
  readonly seekData: boolean;
}

/**
 * What a test cache can be told. Faults give undefined (all is well), bytes (short) or a negative
 * errno.
 */
export interface TestCacheOptions {
  /** Number printed as `c=`. */
  readonly cookie: number;
  /** Block size of the backing filesystem: at most a page. */
  readonly blockSize: number;
  /** Readahead is expanded to multiples of this; 0 = the operation is absent, as in cachefiles. */
  readonly granule: number;
  readonly reads: 'sync' | 'async';
  readonly writes: 'sync' | 'async';
  /** Time an asynchronous operation takes, and prepare_read if it is not 0. */
  readonly delayNs: () => number;
  readonly prepareDelayNs: number;
  /** 0, or why there is no cache for a request. */
  readonly onBegin: (rreq: ReadRequest) => number;
  readonly onRead: (io: CacheIo) => number | undefined;
  readonly onWrite: (io: CacheIo) => number | undefined;
  /** True: prepare_write refuses with -ENOBUFS. */
  readonly refuse: () => boolean;
  readonly hasSpace: () => boolean;
  /** What is_still_valid says; undefined = the operation is absent. */
  readonly isStillValid: (() => boolean) | undefined;
  /** A source that prepare_read gives without looking. */
  readonly choose: (subreq: Subrequest) => Source | undefined;
  /**
   * A run of data shorter than a block gives a READ of nothing, as in v5.13 (row 9 of the table).
   */
  readonly emptyReads: boolean;
}

const DEFAULTS: TestCacheOptions = {
  cookie: 0xa,
  blockSize: PAGE_SIZE,
  granule: 0,
  reads: 'sync',
  writes: 'sync',
  delayNs: () => 1000,
  prepareDelayNs: 0,
  onBegin: () => 0,
  onRead: () => undefined,
  onWrite: () => undefined,
  refuse: () => false,
  hasSpace: () => true,
  isStillValid: undefined,
  choose: () => undefined,
  emptyReads: false,
};

/** A backing file: its bytes (zeros in holes) and which of them are data. */
class BackingFile {
  /** Both with room to grow into; behind `size` there are zeros. */
  #bytes: Buffer = Buffer.alloc(0);
  #isData: Buffer = Buffer.alloc(0);
  #size = 0;

  /** Position of the first data at or after `from`, -1 when there is none (-ENXIO). */
  seekData(from: number): number {
    return this.#isData.indexOf(1, from);
  }

  /** Position of the first hole at or after `from`; the end of the file is one. */
  seekHole(from: number): number {
    const hole = this.#isData.indexOf(0, from);
    return hole < 0 ? this.#size : hole;
  }

  store(at: number, bytes: Uint8Array): void {
    const end = at + bytes.length;
    if (end > this.#bytes.length) {
      this.#bytes = grown(this.#bytes, end);
      this.#isData = grown(this.#isData, end);
    }
    this.#size = Math.max(this.#size, end);
    this.#bytes.set(bytes, at);
    this.#isData.fill(1, at, end);
  }

  slice(at: number, end: number): Buffer {
    return this.#bytes.subarray(at, Math.min(end, this.#size));
  }
}

// Twice as large, so that a file stored piece by piece is copied a few times only.
function grown(buffer: Buffer, needed: number): Buffer {
  const larger = Buffer.alloc(Math.max(needed, 2 * buffer.length));
  larger.set(buffer);
  return larger;
}

/** What a request holds of the cache, in `cache.priv`. */
interface Held {
  readonly file: BackingFile;
  ended: boolean;
}

/** A cache in memory. */
export class TestCache {
  /** What the client needs: the lab option `cache`. */
  readonly share: CacheShare;
  /** Operations begun and ended. */
  begun = 0;
  ended = 0;
  /** What was asked, in order. */
  readonly reads: CacheIo[] = [];
  readonly writes: CacheIo[] = [];
  readonly #options: TestCacheOptions;
  readonly #files = new Map<number, BackingFile>();
  readonly #ops: CacheOps;
  #scheduler: Scheduler | undefined;

  constructor(options: Partial<TestCacheOptions> = {}) {
    this.#options = { ...DEFAULTS, ...options };
    this.#ops = this.#makeOps();
    const { isStillValid } = this.#options;
    this.share = {
      isCacheEnabled: () => true,
      beginCacheOperation: (rreq) => this.#begin(rreq),
      ...(isStillValid !== undefined && { isStillValid: () => isStillValid() }),
    };
  }

  /** Ties the cache to the lab whose time its answers take. */
  attach(scheduler: Scheduler): void {
    this.#scheduler = scheduler;
  }

  /** Puts bytes into the backing file of an inode. */
  fill(ino: number, at: number, bytes: Uint8Array): void {
    this.#fileOf(ino).store(at, bytes);
  }

  /** The bytes [start, end) that the cache holds of an inode. */
  content(ino: number, start: number, end: number): Buffer {
    return this.#fileOf(ino).slice(start, end);
  }

  #fileOf(ino: number): BackingFile {
    let file = this.#files.get(ino);
    if (file === undefined) {
      file = new BackingFile();
      this.#files.set(ino, file);
    }
    return file;
  }

  *#begin(rreq: ReadRequest): Task<number> {
    const refused = this.#options.onBegin(rreq);
    if (refused < 0) return refused;
    this.begun++;
    const held: Held = { file: this.#fileOf(rreq.inode.ino), ended: false };
    rreq.cache.ops = this.#ops;
    rreq.cache.priv = held;
    rreq.cache.debugId = this.#options.cookie;
    return 0;
  }

  #makeOps(): CacheOps {
    const { granule, refuse } = this.#options;
    return {
      endOperation: (cres) => {
        this.#heldBy(cres).ended = true;
        this.ended++;
      },
      read: (cres, start, iter, seekData, done) => this.#read(cres, start, iter, seekData, done),
      write: (cres, start, iter, done) => this.#write(cres, start, iter, done),
      ...(granule > 0 && {
        expandReadahead: (_cres: CacheResources, range: ByteRange) => {
          const end = roundUp(range.start + range.len, granule);
          range.start = roundDown(range.start, granule);
          range.len = end - range.start;
        },
      }),
      prepareRead: (subreq, iSize) => this.#prepareRead(subreq, iSize),
      prepareWrite: function* (subreq) {
        if (refuse()) return -ENOBUFS;
        const end = roundUp(subreq.start + subreq.len, PAGE_SIZE);
        subreq.start = roundDown(subreq.start, PAGE_SIZE);
        subreq.len = end - subreq.start;
        return 0;
      },
    };
  }

  #heldBy(cres: CacheResources): Held {
    const held = cres.priv as Held;
    if (held.ended) throw new Error('a cache operation was used after its end');
    return held;
  }

  *#prepareRead(subreq: Subrequest, iSize: number): Task<Source> {
    const { prepareDelayNs, choose } = this.#options;
    if (prepareDelayNs > 0) yield* this.#clock.sleep(prepareDelayNs);
    return choose(subreq) ?? this.#chooseSource(subreq, iSize);
  }

  // The rows of the table of BEHAVIOUR 4.3, end of file first.
  #chooseSource(subreq: Subrequest, iSize: number): Source {
    const { blockSize, emptyReads } = this.#options;
    const { start } = subreq;
    const end = start + subreq.len;
    const { file } = this.#heldBy(subreq.rreq.cache);
    if (start >= iSize) return FILL_WITH_ZEROES;
    const data = file.seekData(start);
    if (data < 0 || data >= end) return this.#download(subreq);
    if (data > start) {
      subreq.len = roundUp(data, blockSize) - start;
      return this.#download(subreq);
    }
    const hole = file.seekHole(start);
    if (hole >= end) return READ_FROM_CACHE;
    subreq.len = (end >= iSize ? roundUp(hole, blockSize) : roundDown(hole, blockSize)) - start;
    if (subreq.len > 0 || emptyReads) return READ_FROM_CACHE;
    subreq.len = Math.min(roundUp(hole, blockSize), end) - start;
    return this.#download(subreq);
  }

  #download(subreq: Subrequest): Source {
    if (this.#options.hasSpace()) subreq.flags |= SREQ_COPY_TO_CACHE;
    return DOWNLOAD_FROM_SERVER;
  }

  #read(
    cres: CacheResources,
    start: number,
    iter: IovIter,
    seekData: boolean,
    done: Terminated,
  ): void {
    const { file } = this.#heldBy(cres);
    const io = { number: this.reads.length, start, len: iter.count, seekData };
    this.reads.push(io);
    const fault = this.#options.onRead(io);
    this.#answer(this.#options.reads, (wasAsync) => {
      const failed = fault !== undefined && fault < 0;
      const result = failed ? fault : readFrom(file, io, iter, fault ?? iter.count);
      done(result, wasAsync);
    });
  }

  // The pages are copied when the write ends: only PG_fscache keeps them until then.
  #write(cres: CacheResources, start: number, iter: IovIter, done: Terminated): void {
    const { file } = this.#heldBy(cres);
    const io = { number: this.writes.length, start, len: iter.count, seekData: false };
    if (start % PAGE_SIZE !== 0 || io.len % PAGE_SIZE !== 0 || io.len === 0) {
      throw new Error(`a cache write of ${io.len} bytes at ${start} is not direct I/O`);
    }
    this.writes.push(io);
    const fault = this.#options.onWrite(io);
    this.#answer(this.#options.writes, (wasAsync) => {
      const bytes = Buffer.alloc(io.len);
      iter.copyOut(bytes);
      const stored = Math.min(io.len, fault ?? io.len);
      if (stored > 0) file.store(start, bytes.subarray(0, stored));
      done(stored, wasAsync);
    });
  }

  #answer(how: 'sync' | 'async', answer: (wasAsync: boolean) => void): void {
    if (how === 'sync') answer(false);
    else this.#clock.after(this.#options.delayNs(), () => answer(true));
  }

  get #clock(): Scheduler {
    if (this.#scheduler === undefined) throw new Error('the test cache is attached to no lab');
    return this.#scheduler;
  }
}

// BEHAVIOUR 4.4: with `seekData` a hole in front of the data is zeroed and counts as read.
function readFrom(file: BackingFile, io: CacheIo, iter: IovIter, most: number): number {
  let skipped = 0;
  if (io.seekData) {
    const data = file.seekData(io.start);
    skipped = data < 0 ? io.len : Math.min(data - io.start, io.len);
    iter.zero(skipped);
  }
  const from = io.start + skipped;
  const bytes = file.slice(from, io.start + Math.max(skipped, Math.min(io.len, most)));
  iter.copyIn(bytes);
  return skipped + bytes.length;
}

/** A lab with a test cache. */
export function makeCachedLab(
  t: ExecutionContext,
  files: Record<string, number>,
  cacheOptions: Partial<TestCacheOptions> = {},
  options: Partial<LabOptions> = {},
): TestLab & { cache: TestCache } {
  const cache = new TestCache(cacheOptions);
  const made = makeLab(t, files, { ...options, cache: cache.share });
  cache.attach(made.lab.scheduler);
  return { ...made, cache };
}
