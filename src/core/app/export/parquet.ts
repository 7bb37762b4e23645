/**
 * A capture as a part of a data set of Parquet: TABLE/host=H/day=D/capture=C/data.parquet. Another
 * capture adds its parts to the same folder. Zstandard, dictionaries where they pay.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ErrnoError } from '../../base/errors.js';
import type { Capture } from '../../store/types.js';
import { keyOf } from '../fleet/answers.js';
import { writePart } from './parquet_part.js';
import type { ExportOptions, PathExporter } from './types.js';

/** Row `parquet` of the registry. */
export const parquet: PathExporter = {
  kind: 'path',
  doc: 'a data set of Parquet, to which each capture adds its part: TABLE/host=H/day=D/capture=C/',
  options: ['host'],
  write: writeDataset,
  adds: addDataset,
};

async function writeDataset(capture: Capture, out: string, { host }: ExportOptions): Promise<void> {
  mkdirSync(out);
  await writePart(capture.path, out, keyOf(capture, host));
}

/**
 * Moves the parts of a new data set into an old one. Throws `ErrnoError` EEXIST if one is there.
 */
function addDataset(part: string, out: string): void {
  const parts = readdirSync(part, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.parquet'))
    .map((name) => dirname(name));
  for (const name of parts) {
    if (existsSync(join(out, name))) throw new ErrnoError('EEXIST', 'rename', join(out, name));
  }
  for (const name of parts) {
    mkdirSync(dirname(join(out, name)), { recursive: true });
    renameSync(join(part, name), join(out, name));
  }
}

/** True if a folder is a data set: whatever has a part of `capture` is one. */
export function isDataset(folder: string): boolean {
  const table = join(folder, 'answer_capture');
  return existsSync(table) && statSync(table).isDirectory();
}
