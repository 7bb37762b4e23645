/**
 * Checksums of page frames: taken when a store begins, compared when a block is read back. Called
 * by the I/O of a cache; the kernel has no such thing.
 */
import { crc32c } from '@node-rs/crc32';
import { PAGE_SIZE } from '../base/range.js';
import type { AddressSpace } from '../mm/address_space.js';

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
