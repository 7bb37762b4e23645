/** The database itself, anonymised if asked for. */
import { constants, copyFileSync } from 'node:fs';
import type { PathExporter } from './types.js';

/** Row `db` of the registry. */
export const db: PathExporter = {
  kind: 'path',
  doc: 'the SQLite database',
  options: [],
  // The capture is open, so one that a killed run has left was finished before.
  write: async ({ path }, out) => copyFileSync(path, out, constants.COPYFILE_EXCL),
};
