/**
 * Phase 2 of a request's life: takes the outcome of each slice, and when the last one has ended
 * assesses the request, has it retried, or unlocks its folios and has the rest copied to the cache.
 * Kernel: netfs_subreq_terminated and netfs_rreq_assess in fs/netfs/io.c. Spec: BEHAVIOUR 3.7.
 */
import { ENODATA } from '../../base/errno.js';
import { IovIter } from '../../mm/iov_iter.js';
import { awaited, isTask, type MaybeTask, type Task } from '../../sim/wait_queue.js';
import { SREQ_CLEAR_TAIL, SREQ_COPY_TO_CACHE, type Subrequest } from '../objects.js';
import type { Requests } from '../requests.js';
import { DOWNLOAD_FROM_SERVER, READ_FROM_CACHE } from '../types.js';
import { copyToCache } from './copy.js';
import { Issuer } from './issue.js';
import {
  type ClassicRequest,
  RREQ_COPY_TO_CACHE,
  RREQ_FAILED,
  RREQ_IN_PROGRESS,
  RREQ_INCOMPLETE_IO,
  requestOf,
  SREQ_NO_PROGRESS,
  SREQ_SHORT_IO,
} from './objects.js';
import { Retrier } from './retry.js';
import { unlockFolios } from './unlock.js';

/** Collects the outcome of requests. */
export class Collector {
  readonly #requests: Requests;
  readonly #retrier: Retrier;
  /** What issues slices and reports their outcome here. */
  readonly issuer: Issuer;

  constructor(requests: Requests) {
    this.#requests = requests;
    this.issuer = new Issuer(requests, this.subreqTerminated);
    this.#retrier = new Retrier(requests, this.issuer, this.subreqTerminated);
  }

  /**
   * An I/O of a slice has ended with `result` bytes (at least 0) or a negative errno. `wasAsync`
   * says that it was not inside the call that issued it.
   */
  readonly subreqTerminated = (subreq: Subrequest, result: number, wasAsync: boolean): void => {
    const requests = this.#requests;
    const rreq = requestOf(subreq);
    if (subreq.source === READ_FROM_CACHE) requests.stats.netfs_n_rh_read_done++;
    else if (subreq.source === DOWNLOAD_FROM_SERVER) requests.stats.netfs_n_rh_download_done++;
    if (result < 0) {
      subreq.error = result;
      requests.traceFailure(rreq, subreq, result, 'read');
      this.#sliceFailed(subreq);
    } else {
      this.#sliceTransferred(subreq, result);
    }
    requests.traceSlice(subreq, 'terminated');
    const left = --rreq.nrOutstanding;
    if (left === 0) this.#requestTerminated(rreq, wasAsync);
    else if (left === 1) rreq.changed.wakeAll();
    requests.putSlice(subreq, wasAsync, 'put_terminated');
  };

  /** Every slice has ended: retries, or ends the request. */
  assess(rreq: ClassicRequest, wasAsync: boolean): MaybeTask {
    this.#requests.traceRequest(rreq, 'assess');
    return this.#isDecided(rreq) ? this.#finish(rreq, wasAsync) : this.#tryAgain(rreq, wasAsync);
  }

  #sliceTransferred(subreq: Subrequest, result: number): void {
    const { rreq } = subreq;
    // A reply that claims more than was asked is cut down.
    subreq.transferred += Math.min(result, subreq.len - subreq.transferred);
    subreq.error = 0;
    if (subreq.transferred < subreq.len && subreq.has(SREQ_CLEAR_TAIL)) this.#clearTail(subreq);
    if (subreq.transferred === subreq.len) {
      subreq.flags &= ~SREQ_NO_PROGRESS;
      if (subreq.has(SREQ_COPY_TO_CACHE)) rreq.flags |= RREQ_COPY_TO_CACHE;
      return;
    }
    if (result > 0) {
      subreq.flags &= ~SREQ_NO_PROGRESS;
    } else if (subreq.has(SREQ_NO_PROGRESS)) {
      subreq.error = -ENODATA;
      this.#sliceFailed(subreq);
      return;
    } else {
      subreq.flags |= SREQ_NO_PROGRESS;
    }
    subreq.flags |= SREQ_SHORT_IO;
    rreq.flags |= RREQ_INCOMPLETE_IO;
  }

  #clearTail(subreq: Subrequest): void {
    const from = subreq.start + subreq.transferred;
    const left = subreq.len - subreq.transferred;
    new IovIter(subreq.rreq.mapping, from, left).zero(left);
    if (subreq.source === DOWNLOAD_FROM_SERVER) this.#requests.stats.bytes.cleared += left;
    subreq.transferred = subreq.len;
  }

  #sliceFailed(subreq: Subrequest): void {
    const { rreq } = subreq;
    if (subreq.source === READ_FROM_CACHE) {
      this.#requests.stats.netfs_n_rh_read_failed++;
      rreq.flags |= RREQ_INCOMPLETE_IO;
    } else {
      this.#requests.stats.netfs_n_rh_download_failed++;
      rreq.flags |= RREQ_FAILED;
      rreq.error = subreq.error;
    }
  }

  // The last read has ended outside the submitter. Resubmission may sleep, so it is a worker's job.
  #requestTerminated(rreq: ClassicRequest, wasAsync: boolean): void {
    const requests = this.#requests;
    if (rreq.has(RREQ_INCOMPLETE_IO) && wasAsync) {
      requests.queueWork(() => awaited(this.assess(rreq, false)));
      return;
    }
    const rest = this.assess(rreq, wasAsync);
    if (isTask(rest)) requests.scheduler.startHere(rest);
  }

  // Nothing is to be asked again.
  #isDecided(rreq: ClassicRequest): boolean {
    this.#retrier.checkStillValid(rreq);
    return rreq.has(RREQ_FAILED) || !rreq.has(RREQ_INCOMPLETE_IO);
  }

  *#tryAgain(rreq: ClassicRequest, wasAsync: boolean): Task {
    while (yield* this.#retrier.resubmit(rreq)) {
      if (!this.#isDecided(rreq)) continue;
      yield* awaited(this.#finish(rreq, wasAsync));
      return;
    }
  }

  #finish(rreq: ClassicRequest, wasAsync: boolean): MaybeTask {
    const requests = this.#requests;
    unlockFolios(requests, rreq);
    requests.accountBytes(rreq);
    rreq.flags &= ~RREQ_IN_PROGRESS;
    rreq.changed.wakeAll();
    const onWorker = wasAsync || requests.behaviour.storesOnWorker;
    if (!rreq.has(RREQ_COPY_TO_CACHE)) requests.complete(rreq, wasAsync);
    else if (onWorker) requests.queueWork(() => copyToCache(requests, rreq));
    else return copyToCache(requests, rreq);
  }
}
