/**
 * Where the cookie side (fscache) and a cache that keeps data (cachefiles) meet. Network filesystems talk
 * to cookies; only cookies talk to a backend.
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
  /** Rises with each invalidation; an operation begun before one must leave nothing behind. */
  readonly invalCounter: number;
}

/** What stands behind a cookie in a cache. */
export interface CacheObject {
  /** Printed as `c=` up to v5.16 and as `o=` later. */
  readonly debugId: number;
}

/** A cache. */
export interface CacheBackend {
  /** Finds the object of a cookie or makes one; a negative errno: there is none and can be none now. */
  lookup(cookie: CookieIdentity): CacheObject | number;
  /** Fills in `cres` for one request; its `endOperation` calls `ended`. */
  beginOperation(
    object: CacheObject,
    cookie: CookieIdentity,
    cres: CacheResources,
    ended: () => void,
  ): void;
  /** Throws away all content; the object goes on with the cookie's new coherency data and size. */
  invalidate(object: CacheObject, cookie: CookieIdentity): void;
  /** The object is not needed for now; with `retire` its content goes for good. No operation is on. */
  release(object: CacheObject, retire: boolean): void;
  /** Makes what is stored so far findable after a restart. */
  checkpoint(): void;
  /** Ends the use of the cache. */
  close(): void;
}
