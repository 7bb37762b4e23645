/**
 * What a disk cache was good for: follows each byte from the request that got it to the operation
 * that used it. Called by `run`, which ties it to the read helper and reports every operation.
 * docs/reference/accounting.md defines the figures; `trace hits` counts a capture in the same way,
 * and takes bytes read from the event that `record` leaves.
 */
import {
  ByteOrigins,
  type BytesRead,
  nothingRead,
  ORIGIN,
  type Origin,
} from '../../base/byte_origins.js';
import type { CacheCounters } from '../../cachefiles/types.js';
import type { Vnode } from '../../fs/types.js';
import { type ReadRequest, SREQ_COPY_TO_CACHE } from '../../netfs/objects.js';
import { DOWNLOAD_FROM_SERVER, FILL_WITH_ZEROES, READ_FROM_CACHE } from '../../netfs/types.js';
import { netfslabUse } from '../../trace/events/own.js';
import type { Tracer } from '../../trace/tracer.js';
import type { EndedOp } from '../../workload/job.js';

/** A hit rate from 0 to 1; null when there was nothing. Zeros are no data and count nowhere. */
export type Rate = number | null;

/** What a cache was good for; sizes in bytes. */
export interface CacheSummary {
  /** The same question over four denominators. */
  readonly hitRate: {
    readonly applicationBytes: Rate;
    readonly requests: Rate;
    readonly subrequests: Rate;
    readonly deviceBytes: Rate;
  };
  /** What the application read through the page cache, by origin. */
  readonly application: Readonly<BytesRead>;
  /** What it read past the page cache (O_DIRECT). */
  readonly directBytes: number;
  /** Requests all of whose data the cache had, some, or none; `zero`: that needed no data. */
  readonly requests: Readonly<Record<'full' | 'partial' | 'miss' | 'zero', number>>;
  readonly subrequests: Readonly<Record<'READ' | 'DOWN' | 'ZERO', number>>;
  /** Bytes that slices got from the disk of the cache and from the server, used or not. */
  readonly device: Readonly<Record<'cache' | 'server', number>>;
  /** Fetched from server or disk cache and never used by the application. */
  readonly unusedBytes: number;
  /**
   * Downloaded and not kept: for want of room, because storing failed or the file changed, or read
   * past the cache.
   */
  readonly bypassedBytes: number;
  readonly storedBytes: number;
  readonly checksumFailures: number;
  readonly disagreements: number;
  readonly culled: number;
}

/** Follows the bytes of one run. */
export class CacheUse {
  /** Follows a request; for the lab's option of that name. */
  readonly obtained = (rreq: ReadRequest): void => this.#follow(rreq);
  readonly #files = new Map<string, ByteOrigins>();
  readonly #application = nothingRead();
  readonly #now: () => number;
  #direct = 0;
  readonly #requests = { full: 0, partial: 0, miss: 0, zero: 0 };
  readonly #subrequests = { READ: 0, DOWN: 0, ZERO: 0 };
  readonly #device = { cache: 0, server: 0 };
  #unused = 0;
  #bypassed = 0;

  /** `now`: nanoseconds of the clock by which operations are timed. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** An operation of the application has ended. */
  used(op: Pick<EndedOp, 'file' | 'offset' | 'result' | 'write' | 'start' | 'end' | 'direct'>) {
    const { file, offset, result, write, start, end, direct } = op;
    if (result <= 0) return;
    if (direct) {
      if (!write) this.#direct += result;
    } else if (write) {
      this.#unused += this.#file(file.name).bring(offset, offset + result, ORIGIN.written, end);
    } else this.#file(file.name).read(offset, offset + result, start, this.#application);
  }

  /** Leaves in a trace what no event of a kernel tells. */
  record(tracer: Tracer): void {
    const { memory, cache, server, zero, shared, written } = this.#application;
    netfslabUse.emit(tracer, memory, cache, server, zero, shared, written);
  }

  /** The outcome; `unstored` is what the cache failed to store. */
  summary(cache: CacheCounters, unstored: number): CacheSummary {
    const { memory, shared, cache: cached, server, written } = this.#application;
    const { full, partial, miss } = this.#requests;
    const { READ, DOWN } = this.#subrequests;
    const unused = [...this.#files.values()].reduce(
      (sum, file) => sum + file.unused(),
      this.#unused,
    );
    const direct = this.#direct;
    return {
      hitRate: {
        applicationBytes: rate(memory + written + cached, server + shared + direct),
        requests: rate(full, partial + miss),
        subrequests: rate(READ, DOWN),
        deviceBytes: rate(this.#device.cache, this.#device.server + direct),
      },
      application: this.#application,
      directBytes: direct,
      requests: this.#requests,
      subrequests: this.#subrequests,
      device: { ...this.#device, server: this.#device.server + direct },
      unusedBytes: unused,
      bypassedBytes: this.#bypassed + direct + unstored + cache.outdatedBytes,
      storedBytes: cache.writtenBytes,
      checksumFailures: cache.checksumFailures,
      disagreements: cache.disagreements,
      culled: cache.culled,
    };
  }

  #follow(rreq: ReadRequest): void {
    const name = (rreq.inode as Vnode).name;
    const file = this.#file(name);
    const now = this.#now();
    const slices = { READ: 0, DOWN: 0, ZERO: 0 };
    for (const { source, cached, flags, ...slice } of rreq.subrequests) {
      let { start, transferred } = slice;
      let origin: Origin = ORIGIN.zero;
      if (source === READ_FROM_CACHE) {
        slices.READ++;
        origin = ORIGIN.cache;
        this.#device.cache += transferred;
      } else if (source === DOWNLOAD_FROM_SERVER) {
        slices.DOWN++;
        origin = ORIGIN.server;
        // What the cache gave before it failed is not asked for again.
        const kept = Math.min(cached, transferred);
        this.#unused += file.bring(start, start + kept, ORIGIN.cache, now);
        start += kept;
        transferred -= kept;
        this.#device.cache += kept;
        this.#device.server += transferred;
        if ((flags & SREQ_COPY_TO_CACHE) === 0) this.#bypassed += transferred;
      } else if (source === FILL_WITH_ZEROES) slices.ZERO++;
      else continue;
      this.#unused += file.bring(start, start + transferred, origin, now);
    }
    this.#countRequest(slices);
  }

  #countRequest({ READ, DOWN, ZERO }: CacheSummary['subrequests']): void {
    this.#subrequests.READ += READ;
    this.#subrequests.DOWN += DOWN;
    this.#subrequests.ZERO += ZERO;
    if (DOWN > 0) this.#requests[READ > 0 ? 'partial' : 'miss']++;
    else if (READ > 0) this.#requests.full++;
    else if (ZERO > 0) this.#requests.zero++;
  }

  #file(name: string): ByteOrigins {
    let file = this.#files.get(name);
    if (file === undefined) {
      file = new ByteOrigins();
      this.#files.set(name, file);
    }
    return file;
  }
}

function rate(hits: number, misses: number): Rate {
  return hits + misses === 0 ? null : hits / (hits + misses);
}
