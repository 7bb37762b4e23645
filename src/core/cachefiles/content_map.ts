/**
 * The content map of an object: which blocks of its file hold data that we stored, and a checksum
 * of each. No kernel version has one: they ask the filesystem where data is, and a filesystem may
 * insert or drop blocks of zeros as it likes (BEHAVIOUR 4.10). `map_file.ts` keeps it on disk.
 *
 * Blocks are kept in chunks, so that a change costs what it changes and a sparse file what it has.
 */
import { PAGE_SIZE, roundUp } from '../base/range.js';

/** Blocks in a chunk: 4 MiB of a file. */
export const CHUNK_BLOCKS = 1024;
const FEWEST = 64;

/** Blocks of a chunk on their way to disk: the words of its bitmap, and a checksum for each bit. */
export interface ChunkState {
  readonly chunk: number;
  readonly words: Uint32Array;
  readonly sums: Uint32Array;
}

class Chunk {
  bits: Uint32Array;
  /** Bits that a map on disk may have. */
  published: Uint32Array;
  sums: Uint32Array;
  present = 0;

  /** With room for blocks, a multiple of 32; `sums` may be given for all of them. */
  constructor(blocks = FEWEST, sums: Uint32Array = new Uint32Array(blocks)) {
    this.bits = new Uint32Array(blocks / 32);
    this.published = new Uint32Array(blocks / 32);
    this.sums = sums;
  }

  has(block: number): boolean {
    return (((this.bits[block >>> 5] ?? 0) >>> (block & 31)) & 1) === 1;
  }

  grow(blocks: number): void {
    let length = this.sums.length;
    while (length < blocks) length *= 2;
    if (length === this.sums.length) return;
    this.bits = grown(this.bits, length / 32);
    this.published = grown(this.published, length / 32);
    this.sums = grown(this.sums, length);
  }
}

function grown(from: Uint32Array, length: number): Uint32Array {
  const to = new Uint32Array(length);
  to.set(from);
  return to;
}

/** Presence and checksums of the blocks (4 KiB) of one object. */
export class ContentMap {
  /** Unit of presence, bytes: a granule is present when all its blocks are. */
  readonly granule: number;
  readonly #chunks: (Chunk | undefined)[] = [];
  /** Chunks that are not on disk as they are here. */
  readonly #changed = new Set<number>();
  #lastChanged = -1;
  #chunkCount = 0;
  #present = 0;

  /** An empty map. */
  constructor(granule: number) {
    this.granule = granule;
  }

  /** Blocks present. */
  get present(): number {
    return this.#present;
  }

  /** Chunks that hold or held anything. */
  get chunkCount(): number {
    return this.#chunkCount;
  }

  /** True if there is anything to publish. */
  get changed(): boolean {
    return this.#changed.size > 0;
  }

  /** True if the block holds what was stored. */
  has(block: number): boolean {
    return this.#chunks[block >>> 10]?.has(block & 1023) ?? false;
  }

  /** The checksum of a block that is present. */
  sum(block: number): number {
    return (this.#chunks[block >>> 10] as Chunk).sums[block & 1023] as number;
  }

  /** A block has been stored. */
  set(block: number, sum: number): void {
    const index = block >>> 10;
    let chunk = this.#chunks[index];
    if (chunk === undefined) {
      chunk = new Chunk();
      this.#chunks[index] = chunk;
      this.#chunkCount++;
    }
    const at = block & 1023;
    if (at >= chunk.sums.length) chunk.grow(at + 1);
    if (!chunk.has(at)) {
      chunk.present++;
      this.#present++;
    }
    chunk.bits[at >>> 5] = (chunk.bits[at >>> 5] as number) | (1 << (at & 31));
    chunk.sums[at] = sum;
    this.#change(index);
  }

  /** What the block holds is not to be believed any more. */
  clear(block: number): void {
    const index = block >>> 10;
    const chunk = this.#chunks[index];
    const at = block & 1023;
    if (chunk === undefined || !chunk.has(at)) return;
    chunk.bits[at >>> 5] = (chunk.bits[at >>> 5] as number) & ~(1 << (at & 31));
    chunk.present--;
    this.#present--;
    this.#change(index);
  }

  /** Blocks from `first` on are not to be believed any more. */
  clearFrom(first: number): void {
    for (let index = first >>> 10; index < this.#chunks.length; index++) {
      const start = index * CHUNK_BLOCKS;
      const end = start + (this.#chunks[index]?.sums.length ?? 0);
      for (let block = Math.max(first, start); block < end; block++) this.clear(block);
    }
  }

  /**
   * The first byte at or after `position` whose granule is present (or absent), `end` if there is
   * none before it. `size` is the file's: blocks beyond it are not asked of a granule.
   */
  next(present: boolean, position: number, end: number, size: number): number {
    const { granule } = this;
    let at = position - (position % granule);
    for (; at < end; at += granule) {
      if (this.#hasGranule(at, size) === present) return Math.max(at, position);
    }
    return end;
  }

  /** Runs of blocks present, [first, last]. */
  *runs(): Generator<{ first: number; last: number }> {
    let first = -1;
    let last = -1;
    for (const index of Object.keys(this.#chunks).map(Number)) {
      const chunk = this.#chunks[index] as Chunk;
      for (let at = 0; at < chunk.sums.length; at++) {
        if (!chunk.has(at)) continue;
        const block = index * CHUNK_BLOCKS + at;
        if (block !== last + 1 && first >= 0) yield { first, last };
        if (block !== last + 1 || first < 0) first = block;
        last = block;
      }
    }
    if (first >= 0) yield { first, last };
  }

  /** True if a map on disk may say that any of blocks [first, end) is present. */
  isPublished(first: number, end: number): boolean {
    for (let block = first; block < end; block++) {
      const words = this.#chunks[block >>> 10]?.published;
      if (words === undefined) {
        block |= CHUNK_BLOCKS - 1;
      } else if ((((words[(block & 1023) >>> 5] ?? 0) >>> (block & 31)) & 1) === 1) return true;
    }
    return false;
  }

  /** The chunks of blocks [first, end) of which a map on disk may say anything. */
  publishedChunks(first: number, end: number): number[] {
    const found: number[] = [];
    const stop = Math.min(Math.ceil(end / CHUNK_BLOCKS), this.#chunks.length);
    for (let index = first >>> 10; index < stop; index++) {
      if (this.#chunks[index]?.published.some((word) => word !== 0) === true) found.push(index);
    }
    return found;
  }

  /** No map on disk says anything of these chunks any more. */
  unpublished(chunks: readonly number[]): void {
    for (const index of chunks) {
      this.#chunks[index]?.published.fill(0);
      this.#changed.add(index);
    }
  }

  /** What has changed, to be written to disk; `restore` it if that fails. */
  takeChanges(): ChunkState[] {
    const taken = [...this.#changed].map((index) => this.#state(index));
    this.#changed.clear();
    this.#lastChanged = -1;
    return taken;
  }

  /** The chunks that there are. */
  chunks(): number[] {
    return Object.keys(this.#chunks).map(Number);
  }

  /** All of some chunks, whether they have changed or not, to be written to disk. */
  states(chunks: readonly number[]): ChunkState[] {
    return chunks.map((index) => this.#state(index));
  }

  /** What was taken has not been written to disk. */
  restore(taken: readonly ChunkState[]): void {
    for (const { chunk } of taken) this.#changed.add(chunk);
  }

  /** Takes over a chunk as it was found on disk, with its arrays. */
  load({ chunk: index, words, sums }: ChunkState): void {
    const blocks = words.length * 32;
    const whole = blocks === CHUNK_BLOCKS && sums.length === blocks;
    const chunk = whole ? new Chunk(blocks, sums) : new Chunk();
    if (!whole) chunk.grow(blocks);
    let n = whole ? blocks : 0;
    for (let at = 0; at < blocks && !whole; at++) {
      if ((((words[at >>> 5] as number) >>> (at & 31)) & 1) === 1) chunk.sums[at] = sums[n++] ?? 0;
    }
    chunk.bits.set(words);
    chunk.published.set(words);
    chunk.present = n;
    this.#present += n - (this.#chunks[index]?.present ?? 0);
    if (this.#chunks[index] === undefined) this.#chunkCount++;
    this.#chunks[index] = chunk;
  }

  #state(index: number): ChunkState {
    const chunk = this.#chunks[index];
    if (chunk === undefined || chunk.present === 0) {
      return { chunk: index, words: new Uint32Array(0), sums: new Uint32Array(0) };
    }
    if (chunk.present === chunk.sums.length) {
      chunk.published.set(chunk.bits);
      return { chunk: index, words: chunk.bits.slice(), sums: chunk.sums.slice() };
    }
    const sums = new Uint32Array(chunk.present);
    let used = 0;
    let n = 0;
    for (let word = 0; word < chunk.bits.length; word++) {
      const bits = chunk.bits[word] as number;
      if (bits === 0) continue;
      used = word + 1;
      chunk.published[word] = (chunk.published[word] as number) | bits;
      for (let bit = 0; bit < 32; bit++) {
        if (((bits >>> bit) & 1) === 1) sums[n++] = chunk.sums[word * 32 + bit] as number;
      }
    }
    return { chunk: index, words: chunk.bits.slice(0, used), sums };
  }

  #change(index: number): void {
    if (index === this.#lastChanged) return;
    this.#lastChanged = index;
    this.#changed.add(index);
  }

  #hasGranule(start: number, size: number): boolean {
    const end = Math.min(
      start + this.granule,
      Math.max(start + PAGE_SIZE, roundUp(size, PAGE_SIZE)),
    );
    for (let at = start; at < end; at += PAGE_SIZE) if (!this.has(at / PAGE_SIZE)) return false;
    return true;
  }
}
