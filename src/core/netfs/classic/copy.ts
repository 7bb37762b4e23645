/**
 * Phase 4 of a request's life: copies what was downloaded to the cache. Joins neighbouring slices,
 * lets the cache round and refuse them, writes them, and unmarks the folios when the last write has
 * ended. Kernel: netfs_rreq_do_write_to_cache in fs/netfs/io.c. Spec: BEHAVIOUR 3.10.
 */
import { PAGE_SIZE, pageIndex } from '../../base/range.js';
import { PG_FSCACHE } from '../../mm/folio.js';
import { IovIter } from '../../mm/iov_iter.js';
import type { Task } from '../../sim/wait_queue.js';
import { SREQ_COPY_TO_CACHE, type Subrequest } from '../objects.js';
import type { Requests } from '../requests.js';
import type { CacheOps } from '../types.js';
import { type ClassicRequest, requestOf } from './objects.js';

/** Stores the slices that want it and completes the request. */
export function* copyToCache(requests: Requests, rreq: ClassicRequest): Task {
  const ops = rreq.cache.ops as CacheOps;
  requests.traceRequest(rreq, 'write');
  rreq.nrCopyOps = 1;
  dropOthers(requests, rreq);
  for (let i = 0; i < rreq.subrequests.length; i++) {
    const subreq = rreq.subrequests[i] as Subrequest;
    joinFollowing(requests, rreq, i);
    const refused = yield* ops.prepareWrite(subreq, rreq.iSize);
    if (refused < 0) {
      requests.traceFailure(rreq, subreq, refused, 'prepare_write');
      requests.traceSlice(subreq, 'write_skip');
      countUnstored(requests, subreq);
      continue;
    }
    const iter = new IovIter(rreq.mapping, subreq.start, subreq.len);
    rreq.nrCopyOps++;
    requests.stats.netfs_n_rh_write++;
    requests.holdSlice(subreq, 'get_copy_to_cache');
    requests.traceSlice(subreq, 'write');
    ops.write(rreq.cache, subreq.start, iter, (result, wasAsync) =>
      writeTerminated(requests, subreq, result, wasAsync),
    );
  }
  if (--rreq.nrCopyOps === 0) unmark(requests, rreq, false);
}

// Slices that are not stored leave the list.
function dropOthers(requests: Requests, rreq: ClassicRequest): void {
  const slices = rreq.subrequests;
  rreq.subrequests = slices.filter((subreq) => subreq.has(SREQ_COPY_TO_CACHE));
  for (const subreq of slices) {
    if (subreq.has(SREQ_COPY_TO_CACHE)) continue;
    requests.putSlice(subreq, false, 'put_no_copy');
  }
}

// Adds the slices that continue slice `at` to it; `transferred` stays what was read.
function joinFollowing(requests: Requests, rreq: ClassicRequest, at: number): void {
  const subreq = rreq.subrequests[at] as Subrequest;
  for (;;) {
    const next = rreq.subrequests[at + 1];
    if (next === undefined || next.start !== subreq.start + subreq.len) return;
    subreq.len += next.len;
    rreq.subrequests.splice(at + 1, 1);
    requests.putSlice(next, false, 'put_merged');
  }
}

function writeTerminated(
  requests: Requests,
  subreq: Subrequest,
  result: number,
  wasAsync: boolean,
): void {
  const rreq = requestOf(subreq);
  if (result < 0) {
    requests.stats.netfs_n_rh_write_failed++;
    requests.traceFailure(rreq, subreq, result, 'copy_to_cache');
    countUnstored(requests, subreq);
  } else {
    requests.stats.netfs_n_rh_write_done++;
    requests.stats.bytes.stored += result;
  }
  requests.traceSlice(subreq, 'write_term');
  if (--rreq.nrCopyOps === 0) unmark(requests, rreq, wasAsync);
  requests.putSlice(subreq, wasAsync, 'put_terminated');
}

// Rounding may have taken the slice beyond the end of the file.
function countUnstored(requests: Requests, { rreq, start, len }: Subrequest): void {
  requests.stats.bytes.unstored += Math.max(0, Math.min(start + len, rreq.iSize) - start);
}

// Ends PG_fscache once per folio, though several slices may touch it.
function unmark(requests: Requests, rreq: ClassicRequest, wasAsync: boolean): void {
  const { mapping } = rreq;
  let unmarked = -1;
  for (const { start, len } of rreq.subrequests) {
    const end = Math.ceil((start + len) / PAGE_SIZE);
    for (let index = Math.max(pageIndex(start), unmarked + 1); index < end; ) {
      const pfn = mapping.find(index);
      index = mapping.folios.indexOf(pfn) + mapping.folios.pagesOf(pfn);
      // With the kernel's defects another request may have stored a torn page meanwhile, and taken
      // the flag; this one's reference is left.
      if (requests.repaired || mapping.folios.test(pfn, PG_FSCACHE)) mapping.folios.endFscache(pfn);
      else mapping.folios.put(pfn);
      unmarked = index - 1;
    }
  }
  requests.complete(rreq, wasAsync);
}
