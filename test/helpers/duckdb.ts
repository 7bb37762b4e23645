/**
 * A capture in DuckDB, as its typed scan of SQLite has it: each column with its declared type, the
 * views as the capture has them. (DuckDB's own scanner is an extension that is downloaded.)
 */
import Database from 'better-sqlite3';
import { quoted } from '../../src/core/store/schema.js';

/** A connection with a capture in it. */
export interface DuckCapture {
  /** Rows of a statement whose parameters are all NULL. Throws DuckDB's errors. */
  rows(sql: string): Promise<Record<string, unknown>[]>;
  close(): void;
}

/** Loads a capture; null where DuckDB, an optional dependency, is not installed. */
export async function inDuckDb(path: string): Promise<DuckCapture | null> {
  const duckdb = await import('@duckdb/node-api').catch(() => null);
  if (duckdb === null) return null;
  const instance = await duckdb.DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const db = new Database(path, { readonly: true });
  const made = db.prepare(
    `SELECT "name", "type", "sql" FROM "sqlite_master" WHERE "type" <> 'index' ORDER BY "type"`,
  );
  for (const { name, type, sql } of made.all() as Record<'name' | 'type' | 'sql', string>[]) {
    // Integers of SQLite have 64 bits.
    await connection.run(sql.replaceAll(/^( {2}"[^"]+") INTEGER/gm, '$1 BIGINT'));
    if (type !== 'table') continue;
    const types = db.pragma(`table_info(${quoted(name)})`) as { type: string }[];
    const appender = await connection.createAppender(name);
    const rows = db
      .prepare(`SELECT * FROM ${quoted(name)}`)
      .safeIntegers()
      .raw();
    for (const row of rows.iterate() as IterableIterator<(bigint | string | null)[]>) {
      for (const [i, value] of row.entries()) {
        if (value === null) appender.appendNull();
        // As the scanner, it takes only values of the column's type.
        else if (types[i]?.type === 'INTEGER') appender.appendBigInt(value as bigint);
        else appender.appendVarchar(value as string);
      }
      appender.endRow();
    }
    appender.closeSync();
  }
  db.close();
  return {
    async rows(sql) {
      const statement = await connection.prepare(sql);
      for (let i = 1; i <= statement.parameterCount; i++) statement.bindNull(i);
      const reader = await statement.runAndReadAll();
      return reader.getRowObjectsJS();
    },
    close: () => connection.closeSync(),
  };
}
