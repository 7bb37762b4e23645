/**
 * The unlock walk: once all slices of a request have ended, decides for each of its folios whether
 * it is uptodate and whether it is to be stored, and unlocks it. `collect.ts` calls it. Kernel:
 * netfs_rreq_unlock_folios in fs/netfs/buffered_read.c. Spec: BEHAVIOUR 3.9.
 */
import { PAGE_SIZE, pageIndex } from '../../base/range.js';
import { type Folios, PG_FSCACHE, PG_UPTODATE } from '../../mm/folio.js';
import { SREQ_COPY_TO_CACHE, type Subrequest } from '../objects.js';
import type { Requests } from '../requests.js';
import {
  type ClassicRequest,
  RREQ_COPY_TO_CACHE,
  RREQ_DONT_UNLOCK_FOLIOS,
  RREQ_FAILED,
  RREQ_NO_UNLOCK_FOLIO,
} from './objects.js';

/** Where the walk stands among the slices. */
interface Cursor {
  at: number;
  /** Byte position of the end of the slice at the cursor. */
  end: number;
}

/** Unlocks the pages of a request. */
export function unlockFolios(requests: Requests, rreq: ClassicRequest): void {
  prepareStores(requests, rreq);
  requests.traceRequest(rreq, 'unlock');
  const { folios } = rreq.mapping;
  const first = rreq.subrequests[0];
  const cursor: Cursor = { at: 0, end: rreq.start + (first?.len ?? 0) };
  const endIndex = Math.ceil((rreq.start + rreq.len) / PAGE_SIZE);
  for (let index = pageIndex(rreq.start); index < endIndex; ) {
    const pfn = rreq.mapping.find(index);
    if (pfn < 0) {
      index++;
      continue;
    }
    index = folios.indexOf(pfn) + folios.pagesOf(pfn);
    if (walkFolio(requests, rreq, cursor, folios, pfn)) folios.set(pfn, PG_UPTODATE);
    unlockOne(rreq, folios, pfn);
  }
  rreq.ops.done?.(rreq);
}

function unlockOne(rreq: ClassicRequest, folios: Folios, pfn: number): void {
  if (rreq.has(RREQ_DONT_UNLOCK_FOLIOS)) return;
  if (rreq.has(RREQ_NO_UNLOCK_FOLIO) && folios.indexOf(pfn) === rreq.noUnlockFolio) return;
  folios.unlock(pfn);
}

// A request that failed stores nothing; nor, repaired, does a slice that ends inside a page which
// no slice completes, because the rest of that page is not data.
function prepareStores(requests: Requests, rreq: ClassicRequest): void {
  const partEnd = rreq.start + rreq.submitted;
  const tornPage = partEnd % PAGE_SIZE !== 0 && rreq.submitted < rreq.len;
  if (rreq.has(RREQ_FAILED)) {
    rreq.flags &= ~RREQ_COPY_TO_CACHE;
    for (const subreq of rreq.subrequests) subreq.flags &= ~SREQ_COPY_TO_CACHE;
  } else if (tornPage && requests.repaired) {
    let storing = false;
    for (const subreq of rreq.subrequests) {
      if (subreq.start + subreq.len > partEnd - (partEnd % PAGE_SIZE)) {
        subreq.flags &= ~SREQ_COPY_TO_CACHE;
      }
      storing ||= subreq.has(SREQ_COPY_TO_CACHE);
    }
    if (!storing) rreq.flags &= ~RREQ_COPY_TO_CACHE;
  }
}

// Goes over the slices that overlap one folio: true if all of it is data.
function walkFolio(
  requests: Requests,
  rreq: ClassicRequest,
  cursor: Cursor,
  folios: Folios,
  pfn: number,
): boolean {
  const pageEnd = folios.indexOf(pfn) * PAGE_SIZE + folios.sizeOf(pfn);
  let good = true;
  let marked = false;
  for (;;) {
    const subreq = rreq.subrequests[cursor.at];
    if (subreq === undefined) return false;
    if (subreq.has(SREQ_COPY_TO_CACHE)) {
      markForStore(requests, folios, pfn, marked);
      marked = true;
    }
    if (isBad(requests, subreq)) good = false;
    if (pageEnd < cursor.end) return good;
    const sliceEnd = cursor.end;
    cursor.at++;
    cursor.end += rreq.subrequests[cursor.at]?.len ?? 0;
    if (pageEnd === sliceEnd) return good;
  }
}

function isBad(requests: Requests, subreq: Subrequest): boolean {
  if (subreq.error < 0) return true;
  // A short slice of a request that failed is never resubmitted; the kernel takes it for good.
  return requests.repaired && subreq.transferred < subreq.len;
}

// `again`: an earlier slice of the request has marked it.
function markForStore(requests: Requests, folios: Folios, pfn: number, again: boolean): void {
  if (!folios.test(pfn, PG_FSCACHE)) folios.startFscache(pfn);
  // Another request may be storing the torn page: each has a reference. v5.13 sets the flag again
  // for each storing slice of the page, and leaks a reference each time.
  else if (!requests.repaired && !(again && requests.behaviour.marksPageOnce)) folios.get(pfn);
}
