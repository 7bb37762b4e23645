/**
 * Read requests and their slices: fields, flags, references. Plays the object half of
 * fs/netfs/read_helper.c (struct netfs_read_request, struct netfs_read_subrequest).
 * Spec: BEHAVIOUR 1.5, 1.6, 3.11.
 */
import type { AddressSpace } from '../mm/address_space.js';
import type { Inode } from '../mm/types.js';
import { WaitQueue } from '../sim/wait_queue.js';
import { type CacheResources, INVALID_READ, type RequestOps, type Source } from './types.js';

/** Some slice is short or failed and may be resubmitted. */
export const RREQ_INCOMPLETE_IO = 1 << 0;
/** At least one completed slice wants storing (COPY_TO_CACHE from v5.18). */
export const RREQ_WRITE_TO_CACHE = 1 << 1;
/** `noUnlockPage` stays locked. */
export const RREQ_NO_UNLOCK_PAGE = 1 << 2;
/** No page is unlocked. */
export const RREQ_DONT_UNLOCK_PAGES = 1 << 3;
export const RREQ_FAILED = 1 << 4;
/** From allocation until the pages have been unlocked. */
export const RREQ_IN_PROGRESS = 1 << 5;

/** The slice is to be stored in the cache. */
export const SREQ_WRITE_TO_CACHE = 1 << 0;
/** Whatever was not transferred is zeroed and counts as read. */
export const SREQ_CLEAR_TAIL = 1 << 1;
/** To be resubmitted. */
export const SREQ_SHORT_READ = 1 << 2;
/** The cache should look for data first. */
export const SREQ_SEEK_DATA_READ = 1 << 3;
/** The last attempt transferred nothing. */
export const SREQ_NO_PROGRESS = 1 << 4;

/** The entries of the helper; printed in netfs_rreq from v5.18 on. */
export type Origin = 'readahead' | 'readpage' | 'read_for_write';

/** One call of the helper (rreq). */
export class ReadRequest {
  readonly debugId: number;
  /** Which entry made it. */
  readonly origin: Origin;
  readonly inode: Inode;
  readonly mapping: AddressSpace;
  readonly ops: RequestOps;
  readonly cache: CacheResources = { ops: undefined, priv: undefined, debugId: 0 };
  /** The filesystem's token. */
  netfsPriv: unknown = undefined;
  /** Slices, ascending and contiguous from `start` while reading. */
  subrequests: Subrequest[] = [];
  /** Byte range, as expanded. */
  start = 0;
  len = 0;
  /** Bytes sliced so far. */
  submitted = 0;
  /** Slices made so far: the next one's index. */
  slices = 0;
  /** Reads outstanding, plus one while the submitter holds it. */
  nrRdOps = 0;
  /** Cache writes outstanding, plus one while the store loop runs. */
  nrWrOps = 0;
  /** Error of the last failed slice to report it, 0 or negative. */
  error = 0;
  /** i_size when the request was allocated: every end-of-file decision uses it. */
  readonly iSize: number;
  /** Index of the page that write_begin keeps locked. */
  noUnlockPage = 0;
  usage = 1;
  flags = RREQ_IN_PROGRESS;
  /** Woken when `nrRdOps` falls to 1 and when IN_PROGRESS is cleared. */
  readonly changed: WaitQueue;

  constructor(debugId: number, origin: Origin, mapping: AddressSpace, ops: RequestOps) {
    this.debugId = debugId;
    this.origin = origin;
    this.mapping = mapping;
    this.inode = mapping.host;
    this.ops = ops;
    this.iSize = mapping.host.size;
    this.changed = new WaitQueue('request', debugId);
  }

  has(flags: number): boolean {
    return (this.flags & flags) !== 0;
  }
}

/** One slice of a request (subreq). Made with two references: the list's and the operation's. */
export class Subrequest {
  readonly rreq: ReadRequest;
  readonly debugIndex: number;
  /** Byte range; rewritten by shortening, amalgamation and prepare_write. */
  start: number;
  len: number;
  /** Bytes obtained so far. */
  transferred = 0;
  usage = 2;
  /** 0 or a negative errno. */
  error = 0;
  source: Source = INVALID_READ;
  flags = 0;

  constructor(rreq: ReadRequest) {
    this.rreq = rreq;
    this.debugIndex = rreq.slices++;
    this.start = rreq.start + rreq.submitted;
    this.len = rreq.len - rreq.submitted;
  }

  has(flags: number): boolean {
    return (this.flags & flags) !== 0;
  }
}
