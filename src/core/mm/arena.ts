/**
 * Page frames: the memory that page-cache pages live in, in page-aligned shared arenas that system
 * calls read into directly and worker threads can see without a copy.
 *
 * Frames are handed out from a cursor that runs round the memory, so that a window of pages gets
 * neighbouring frames while there are any, and one I/O covers it. Frames are freed in LRU order,
 * which for a stream is the order of the cursor: a full cache then behaves as a ring.
 *
 * Free runs are kept by order, as the buddy allocator of mm/page_alloc.c keeps them, so that an
 * allocation takes as long when memory is nearly full as when it is empty. Differs: a free run is
 * in the set of every order it contains, so that single frames are found in the cursor's order.
 */
import { assert } from '../base/assert.js';
import { PAGE_SHIFT, PAGE_SIZE, roundUp } from '../base/range.js';
import { IndexSet } from './index_set.js';
import { SharedMemory } from './memory.js';

/** Pages of one arena: 1 GiB, well below the 4 GiB that a WebAssembly memory can be. */
const ARENA_SHIFT = 18;
const ARENA_PAGES = 1 << ARENA_SHIFT;
/** Order of the largest run: 2 MiB. */
export const ORDER_MAX = 9;
/**
 * Bytes at most for readers' buffers behind the frames of the first arena: no more than there are
 * of frames, as untouched they take no memory, but V8 counts them and collects garbage for them.
 */
const BUFFER_ROOM = 64 << 20;

/**
 * Buffers to read into that lie in the same memory as page frames, so that a read is a copy within
 * it. Any other memory can be read into as well.
 */
export class ReaderBuffers {
  readonly #memory: SharedMemory;
  /** Where the room not given out yet begins. */
  #next: number;
  /** Given back, by size. */
  readonly #spare = new Map<number, Uint8Array[]>();
  /** What was asked about last. */
  #last: Uint8Array | undefined;
  #lastOffset = -1;

  /** Hands out what of `memory` begins at byte `start`. */
  constructor(memory: SharedMemory, start: number) {
    this.#memory = memory;
    this.#next = start;
  }

  /** A buffer, page-aligned, its content left over; ordinary memory when there is no room. */
  take(bytes: number): Uint8Array {
    const spare = this.#spare.get(bytes)?.pop();
    if (spare !== undefined) return spare;
    const start = this.#next;
    const end = start + roundUp(bytes, PAGE_SIZE);
    if (end > this.#memory.bytes.length) return new Uint8Array(bytes);
    this.#next = end;
    return this.#memory.bytes.subarray(start, start + bytes);
  }

  /** Takes a buffer back that nobody uses any more. */
  release(buffer: Uint8Array): void {
    if (this.offsetOf(buffer) < 0) return;
    const { length } = buffer;
    const spare = this.#spare.get(length);
    if (spare === undefined) this.#spare.set(length, [buffer]);
    else spare.push(buffer);
  }

  /** Where in the memory an array begins, or -1 if it is elsewhere. */
  offsetOf(array: Uint8Array): number {
    if (array !== this.#last) {
      this.#last = array;
      this.#lastOffset = array.buffer === this.#memory.bytes.buffer ? array.byteOffset : -1;
    }
    return this.#lastOffset;
  }
}

/** The page frames, numbered from 0 (`pfn`). */
export class PageFrames {
  /** Number of frames. */
  readonly count: number;
  readonly buffers: ReaderBuffers;
  readonly #arenas: SharedMemory[] = [];
  readonly #used: Uint8Array;
  /** By order: runs of 2^order frames that are all free, by their number; only below `#fresh`. */
  readonly #runs = Array.from({ length: ORDER_MAX + 1 }, () => new IndexSet());
  /** Frames from here on have never been used. */
  #fresh = 0;
  #free: number;
  #cursor = 0;

  /**
   * `bytes` is rounded up to whole pages; memory is touched only as frames are filled. `huge`: asks
   * for it in huge pages.
   */
  constructor(bytes: number, huge = false) {
    this.count = Math.ceil(bytes / PAGE_SIZE);
    this.#free = this.count;
    this.#used = new Uint8Array(this.count);
    for (let left = this.count; left > 0; left -= ARENA_PAGES) {
      const bytes = Math.min(left, ARENA_PAGES) * PAGE_SIZE;
      const room = this.#arenas.length === 0 ? Math.min(BUFFER_ROOM, bytes) : 0;
      this.#arenas.push(new SharedMemory(bytes + room, huge ? bytes : 0));
    }
    const first = this.#arenas[0] as SharedMemory;
    this.buffers = new ReaderBuffers(first, Math.min(this.count, ARENA_PAGES) * PAGE_SIZE);
  }

  /** The memory of each arena, for other threads; kept alive by this. */
  get shared(): readonly SharedArrayBuffer[] {
    return this.#arenas.map((arena) => arena.shared);
  }

  /** Frames not in use. */
  get free(): number {
    return this.#free;
  }

  /** The arena that holds a frame; valid as long as this object is. */
  memoryOf(pfn: number): Uint8Array {
    return (this.#arenas[pfn >>> ARENA_SHIFT] as SharedMemory).bytes;
  }

  /** The byte offset of a frame in its arena. */
  offsetOf(pfn: number): number {
    return (pfn & (ARENA_PAGES - 1)) << PAGE_SHIFT;
  }

  /** True if frame `next` lies `pages` frames behind `pfn` in the same piece of memory. */
  follows(pfn: number, pages: number, next: number): boolean {
    return next === pfn + pages && next >>> ARENA_SHIFT === pfn >>> ARENA_SHIFT;
  }

  /**
   * Copies `length` bytes from byte `from` of a frame on, which may go on in its neighbours, into
   * `target` at `at`. Allocates nothing if the target is one of `buffers`.
   */
  copyOut(pfn: number, from: number, length: number, target: Uint8Array, at: number): void {
    const offset = this.offsetOf(pfn) + from;
    const arena = this.#arenas[pfn >>> ARENA_SHIFT] as SharedMemory;
    const to = pfn < ARENA_PAGES ? this.buffers.offsetOf(target) : -1;
    if (to < 0) target.set(arena.bytes.subarray(offset, offset + length), at);
    else arena.copy(to + at, offset, length);
  }

  /** Takes one frame, or -1 when all are in use. */
  allocate(): number {
    return this.allocateOrder(0);
  }

  /**
   * Takes 2^order neighbouring frames, aligned to their number, or -1 when there is no such run.
   * `order` is at most `ORDER_MAX`.
   */
  allocateOrder(order: number): number {
    const pages = 1 << order;
    if (this.#free < pages) return -1;
    const first = roundUp(this.#fresh, pages);
    if (first + pages <= this.count) {
      const gap = this.#fresh;
      this.#fresh = first + pages;
      for (let pfn = gap; pfn < first; pfn++) this.#noteFree(pfn);
      return this.#take(first, pages);
    }
    const runs = this.#runs[order] as IndexSet;
    let run = runs.next(Math.ceil(this.#cursor / pages));
    if (run < 0) run = runs.next(0);
    if (run < 0) return order === 0 ? -1 : this.#takeLast(order);
    for (let pfn = run * pages; pfn < (run + 1) * pages; pfn++) this.#noteUsed(pfn);
    return this.#take(run * pages, pages);
  }

  /** Gives 2^order frames back. */
  release(pfn: number, order: number): void {
    const pages = 1 << order;
    for (let i = pfn; i < pfn + pages; i++) {
      assert(this.#used[i] === 1, 'frame # freed twice', i);
      this.#used[i] = 0;
      this.#noteFree(i);
    }
    this.#free += pages;
  }

  // Of the frames that were never used too few are left for a run: those before them may make it
  // one. From now on all frames have been used.
  #takeLast(order: number): number {
    if (this.#fresh === this.count) return -1;
    const gap = this.#fresh;
    this.#fresh = this.count;
    for (let pfn = gap; pfn < this.count; pfn++) this.#noteFree(pfn);
    return this.allocateOrder(order);
  }

  #take(pfn: number, pages: number): number {
    this.#used.fill(1, pfn, pfn + pages);
    this.#free -= pages;
    this.#cursor = pfn + pages;
    return pfn;
  }

  // A frame below `#fresh` is free: so is each run that it was the last used frame of.
  #noteFree(pfn: number): void {
    let run = pfn;
    for (let order = 0; order <= ORDER_MAX; order++) {
      const runs = this.#runs[order] as IndexSet;
      runs.add(run);
      if (!runs.has(run ^ 1)) return;
      run >>>= 1;
    }
  }

  #noteUsed(pfn: number): void {
    for (let order = 0; order <= ORDER_MAX; order++) {
      if (!(this.#runs[order] as IndexSet).delete(pfn >>> order)) return;
    }
  }
}
