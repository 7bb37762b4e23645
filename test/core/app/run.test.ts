/**
 * The use case `run`: what it counts, what it records, and how it ends when something goes wrong.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  RUN_DEFAULTS,
  type RunRequest,
  type RunWatch,
  runWorkload,
} from '../../../src/core/app/run/run.js';
import { ErrnoError, UsageError, VerificationError } from '../../../src/core/base/errors.js';
import { makeSegmentList } from '../../../src/core/io/segments.js';
import type { Server } from '../../../src/core/server/types.js';
import { openCapture } from '../../../src/core/store/database.js';
import type { Capture } from '../../../src/core/store/types.js';
import { misbehave } from '../../helpers/bad_server.js';
import { forward } from '../../helpers/forward_server.js';
import { content, serverDir, tempDir } from '../../helpers/lab.js';

const FILES = { a: 300_000, 'sub/b': 5000, 'sub/c': 0 };
const BYTES = 305_000;

type Given = Partial<Omit<RunRequest, 'lab'>> & { lab?: Partial<RunRequest['lab']> };

function requestOf(dir: string, { lab, ...given }: Given = {}): RunRequest {
  return {
    ...RUN_DEFAULTS,
    verify: true,
    ...given,
    lab: { server: dir, ...lab },
  };
}

/** A run of `FILES`. */
function run(t: ExecutionContext, given: Given = {}, watch: RunWatch = {}) {
  return runWorkload(requestOf(serverDir(t, FILES), given), watch);
}

/** A run that is traced, and its capture. */
async function traced(t: ExecutionContext, given: Given = {}, watch: RunWatch = {}) {
  const out = join(tempDir(t), 'run.db');
  const trace = { out, commandLine: 'test', toolVersion: '0' };
  const summary = await run(t, { ...given, trace }, watch);
  const capture = openCapture(out);
  t.teardown(() => capture.close());
  return { summary, capture };
}

const number = (capture: Capture, sql: string): number => Number(capture.get(sql)?.n);

test('the summary counts reads, requests, bytes by source, and what was verified', async (t) => {
  const summary = await run(t);
  t.like(summary, {
    profile: 'linux-5.13-afs',
    clock: 'virtual',
    workload: 'read',
    jobs: 1,
    sources: { DOWN: BYTES, READ: 0 },
    server: { bytes: BYTES },
    amplification: 1,
    cache: null,
    verified: { ops: 74 + 2, bytes: BYTES },
    interrupted: false,
    errors: [],
    capture: null,
    trace: { events: 0, lost: 0 },
  });
  t.like(summary.reads, { ops: 76, bytes: BYTES });
  const { min = 0, p50 = 0, p99 = 0, max = 0 } = summary.reads.latencyNs ?? {};
  t.true(0 < min && min <= p50 && p50 <= p99 && p99 <= max);
  t.true(summary.stats.startsWith(`RdHelp : RA=${summary.requests.READAHEAD} RP=0`));
});

test('the capture has a row per read, and every request belongs to the read it served', async (t) => {
  const { summary, capture } = await traced(t);
  t.is(number(capture, 'SELECT count(*) AS "n" FROM "op"'), summary.reads.ops);
  t.is(number(capture, 'SELECT sum("result") AS "n" FROM "op"'), BYTES);
  const requests = number(capture, 'SELECT count(*) AS "n" FROM "request"');
  t.is(requests, summary.requests.READAHEAD);
  t.is(number(capture, 'SELECT sum("read_requests") AS "n" FROM "op"'), requests);
  t.is(number(capture, 'SELECT sum("server_bytes") AS "n" FROM "request"'), BYTES);
  const astray = `SELECT count(*) AS "n" FROM "request" AS "r" LEFT JOIN "op" AS "o"
    ON "o"."id" = "r"."op" WHERE "o"."id" IS NULL`;
  t.is(number(capture, astray), 0);
  t.is(capture.info.complete, 1);
  t.is(capture.info.events, summary.trace.events);
  t.is(number(capture, 'SELECT count(*) AS "n" FROM "events"'), summary.trace.events);
  t.is(number(capture, `SELECT "value" AS "n" FROM "stats" WHERE "key" = 'RA'`), requests);
});

test('the log of operations can be limited to misses, or switched off', async (t) => {
  const some = await traced(t, { opLog: 'miss' });
  const { ops, hits } = some.summary.reads;
  t.is(number(some.capture, 'SELECT count(*) AS "n" FROM "op"'), ops - hits);
  t.is(number(some.capture, 'SELECT min("read_requests") AS "n" FROM "op"'), 1);
  const none = await traced(t, { opLog: 'none' });
  t.is(number(none.capture, 'SELECT count(*) AS "n" FROM "op"'), 0);
  t.is(none.summary.reads.ops, ops);
});

test('several jobs read every file each, as tasks of their own, and share the page cache', async (t) => {
  const lab = { completion: 'async', latencyNs: 1000 } as const;
  const { summary, capture } = await traced(t, { numjobs: 3, rw: 'randread', lab });
  t.is(summary.jobs, 3);
  t.like(summary.reads, { bytes: 3 * BYTES, ops: 3 * 76 });
  t.true(summary.server.bytes < 1.5 * BYTES);
  const tasks = capture.all('SELECT DISTINCT "comm" FROM "task" WHERE "comm" LIKE \'rand%\'');
  t.deepEqual(tasks.map(({ comm }) => comm).sort(), ['randread/0', 'randread/1', 'randread/2']);
  const orders = capture.all(
    'SELECT group_concat("file" || "offset") AS "all" FROM "op" GROUP BY "task"',
  );
  t.is(new Set(orders.map(({ all }) => all)).size, 3);
});

test('loops, size and offset make the amount of work, and progress says how much is done', async (t) => {
  const told: (readonly [number, number])[] = [];
  const progress = (done: number, total: number): number => told.push([done, total]);
  const { reads } = await run(t, { loops: 2, offset: 4096, size: 8192 }, { progress });
  const expected = 2 * (8192 + (5000 - 4096));
  t.is(reads.bytes, expected);
  t.deepEqual(told.at(-1), [expected, expected]);
  t.is(told.length, reads.ops);
  t.true(told.every(([done], i) => i === 0 || done > (told[i - 1]?.[0] ?? 0)));
});

test('a time-based run ends when its time is over, by the clock of the run', async (t) => {
  const totals = new Set<number>();
  const watch = { progress: (_: number, total: number) => void totals.add(total) };
  const { elapsedNs } = await run(t, { timeBased: true, runtime: 5_000_000 }, watch);
  t.true(elapsedNs >= 5_000_000 && elapsedNs < 10_000_000, `${elapsedNs}`);
  t.deepEqual([...totals], [0]);
});

test('advice is passed on', async (t) => {
  const { requests } = await run(t, { fadvise: 'random', files: ['a'] });
  t.is(requests.READAHEAD, 74);
});

test('a run that is interrupted stops, and its capture is complete with what was done', async (t) => {
  const stop = new AbortController();
  const progress = (done: number): void => {
    if (done >= 100_000) stop.abort();
  };
  const { summary, capture } = await traced(t, {}, { signal: stop.signal, progress });
  t.true(summary.interrupted);
  t.deepEqual(summary.errors, []);
  t.true(summary.reads.bytes >= 100_000 && summary.reads.bytes < 110_000);
  t.is(capture.info.complete, 1);
  t.is(number(capture, 'SELECT sum("result") AS "n" FROM "op"'), summary.reads.bytes);
});

test('a run that is interrupted before it begins does nothing', async (t) => {
  const { reads, interrupted } = await run(t, {}, { signal: AbortSignal.abort() });
  t.true(interrupted);
  t.is(reads.ops, 0);
});

test('a file that vanishes between listing and opening ends its job and no other', async (t) => {
  const dir = serverDir(t, FILES);
  const progress = (): void => fs.rmSync(join(dir, 'sub/b'), { force: true });
  const { errors, reads } = await runWorkload(requestOf(dir), { progress });
  t.is(errors.length, 1);
  t.like(errors[0], { name: 'ErrnoError', code: 'ENOENT', path: 'sub/b' });
  t.is(reads.bytes, 300_000);
});

test('a file that changes while it is read fails verification, and the message says why', async (t) => {
  const dir = serverDir(t, FILES);
  let changed = false;
  const progress = (): void => {
    if (!changed) fs.writeFileSync(join(dir, 'a'), content('other', 300_000));
    changed = true;
  };
  const { errors, verified, reads } = await runWorkload(requestOf(dir), { progress });
  t.is(errors.length, 1);
  t.true(errors[0] instanceof VerificationError);
  t.is((errors[0] as Error).message, 'a: at byte 4096: the file was changed while it was read');
  t.is(verified?.ops, 2);
  t.is(reads.ops, 2);
});

// A server that sends a wrong byte at the front of every reply.
function corrupting(server: Server): Server {
  return forward(server, {
    fetch(file, position, into, done) {
      server.fetch(file, position, into, (reply) => {
        const list = makeSegmentList();
        into.segments(list);
        const { memory, offset } = list.segments[0] as { memory: Uint8Array; offset: number };
        memory[offset]! ^= 1;
        done(reply);
      });
    },
  });
}

test('bytes that are not those of the file fail verification, and go unseen without it', async (t) => {
  const given = { files: ['a'], lab: { wrapServer: corrupting } };
  const { errors } = await run(t, given);
  t.true(errors[0] instanceof VerificationError);
  t.is((errors[0] as Error).message, 'a: at byte 0: what was read is not what the file holds');
  const { errors: unseen, verified } = await run(t, { ...given, verify: false });
  t.deepEqual(unseen, []);
  t.is(verified, null);
});

test('an error of the server is in the summary, and in the capture', async (t) => {
  const wrapServer = misbehave(({ name }) => (name === 'a' ? { error: -5 } : undefined));
  const { summary, capture } = await traced(t, { lab: { wrapServer } });
  t.like(summary.errors[0], { code: 'EIO', path: 'a' });
  t.is(number(capture, 'SELECT "result" AS "n" FROM "op"'), -5);
  t.true(number(capture, 'SELECT count(*) AS "n" FROM "netfs_failure"') > 0);
});

const refused: readonly [flag: string, given: Given][] = [
  ['--bs', { bs: 0 }],
  ['--bs', { bs: 2 ** 31 }],
  ['--offset', { offset: -1 }],
  ['--size', { size: 0 }],
  ['--numjobs', { numjobs: 0 }],
  ['--numjobs', { numjobs: 5000 }],
  ['--loops', { loops: 0 }],
  ['--time-based', { timeBased: true }],
  ['--rw', { rw: 'trim' }],
  ['--profile', { lab: { profile: 'linux-1.0' } }],
  ['--page-cache', { lab: { pageCache: 4096 } }],
  ['--stripe-unit', { lab: { stripeUnit: 100 } }],
  ['--rsize', { lab: { rsize: -1 } }],
  ['--files', { files: ['*.nothing'] }],
];

for (const [flag, given] of refused) {
  test(`${flag} ${JSON.stringify(given)} is refused by name, before a capture is made`, async (t) => {
    const out = join(tempDir(t), 'run.db');
    const trace = { out, commandLine: 'test', toolVersion: '0' };
    const error = await t.throwsAsync(run(t, { ...given, trace }), { instanceOf: UsageError });
    t.is(error.option, flag);
    t.false(fs.existsSync(out));
  });
}

test('a server that is not there leaves no capture behind', async (t) => {
  const out = join(tempDir(t), 'run.db');
  const trace = { out, commandLine: 'test', toolVersion: '0' };
  const request = requestOf(join(out, 'nowhere'), { trace });
  const error = await t.throwsAsync(runWorkload(request), { instanceOf: ErrnoError });
  t.regex(error.hint ?? '', /--server/);
  t.deepEqual(fs.readdirSync(join(out, '..')), []);
});
