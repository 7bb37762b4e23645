/** The text of tracefs: what the kernel would print, which `trace import` reads back. */

import { eventTable } from './event_table.js';
import type { TextExporter } from './types.js';

/** Row `ftrace` of the registry. */
export const ftrace: TextExporter = {
  kind: 'text',
  doc: 'the text of tracefs, which trace import reads back',
  options: ['decode'],
  *lines(capture, { decode }) {
    yield* capture.heading();
    yield* capture.lines({ decode });
  },
  table: eventTable,
};
