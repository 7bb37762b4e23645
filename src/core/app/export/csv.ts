/** The events as comma-separated values, one row each, for spreadsheets and data frames. */
import { FORMATS } from '../../report/index.js';
import { eventTable } from './event_table.js';
import { noMessages, type TextExporter } from './types.js';

/** Row `csv` of the registry. */
export const csv: TextExporter = {
  kind: 'text',
  doc: 'one row per event: number, nanoseconds, task, processor, flags, name and text',
  options: ['decode'],
  lines(capture, options) {
    const { columns, rows } = eventTable(capture, options);
    return FORMATS.csv.lines(columns, rows, noMessages);
  },
  table: eventTable,
};
