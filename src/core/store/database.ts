/**
 * Opens captures for reading, finishing first what a killed run has left. Called by commands
 * through app/, by analyses, and by users of the Node API.
 */
import { closeSync, existsSync, openSync, readSync, renameSync, rmSync } from 'node:fs';
import Database from 'better-sqlite3';
import { errnoFromNode } from '../base/errno.js';
import { ErrnoError, StoreError, UsageError } from '../base/errors.js';
import type { DescribedKernel } from '../trace/described.js';
import { addDescribed, knownEra } from '../trace/eras.js';
import { printHeading } from '../trace/line.js';
import { isBeingWritten, SpoolReader, spoolPath } from '../trace/spool.js';
import { NO_RANGES } from './event_ranges.js';
import { exactValue } from './exact_sql.js';
import { SpoolToDatabase } from './finish.js';
import { captureLines } from './lines.js';
import { discard, type Migrated, migrate } from './migrate.js';
import { RowVisitor, rowMaker } from './row_visitor.js';
import {
  ALL_TABLES,
  APPLICATION_ID,
  DESCRIBED,
  eventTables,
  quoted,
  SCHEMA_VERSION,
  TABLES,
  type Table,
} from './schema.js';
import type { Capture, CaptureInfo, LineFilter, SqlParams, SqlRow, SqlValue } from './types.js';

/** The first version of the schema: captures since then are migrated. */
const OLDEST_SCHEMA = 2;

const SQLITE_MAGIC = 'SQLite format 3\0';

/**
 * Opens a capture. `ErrnoError` if there is no such file; `StoreError` if it is not one of ours, of
 * a newer version, or still being written.
 */
export function openCapture(path: string): Capture {
  if (existsSync(spoolPath(path))) recover(path);
  checkMagic(path);
  let db: Database.Database | null = null;
  let from: Migrated = { path, temporary: false };
  try {
    db = new Database(path, { readonly: true, fileMustExist: true });
    if (checkVersion(db, path) < SCHEMA_VERSION) {
      db.close();
      from = migrate(path);
      db = new Database(from.path, { readonly: true, fileMustExist: true });
    }
    supplyLater(db);
    const info = withKernel(db.prepare('SELECT * FROM "capture"').get());
    if (info === undefined) {
      throw new StoreError(path, 'is not finished', {
        hint: 'if nothing writes it any more, remove it and import again',
      });
    }
    // What is open can be read to the end without its name.
    discard(from);
    return new OpenCapture(path, db, info);
  } catch (error) {
    db?.close();
    discard(from);
    if (error instanceof StoreError) throw error;
    throw new StoreError(path, `cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/** The row of `capture`; the kernel that it describes is known from now on. */
function withKernel(row: unknown): CaptureInfo | undefined {
  const info = row as CaptureInfo | undefined;
  if (info === undefined || !info.era.includes('+')) return info;
  const described = (JSON.parse(info.options) as Record<string, unknown>)[DESCRIBED];
  if (described === undefined) return { ...info, era: knownEra(info.era) };
  addDescribed(described as DescribedKernel);
  return info;
}

/** Makes the database from the spool that a killed run has left beside it. */
function recover(path: string): void {
  const spool = spoolPath(path);
  const reader = new SpoolReader(spool);
  reader.close();
  if (isBeingWritten(reader.header)) {
    throw new StoreError(path, 'is still being written', {
      hint: `wait for process ${reader.header.pid} to end`,
    });
  }
  const temporary = `${path}.finishing-${process.pid}`;
  try {
    rmSync(temporary, { force: true });
    new SpoolToDatabase(spool, temporary).finish(() => 0);
    renameSync(temporary, path);
    rmSync(spool, { force: true });
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new StoreError(path, `cannot be finished: ${(error as Error).message}`, {
      cause: error,
      hint: 'make sure there is room and that you may write there; nothing was lost',
    });
  }
}

/** True for a capture that opening would migrate. Throws as `openCapture`. */
export function isOlder(path: string): boolean {
  checkMagic(path);
  const db = new Database(path, { readonly: true, fileMustExist: true });
  try {
    return checkVersion(db, path) < SCHEMA_VERSION;
  } finally {
    db.close();
  }
}

/** True for a file that is an SQLite database. */
export function isDatabase(path: string): boolean {
  try {
    checkMagic(path);
    return true;
  } catch {
    return false;
  }
}

function checkMagic(path: string): void {
  const bytes = Buffer.alloc(SQLITE_MAGIC.length);
  try {
    const fd = openSync(path, 'r');
    try {
      readSync(fd, bytes, 0, bytes.length, 0);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw new ErrnoError(errnoFromNode(error), 'open', path, {
      cause: error,
      hint: 'record one with `netfslab run`, or list what there is with `netfslab trace ls`',
    });
  }
  if (bytes.toString('latin1') !== SQLITE_MAGIC) {
    throw new StoreError(path, 'is not an SQLite database', {
      hint: 'list the captures there are with `netfslab trace ls`',
    });
  }
}

/** The version of the schema. */
function checkVersion(db: Database.Database, path: string): number {
  if (db.pragma('application_id', { simple: true }) !== APPLICATION_ID) {
    throw new StoreError(path, 'is an SQLite database, but not a capture of netfslab', {
      hint: 'list the captures there are with `netfslab trace ls`',
    });
  }
  const version = db.pragma('user_version', { simple: true }) as number;
  if (version > SCHEMA_VERSION) {
    throw new StoreError(
      path,
      `has schema version ${version}; this netfslab reads up to ${SCHEMA_VERSION}`,
      { hint: 'use the netfslab that wrote it, or a newer one' },
    );
  }
  if (version < OLDEST_SCHEMA) {
    throw new StoreError(path, `has schema version ${version}, which no release had`, {
      hint: 'record or import it again',
    });
  }
  return version;
}

/**
 * Lets a capture answer statements about tables that it does not fill, and about columns that were
 * added to a tracepoint after it was made: what it lacks reads as empty, by tables and views of
 * this connection that nobody else sees.
 */
function supplyLater(db: Database.Database): void {
  db.exec(missingSql(db, ALL_TABLES).join(';\n'));
}

/** The columns with their types, as a statement lists them. */
function columnsOf({ columns }: Table): string {
  return columns.map(({ name, type }) => `${quoted(name)} ${type}`).join(', ');
}

/** The tables and views that stand for what is missing. */
function missingSql(db: Database.Database, tables: readonly Table[]): string[] {
  // The statements that made the tables are ours: reading them is quicker than asking for columns.
  const made = db.prepare(
    `SELECT "name", "sql" FROM "main"."sqlite_schema" WHERE "type" = 'table'`,
  );
  const present = new Map(made.raw().all() as [string, string][]);
  return tables.flatMap((table) => {
    const sql = present.get(table.name);
    const view = `CREATE TEMP VIEW ${quoted(table.name)} AS`;
    if (sql === undefined && table === TABLES.event_range) return [`${view} ${NO_RANGES}`];
    const missing = table.columns.filter(({ name }) => !sql?.includes(`\n  ${quoted(name)} `));
    if (missing.length === 0) return [];
    const values = table.columns.map((column) =>
      missing.includes(column) ? `NULL AS ${quoted(column.name)}` : quoted(column.name),
    );
    // A table, unlike a view, has a rowid, which statements may ask for.
    if (sql === undefined) return [`CREATE TEMP TABLE ${quoted(table.name)} (${columnsOf(table)})`];
    const source = `FROM "main".${quoted(table.name)}`;
    return [`${view} SELECT ${values.join(', ')} ${source}`];
  });
}

class OpenCapture implements Capture {
  readonly path: string;
  readonly info: CaptureInfo;
  readonly #db: Database.Database;
  /** By statement: analyses ask for a stretch of rows again and again. */
  readonly #visitors = new Map<string, RowVisitor>();

  constructor(path: string, db: Database.Database, info: CaptureInfo) {
    this.path = path;
    this.#db = db;
    this.info = info;
  }

  *iterate(sql: string, params: SqlParams = []): IterableIterator<SqlRow> {
    const statement = this.#prepare(sql).raw().safeIntegers();
    const rowOf = rowMaker(statement);
    const rows = this.#guard(
      () => statement.iterate(params) as IterableIterator<(SqlValue | bigint)[]>,
    );
    const next = () => rows.next();
    try {
      for (let each = this.#guard(next); !each.done; each = this.#guard(next)) {
        yield rowOf(each.value.map(exactValue));
      }
    } finally {
      rows.return?.();
    }
  }

  all(sql: string, params: SqlParams = []): SqlRow[] {
    const rows: SqlRow[] = [];
    this.each(sql, (row) => rows.push(row), params);
    return rows;
  }

  each(sql: string, visit: (row: SqlRow) => void, params: SqlParams = []): void {
    let visitor = this.#visitors.get(sql);
    if (visitor === undefined) {
      const statement = this.#prepare(sql);
      visitor = this.#guard(() => new RowVisitor(this.#db, statement));
      this.#visitors.set(sql, visitor);
    }
    const { each } = visitor;
    const thrown = this.#guard(() => each(params, visit));
    if (thrown !== null) throw thrown.error;
  }

  get(sql: string, params: SqlParams = []): SqlRow | undefined {
    const statement = this.#prepare(sql);
    return this.#guard(() => statement.get(params) as SqlRow | undefined);
  }

  columns(sql: string): string[] {
    const statement = this.#prepare(sql);
    return this.#guard(() => statement.columns().map((column) => column.name));
  }

  stands(tables: readonly string[]): string[] {
    return missingSql(
      this.#db,
      ALL_TABLES.filter(({ name }) => tables.includes(name)),
    );
  }

  heading(): string[] {
    const { era, events, lost_events } = this.info;
    const each = [...eventTables(era).map(({ name }) => name), 'marker', 'other_event'].map(
      (table) => `SELECT max("cpu") AS "cpu" FROM ${quoted(table)}`,
    );
    const cpu = this.get(`SELECT max("cpu") AS "n" FROM (${each.join(' UNION ALL ')})`)?.n;
    return printHeading(era, events, events + lost_events, Number(cpu ?? 0) + 1);
  }

  lines(filter: LineFilter = {}): IterableIterator<string> {
    return captureLines(this.#db, this.info, filter);
  }

  close(): void {
    this.#db.close();
  }

  #prepare(sql: string): Database.Statement {
    const statement = this.#guard(() => this.#db.prepare(sql));
    if (!statement.reader) throw new UsageError('query', 'a capture can only be read');
    return statement;
  }

  /** SQLite's complaints about a statement are the user's to mend. */
  #guard<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw new UsageError(
        'query',
        (error as Error).message,
        'see the tables with `netfslab sql --schema`',
      );
    }
  }
}
