/** Rows written straight into pages: SQLite must find the file whole, and every value in it. */
import { ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { RowBuffer } from '../../../src/core/store/row_buffer.js';
import { PAGE, PageFile, TablePages } from '../../../src/core/store/table_pages.js';
import { lists, TableRows } from '../../../src/core/store/table_rows.js';
import type { SqlValue } from '../../../src/core/store/types.js';
import { adoptTables } from '../../../src/core/store/writer.js';
import { temporaryDirectory } from '../../helpers/trace.js';

let files = 0;

/** A database without tables. */
function emptyDatabase(folder: string): string {
  const path = join(folder, `${++files}.db`);
  const db = new Database(path);
  db.pragma('application_id = 1');
  db.close();
  return path;
}

type Numbered = readonly [id: number, ...values: SqlValue[]];

/** Writes rows into `a` and `b` in turns; returns the rows that came too late. */
function write(path: string, rows: readonly Numbered[]): (readonly SqlValue[])[] {
  const row = new RowBuffer();
  const file = new PageFile(path);
  const pages = [new TablePages(file), new TablePages(file)];
  const tables = pages.map((each) => new TableRows('', each, row, lists(true)));
  for (const each of rows) for (const table of tables) table.add(each);
  for (const table of tables) table.finish();
  const roots = pages.map((each) => each.finish());
  file.finish();
  file.close();
  const names = Array.from({ length: (rows[0]?.length ?? 2) - 1 }, (_, i) => `c${i}`).join(', ');
  const sql = (name: string) => `CREATE TABLE ${name} (id INTEGER PRIMARY KEY, ${names})`;
  const filled = roots.map((root, i) => ['ab'[i] as string, root] as const);
  adoptTables(
    path,
    filled.flatMap(([name, root]) => (root === 0 ? [] : [[name, root, sql(name)] as const])),
  );
  return tables.flatMap((table) => table.late());
}

function check(t: ExecutionContext, path: string, rows: readonly Numbered[], whole = true): void {
  const db = new Database(path, { readonly: true });
  for (const table of 'ab') {
    const found = db.prepare(`SELECT * FROM ${table} ORDER BY id`).raw().all();
    t.deepEqual(found as unknown, rows);
  }
  if (whole) t.is(db.pragma('integrity_check', { simple: true }), 'ok');
  db.close();
}

const BITS = [7, 8, 15, 16, 23, 24, 31, 32, 39, 40, 47, 48, 52];
const EDGES = BITS.flatMap((bits) => {
  const edge = 2 ** bits;
  return [edge - 1, edge, edge + 1, -edge + 1, -edge, -edge - 1];
});

test('SQLite reads every value that was written', (t) => {
  const folder = temporaryDirectory(t);
  const value = fc.oneof(
    fc.constantFrom(null, 0, 1, -1, 0.5, -1e300, Number.MAX_SAFE_INTEGER, ...EDGES),
    fc.maxSafeInteger(),
    fc.string({ unit: 'grapheme' }),
    // Around what a leaf holds, and what one page behind it holds.
    fc
      .constantFrom(57, 58, 4050, 4056, 4061, 4062, 8190, 20_000)
      .map((length) => 'x'.repeat(length)),
  );
  const rows = fc.array(fc.tuple(value, value, value), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(rows, fc.nat(2 ** 40), (values, gap) => {
      const path = emptyDatabase(folder);
      const numbered = values.map((each, i): Numbered => [1 + i * (gap + 1), ...each]);
      write(path, numbered);
      check(t, path, numbered);
    }),
    { numRuns: 40, seed: 1 },
  );
});

test('a row of more values than a header of one byte can tell is read', (t) => {
  const path = emptyDatabase(temporaryDirectory(t));
  const rows: Numbered[] = [[1, ...Array.from({ length: 200 }, (_, i) => (i % 2 ? i : `${i}`))]];
  write(path, rows);
  check(t, path, rows);
});

test('a table with one leaf and with several levels is whole', (t) => {
  const folder = temporaryDirectory(t);
  const text = 'y'.repeat(2500);
  for (const count of [1, 2, 256, 257, 700]) {
    const path = emptyDatabase(folder);
    const rows = Array.from({ length: count }, (_, i): Numbered => [i + 1, text]);
    write(path, rows);
    check(t, path, rows);
  }
});

test('the page that SQLite locks is left out', (t) => {
  const path = emptyDatabase(temporaryDirectory(t));
  const locked = 2 ** 30 / PAGE + 1;
  // As if the file had grown until three pages before it; nothing refers to what is between.
  const file = openSync(path, 'r+');
  ftruncateSync(file, PAGE * (locked - 3));
  const count = Buffer.alloc(4);
  count.writeUInt32BE(locked - 3);
  writeSync(file, count, 0, 4, 28);
  const rows = [4, 9000, 20_000, 6].map((n, i): Numbered => [i + 1, 'z'.repeat(n)]);
  write(path, rows);
  check(t, path, rows, false);
});

test('rows out of order are put in order, and those much too late are given back', (t) => {
  const path = emptyDatabase(temporaryDirectory(t));
  const order = [2, 1, 3, 6, 5, ...Array.from({ length: 5000 }, (_, i) => i + 7), 4];
  const late = write(
    path,
    order.map((id): Numbered => [id, `row ${id}`]),
  );
  t.deepEqual(late, [
    [4, 'row 4'],
    [4, 'row 4'],
  ]);
  const rest = order.filter((id) => id !== 4).sort((a, b) => a - b);
  check(
    t,
    path,
    rest.map((id): Numbered => [id, `row ${id}`]),
  );
});
