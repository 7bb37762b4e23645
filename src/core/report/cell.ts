/**
 * One value as text: for people by its unit, for programs bare. Called by every format so that a
 * value looks the same wherever it is printed.
 */
import type { Cell, Column, Unit } from '../analysis/types.js';
import { formatBytes, formatCount, formatNs } from '../base/units.js';

/** True for units whose values line up on the right. */
export function alignsRight(unit: Unit): boolean {
  return unit !== 'text';
}

// A file's name may hold anything; in a table it must not move the cursor or break the row.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is meant.
const CONTROL = /[\x00-\x1f\x7f]/g;

/** The value as a person reads it, with its unit; `-` for NULL. Control characters are escaped. */
export function humanCell(value: Cell | undefined, unit: Unit): string {
  if (value === null || value === undefined) return '-';
  if (typeof value === 'bigint' || typeof value === 'number') return humanNumber(value, unit);
  return bareCell(value).replaceAll(CONTROL, (char) => JSON.stringify(char).slice(1, -1));
}

function humanNumber(value: number | bigint, unit: Unit): string {
  if (unit === 'text' || unit === 'number' || typeof value === 'bigint') return String(value);
  if (unit === 'bytes') return formatBytes(value);
  if (unit === 'ns') return formatNs(value);
  if (unit === 'time') return `${(value / 1000).toFixed(1)} us`;
  return unit === 'count' ? formatCount(value) : value.toFixed(2);
}

/** The value as a program reads it: no unit, no padding, empty for NULL, hex for blobs. */
export function bareCell(value: Cell | undefined): string {
  if (value === null || value === undefined) return '';
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return String(value);
}

/** The value as JSON carries it: 64-bit integers beyond 2^53 and blobs as strings. */
function jsonCell(value: Cell | undefined): string | number | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'number' || typeof value === 'string') return value;
  return bareCell(value);
}

/** One row as the object JSON carries, keys in column order. */
export function jsonRow(
  columns: readonly Column[],
  row: Readonly<Record<string, Cell>>,
): Record<string, string | number | null> {
  return Object.fromEntries(columns.map(({ name }) => [name, jsonCell(row[name])]));
}
