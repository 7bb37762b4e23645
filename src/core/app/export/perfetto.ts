/** Perfetto's native trace: opened in ui.perfetto.dev, queried with its trace processor. */
import { PerfettoWriter } from '../../report/timeline/perfetto.js';
import { timelineOf } from './timeline.js';
import type { BytesExporter } from './types.js';

/** Row `perfetto` of the registry. */
export const perfetto: BytesExporter = {
  kind: 'bytes',
  doc: 'operations, requests, slices and cache writes as a timeline, with flows and counters, for ui.perfetto.dev',
  options: [],
  timed: true,
  bytes: (capture) => timelineOf(capture, new PerfettoWriter()),
};
