/**
 * DuckDB, for what SQLite is not made for: columns of many captures at once, and Parquet. It is an
 * optional dependency. Called by the export of Parquet, by `fleet`, and by tests.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import type { DuckDBConnection, DuckDBType, DuckDBValue } from '@duckdb/node-api';
import Database from 'better-sqlite3';
import { StoreError } from '../base/errors.js';
import { quoted } from './schema.js';

type Api = typeof import('@duckdb/node-api');

/** Databases that this thread has opened: each has a temporary folder of its own. */
let opened = 0;

/** Rows that are handed over at a time: a vector of DuckDB. */
const CHUNK = 2048;
/** Rows that are read from SQLite before others have their turn: some 50 ms. */
const PIECE = 16 * CHUNK;
/** What DuckDB may hold before it goes to a temporary folder. */
const MEMORY = '512MiB';

/** The text of a value as a literal of SQL. */
export function textLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A column of a table being made; its type in SQL. */
export interface DuckColumn {
  readonly name: string;
  readonly type: 'BIGINT' | 'DOUBLE' | 'VARCHAR';
}

/** A connection to a database of DuckDB. */
export class DuckDb {
  readonly #api: Api;
  readonly #connection: DuckDBConnection;
  /** Writes files while the other one fills tables. */
  readonly #writer: DuckDBConnection;
  readonly #close: () => void;

  private constructor(
    api: Api,
    [connection, writer]: readonly [DuckDBConnection, DuckDBConnection],
    close: () => void,
  ) {
    this.#api = api;
    this.#connection = connection;
    this.#writer = writer;
    this.#close = close;
  }

  /** Opens a database file, or one in memory. Throws `StoreError` where DuckDB is not installed. */
  static async open(path = ':memory:'): Promise<DuckDb> {
    const api = await import('@duckdb/node-api').catch((cause: unknown) => {
      throw new StoreError('@duckdb/node-api', 'is not installed, or not for this machine', {
        cause,
        hint: 'npm install -g @duckdb/node-api, or npm install @duckdb/node-api in a checkout',
      });
    });
    const instance = await api.DuckDBInstance.create(path).catch((error: Error) => {
      throw new StoreError(path, `cannot be opened by DuckDB: ${error.message}`, { cause: error });
    });
    const connection = await instance.connect();
    await connection.run(`SET memory_limit = '${MEMORY}'`);
    const spilled = join(tmpdir(), `netfslab-${process.pid}-${threadId}-${++opened}`);
    await connection.run(`SET temp_directory = ${textLiteral(spilled)}`);
    const writer = await instance.connect();
    return new DuckDb(api, [connection, writer], () => {
      connection.closeSync();
      writer.closeSync();
      instance.closeSync();
    });
  }

  /** Runs a statement. Throws DuckDB's errors. */
  async run(sql: string): Promise<void> {
    await this.#connection.run(sql);
  }

  /** Columns and rows of a statement whose parameters are all NULL. Throws DuckDB's errors. */
  async table(sql: string): Promise<{ names: string[]; rows: Record<string, unknown>[] }> {
    const statement = await this.#connection.prepare(sql);
    for (let i = 1; i <= statement.parameterCount; i++) statement.bindNull(i);
    const reader = await statement.runAndReadAll();
    return { names: reader.columnNames(), rows: reader.getRowObjectsJS() };
  }

  /** The rows of a statement. */
  async rows(sql: string): Promise<Record<string, unknown>[]> {
    return (await this.table(sql)).rows;
  }

  /** Writes a table to a new file of Parquet with these words of our own, and drops it. */
  async moveToParquet(name: string, file: string, words: Record<string, string>): Promise<void> {
    const metadata = Object.entries(words).map(([key, word]) => `${key}: ${textLiteral(word)}`);
    await this.#writer.run(`COPY ${quoted(name)} TO ${textLiteral(file)}
      (FORMAT parquet, COMPRESSION zstd, KV_METADATA {${metadata.join(', ')}})`);
    await this.#writer.run(`DROP TABLE ${quoted(name)}`);
  }

  /** Makes an empty table. */
  async create(name: string, columns: readonly DuckColumn[]): Promise<void> {
    const list = columns.map((column) => `${quoted(column.name)} ${column.type}`);
    await this.run(`CREATE TABLE ${quoted(name)} (${list.join(', ')})`);
  }

  /** Adds rows to a table: values in the order of the columns. */
  async append(
    name: string,
    columns: readonly DuckColumn[],
    rows: Iterable<readonly (string | number | bigint | null)[]>,
  ): Promise<void> {
    await this.#filling(name, columns, (take) => {
      for (const row of rows) {
        take(row.map((value, i) => (columns[i]?.type === 'BIGINT' ? whole(value) : value)));
      }
    });
  }

  /** Makes a table like one of a capture, with its rows; whole numbers have 64 bits. */
  async copyTable(db: Database.Database, name: string): Promise<void> {
    const info = db.pragma(`table_info(${quoted(name)})`) as { name: string; type: string }[];
    const columns = info.map((each): DuckColumn => {
      return { name: each.name, type: each.type === 'INTEGER' ? 'BIGINT' : 'VARCHAR' };
    });
    await this.create(name, columns);
    // Called from SQL a function gets rows several times as fast as they are fetched.
    await this.#filling(name, columns, async (take) => {
      const options = { varargs: true, safeIntegers: true, directOnly: true };
      db.function('netfslab_copy', options, (...values: unknown[]) => {
        take(values as DuckDBValue[]);
        return 0;
      });
      const list = columns.map((column) => quoted(column.name)).join(', ');
      const copy = db.prepare(`SELECT 1 FROM ${quoted(name)}
        WHERE rowid > ? AND rowid <= ? AND netfslab_copy(${list})`);
      for (const [after, last] of pieces(db, name)) {
        copy.all(after, last);
        // Files that are being written go on meanwhile, and signals have their turn.
        await new Promise((done) => setImmediate(done));
      }
    });
  }

  close(): void {
    this.#close();
  }

  /** Lets `fill` hand over rows, which become chunks of columns. */
  async #filling(
    name: string,
    columns: readonly DuckColumn[],
    fill: (take: (row: readonly DuckDBValue[]) => void) => void | Promise<void>,
  ): Promise<void> {
    const api = this.#api;
    const types = columns.map(({ type }): DuckDBType => api[type]);
    const appender = await this.#connection.createAppender(name);
    const kept = columns.map(() => new Array<DuckDBValue>(CHUNK));
    let count = 0;
    const flush = (): void => {
      if (count === 0) return;
      const chunk = api.DuckDBDataChunk.create(types, count);
      chunk.setColumns(count === CHUNK ? kept : kept.map((values) => values.slice(0, count)));
      appender.appendDataChunk(chunk);
      count = 0;
    };
    await fill((row) => {
      for (let i = 0; i < kept.length; i++) {
        (kept[i] as DuckDBValue[])[count] = row[i] as DuckDBValue;
      }
      if (++count === CHUNK) flush();
    });
    flush();
    appender.closeSync();
  }
}

/** The rowids of a table in pieces, each as (after, last]. */
function* pieces(db: Database.Database, name: string): Iterable<[after: bigint, last: bigint]> {
  const [some, all] = [`LIMIT 1 OFFSET ${PIECE - 1}`, 'DESC LIMIT 1'].map((which) =>
    db
      .prepare(`SELECT rowid FROM ${quoted(name)} WHERE rowid > ? ORDER BY rowid ${which}`)
      .pluck()
      .safeIntegers(),
  );
  for (let after = -(2n ** 63n); ; ) {
    const last = (some?.get(after) ?? all?.get(after)) as bigint | undefined;
    if (last === undefined) return;
    yield [after, last];
    after = last;
  }
}

/** The tables of a capture that have rows, and the connection they are read through. */
export function capturedTables(path: string): { db: Database.Database; tables: string[] } {
  const db = new Database(path, { readonly: true, fileMustExist: true });
  const all = db
    .prepare(`SELECT "name" FROM "sqlite_master" WHERE "type" = 'table'`)
    .pluck()
    .all() as string[];
  return { db, tables: all.filter((name) => !name.startsWith('sqlite_')) };
}

function whole(value: string | number | bigint | null): string | bigint | null {
  return typeof value === 'number' ? BigInt(Math.round(value)) : value;
}
