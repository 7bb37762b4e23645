/**
 * Brings a capture of an older schema to the present one, when it is opened. It is written anew
 * beside the old file, which is replaced when the new one is whole and on disk. Where that folder
 * cannot be written the new one lives in the temporary directory for as long as it is open.
 *
 * Schema 3 and before: every tracepoint had a table, filled or not; names were others (RENAMED);
 * numbers from 2^53 on were `0x` text in INTEGER columns; before 3 there was no table `latency`.
 * Called by database.ts.
 */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { StoreError } from '../base/errors.js';
import type { Era } from '../trace/eras.js';
import type { RequestRow, SubrequestRow } from '../trace/reducer.js';
import { tableSql } from './ddl.js';
import { LatencySummary } from './latency_summary.js';
import {
  ALL_TABLES,
  ALWAYS,
  APPLICATION_ID,
  quoted,
  SCHEMA_VERSION,
  TABLES,
  type Table,
} from './schema.js';
import { describe } from './writer.js';

/** What columns are made of that had another name, as SQL over the old table "o". */
const RENAMED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  op: { read_requests: '"o"."requests"', write_requests: '0' },
  request: {
    request_uid: '"o"."uid"',
    // A request that writes had no kind; of what began before the capture nobody can tell.
    side: `CASE WHEN "o"."kind" IS NULL AND EXISTS (SELECT 1 FROM "old"."subrequest" AS "s"
      WHERE "s"."request" = "o"."uid" AND "s"."source" IN ('UPLD', 'WRIT', 'INVL'))
      THEN 'write' ELSE 'read' END`,
    direct: `coalesce("o"."kind" = 'direct', 0)`,
    server_bytes: '"o"."down_bytes"',
    cache_bytes: '"o"."read_bytes"',
    short_reads: '"o"."shorts"',
    cache_fallbacks: '"o"."rdowns"',
    refused_stores: '"o"."skips"',
  },
  subrequest: {
    request_uid: '"o"."request"',
    short_reads: '"o"."shorts"',
    cache_fallbacks: '"o"."rdowns"',
    store_refused: '"o"."skipped"',
    cache_bytes_kept: '"o"."cached"',
  },
  capture: { schema_version: String(SCHEMA_VERSION) },
};

/** A migrated capture; `temporary` = it is to be removed when it is closed. */
export interface Migrated {
  readonly path: string;
  readonly temporary: boolean;
}

/** Migrates the capture. Throws `StoreError` if there is no room; the old file stays then. */
export function migrate(path: string): Migrated {
  const folder = writable(dirname(path)) ? dirname(path) : mkdtempSync(join(tmpdir(), 'netfslab-'));
  const temporary = folder !== dirname(path);
  const part = temporary ? join(folder, 'capture.db') : `${path}.migrating-${process.pid}`;
  try {
    rmSync(part, { force: true });
    write(path, part);
    flush(part);
    if (temporary) return { path: part, temporary };
    renameSync(part, path);
    return { path, temporary };
  } catch (error) {
    rmSync(temporary ? folder : part, { force: true, recursive: true });
    throw new StoreError(path, `cannot be migrated to this version: ${(error as Error).message}`, {
      cause: error,
      hint: 'make sure there is room; the capture is as it was',
    });
  }
}

function writable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function flush(path: string): void {
  const file = openSync(path, 'r');
  fsyncSync(file);
  closeSync(file);
}

function write(from: string, to: string): void {
  const db = new Database(to);
  try {
    db.pragma('journal_mode = OFF');
    db.pragma('synchronous = OFF');
    db.pragma(`application_id = ${APPLICATION_ID}`);
    db.pragma(`user_version = ${SCHEMA_VERSION}`);
    db.function('wide', { deterministic: true }, (text) => BigInt.asIntN(64, BigInt(String(text))));
    db.prepare(`ATTACH ? AS "old"`).run(from);
    const era = db.prepare('SELECT "era" FROM "old"."capture"').pluck().get() as Era | undefined;
    if (era === undefined) throw new Error('it is not finished');
    db.exec('BEGIN');
    const tables = ALL_TABLES.filter((table) => copy(db, table));
    if (!tables.includes(TABLES.latency) && summarise(db)) tables.push(TABLES.latency);
    describe(db, era, tables);
    db.exec('COMMIT');
  } finally {
    db.close();
  }
}

/** Copies the rows of a table; false if it has none and need not be there. */
function copy(db: Database.Database, table: Table): boolean {
  const { name, columns } = table;
  const old = db.prepare(`SELECT "name" FROM pragma_table_info(?, 'old')`).pluck().all(name);
  const some = old.length > 0 && db.prepare(`SELECT 1 FROM "old".${quoted(name)} LIMIT 1`).get();
  if (!some && !ALWAYS.includes(table)) return false;
  db.exec(tableSql(table));
  if (!some) return true;
  const values = columns.map((column) => {
    const plain = old.includes(column.name) ? `"o".${quoted(column.name)}` : 'NULL';
    const value = renamed(name, column.name, old) ?? plain;
    if (column.type !== 'INTEGER' || value !== plain) return value;
    return `CASE typeof(${value}) WHEN 'text' THEN wide(${value}) ELSE ${value} END`;
  });
  db.exec(`INSERT INTO ${quoted(name)} SELECT ${values.join(', ')}
    FROM "old".${quoted(name)} AS "o" ORDER BY "o"."rowid"`);
  return true;
}

/** What a column with another name is made of; what was not counted yet is 0. */
function renamed(table: string, column: string, old: readonly unknown[]): string | undefined {
  const sql = RENAMED[table]?.[column];
  const used = [...(sql ?? '').matchAll(/"o"\."(\w+)"/g)].map(([, name]) => name);
  return used.every((name) => old.includes(name)) ? sql : '0';
}

/** Fills `latency`; false if there is nothing to tell. */
function summarise(db: Database.Database): boolean {
  const summary = new LatencySummary();
  const slices = db.prepare('SELECT * FROM "subrequest" WHERE "request_uid" = ?');
  for (const row of db.prepare('SELECT * FROM "request"').all() as RequestRow[]) {
    summary.request(row);
    for (const each of slices.all(row.request_uid)) {
      summary.subrequest(each as SubrequestRow, (each as { source: string | null }).source);
    }
  }
  const rows = summary.rows();
  if (rows.length === 0) return false;
  db.exec(tableSql(TABLES.latency));
  const marks = TABLES.latency.columns.map(() => '?').join(', ');
  const insert = db.prepare(`INSERT INTO "latency" VALUES (${marks})`);
  for (const row of rows) insert.run(row);
  return true;
}

/** Removes a capture that was migrated for as long as it was open. */
export function discard({ path, temporary }: Migrated): void {
  if (temporary && existsSync(path)) rmSync(dirname(path), { recursive: true });
}
