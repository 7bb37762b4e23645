/**
 * The time a server takes: exact on the virtual clock, in order, and never more at once than
 * allowed.
 */
import test from 'ava';
import fc from 'fast-check';
import { ServiceQueue } from '../../../src/core/server/service_queue.js';
import type { ServiceOptions } from '../../../src/core/server/types.js';
import { VirtualClock } from '../../../src/core/sim/clock.js';
import { Prng } from '../../../src/core/sim/prng.js';
import { Scheduler } from '../../../src/core/sim/scheduler.js';

const NO_DELAY: ServiceOptions = { latencyNs: 0, jitterNs: 0, bandwidth: 0, maxConcurrent: 0 };

/** An operation submitted at a time; `holdNs`: what the I/O behind it takes. */
interface Operation {
  readonly at: number;
  readonly bytes: number;
  readonly holdNs?: number;
}

/** Runs operations and gives the times at which they ended, in the order they ended. */
async function serve(
  options: Partial<ServiceOptions>,
  operations: readonly Operation[],
  seed = 1,
): Promise<{ ended: Array<[operation: number, ns: number]>; counters: { maxInService: number } }> {
  const clock = new VirtualClock();
  const scheduler = new Scheduler(clock);
  const counters = { maxInService: 0 };
  const given = { ...NO_DELAY, ...options };
  const queue = new ServiceQueue(scheduler, new Prng(seed), given, counters);
  const ended: Array<[number, number]> = [];
  for (const [i, { at, bytes, holdNs }] of operations.entries()) {
    scheduler.after(at, () =>
      queue.submit(bytes, (end) => {
        const finish = (): void => {
          ended.push([i, clock.now()]);
          end();
        };
        if (holdNs === undefined) finish();
        else scheduler.after(holdNs, finish);
      }),
    );
  }
  await scheduler.drain();
  return { ended, counters };
}

const takes = test.macro({
  async exec(
    t,
    _what: string,
    options: Partial<ServiceOptions>,
    operations: readonly Operation[],
    ended: ReadonlyArray<readonly [number, number]>,
  ) {
    t.deepEqual((await serve(options, operations)).ended, ended);
  },
  title: (_, what: string) => what,
});

const at0 = (bytes: number): Operation => ({ at: 0, bytes });

test(
  takes,
  'without delays an operation ends when it begins',
  {},
  [at0(100), { at: 5, bytes: 1 }],
  [
    [0, 0],
    [1, 5],
  ],
);
test(
  takes,
  'latencies overlap',
  { latencyNs: 1000 },
  [at0(1), at0(1), { at: 300, bytes: 1 }],
  [
    [0, 1000],
    [1, 1000],
    [2, 1300],
  ],
);
test(
  takes,
  'a link sends replies one after the other, each in the time its bytes take',
  { bandwidth: 1e9 },
  [at0(4096), at0(1000), { at: 10_000, bytes: 500 }],
  [
    [0, 4096],
    [1, 5096],
    [2, 10_500],
  ],
);
test(
  takes,
  'latency comes on top of the time on the link',
  { latencyNs: 100, bandwidth: 1e9 },
  [at0(1000), at0(1000)],
  [
    [0, 1100],
    [1, 2100],
  ],
);
test(
  takes,
  'one operation at a time waits for the latency of each before it',
  { latencyNs: 1000, maxConcurrent: 1 },
  [at0(1), at0(1), { at: 1500, bytes: 1 }],
  [
    [0, 1000],
    [1, 2000],
    [2, 3000],
  ],
);
test(
  takes,
  'two at a time go in pairs',
  { latencyNs: 1000, maxConcurrent: 2 },
  [at0(1), at0(1), at0(1), at0(1), at0(1)],
  [
    [0, 1000],
    [1, 1000],
    [2, 2000],
    [3, 2000],
    [4, 3000],
  ],
);
test(
  takes,
  'an operation stays in service until its I/O has ended',
  { latencyNs: 100, maxConcurrent: 1 },
  [{ ...at0(1), holdNs: 50 }, at0(1)],
  [
    [0, 150],
    [1, 250],
  ],
);
test(
  takes,
  'an operation that waits takes its share of the link when it is admitted',
  { bandwidth: 1e9, latencyNs: 100, maxConcurrent: 1 },
  [at0(1000), at0(1000)],
  [
    [0, 1100],
    [1, 2200],
  ],
);

test('the most operations in service at once are counted', async (t) => {
  const operations = [at0(1), at0(1), at0(1), { at: 5000, bytes: 1 }];
  const { counters } = await serve({ latencyNs: 1000 }, operations);
  t.like(counters, { maxInService: 3 });
  const limited = await serve({ latencyNs: 1000, maxConcurrent: 2 }, operations);
  t.like(limited.counters, { maxInService: 2 });
});

test('jitter adds between nothing and its bound, and repeats with the seed', async (t) => {
  const operations = Array.from({ length: 300 }, (_, i) => ({ at: i * 10_000, bytes: 1 }));
  const options = { latencyNs: 1000, jitterNs: 10 };
  const times = async (seed: number): Promise<number[]> => {
    const { ended } = await serve(options, operations, seed);
    return ended.map(([i, ns]) => ns - i * 10_000 - 1000);
  };
  const extra = await times(1);
  t.deepEqual(
    [...new Set(extra)].sort((a, b) => a - b),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
  t.deepEqual(await times(1), extra);
  t.notDeepEqual(await times(2), extra);
});

test('whatever the delays, each operation ends once, no earlier than it can, in order if one by one', async (t) => {
  const options = fc.record({
    latencyNs: fc.integer({ min: 0, max: 1000 }),
    jitterNs: fc.integer({ min: 0, max: 300 }),
    bandwidth: fc.constantFrom(0, 1e6, 1e9),
    maxConcurrent: fc.integer({ min: 0, max: 3 }),
  });
  const operation = fc.record({
    at: fc.integer({ min: 0, max: 5000 }),
    bytes: fc.integer({ min: 0, max: 4096 }),
    holdNs: fc.integer({ min: 0, max: 200 }),
  });
  await fc.assert(
    fc.asyncProperty(options, fc.array(operation, { maxLength: 20 }), async (given, operations) => {
      const { ended, counters } = await serve(given, operations);
      const { latencyNs, bandwidth, maxConcurrent } = given;
      const once = new Set(ended.map(([i]) => i)).size === operations.length;
      const possible = ended.every(([i, ns]) => {
        const { at, bytes, holdNs } = operations[i]!;
        const link = bandwidth === 0 ? 0 : Math.round((bytes / bandwidth) * 1e9);
        return ns >= at + latencyNs + link + holdNs;
      });
      const asked = operations.map(({ at }, i) => [i, at] as const).sort((a, b) => a[1] - b[1]);
      const inOrder = ended.every(([i], position) => asked[position]![0] === i);
      const limited = maxConcurrent === 0 || counters.maxInService <= maxConcurrent;
      return once && possible && limited && (maxConcurrent !== 1 || inOrder);
    }),
    { numRuns: 100, seed: 20210423 },
  );
  t.pass();
});
