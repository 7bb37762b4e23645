/**
 * Writes, and mixes of reads and writes: the blocks of the reading workloads, in their order, each
 * read or written (fio's rw=write, randwrite, rw, randrw).
 */
import type { Prng } from '../sim/prng.js';
import { randread } from './randread.js';
import { read } from './read.js';
import type { OpSource, Workload, WorkloadOp, WorkloadParams } from './types.js';

/** The blocks of `order`, each marked as read or written. */
class Written implements OpSource {
  readonly op: WorkloadOp;
  readonly #blocks: OpSource;
  readonly #mix: Prng;
  readonly #mixed: boolean;
  readonly #rwMixRead: number;

  constructor(params: WorkloadParams, order: Workload, mixed: boolean) {
    // A stream of its own, so that the mix does not change the order.
    this.#mix = params.prng.fork();
    this.#blocks = order.ops(params);
    this.op = this.#blocks.op;
    this.#mixed = mixed;
    this.#rwMixRead = params.rwMixRead;
  }

  next(): boolean {
    if (!this.#blocks.next()) return false;
    this.op.write = !this.#mixed || !this.#mix.chance(this.#rwMixRead / 100);
    return true;
  }
}

/** The blocks of `order`, all written, or as `rwMixRead` says. */
function writing(name: string, doc: string, order: Workload, mixed: boolean): Workload {
  return {
    name,
    doc,
    writes: true,
    reads: mixed,
    ops: (params) => new Written(params, order, mixed),
  };
}

/** `--rw write`. */
export const write = writing('write', 'sequential writes, file after file', read, false);

/** `--rw randwrite`. */
export const randwrite = writing(
  'randwrite',
  'random writes, every block once per pass',
  randread,
  false,
);

/** `--rw rw`. */
export const rw = writing('rw', 'sequential, each block read or written', read, true);

/** `--rw randrw`. */
export const randrw = writing('randrw', 'random, each block read or written', randread, true);
