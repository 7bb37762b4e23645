/** Recording captures: through the thread, in this thread, and what a killed run leaves. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { ErrnoError, StoreError } from '../../../src/core/base/errors.js';
import { createCapture, writeCapture } from '../../../src/core/store/capture_writer.js';
import { openCapture } from '../../../src/core/store/database.js';
import type { CaptureMeta } from '../../../src/core/store/types.js';
import { netfsRreq, netfsRreqTraces } from '../../../src/core/trace/events/netfs.js';
import { createSpool, SpoolWriter, spoolPath } from '../../../src/core/trace/spool.js';
import { STAT_VARIABLES, type StatValues } from '../../../src/core/trace/stats_layout.js';
import type { Tracer } from '../../../src/core/trace/tracer.js';
import type { TraceSink } from '../../../src/core/trace/types.js';
import { makeTracer, temporaryDirectory } from '../../helpers/trace.js';

const META: CaptureMeta = { source: 'run', era: 'E1', workload: 'test', options: { bs: 4096 } };
const ZEROS = Object.fromEntries(Object.keys(STAT_VARIABLES).map((name) => [name, 0]));

function emit(tracer: Tracer, from: number, to: number): void {
  for (let i = from; i < to; i++) netfsRreq.emit(tracer, i, 0, netfsRreqTraces.id.assess, 0x20);
}

/** Everything a capture can hold, in small. */
function example(tracer: Tracer): void {
  emit(tracer, 1, 50);
  tracer.op({ op: 1, kind: 'read', file: 'f', offset: 0, len: 9, result: 9, start: 3, end: 8 });
  tracer.marker('half way');
  tracer.stats({ ...ZEROS, netfs_n_rh_readahead: 7 } as StatValues);
  tracer.other('sched', 'sched_switch', 'to=idle');
  tracer.meta({ kernel_release: '5.13', unparsed_lines: 2 });
}

const capturing = test.macro({
  async exec(t, create: (path: string) => TraceSink) {
    const path = join(temporaryDirectory(t), 'a.db');
    const { tracer } = makeTracer(create(path));
    example(tracer);
    const report = await tracer.close();
    t.like(report, { events: 51, lost: 0, error: null });
    t.false(existsSync(spoolPath(path)));
    const capture = openCapture(path);
    t.like(capture.info, {
      source: 'run',
      era: 'E1',
      workload: 'test',
      kernel_release: '5.13',
      options: '{"bs":4096}',
      events: 51,
      lost_events: 0,
      unparsed_lines: 2,
      complete: 1,
    });
    t.is(capture.get('SELECT count(*) AS "n" FROM "netfs_rreq"')?.n, 49);
    t.like(capture.get('SELECT * FROM "op"'), { id: 1, kind: 'read', file: 'f', read_requests: 0 });
    t.is(capture.get('SELECT "value" FROM "stats" WHERE "key" = ?', ['RA'])?.value, 7);
    t.deepEqual(capture.all('SELECT "id", "text" FROM "marker"'), [{ id: 50, text: 'half way' }]);
    t.like(capture.get('SELECT * FROM "other_event"'), { system: 'sched', event: 'sched_switch' });
    t.deepEqual(capture.all('SELECT * FROM "task"'), [{ id: 1, pid: 7, comm: 'cat' }]);
    capture.close();
  },
  title: (name) => `a capture written ${name} holds what was recorded`,
});

test('by the thread', capturing, (path: string) => createCapture(path, META));
test('by the thread without a spool', capturing, (path: string) =>
  createCapture(path, META, { spool: false }),
);
test('in this thread', capturing, (path: string) => writeCapture(path, META));

for (const spool of [true, false]) {
  const title = spool ? 'with a spool' : 'without one';
  test(`a ring much smaller than the run loses nothing, ${title}`, async (t) => {
    const path = join(temporaryDirectory(t), 'a.db');
    const { tracer } = makeTracer(createCapture(path, META, { ringWords: 1024, spool }));
    emit(tracer, 0, 20_000);
    t.like(await tracer.close(), { events: 20_000, lost: 0, error: null });
    const capture = openCapture(path);
    const all = 'SELECT count(*) AS "n", min("rreq") AS "a", max("rreq") AS "b" FROM "netfs_rreq"';
    t.deepEqual(capture.get(all), { n: 20_000, a: 0, b: 19_999 });
    capture.close();
  });
}

test('a capture that is not finished and has no spool is not opened', (t) => {
  const path = join(temporaryDirectory(t), 'a.db');
  const { tracer } = makeTracer(writeCapture(path, META));
  emit(tracer, 0, 20_000);
  t.throws(() => openCapture(path), { instanceOf: StoreError, message: /is not finished/ });
});

test('a ring that may drop says how many events are missing', async (t) => {
  const path = join(temporaryDirectory(t), 'a.db');
  const options = { ringWords: 1024, overflow: 'drop' } as const;
  const { tracer } = makeTracer(createCapture(path, META, options));
  emit(tracer, 0, 20_000);
  const { events, lost, error } = await tracer.close();
  t.is(error, null);
  t.is(events + lost, 20_000);
  const capture = openCapture(path);
  t.is(capture.info.lost_events, lost);
  t.true(lost > 0);
  capture.close();
});

test('two runs never share a file', (t) => {
  const path = join(temporaryDirectory(t), 'a.db');
  writeFileSync(path, 'mine');
  for (const create of [createCapture, writeCapture]) {
    const error = t.throws(() => create(path, META), { instanceOf: ErrnoError });
    t.is(error?.code, 'EEXIST');
  }
  t.is(readFileSync(path, 'utf8'), 'mine');
});

test('a capture in a directory that does not exist is refused at once', (t) => {
  const path = join(temporaryDirectory(t), 'no', 'a.db');
  t.is(t.throws(() => createCapture(path, META), { instanceOf: ErrnoError })?.code, 'ENOENT');
});

test('a capture that is being written is not opened', async (t) => {
  const path = join(temporaryDirectory(t), 'a.db');
  const { tracer } = makeTracer(createCapture(path, META));
  emit(tracer, 0, 10);
  t.throws(() => openCapture(path), { instanceOf: StoreError, message: /still being written/ });
  await tracer.close();
  t.notThrows(() => openCapture(path).close());
});

test('a writer that cannot write is an error for the run and at its end, not a hang', async (t) => {
  const path = join(temporaryDirectory(t), 'a.db');
  const sink = createCapture(path, META, { ringWords: 1024 });
  // Gone before the thread opens it.
  rmSync(spoolPath(path));
  const { tracer } = makeTracer(sink);
  const thrown = t.throws(() => emit(tracer, 0, 20_000), { instanceOf: ErrnoError });
  t.is(thrown?.code, 'ENOENT');
  const { error } = await tracer.close();
  t.true(error instanceof ErrnoError);
});

const RUN = `
  const [, root, path] = process.argv;
  const { createCapture } = await import(root + 'src/core/store/capture_writer.js');
  const { makeTracer } = await import(root + 'test/helpers/trace.js');
  const { netfsRreq } = await import(root + 'src/core/trace/events/netfs.js');
  const { tracer } = makeTracer(createCapture(path, { source: 'run', era: 'E1' }));
  for (let i = 0; ; i++) {
    netfsRreq.emit(tracer, i, 0, 0, 0x20);
    if (i % 5000 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }
`;

test('a run that is killed leaves a capture that is finished when it is opened', async (t) => {
  const path = join(temporaryDirectory(t), 'a.db');
  const root = new URL('../../../', import.meta.url).href;
  const child = spawn(process.execPath, ['--input-type=module', '-e', RUN, root, path]);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const size = () => (existsSync(spoolPath(path)) ? statSync(spoolPath(path)).size : 0);
  while (size() < 1_000_000) await sleep(20);
  t.throws(() => openCapture(path), { instanceOf: StoreError, message: /still being written/ });
  child.kill('SIGKILL');
  await ended;
  const recorded = size();
  const capture = openCapture(path);
  t.is(capture.info.complete, 0);
  // What had reached the spool: 9 words an event, and a torn one at its end.
  t.true(capture.info.events > (recorded - 4096) / (8 * 9) - 20);
  t.is(capture.get('SELECT 1 + max("rreq") AS "n" FROM "netfs_rreq"')?.n, capture.info.events);
  capture.close();
  t.false(existsSync(spoolPath(path)));
});

test('a spool cut anywhere gives the events before the cut', (t) => {
  const directory = temporaryDirectory(t);
  const words: number[] = [];
  const { tracer } = makeTracer({
    era: 'E1',
    append: (record, count) => words.push(...record.subarray(0, count)),
    close: async () => ({ events: 0, lost: 0, finishMs: 0, error: null }),
  });
  emit(tracer, 0, 3);
  const wholes = [words.length - 18, words.length - 9, words.length];
  for (let cut = words.length - 18; cut <= words.length; cut++) {
    const path = join(directory, `${cut}.db`);
    const spool = new SpoolWriter(spoolPath(path), createSpool(spoolPath(path), { ...META }));
    spool.append(Float64Array.from(words), words.length);
    spool.release();
    spool.close();
    truncateSync(spoolPath(path), 4096 + 8 * cut);
    const capture = openCapture(path);
    t.is(capture.info.events, wholes.filter((whole) => whole <= cut).length);
    t.is(capture.info.complete, 0);
    capture.close();
  }
});

test('a run that ended but was killed before its database was finished is complete', (t) => {
  const path = join(temporaryDirectory(t), 'a.db');
  const spool = new SpoolWriter(spoolPath(path), createSpool(spoolPath(path), { ...META }));
  const { tracer } = makeTracer({
    era: 'E1',
    append: (record, count) => spool.append(record, count),
    close: async () => ({ events: 0, lost: 0, finishMs: 0, error: null }),
  });
  tracer.marker('x'.repeat(200_000));
  spool.append(Float64Array.from([9 + 65536 * 6, 0, 0, 0, 0, 0]), 6);
  spool.release();
  spool.close();
  const capture = openCapture(path);
  t.is(capture.info.complete, 1);
  t.is(capture.get('SELECT length("text") AS "n" FROM "marker"')?.n, 200_000);
  capture.close();
});
