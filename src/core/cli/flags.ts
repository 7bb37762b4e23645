/** Flags and arguments several commands share, so that they read the same everywhere. */
import { Args, Flags } from '@oclif/core';
import { parseDuration, parseSize } from '../base/units.js';
import { FORMATS, type FormatName } from '../report/index.js';

/** How a table is printed; without any of them, aligned columns of at most 200 rows. */
export const tableFlags = {
  csv: Flags.boolean({ description: FORMATS.csv.doc, exclusive: ['ndjson', 'all', 'json'] }),
  ndjson: Flags.boolean({ description: FORMATS.ndjson.doc, exclusive: ['csv', 'all', 'json'] }),
  all: Flags.boolean({ description: FORMATS.plain.doc, exclusive: ['csv', 'ndjson', 'json'] }),
};

/** Those of commands that ask one analysis. */
export const analysisFlags = {
  'explain-sql': Flags.boolean({ description: 'print the statement that is run instead' }),
  ...tableFlags,
};

/** The values of `tableFlags`, and of `--table` where text is the default. */
export interface TableFlags {
  readonly csv?: boolean;
  readonly ndjson?: boolean;
  readonly all?: boolean;
  readonly table?: boolean;
}

/** The format that the flags ask for, undefined when they leave it open. */
export function formatOf({ csv, ndjson, all, table }: TableFlags): FormatName | undefined {
  if (csv === true) return 'csv';
  if (ndjson === true) return 'ndjson';
  if (all === true) return 'plain';
  return table === true ? 'table' : undefined;
}

/** Draws a picture instead of the table. */
export const plotFlag = Flags.boolean({
  description: 'draw a picture for the terminal',
  exclusive: ['json', 'explain-sql', 'csv', 'ndjson', 'all', 'table'],
});

/** The capture a command reads: a path, or a name in the folder of captures. */
export const captureArg = Args.string({
  description: 'capture to read: a path, or a name in the folder of captures; default the newest',
});

/** A size flag: `4k`, `64KiB`, `1m`, bytes. */
export const sizeFlag = Flags.custom<number>({
  helpValue: 'SIZE',
  parse: async (input, _context, options) => parseSize(input, `--${options.name}`),
});

/** A time flag, in nanoseconds: `2ms`, `1.5s`; a bare number is seconds. */
export const durationFlag = Flags.custom<number>({
  helpValue: 'TIME',
  parse: async (input, _context, options) => parseDuration(input, `--${options.name}`),
});

/** The cache that a command looks after. */
export const cacheDirFlag = Flags.string({
  description: 'directory of the disk cache',
  helpValue: 'DIR',
  required: true,
});
