/**
 * The tables of operations through which the read helper reaches the filesystem above it and the
 * cache below it (struct netfs_read_request_ops, struct netfs_cache_ops). The helper imports
 * neither: the client hands it both. Spec: BEHAVIOUR 1.7 and 1.8.
 */
import type { AddressSpace } from '../mm/address_space.js';
import type { IovIter } from '../mm/iov_iter.js';
import type { ReadaheadControl } from '../mm/readahead.js';
import type { Inode, OpenFile } from '../mm/types.js';
import type { MaybeTask, Task } from '../sim/wait_queue.js';
import type { ReadRequest, Subrequest } from './objects.js';

/** Where a slice comes from (enum netfs_read_source); the kernel's numbers. */
export type Source = 0 | 1 | 2 | 3;
/** The values of a `Source`. */
export const FILL_WITH_ZEROES = 0;
export const DOWNLOAD_FROM_SERVER = 1;
export const READ_FROM_CACHE = 2;
export const INVALID_READ = 3;

/**
 * Told once how an I/O ended: bytes done or a negative errno, and whether the caller had returned.
 */
export type Terminated = (result: number, wasAsync: boolean) => void;

/** Told once for each I/O of a slice: bytes obtained (at least 0) or a negative errno. */
export type SubreqTerminated = (subreq: Subrequest, result: number, wasAsync: boolean) => void;

/** A helper as a client sees it, whatever its flavour. */
export interface ReadHelper {
  /** ->readahead: reads the window. Reports no error; pages that failed are not uptodate. */
  readahead(ractl: ReadaheadControl, ops: RequestOps): MaybeTask;
  /** ->readpage: reads one locked folio and unlocks it. 0 or a negative errno. */
  readpage(file: OpenFile, pfn: number, ops: RequestOps): Task<number>;
  /**
   * ->write_begin: the folio that takes bytes [pos, pos + len), which lie in one page: locked,
   * referenced, no write of it to the cache in flight, and uptodate unless the write itself makes
   * it so. Or a negative errno.
   */
  writeBegin(file: OpenFile, pos: number, len: number, ops: RequestOps): Task<number>;
  /**
   * To be called by the client once for each slice that it was given in `issueOp`. `wasAsync` says
   * that this is not inside that call.
   */
  readonly subreqTerminated: SubreqTerminated;
}

/** A cache as one request sees it (struct netfs_cache_resources). */
export interface CacheResources {
  /** Undefined: no cache for this request. */
  ops: CacheOps | undefined;
  /** For the cache's own use. */
  priv: unknown;
  /** Printed as `c=`; 0 without a cache. */
  debugId: number;
}

/** What a cache does for the helper. */
export interface CacheOps {
  /** Required. Releases the resources; called once, when the request is freed. */
  endOperation(cres: CacheResources): void;
  /**
   * Required. Reads from byte `start` of the file into the iterator; calls `done` exactly once,
   * possibly before returning. With `seekData` it first looks for data and zeroes a hole in front
   * of it.
   */
  read(
    cres: CacheResources,
    start: number,
    iter: IovIter,
    seekData: boolean,
    done: Terminated,
  ): void;
  /** Required. Stores the iterator's bytes at `start`; calls `done` exactly once. */
  write(cres: CacheResources, start: number, iter: IovIter, done: Terminated): void;
  /** Optional. May grow `range`, never shrink it. */
  expandReadahead?(cres: CacheResources, range: ByteRange, iSize: number): void;
  /** Required. Chooses the source; may shorten `subreq.len` and set its COPY_TO_CACHE flag. */
  prepareRead(subreq: Subrequest, iSize: number): MaybeTask<Source>;
  /** Required. May widen `subreq.start` and `len`; a negative errno refuses the store. */
  prepareWrite(subreq: Subrequest, iSize: number): Task<number>;
  /**
   * Optional. The first stretch of cached data in `range`, in whole multiples of `granularity`
   * bytes; -ENODATA: there is none, -ENOBUFS: it cannot be told.
   */
  queryOccupancy?(cres: CacheResources, range: ByteRange, granularity: number): ByteRange | number;
}

/** Bytes [start, start + len). */
export interface ByteRange {
  start: number;
  len: number;
}

/** What a filesystem does for the helper. */
export interface RequestOps {
  /** Required. May set `rreq.netfsPriv`. */
  initRreq(rreq: ReadRequest, file: OpenFile | undefined): void;
  /** Required for write_begin. True if data of the inode can be cached. */
  isCacheEnabled(inode: Inode): boolean;
  /**
   * Optional. Sets up `rreq.cache`. -ENOMEM, -EINTR and -ERESTARTSYS abort the request; any other
   * error means: go on without a cache.
   */
  beginCacheOperation?(rreq: ReadRequest): MaybeTask<number>;
  /** Optional. May grow `range`, after the cache has. */
  expandReadahead?(rreq: ReadRequest, range: ByteRange): void;
  /** Optional. May shorten a slice that is to be downloaded; false fails it. */
  clampLength?(subreq: Subrequest): boolean;
  /**
   * Required. Fetches [start + transferred, start + len) of the slice and ends in
   * `subreqTerminated` exactly once, before it returns or later; writes nothing before
   * start + transferred.
   */
  issueOp(subreq: Subrequest): MaybeTask;
  /** Optional. False makes slices read from the cache stale (-ESTALE). */
  isStillValid?(rreq: ReadRequest): boolean;
  /**
   * Optional. A locked folio is about to be read and written to. 0; -EAGAIN: it has been unlocked,
   * get another; or the negative errno of the write.
   */
  checkWriteBegin?(file: OpenFile, pos: number, len: number, pfn: number): Task<number>;
  /** Optional. Called after the pages have been unlocked. */
  done?(rreq: ReadRequest): void;
  /** Required if `netfsPriv` is used. Called when the request is freed, if it is set. */
  cleanup?(mapping: AddressSpace, netfsPriv: unknown): void;
}

/** What a cache adds to a filesystem's operations; `done` lets it see the pages just unlocked. */
export type CacheShare = Partial<
  Pick<RequestOps, 'beginCacheOperation' | 'isCacheEnabled' | 'isStillValid' | 'done'>
>;

/** The behaviours of the helper that changed between kernels: data of a profile. */
export interface NetfsBehaviour {
  /** What netfs_failure prints when there is no slice. */
  readonly failureWithoutSubreq: { readonly index: number; readonly showsLength: boolean };
  /** Storing is always left to a worker (v5.16, 598ad0bd), not done by a synchronous caller. */
  readonly storesOnWorker: boolean;
  /** FREE is emitted before anything of the request is given up (v5.18), not after. */
  readonly freeFirst: boolean;
  /** A page that two stored slices share is marked and pinned once (df1c357f), not twice. */
  readonly marksPageOnce: boolean;
}

/** 'kernel' reproduces the defects marked in BEHAVIOUR, 'repaired' does not. */
export type Defects = 'kernel' | 'repaired';
