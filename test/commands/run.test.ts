/**
 * `netfslab run` as it is run: its flags, its output, its capture, and that one seed is one trace.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { openCapture } from '../../src/core/store/database.js';
import { netfslab, netfslabHere } from '../helpers/cli.js';
import { serverDir, tempDir } from '../helpers/lab.js';

const FILES = { 'a.bin': 300_000, 'b.txt': 5000, 'sub/c.bin': 200_000, 'sub/d.bin': 70_000 };
const BYTES = 575_000;

/** The parts of `--json` the tests look at. */
interface Json {
  readonly capture: string | null;
  readonly reads: { readonly ops: number; readonly bytes: number };
  readonly requests: Record<string, number>;
  readonly verified: { readonly ops: number; readonly bytes: number } | null;
  readonly trace: { readonly events: number; readonly lost: number };
}

/** Every row of every table but `capture`, which names the file and the time it took. */
function contents(path: string): Record<string, readonly unknown[]> {
  const capture = openCapture(path);
  const tables = capture.all(`SELECT "name" FROM "sqlite_master" WHERE "type" = 'table'`);
  const rows = tables
    .map(({ name }) => String(name))
    .filter((name) => name !== 'capture' && !name.startsWith('sqlite_'))
    .map((name) => [name, capture.all(`SELECT * FROM "${name}" ORDER BY 1, 2, 3`)] as const);
  capture.close();
  return Object.fromEntries(rows);
}

async function record(
  t: ExecutionContext,
  server: string,
  args: readonly string[],
  netfslab = netfslabHere,
) {
  const out = join(tempDir(t), 'x.db');
  const { status, stderr } = await netfslab(['run', '--server', server, '--out', out, ...args]);
  t.is(status, 0, stderr);
  return contents(out);
}

test('the summary is printed, and the capture is named by workload and time', async (t) => {
  const server = serverDir(t, FILES);
  const folder = join(tempDir(t), 'captures');
  const env = { NETFSLAB_TRACES: folder };
  const { status, stdout, stderr } = await netfslab(['run', '--server', server], env);
  t.is(status, 0, stderr);
  const [name = ''] = readdirSync(folder);
  t.regex(name, /^read-\d{8}-\d{6}-\d{3}\.db$/);
  t.is(stderr, `capture: ${join(folder, name)}\n`);
  t.regex(stdout, /^read, 1 job, linux-5\.13-afs, real clock, seed 1\n {2}read {6}562 KiB in /);
  for (const label of ['latency', 'requests', 'sources', 'server', 'stats', 'trace']) {
    t.regex(stdout, new RegExp(`^  ${label} `, 'm'));
  }
});

for (const clock of ['real', 'virtual']) {
  test(`every byte is verified and every request is in the capture, ${clock} clock`, async (t) => {
    const out = join(tempDir(t), 'x.db');
    const server = serverDir(t, FILES);
    const args = ['--clock', clock, '--verify', '--rw', 'randread', '--numjobs', '3', '--json'];
    const run = await netfslabHere(['run', '--server', server, '--out', out, ...args]);
    t.is(run.status, 0, run.stderr);
    const summary = JSON.parse(run.stdout) as Json;
    t.is(summary.capture, out);
    t.deepEqual(summary.verified, { ops: summary.reads.ops, bytes: 3 * BYTES });
    t.is(summary.trace.lost, 0);
    const { op = [], request = [], stats = [] } = contents(out);
    t.is(op.length, summary.reads.ops);
    t.is(request.length, summary.requests.READAHEAD! + summary.requests.READPAGE!);
    t.true(stats.length > 0);
    const caused = op.reduce<number>(
      (sum, row) => sum + (row as { read_requests: number }).read_requests,
      0,
    );
    t.is(caused, request.length);
  });
}

test('--json has the documented shape', async (t) => {
  const { stdout } = await netfslabHere([
    'run',
    '--server',
    serverDir(t, FILES),
    '--no-trace',
    '--json',
  ]);
  const summary = JSON.parse(stdout) as Record<string, unknown>;
  t.deepEqual(Object.keys(summary).sort(), [
    ...['amplification', 'cache', 'capture', 'clock', 'elapsedNs', 'errors', 'interrupted', 'jobs'],
    ...['profile', 'reads', 'requests', 'seed', 'server', 'sources', 'stats', 'trace'],
    ...['unwritten', 'verified'],
    'workload',
    'writes',
  ]);
  t.is(summary.capture, null);
});

test('every flag reaches the run, and those of the engine stand in the capture', async (t) => {
  const out = join(tempDir(t), 'x.db');
  const server = serverDir(t, FILES);
  const flags = {
    ...{ server, rw: 'randread', bs: '8k', size: '64KiB', offset: '4096', files: '*.bin' },
    ...{ dir: 'sub', numjobs: '2', loops: '3', runtime: '10s', fadvise: 'sequential' },
    ...{ randseed: '9', rsize: '16k', 'stripe-unit': '32k', 'read-ahead-kb': '64' },
    ...{ 'page-cache': '2m', 'server-latency': '1ms', 'server-jitter': '10us' },
    ...{ 'server-bandwidth': '100m', 'server-concurrency': '2', 'server-completion': 'async' },
    ...{ clock: 'virtual', profile: 'linux-5.13-afs', defects: 'kernel', 'op-log': 'miss' },
    ...{ 'trace-overflow': 'drop', out },
  };
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
  const run = await netfslab(['run', ...args, '--verify', '--no-clear-tail', '--json']);
  t.is(run.status, 0, run.stderr);
  t.like(JSON.parse(run.stdout), {
    ...{ workload: 'randread', jobs: 2, seed: 9, clock: 'virtual', capture: out },
    // Of each of the two files 64 KiB, by two jobs, three times.
    reads: { ops: 96, bytes: 2 * 2 * 3 * 65_536 },
    server: { maxInService: 2 },
  });
  const capture = openCapture(out);
  t.teardown(() => capture.close());
  t.like(JSON.parse(capture.info.options), {
    ...{ server, profile: 'linux-5.13-afs', defects: 'kernel', clock: 'virtual', seed: 9 },
    ...{ pageCache: 2 << 20, readAheadKb: 64, rsize: 16_384, stripeUnit: 32_768 },
    ...{ clearTail: false, completion: 'async', latencyNs: 1e6, jitterNs: 1e4 },
    ...{ bandwidth: 100 << 20, maxConcurrent: 2 },
  });
  const largest = `SELECT max("len") AS "n" FROM "subrequest" WHERE "source" = 'DOWN'`;
  t.is(capture.get(largest)?.n, 16_384, 'rsize');
  t.regex(String(capture.info.command_line), /^netfslab run --server /);
});

test('one seed on the virtual clock is one trace, whatever the kind of workload', async (t) => {
  const server = serverDir(t, FILES);
  const common = ['--clock', 'virtual', '--server-latency', '200us', '--server-jitter', '1ms'];
  const kinds: readonly (readonly string[])[] = [
    ['--rw', 'read'],
    ['--rw', 'randread', '--numjobs', '3', '--randseed', '7', '--page-cache', '1m'],
    ['--rw', 'randread', '--time-based', '--runtime', '20ms', '--server-completion', 'async'],
  ];
  for (const kind of kinds) {
    const first = await record(t, server, [...common, ...kind]);
    // Of another process, which has nothing in common with the first but the seed.
    const second = await record(t, server, [...common, ...kind], netfslab);
    t.true(first.netfs_sreq!.length > 20);
    t.deepEqual(Object.keys(second), Object.keys(first));
    for (const table of Object.keys(first)) {
      t.deepEqual(second[table], first[table], `${table} of ${kind.join(' ')}`);
    }
  }
});

test('another seed is another order of random reads', async (t) => {
  const server = serverDir(t, FILES);
  const order = async (seed: string): Promise<string[]> => {
    const args = ['--clock', 'virtual', '--rw', 'randread', '--randseed', seed];
    const { op = [] } = await record(t, server, args);
    return op.map((row) => JSON.stringify([(row as { offset: number }).offset]));
  };
  const [one, two] = [await order('1'), await order('2')];
  t.notDeepEqual(one, two);
  t.deepEqual([...one].sort(), [...two].sort());
});

test('without a trace there is no file, and --out is not used', async (t) => {
  const folder = join(tempDir(t), 'captures');
  const args = ['run', '--server', serverDir(t, FILES), '--no-trace'];
  const { status, stderr } = await netfslabHere(args, { NETFSLAB_TRACES: folder });
  t.is(status, 0);
  t.is(stderr, '');
  t.false(existsSync(folder));
});
