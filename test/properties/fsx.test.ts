/**
 * Random operations on one file against a copy in memory. NETFSLAB_FSX_OPS sets how many
 * operations, NETFSLAB_FSX_SEEDS over how many seeds.
 */
import test from 'ava';
import { printFsxOp } from '../../src/core/workload/fsxops.js';
import { shrink } from '../../src/core/workload/shrink.js';
import { opsOf, runFsx } from '../helpers/fsx.js';

const OPS = Number(process.env.NETFSLAB_FSX_OPS ?? 20_000);
const SEEDS = Number(process.env.NETFSLAB_FSX_SEEDS ?? 8);

const PROFILES = ['linux-5.13-afs', 'linux-6.1-afs'];
/** Every eighth seed is of the later client, from the second on. */
const profileOf = (i: number): string => PROFILES[i % 8 === 1 ? 1 : 0] as string;

for (const cache of [false, true]) {
  for (const faults of [false, true]) {
    const title = `${cache ? 'with' : 'without'} a cache, ${faults ? 'with' : 'without'} faults`;
    test(`no byte is wrong after random operations, ${title}`, async (t) => {
      const count = Math.ceil(OPS / SEEDS);
      for (let i = 0; i < SEEDS / 4; i++) {
        const options = { profile: profileOf(i) };
        const given = {
          seed: 1000 + i,
          count,
          cache,
          faults,
          readers: i % 3 === 2 ? 0 : 1,
          options,
        };
        const failure = await runFsx(given);
        if (failure === undefined) continue;
        const ops = opsOf(given).slice(0, failure.at + 1);
        const kept = await shrink(ops, async (part) => (await runFsx(given, part)) !== undefined);
        const lines = kept.map((op) => printFsxOp(op, 0)).join('\n');
        t.fail(`seed ${given.seed}: ${failure.what} at ${failure.offset}\n${lines}`);
        return;
      }
      t.pass();
    });
  }
}
