/**
 * Read requests and their slices as everybody sees them: identity, range, outcome, references.
 * The client, the cache and the trace use these; each flavour of the helper adds what only its
 * own phases need. Kernel: struct netfs_io_request, struct netfs_io_subrequest. Spec: BEHAVIOUR
 * 1.5, 1.6, 3.11.
 */
import type { AddressSpace } from '../mm/address_space.js';
import type { Inode } from '../mm/types.js';
import { type CacheResources, INVALID_READ, type RequestOps, type Source } from './types.js';

/** The slice is to be stored in the cache (COPY_TO_CACHE from v5.18); one bit in all kernels. */
export const SREQ_COPY_TO_CACHE = 1 << 0;
/** Whatever was not transferred is zeroed and counts as read; one bit in all kernels. */
export const SREQ_CLEAR_TAIL = 1 << 1;

/** Which entry of the helper made a request; printed in netfs_rreq from v5.18 on. */
export type Origin = 'readahead' | 'readpage' | 'read_for_write';

/** One call of the helper (rreq). */
export abstract class ReadRequest {
  readonly debugId: number;
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
  /** Error of the last failed slice to report it, 0 or negative. */
  error = 0;
  /** i_size when the request was allocated: every end-of-file decision uses it. */
  readonly iSize: number;
  /** References. */
  usage = 1;
  /** Flags, by the numbers of the flavour. */
  flags = 0;

  constructor(debugId: number, origin: Origin, mapping: AddressSpace, ops: RequestOps) {
    this.debugId = debugId;
    this.origin = origin;
    this.mapping = mapping;
    this.inode = mapping.host;
    this.ops = ops;
    this.iSize = mapping.host.size;
  }

  /** True if one of the flags is set. */
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
  /** Those of them that the cache gave before its read failed; the server gave the rest. */
  cached = 0;
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

  /** True if one of the flags is set. */
  has(flags: number): boolean {
    return (this.flags & flags) !== 0;
  }
}
