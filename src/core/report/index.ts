/** The registry of report formats: one row each; the flags of table commands are made from it. */
import { csv } from './csv.js';
import { ndjson } from './ndjson.js';
import { plain } from './plain.js';
import { table } from './table.js';
import type { Format } from './types.js';

/** Every format a table can be printed in, by the name a command chooses it with. */
export const FORMATS = { table, csv, ndjson, plain } as const satisfies Record<string, Format>;

/** The name of a format. */
export type FormatName = keyof typeof FORMATS;
