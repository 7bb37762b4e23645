/** The rows of requests and subrequests have each value in the column of its name. */
import { join } from 'node:path';
import test from 'ava';
import Database from 'better-sqlite3';
import { REQUESTS, subrequests } from '../../../src/core/store/request_rows.js';
import { RowBuffer } from '../../../src/core/store/row_buffer.js';
import { quoted, TABLES, type Table } from '../../../src/core/store/schema.js';
import { PageFile, TablePages } from '../../../src/core/store/table_pages.js';
import { type RowForm, TableRows } from '../../../src/core/store/table_rows.js';
import { adoptTables } from '../../../src/core/store/writer.js';
import { temporaryDirectory } from '../../helpers/trace.js';

/** A row in which the value of each column is the place of the column, from 1. */
const placed = ({ columns }: Table) =>
  Object.fromEntries(columns.map(({ name }, i) => [name, i + 1]));

/** Writes a row into a table of its own and has SQLite read it back. */
function stored<T>(folder: string, { name, columns, key }: Table, form: RowForm<T>, row: T) {
  const path = join(folder, `${name}.db`);
  const db = new Database(path);
  const names = columns.map((each) => {
    return `${quoted(each.name)}${key.length === 1 && key[0] === each.name ? ' INTEGER PRIMARY KEY' : ''}`;
  });
  db.pragma('application_id = 1');
  db.close();
  const file = new PageFile(path);
  const pages = new TablePages(file);
  const rows = new TableRows(name, pages, new RowBuffer(), form);
  rows.add(row);
  rows.finish();
  const root = pages.finish();
  file.finish();
  file.close();
  adoptTables(path, [[name, root, `CREATE TABLE ${name} (${names.join(', ')})`]]);
  const made = new Database(path, { readonly: true });
  const found = made.prepare(`SELECT * FROM ${name}`).get();
  made.close();
  return found;
}

test('every value of a request stands in the column of its name', (t) => {
  const row = placed(TABLES.request) as never;
  t.deepEqual(stored(temporaryDirectory(t), TABLES.request, REQUESTS, row), row);
  t.deepEqual(REQUESTS.values(row), Object.values(row));
});

test('every value of a subrequest stands in the column of its name, sources as words', (t) => {
  const row = placed(TABLES.subrequest);
  const form = subrequests((word) => `word ${word}`);
  const sources = { first_source: `word ${row.first_source}`, source: `word ${row.source}` };
  const found = stored(temporaryDirectory(t), TABLES.subrequest, form, row as never);
  t.deepEqual(found, { ...row, ...sources });
});
