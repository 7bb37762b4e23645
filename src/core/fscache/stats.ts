/**
 * Counters of the cookie layer: only what is really kept. Those of the old object state machine
 * (`Retrvls`, `Stores`, `Ops`, ...) are not played and not printed.
 */

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
  relinquishes = 0;
  retired = 0;
  /** Requests that asked for the cache, and those that went on without it. */
  begins = 0;
  beginsRefused = 0;
}
