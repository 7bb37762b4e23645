/** One JSON object a line, for programs that read a stream. */
import { jsonRow } from './cell.js';
import type { Format } from './types.js';

/** The NDJSON format; integers of 64 bits that do not fit a double are strings. */
export const ndjson: Format = {
  name: 'ndjson',
  doc: 'one JSON object a line',
  *lines(columns, rows) {
    for (const row of rows) yield JSON.stringify(jsonRow(columns, row));
  },
};
