/**
 * A capture in DuckDB, as its typed scan of SQLite has it: each column with its declared type, the
 * views as the capture has them. (DuckDB's own scanner is an extension that is downloaded.)
 */
import { capturedTables, DuckDb } from '../../src/core/store/duckdb.js';

/** Loads a capture. */
export async function inDuckDb(path: string): Promise<DuckDb> {
  const duck = await DuckDb.open();
  const { db, tables } = capturedTables(path);
  for (const table of tables) await duck.copyTable(db, table);
  const views = db.prepare(`SELECT "sql" FROM "sqlite_master" WHERE "type" = 'view'`).pluck();
  for (const sql of views.all() as string[]) await duck.run(sql);
  db.close();
  return duck;
}
