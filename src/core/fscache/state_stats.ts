/**
 * The statistics of FS-Cache from v5.17 on, counted by the cookies and by the cache below them.
 * Plays fs/fscache/stats.c.
 */
import type { CacheIoCounts } from './types.js';

/** Counters since the module was loaded; `cookies`, `volumes` and `lru` are gauges. */
export class StateStats {
  cookies = 0;
  volumes = 0;
  acquires = 0;
  lru = 0;
  lruExpired = 0;
  lruRemoved = 0;
  lruDropped = 0;
  invalidates = 0;
  updates = 0;
  resizes = 0;
  resizesNull = 0;
  relinquishes = 0;
  retired = 0;
  dropped = 0;

  /** The values by `label.key`, in printed order; `at` is the time to the next expiry, jiffies. */
  values(io: CacheIoCounts | undefined, at: number): Record<string, number> {
    return {
      'Cookies.n': this.cookies,
      'Cookies.v': this.volumes,
      'Acquire.n': this.acquires,
      'Acquire.ok': this.acquires,
      'LRU.n': this.lru,
      'LRU.exp': this.lruExpired,
      'LRU.rmv': this.lruRemoved,
      'LRU.drp': this.lruDropped,
      'LRU.at': at,
      'Invals.n': this.invalidates,
      'Updates.n': this.updates,
      'Updates.rsz': this.resizes,
      'Updates.rsn': this.resizesNull,
      'Relinqs.n': this.relinquishes,
      'Relinqs.rtr': this.retired,
      'Relinqs.drop': this.dropped,
      'NoSpace.nwr': io?.noWriteSpace ?? 0,
      'NoSpace.ncr': io?.noCreateSpace ?? 0,
      'NoSpace.cull': io?.culled ?? 0,
      'IO.rd': io?.reads ?? 0,
      'IO.wr': io?.writes ?? 0,
    };
  }
}
