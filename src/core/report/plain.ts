/**
 * Tab-separated lines with units, streamed: every row, however many, without laying out a table.
 */
import { humanCell } from './cell.js';
import type { Format } from './types.js';

/** The plain format: a header line, then one line a row. */
export const plain: Format = {
  name: 'plain',
  doc: 'every row as a tab-separated line, with units',
  *lines(columns, rows) {
    yield columns.map(({ name }) => name).join('\t');
    for (const row of rows) {
      yield columns.map(({ name, unit }) => humanCell(row[name], unit)).join('\t');
    }
  },
};
