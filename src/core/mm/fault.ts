/**
 * Page faults of memory-mapped files: map-around, readahead on a fault, waiting for the page,
 * making it writable. Plays the parts of mm/filemap.c and mm/memory.c behind a fault; called by
 * `vfs/file.ts`. Spec: BEHAVIOUR 2.8, 5.4.
 *
 * Differs: page tables are a set of page indices; a fault that slept is tried again by a loop, not
 * by the processor.
 */
import { EAGAIN, EFAULT, EIO, EROFS } from '../base/errno.js';
import { pagesFor } from '../base/range.js';
import type { Scheduler } from '../sim/scheduler.js';
import { awaited, type Task } from '../sim/wait_queue.js';
import { AOP_TRUNCATED_PAGE, type MappedArea } from './address_space.js';
import type { Filemap } from './filemap.js';
import { type Folios, PG_LOCKED, PG_READAHEAD, PG_UPTODATE } from './folio.js';
import { ReadaheadControl } from './readahead.js';
import type { OpenFile } from './types.js';

/** Pages mapped around a fault: a naturally aligned block of 64 KiB (fault_around_bytes). */
const FAULT_AROUND_PAGES = 16;
/** More misses than hits by this many stop read-around (MMAP_LOTSAMISS). */
const LOTS_OF_MISSES = 100;
/** `mmapMiss` is not counted beyond this. */
const MISSES_MAX = LOTS_OF_MISSES * 10;

/** Advice given to a mapped area by madvise(2). */
export type AreaAdvice = 'normal' | 'random' | 'sequential';

/** A memory mapping of part of a file (struct vm_area_struct); pages of the file. */
export class Area implements MappedArea {
  readonly file: OpenFile;
  readonly firstPage: number;
  readonly pages: number;
  advice: AreaAdvice = 'normal';
  readonly #mapped = new Set<number>();
  /** Mapped pages that may be written to without a fault. */
  readonly #writable = new Set<number>();

  /** Maps pages [firstPage, firstPage + pages) of the file. */
  constructor(file: OpenFile, firstPage: number, pages: number) {
    this.file = file;
    this.firstPage = firstPage;
    this.pages = pages;
    file.mapping.areas.add(this);
  }

  /** Ends the mapping. */
  close(): void {
    this.file.mapping.areas.delete(this);
    this.#mapped.clear();
    this.#writable.clear();
  }

  /** Enters a page of the file into the page table. */
  map(index: number): void {
    this.#mapped.add(index);
  }

  unmap(index: number, pages: number): void {
    for (let i = index; i < index + pages; i++) this.#mapped.delete(i);
    this.writeProtect(index, pages);
  }

  writeProtect(index: number, pages: number): void {
    for (let i = index; i < index + pages; i++) this.#writable.delete(i);
  }

  /** True if a store into the page needs no fault. */
  isWritable(index: number): boolean {
    return this.#writable.has(index);
  }

  /** A store into the mapped page needs no fault from now on. */
  allowWrites(index: number): void {
    this.#writable.add(index);
  }

  isMapped(index: number, pages: number): boolean {
    for (let i = index; i < index + pages; i++) if (this.#mapped.has(i)) return true;
    return false;
  }
}

/** The fault handler. */
export class FaultHandler {
  readonly #folios: Folios;
  readonly #filemap: Filemap;
  readonly #scheduler: Scheduler;

  constructor(folios: Folios, filemap: Filemap, scheduler: Scheduler) {
    this.#folios = folios;
    this.#filemap = filemap;
    this.#scheduler = scheduler;
  }

  /**
   * Makes page `index` of the file accessible in the area. 0; -EFAULT beyond the end of the file or
   * when the page cannot be read (SIGBUS); -EINTR on a fatal signal.
   */
  *fault(area: Area, index: number): Task<number> {
    for (let tried = false; ; tried = true) {
      if (this.#mapAround(area, index)) return 0;
      const error = yield* this.#handle(area, index, tried);
      if (error !== 0) return error;
    }
  }

  /**
   * Makes page `index`, which is mapped, writable (do_page_mkwrite): the folio to store into before
   * anybody else runs, -EAGAIN when the page has to be faulted in again, or another negative errno.
   */
  *makeWritable(area: Area, index: number): Task<number> {
    const { mapping } = area.file;
    const folios = this.#folios;
    const pfn = mapping.find(index);
    if (pfn < 0) return -EAGAIN;
    if (mapping.ops.write === undefined) return -EROFS;
    folios.get(pfn);
    const verdict = yield* mapping.ops.write.pageMkwrite(area.file, pfn);
    if (verdict === 0) {
      // The filesystem is trusted to have looked whether the page is still the file's.
      if (folios.mappingOf(pfn) === mapping) folios.markDirty(pfn);
      if (area.isMapped(index, 1)) area.allowWrites(index);
      folios.unlock(pfn);
    }
    folios.put(pfn);
    if (verdict < 0) return verdict;
    return verdict === 0 ? pfn : -EAGAIN;
  }

  // Maps the ready pages of the aligned block around the fault; true if the faulting one is among
  // them.
  #mapAround(area: Area, fault: number): boolean {
    const block = fault - (fault % FAULT_AROUND_PAGES);
    const first = Math.max(block, area.firstPage);
    const size = pagesFor(area.file.inode.size);
    const end = Math.min(block + FAULT_AROUND_PAGES, area.firstPage + area.pages, size);
    const { mapping, ra } = area.file;
    for (let index = first; index < end; index++) {
      const pfn = mapping.find(index);
      if (pfn < 0) continue;
      const flags = this.#folios.flagsOf(pfn);
      if ((flags & (PG_LOCKED | PG_UPTODATE | PG_READAHEAD)) !== PG_UPTODATE) continue;
      if (ra.mmapMiss > 0) ra.mmapMiss--;
      area.map(index);
    }
    return area.isMapped(fault, 1);
  }

  // One pass of the handler: 0 means "look again".
  *#handle(area: Area, index: number, tried: boolean): Task<number> {
    const { file } = area;
    const { mapping } = file;
    if (index >= pagesFor(file.inode.size)) return -EFAULT;
    let pfn = mapping.find(index);
    if (pfn >= 0) {
      if (!tried) yield* this.#asyncReadahead(area, pfn, index);
    } else {
      yield* this.#syncReadahead(area, index);
    }
    pfn = mapping.find(index);
    if (pfn < 0) {
      pfn = this.#folios.addLocked(mapping, index);
      if (pfn < 0) return yield* this.#folios.waitForMemory();
    } else {
      this.#folios.get(pfn);
      const waited = yield* this.#lock(pfn);
      if (waited !== 0) return waited;
    }
    return yield* this.#settle(area, pfn, index);
  }

  // The page is locked and referenced: map it, or read it. Drops both.
  *#settle(area: Area, pfn: number, index: number): Task<number> {
    const folios = this.#folios;
    const { file } = area;
    let error = 0;
    if (folios.mappingOf(pfn) !== file.mapping) {
      folios.unlock(pfn);
    } else if (!folios.test(pfn, PG_UPTODATE)) {
      error = yield* this.#filemap.readPage(file, pfn);
      if (error === AOP_TRUNCATED_PAGE) error = 0;
      else if (error !== 0)
        error = error === -EIO || !this.#scheduler.context.killed ? -EFAULT : error;
    } else {
      if (index >= pagesFor(file.inode.size)) error = -EFAULT;
      else area.map(index);
      folios.unlock(pfn);
    }
    folios.put(pfn);
    return error;
  }

  *#lock(pfn: number): Task<number> {
    while (!this.#folios.tryLock(pfn)) {
      const error = yield* this.#folios.waitUnlocked(pfn);
      if (error === 0) continue;
      this.#folios.put(pfn);
      return error;
    }
    return 0;
  }

  *#syncReadahead(area: Area, index: number): Task {
    const { file } = area;
    const { ra } = file;
    if (area.advice === 'random' || ra.raPages === 0) return;
    const ractl = new ReadaheadControl(file, file.mapping, ra, index);
    if (area.advice === 'sequential') {
      yield* awaited(this.#filemap.readahead.sync(ractl, ra.raPages));
      return;
    }
    if (ra.mmapMiss < MISSES_MAX) ra.mmapMiss++;
    if (ra.mmapMiss > LOTS_OF_MISSES) return;
    ra.start = Math.max(0, index - Math.floor(ra.raPages / 2));
    ra.size = ra.raPages;
    ra.asyncSize = Math.floor(ra.raPages / 4);
    ractl.index = ra.start;
    yield* awaited(this.#filemap.readahead.ordered(ractl, 0));
  }

  *#asyncReadahead(area: Area, pfn: number, index: number): Task {
    const { file } = area;
    const { ra } = file;
    if (area.advice === 'random' || ra.raPages === 0) return;
    if (ra.mmapMiss > 0) ra.mmapMiss--;
    if (!this.#folios.test(pfn, PG_READAHEAD)) return;
    const ractl = new ReadaheadControl(file, file.mapping, ra, index);
    yield* awaited(this.#filemap.readahead.async(ractl, pfn, ra.raPages));
  }
}
