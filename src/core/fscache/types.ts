/**
 * Where the cookie side (fscache) and a cache that keeps data (cachefiles) meet. Network
 * filesystems talk to cookies; only cookies talk to a backend.
 */
import type { CacheResources } from '../netfs/types.js';

/** What a backend must know of a cookie to find its object. */
export interface CookieIdentity {
  /** Group of the cookie: one per mounted server. */
  readonly volume: string;
  /** Names the file within the volume. */
  readonly key: string;
  /** Coherency data: content of another version is not this file's. */
  readonly aux: string;
  /** Bytes. */
  readonly size: number;
  /** What people call the file; not part of what it is. */
  readonly name: string;
}

/** What stands behind a cookie in a cache. */
export interface CacheObject {
  /** Printed as `c=` up to v5.16 and as `o=` later. */
  readonly debugId: number;
}

/** A cache. */
export interface CacheBackend {
  /**
   * Finds the object of a cookie or makes one; a negative errno: there is none and can be none now.
   */
  lookup(cookie: CookieIdentity): CacheObject | number;
  /**
   * Fills in `cres` for one request, whose `endOperation` calls `ended`: 0, or -ENOBUFS when the
   * object cannot hold anything.
   */
  beginOperation(object: CacheObject, cres: CacheResources, ended: () => void): number;
  /**
   * Throws away all content; the object goes on with the cookie's coherency data and size.
   * Operations begun before find that out: what they read is stale (-ESTALE), what they store is
   * dropped.
   */
  invalidate(object: CacheObject, cookie: CookieIdentity): void;
  /**
   * The object is not needed for now; with `retire` its content goes for good. No operation is on.
   */
  release(object: CacheObject, retire: boolean): void;
  /**
   * Has `give` called when objects that nobody uses should be released, so that they can be culled.
   */
  onPressure(give: () => void): void;
  /** Makes what is stored so far findable after a restart; answers in the background. */
  checkpoint(): void;
  /** Ends the use of the cache; nothing is under way. */
  close(): void;
}
