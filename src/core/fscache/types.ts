/**
 * Where the cookie side (fscache) and a cache that keeps data (cachefiles) meet. Network
 * filesystems talk to cookies; only cookies talk to a backend.
 */
import type { CacheResources } from '../netfs/types.js';
import type { MaybeTask, Task } from '../sim/wait_queue.js';

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
  /** What people call the file; not part of its identity. */
  readonly name: string;
}

/** What stands behind a cookie in a cache. */
export interface CacheObject {
  /** Printed as `o=`. */
  readonly debugId: number;
}

/** A cookie as a cache sees it: its identity, and what to tell it. */
export interface CacheCookie extends CookieIdentity {
  /** Printed as `c=`. */
  readonly debugId: number;
  /** The object, undefined until it has been looked up. */
  readonly object: CacheObject | undefined;
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
  getForObject(): void;
  putForObject(): void;
  /** Sleeps until there is an object to do I/O on; undefined when there will be none. */
  waitForObject(): Task<CacheObject | undefined>;
  /** Ends an operation that `beginOperation` of the backend was called for. */
  endOperation(): void;
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

/** What a look-up gave. */
export interface LookedUp {
  readonly object: CacheObject;
  /** False where the object can have no file. */
  readonly usable: boolean;
}

/** A cache. Every step either succeeds, or leaves the object with its old content or with none. */
export interface CacheBackend {
  readonly counters: BackendCounters;
  /** Finds the object of a cookie or makes one; undefined when its volume cannot be made. */
  lookup(cookie: CacheCookie): Task<LookedUp | undefined>;
  /** Fills in `cres` for a request or a write; the object may not be there yet. */
  beginOperation(cookie: CacheCookie, cres: CacheResources): void;
  /**
   * Whether whole pages [start, start + length) may be written, space for which may have been
   * allocated: 0 or a negative errno.
   */
  prepareWrite(cres: CacheResources, start: number, length: number): MaybeTask<number>;
  /**
   * Puts an empty file of the cookie's version in place of the object's; false when none can be
   * made: then the object has no content. Operations begun before find that out: what they read
   * is stale (-ESTALE), what they store vanishes with the old file.
   */
  invalidate(object: CacheObject): Task<boolean>;
  /** The file is about to be written by us: says so on the disk. */
  prepareToWrite(object: CacheObject): void;
  /** The cookie's coherency data or size are other ones now; the content stays. */
  update(object: CacheObject): void;
  /** The file is cut to `size` bytes, fewer than it had. */
  resize(object: CacheObject, size: number): void;
  /** What is cached of bytes [start, start + length), whole pages, is not to be believed. */
  forget(object: CacheObject, start: number, length: number): void;
  /** Nobody uses the object, which stays open: our changes of its content have ended. */
  commit(object: CacheObject): void;
  /** Commits the object and closes it, or throws it away when its cookie is retired. */
  withdraw(object: CacheObject): void;
  /** True if `files` more objects and `bytes` more bytes may be stored. */
  hasRoom(files: number, bytes: number): boolean;
  /**
   * Has `give` called when objects that nobody uses should be withdrawn, so that they can be
   * culled.
   */
  onPressure(give: () => void): void;
  /** Makes what is stored so far findable after a restart; answers in the background. */
  checkpoint(): void;
  /** Ends the use of the cache; nothing is under way. */
  close(): void;
}

/** What differs between kernels in the life of a cookie: data of a profile. */
export interface FscacheBehaviour {
  /** Who makes the transitions of a cookie: its caller, before the call returns, or a worker. */
  readonly transitions: 'caller' | 'worker';
  /** Most unused cookies that keep their object. */
  readonly unusedMax: number;
  /** How long an unused cookie keeps its object (fscache_lru_cookie_timeout), ns. */
  readonly unusedNs: number;
  /** An object is committed when its cookie becomes unused, or only when it loses its object. */
  readonly commits: 'unused' | 'withdrawn';
  /** A cookie without an object looks again when a request begins and there is room. */
  readonly retriesLookup: boolean;
  /** The kernel has the tracepoints of v5.17. */
  readonly events: boolean;
  /** The layout of the statistics: of the objects up to v5.16, of the cookies since. */
  readonly statistics: 'objects' | 'cookies';
  /** Printed number of the first cookie. */
  readonly firstCookie: number;
}
