/**
 * Writing dirty pages to the server as AFS does: one StoreData for a run of neighbouring pages,
 * begun at a dirty page and extended as far as nothing has to be waited for. Plays the writeback
 * half of fs/afs/write.c as of v5.13. Spec: BEHAVIOUR 5.5; called by `afs_write.ts`.
 *
 * Differs: repaired, a range that ends inside a page takes the whole page, so that no dirty byte is
 * forgotten, and where cyclic writeback goes on is kept in pages, also by a pass that a locked page
 * ended.
 */
import {
  EDQUOT,
  EFBIG,
  EINTR,
  EIO,
  ENOENT,
  ENOMEDIUM,
  ENOSPC,
  ENXIO,
  EREMOTEIO,
  EROFS,
} from '../../base/errno.js';
import { PAGE_SIZE, pageIndex, roundUp } from '../../base/range.js';
import type { AddressSpace } from '../../mm/address_space.js';
import {
  type Folios,
  PG_DIRTY,
  PG_FSCACHE,
  PG_PRIVATE,
  PG_UPTODATE,
  PG_WRITEBACK,
} from '../../mm/folio.js';
import { removeFolio } from '../../mm/truncate.js';
import type { WritebackControl } from '../../mm/types.js';
import { awaited, type Task } from '../../sim/wait_queue.js';
import { regionOf } from './dirty_region.js';
import { tracePageDirty } from './trace_dirty.js';
import type { AfsParts, AfsVnode } from './types.js';

/** Most bytes of one StoreData: 65536 pages. */
const STORE_MAX = 65536 * PAGE_SIZE;
/** Pages that are gathered before they are marked (PAGEVEC_SIZE). */
const BATCH_PAGES = 15;
const END = Number.MAX_SAFE_INTEGER;

/** What becomes of the pages of a StoreData that failed. */
type Verdict = { readonly keep: boolean; readonly report: number };

const FATAL_ERRORS = [EROFS, EIO, EREMOTEIO, EFBIG, ENOENT, ENOMEDIUM, ENXIO];

/** The table of BEHAVIOUR 5.5: are the pages kept dirty, and what error does the file get? */
export function verdictOn(error: number): Verdict {
  if (error === -EDQUOT || error === -ENOSPC) return { keep: true, report: -ENOSPC };
  if (FATAL_ERRORS.includes(-error)) return { keep: false, report: error };
  // -EACCES, -EPERM and the key errors, because keys may come back; and what nobody expects.
  return { keep: true, report: error };
}

/** Pages under writeback together: their indices, and the bytes that are stored. */
interface Run {
  readonly first: number;
  /** Last page; grows. */
  last: number;
  readonly start: number;
  len: number;
}

/** A pass over a file. */
interface Pass {
  /** The byte at which the next one goes on; 0 unless the pass says otherwise. */
  next: number;
}

/** Writing back for one client. */
export class AfsWriteback {
  readonly #parts: AfsParts;

  constructor(parts: AfsParts) {
    this.#parts = parts;
  }

  /** ->writepages: 0 or the errno of what could not be written. */
  *writepages(mapping: AddressSpace, wbc: WritebackControl): Task<number> {
    const { validateLock } = mapping.host as AfsVnode;
    if (wbc.sync) yield* validateLock.read();
    else if (!validateLock.tryRead()) return 0;
    let result: number;
    try {
      result = yield* this.#writeLocked(mapping, wbc);
    } finally {
      validateLock.doneReading();
    }
    // The flusher writes the inode, too; fsync does not.
    if (!wbc.sync && !mapping.isTagged) (mapping.host as AfsVnode).unpinCache();
    return result;
  }

  *#writeLocked(mapping: AddressSpace, wbc: WritebackControl): Task<number> {
    const pass: Pass = { next: 0 };
    let result: number;
    if (wbc.cyclic) {
      const start = mapping.writebackIndex * PAGE_SIZE;
      result = yield* this.#region(mapping, wbc, start, END, pass);
      if (start > 0 && wbc.nrToWrite > 0 && result === 0) {
        result = yield* this.#region(mapping, wbc, 0, start, pass);
      }
      if (result === 0) mapping.writebackIndex = pageIndex(pass.next);
    } else {
      result = yield* this.#region(mapping, wbc, wbc.start, wbc.end, pass);
      const whole = wbc.start === 0 && wbc.end === END;
      // The kernel takes the byte for a page.
      const next = this.#parts.defects === 'kernel' ? pass.next : pageIndex(pass.next);
      if (whole && wbc.nrToWrite > 0 && result === 0) mapping.writebackIndex = next;
    }
    return result;
  }

  /**
   * Writes one locked page, unlocks it and waits until it is written (write_one_page): 0 or a
   * negative errno.
   */
  *writeOne(mapping: AddressSpace, pfn: number): Task<number> {
    const { folios } = this.#parts;
    yield* folios.waitWriteback(pfn);
    yield* folios.waitFscache(pfn);
    if (!folios.test(pfn, PG_DIRTY)) {
      folios.unlock(pfn);
      return 0;
    }
    const start = folios.indexOf(pfn) * PAGE_SIZE;
    const wbc = { sync: true, nrToWrite: 1, cyclic: false, start, end: END };
    const written = yield* this.#fromLocked(mapping, wbc, pfn, start, END);
    yield* folios.waitWriteback(pfn);
    return Math.min(0, written);
  }

  // Writes the dirty pages of bytes [start, end], unless one is locked and cannot be waited for.
  *#region(
    mapping: AddressSpace,
    wbc: WritebackControl,
    start: number,
    end: number,
    pass: Pass,
  ): Task<number> {
    const { folios, scheduler, defects } = this.#parts;
    let at = start;
    do {
      const pfn = mapping.nextTagged(pageIndex(at), pageIndex(end), PG_DIRTY);
      if (pfn < 0) break;
      const position = folios.indexOf(pfn) * PAGE_SIZE;
      if (!wbc.sync && !folios.tryLock(pfn)) {
        // The kernel forgets to say where it was.
        if (defects === 'repaired') pass.next = position;
        return 0;
      }
      at = position + folios.sizeOf(pfn);
      folios.get(pfn);
      const written = yield* this.#one(mapping, wbc, pfn, position, end);
      folios.put(pfn);
      if (written < 0) return written;
      if (written > 0) at = roundUp(position + written, PAGE_SIZE);
      if (scheduler.needResched()) yield* scheduler.reschedule();
    } while (wbc.nrToWrite > 0 && at <= end);
    pass.next = at;
    return 0;
  }

  // Bytes from the beginning of the page on that were written; 0: it was passed over. In the
  // background the page is locked already.
  *#one(
    mapping: AddressSpace,
    wbc: WritebackControl,
    pfn: number,
    position: number,
    end: number,
  ): Task<number> {
    const { folios } = this.#parts;
    if (wbc.sync) {
      if ((yield* folios.lockKillable(pfn)) < 0) return -EINTR;
      if (this.#isBusy(pfn)) {
        folios.unlock(pfn);
        yield* folios.waitWriteback(pfn);
        yield* folios.waitFscache(pfn);
        return yield* this.#one(mapping, wbc, pfn, position, end);
      }
    }
    const gone = folios.mappingOf(pfn) !== mapping;
    if (gone || this.#isBusy(pfn) || !folios.test(pfn, PG_DIRTY)) {
      folios.unlock(pfn);
      return 0;
    }
    return yield* this.#fromLocked(mapping, wbc, pfn, position, end);
  }

  // A page whose store failed is dirty again before its way into the cache (v5.17 on) has ended.
  #isBusy(pfn: number): boolean {
    const { folios } = this.#parts;
    return folios.test(pfn, PG_WRITEBACK) || folios.test(pfn, PG_FSCACHE);
  }

  // The page is locked and dirty, not under writeback. Bytes from its beginning on that were
  // written, or a negative errno; the page is unlocked.
  *#fromLocked(
    mapping: AddressSpace,
    wbc: WritebackControl,
    pfn: number,
    position: number,
    end: number,
  ): Task<number> {
    const { folios, tracer, defects } = this.#parts;
    const vnode = mapping.host as AfsVnode;
    // In this order, so that the file always has pages to be written, and stays open.
    folios.startWriteback(pfn);
    folios.clearDirty(pfn);
    wbc.nrToWrite -= folios.pagesOf(pfn);
    const size = folios.sizeOf(pfn);
    const { from, to } = regionOrAll(folios, pfn);
    tracePageDirty(tracer, vnode, pfn, 'store');
    const start = position + from;
    const first = folios.indexOf(pfn);
    const run: Run = { first, last: first + folios.pagesOf(pfn) - 1, start, len: to - from };
    const { size: fileSize } = vnode;
    if (start < fileSize) {
      const max = Math.min(STORE_MAX, end - start + 1, fileSize - start);
      if (run.len < max && (to === size || vnode.newContent)) {
        this.#extend(mapping, wbc, run, size - to, max);
      }
      // The kernel cuts the run off where the range ends, inside folios that are clean now.
      run.len = Math.min(run.len, defects === 'kernel' ? max : fileSize - start);
    }
    folios.unlock(pfn);
    // Wholly behind the end of the file, which was cut off meanwhile: as good as written.
    const error = start < fileSize ? yield* this.#store(vnode, run) : 0;
    yield* this.#ended(mapping, run, error);
    return error < 0 ? error : start - position + run.len;
  }

  *#store(vnode: AfsVnode, { first, last, start, len }: Run): Task<number> {
    yield* awaited(vnode.storing(first, last));
    return yield* vnode.modify.storePages(start, start, len);
  }

  // Adds the pages behind the run, up to the first that is not there, not dirty, busy or begins
  // clean. `filler`: clean bytes at the end of the last page.
  #extend(
    mapping: AddressSpace,
    wbc: WritebackControl,
    run: Run,
    fillerBefore: number,
    max: number,
  ): void {
    const { folios, tracer } = this.#parts;
    const vnode = mapping.host as AfsVnode;
    let filler = fillerBefore;
    // From where the run ends: with clean bytes at its end that is its own last page, which is
    // locked.
    let index = pageIndex(run.start + run.len);
    for (let more = true; more; ) {
      const batch: number[] = [];
      more = false;
      while (batch.length < BATCH_PAGES) {
        more = false;
        const pfn = mapping.find(index);
        if (pfn < 0 || folios.indexOf(pfn) !== index || !this.#canAdd(vnode, pfn)) break;
        const size = folios.sizeOf(pfn);
        const { to } = regionOrAll(folios, pfn);
        run.len += filler + to;
        filler = size - to;
        index += folios.pagesOf(pfn);
        batch.push(pfn);
        more = run.len < max && wbc.nrToWrite > 0 && (to === size || vnode.newContent);
        if (!more) break;
      }
      for (const pfn of batch) {
        tracePageDirty(tracer, vnode, pfn, 'store+');
        folios.startWriteback(pfn);
        folios.clearDirty(pfn);
        wbc.nrToWrite -= folios.pagesOf(pfn);
        run.last = folios.indexOf(pfn) + folios.pagesOf(pfn) - 1;
        folios.unlock(pfn);
      }
    }
  }

  // Locks a page that the run may go on with; false without having locked it.
  #canAdd(vnode: AfsVnode, pfn: number): boolean {
    const { folios } = this.#parts;
    if (!folios.tryLock(pfn)) return false;
    const fits = vnode.newContent || regionOrAll(folios, pfn).from === 0;
    if (fits && folios.test(pfn, PG_DIRTY) && !this.#isBusy(pfn)) return true;
    folios.unlock(pfn);
    return false;
  }

  *#ended(mapping: AddressSpace, run: Run, error: number): Task {
    const { folios, tracer } = this.#parts;
    const vnode = mapping.host as AfsVnode;
    const pages = [...mapping.range(run.first, run.last)];
    if (error === 0) {
      vnode.stored(run.first, run.last);
      for (const pfn of pages) {
        tracePageDirty(tracer, vnode, pfn, 'clear');
        if (folios.test(pfn, PG_PRIVATE)) folios.detachPrivate(pfn);
        folios.endWriteback(pfn);
      }
      return;
    }
    vnode.storeFailed();
    const { keep, report } = verdictOn(error);
    const bytes = pages.reduce((sum, pfn) => sum + folios.sizeOf(pfn), 0);
    mapping.errors.set(report, keep ? 0 : bytes);
    for (const pfn of pages) {
      folios.get(pfn);
      if (keep) folios.markDirty(pfn);
      else folios.clear(pfn, PG_UPTODATE);
      folios.endWriteback(pfn);
      if (keep) folios.put(pfn);
    }
    if (keep) return;
    for (const pfn of pages) {
      yield* folios.lock(pfn);
      if (folios.mappingOf(pfn) === mapping) yield* removeFolio(mapping, pfn);
      folios.unlock(pfn);
      folios.put(pfn);
    }
  }
}

function regionOrAll(folios: Folios, pfn: number): { from: number; to: number } {
  return folios.test(pfn, PG_PRIVATE) ? regionOf(folios, pfn) : { from: 0, to: folios.sizeOf(pfn) };
}
