/**
 * Phase 1 of a request's life: cuts it into slices, asks the cache or the file's size where each
 * one comes from, and issues it to the server, the cache or the zero-fill. Kernel:
 * netfs_rreq_submit_slice and below it in fs/netfs/io.c (read_helper.c until v5.17). Spec:
 * BEHAVIOUR 3.5, 3.6.
 */
import { EINTR, EIO, ENOMEM, ERESTARTSYS } from '../../base/errno.js';
import { IovIter } from '../../mm/iov_iter.js';
import { type ReadaheadControl, readaheadExpand } from '../../mm/readahead.js';
import { andThen, awaited, isTask, type MaybeTask, type Task } from '../../sim/wait_queue.js';
import { SREQ_CLEAR_TAIL, type Subrequest } from '../objects.js';
import type { Requests } from '../requests.js';
import {
  DOWNLOAD_FROM_SERVER,
  FILL_WITH_ZEROES,
  INVALID_READ,
  type Source,
  type SubreqTerminated,
} from '../types.js';
import { type ClassicRequest, RREQ_FAILED, requestOf } from './objects.js';

const goOn = (): boolean => true;

/** Slices requests and issues the slices. */
export class Issuer {
  readonly #requests: Requests;
  readonly #terminated: SubreqTerminated;

  /** `terminated` is called once for each I/O, possibly before the issuing call returns. */
  constructor(requests: Requests, terminated: SubreqTerminated) {
    this.#requests = requests;
    this.#terminated = terminated;
  }

  /**
   * Gives the filesystem the chance to attach a cache: 0, or the negative errno that ends the
   * request. Soft errors (no cache, no object) give 0: the request runs without a cache.
   */
  beginCache(rreq: ClassicRequest): MaybeTask<number> {
    if (rreq.ops.beginCacheOperation === undefined) return 0;
    return andThen(rreq.ops.beginCacheOperation(rreq), (error) =>
      error === -ENOMEM || error === -EINTR || error === -ERESTARTSYS ? error : 0,
    );
  }

  /** Lets the cache and the filesystem grow the window; the request covers what was reached. */
  expand(rreq: ClassicRequest, ractl: ReadaheadControl): void {
    const range = { start: rreq.start, len: rreq.len };
    rreq.cache.ops?.expandReadahead?.(rreq.cache, range, rreq.iSize);
    rreq.ops.expandReadahead?.(rreq, range);
    if (range.start === ractl.position && range.len === ractl.length) return;
    readaheadExpand(ractl, range.start, range.len);
    rreq.start = ractl.position;
    rreq.len = ractl.length;
    this.#requests.traceRead(rreq, 'expanded', rreq.start, rreq.len);
  }

  /** Cuts all of the request into slices and issues them. */
  submitSlices(rreq: ClassicRequest): MaybeTask {
    do {
      const more = this.#submitSlice(rreq);
      if (isTask(more)) return this.#submitOthers(rreq, more);
      if (!more) return;
    } while (rreq.submitted < rreq.len);
  }

  *#submitOthers(rreq: ClassicRequest, slice: Task<boolean>): Task {
    const more = yield* slice;
    if (more && rreq.submitted < rreq.len) yield* awaited(this.submitSlices(rreq));
  }

  // Cuts the next slice off the request and issues it; false ends the slicing.
  #submitSlice(rreq: ClassicRequest): MaybeTask<boolean> {
    const subreq = this.#requests.allocateSlice(rreq);
    if (subreq === undefined) return false;
    return andThen(this.#chooseSource(subreq), (source) => this.#submit(subreq, source));
  }

  #submit(subreq: Subrequest, source: Source): MaybeTask<boolean> {
    const requests = this.#requests;
    const rreq = requestOf(subreq);
    subreq.source = this.#confirm(subreq, source);
    requests.traceSlice(subreq, 'prepare');
    if (subreq.source === INVALID_READ) {
      // The kernel leaves the error at 0 here, and the pages would be taken for read.
      if (requests.repaired && subreq.error === 0) {
        subreq.error = -EIO;
        rreq.flags |= RREQ_FAILED;
      }
      rreq.error = subreq.error;
      requests.putSlice(subreq, false, 'put_failed');
      return false;
    }
    rreq.nrOutstanding++;
    rreq.submitted += subreq.len;
    requests.traceSlice(subreq, 'submit');
    return andThen(this.#issue(subreq), goOn);
  }

  #chooseSource(subreq: Subrequest): MaybeTask<Source> {
    const { rreq } = subreq;
    if (rreq.cache.ops !== undefined) return rreq.cache.ops.prepareRead(subreq, rreq.iSize);
    return subreq.start >= rreq.iSize ? FILL_WITH_ZEROES : DOWNLOAD_FROM_SERVER;
  }

  // What the source becomes: a download ends with the file, and may be refused.
  #confirm(subreq: Subrequest, source: Source): Source {
    const { rreq } = subreq;
    if (source === DOWNLOAD_FROM_SERVER) {
      // A cache may choose the server for a slice beyond the end of the file; there is nothing
      // there.
      if (this.#requests.repaired && subreq.start >= rreq.iSize) return FILL_WITH_ZEROES;
      subreq.len = Math.min(subreq.len, rreq.iSize - subreq.start);
      if (rreq.ops.clampLength?.(subreq) === false) return INVALID_READ;
    }
    return subreq.len <= 0 && source !== INVALID_READ ? INVALID_READ : source;
  }

  #issue(subreq: Subrequest): MaybeTask {
    const { stats } = this.#requests;
    if (subreq.source === FILL_WITH_ZEROES) {
      stats.netfs_n_rh_zero++;
      subreq.flags |= SREQ_CLEAR_TAIL;
      this.#terminated(subreq, 0, false);
    } else if (subreq.source === DOWNLOAD_FROM_SERVER) {
      return this.issueToServer(subreq);
    } else {
      this.issueToCache(subreq, false);
    }
  }

  /** Asks the server for what the slice lacks. */
  issueToServer(subreq: Subrequest): MaybeTask {
    this.#requests.stats.netfs_n_rh_download++;
    return subreq.rreq.ops.issueOp(subreq);
  }

  /** Reads what the slice lacks from the cache; with `seekData` it looks for data first. */
  issueToCache(subreq: Subrequest, seekData: boolean): void {
    const { rreq } = subreq;
    this.#requests.stats.netfs_n_rh_read++;
    const from = subreq.start + subreq.transferred;
    const iter = new IovIter(rreq.mapping, from, subreq.len - subreq.transferred);
    // v5.13 asks for the slice's start even when part of it has been transferred.
    const position = this.#requests.repaired ? from : subreq.start;
    rreq.cache.ops?.read(rreq.cache, position, iter, seekData, (result, wasAsync) =>
      this.#terminated(subreq, result, wasAsync),
    );
  }
}
