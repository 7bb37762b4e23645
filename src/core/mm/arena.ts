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
 * found under every order it contains, so that single frames are found in the cursor's order, and
 * what lies within 32 frames is a word of bits, as a set is too slow to be changed for each page.
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
/** Frames of a word of bits are 2^5. */
const WORD_SHIFT = 5;
const WORD_MASK = (1 << WORD_SHIFT) - 1;
/** By order, up to a word: the frames of a word at which a run may begin. */
const ALIGNED = [-1, 0x55555555, 0x11111111, 0x01010101, 0x00010001, 1];
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
  /** A bit for each frame that is free, of those below `#fresh`. */
  readonly #bits: Int32Array;
  /** By word: the order of the largest aligned run that is free in it; -1: nothing is. */
  readonly #largest: Int8Array;
  /**
   * By order: up to that of a word, the words with a free run of it; above, the free runs by their
   * number.
   */
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
    const words = (this.count >>> WORD_SHIFT) + 1;
    this.#bits = new Int32Array(words);
    this.#largest = new Int8Array(words).fill(-1);
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
      this.#skipTo(first);
      this.#fresh = first + pages;
      return this.#take(first, pages);
    }
    const pfn = this.#freeRun(order);
    if (pfn < 0) return order === 0 ? -1 : this.#takeLast(order);
    this.#note(pfn, order, false);
    return this.#take(pfn, pages);
  }

  /** Gives 2^order frames back. */
  release(pfn: number, order: number): void {
    const pages = 1 << order;
    assert(pfn + pages <= this.#fresh, 'frame # freed that was never taken', pfn);
    this.#note(pfn, order, true);
    this.#free += pages;
  }

  // Of the frames that were never used too few are left for a run: those before them may make it
  // one. From now on all frames have been used.
  #takeLast(order: number): number {
    if (this.#fresh === this.count) return -1;
    this.#skipTo(this.count);
    return this.allocateOrder(order);
  }

  // Frames up to `end` that were never used are free as those that were.
  #skipTo(end: number): void {
    for (let pfn = this.#fresh; pfn < end; pfn++) this.#note(pfn, 0, true);
    this.#fresh = end;
  }

  #take(pfn: number, pages: number): number {
    this.#free -= pages;
    this.#cursor = pfn + pages;
    return pfn;
  }

  // The first frame of the free run that is next behind the cursor, or else of the first; -1: none.
  #freeRun(order: number): number {
    const runs = this.#runs[order] as IndexSet;
    const from = roundUp(this.#cursor, 1 << order);
    const inWord = order <= WORD_SHIFT;
    if (inWord && from < this.count) {
      // Most often the next one is free, and no set need be searched.
      const begins = beginsIn(this.#bits[from >>> WORD_SHIFT] as number, order);
      const behind = begins & (-1 << (from & WORD_MASK));
      if (behind !== 0) return (from & ~WORD_MASK) + lowestBit(behind);
    }
    let found = runs.next(inWord ? (from >>> WORD_SHIFT) + 1 : from >>> order);
    if (found < 0) found = runs.next(0);
    if (found < 0) return -1;
    if (!inWord) return found << order;
    return (found << WORD_SHIFT) + lowestBit(beginsIn(this.#bits[found] as number, order));
  }

  // Notes of an aligned run below `#fresh` that it is free, which it was not, or no longer is.
  #note(pfn: number, order: number, free: boolean): void {
    const mask = order < WORD_SHIFT ? ((1 << (1 << order)) - 1) << (pfn & WORD_MASK) : -1;
    const last = (pfn + (1 << order) - 1) >>> WORD_SHIFT;
    for (let word = pfn >>> WORD_SHIFT; word <= last; word++) {
      const bits = this.#bits[word] as number;
      assert((bits & mask) === (free ? 0 : mask), 'frame # freed twice or taken twice', pfn);
      this.#setWord(word, bits ^ mask);
    }
  }

  #setWord(word: number, bits: number): void {
    const before = this.#largest[word] as number;
    const after = largestIn(bits);
    this.#bits[word] = bits;
    if (after === before) return;
    this.#largest[word] = after;
    for (let order = before + 1; order <= after; order++) this.#runs[order]?.add(word);
    for (let order = after + 1; order <= before; order++) this.#runs[order]?.delete(word);
    if (after === WORD_SHIFT) this.#join(word);
    else if (before === WORD_SHIFT) this.#part(word);
  }

  // All of a word is free: so is each larger run that it was the last used word of.
  #join(word: number): void {
    let run = word;
    for (let order = WORD_SHIFT; order < ORDER_MAX; order++) {
      if (this.#runs[order]?.has(run ^ 1) !== true) return;
      run >>>= 1;
      this.#runs[order + 1]?.add(run);
    }
  }

  #part(word: number): void {
    for (let order = WORD_SHIFT + 1; order <= ORDER_MAX; order++) {
      if (this.#runs[order]?.delete(word >>> (order - WORD_SHIFT)) !== true) return;
    }
  }
}

// The frames of a word at which a free run of an order, at most that of a word, begins.
function beginsIn(bits: number, order: number): number {
  let begins = bits;
  for (let below = 0; below < order; below++) begins &= begins >>> (1 << below);
  return begins & (ALIGNED[order] as number);
}

function largestIn(bits: number): number {
  let begins = bits;
  for (let order = 0; ; order++) {
    if (begins === 0) return order - 1;
    if (order === WORD_SHIFT) return order;
    begins &= (begins >>> (1 << order)) & (ALIGNED[order + 1] as number);
  }
}

function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}
