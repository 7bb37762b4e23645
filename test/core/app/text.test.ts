/** What is printed as text: the trace, the statistics, a user's SQL, the list of captures. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { explainStats, showStats } from '../../../src/core/app/stats/stats.js';
import { listCaptureTable } from '../../../src/core/app/trace/captures.js';
import { eventLines } from '../../../src/core/app/trace/events.js';
import { runQuery, schemaDocs, schemaLines } from '../../../src/core/app/trace/sql.js';
import { UsageError } from '../../../src/core/base/errors.js';
import { sampleCapture, temporaryFolder } from '../../helpers/capture.js';

const sample = (t: ExecutionContext) => sampleCapture(join(temporaryFolder(t), 'sample.db'));

const events = (path: string, options: Parameters<typeof eventLines>[1]) =>
  [...eventLines(path, options).lines].filter((line) => !line.startsWith('#'));

test('the trace is printed with the heading of the kernel that is played', async (t) => {
  const lines = [...eventLines(await sample(t), { limit: 1 }).lines];
  t.is(lines[0], '# tracer: nop');
  t.is(
    lines.at(-1),
    '             fio-4242    [000] ....     0.000000: netfs_read: ' +
      'R=0000001a READAHEAD c=00000000 s=0 4000',
  );
});

test('events are filtered by name, request, file, source and time', async (t) => {
  const path = await sample(t);
  t.is(events(path, {}).length, 32);
  t.is(events(path, { events: ['netfs_read'] }).length, 4);
  t.is(events(path, { events: ['tracing_mark_write'] }).length, 1);
  t.is(events(path, { request: '2' }).length, 9);
  t.is(events(path, { file: 'a.txt' }).length, 9);
  t.is(events(path, { source: 'zero' }).length, 4);
  const [first = ''] = events(path, { since: '1ms' });
  t.regex(first, /TERM/);
  t.is(events(path, { until: '0.001' }).length, 3);
});

test('a filter that names nothing in the capture is a usage error with the nearest name', async (t) => {
  const path = await sample(t);
  const error = t.throws(() => eventLines(path, { events: ['netfs_srq'] }), {
    instanceOf: UsageError,
  });
  t.is(error.hint, '--event netfs_sreq');
  t.is(t.throws<UsageError>(() => eventLines(path, { file: 'a.tx' })).hint, '--file a.txt');
  t.regex(t.throws<UsageError>(() => eventLines(path, { source: 'disk' })).hint ?? '', /DOWN/);
  t.throws(() => eventLines(path, { since: 'noon' }), { message: /--since/ });
});

test('the statistics are printed as /proc shows them, the last snapshot by default', async (t) => {
  const path = await sample(t);
  const { lines, snapshot, of } = showStats(path);
  t.deepEqual([snapshot, of], [2, 2]);
  t.deepEqual(lines, [
    'RdHelp : RA=2 RP=2 WB=0 WBZ=0 rr=1 sr=0',
    'RdHelp : ZR=0 sh=0 sk=0',
    'RdHelp : DL=0 ds=0 df=0 di=0',
    'RdHelp : RD=0 rs=0 rf=0',
    'RdHelp : WR=0 ws=0 wf=0',
  ]);
  t.is(showStats(path, 1).lines[0], 'RdHelp : RA=0 RP=0 WB=0 WBZ=0 rr=0 sr=0');
  const rr = [...showStats(path).rows].find((row) => row.key === 'rr');
  t.like(rr, { value: 1, kind: 'gauge' });
  t.throws(() => showStats(path, 3), { message: /no snapshot 3/ });
});

test('every key of the statistics is explained, and a misspelled one names the nearest', (t) => {
  const { rows, lines } = explainStats();
  const keys = [...rows];
  // Those of every layout, from v5.1 to today.
  t.true(keys.length > 200);
  t.true(lines.length > keys.length);
  for (const { key, doc, kernels } of keys) t.true(doc !== '' && kernels !== '', String(key));
  t.like([...explainStats('dl').rows][0], { key: 'DL', kind: 'counter', healthy: 'DL = ds' });
  t.throws(() => explainStats('DLX'), { instanceOf: UsageError });
  t.throws(() => explainStats('DL', 'E77'), { message: /--era/ });
});

test('a query gives its columns in order, also without rows', async (t) => {
  const path = await sample(t);
  const table = runQuery(
    'SELECT "request_uid", "R" FROM "request_timing" ORDER BY 1 LIMIT 1',
    path,
  );
  t.deepEqual(
    table.columns.map(({ name, unit }) => [name, unit]),
    [
      ['request_uid', 'number'],
      ['R', 'text'],
    ],
  );
  t.deepEqual([...table.rows], [{ request_uid: 1, R: '0000001a' }]);
  t.is(runQuery('SELECT 1 AS "one" WHERE 0', path).columns[0]?.name, 'one');
});

test('a query that is wrong or would write is a usage error', async (t) => {
  const path = await sample(t);
  t.throws(() => runQuery('SELECT "x" FROM "nowhere"', path), {
    instanceOf: UsageError,
    message: /no such table: nowhere/,
  });
  t.throws(() => runQuery('DELETE FROM "request"', path), { instanceOf: UsageError });
  t.throws(() => runQuery('SELECT 1; SELECT 2', path), { instanceOf: UsageError });
  t.throws(() => runQuery(undefined, path), { instanceOf: UsageError });
});

test('every table, view and column of the schema is documented', (t) => {
  for (const { name, doc, columns } of schemaDocs()) {
    t.true(doc.length > 0, name);
    for (const column of columns) t.true(column.doc.length > 0, `${name}.${column.name}`);
  }
  const text = schemaLines().join('\n');
  for (const { name } of schemaDocs()) t.true(text.includes(name), name);
});

test('captures are listed with what is in them, and what is not a capture says so', async (t) => {
  const path = await sample(t);
  const other = join(temporaryFolder(t), 'other.db');
  writeFileSync(other, 'not a database');
  const [first, second] = [...listCaptureTable([path, other]).rows];
  t.like(first, { workload: 'sample', requests: 4, ops: 4, events: 32, state: 'complete' });
  t.like(second, { name: 'other.db', state: 'not a capture' });
});

test('listing an unfinished capture says so and leaves its spool alone', async (t) => {
  const path = await sample(t);
  writeFileSync(`${path}.spool`, 'whatever was recorded');
  t.like([...listCaptureTable([path]).rows][0], { state: 'unfinished' });
});
