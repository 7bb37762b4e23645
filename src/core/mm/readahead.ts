/**
 * Readahead: which pages to read when a reader misses one or meets the marker. Plays
 * mm/readahead.c; called by `filemap.ts` and `fault.ts`, calls the filesystem's ->readahead. Spec:
 * BEHAVIOUR section 2.
 *
 * Differs: no block congestion, no non-blocking I/O; arithmetic that is unsigned in the kernel is
 * written so that it gives the same answers with ordinary numbers.
 */
import { PAGE_SIZE, pageIndex, roundUp, roundUpPowerOfTwo } from '../base/range.js';
import { andThen, awaited, isTask, type MaybeTask, type Task } from '../sim/wait_queue.js';
import type { AddressSpace } from './address_space.js';
import { ORDER_MAX } from './arena.js';
import { PG_READAHEAD, PG_WRITEBACK } from './folio.js';
import type { MmBehaviour, OpenFile } from './types.js';

/** Forced readahead is issued in pieces of 2 MiB. */
const FORCED_CHUNK_PAGES = 512;

/** What the readahead code knows of a device (struct backing_dev_info); pages. */
export interface BackingDevice {
  /** Default window. */
  raPages: number;
  /** Largest I/O the device likes; a request above the window may use up to this. */
  ioPages: number;
}

/** Readahead state of an open file (struct file_ra_state). Pages, but for `prevPos`. */
export class FileRaState {
  /** Index of the current window. */
  start = 0;
  size = 0;
  /** How many pages before the window's end the marker sits. */
  asyncSize = 0;
  raPages: number;
  mmapMiss = 0;
  /** Byte position after the last byte given to a reader; -1 before the first. */
  prevPos = -1;
  readonly device: BackingDevice;

  constructor(device: BackingDevice) {
    this.device = device;
    this.raPages = device.raPages;
  }
}

/** The window handed to ->readahead (struct readahead_control). Taking pages shortens it. */
export class ReadaheadControl {
  readonly file: OpenFile | undefined;
  readonly mapping: AddressSpace;
  /** Undefined in write_begin. */
  readonly ra: FileRaState | undefined;
  index: number;
  nrPages = 0;
  batchCount = 0;

  constructor(
    file: OpenFile | undefined,
    mapping: AddressSpace,
    ra: FileRaState | undefined,
    index: number,
  ) {
    this.file = file;
    this.mapping = mapping;
    this.ra = ra;
    this.index = index;
  }

  /** Byte position of the window that is left. */
  get position(): number {
    return this.index * PAGE_SIZE;
  }

  /** Bytes in the window that is left. */
  get length(): number {
    return this.nrPages * PAGE_SIZE;
  }
}

/** Takes the next folio, locked, from the window together with its reference; -1 at the end. */
export function readaheadFolio(ractl: ReadaheadControl): number {
  ractl.index += ractl.batchCount;
  ractl.nrPages -= ractl.batchCount;
  ractl.batchCount = 0;
  if (ractl.nrPages <= 0) return -1;
  const pfn = ractl.mapping.find(ractl.index);
  ractl.batchCount = ractl.mapping.folios.pagesOf(pfn);
  return pfn;
}

/**
 * First window for a request of `req` pages when windows may have `max` pages (get_init_ra_size).
 */
export function initialWindow(req: number, max: number): number {
  const pages = roundUpPowerOfTwo(req);
  if (pages <= Math.floor(max / 32)) return pages * 4;
  if (pages <= Math.floor(max / 4)) return pages * 2;
  return max;
}

/** The window after one of `size` pages (get_next_ra_size). */
export function nextWindow(size: number, max: number): number {
  if (size < Math.floor(max / 16)) return 4 * size;
  if (size <= Math.floor(max / 2)) return 2 * size;
  return max;
}

// The folio at an index: aligned, not beyond the last page, and never of two pages.
function orderAt(index: number, largest: number, limit: number): number {
  let order = largest;
  while (order > 0 && index % (1 << order) !== 0) order--;
  if (order === 1) order = 0;
  while (index + (1 << order) - 1 > limit) {
    order--;
    if (order === 1) order = 0;
  }
  return order;
}

/** The readahead algorithm, for one kernel's behaviour. */
export class Readahead {
  readonly #behaviour: MmBehaviour;

  constructor(behaviour: MmBehaviour) {
    this.#behaviour = behaviour;
  }

  /** A reader of `req` pages found the page at the window's index absent (page_cache_sync_ra). */
  sync(ractl: ReadaheadControl, req: number): MaybeTask {
    const { file, ra } = ractl;
    if (ra === undefined) return;
    if (ra.raPages === 0) return file === undefined ? undefined : this.forced(ractl, 1);
    if (file?.randomMode) return this.forced(ractl, req);
    return this.#onDemand(ractl, -1, req);
  }

  /** A reader met the marker on folio `pfn`, at the window's index (page_cache_async_ra). */
  async(ractl: ReadaheadControl, pfn: number, req: number): MaybeTask {
    const { folios } = ractl.mapping;
    // The marker shares its bit with PG_reclaim, which has that meaning under writeback.
    if (ractl.ra === undefined || ractl.ra.raPages === 0 || folios.test(pfn, PG_WRITEBACK)) return;
    folios.clear(pfn, PG_READAHEAD);
    return this.#onDemand(ractl, folios.orderOf(pfn), req);
  }

  /** Reads `pages` pages regardless of history, without a marker (force_page_cache_ra). */
  *forced(ractl: ReadaheadControl, pages: number): Task {
    const { ra } = ractl;
    if (ra === undefined) return;
    let left = Math.min(pages, Math.max(ra.device.ioPages, ra.raPages));
    let { index } = ractl;
    while (left > 0) {
      const chunk = Math.min(left, FORCED_CHUNK_PAGES);
      ractl.index = index;
      yield* awaited(this.window(ractl, chunk, 0));
      index += chunk;
      left -= chunk;
    }
  }

  /** Reads [index, index + pages) as far as i_size, marker `lookahead` pages before the end. */
  window(ractl: ReadaheadControl, pages: number, lookahead: number): MaybeTask {
    const size = ractl.mapping.host.size;
    if (size === 0) return;
    const end = pageIndex(size - 1);
    if (ractl.index > end) return;
    const count = Math.min(pages, end - ractl.index + 1);
    return this.#unbounded(ractl, ractl.index, 0, count, lookahead);
  }

  // Spec 2.4: the first rule of the table that applies decides.
  // `order` is that of the folio with the marker, -1 without one.
  #onDemand(ractl: ReadaheadControl, order: number, req: number): MaybeTask {
    const hit = order >= 0;
    const ra = ractl.ra as FileRaState;
    const { index } = ractl;
    let max = ra.raPages;
    if (req > max && ra.device.ioPages > max) max = Math.min(req, ra.device.ioPages);

    if (index === 0) {
      this.#initial(ra, index, req, max);
    } else if (this.#isExpected(ra, index, Math.max(0, order))) {
      ra.start += ra.size;
      ra.size = nextWindow(ra.size, max);
      ra.asyncSize = ra.size;
    } else if (hit) {
      const start = ractl.mapping.nextMiss(index + 1, max);
      if (start < 0 || start - index > max) return;
      ra.start = start;
      ra.size = nextWindow(start - index + req, max);
      ra.asyncSize = ra.size;
    } else if (req > max || this.#isSequential(ra, index)) {
      this.#initial(ra, index, req, max);
    } else if (!this.#fromContext(ractl, ra, req, max)) {
      // A small random read: read it as it is and leave the history alone.
      return this.window(ractl, req, 0);
    }
    // A window that would trip over its own marker at once is joined with the next one.
    if (index === ra.start && ra.size === ra.asyncSize) {
      const add = nextWindow(ra.size, max);
      if (ra.size + add <= max) {
        ra.asyncSize = add;
        ra.size += add;
      } else {
        ra.size = max;
        ra.asyncSize = Math.floor(max / 2);
      }
    }
    ractl.index = ra.start;
    return this.ordered(ractl, Math.max(0, order));
  }

  // The marker of a window sits on a folio that may begin later than the page it stands for.
  #isExpected(ra: FileRaState, index: number, order: number): boolean {
    const marker = roundUp(ra.start + ra.size - ra.asyncSize, 1 << order);
    return index === marker || index === ra.start + ra.size;
  }

  /**
   * Reads the window of the readahead state in folios that grow with it, where the filesystem can
   * have them; `order` is that of the folio that led here (page_cache_ra_order).
   */
  ordered(ractl: ReadaheadControl, order: number): MaybeTask {
    const ra = ractl.ra as FileRaState;
    const { mapping } = ractl;
    if (mapping.ops.largeFolios !== true || ra.size < 4 || mapping.host.size === 0) {
      return this.window(ractl, ra.size, ra.asyncSize);
    }
    return this.#largeFolios(ractl, order);
  }

  *#largeFolios(ractl: ReadaheadControl, order: number): Task {
    const ra = ractl.ra as FileRaState;
    const { mapping } = ractl;
    const { index: first } = ractl;
    const limit = Math.min(pageIndex(mapping.host.size - 1), first + ra.size - 1);
    const mark = first + ra.size - ra.asyncSize;
    let largest = Math.min(order + 2, ORDER_MAX);
    while (1 << largest > ra.size) largest--;
    let index = first;
    while (index <= limit) {
      const size = orderAt(index, largest, limit);
      if (!this.#addFolio(ractl, index, size, mark)) break;
      index += 1 << size;
    }
    if (ractl.nrPages > 0) yield* awaited(this.#dispatch(ractl));
    // What is in the way is gone round page by page.
    if (index > limit) return;
    ractl.index = first;
    yield* awaited(this.window(ractl, ra.size, ra.asyncSize));
  }

  #addFolio(ractl: ReadaheadControl, index: number, order: number, mark: number): boolean {
    const { mapping } = ractl;
    const pages = 1 << order;
    if (mapping.nextMiss(index, pages) !== index) return false;
    for (let i = 1; i < pages; i++) if (mapping.find(index + i) >= 0) return false;
    const pfn = mapping.folios.addLocked(mapping, index, order);
    if (pfn < 0) return false;
    if (roundUp(mark, pages) === index) mapping.folios.set(pfn, PG_READAHEAD);
    ractl.nrPages += pages;
    return true;
  }

  #initial(ra: FileRaState, index: number, req: number, max: number): void {
    ra.start = index;
    ra.size = initialWindow(req, max);
    ra.asyncSize = ra.size > req ? ra.size - req : ra.size;
  }

  #isSequential(ra: FileRaState, index: number): boolean {
    if (ra.prevPos < 0) return false;
    const distance = index - pageIndex(ra.prevPos);
    return distance === 0 || distance === 1;
  }

  #fromContext(ractl: ReadaheadControl, ra: FileRaState, req: number, max: number): boolean {
    const { index } = ractl;
    let history = ractl.mapping.presentBelow(index, max);
    if (history <= req) return false;
    if (history >= index) history *= 2;
    ra.start = index;
    ra.size = Math.min(history + req, max);
    ra.asyncSize = 1;
    return true;
  }

  // One window becomes one ->readahead call per gap between pages that are present already: the
  // pages from the `done`th of `pages` from `first`.
  #unbounded(
    ractl: ReadaheadControl,
    first: number,
    done: number,
    pages: number,
    lookahead: number,
  ): MaybeTask {
    const { mapping } = ractl;
    for (let i = done; i < pages; i++) {
      const index = first + i;
      if (mapping.find(index) >= 0) {
        const rest = this.#dispatch(ractl);
        if (isTask(rest)) return this.#behind(rest, ractl, first, pages, lookahead);
        // The filesystem may have grown the run; go on behind whatever it covered.
        ractl.index++;
        i = ractl.index - first - 1;
        continue;
      }
      const pfn = mapping.folios.addLocked(mapping, index);
      if (pfn < 0) break;
      if (i === pages - lookahead) mapping.folios.set(pfn, PG_READAHEAD);
      ractl.nrPages++;
    }
    return this.#dispatch(ractl);
  }

  *#behind(
    run: Task,
    ractl: ReadaheadControl,
    first: number,
    pages: number,
    lookahead: number,
  ): Task {
    yield* run;
    ractl.index++;
    yield* awaited(this.#unbounded(ractl, first, ractl.index - first, pages, lookahead));
  }

  #dispatch(ractl: ReadaheadControl): MaybeTask {
    if (ractl.nrPages === 0) return;
    return andThen(ractl.mapping.ops.readahead(ractl), () => this.#leave(ractl));
  }

  // What the filesystem did not take is not read.
  #leave(ractl: ReadaheadControl): void {
    const { mapping, ra } = ractl;
    for (let pfn = readaheadFolio(ractl); pfn >= 0; pfn = readaheadFolio(ractl)) {
      const { folios } = mapping;
      if (this.#behaviour.leftoversRemoved && ra !== undefined) {
        const pages = folios.pagesOf(pfn);
        ra.size -= pages;
        if (ra.asyncSize >= pages) {
          ra.asyncSize -= pages;
          folios.remove(pfn);
        }
      }
      folios.unlock(pfn);
      folios.put(pfn);
    }
  }
}

/**
 * Grows the window outwards to cover `length` bytes from `start`, page by page, as far as pages are
 * absent and memory can be had (readahead_expand). Growth stops for good at the first page that is
 * present, downwards first; the caller reads back what was reached. Not clipped to i_size.
 */
export function readaheadExpand(ractl: ReadaheadControl, start: number, length: number): void {
  const { mapping, ra } = ractl;
  const target = pageIndex(start);
  while (ractl.index > target) {
    const index = ractl.index - 1;
    if (mapping.find(index) >= 0) return;
    if (mapping.folios.addLocked(mapping, index) < 0) return;
    ractl.nrPages++;
    ractl.index--;
  }
  const want = Math.ceil((length + start - ractl.position) / PAGE_SIZE);
  while (ractl.nrPages < want) {
    const index = ractl.index + ractl.nrPages;
    if (mapping.find(index) >= 0) return;
    if (mapping.folios.addLocked(mapping, index) < 0) return;
    ractl.nrPages++;
    if (ra !== undefined) {
      ra.size++;
      ra.asyncSize++;
    }
  }
}
