/**
 * Columns of an event as JavaScript can hold them: a number of 64 bits that a double would round is
 * given as `0x` text. Called by whoever reads the tables of events.
 */
import type { Column } from '../trace/tracepoint.js';

/** The expression that gives a column of the table or alias `of`. */
export function exactSql({ name, kind }: Pick<Column, 'name' | 'kind'>, of = 'e'): string {
  const column = `"${of}"."${name}"`;
  if (kind !== 'u64') return column;
  return `CASE WHEN ${column} NOT BETWEEN 0 AND ${Number.MAX_SAFE_INTEGER}
    THEN printf('0x%llx', ${column}) ELSE ${column} END`;
}

/** A value that SQLite gave whole: a number, or from 2^53 on the bits as `0x` text. */
export function exactValue<T>(value: T | bigint): T | number | string {
  if (typeof value !== 'bigint') return value;
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  return `0x${BigInt.asUintN(64, value).toString(16)}`;
}
