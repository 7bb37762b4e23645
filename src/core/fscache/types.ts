/**
 * Where the cookie side (fscache) and a cache that keeps data (cachefiles) meet. Network
 * filesystems talk to cookies; only cookies talk to a backend.
 */
import type { CacheResources } from '../netfs/types.js';
import type { Task } from '../sim/wait_queue.js';

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

/** What a cache counts that stands in the statistics of FS-Cache. */
export interface BackendCounters {
  readonly reads: number;
  readonly writes: number;
  /** Look-ups that found an object, and that found one out of date. */
  readonly found: number;
  readonly stale: number;
  readonly culled: number;
  /** Stores, and objects, that were refused for want of room. */
  readonly noSpace: number;
  readonly noSpaceToCreate: number;
}

/** A cache. */
export interface CacheBackend {
  readonly counters: BackendCounters;
  /**
   * Finds the object of a cookie or makes one; a negative errno: there is none and can be none now
   * (-ENOBUFS: for want of room).
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
  /** The cookie's coherency data and size are other ones now; the content stays. */
  update(object: CacheObject, cookie: CookieIdentity): void;
  /** The file ends at byte `size`: what is cached from its last page on is not to be believed. */
  resize(object: CacheObject, size: number): void;
  /** What is cached of bytes [start, start + length), whole pages, is not to be believed. */
  forget(object: CacheObject, start: number, length: number): void;
  /** Nobody uses the object now: what was changed in it is whole. */
  settle(object: CacheObject): void;
  /** True if `files` more objects and `bytes` more bytes may be stored. */
  hasRoom(files: number, bytes: number): boolean;
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

/** A cookie as a cache of objects sees it (v5.17 and later): its identity, and what to tell it. */
export interface ObjectCookie extends CookieIdentity {
  /** Printed as `c=`. */
  readonly debugId: number;
  /** The filesystem has given it up for good, data and all. */
  readonly retired: boolean;
  /** There can be nothing to read in the object. */
  noDataToRead: boolean;
  /** Something was stored in the object. */
  haveData: boolean;
  /** The coherency data of the object is to be written when it is committed. */
  needsUpdate: boolean;
  /** We write the file: what is cached is to be believed only once the object is committed. */
  localWrite: boolean;
  /** Goes up with each invalidation. */
  readonly invalCounter: number;
  /** There is no object yet: operations that need no content may go on. */
  lookupNegative(): void;
  /** The object is there, so that I/O may go on, though the work on it has not ended. */
  resumeAfterInvalidation(): void;
  /** An object takes and drops a reference of its cookie. */
  holdForObject(): void;
  putForObject(): void;
}

/** Counters of a cache that stand in the statistics of FS-Cache. */
export interface CacheIoCounts {
  reads: number;
  writes: number;
  noWriteSpace: number;
  noCreateSpace: number;
  culled: number;
}

/** What a look-up gave. */
export interface LookedUp {
  readonly object: CacheObject;
  readonly usable: boolean;
}

/** A cache whose objects are looked up and given up by workers (v5.17 and later). */
export interface ObjectBackend {
  /** Counters that the cache keeps. */
  readonly io: CacheIoCounts;
  /** Finds the object of a cookie or makes one; unusable where it can have no file. */
  lookup(cookie: ObjectCookie): Task<LookedUp>;
  /** Fills in `cres` for a request or write; the object may not be there yet. */
  beginOperation(operation: CacheOperation, cres: CacheResources): void;
  /**
   * Whether whole pages [start, start + length) may be written, space for which may have been
   * allocated: 0 or a negative errno.
   */
  prepareWrite(cres: CacheResources, start: number, length: number): Task<number>;
  /** Puts an empty file in place of the object's; false when none can be made. */
  invalidate(object: CacheObject): Task<boolean>;
  /** The file is about to be written by us: says so on the disk. */
  prepareToWrite(object: CacheObject): void;
  /** The cookie was resized. */
  resize(object: CacheObject, size: number): void;
  /** Commits the object, or throws it away when its cookie is retired. */
  withdraw(object: CacheObject): void;
  /**
   * Has `give` called when objects that nobody uses should be given up, so that they can be culled.
   */
  onPressure(give: () => void): void;
  /** Makes what is stored so far findable after a restart; answers in the background. */
  checkpoint(): void;
  /** Ends the use of the cache; nothing is under way. */
  close(): void;
}

/** What one operation holds of a cookie. */
export interface CacheOperation {
  readonly cookie: ObjectCookie;
  /** The invalidation counter when it began. */
  readonly invalCounter: number;
  /** The object, undefined until it has been looked up. */
  readonly object: CacheObject | undefined;
  /** Sleeps until there is an object to do I/O on; undefined when there will be none. */
  waitForObject(): Task<CacheObject | undefined>;
  /** Ends it, once. */
  end(): void;
}
