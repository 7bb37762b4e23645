/** The view `events` as a table: what the row formats print, one row for each event. */
import type { Column, Table } from '../../analysis/types.js';
import type { Capture } from '../../store/types.js';
import { VIEWS } from '../../store/views.js';
import type { Era } from '../../trace/eras.js';
import { tracepointNamed } from '../../trace/index.js';
import type { ExportOptions } from './types.js';

/** Units of the columns that are numbers. */
const UNITS: Readonly<Record<string, Column['unit']>> = {
  id: 'number',
  ts: 'time',
  task: 'number',
  op: 'number',
  pid: 'number',
  cpu: 'number',
};

/** Every event of an open capture; `decode` names flag bits behind each flag word of the text. */
export function eventTable(capture: Capture, { decode }: Pick<ExportOptions, 'decode'>): Table {
  const view = VIEWS.find(({ name }) => name === 'events');
  const columns = (view?.columns ?? []).map(({ name, doc }) => ({
    name,
    doc,
    unit: UNITS[name] ?? ('text' as const),
  }));
  return { capture: capture.path, columns, rows: rowsOf(capture, decode) };
}

function* rowsOf(capture: Capture, decode: boolean): Table['rows'] {
  const { era } = capture.info;
  for (const row of capture.iterate('SELECT * FROM "events" ORDER BY "id"')) {
    const { event, text } = row;
    yield decode ? { ...row, text: decoded(String(event), String(text), era) } : row;
  }
}

/** The text of an event with its flag bits by name; other events as they are. */
function decoded(event: string, text: string, era: Era): string {
  const tracepoint = tracepointNamed(event, era);
  if (tracepoint === undefined || !tracepoint.columns.some(({ flags }) => flags !== null)) {
    return text;
  }
  const row = tracepoint.format(era) === null ? null : tracepoint.parse(text, era);
  return row === null ? text : tracepoint.decode(row, era);
}
