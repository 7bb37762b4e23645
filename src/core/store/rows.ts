/**
 * Batched inserts: rows are collected and go to SQLite many at a time in one statement, which is
 * several times faster than one by one. Called by writer.ts.
 */
import type { Database, Statement } from 'better-sqlite3';
import { quoted } from './schema.js';
import type { SqlValue } from './types.js';

/** Rows per statement. */
const ROWS = 32;

/** Inserts into some columns of one table. */
export class BatchInsert {
  /** Values of the rows collected, one after another; filled at the index `next` gives. */
  readonly values: SqlValue[];
  readonly width: number;
  readonly #db: Database;
  readonly #table: string;
  readonly #columns: readonly string[];
  readonly #full: Statement;
  #rows = 0;

  constructor(db: Database, table: string, columns: readonly string[]) {
    this.#db = db;
    this.#table = table;
    this.#columns = columns;
    this.width = columns.length;
    this.values = new Array(ROWS * columns.length).fill(null);
    this.#full = this.#prepare(ROWS);
  }

  /** Begins a row; returns the index of its first value, all of which the caller sets at once. */
  next(): number {
    if (this.#rows === ROWS) this.flush();
    return this.#rows++ * this.width;
  }

  /** Adds a row. */
  row(...values: readonly SqlValue[]): void {
    const at = this.next();
    for (let i = 0; i < values.length; i++) this.values[at + i] = values[i] as SqlValue;
  }

  /** Writes what was collected. */
  flush(): void {
    const rows = this.#rows;
    this.#rows = 0;
    if (rows === ROWS) this.#full.run(this.values);
    else if (rows > 0) this.#prepare(rows).run(this.values.slice(0, rows * this.width));
  }

  #prepare(rows: number): Statement {
    const row = `(${this.#columns.map(() => '?').join(', ')})`;
    const names = this.#columns.map(quoted).join(', ');
    const all = new Array(rows).fill(row).join(', ');
    return this.#db.prepare(`INSERT INTO ${quoted(this.#table)} (${names}) VALUES ${all}`);
  }
}
