/**
 * Buffered reads: the loop that finds pages in the page cache, starts readahead, waits for pages
 * under I/O, reads single ones, and copies. Plays mm/filemap.c; called by `vfs/`. Spec: BEHAVIOUR
 * 2.1.
 *
 * `hit` is the hot path: it copies out of pages that are ready without allocating and without
 * sleeping, and leaves everything else to `read`, which may sleep.
 */
import { EFAULT, EINTR, EIO } from '../base/errno.js';
import { PAGE_SHIFT, PAGE_SIZE, pageIndex, pagesFor } from '../base/range.js';
import { addSegment } from '../io/segments.js';
import type { SegmentList } from '../io/types.js';
import type { Scheduler } from '../sim/scheduler.js';
import { isTask, type MaybeTask, type Task, type WaitQueue } from '../sim/wait_queue.js';
import { type AddressSpace, AOP_TRUNCATED_PAGE } from './address_space.js';
import { type Folios, PG_ERROR, PG_LOCKED, PG_READAHEAD, PG_UPTODATE } from './folio.js';
import { type Readahead, ReadaheadControl } from './readahead.js';
import type { MmBehaviour, OpenFile } from './types.js';

/** Pages looked at in one go (PAGEVEC_SIZE). */
const BATCH_PAGES = 15;
/** A page operation that found its page gone: look again. Positive, so it is no errno. */
const RETRY = AOP_TRUNCATED_PAGE;

/** The page-cache side of read(2), for one kernel's behaviour. */
export class Filemap {
  readonly readahead: Readahead;
  readonly #folios: Folios;
  readonly #scheduler: Scheduler;
  readonly #behaviour: MmBehaviour;

  constructor(folios: Folios, scheduler: Scheduler, behaviour: MmBehaviour, readahead: Readahead) {
    this.#folios = folios;
    this.#scheduler = scheduler;
    this.#behaviour = behaviour;
    this.readahead = readahead;
  }

  /**
   * Copies as much of [pos, pos + count) into `target` at `at` as needs no I/O, no readahead and no
   * sleep, all of it or up to i_size; -1 when `read` must do it. Never gives part of a request that
   * `read` could give more of.
   */
  hit(file: OpenFile, target: Uint8Array, at: number, count: number, pos: number): number {
    const size = file.inode.size;
    if (pos >= size || count === 0) return this.#behaviour.eofCheckedFirst || count === 0 ? 0 : -1;
    const end = Math.min(pos + count, size);
    const first = pageIndex(pos);
    const last = pageIndex(end - 1);
    const limit = pagesFor(pos + count) - (this.#behaviour.batchLimitInclusive ? 0 : 1);
    let looked = 0;
    let head = -1;
    for (let index = first; index <= limit; looked++) {
      const pfn = file.mapping.find(index);
      if (looked === 0) head = pfn;
      // Behind the last byte `read` looks at what is present in the rest of its batch.
      if (index > last && (pfn < 0 || looked % BATCH_PAGES === 0)) break;
      if (pfn < 0 || (this.#folios.flagsOf(pfn) & (PG_UPTODATE | PG_READAHEAD)) !== PG_UPTODATE) {
        return -1;
      }
      index = this.#folios.startOf(pfn, index) + this.#folios.pagesOf(pfn);
    }
    return this.#copyRange(file, target, at, pos, end, head);
  }

  /**
   * Has a page read that is all a read needs and that is absent: its folio, which is busy until it
   * has been read and to which a reference is held until `endPage`; -1 if `read` must do it. What
   * nearly every random read comes to, so that it sleeps in its caller, few calls deep.
   */
  startPage(file: OpenFile, count: number, pos: number): MaybeTask<number> {
    const index = pageIndex(pos);
    const one = count > 0 && pageIndex(pos + count - 1) === index;
    if (!one || pos >= file.inode.size || this.#scheduler.context.killed) return -1;
    if (file.mapping.find(index) >= 0) return this.#holdBusy(file.mapping, index);
    const ractl = new ReadaheadControl(file, file.mapping, file.ra, index);
    const reading = this.readahead.sync(ractl, pagesFor(pos + count) - index);
    if (isTask(reading)) return this.#holdAfter(reading, file.mapping, index);
    return this.#holdBusy(file.mapping, index);
  }

  *#holdAfter(reading: Task, mapping: AddressSpace, index: number): Task<number> {
    yield* reading;
    return this.#holdBusy(mapping, index);
  }

  #holdBusy(mapping: AddressSpace, index: number): number {
    const pfn = mapping.find(index);
    const flags = PG_LOCKED | PG_UPTODATE | PG_READAHEAD;
    if (pfn < 0 || (this.#folios.flagsOf(pfn) & flags) !== PG_LOCKED) return -1;
    this.#folios.get(pfn);
    return pfn;
  }

  /** The folio of `startPage` is still being read, and the reader still wants it. */
  isBusy(pfn: number): boolean {
    return this.#folios.test(pfn, PG_LOCKED) && !this.#scheduler.context.killed;
  }

  /** What to sleep on while `isBusy`. */
  untilDone(pfn: number): WaitQueue {
    return this.#folios.unlocking(pfn);
  }

  /** Drops the reference and copies what was read: its bytes, or -1 when `read` must do it. */
  endPage(
    file: OpenFile,
    pfn: number,
    target: Uint8Array,
    at: number,
    count: number,
    pos: number,
  ): number {
    this.#folios.put(pfn);
    return this.#scheduler.context.killed ? -1 : this.hit(file, target, at, count, pos);
  }

  /**
   * Reads up to `count` bytes at `pos` into `target` at `at`. Returns the bytes read (0 at end of
   * file), or a negative errno when nothing was read: -EINTR, -EIO, -EFAULT or the filesystem's.
   */
  *read(file: OpenFile, target: Uint8Array, at: number, count: number, pos: number): Task<number> {
    const inode = file.inode;
    const batch: number[] = [];
    let done = 0;
    let error = 0;
    if (this.#behaviour.eofCheckedFirst && pos >= inode.size) return 0;
    do {
      error = yield* this.#getPages(file, pos + done, count - done, batch);
      if (error < 0) break;
      const end = Math.min(pos + count, inode.size);
      let covered = pos + done;
      for (const pfn of batch) covered = Math.max(covered, this.#endOf(pfn));
      if (target.byteLength < at + count) {
        // The program has given the buffer away while pages were waited for.
        error = -EFAULT;
      } else if (pos + done < end) {
        const to = Math.min(end, covered);
        const head = batch[0] as number;
        done += this.#copyRange(file, target, at + done, pos + done, to, head, batch);
      }
      for (const pfn of batch) this.#folios.put(pfn);
    } while (error === 0 && done < count && pos + done < inode.size);
    return done > 0 ? done : error;
  }

  /**
   * As `hit`, but tells where the bytes lie instead of copying them: for who hands them to a system
   * call before anybody else runs.
   */
  hitPieces(file: OpenFile, list: SegmentList, count: number, pos: number): number {
    const { size } = file.inode;
    list.count = 0;
    if (pos >= size || count === 0) return this.#behaviour.eofCheckedFirst || count === 0 ? 0 : -1;
    const end = Math.min(pos + count, size);
    let looked = 0;
    for (let position = pos; position < end; looked++) {
      const pfn = file.mapping.find(pageIndex(position));
      if (!this.#isReady(pfn)) return -1;
      position = this.#addPiece(list, pfn, position, end);
    }
    // Behind the last byte `read` looks at what is present in the rest of its batch.
    const behind = pageIndex(end - 1) + 1;
    const looks = this.#behaviour.batchLimitInclusive && looked % BATCH_PAGES !== 0;
    if (looks && behind <= pagesFor(pos + count)) {
      const pfn = file.mapping.find(behind);
      if (pfn >= 0 && !this.#isReady(pfn)) return -1;
    }
    file.ra.prevPos = end;
    return end - pos;
  }

  #isReady(pfn: number): boolean {
    return pfn >= 0 && (this.#folios.flagsOf(pfn) & (PG_UPTODATE | PG_READAHEAD)) === PG_UPTODATE;
  }

  // Adds what a folio has of [position, end): where it goes on.
  #addPiece(list: SegmentList, pfn: number, position: number, end: number): number {
    const folios = this.#folios;
    const start = folios.startOf(pfn, pageIndex(position)) * PAGE_SIZE;
    const stop = Math.min(end, start + folios.sizeOf(pfn));
    const offset = folios.frames.offsetOf(pfn) + position - start;
    addSegment(list, folios.frames.memoryOf(pfn), offset, stop - position);
    folios.touch(pfn);
    return stop;
  }

  /**
   * As `read`, but tells where the bytes lie. Each folio in `held` is referenced, and to be put
   * once they have been used.
   */
  *readPieces(
    file: OpenFile,
    list: SegmentList,
    held: number[],
    count: number,
    pos: number,
  ): Task<number> {
    const { inode } = file;
    const batch: number[] = [];
    let done = 0;
    let error = 0;
    list.count = 0;
    if (this.#behaviour.eofCheckedFirst && pos >= inode.size) return 0;
    do {
      error = yield* this.#getPages(file, pos + done, count - done, batch);
      if (error < 0) break;
      const end = Math.min(pos + count, inode.size);
      for (const pfn of batch) {
        const wanted = pos + done < end;
        if (wanted) done = this.#addPiece(list, pfn, pos + done, end) - pos;
        if (wanted) held.push(pfn);
        else this.#folios.put(pfn);
      }
      file.ra.prevPos = pos + done;
    } while (done < count && pos + done < inode.size);
    return done > 0 ? done : error;
  }

  /** Puts the folios of `readPieces`. */
  release(held: number[]): void {
    for (const pfn of held.splice(0)) this.#folios.put(pfn);
  }

  /** Reads one page that is not uptodate, held locked by the caller: 0, or a negative errno. */
  *readPage(file: OpenFile, pfn: number): Task<number> {
    this.#folios.clear(pfn, PG_ERROR);
    const error = yield* file.mapping.ops.readpage(file, pfn);
    if (error !== 0) return error;
    const waited = yield* this.#folios.waitUnlocked(pfn);
    if (waited !== 0) return waited;
    if (this.#folios.test(pfn, PG_UPTODATE)) return 0;
    file.ra.raPages = Math.floor(file.ra.raPages / 4);
    return -EIO;
  }

  #endOf(pfn: number): number {
    return this.#folios.indexOf(pfn) * PAGE_SIZE + this.#folios.sizeOf(pfn);
  }

  // Copies [pos, end) out of the folios that begin with `head`: those of `batch`, which may have
  // left the file since they were looked up, or those present. Neighbouring frames go in one copy.
  #copyRange(
    file: OpenFile,
    target: Uint8Array,
    at: number,
    pos: number,
    end: number,
    head: number,
    batch?: readonly number[],
  ): number {
    const folios = this.#folios;
    const { frames } = folios;
    let pfn = head;
    let nth = 0;
    for (let position = pos; position < end; ) {
      const folioStart = folios.startOf(pfn, pageIndex(position)) * PAGE_SIZE;
      let stop = folioStart + folios.sizeOf(pfn);
      let next = pfn;
      folios.touch(pfn);
      while (stop < end) {
        next = batch === undefined ? file.mapping.find(pageIndex(stop)) : (batch[++nth] as number);
        if (!frames.follows(pfn, (stop - folioStart) >>> PAGE_SHIFT, next)) break;
        folios.touch(next);
        stop += folios.sizeOf(next);
      }
      const length = Math.min(stop, end) - position;
      frames.copyOut(pfn, position - folioStart, length, target, at + (position - pos));
      position += length;
      pfn = next;
    }
    file.ra.prevPos = end;
    return end - pos;
  }

  // Fills `batch` with consecutive pages that may be copied from, each with a reference.
  *#getPages(file: OpenFile, pos: number, count: number, batch: number[]): Task<number> {
    const { mapping } = file;
    const index = pageIndex(pos);
    const last = pagesFor(pos + count);
    for (;;) {
      if (this.#scheduler.context.killed) return -EINTR;
      this.#collect(mapping, index, last, batch);
      if (batch.length === 0) {
        const ractl = new ReadaheadControl(file, mapping, file.ra, index);
        const reading = this.readahead.sync(ractl, last - index);
        if (isTask(reading)) yield* reading;
        this.#collect(mapping, index, last, batch);
      }
      if (batch.length === 0) {
        const error = yield* this.#readAbsent(file, index, batch);
        if (error === RETRY) continue;
        return error;
      }
      const pfn = batch[batch.length - 1] as number;
      if (this.#folios.test(pfn, PG_READAHEAD)) {
        const reading = this.#readAhead(file, pfn, last);
        if (isTask(reading)) yield* reading;
      }
      if (this.#folios.test(pfn, PG_UPTODATE)) return 0;
      // Mostly it is being read: what sleeps for that sleeps here, few calls deep.
      let error = RETRY;
      if (!this.#folios.test(pfn, PG_LOCKED)) error = yield* this.#makeUptodate(file, pfn);
      else while (this.isBusy(pfn)) yield this.untilDone(pfn);
      if (error === 0) return 0;
      this.#folios.put(pfn);
      batch.pop();
      if (batch.length > 0) return 0;
      if (error !== RETRY) return error;
    }
  }

  // Consecutive present pages, ending behind the first that needs attention.
  #collect(mapping: AddressSpace, first: number, last: number, batch: number[]): void {
    const folios = this.#folios;
    const limit = this.#behaviour.batchLimitInclusive ? last : last - 1;
    while (batch.length > 0) batch.pop();
    let index = first;
    while (index <= limit && batch.length < BATCH_PAGES) {
      const pfn = mapping.find(index);
      if (pfn < 0) return;
      folios.get(pfn);
      batch.push(pfn);
      const flags = folios.flagsOf(pfn);
      if ((flags & PG_UPTODATE) === 0 || (flags & PG_READAHEAD) !== 0) return;
      index = folios.indexOf(pfn) + folios.pagesOf(pfn);
    }
  }

  // Starts readahead from the page that has the marker.
  #readAhead(file: OpenFile, pfn: number, last: number): MaybeTask {
    const at = this.#folios.indexOf(pfn);
    const ractl = new ReadaheadControl(file, file.mapping, file.ra, at);
    return this.readahead.async(ractl, pfn, last - at);
  }

  // For a page that nobody reads.
  *#makeUptodate(file: OpenFile, pfn: number): Task<number> {
    const folios = this.#folios;
    folios.tryLock(pfn);
    if (folios.mappingOf(pfn) !== file.mapping) {
      folios.unlock(pfn);
      return RETRY;
    }
    return yield* this.readPage(file, pfn);
  }

  *#readAbsent(file: OpenFile, index: number, batch: number[]): Task<number> {
    const folios = this.#folios;
    const pfn = folios.addLocked(file.mapping, index);
    if (pfn < 0) {
      // Every page is in use: the kernel would have failed the allocation; here it is waited for.
      return (yield* folios.waitForMemory()) || RETRY;
    }
    const error = yield* this.readPage(file, pfn);
    if (error !== 0) {
      folios.put(pfn);
      return error;
    }
    batch.push(pfn);
    return 0;
  }
}
