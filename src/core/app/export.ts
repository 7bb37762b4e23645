/** Prints a whole capture back. Called by `trace export`. */
import type { Column, Table } from '../analysis/types.js';
import { openCapture } from '../store/database.js';
import { VIEWS } from '../store/schema.js';
import type { Capture } from '../store/types.js';
import { findCapture } from './capture_path.js';

/** Units of the columns that are numbers. */
const UNITS: Readonly<Record<string, Column['unit']>> = {
  id: 'number',
  ts: 'time',
  task: 'number',
  pid: 'number',
  cpu: 'number',
};

/** Every event of the capture named (default: the newest) as rows of the view `events`. */
export function exportTable(file?: string): Table {
  const capture = openCapture(findCapture(file));
  const view = VIEWS.find(({ name }) => name === 'events');
  const columns = (view?.columns ?? []).map(({ name, doc }) => ({
    name,
    doc,
    unit: UNITS[name] ?? ('text' as const),
  }));
  return { capture: capture.path, columns, rows: rowsOf(capture) };
}

function* rowsOf(capture: Capture): Table['rows'] {
  try {
    yield* capture.iterate('SELECT * FROM "events" ORDER BY "id"');
  } finally {
    capture.close();
  }
}
