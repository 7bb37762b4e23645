/**
 * Random reads: every block of every file once per pass, in an order that the seed decides (fio's
 * rw=randread with its random map).
 *
 * The order is a permutation computed block by block (a Feistel network walked until it lands
 * inside the range), so that a pass over any number of blocks needs no memory.
 */
import type { Prng } from '../sim/prng.js';
import { coveredRange, type Workload, type WorkloadOp } from './types.js';

const ROUNDS = 4;

/** A permutation of [0, count), `count` at most 2^52, fixed by the next numbers of `prng`. */
export function permutation(count: number, prng: Prng): (index: number) => number {
  const bits = Math.max(1, Math.ceil(Math.log2(Math.max(2, count)) / 2));
  const side = 2 ** bits;
  const keys = Array.from({ length: ROUNDS }, () => prng.next32());
  const once = (value: number): number => {
    let left = Math.floor(value / side);
    let right = value % side;
    for (const key of keys) {
      let mixed = Math.imul(right ^ key, 0x9e3779b1);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
      const next = (left ^ ((mixed ^ (mixed >>> 13)) >>> 0)) & (side - 1);
      left = right;
      right = next;
    }
    return left * side + right;
  };
  return (index) => {
    let value = once(index);
    while (value >= count) value = once(value);
    return value;
  };
}

/** `--rw randread`. */
export const randread: Workload = {
  name: 'randread',
  doc: 'random reads, every block once per pass',
  writes: false,
  reads: true,
  *ops(params) {
    const { files, bs, prng } = params;
    // firstBlock[i] is the number of blocks before file i.
    const firstBlock = [0];
    for (const file of files) {
      const { start, end } = coveredRange(file, params);
      firstBlock.push((firstBlock.at(-1) as number) + Math.ceil((end - start) / bs));
    }
    const count = firstBlock.at(-1) as number;
    const order = permutation(count, prng);
    const op: WorkloadOp = { file: 0, offset: 0, length: 0, write: false };
    for (let i = 0; i < count; i++) {
      const block = order(i);
      op.file = fileOf(firstBlock, block);
      const { start, end } = coveredRange(files[op.file] as { name: string; size: number }, params);
      op.offset = start + (block - (firstBlock[op.file] as number)) * bs;
      op.length = Math.min(bs, end - op.offset);
      yield op;
    }
  },
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
