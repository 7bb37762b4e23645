/**
 * The table people read: aligned columns, values with their units. The only user of cli-table3,
 * which knows how wide any text is; it is slow to load and with many rows, so texts of ASCII alone
 * are aligned here, and at most 200 rows are shown and the rest is counted.
 */
import { createRequire } from 'node:module';
import type CliTable from 'cli-table3';
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

const GAP = NO_BORDER.middle;
const ASCII = /^[ -~]*$/;

function formatTable(columns: readonly Column[], rows: readonly Row[]): string[] {
  const cells = rows.map((row) => columns.map(({ name, unit }) => humanCell(row[name], unit)));
  const lines = [columns.map(({ name }) => name), ...cells];
  const rightAligned = columns.map(({ unit }) => alignsRight(unit));
  const ascii = lines.every((line) => line.every((cell) => ASCII.test(cell)));
  return (ascii ? align : layOut)(lines, rightAligned).map((line) => line.trimEnd());
}

/** Lines of cells whose characters are all one column wide. */
function align(lines: readonly string[][], rightAligned: readonly boolean[]): string[] {
  const widths = rightAligned.map((_, i) =>
    lines.reduce((widest, line) => Math.max(widest, (line[i] as string).length), 0),
  );
  const pad = (cell: string, i: number): string =>
    rightAligned[i] ? cell.padStart(widths[i] as number) : cell.padEnd(widths[i] as number);
  return lines.map((line) => line.map(pad).join(GAP));
}

/** Lines of any cells. */
function layOut([head, ...rows]: string[][], rightAligned: readonly boolean[]): string[] {
  // Loaded when it is needed: seldom.
  const Table = createRequire(import.meta.url)('cli-table3') as typeof CliTable;
  const grid = new Table({
    head: head as string[],
    colAligns: rightAligned.map((right) => (right ? 'right' : 'left')),
    chars: NO_BORDER,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  grid.push(...rows);
  return grid.toString().split('\n');
}
