/** The schema: what is documented is what is made, and SQL prints events as the tracepoints do. */
import { join } from 'node:path';
import test from 'ava';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { writeCapture } from '../../../src/core/store/capture_writer.js';
import { openCapture } from '../../../src/core/store/database.js';
import { schemaText } from '../../../src/core/store/ddl.js';
import { ALL_TABLES, ALWAYS, quoted } from '../../../src/core/store/schema.js';
import { VIEWS } from '../../../src/core/store/views.js';
import { ERAS } from '../../../src/core/trace/eras.js';
import { TRACEPOINTS } from '../../../src/core/trace/index.js';
import { RecordWriter } from '../../../src/core/trace/record_writer.js';
import type { AnyTracepoint } from '../../../src/core/trace/tracepoint.js';
import type { Value } from '../../../src/core/trace/types.js';
import { imported, SAMPLES, type SampleName } from '../../helpers/samples.js';
import { ROOT } from '../../helpers/source.js';
import { temporaryDirectory } from '../../helpers/trace.js';

const ALWAYS_NAMES = new Set([...ALWAYS, ...VIEWS].map(({ name }) => name));

test('every table and view has the columns that are documented, in that order', (t) => {
  const path = join(temporaryDirectory(t), 'a.db');
  writeCapture(path, { source: 'run', era: 'E3' }).finish();
  const capture = openCapture(path);
  for (const { name, doc, columns } of [...ALL_TABLES, ...VIEWS]) {
    t.deepEqual(
      capture.columns(`SELECT * FROM ${quoted(name)}`),
      columns.map((column) => column.name),
      name,
    );
    for (const each of [doc, ...columns.map((column) => column.doc)]) t.regex(each, /\S.*\.$/);
  }
  const made = capture.all('SELECT "name" FROM "sqlite_master" WHERE "type" <> \'index\'');
  t.is(made.length, ALWAYS.length + VIEWS.length);
  capture.close();
});

test('no table and view differ by an s', (t) => {
  const names = new Set([...ALL_TABLES, ...VIEWS].map(({ name }) => name));
  t.is(names.size, ALL_TABLES.length + VIEWS.length);
  for (const { name } of VIEWS) {
    t.false(names.has(`${name}s`), name);
    t.false(name.endsWith('s') && names.has(name.slice(0, -1)), name);
    t.false(
      ALL_TABLES.some((table) => `${table.name}s` === name),
      name,
    );
  }
});

test('every sample fills only tables with rows, of values of their types, all documented', async (t) => {
  const folder = temporaryDirectory(t);
  for (const name of Object.keys(SAMPLES) as SampleName[]) {
    const capture = await imported(folder, name, join(ROOT, SAMPLES[name]));
    capture.close();
    const db = new Database(capture.path, { readonly: true });
    const tables = db
      .prepare(`SELECT "name", "sql" FROM "sqlite_master" WHERE "type" IN ('table', 'view')`)
      .all() as { name: string; sql: string }[];
    for (const { name: table, sql } of tables) {
      const columns = db.pragma(`table_info("${table}")`) as { name: string; type: string }[];
      const told = db.prepare('SELECT "doc" FROM "_doc" WHERE "table" = ? ORDER BY "rowid"');
      const docs = told.pluck().all(table) as string[];
      t.is(docs.length, columns.length + 1, `${name} ${table}`);
      for (const doc of docs) t.true(sql.includes(`-- ${doc}\n`), `${name} ${table}: ${doc}`);
      const types = columns.map(({ name: column, type }) => {
        const right = { TEXT: "'text'", INTEGER: "'integer'" }[type] ?? "'text', 'integer'";
        return `sum(typeof("${column}") NOT IN (${right}, 'null'))`;
      });
      const counts = db
        .prepare(`SELECT count(*), ${types.join(', ')} FROM "${table}"`)
        .raw()
        .get();
      const [rows, ...wrong] = counts as number[];
      const bad = columns.filter((_, i) => (wrong[i] ?? 0) > 0).map((column) => column.name);
      t.deepEqual(bad, [], `${name} ${table}`);
      if (!ALWAYS_NAMES.has(table)) t.true((rows as number) > 0, `${name} ${table} has rows`);
    }
    t.is(db.pragma('integrity_check', { simple: true }), 'ok');
    db.close();
  }
});

test('the text of the schema names every table, view and column', (t) => {
  const text = schemaText();
  for (const { name, columns } of [...ALL_TABLES, ...VIEWS]) {
    t.true(text.includes(` ${name}: `), name);
    for (const column of columns) t.true(text.includes(`  ${column.name} `), column.name);
  }
});

/** Rows of an event with values at the edges of their kinds. */
function rows(event: AnyTracepoint, era: (typeof ERAS)[number]): Value[][] {
  const edges = event.columns.map((column, i): fc.Arbitrary<Value> => {
    if (!event.prints(era, i)) return fc.constant(null);
    const labels = column.symbols?.labels(era).map(({ text }) => text) ?? [];
    if (column.kind === 'label') return fc.constantFrom(...labels, 'NEW  ');
    if (column.kind === 'int') return fc.constantFrom(0, -5, -110, 7);
    if (column.kind === 'int16') return fc.constantFrom(0, 3);
    if (column.kind === 'text') return fc.constantFrom('', 'a', 'two words', 'a"b');
    const numbers: Value[] = [0, 1, 0xab, 0x1000, 0xffff_ffff];
    const large: Value[] = [2 ** 40 + 1, Number.MAX_SAFE_INTEGER, '0xffffffffffff0000'];
    return fc.constantFrom(...numbers, ...(column.kind === 'u64' ? large : []));
  });
  return fc.sample(fc.tuple(...edges), { numRuns: 60, seed: 1 });
}

for (const era of ERAS) {
  const events = (TRACEPOINTS as readonly AnyTracepoint[]).filter((each) => each.format(era));
  if (events.length === 0) continue;
  test(`the view events prints as the tracepoints do in ${era}`, (t) => {
    const path = join(temporaryDirectory(t), 'a.db');
    const sink = writeCapture(path, { source: 'import', era });
    const writer = new RecordWriter(sink);
    const expected: { system: string; event: string; text: string }[] = [];
    const header = { ts: 0, task: writer.task(1, 'init'), cpu: 0, flags: '', op: 0 };
    for (const event of events) {
      for (const row of rows(event, era)) {
        writer.row(event, header, row);
        const text = event.print(row, era);
        expected.push({ system: event.system, event: event.name, text });
      }
    }
    sink.finish();
    const capture = openCapture(path);
    const query = 'SELECT "system", "event", "text" FROM "events" ORDER BY "id"';
    t.deepEqual(capture.all(query), expected);
    capture.close();
  });
}

test('the views of requests give bytes, times and file', (t) => {
  const path = join(temporaryDirectory(t), 'a.db');
  const sink = writeCapture(path, { source: 'run', era: 'E1' });
  const writer = new RecordWriter(sink);
  const task = writer.task(7, 'cat');
  let ts = 0;
  const add = (name: string, text: string) => {
    const event = (TRACEPOINTS as readonly AnyTracepoint[]).find((each) => each.name === name);
    const row = event?.parse(text, 'E1') ?? [];
    ts += 100;
    writer.row(event as AnyTracepoint, { ts, task, cpu: 0, flags: '', op: 1 }, row);
  };
  add('netfs_read', 'R=0000002a READAHEAD c=00000000 s=0 3000');
  add('netfs_sreq', 'R=0000002a[0] PREP  DOWN f=00 s=0 0/2800 e=0');
  add('netfs_sreq', 'R=0000002a[0] SUBMT DOWN f=00 s=0 0/2800 e=0');
  add('netfs_sreq', 'R=0000002a[0] TERM  DOWN f=02 s=0 2800/2800 e=0');
  add('netfs_sreq', 'R=0000002a[1] TERM  ZERO f=02 s=2800 800/800 e=0');
  add('netfs_rreq', 'R=0000002a UNLOCK f=20');
  add('netfs_rreq', 'R=0000002a DONE   f=00');
  add('netfs_rreq', 'R=0000002a FREE   f=00');
  const op = { op: 1, kind: 'read', file: 'f', offset: 0, len: 4096, result: 4096 };
  writer.op({ ts, task, cpu: 0, flags: '', op: 1 }, { ...op, start: 0, end: ts });
  sink.finish();
  const capture = openCapture(path);
  t.like(capture.get('SELECT * FROM "request_timing"'), {
    request_uid: 1,
    R: '0000002a',
    kind: 'readahead',
    file: 'f',
    comm: 'cat',
    server_bytes: 0x2800,
    zero_bytes: 0x800,
    io_ns: 200,
    wait_ns: 500,
    store_ns: null,
    life_ns: 700,
    outcome: 'ok',
  });
  t.like(capture.get('SELECT * FROM "subrequest_timing" WHERE "index" = 0'), {
    R: '0000002a',
    source: 'DOWN',
    io_ns: 100,
    file: 'f',
  });
  t.deepEqual(capture.all('SELECT "file", "start", "end", "source" FROM "provenance"'), [
    { file: 'f', start: 0, end: 0x2800, source: 'DOWN' },
    { file: 'f', start: 0x2800, end: 0x3000, source: 'ZERO' },
  ]);
  capture.close();
});
