/**
 * Writes, and mixes of reads and writes: the blocks of the reading workloads, in their order, each
 * read or written (fio's rw=write, randwrite, rw, randrw).
 */
import { randread } from './randread.js';
import { read } from './read.js';
import type { Workload } from './types.js';

/** The blocks of `order`, all written, or as `rwMixRead` says. */
function writing(name: string, doc: string, order: Workload, mixed: boolean): Workload {
  return {
    name,
    doc,
    writes: true,
    reads: mixed,
    *ops(params) {
      const { prng, rwMixRead } = params;
      // A stream of its own, so that the mix does not change the order.
      const mix = prng.fork();
      for (const op of order.ops(params)) {
        op.write = !mixed || !mix.chance(rwMixRead / 100);
        yield op;
      }
    },
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
