/**
 * What a disk cache was good for: follows each page from the request that got it to the operation
 * that used it. Called by `run`, which ties it to the read helper and reports every operation.
 *
 * The four denominators of a hit rate are defined here. `trace hits` counts requests, slices and
 * the bytes they moved in the same way; bytes read it takes from the event that `record` leaves.
 */
import { PAGE_SIZE, pageIndex, pagesFor } from '../base/range.js';
import type { CacheCounters } from '../cachefiles/types.js';
import type { Vnode } from '../fs/types.js';
import { type ReadRequest, SREQ_COPY_TO_CACHE } from '../netfs/objects.js';
import { DOWNLOAD_FROM_SERVER, FILL_WITH_ZEROES, READ_FROM_CACHE } from '../netfs/types.js';
import { netfslabUse } from '../trace/events/own.js';
import type { Tracer } from '../trace/tracer.js';
import type { EndedOp } from '../workload/job.js';

/** A hit rate: the part that did not need the server, null when there was nothing. */
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
  /** What the application read, by where it came from when it was first used. */
  readonly application: Readonly<Record<'pageCache' | 'cache' | 'server' | 'zero', number>>;
  /** Requests all of whose data the cache had, some, or none; `zero`: that needed no data. */
  readonly requests: Readonly<Record<'full' | 'partial' | 'miss' | 'zero', number>>;
  readonly subrequests: Readonly<Record<'READ' | 'DOWN' | 'ZERO', number>>;
  /** Bytes that slices got from the disk of the cache and from the server, used or not. */
  readonly device: Readonly<Record<'cache' | 'server', number>>;
  /** Obtained and never used by the application, up to the page cache's dropping it. */
  readonly unusedBytes: number;
  /** Downloaded and not kept: for want of room, because storing failed or the file changed. */
  readonly bypassedBytes: number;
  readonly storedBytes: number;
  readonly checksumFailures: number;
  readonly disagreements: number;
  readonly culled: number;
}

/** Where a page came from, while nobody has used it; then `USED`. */
const FROM_SERVER = 1;
const FROM_CACHE = 2;
const USED = 3;
const ZEROED = 4;

const ORIGINS: Readonly<Record<number, keyof CacheSummary['application']>> = {
  [FROM_SERVER]: 'server',
  [FROM_CACHE]: 'cache',
  [ZEROED]: 'zero',
};

/** Follows the pages of one run. */
export class CacheUse {
  /** Follows a request; for the lab's option of that name. */
  readonly obtained = (rreq: ReadRequest): void => this.#follow(rreq);
  readonly #pages = new Map<string, Uint8Array>();
  readonly #application = { pageCache: 0, cache: 0, server: 0, zero: 0 };
  readonly #requests = { full: 0, partial: 0, miss: 0, zero: 0 };
  readonly #subrequests = { READ: 0, DOWN: 0, ZERO: 0 };
  readonly #device = { cache: 0, server: 0 };
  #unusedPages = 0;
  #bypassed = 0;

  /** An operation of the application has ended. */
  used({ file, offset, result }: Pick<EndedOp, 'file' | 'offset' | 'result'>): void {
    const pages = this.#pagesOf(file.name, pagesFor(offset + Math.max(0, result)));
    const end = offset + result;
    for (let at = offset; at < end; ) {
      const index = pageIndex(at);
      const stop = Math.min(end, (index + 1) * PAGE_SIZE);
      this.#application[ORIGINS[pages[index] ?? 0] ?? 'pageCache'] += stop - at;
      pages[index] = USED;
      at = stop;
    }
  }

  /** Leaves in a trace what no event of a kernel tells. */
  record(tracer: Tracer): void {
    const { pageCache, cache, server, zero } = this.#application;
    netfslabUse.emit(tracer, pageCache, cache, server, zero);
  }

  /** The outcome; `unstored` is what the cache failed to store. */
  summary(cache: CacheCounters, unstored: number): CacheSummary {
    const { pageCache, cache: cached, server, zero } = this.#application;
    const { full, partial, miss, zero: empty } = this.#requests;
    const { READ, DOWN, ZERO } = this.#subrequests;
    let unused = this.#unusedPages;
    for (const pages of this.#pages.values()) {
      for (const state of pages) if (state === FROM_SERVER || state === FROM_CACHE) unused++;
    }
    return {
      hitRate: {
        applicationBytes: rate(pageCache + cached + zero, server),
        requests: rate(full + empty, partial + miss),
        subrequests: rate(READ + ZERO, DOWN),
        deviceBytes: rate(this.#device.cache, this.#device.server),
      },
      application: this.#application,
      requests: this.#requests,
      subrequests: this.#subrequests,
      device: this.#device,
      unusedBytes: unused * PAGE_SIZE,
      bypassedBytes: this.#bypassed + unstored + cache.outdatedBytes,
      storedBytes: cache.writtenBytes,
      checksumFailures: cache.checksumFailures,
      disagreements: cache.disagreements,
      culled: cache.culled,
    };
  }

  #follow(rreq: ReadRequest): void {
    const name = (rreq.inode as Vnode).name;
    const pages = this.#pagesOf(name, pagesFor(rreq.start + rreq.len));
    const slices = { READ: 0, DOWN: 0, ZERO: 0 };
    for (const { source, start, transferred, flags } of rreq.subrequests) {
      let state = ZEROED;
      if (source === READ_FROM_CACHE) {
        slices.READ++;
        state = FROM_CACHE;
        this.#device.cache += transferred;
      } else if (source === DOWNLOAD_FROM_SERVER) {
        slices.DOWN++;
        state = FROM_SERVER;
        this.#device.server += transferred;
        if ((flags & SREQ_COPY_TO_CACHE) === 0) this.#bypassed += transferred;
      } else if (source === FILL_WITH_ZEROES) slices.ZERO++;
      else continue;
      for (let i = pageIndex(start); i < pagesFor(start + transferred); i++) {
        const before = pages[i];
        if (before === FROM_SERVER || before === FROM_CACHE) this.#unusedPages++;
        pages[i] = state;
      }
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

  #pagesOf(name: string, count: number): Uint8Array {
    const known = this.#pages.get(name);
    if (known !== undefined && known.length >= count) return known;
    const grown = new Uint8Array(Math.max(count, 2 * (known?.length ?? 8)));
    if (known !== undefined) grown.set(known);
    this.#pages.set(name, grown);
    return grown;
  }
}

function rate(hits: number, misses: number): Rate {
  return hits + misses === 0 ? null : hits / (hits + misses);
}
