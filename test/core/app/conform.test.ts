/** Scenarios: how they are read, and how playing them is judged. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import test from 'ava';
import { readStructure } from '../../../src/core/analysis/structure/read.js';
import { comparePlayed, conform } from '../../../src/core/app/conform/conform.js';
import { isScenario, parseLayout, readScenario } from '../../../src/core/app/conform/scenario.js';
import { importToMemory } from '../../../src/core/app/import/import.js';
import { openCapture } from '../../../src/core/store/database.js';
import { printOps } from '../../../src/core/workload/ops/language.js';
import { tempDir } from '../../helpers/lab.js';
import { scenarioDirectory } from '../../helpers/scenario.js';

const request = { defects: 'kernel', commandLine: '', toolVersion: '' } as const;

test('a scenario is read with its settings, its files and the commands before it', (t) => {
  const scenario = readScenario(scenarioDirectory('9p/167-cachefull3-space-back'));
  t.is(scenario.group, 'cachefull3');
  t.deepEqual(scenario.settings, {
    profile: 'linux-6.1-9p',
    msize: 131072,
    cacheMode: 'fscache',
    readAheadKb: undefined,
    cacheBound: true,
    cacheDisk: { total: 13804 << 10, available: 11616 << 10 },
    cacheInodes: 0,
    processors: 1,
  });
  t.deepEqual(scenario.files, [{ name: 'f1m', size: 1 << 20, label: 'f1m', extents: null }]);
  const before = 'unfill\nsync\nsleep 1000\nsync\nsleep 300\ndrop 3\nsleep 500\n';
  t.is(printOps(scenario.before), before);
  t.is(scenario.results?.length, scenario.ops.length);
  t.true((scenario.stats?.[0].length ?? 0) > 0);
});

test('of a layout only the objects of the cache count', (t) => {
  const lines = [
    '/var/cache/fscache/filler size=12623872 blocks512=24664 data=0-12623872 xattr=-',
    '/var/cache/fscache/cache/I9p,srv0,lab/@47/T44466d, size=4096 blocks512=8 data=0-4096 xattr=00',
    '/var/cache/fscache/cache/I9p,srv0,lab/@ab/T444669, size=0 blocks512=0 data=none xattr=00',
  ];
  t.deepEqual(
    parseLayout(lines.join('\n')).map(({ size, data }) => [size, data]),
    [
      [4096, '0-4096'],
      [0, 'none'],
    ],
  );
});

test('what differs in results, residency and layout is told by its part', async (t) => {
  const scenario = readScenario(scenarioDirectory('9p/102-inval-prime-cold'));
  const trace = await importToMemory(scenario.trace);
  const view = { rows: trace.rows, ops: trace.ops, snapshots: scenario.stats ?? [] };
  const results = scenario.results ?? [];
  const layout = scenario.layout ?? [];
  for (const entries of scenario.stats ?? []) (trace.snapshots as unknown[]).push(entries);
  const judge = (changes: object) =>
    comparePlayed(scenario, readStructure(view), { trace, results, layout, ...changes });
  t.is(judge({}).differences, 0);
  const parts = (changes: object) => judge(changes).divergences.map(({ part }) => part);
  t.deepEqual(parts({ results: results.map((each) => ({ ...each, md5: '' })) }).slice(0, 1), [
    'a-results',
  ]);
  const residency = { size: 1, pages: 'none' };
  const other = results.map((each) => (each.residency === null ? each : { ...each, residency }));
  t.true(parts({ results: other }).every((part) => part === 'g-residency'));
  t.true(parts({ results: other }).length > 0);
  t.deepEqual(parts({ layout: [...layout, { path: 'x', size: 1, data: 'none' }] }), ['h-layout']);
});

test('a scenario of a kernel without a profile is not played, and counts as different', async (t) => {
  const home = tempDir(t);
  const from = scenarioDirectory('9p/102-inval-prime-cold');
  const to = join(home, '102-inval-prime-cold');
  cpSync(from, to, { recursive: true });
  const workload = gunzipSync(readFileSync(join(from, 'workload.json.gz'))).toString();
  // A plain file comes before a compressed one.
  writeFileSync(join(to, 'workload.json'), workload.replace('"kernel": "6.1"', '"kernel": "9.9"'));
  const { outcomes, score } = await conform({ ...request, directories: [home] });
  t.deepEqual(
    outcomes.map(({ notes }) => notes),
    [['not played: there is no profile linux-9.9-9p']],
  );
  t.is(score.requests.identical, 0);
  t.true(score.requests.all > 0);
  t.deepEqual(score.scenarios, { identical: 0, all: 1 });
});

test('a directory without scenarios is refused', async (t) => {
  const empty = tempDir(t);
  mkdirSync(join(empty, 'x'));
  t.false(isScenario(empty));
  await t.throwsAsync(conform({ ...request, directories: [empty] }), { message: /no scenario in/ });
  await t.throwsAsync(conform({ ...request, directories: [join(empty, 'gone')] }), {
    code: 'ENOENT',
  });
});

test('the scenarios of 9p are played and everything is as the kernel had it', async (t) => {
  const out = join(tempDir(t), 'played');
  const { outcomes, score } = await conform({
    ...request,
    directories: [scenarioDirectory('9p')],
    out,
  });
  for (const { scenario, comparison, notes } of outcomes) {
    t.deepEqual([comparison?.divergences, notes], [[], []], scenario);
  }
  t.deepEqual(score.scenarios, { identical: 17, all: 17 });
  t.true(score.requests.all > 100);
  const capture = openCapture(join(out, '105-inval-samesize-drop3.db'));
  t.true([...capture.lines()].some((line) => /cachefiles_coherency: .* BAD aux/.test(line)));
  t.is(capture.info.workload, '105-inval-samesize-drop3');
  capture.close();
});

test('of the scenarios of AFS all requests are as the kernel had them, also those of writes', async (t) => {
  const { outcomes, score } = await conform({
    ...request,
    directories: [scenarioDirectory('afs')],
  });
  for (const { scenario, comparison } of outcomes) {
    const parts = new Set(comparison?.divergences.map(({ part }) => part));
    // A file of the directory that no scenario names is looked up together with those that are.
    const expected = /^05[02]/.test(scenario) ? ['f-stats'] : [];
    t.deepEqual([...parts], expected, scenario);
  }
  t.is(score.scenarios.all, 8);
  t.is(score.requests.identical, score.requests.all);
  t.true(score.requests.all > 300);
});

test('a later scenario alone is played after the earlier ones of its group', async (t) => {
  const directories = [scenarioDirectory('9p/026-strided-fadvrandom-then-seq-mixed')];
  const { outcomes } = await conform({ ...request, directories });
  t.deepEqual(
    outcomes.map(({ scenario, identical }) => [scenario, identical]),
    [['026-strided-fadvrandom-then-seq-mixed', true]],
  );
});

test('a scenario whose group is not whole says so', async (t) => {
  const home = tempDir(t);
  const name = '105-inval-samesize-drop3';
  cpSync(scenarioDirectory(`9p/${name}`), join(home, name), { recursive: true });
  const { outcomes } = await conform({ ...request, directories: [home] });
  t.deepEqual(outcomes[0]?.notes, [
    'requests were made before it that no scenario of its group tells',
  ]);
  t.false(outcomes[0]?.identical);
});
