/** Opening captures and asking them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import { ErrnoError, StoreError, UsageError } from '../../../src/core/base/errors.js';
import { writeCapture } from '../../../src/core/store/capture_writer.js';
import { openCapture } from '../../../src/core/store/database.js';
import type { Capture, CaptureMeta } from '../../../src/core/store/types.js';
import { excerpt, temporaryDirectory, writeLines } from '../../helpers/trace.js';

/** A capture made of an excerpt of a trace. */
function capture(t: ExecutionContext, name: string, origin = 0): Capture {
  const path = join(temporaryDirectory(t), 'a.db');
  const meta: CaptureMeta = { source: 'import', era: 'E3', clock_origin_ns: origin };
  const sink = writeCapture(path, meta);
  writeLines(sink, excerpt(name).events, origin);
  sink.finish();
  const opened = openCapture(path);
  t.teardown(() => opened.close());
  return opened;
}

test('a file that does not exist is ENOENT', (t) => {
  const path = join(temporaryDirectory(t), 'no.db');
  t.is(t.throws(() => openCapture(path), { instanceOf: ErrnoError })?.code, 'ENOENT');
});

test('a file that is no database is refused', (t) => {
  const path = join(temporaryDirectory(t), 'a.db');
  writeFileSync(path, 'text');
  t.throws(() => openCapture(path), { instanceOf: StoreError, message: /not an SQLite database/ });
});

test('a database that is not ours is refused', (t) => {
  const path = join(temporaryDirectory(t), 'a.db');
  new Database(path).exec('CREATE TABLE a (b)').close();
  t.throws(() => openCapture(path), { instanceOf: StoreError, message: /not a capture/ });
});

const versioned = test.macro({
  exec(t, version: number, message: RegExp) {
    const path = join(temporaryDirectory(t), 'a.db');
    writeCapture(path, { source: 'run', era: 'E1' }).finish();
    const db = new Database(path);
    db.pragma(`user_version = ${version}`);
    db.close();
    const error = t.throws(() => openCapture(path), { instanceOf: StoreError, message });
    t.truthy(error?.hint);
  },
  title: (_, version: number) => `a database of schema version ${version} is refused by its number`,
});

test(versioned, 99, /schema version 99; this netfslab reads up to/);
test(versioned, 0, /schema version 0, which no release had/);

test('what a capture of an earlier program lacks reads as empty in every question', (t) => {
  const path = join(temporaryDirectory(t), 'a.db');
  const sink = writeCapture(path, { source: 'import', era: 'E3' });
  writeLines(sink, excerpt('write-midpage').events);
  sink.finish();
  const db = new Database(path);
  // A column that a tracepoint was given later.
  db.exec('DROP VIEW "events"; DROP VIEW "provenance"');
  db.exec('ALTER TABLE "netfs_sreq" DROP COLUMN "error"');
  const whole = openCapture(path);
  const ofRequest = [...whole.lines({ rreq: 1 })];
  whole.close();
  db.exec('DROP TABLE "event_range"; ALTER TABLE "subrequest" DROP COLUMN "cache_bytes_kept"');
  db.close();
  const old = openCapture(path);
  t.teardown(() => old.close());
  t.deepEqual(old.all('SELECT "id", "cpu" FROM "afs_page_dirty"'), []);
  t.deepEqual(old.get('SELECT count(*) AS "n" FROM "netfs_folio" WHERE "id" > 3'), { n: 0 });
  const slices = old.get('SELECT count(*) AS "n", count("error") AS "known" FROM "netfs_sreq"');
  t.true(Number(slices?.n) > 0);
  t.is(slices?.known, 0);
  t.notThrows(() => [...old.heading(), ...old.lines()]);
  t.true(ofRequest.length > 0);
  t.deepEqual([...old.lines({ rreq: 1 })], ofRequest);
  t.is(old.get('SELECT count("cache_bytes_kept") AS "n" FROM "subrequest"')?.n, 0);
});

test('a damaged database is refused, not crashed on', (t) => {
  const path = join(temporaryDirectory(t), 'a.db');
  writeFileSync(path, `SQLite format 3\0${'x'.repeat(5000)}`);
  t.throws(() => openCapture(path), { instanceOf: StoreError });
});

test('mistakes in a query are told with the words of SQLite', (t) => {
  const opened = capture(t, 'cache-full');
  const message = /no such table: requets/;
  t.throws(() => opened.all('SELECT * FROM requets'), { instanceOf: UsageError, message });
  t.throws(() => [...opened.iterate('SELECT * FROM requets')], { instanceOf: UsageError });
  t.throws(() => opened.all('SELECT 1; SELECT 2'), { instanceOf: UsageError });
  t.throws(() => opened.get("SELECT json('{')"), { instanceOf: UsageError, message: /JSON/ });
});

test('a capture cannot be changed by a query', (t) => {
  const opened = capture(t, 'cache-full');
  for (const sql of ['DELETE FROM "task"', 'DELETE FROM "task" RETURNING *', 'VACUUM']) {
    t.throws(() => opened.all(sql), { instanceOf: UsageError }, sql);
  }
  t.true(opened.all('SELECT * FROM "task"').length > 0);
});

test('rows come one by one, and a query may be asked while another is read', (t) => {
  const opened = capture(t, 'cache-full');
  let rows = 0;
  for (const { rreq } of opened.iterate('SELECT "rreq" FROM "netfs_sreq"')) {
    t.is(rreq, 4);
    t.is(opened.get('SELECT count(*) AS "n" FROM "request"')?.n, 1);
    rows++;
  }
  t.deepEqual(opened.get('SELECT count(*) AS "n" FROM "netfs_sreq"'), { n: rows });
  t.deepEqual(opened.columns('SELECT "rreq", 1 AS "one" FROM "netfs_sreq"'), ['rreq', 'one']);
});

for (const name of ['write-midpage', 'server-killed', 'cache-full']) {
  test(`a trace of Linux 6.1 comes out of the database byte for byte: ${name}`, (t) => {
    const { events } = excerpt(name);
    const opened = capture(t, name, 30_000_000_000);
    t.deepEqual(
      [...opened.lines()],
      events.map(({ line }) => line),
    );
    t.deepEqual(
      opened.all('SELECT "event", "text" FROM "events" ORDER BY "id"'),
      events.map(({ event, text }) => ({ event, text })),
    );
  });
}

test('the heading counts the events and the processors', (t) => {
  const opened = capture(t, 'cache-full');
  const n = opened.info.events;
  t.is(opened.heading()[2], `# entries-in-buffer/entries-written: ${n}/${n}   #P:1`);
});

test('lines are chosen by event, request, source and time', (t) => {
  const opened = capture(t, 'write-midpage');
  const { events } = excerpt('write-midpage');
  const lines = (keep: (event: string, text: string, ns: number) => boolean) =>
    events.filter(({ event, text, ns }) => keep(event, text, ns)).map(({ line }) => line);
  t.deepEqual(
    [...opened.lines({ events: ['netfs_sreq', 'fscache_cookie', 'tracing_mark_write'] })],
    lines((event) => ['netfs_sreq', 'fscache_cookie', 'tracing_mark_write'].includes(event)),
  );
  t.deepEqual(
    [...opened.lines({ rreq: 1 })],
    lines((_event, text) => text.startsWith('R=00000001')),
  );
  t.deepEqual(
    [...opened.lines({ source: 'DOWN' })],
    lines((_event, text) => text.startsWith('R=') && text.includes(' DOWN ')),
  );
  const since = 32_559_000_000;
  const until = 32_563_004_000;
  t.deepEqual(
    [...opened.lines({ since, until })],
    lines((_event, _text, ns) => ns >= since && ns < until),
  );
  t.deepEqual([...opened.lines({ rreq: 99 })], []);
});
