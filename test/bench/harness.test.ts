/** Tests of the harness of the contests, with a clock that contestants move. */
import test from 'ava';
import { CONTESTS } from '../../bench/contests.js';
import { type Contestant, formatResult, runContest, spread } from '../../bench/harness.js';

/** Contestants that take given times, and a log of what was called. */
function rig(times: Readonly<Record<string, readonly number[]>>) {
  let now = 0;
  const aside = () => {
    now += 1000;
  };
  const log: string[] = [];
  const contestants: Contestant[] = Object.entries(times).map(([name, each]) => {
    const left = [...each];
    return {
      name,
      prepare: aside,
      run: () => {
        now += left.shift() ?? 0;
        log.push(name);
        return undefined;
      },
      verify: aside,
    };
  });
  return { contestants, log, clock: () => now };
}

test('rounds are interleaved and only the work is timed', async (t) => {
  const { contestants, log, clock } = rig({ a: [10, 30, 20], b: [60, 30, 60] });
  const goals = [{ faster: 'a', than: 'b', atLeast: 2 }];
  const result = await runContest({ name: 'c', what: 'w', contestants, goals }, 3, clock);
  t.is(log.join(''), 'ababab');
  t.deepEqual(result.contestants[0]?.ms, { median: 20, min: 10, max: 30 });
  // By rounds: 6, 1 and 3.
  t.deepEqual(result.goals[0]?.ratio, { median: 3, min: 1, max: 6 });
  t.true(result.goals[0]?.met);
});

test('a contestant that is missing is named, and its goals are not judged', async (t) => {
  const { contestants, clock } = rig({ a: [10], b: [20] });
  const missing = contestants.map((each) =>
    each.name === 'b' ? { ...each, missing: 'b is not installed' } : each,
  );
  const goals = [{ faster: 'a', than: 'b', atLeast: 2 }];
  const contest = { name: 'c', what: 'w', contestants: missing, goals };
  const lines = formatResult(await runContest(contest, 1, clock));
  t.true(lines.includes('  b  missing: b is not installed'));
  t.true(lines.includes('  a against b, asked 2.00x: not measured'));
});

test('a contestant that has not done its work ends the contest', async (t) => {
  const { contestants, clock } = rig({ a: [10] });
  const verify = () => {
    throw new Error('rows: 1 instead of 2');
  };
  const contest = { name: 'c', what: 'w', contestants: [{ ...contestants[0]!, verify }] };
  await t.throwsAsync(() => runContest(contest, 1, clock), { message: /1 instead of 2/ });
});

test('times that contestants measure themselves count, and the most memory is kept', async (t) => {
  const peaks = [7, 9];
  const contestant: Contestant = {
    name: 'a',
    run: () => ({ ms: 5, peakMiB: peaks.shift() ?? 0 }),
    verify: () => {},
  };
  const result = await runContest({ name: 'c', what: 'w', contestants: [contestant] }, 2);
  t.like(result.contestants[0], { ms: { median: 5, min: 5, max: 5 }, peakMiB: 9 });
});

test('names of contests are unique', (t) => {
  t.is(new Set(CONTESTS.map(({ name }) => name)).size, CONTESTS.length);
});

test('the median is the middle one', (t) => {
  t.deepEqual(spread([3, 1, 2]), { median: 2, min: 1, max: 3 });
});
