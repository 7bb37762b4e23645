/**
 * The part of a data set of Parquet that a capture adds, written by two threads: one answers for
 * the capture first, the other copies tables, and both take the next table while there is one.
 * This file is both the thread and what starts it. Called by the format `parquet`.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { openCapture } from '../../store/database.js';
import { capturedTables, DuckDb } from '../../store/duckdb.js';
import { SCHEMA_VERSION } from '../../store/schema.js';
import { ANSWER_TABLES, answersOf, type CaptureKey } from '../fleet/answers.js';
import { CHECKED_EVENTS } from '../trace/summary.js';

/** What is written, and where. */
interface Part {
  /** The capture. */
  readonly path: string;
  readonly out: string;
  readonly key: CaptureKey;
  /** How many tables have been taken: a whole number of 32 bits. */
  readonly taken: SharedArrayBuffer;
}

/** Writes every table of a capture, and the answers for it. Throws `StoreError`. */
export async function writePart(path: string, out: string, key: CaptureKey): Promise<void> {
  const part: Part = { path, out, key, taken: new SharedArrayBuffer(4) };
  // Said here if DuckDB is not installed: an error loses its hint between threads.
  const duck = await DuckDb.open();
  const thread = new Worker(new URL(import.meta.url), { workerData: { part }, execArgv: [] });
  const ended = new Promise<void>((resolve, reject) => {
    thread.once('error', reject);
    thread.once('exit', () => resolve());
  });
  // Both are waited for, and whoever fails first ends the other.
  const copied = copyTables(duck, part).finally(() => duck.close());
  try {
    await Promise.all([copied, ended]);
  } finally {
    // No table is left for whoever goes on.
    Atomics.store(new Int32Array(part.taken), 0, 2 ** 30);
    await thread.terminate();
    await copied.catch(() => {});
  }
}

/** Copies tables until none is left. */
async function copyTables(duck: DuckDb, { path, out, key, taken }: Part): Promise<void> {
  const { db, tables } = capturedTables(path);
  try {
    // While one table is written, the next is filled.
    let writing = Promise.resolve();
    const count = new Int32Array(taken);
    for (;;) {
      const table = tables[Atomics.add(count, 0, 1)];
      if (table === undefined) break;
      await duck.copyTable(db, table);
      await writing;
      writing = write(duck, out, table, key);
    }
    await writing;
  } finally {
    db.close();
  }
}

async function writeAnswers(duck: DuckDb, { path, out, key }: Part): Promise<void> {
  const capture = openCapture(path);
  try {
    const answers = answersOf(capture, CHECKED_EVENTS);
    for (const { name, columns } of ANSWER_TABLES) {
      await duck.create(name, columns);
      await duck.append(name, columns, answers.get(name) ?? []);
      await write(duck, out, name, key);
    }
  } finally {
    capture.close();
  }
}

function write(duck: DuckDb, out: string, table: string, key: CaptureKey): Promise<void> {
  const folder = folderOf(out, table, key);
  mkdirSync(folder, { recursive: true });
  const words = { netfslab_schema: String(SCHEMA_VERSION), netfslab_table: table };
  return duck.moveToParquet(table, join(folder, 'data.parquet'), words);
}

/** The folder of a capture's part of a table. */
function folderOf(out: string, table: string, { host, day, capture }: CaptureKey): string {
  return join(out, table, `host=${safe(host)}`, `day=${day}`, `capture=${safe(capture)}`);
}

/** Names of folders as Hive writes them: what would end or change the path is escaped. */
function safe(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is meant.
  return text.replaceAll(/[\x00-\x1f\x7f"#%'*/:=?\\{}[\]^]/g, (char) => {
    return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  });
}

const mine = (workerData as { readonly part?: Part } | null)?.part;
if (!isMainThread && mine !== undefined) {
  const duck = await DuckDb.open();
  try {
    await writeAnswers(duck, mine);
    await copyTables(duck, mine);
  } finally {
    duck.close();
  }
}
