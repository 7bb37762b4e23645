/**
 * A capture as a part of a data set of Parquet: TABLE/host=H/day=D/capture=C/data.parquet. Another
 * capture adds its parts to the same folder. Zstandard, dictionaries where they pay.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ErrnoError } from '../../base/errors.js';
import { capturedTables, DuckDb } from '../../store/duckdb.js';
import { SCHEMA_VERSION } from '../../store/schema.js';
import type { Capture } from '../../store/types.js';
import { ANSWER_TABLES, answersOf, type CaptureKey, keyOf } from '../fleet/answers.js';
import { CHECKED_EVENTS } from '../trace/summary.js';
import type { ExportOptions, PathExporter } from './types.js';

/** Row `parquet` of the registry. */
export const parquet: PathExporter = {
  kind: 'path',
  doc: 'a data set of Parquet, to which each capture adds its part: TABLE/host=H/day=D/capture=C/',
  options: ['host'],
  write: writeDataset,
  adds: addDataset,
};

/** The folder of a capture's part of a table. */
function partOf(out: string, table: string, { host, day, capture }: CaptureKey): string {
  return join(out, table, `host=${safe(host)}`, `day=${day}`, `capture=${safe(capture)}`);
}

/** Names of folders as Hive writes them: what would end or change the path is escaped. */
function safe(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is meant.
  return text.replaceAll(/[\x00-\x1f\x7f"#%'*/:=?\\{}[\]^]/g, (char) => {
    return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  });
}

async function writeDataset(capture: Capture, out: string, { host }: ExportOptions): Promise<void> {
  const key = keyOf(capture, host);
  mkdirSync(out);
  const duck = await DuckDb.open();
  const { db, tables } = capturedTables(capture.path);
  try {
    // While one table is written, the next is filled.
    let writing = Promise.resolve();
    const write = async (table: string): Promise<void> => {
      await writing;
      const folder = partOf(out, table, key);
      mkdirSync(folder, { recursive: true });
      const words = { netfslab_schema: String(SCHEMA_VERSION), netfslab_table: table };
      writing = duck.moveToParquet(table, join(folder, 'data.parquet'), words);
    };
    for (const table of tables) {
      await duck.copyTable(db, table);
      await write(table);
    }
    const answers = answersOf(capture, CHECKED_EVENTS);
    for (const { name, columns } of ANSWER_TABLES) {
      await duck.create(name, columns);
      await duck.append(name, columns, answers.get(name) ?? []);
      await write(name);
    }
    await writing;
  } finally {
    db.close();
    duck.close();
  }
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
