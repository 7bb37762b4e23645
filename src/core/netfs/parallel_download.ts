/**
 * Several server operations in flight for one reader: a readahead window that continues the one
 * before it is widened to as many units as there are streams, and sliced into units, which are
 * fetched at once. The reader gets them in order, because a request's pages are unlocked together.
 * Put around a client's request operations by the read helper; the kernel's patchset names this as
 * a use of expand_readahead and clamp_length, and has none of it.
 */
import type { Inode } from '../mm/types.js';
import type { Clock } from '../sim/clock.js';
import type { ReadRequest } from './objects.js';
import { type ByteRange, DOWNLOAD_FROM_SERVER, type RequestOps } from './types.js';

/** How many streams: a number, or as many as make it faster. */
export type ParallelCount = number | 'auto';

/** What the streams are built from; bytes. */
export interface ParallelSettings {
  readonly count: ParallelCount;
  /** What one stream fetches at a time. */
  readonly unit: number;
  /** Most that may be in flight. */
  readonly limit: number;
}

/** Most streams that `auto` comes to. */
const STREAMS_MAX = 64;
/** Requests that are measured before the number of streams is judged. */
const SAMPLE = 2;
/** ParallelDownload that `auto` begins with. */
const STREAMS_FIRST = 4;
/** How much faster twice as many must be to be kept. */
const GAIN = 1.15;
/** Requests until more streams are tried again after they were of no use. */
const REST = 64;
/** A request that takes this many times the shortest waits for bandwidth, not for latency. */
const CROWDED = 4;

/**
 * Finds the number of streams: twice as many as long as that raises the throughput and requests do
 * not queue for the server.
 */
export class ParallelTuner {
  #count: number;
  readonly #most: number;
  /** Requests still to come before the next trial. */
  #rest = 0;
  #samples = 0;
  #bytes = 0;
  #since = 0;
  /** Bytes per ns with half as many streams; 0 before the first measurement. */
  #before = 0;
  /** Shortest and latest time of a request, ns. */
  #shortest = Number.POSITIVE_INFINITY;
  #latest = 0;

  constructor(most: number) {
    this.#most = Math.max(1, Math.min(STREAMS_MAX, most));
    this.#count = Math.min(STREAMS_FIRST, this.#most);
  }

  /** ParallelDownload to be used now. */
  get count(): number {
    return this.#count;
  }

  /** A request of `bytes` bytes lasted from `began` to `now`, ns. */
  ended(bytes: number, began: number, now: number): void {
    this.#latest = now - began;
    this.#shortest = Math.min(this.#shortest, this.#latest);
    if (this.#rest > 0) {
      if (--this.#rest === 0) this.#restart(now);
      return;
    }
    // The first request of a trial was sent before it.
    if (this.#samples++ === 0) {
      this.#since = now;
      this.#bytes = 0;
      return;
    }
    this.#bytes += bytes;
    if (this.#samples > SAMPLE) this.#judge(now);
  }

  #judge(now: number): void {
    const rate = this.#bytes / Math.max(1, now - this.#since);
    if (this.#before > 0 && rate < this.#before * GAIN) {
      this.#count = Math.max(1, this.#count >> 1);
      this.#rest = REST;
      return;
    }
    const crowded = this.#latest > CROWDED * this.#shortest;
    if (crowded || this.#count * 2 > this.#most) {
      this.#rest = REST;
      return;
    }
    this.#before = rate;
    this.#count *= 2;
    this.#samples = 0;
  }

  #restart(now: number): void {
    this.#samples = 0;
    this.#before = 0;
    this.#since = now;
  }
}

/** The streams of one read helper. */
export class ParallelDownload {
  readonly #settings: ParallelSettings;
  readonly #tuner: ParallelTuner | undefined;
  readonly #clock: Clock;
  /** Where the last window of a file ended. */
  readonly #ends = new WeakMap<Inode, number>();
  readonly #began = new WeakMap<ReadRequest, number>();
  readonly #made = new Map<RequestOps, RequestOps>();

  constructor(settings: ParallelSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
    const most = Math.floor(settings.limit / settings.unit);
    this.#tuner = settings.count === 'auto' ? new ParallelTuner(most) : undefined;
  }

  /** ParallelDownload in use now. */
  get count(): number {
    return this.#tuner?.count ?? (this.#settings.count as number);
  }

  /** The operations of a client, with streams. */
  around(ops: RequestOps): RequestOps {
    const known = this.#made.get(ops);
    if (known !== undefined) return known;
    const made = this.#make(ops);
    this.#made.set(ops, made);
    return made;
  }

  #make(ops: RequestOps): RequestOps {
    const { unit } = this.#settings;
    return {
      ...ops,
      initRreq: (rreq, file) => {
        ops.initRreq(rreq, file);
        if (this.#tuner !== undefined) this.#began.set(rreq, this.#clock.now());
      },
      expandReadahead: (rreq, range) => {
        ops.expandReadahead?.(rreq, range);
        this.#expand(rreq, range);
      },
      clampLength: (subreq) => {
        if (ops.clampLength?.(subreq) === false) return false;
        subreq.len = Math.min(subreq.len, unit);
        return true;
      },
      done: (rreq) => {
        this.#ended(rreq);
        ops.done?.(rreq);
      },
    };
  }

  // Only a window that goes on where the last one ended: of random reads nothing is read ahead.
  #expand({ inode, iSize }: ReadRequest, range: ByteRange): void {
    const { unit, limit } = this.#settings;
    if (this.#ends.get(inode) === range.start) {
      const wanted = Math.min(this.count * unit, limit, iSize - range.start);
      range.len = Math.max(range.len, wanted);
    }
    this.#ends.set(inode, range.start + range.len);
  }

  #ended(rreq: ReadRequest): void {
    const began = this.#began.get(rreq);
    if (began === undefined || rreq.origin !== 'readahead' || rreq.len < this.#settings.unit)
      return;
    const downloaded = rreq.subrequests.every(({ source }) => source === DOWNLOAD_FROM_SERVER);
    if (downloaded) this.#tuner?.ended(rreq.len, began, this.#clock.now());
  }
}
