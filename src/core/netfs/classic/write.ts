/**
 * The page a write goes to: found or made, locked, and filled with what the write leaves of it.
 * Kernel: netfs_write_begin in fs/netfs/buffered_read.c; a filesystem's ->write_begin calls it.
 * Spec: BEHAVIOUR 3.4, 3.6.
 *
 * Differs: a page for which there is no memory is waited for; check_write_begin's failure is traced
 * with request 0, where the kernel follows a null pointer.
 */
import { EAGAIN } from '../../base/errno.js';
import { PAGE_SIZE, pageIndex } from '../../base/range.js';
import type { AddressSpace } from '../../mm/address_space.js';
import { PG_UPTODATE } from '../../mm/folio.js';
import { zeroPart } from '../../mm/truncate.js';
import type { OpenFile } from '../../mm/types.js';
import type { Task } from '../../sim/wait_queue.js';
import type { Requests } from '../requests.js';
import type { RequestOps } from '../types.js';

/** What fills a locked folio before a partial write. */
interface ReadsForWrite {
  readForWrite(
    file: OpenFile,
    pfn: number,
    pos: number,
    len: number,
    ops: RequestOps,
  ): Task<number>;
}

/**
 * The folio that takes bytes [pos, pos + len), which lie in one page: locked, referenced, no write
 * of it to the cache in flight, and uptodate unless the write itself makes it so. Or a negative
 * errno.
 */
export function* netfsWriteBegin(
  requests: Requests,
  helper: ReadsForWrite,
  file: OpenFile,
  pos: number,
  len: number,
  ops: RequestOps,
): Task<number> {
  const { mapping } = file;
  const { folios } = mapping;
  for (;;) {
    const pfn = yield* grabLocked(mapping, pageIndex(pos));
    if (pfn < 0) return pfn;
    let error = (yield* ops.checkWriteBegin?.(file, pos, len, pfn) ?? nothing()) as number;
    if (error === -EAGAIN) {
      folios.put(pfn);
      continue;
    }
    if (error < 0) requests.traceFailure(undefined, undefined, error, 'check_write_begin');
    else error = yield* makeReady(requests, helper, file, pos, len, pfn, ops);
    if (error === 0) return pfn;
    folios.unlock(pfn);
    folios.put(pfn);
    return error;
  }
}

/** Finds or makes the page, and locks it: its folio, -EINTR on a fatal signal, or -ENOMEM. */
function* grabLocked(mapping: AddressSpace, index: number): Task<number> {
  const { folios } = mapping;
  for (;;) {
    let pfn = mapping.find(index);
    if (pfn < 0) {
      pfn = folios.addLocked(mapping, index);
      if (pfn >= 0) return pfn;
      const error = yield* folios.waitForMemory();
      if (error < 0) return error;
      continue;
    }
    folios.get(pfn);
    yield* folios.lock(pfn);
    folios.touch(pfn);
    if (folios.mappingOf(pfn) === mapping) return pfn;
    folios.unlock(pfn);
    folios.put(pfn);
  }
}

function* makeReady(
  requests: Requests,
  helper: ReadsForWrite,
  file: OpenFile,
  pos: number,
  len: number,
  pfn: number,
  ops: RequestOps,
): Task<number> {
  const { mapping } = file;
  const { folios } = mapping;
  if (!folios.test(pfn, PG_UPTODATE)) {
    if (!ops.isCacheEnabled(file.inode) && skipsRead(mapping, pfn, pos, len)) {
      requests.stats.netfs_n_rh_write_zskip++;
      return 0;
    }
    const error = yield* helper.readForWrite(file, pfn, pos, len, ops);
    if (error < 0) return error;
  }
  return yield* folios.waitFscache(pfn, true);
}

/**
 * True if nothing of the page that the write leaves alone is data of the file: it is then zeroed
 * (the rules of v5.13 as released).
 */
function skipsRead(mapping: AddressSpace, pfn: number, pos: number, len: number): boolean {
  const size = mapping.host.size;
  const start = mapping.folios.indexOf(pfn) * PAGE_SIZE;
  const pageSize = mapping.folios.sizeOf(pfn);
  const offset = pos - start;
  if (offset === 0 && len >= pageSize) return true;
  if (start >= size) zeroPart(mapping, pfn, 0, offset);
  else if (offset !== 0 || pos + len < size) return false;
  zeroPart(mapping, pfn, offset + len, pageSize - offset - len);
  return true;
}

function* nothing(): Task<number> {
  return 0;
}
