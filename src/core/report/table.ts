/**
 * The table people read: aligned columns, values with their units. The only user of cli-table3,
 * which is slow with many rows, so at most 200 are shown and the rest is counted.
 */
import Table from 'cli-table3';
import type { Column, Row } from '../analysis/types.js';
import { formatCount } from '../base/units.js';
import { alignsRight, humanCell } from './cell.js';
import { firstRows } from './first_rows.js';
import type { Format } from './types.js';

/** Rows a table shows at most. */
export const TABLE_ROWS_MAX = 200;

const NO_BORDER = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** The table format: a header line, one line a row, no border, no colour. */
export const table: Format = {
  name: 'table',
  doc: `aligned columns with units, at most ${TABLE_ROWS_MAX} rows`,
  *lines(columns, rows, note) {
    const { rows: shown, more } = firstRows(rows, TABLE_ROWS_MAX);
    if (shown.length === 0) note('no rows');
    else yield* formatTable(columns, shown);
    if (more > 0) note(`${formatCount(more)} more rows; --all shows every one`);
  },
};

function formatTable(columns: readonly Column[], rows: readonly Row[]): string[] {
  const grid = new Table({
    head: columns.map(({ name }) => name),
    colAligns: columns.map(({ unit }) => (alignsRight(unit) ? 'right' : 'left')),
    chars: NO_BORDER,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const row of rows) grid.push(columns.map(({ name, unit }) => humanCell(row[name], unit)));
  return grid
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}
