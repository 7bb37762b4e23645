/**
 * Checksums of page frames: taken when a store begins, compared when a block is read back. Called
 * by the I/O of a cache; the kernel has no such thing.
 */
import { crc32c } from '@node-rs/crc32';
import { PAGE_SIZE } from '../base/range.js';
import type { AddressSpace } from '../mm/address_space.js';
import type { ContentMap } from './content_map.js';

/** The polynomial of CRC-32C, lowest power in the highest bit. */
const POLYNOMIAL = 0x82f63b78;
/** A page has 2^15 bits. */
const PAGE_DOUBLINGS = 15;

/** The checksum of a block that is not in the page cache. */
export const blockSum: (bytes: Uint8Array) => number = crc32c;

/** What a linear operation, given as what becomes of each bit, makes of a checksum. */
function applied(operation: Uint32Array, sum: number): number {
  let result = 0;
  for (let bit = 0; bit < 32; bit++) {
    if (((sum >>> bit) & 1) === 1) result ^= operation[bit] as number;
  }
  return result;
}

/**
 * What becomes of a checksum when a page of zeros follows: a table for each of its bytes. One zero
 * bit shifts it; each doubling of that operation is for twice as many.
 */
function makeBehindPage(): Uint32Array {
  let zeros = Uint32Array.from({ length: 32 }, (_, bit) =>
    bit === 0 ? POLYNOMIAL : 1 << (bit - 1),
  );
  for (let i = 0; i < PAGE_DOUBLINGS; i++) zeros = zeros.map((sum) => applied(zeros, sum));
  return Uint32Array.from({ length: 4 * 256 }, (_, at) =>
    applied(zeros, (at & 255) << (8 * (at >>> 8))),
  );
}

let behindPage: Uint32Array | undefined;

/** The checksum of blocks [first, end) as one piece, from the checksum of each. */
export function joinedSum(map: ContentMap, first: number, end: number): number {
  behindPage ??= makeBehindPage();
  const after = behindPage;
  let sum = 0;
  for (let block = first; block < end; block++) {
    sum =
      (after[sum & 255] as number) ^
      (after[256 + ((sum >>> 8) & 255)] as number) ^
      (after[512 + ((sum >>> 16) & 255)] as number) ^
      (after[768 + (sum >>> 24)] as number) ^
      map.sum(block);
  }
  return sum >>> 0;
}

/** The checksum of each page of bytes [start, start + count), whole pages that are in memory. */
export function checksums(mapping: AddressSpace, start: number, count: number): Uint32Array {
  const sums = new Uint32Array(count / PAGE_SIZE);
  for (let i = 0; i < sums.length; i++) {
    const { memory, offset } = pageAt(mapping, start / PAGE_SIZE + i);
    sums[i] = crc32c(memory.subarray(offset, offset + PAGE_SIZE));
  }
  return sums;
}

/**
 * Compares pages with the checksums they were stored with.
 *
 * Not `thorough`: only those that could have lost something to a hole. A hole takes away whole
 * blocks of the filesystem (`blockSize`, at most a page) and zeroes what was asked for on either
 * side of them; so whatever it has touched begins or ends with a zero byte in one of its blocks.
 * A test of two bytes finds every hole, and no system call or race stands between it and the data.
 */
export class PageVerifier {
  readonly #thorough: boolean;
  readonly #blockSize: number;

  constructor(thorough: boolean, blockSize: number) {
    this.#thorough = thorough;
    this.#blockSize = blockSize;
  }

  /** True if the page at `index` is what was stored with the checksum `sum`. */
  isRight(mapping: AddressSpace, index: number, sum: number): boolean {
    const { memory, offset } = pageAt(mapping, index);
    if (!this.#thorough && !this.#mayBeHole(memory, offset)) return true;
    return crc32c(memory.subarray(offset, offset + PAGE_SIZE)) === sum;
  }

  /**
   * True if all of pages [first, end) are. Neighbours in memory are compared in one go, which takes
   * half the time; what is wrong in there is for `isRight` to find.
   */
  areRight(mapping: AddressSpace, first: number, end: number, map: ContentMap): boolean {
    if (!this.#thorough) return false;
    for (let index = first; index < end; ) {
      const { memory, offset } = pageAt(mapping, index);
      let stop = index + 1;
      while (stop < end && followsAt(mapping, stop, memory, offset + (stop - index) * PAGE_SIZE)) {
        stop++;
      }
      const piece = memory.subarray(offset, offset + (stop - index) * PAGE_SIZE);
      if (crc32c(piece) !== joinedSum(map, index, stop)) return false;
      index = stop;
    }
    return true;
  }

  #mayBeHole(memory: Uint8Array, offset: number): boolean {
    const blockSize = this.#blockSize;
    for (let at = offset; at < offset + PAGE_SIZE; at += blockSize) {
      if (memory[at] === 0 || memory[at + blockSize - 1] === 0) return true;
    }
    return false;
  }
}

function pageAt(mapping: AddressSpace, index: number): { memory: Uint8Array; offset: number } {
  const { folios } = mapping;
  const pfn = mapping.find(index);
  const { frames } = folios;
  const offset = frames.offsetOf(pfn) + (index - folios.indexOf(pfn)) * PAGE_SIZE;
  return { memory: frames.memoryOf(pfn), offset };
}

function followsAt(mapping: AddressSpace, index: number, memory: Uint8Array, at: number): boolean {
  const page = pageAt(mapping, index);
  return page.offset === at && page.memory === memory;
}
