/**
 * Random reads: every block of every file once per pass, in an order that the seed decides (fio's
 * rw=randread with its random map).
 *
 * The order is a permutation computed block by block (a Feistel network walked until it lands
 * inside the range), so that a pass over any number of blocks needs no memory.
 */
import type { Prng } from '../sim/prng.js';
import {
  coveredRange,
  type OpSource,
  type Workload,
  type WorkloadOp,
  type WorkloadParams,
} from './types.js';

const ROUNDS = 4;
/** Bits of a half up to which a number as a whole fits 32 bits. */
const SMALL_BITS = 15;

/** A permutation of [0, count), `count` at most 2^52, fixed by the next numbers of `prng`. */
export function permutation(count: number, prng: Prng): (index: number) => number {
  const bits = Math.max(1, Math.ceil(Math.log2(Math.max(2, count)) / 2));
  const side = 2 ** bits;
  const small = bits <= SMALL_BITS;
  const keys = Int32Array.from({ length: ROUNDS }, () => prng.next32());
  const once = (value: number): number => {
    let left = small ? value >>> bits : Math.floor(value / side);
    let right = small ? value & (side - 1) : value - left * side;
    for (let round = 0; round < ROUNDS; round++) {
      let mixed = Math.imul(right ^ (keys[round] as number), 0x9e3779b1);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
      const next = (left ^ (mixed ^ (mixed >>> 13))) & (side - 1);
      left = right;
      right = next;
    }
    return small ? (left << bits) | right : left * side + right;
  };
  return (index) => {
    let value = once(index);
    while (value >= count) value = once(value);
    return value;
  };
}

/** The blocks of all files in the order of a permutation. */
class Shuffled implements OpSource {
  readonly op: WorkloadOp = { file: 0, offset: 0, length: 0, write: false };
  readonly #bs: number;
  /** By file: the number of blocks before it, and which of its bytes are covered. */
  readonly #firstBlock: number[] = [0];
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  readonly #count: number;
  readonly #order: (index: number) => number;
  #done = 0;

  constructor(params: WorkloadParams) {
    this.#bs = params.bs;
    let blocks = 0;
    for (const file of params.files) {
      const { start, end } = coveredRange(file, params);
      this.#starts.push(start);
      this.#ends.push(end);
      blocks += Math.ceil((end - start) / params.bs);
      this.#firstBlock.push(blocks);
    }
    this.#count = blocks;
    this.#order = permutation(blocks, params.prng);
  }

  next(): boolean {
    if (this.#done === this.#count) return false;
    const block = this.#order(this.#done++);
    const file = fileOf(this.#firstBlock, block);
    const inFile = block - (this.#firstBlock[file] as number);
    const { op } = this;
    op.file = file;
    op.offset = (this.#starts[file] as number) + inFile * this.#bs;
    op.length = Math.min(this.#bs, (this.#ends[file] as number) - op.offset);
    return true;
  }
}

/** `--rw randread`. */
export const randread: Workload = {
  name: 'randread',
  doc: 'random reads, every block once per pass',
  writes: false,
  reads: true,
  ops: (params) => new Shuffled(params),
};

// The last file whose first block is not after `block`, by bisection.
function fileOf(firstBlock: readonly number[], block: number): number {
  let low = 0;
  let high = firstBlock.length - 2;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((firstBlock[middle] as number) <= block) low = middle;
    else high = middle - 1;
  }
  return low;
}
