/**
 * The rows of a statement, several times as fast as one after the other. better-sqlite3 is quick
 * at calling a function from SQL and slow at giving out rows, so each row is handed to a function
 * in the condition of a statement around theirs, which itself gives none. Called by database.ts.
 */
import type Database from 'better-sqlite3';
import { quoted } from './schema.js';
import type { SqlParams, SqlRow, SqlValue } from './types.js';

/** Name of the function that takes the rows. */
const TAKE = 'netfslab_take';
/** With more columns rows are fetched one by one: SQLite limits the arguments of a function. */
const COLUMNS_MAX = 100;

/** Who takes rows, by connection. */
const takers = new WeakMap<Database.Database, (values: SqlValue[]) => void>();

/**
 * Makes objects of the values of a statement's rows. better-sqlite3 would make them name by name,
 * which takes twice as long as all else that is done for a row; a literal takes next to nothing.
 */
export function rowMaker(statement: Database.Statement): (values: SqlValue[]) => SqlRow {
  const fields = statement.columns().map(({ name }, i) => {
    const key = JSON.stringify(name);
    return `${name === '__proto__' ? `[${key}]` : key}: v[${i}]`;
  });
  return new Function('v', `return { ${fields.join(', ')} };`) as (values: SqlValue[]) => SqlRow;
}

/** A statement whose rows are all wanted, again and again. */
export class RowVisitor {
  readonly #db: Database.Database;
  readonly #statement: Database.Statement;
  readonly #rowOf: (values: SqlValue[]) => SqlRow;
  /** True if the rows come by the function. */
  readonly #taken: boolean;

  /** Of a statement that gives rows. Throws the errors of SQLite. */
  constructor(db: Database.Database, statement: Database.Statement) {
    this.#db = db;
    this.#rowOf = rowMaker(statement);
    const names = statement.columns().map(({ name }) => name);
    this.#taken = names.length <= COLUMNS_MAX && new Set(names).size === names.length;
    if (!this.#taken) {
      this.#statement = statement.raw();
      return;
    }
    if (!takers.has(db)) {
      const take = (...values: SqlValue[]): number => {
        takers.get(db)?.(values);
        return 0;
      };
      db.function(TAKE, { varargs: true, directOnly: true }, take);
    }
    takers.set(db, () => {});
    // With a limit the rows come in their order before the condition is looked at.
    this.#statement = db.prepare(`SELECT 1 FROM (SELECT * FROM (${statement.source}
) LIMIT -1) WHERE ${TAKE}(${names.map(quoted).join(', ')})`);
  }

  /**
   * Hands over the rows, in the order of the statement. Throws the errors of SQLite; returns what
   * `visit` threw, which ends it.
   */
  readonly each = (params: SqlParams, visit: (row: SqlRow) => void): { error: unknown } | null => {
    const rowOf = this.#rowOf;
    if (!this.#taken) {
      for (const values of this.#statement.all(params)) visit(rowOf(values as SqlValue[]));
      return null;
    }
    let thrown: { error: unknown } | null = null;
    const hand = (values: SqlValue[]): void => {
      try {
        visit(rowOf(values));
      } catch (error) {
        thrown = { error };
        throw error;
      }
    };
    takers.set(this.#db, hand);
    try {
      this.#statement.all(params);
    } catch (error) {
      if (thrown === null) throw error;
    }
    return thrown;
  };
}
