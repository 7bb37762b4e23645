/** Comma-separated values (RFC 4180 quoting, line feed): a header line, no padding, no units. */
import { bareCell } from './cell.js';
import type { Format } from './types.js';

function quote(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The CSV format; NULL is an empty field. */
export const csv: Format = {
  name: 'csv',
  doc: 'comma-separated values: a header line, no padding, no units',
  *lines(columns, rows) {
    yield columns.map(({ name }) => quote(name)).join(',');
    for (const row of rows) yield columns.map(({ name }) => quote(bareCell(row[name]))).join(',');
  },
};
