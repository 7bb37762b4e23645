/** The registry of export formats: one file and one row each. The help is made from it. */
import { bundle } from './bundle.js';
import { chrome } from './chrome.js';
import { csv } from './csv.js';
import { db } from './db.js';
import { ftrace } from './ftrace.js';
import { ndjson } from './ndjson.js';
import { parquet } from './parquet.js';
import { perfetto } from './perfetto.js';
import type { Exporter } from './types.js';

/** Every format of `trace export`, by name. */
export const EXPORTERS = {
  ftrace,
  csv,
  ndjson,
  bundle,
  db,
  perfetto,
  chrome,
  parquet,
} as const satisfies Record<string, Exporter>;

/** The name of a format. */
export type ExportFormat = keyof typeof EXPORTERS;

/** The names, in the order of the help. */
export const EXPORT_FORMATS = Object.keys(EXPORTERS) as readonly ExportFormat[];

/** The lines of the help that describe the formats. */
export function exporterLines(): string[] {
  return Object.entries(EXPORTERS).map(([name, { doc }]) => `${name}: ${doc}.`);
}
