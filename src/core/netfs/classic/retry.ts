/**
 * Phase 3 of a request's life, which few requests see: short slices are asked for again, and slices
 * that the cache failed to read are downloaded instead. Kernel: netfs_rreq_perform_resubmissions
 * and netfs_rreq_is_still_valid in fs/netfs/io.c. Spec: BEHAVIOUR 3.8.
 */
import { ESTALE } from '../../base/errno.js';
import { awaited, type Task } from '../../sim/wait_queue.js';
import { SREQ_CLEAR_TAIL, type Subrequest } from '../objects.js';
import type { Requests, SliceRef } from '../requests.js';
import { DOWNLOAD_FROM_SERVER, READ_FROM_CACHE, type SubreqTerminated } from '../types.js';
import type { Issuer } from './issue.js';
import {
  type ClassicRequest,
  RREQ_INCOMPLETE_IO,
  requestOf,
  SREQ_SEEK_DATA_READ,
  SREQ_SHORT_IO,
} from './objects.js';

/** Resubmits slices. */
export class Retrier {
  readonly #requests: Requests;
  readonly #issuer: Issuer;
  readonly #terminated: SubreqTerminated;

  constructor(requests: Requests, issuer: Issuer, terminated: SubreqTerminated) {
    this.#requests = requests;
    this.#issuer = issuer;
    this.#terminated = terminated;
  }

  /** Makes slices read from the cache stale if the file has changed meanwhile. */
  checkStillValid(rreq: ClassicRequest): void {
    if (rreq.ops.isStillValid === undefined || rreq.ops.isStillValid(rreq)) return;
    for (const subreq of rreq.subrequests) {
      if (subreq.source !== READ_FROM_CACHE) continue;
      subreq.error = -ESTALE;
      // The kernel leaves this, asks the server for nothing and keeps the stale data.
      if (this.#requests.repaired) subreq.transferred = 0;
      rreq.flags |= RREQ_INCOMPLETE_IO;
    }
  }

  /**
   * One round. True if every resubmission has ended already, so that the caller must assess another
   * round.
   */
  *resubmit(rreq: ClassicRequest): Task<boolean> {
    const requests = this.#requests;
    requests.traceRequest(rreq, 'resubmit');
    rreq.nrOutstanding++;
    rreq.flags &= ~RREQ_INCOMPLETE_IO;
    for (const subreq of rreq.subrequests) {
      if (subreq.error !== 0) {
        if (subreq.source !== READ_FROM_CACHE) break;
        subreq.source = DOWNLOAD_FROM_SERVER;
        subreq.cached = subreq.transferred;
        subreq.error = 0;
        requests.stats.netfs_n_rh_download_instead++;
        requests.traceSlice(subreq, 'download_instead');
        this.#hold(subreq, 'get_resubmit');
        yield* this.#reissueToServer(subreq);
      } else if (subreq.has(SREQ_SHORT_IO)) {
        subreq.flags &= ~SREQ_SHORT_IO;
        subreq.flags |= SREQ_SEEK_DATA_READ;
        requests.stats.netfs_n_rh_short_read++;
        requests.traceSlice(subreq, 'resubmit_short');
        this.#hold(subreq, 'get_short_read');
        if (subreq.source === READ_FROM_CACHE) this.#issuer.issueToCache(subreq, true);
        else yield* this.#reissueToServer(subreq);
      }
    }
    if (--rreq.nrOutstanding === 0) return true;
    rreq.changed.wakeAll();
    return false;
  }

  #hold(subreq: Subrequest, why: SliceRef): void {
    this.#requests.holdSlice(subreq, why);
    requestOf(subreq).nrOutstanding++;
  }

  // A slice that came from the cache may reach beyond the end of the file, where the server has
  // nothing to send: repaired, that part is zeroed instead of being asked for until the request
  // fails.
  *#reissueToServer(subreq: Subrequest): Task {
    const { rreq } = subreq;
    if (this.#requests.repaired && subreq.start + subreq.transferred >= rreq.iSize) {
      this.#requests.stats.netfs_n_rh_download++;
      subreq.flags |= SREQ_CLEAR_TAIL;
      this.#terminated(subreq, 0, false);
      return;
    }
    yield* awaited(this.#issuer.issueToServer(subreq));
  }
}
