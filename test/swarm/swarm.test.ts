/**
 * A short form of `npm run swarm`: so many seeds, one after the other. NETFSLAB_SEEDS says how
 * many, NETFSLAB_FIRST which is the first.
 */
import test from 'ava';
import { planOf } from './plan.js';
import { play } from './player.js';

const SEEDS = Number(process.env.NETFSLAB_SEEDS ?? 150);
const FIRST = Number(process.env.NETFSLAB_FIRST ?? 1);

test(`${SEEDS} plans of the swarm are played and nothing is found`, async (t) => {
  t.timeout(600_000);
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const found = await play(planOf(seed));
    t.is(found, undefined, `NETFSLAB_SEED=${seed} npm run swarm`);
  }
});

test('a seed gives the same plan each time, and neighbours give others', (t) => {
  t.deepEqual(planOf(7), planOf(7));
  t.notDeepEqual(planOf(7).ops, planOf(8).ops);
});
