/**
 * `netfslab whatif`. Where truth exists it is right: from what Linux 6.1 did with one setting, what
 * it did with another is predicted, request by request. The captures are in `traces/what-if`; their
 * names carry the settings.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { fitServer } from '../../src/core/app/whatif/server_model.js';
import {
  recordedRequests,
  VARIED,
  type WhatifSummary,
  whatif,
} from '../../src/core/app/whatif/whatif.js';
import { netfslab, netfslabHere } from '../helpers/cli.js';
import { serverDir, tempDir } from '../helpers/lab.js';
import { ROOT } from '../helpers/source.js';

/** The captures: what was set on the machine; no window: what the mount made of its msize. */
const CAPTURES = {
  'ra0-seq64k-warm': { msize: 131_072, readAheadKb: 0 },
  'msize8192-fscache-seq64k-cold': { msize: 8192, readAheadKb: undefined },
  'ra128-seq64k-warm': { msize: 131_072, readAheadKb: 128 },
  'msize65536-fscache-seq64k-cold': { msize: 65_536, readAheadKb: undefined },
} as const;

type Name = keyof typeof CAPTURES;

/** Those with the same operations. */
const PAIRS: readonly (readonly [from: Name, to: Name])[] = [
  ['ra0-seq64k-warm', 'msize8192-fscache-seq64k-cold'],
  ['msize8192-fscache-seq64k-cold', 'ra0-seq64k-warm'],
  ['ra128-seq64k-warm', 'msize65536-fscache-seq64k-cold'],
  ['msize65536-fscache-seq64k-cold', 'ra128-seq64k-warm'],
];

async function imported(t: ExecutionContext, name: Name): Promise<string> {
  const out = join(tempDir(t), 'x.db');
  const text = join(ROOT, 'traces/what-if', `${name}.txt.gz`);
  const { status, stderr } = await netfslabHere(['trace', 'import', text, '--out', out]);
  t.true(status === 0 || status === 1, stderr);
  return out;
}

// The file that the machine served.
function served(t: ExecutionContext): string {
  const dir = tempDir(t);
  const bytes = createHash('shake128', { outputLength: 2 << 20 })
    .update('kcap:f2m')
    .digest();
  writeFileSync(join(dir, 'f2m'), bytes);
  return dir;
}

const question = (server: string, file: string) => ({
  file,
  input: { server, map: [], fd: [], mmap: 'touch', waitUnit: 'ms' },
  ...{ cache: false, serverModel: undefined, saveModel: undefined, maxError: 0, force: false },
  remember: false,
  given: {},
});

for (const [from, to] of PAIRS) {
  test.serial(`every request of ${to} is predicted from ${from}`, async (t) => {
    const [server, source, target] = [served(t), await imported(t, from), await imported(t, to)];
    const { msize, readAheadKb } = CAPTURES[to];
    const lab = { server, profile: 'linux-6.1-9p', ...CAPTURES[from] };
    const vary = [`msize=${msize}`, `read-ahead-kb=${readAheadKb ?? 'default'}`];
    const found = await whatif({ ...question(server, source), lab, vary });
    t.is(found.error.requests, 0);
    t.deepEqual(
      found.baseline.ranges,
      recordedRequests(source).map((range) => [...range]),
    );
    const [row] = found.rows;
    t.deepEqual(
      row?.prediction.ranges,
      recordedRequests(target).map((range) => [...range]),
    );
    t.true(row!.prediction.requests > 0);
  });
}

test.serial('a baseline that is too far off is refused, and answered with --force', async (t) => {
  const [server, source] = [served(t), await imported(t, 'ra0-seq64k-warm')];
  const args = ['whatif', source, '--server', server, '--profile', 'linux-6.1-9p', '--no-remember'];
  const vary = ['--vary', 'read-ahead-kb=0,128'];
  const refused = await netfslab([...args, ...vary]);
  t.is(refused.status, 3);
  t.regex(
    refused.stderr,
    /100\.0 % of the requests are not reproduced without any change, more than 10 %/,
  );
  const forced = await netfslab([...args, ...vary, '--force', '--json']);
  t.is(forced.status, 0, forced.stderr);
  t.is((JSON.parse(forced.stdout) as WhatifSummary).error.requests, 1);
});

test.serial('a prediction is what replay does with the setting, request for request', async (t) => {
  const server = serverDir(t, { 'data.bin': 300_000, 'other.bin': 200_000 });
  const log = join(ROOT, 'traces/workloads/unfinished.strace');
  const lab = { server };
  const found = await whatif({ ...question(server, log), lab, vary: ['read-ahead-kb=0,64,1024'] });
  for (const { settings, prediction } of found.rows) {
    const out = join(tempDir(t), 'x.db');
    const ahead = String(settings['read-ahead-kb']);
    const args = ['--server', server, '--clock', 'virtual', '--read-ahead-kb', ahead, '--out', out];
    await netfslabHere(['replay', log, ...args]);
    t.deepEqual(
      prediction.ranges,
      recordedRequests(out).map((range) => [...range]),
    );
  }
});

test.serial(
  'of a run its own settings are the baseline, and what it would do is what it does',
  async (t) => {
    const server = serverDir(t, { 'data.bin': 3_000_000, 'other.bin': 700_000 });
    const dir = tempDir(t);
    const settings = ['--rsize', '256k', '--server-latency', '2ms', '--page-cache', '8m'];
    const run = async (out: string, ahead: string) => {
      const given = ['--server', server, '--clock', 'virtual', '--bs', '16k', '--out', out];
      const args = ['run', ...given, ...settings, '--read-ahead-kb', ahead, '--rw', 'read'];
      const { status, stderr } = await netfslabHere(args);
      t.is(status, 0, stderr);
      return recordedRequests(out).map((range) => [...range]);
    };
    const source = join(dir, 'source.db');
    const recorded = await run(source, '512');
    const vary = ['read-ahead-kb=0,64,2048'];
    const found = await whatif({ ...question(server, source), lab: { server }, vary });
    t.is(found.error.requests, 0);
    t.is(found.error.serverBytes, 0);
    t.is(found.serverModel, null);
    t.deepEqual(found.baseline.ranges, recorded);
    for (const { settings: varied, prediction } of found.rows) {
      const ahead = String(varied['read-ahead-kb']);
      t.deepEqual(prediction.ranges, await run(join(dir, `${ahead}.db`), ahead), ahead);
    }
    // What is asked for holds, whatever the capture says.
    const other = { ...question(server, source), given: { readAheadKb: 64 }, force: true };
    const changed = await whatif({ ...other, lab: { server, readAheadKb: 64 }, vary });
    t.notDeepEqual(changed.baseline.ranges, recorded);
  },
);

test.serial('jobs, a table, what to type, and answers that are remembered', async (t) => {
  const dir = tempDir(t);
  const env = { XDG_CACHE_HOME: join(dir, 'cache') };
  const job = join(dir, 'a.fio');
  writeFileSync(job, '[a]\nrw=read\nbs=64k\nsize=1m\n');
  mkdirSync(join(dir, 'served'));
  const args = ['whatif', job, '--server', join(dir, 'served'), '--vary', 'rsize=64k,256k'];
  const vary = ['--vary', 'page-cache=4m', '--server-latency', '1ms'];
  const first = await netfslab([...args, ...vary], env);
  t.is(first.status, 0, first.stderr);
  t.regex(first.stdout, /^baseline: \d+ requests \(not recorded\), 1 MiB from the server/);
  t.regex(first.stdout, /\* mount -o rsize=\S+; memory\.max of the cgroup: 4m: /);
  const again = await netfslab([...args, ...vary, '--json'], env);
  t.is((JSON.parse(again.stdout) as WhatifSummary).remembered, 3);
  const csv = await netfslab([...args, ...vary, '--csv'], env);
  t.is(csv.stdout.trim().split('\n').length, 4);
});

test.serial('a disk cache of its own shows what is written to it', async (t) => {
  const dir = tempDir(t);
  const job = join(dir, 'a.fio');
  writeFileSync(job, '[a]\nrw=read\nbs=64k\nsize=1m\n');
  mkdirSync(join(dir, 'served'));
  const server = join(dir, 'served');
  const found = await whatif({
    ...question(server, job),
    ...{ lab: { server }, cache: true, vary: ['granule=4k,64k'] },
  });
  for (const { prediction } of found.rows) t.true(prediction.cacheWriteBytes >= 1 << 20);
});

test('a server is fitted: a fixed time, a time for each byte, and what varies', (t) => {
  const slices = Array.from({ length: 100 }, (_, i) => {
    const bytes = 4096 * (1 + (i % 16));
    const startNs = i * 10e6;
    const ns = 200_000 + bytes * 10 + (i % 5) * 10_000;
    return { bytes, startNs, endNs: startNs + ns };
  });
  const model = fitServer(slices)!;
  t.true(Math.abs(model.latencyNs - 200_000) < 15_000, `${model.latencyNs}`);
  t.true(Math.abs(model.bandwidth - 100e6) < 10e6, `${model.bandwidth}`);
  t.true(model.jitterNs > 10_000 && model.jitterNs < 80_000, `${model.jitterNs}`);
  t.is(model.concurrency, 1);
  t.is(fitServer(slices.slice(0, 3)), undefined);
});

test('settings that cannot be are refused by name', async (t) => {
  const log = join(ROOT, 'traces/workloads/v2.iolog');
  for (const [vary, message] of [
    [['rsiz=1'], /expected NAME=VALUE,.* names: .*rsize|--vary: expected NAME=VALUE/],
    [['rsize='], /rsize has no values/],
    [['rsize=4k', 'rsize=8k'], /rsize is given twice/],
    [['rsize=many'], /expected a size, got 'many'/],
    [[], /nothing to vary/],
  ] as const) {
    const args = vary.flatMap((each) => ['--vary', each]);
    const { status, stderr } = await netfslabHere(['whatif', log, '--server', ROOT, ...args]);
    t.is(status, 2, stderr);
    t.regex(stderr, message);
  }
  t.true(Object.values(VARIED).every(({ apply }) => apply.includes('V')));
  t.true(readFileSync(log, 'utf8').startsWith('fio version 2'));
});

test.serial('a worker whose asker is gone ends without a word', async (t) => {
  const worker = join(ROOT, 'dist/src/core/app/whatif/worker.js');
  const server = serverDir(t, { 'data.bin': 300_000 });
  const { file, input, cache } = question(server, join(ROOT, 'traces/workloads/unfinished.strace'));
  const job = { file, input, cache, lab: { server } };
  // The asker ends as soon as it has asked; what is waited for is the end of the worker.
  const asker = `const child = require('node:child_process').fork(${JSON.stringify(worker)},
    { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    child.send(${JSON.stringify({ id: 0, job })}, () => process.exit(0));`;
  const { status, stderr } = spawnSync(process.execPath, ['-e', asker], { encoding: 'utf8' });
  t.is(status, 0);
  t.is(stderr, '');
});
