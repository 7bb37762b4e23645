/** The histogram of latencies: against exact percentiles, and against Node.js's own histogram. */
import { createHistogram } from 'node:perf_hooks';
import test from 'ava';
import fc from 'fast-check';
import { LatencyHistogram } from '../../../src/core/workload/latency.js';

const PERCENTS = [0.1, 50, 90, 99, 99.9, 100];

/** Durations of every magnitude up to 2^53. */
const durations = fc.array(
  fc
    .tuple(fc.integer({ min: 0, max: 52 }), fc.double({ min: 1, max: 2, noNaN: true }))
    .map(([bits, part]) => Math.floor(2 ** bits * part)),
  { minLength: 1, maxLength: 200 },
);

test('percentiles are those of the sorted durations, at most a thousandth too high', (t) => {
  fc.assert(
    fc.property(durations, (all) => {
      const histogram = new LatencyHistogram();
      for (const ns of all) histogram.record(ns);
      const sorted = all.toSorted((a, b) => a - b);
      if (histogram.min !== sorted[0] || histogram.max !== sorted.at(-1)) return false;
      return PERCENTS.every((percent) => {
        const exact = sorted[Math.max(1, Math.round((percent / 100) * all.length)) - 1] as number;
        const told = histogram.percentile(percent);
        return told >= exact && told <= exact + exact / 1024;
      });
    }),
    { numRuns: 200, seed: 20210423 },
  );
  t.pass();
});

test('it tells what the histogram of Node.js tells, but for the ends and the mean, which are exact', (t) => {
  const own = new LatencyHistogram();
  const node = createHistogram();
  let ns = 1;
  let sum = 0;
  for (let i = 0; i < 5000; i++) {
    ns = (ns * 48_271) % 2_147_483_647;
    const duration = Math.max(1, ns >>> (i % 31));
    own.record(duration);
    node.record(duration);
    sum += duration;
  }
  t.is(own.count, node.count);
  t.is(own.mean, sum / 5000);
  for (const percent of [1, 50, 90, 99, 99.9]) {
    t.is(own.percentile(percent), node.percentile(percent), `${percent} %`);
  }
});

test('histograms that are added tell what one of all durations tells', (t) => {
  fc.assert(
    fc.property(durations, durations, (first, second) => {
      const one = new LatencyHistogram();
      const other = new LatencyHistogram();
      const both = new LatencyHistogram();
      for (const ns of first) one.record(ns);
      for (const ns of second) other.record(ns);
      for (const ns of [...first, ...second]) both.record(ns);
      one.add(other);
      const told = (of: LatencyHistogram) => [
        ...[of.count, of.min, of.max],
        ...PERCENTS.map((percent) => of.percentile(percent)),
      ];
      return JSON.stringify(told(one)) === JSON.stringify(told(both));
    }),
    { numRuns: 50, seed: 20210423 },
  );
  t.pass();
});

test('an empty histogram has no durations', (t) => {
  const { count, min, max } = new LatencyHistogram();
  t.deepEqual([count, min, max], [0, 0, 0]);
});
