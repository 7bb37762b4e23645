/**
 * Which blocks of a file a random job has done: each once per pass, in an order that the seed
 * decides, also where operations are of several blocks. A bit for each block.
 */
import type { Prng } from '../../sim/prng.js';

const WORD = 32;

/** A map of the blocks of one file. */
export class BlockMap {
  readonly count: number;
  readonly #words: Int32Array;
  /** Words with all bits set are passed over from here on. */
  readonly #full: Int32Array;
  #left: number;

  constructor(count: number) {
    this.count = count;
    this.#words = new Int32Array(Math.ceil(count / WORD));
    this.#full = new Int32Array(Math.ceil(this.#words.length / WORD));
    this.#left = count;
  }

  /** Blocks that are free. */
  get left(): number {
    return this.#left;
  }

  /** True if the block is taken. */
  isTaken(block: number): boolean {
    return (((this.#words[block >>> 5] as number) >>> (block & 31)) & 1) === 1;
  }

  /** Takes up to `count` blocks from `block` on that are free; how many that were. */
  take(block: number, count: number): number {
    let taken = 0;
    while (taken < count && block + taken < this.count && !this.isTaken(block + taken)) {
      this.#set(block + taken);
      taken++;
    }
    this.#left -= taken;
    return taken;
  }

  /** The first free block from `from` on, around the end; -1: none in [first, end). */
  nextFree(from: number, first = 0, end = this.count): number {
    const found = this.#scan(from, end);
    return found >= 0 ? found : this.#scan(first, from);
  }

  /** Frees all. */
  clear(): void {
    this.#words.fill(0);
    this.#full.fill(0);
    this.#left = this.count;
  }

  #set(block: number): void {
    const word = block >>> 5;
    this.#words[word] = (this.#words[word] as number) | (1 << (block & 31));
    if (this.#words[word] === -1) {
      this.#full[word >>> 5] = (this.#full[word >>> 5] as number) | (1 << (word & 31));
    }
  }

  #scan(from: number, end: number): number {
    for (let block = from; block < end; ) {
      const word = block >>> 5;
      if ((block & 31) === 0 && ((block >>> 5) & 31) === 0 && this.#full[word >>> 5] === -1) {
        block += WORD * WORD;
      } else if ((block & 31) === 0 && this.#words[word] === -1) block += WORD;
      else if (this.isTaken(block)) block++;
      else return block;
    }
    return -1;
  }
}

/** A free block drawn at random from [first, first + count); -1: there is none. */
export function drawFree(map: BlockMap, first: number, count: number, prng: Prng): number {
  const drawn = first + prng.below(count);
  return map.isTaken(drawn) ? map.nextFree(drawn, first, first + count) : drawn;
}
