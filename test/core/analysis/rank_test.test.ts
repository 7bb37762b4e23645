/** The rank test, beside cases worked out by hand. */
import test from 'ava';
import { rankTest } from '../../../src/core/analysis/rank_test.js';

const of = (...values: number[]) => Float64Array.from(values);
const upTo = (n: number, from = 0) => Float64Array.from({ length: n }, (_, i) => from + i);

test('samples without overlap are told apart, and in which direction', (t) => {
  t.like(rankTest(of(1, 2, 3), of(4, 5, 6)), { larger: 1 });
  t.like(rankTest(of(4, 5, 6), of(1, 2, 3)), { larger: 0 });
  // U = 0 of 3 x 3: z = 4.5 / sqrt(5.25), p = 0.0495 by the normal approximation.
  t.true(Math.abs(rankTest(of(1, 2, 3), of(4, 5, 6)).p - 0.0495) < 0.0005);
});

test('equal samples are not', (t) => {
  const { larger, p, low, high } = rankTest(upTo(100), upTo(100));
  t.is(larger, 0.5);
  t.is(Math.round(p), 1);
  t.true(low < 0.5 && high > 0.5);
  const ties = rankTest(of(7, 7), of(7, 7, 7));
  t.is(ties.larger, 0.5);
  t.true(ties.p > 0.999);
});

test('a shift of many values is believed, the same shift of few is not', (t) => {
  t.true(rankTest(upTo(1000), upTo(1000, 100)).p < 1e-6);
  t.true(rankTest(upTo(4), upTo(4, 1)).p > 0.1);
});

test('the interval is that of Hanley and McNeil', (t) => {
  // A = 3/4 of 2 x 2: Q1 = 0.6, Q2 = 9/14, so the standard error is 0.2763.
  const { larger, low, high } = rankTest(of(1, 3), of(2, 4));
  t.is(larger, 0.75);
  t.true(Math.abs(low - (0.75 - 1.96 * 0.276_296)) < 1e-5);
  t.is(high, 1);
});
