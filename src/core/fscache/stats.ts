/**
 * Statistics of FS-Cache: only what is really kept. Counters of the object state machine of v5.13
 * (`Retrvls`, `Stores`, `Ops`, ...) are not played and not printed. Plays fs/fscache/stats.c.
 */
import type { FscacheValues } from '../trace/fscache_stats.js';
import type { BackendCounters, FscacheBehaviour } from './types.js';

/** Counters since the cache was bound; `cookies`, `volumes` and `lru` are gauges. */
export class FscacheStats {
  cookies = 0;
  volumes = 0;
  acquires = 0;
  lookups = 0;
  /** Look-ups that ended without an object. */
  lookupsFailed = 0;
  /** Cookies that keep an object though nobody uses them. */
  lru = 0;
  lruExpired = 0;
  lruRemoved = 0;
  lruDropped = 0;
  invalidates = 0;
  /** Of these, with an object to invalidate. */
  invalidatesRun = 0;
  updates = 0;
  resizes = 0;
  resizesNull = 0;
  relinquishes = 0;
  retired = 0;
  dropped = 0;
}

type Layout = (
  stats: FscacheStats,
  cache: BackendCounters | undefined,
  lruAt: number,
) => FscacheValues;

/** The values by `label.key`, in each layout; `lruAt` is the time to the next expiry, jiffies. */
export const FSCACHE_VALUES: Readonly<Record<FscacheBehaviour['statistics'], Layout>> = {
  objects: (stats, cache) => ({
    'Cookies.dat': stats.acquires,
    'ChkAux.ok': cache?.found ?? 0,
    'ChkAux.obs': cache?.stale ?? 0,
    'Acquire.n': stats.acquires,
    'Acquire.ok': stats.acquires,
    'Lookups.n': stats.lookups,
    'Lookups.pos': cache?.found ?? 0,
    'Lookups.crt': stats.lookups - stats.lookupsFailed - (cache?.found ?? 0),
    'Invals.n': stats.invalidates,
    'Invals.run': stats.invalidatesRun,
    'Relinqs.n': stats.relinquishes,
    'Relinqs.rtr': stats.retired,
    'CacheEv.nsp': cache?.noSpaceToCreate ?? 0,
    'CacheEv.stl': cache?.stale ?? 0,
    'CacheEv.rtr': stats.retired,
    'CacheEv.cul': cache?.culled ?? 0,
  }),
  cookies: (stats, cache, lruAt) => ({
    'Cookies.n': stats.cookies,
    'Cookies.v': stats.volumes,
    'Acquire.n': stats.acquires,
    'Acquire.ok': stats.acquires,
    'LRU.n': stats.lru,
    'LRU.exp': stats.lruExpired,
    'LRU.rmv': stats.lruRemoved,
    'LRU.drp': stats.lruDropped,
    'LRU.at': lruAt,
    'Invals.n': stats.invalidates,
    'Updates.n': stats.updates,
    'Updates.rsz': stats.resizes,
    'Updates.rsn': stats.resizesNull,
    'Relinqs.n': stats.relinquishes,
    'Relinqs.rtr': stats.retired,
    'Relinqs.drop': stats.dropped,
    'NoSpace.nwr': cache?.noSpace ?? 0,
    'NoSpace.ncr': cache?.noSpaceToCreate ?? 0,
    'NoSpace.cull': cache?.culled ?? 0,
    'IO.rd': cache?.reads ?? 0,
    'IO.wr': cache?.writes ?? 0,
  }),
};
