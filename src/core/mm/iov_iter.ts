/**
 * An iterator over page-cache data (ITER_XARRAY): a byte range of a mapping into which data is put
 * or from which it is taken. It pins nothing: the caller keeps the pages present by holding them
 * locked or marked PG_fscache. Plays the xarray parts of lib/iov_iter.c.
 *
 * Differs: a page missing in the middle is a `Bug` instead of data landing in the wrong page.
 */
import { assert } from '../base/assert.js';
import { PAGE_SIZE, pageIndex } from '../base/range.js';
import { addSegment } from '../io/segments.js';
import type { SegmentList } from '../io/types.js';
import type { AddressSpace } from './address_space.js';

/** Bytes [start + consumed, start + consumed + count) of a mapping. */
export class IovIter {
  readonly mapping: AddressSpace;
  readonly start: number;
  #consumed = 0;
  #count: number;

  constructor(mapping: AddressSpace, start: number, count: number) {
    this.mapping = mapping;
    this.start = start;
    this.#count = count;
  }

  /** Bytes left. */
  get count(): number {
    return this.#count;
  }

  /** Byte position of the next byte. */
  get position(): number {
    return this.start + this.#consumed;
  }

  /** Goes on by `bytes`, at most to the end. */
  advance(bytes: number): void {
    const step = Math.min(bytes, this.#count);
    this.#consumed += step;
    this.#count -= step;
  }

  /** Goes back by `bytes`, at most to the start. */
  revert(bytes: number): void {
    const step = Math.min(bytes, this.#consumed);
    this.#consumed -= step;
    this.#count += step;
  }

  /** Keeps at most `bytes` of what is left. */
  truncate(bytes: number): void {
    this.#count = Math.min(this.#count, bytes);
  }

  /** Fills `list` with the fewest pieces of memory that make up what is left; consumes nothing. */
  segments(list: SegmentList): void {
    list.count = 0;
    this.#walk(this.#count, (memory, offset, length) => {
      addSegment(list, memory, offset, length);
    });
  }

  /** Zeroes the next `bytes` bytes and goes past them. */
  zero(bytes: number): void {
    const length = Math.min(bytes, this.#count);
    this.#walk(length, (memory, offset, size) => memory.fill(0, offset, offset + size));
    this.advance(length);
  }

  /** Copies `source` into the pages and goes past it. */
  copyIn(source: Uint8Array): void {
    const length = Math.min(source.byteLength, this.#count);
    let at = 0;
    this.#walk(length, (memory, offset, size) => {
      memory.set(source.subarray(at, at + size), offset);
      at += size;
    });
    this.advance(length);
  }

  /** Copies the next bytes out of the pages into `target` and goes past them. */
  copyOut(target: Uint8Array): void {
    const length = Math.min(target.byteLength, this.#count);
    let at = 0;
    this.#walk(length, (memory, offset, size) => {
      target.set(memory.subarray(offset, offset + size), at);
      at += size;
    });
    this.advance(length);
  }

  // Large folios are walked as their pages, entered at the right one if the range begins inside.
  #walk(bytes: number, visit: (memory: Uint8Array, offset: number, length: number) => void): void {
    const { folios } = this.mapping;
    let position = this.position;
    const end = position + bytes;
    while (position < end) {
      const index = pageIndex(position);
      const head = this.mapping.find(index);
      assert(head >= 0, 'page # is absent from a range under I/O', index);
      const inFolio = position - folios.indexOf(head) * PAGE_SIZE;
      const length = Math.min(end - position, folios.sizeOf(head) - inFolio);
      const { frames } = folios;
      visit(frames.memoryOf(head), frames.offsetOf(head) + inFolio, length);
      position += length;
    }
  }
}
