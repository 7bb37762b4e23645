/** The events as JSON, one object a line, for jq and for programs that read a stream. */
import { FORMATS } from '../../report/index.js';
import { eventTable } from './event_table.js';
import { noMessages, type TextExporter } from './types.js';

/** Row `ndjson` of the registry. */
export const ndjson: TextExporter = {
  kind: 'text',
  doc: 'as csv, one JSON object a line',
  options: ['decode'],
  lines(capture, options) {
    const { columns, rows } = eventTable(capture, options);
    return FORMATS.ndjson.lines(columns, rows, noMessages);
  },
  table: eventTable,
};
