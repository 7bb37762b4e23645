/**
 * The request of the classic helper (v5.13 to v6.11): its flags, and the two counts that say when
 * its reads and its cache writes have all ended. Kernel: struct netfs_read_request, later struct
 * netfs_io_request. Spec: BEHAVIOUR 1.5.
 */
import type { AddressSpace } from '../../mm/address_space.js';
import { WaitQueue } from '../../sim/wait_queue.js';
import { type Origin, ReadRequest, type Subrequest } from '../objects.js';
import type { RequestOps } from '../types.js';

/** Some slice is short or failed and may be resubmitted. */
export const RREQ_INCOMPLETE_IO = 1 << 0;
/** At least one completed slice wants storing (WRITE_TO_CACHE before v5.18). */
export const RREQ_COPY_TO_CACHE = 1 << 1;
/** `noUnlockFolio` stays locked. */
export const RREQ_NO_UNLOCK_FOLIO = 1 << 2;
/** No folio is unlocked. */
export const RREQ_DONT_UNLOCK_FOLIOS = 1 << 3;
export const RREQ_FAILED = 1 << 4;
/** From allocation until the folios have been unlocked. */
export const RREQ_IN_PROGRESS = 1 << 5;

/** To be resubmitted. */
export const SREQ_SHORT_IO = 1 << 2;
/** The cache should look for data first. */
export const SREQ_SEEK_DATA_READ = 1 << 3;
/** The last attempt transferred nothing. */
export const SREQ_NO_PROGRESS = 1 << 4;

/** A request with the classic helper's counts. */
export class ClassicRequest extends ReadRequest {
  /** Reads outstanding, plus one while the submitter holds it (nr_outstanding). */
  nrOutstanding = 0;
  /** Cache writes outstanding, plus one while the copy loop runs (nr_copy_ops). */
  nrCopyOps = 0;
  /** Index of the folio that write_begin keeps locked. */
  noUnlockFolio = 0;
  /** Woken when `nrOutstanding` falls to 1 and when IN_PROGRESS is cleared. */
  readonly changed: WaitQueue;

  constructor(debugId: number, origin: Origin, mapping: AddressSpace, ops: RequestOps) {
    super(debugId, origin, mapping, ops);
    this.flags = RREQ_IN_PROGRESS;
    this.changed = new WaitQueue('request', debugId);
  }
}

/** The classic request of a slice. */
export function requestOf(subreq: Subrequest): ClassicRequest {
  return subreq.rreq as ClassicRequest;
}
