/**
 * What a disk cache was good for: follows each page from the request that got it to the operation
 * that used it. Called by `run`, which ties it to the read helper and reports every operation.
 */
import { PAGE_SIZE, pageIndex, pagesFor } from '../base/range.js';
import type { CacheCounters } from '../cachefiles/types.js';
import type { Vnode } from '../fs/types.js';
import { type ReadRequest, SREQ_WRITE_TO_CACHE } from '../netfs/objects.js';
import { DOWNLOAD_FROM_SERVER, READ_FROM_CACHE } from '../netfs/types.js';
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
  readonly application: Readonly<Record<'pageCache' | 'cache' | 'server', number>>;
  /** Requests all of whose data the cache had, some, or none. */
  readonly requests: Readonly<Record<'full' | 'partial' | 'miss', number>>;
  readonly subrequests: Readonly<Record<'READ' | 'DOWN', number>>;
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

/** Follows the pages of one run. */
export class CacheUse {
  /** Follows a request; for the lab's option of that name. */
  readonly obtained = (rreq: ReadRequest): void => this.#follow(rreq);
  readonly #pages = new Map<string, Uint8Array>();
  readonly #application = { pageCache: 0, cache: 0, server: 0 };
  readonly #requests = { full: 0, partial: 0, miss: 0 };
  readonly #subrequests = { READ: 0, DOWN: 0 };
  #unusedPages = 0;
  #bypassed = 0;

  /** An operation of the application has ended. */
  used({ file, offset, result }: Pick<EndedOp, 'file' | 'offset' | 'result'>): void {
    const pages = this.#pagesOf(file.name, pagesFor(offset + Math.max(0, result)));
    const end = offset + result;
    for (let at = offset; at < end; ) {
      const index = pageIndex(at);
      const stop = Math.min(end, (index + 1) * PAGE_SIZE);
      const from = pages[index];
      const source = from === FROM_SERVER ? 'server' : from === FROM_CACHE ? 'cache' : 'pageCache';
      this.#application[source] += stop - at;
      pages[index] = USED;
      at = stop;
    }
  }

  /** The outcome; `sent` is what the server sent, `unstored` what the cache failed to store. */
  summary(cache: CacheCounters, sent: number, unstored: number): CacheSummary {
    const { pageCache, cache: cached, server } = this.#application;
    const { full, partial, miss } = this.#requests;
    const { READ, DOWN } = this.#subrequests;
    let unused = this.#unusedPages;
    for (const pages of this.#pages.values()) {
      for (const state of pages) if (state === FROM_SERVER || state === FROM_CACHE) unused++;
    }
    return {
      hitRate: {
        applicationBytes: rate(pageCache + cached, server),
        requests: rate(full, partial + miss),
        subrequests: rate(READ, DOWN),
        deviceBytes: rate(cache.readBytes, sent),
      },
      application: this.#application,
      requests: this.#requests,
      subrequests: this.#subrequests,
      device: { cache: cache.readBytes, server: sent },
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
    let read = 0;
    let down = 0;
    for (const { source, start, transferred, flags } of rreq.subrequests) {
      if (source === READ_FROM_CACHE) read++;
      else if (source === DOWNLOAD_FROM_SERVER) down++;
      else continue;
      if (source === DOWNLOAD_FROM_SERVER && (flags & SREQ_WRITE_TO_CACHE) === 0) {
        this.#bypassed += transferred;
      }
      const state = source === READ_FROM_CACHE ? FROM_CACHE : FROM_SERVER;
      for (let i = pageIndex(start); i < pagesFor(start + transferred); i++) {
        const before = pages[i];
        if (before === FROM_SERVER || before === FROM_CACHE) this.#unusedPages++;
        pages[i] = state;
      }
    }
    this.#subrequests.READ += read;
    this.#subrequests.DOWN += down;
    if (read + down === 0) return;
    this.#requests[down === 0 ? 'full' : read === 0 ? 'miss' : 'partial']++;
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
