/**
 * Page frames: the memory that page-cache pages live in, in page-aligned shared arenas that system
 * calls read into directly and worker threads can see without a copy.
 *
 * Frames are handed out from a cursor that runs round the memory, so that a window of pages gets
 * neighbouring frames while there are any, and one I/O covers it. Frames are freed in LRU order,
 * which for a stream is the order of the cursor: a full cache then behaves as a ring.
 */
import { assert } from '../base/assert.js';
import { ErrnoError } from '../base/errors.js';
import { PAGE_SHIFT, PAGE_SIZE } from '../base/range.js';
import { plainArray } from '../io/syscalls.js';

// The compiler's Node.js library has no WebAssembly types; this is the part used here.
declare const WebAssembly: {
  Memory: new (limits: {
    initial: number;
    maximum: number;
    shared: true;
  }) => {
    readonly buffer: SharedArrayBuffer;
  };
};

/** Pages of one arena: 1 GiB, well below the 4 GiB that a WebAssembly memory can be. */
const ARENA_SHIFT = 18;
const ARENA_PAGES = 1 << ARENA_SHIFT;
/** A WebAssembly page is 64 KiB. */
const WASM_PAGES_SHIFT = 4;

function allocateArena(pages: number): SharedArrayBuffer {
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }).buffer;
  } catch (cause) {
    throw new ErrnoError('ENOMEM', 'mmap', undefined, { cause, hint: 'ask for less --page-cache' });
  }
}

/** The page frames, numbered from 0 (`pfn`). */
export class PageFrames {
  /** Number of frames. */
  readonly count: number;
  /** The memory of each arena, for other threads; kept alive by this. */
  readonly shared: SharedArrayBuffer[] = [];
  /** The same as what it is read and written as. */
  readonly #arenas: Uint8Array[] = [];
  readonly #used: Uint8Array;
  #free: number;
  #cursor = 0;

  /** `bytes` is rounded up to whole pages; memory is touched only as frames are filled. */
  constructor(bytes: number) {
    this.count = Math.ceil(bytes / PAGE_SIZE);
    this.#free = this.count;
    this.#used = new Uint8Array(this.count);
    for (let left = this.count; left > 0; left -= ARENA_PAGES) {
      const pages = Math.min(left, ARENA_PAGES);
      const wasmPages = Math.ceil(pages / 2 ** WASM_PAGES_SHIFT);
      const shared = allocateArena(wasmPages);
      this.shared.push(shared);
      this.#arenas.push(plainArray(shared));
    }
  }

  /** Frames not in use. */
  get free(): number {
    return this.#free;
  }

  /** The arena that holds a frame; valid as long as this object is. */
  memoryOf(pfn: number): Uint8Array {
    return this.#arenas[pfn >>> ARENA_SHIFT] as Uint8Array;
  }

  /** The byte offset of a frame in its arena. */
  offsetOf(pfn: number): number {
    return (pfn & (ARENA_PAGES - 1)) << PAGE_SHIFT;
  }

  /** Takes one frame, or -1 when all are in use. */
  allocate(): number {
    if (this.#free === 0) return -1;
    let pfn = this.#used.indexOf(0, this.#cursor);
    if (pfn < 0) pfn = this.#used.indexOf(0);
    this.#take(pfn, 1);
    return pfn;
  }

  /**
   * Takes 2^order neighbouring frames, aligned to their number, or -1 when there is no such run.
   */
  allocateOrder(order: number): number {
    if (order === 0) return this.allocate();
    const pages = 1 << order;
    for (let pfn = 0; pfn + pages <= this.count; pfn += pages) {
      let n = 0;
      while (n < pages && this.#used[pfn + n] === 0) n++;
      if (n === pages) {
        this.#take(pfn, pages);
        return pfn;
      }
    }
    return -1;
  }

  /** Gives 2^order frames back. */
  release(pfn: number, order: number): void {
    const pages = 1 << order;
    for (let i = pfn; i < pfn + pages; i++) {
      assert(this.#used[i] === 1, `frame ${i} freed twice`);
      this.#used[i] = 0;
    }
    this.#free += pages;
  }

  #take(pfn: number, pages: number): void {
    this.#used.fill(1, pfn, pfn + pages);
    this.#free -= pages;
    this.#cursor = pfn + pages;
  }
}
