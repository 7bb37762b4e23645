/**
 * Counters of the cookie layer: only what is really kept. Those of the old object state machine
 * (`Retrvls`, `Stores`, `Ops`, ...) are not played and not printed. Plays fs/fscache/stats.c.
 */
import type { FscacheValues } from '../trace/fscache_stats.js';
import type { BackendCounters } from './types.js';

/** Counters since the cache was bound; `cookies` and `unused` are gauges. */
export class FscacheStats {
  /** Cookies alive. */
  cookies = 0;
  /** Cookies that keep an object open though nobody uses them. */
  unused = 0;
  acquires = 0;
  lookups = 0;
  /** Look-ups that ended without an object. */
  lookupsFailed = 0;
  invalidations = 0;
  /** Of these, with an object to invalidate. */
  invalidationsRun = 0;
  relinquishes = 0;
  retired = 0;
  /** Requests that asked for the cache, and those that went on without it. */
  begins = 0;
  beginsRefused = 0;
}

/** The statistics by `label.key`, of all eras; an era prints those that it has. */
export function fscacheValues(stats: FscacheStats, cache: BackendCounters): FscacheValues {
  const made = stats.lookups - stats.lookupsFailed - cache.found;
  return {
    'Cookies.dat': stats.acquires,
    'Cookies.n': stats.cookies,
    'ChkAux.ok': cache.found,
    'ChkAux.obs': cache.stale,
    'Acquire.n': stats.acquires,
    'Acquire.ok': stats.acquires,
    'Lookups.n': stats.lookups,
    'Lookups.pos': cache.found,
    'Lookups.crt': made,
    'LRU.n': stats.unused,
    'Invals.n': stats.invalidations,
    'Invals.run': stats.invalidationsRun,
    'Relinqs.n': stats.relinquishes,
    'Relinqs.rtr': stats.retired,
    'NoSpace.nwr': cache.noSpace,
    'NoSpace.ncr': cache.noSpaceToCreate,
    'NoSpace.cull': cache.culled,
    'IO.rd': cache.reads,
    'IO.wr': cache.writes,
    'CacheEv.nsp': cache.noSpaceToCreate,
    'CacheEv.stl': cache.stale,
    'CacheEv.rtr': stats.retired,
    'CacheEv.cul': cache.culled,
  };
}
