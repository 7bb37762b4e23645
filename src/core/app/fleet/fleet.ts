/**
 * The use case `fleet`: questions over many captures. Of folders of captures an index is kept, into
 * which only what is new or changed is read; a data set of Parquet has its answers with it.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Column, Row, Table } from '../../analysis/types.js';
import { errnoFromNode } from '../../base/errno.js';
import { ErrnoError, StoreError, UsageError } from '../../base/errors.js';
import { openCapture } from '../../store/database.js';
import { DuckDb, textLiteral } from '../../store/duckdb.js';
import { isDataset } from '../export/parquet.js';
import { ANSWER_TABLES, answersOf, KEY_COLUMNS, keyOf } from './answers.js';
import { FLEET_QUESTIONS, type FleetQuestionName } from './questions.js';

/** What is asked, of what. */
export interface FleetRequest {
  /** A question by name, or a statement. */
  readonly question: FleetQuestionName | { readonly sql: string };
  /** Folders of captures, or data sets of Parquet. */
  readonly folders: readonly string[];
  /** Called for each capture that is read anew. */
  readonly progress?: (done: number, of: number) => void;
}

/** The answer, and what became of the captures. */
export interface FleetTable extends Table {
  readonly captures: number;
  readonly indexed: number;
  /** Captures that could not be read, with the reason. */
  readonly refused: readonly string[];
}

/** A file of the index. */
interface Known {
  readonly path: string;
  readonly stamp: string;
}

/** Version of the index: one of another version, or of other tables, is made anew. */
const INDEX_VERSION = [2, KEY_COLUMNS, ANSWER_TABLES.map(({ name, columns }) => [name, columns])];

/** Asks. Throws `StoreError` without DuckDB, `UsageError` for a statement that is none. */
export async function askFleet(request: FleetRequest): Promise<FleetTable> {
  const { question, folders } = request;
  const datasets = folders.filter(isDataset);
  const captures = eachOnce(folders.filter((each) => !isDataset(each)).flatMap(capturesIn));
  if (captures.length + datasets.length === 0) {
    throw new UsageError(
      'DIR',
      `no captures in ${folders.join(', ')}`,
      'name a folder of *.db files',
    );
  }
  const duck = captures.length === 0 ? await DuckDb.open() : await openIndex(indexPath(folders));
  try {
    const { indexed, refused } = await index(duck, captures, request.progress);
    await showTables(duck, datasets, captures);
    const sql = typeof question === 'string' ? FLEET_QUESTIONS[question].sql : question.sql;
    const { names, rows } = await duck.table(sql).catch((error: Error) => {
      throw new UsageError('--sql', error.message.split('\n')[0] ?? '', 'netfslab fleet --help');
    });
    const columns: readonly Column[] =
      typeof question === 'string'
        ? FLEET_QUESTIONS[question].columns
        : names.map((name) => ({ name, doc: '', unit: 'text' }));
    const table = rows.map((row) => rowOf(columns, row));
    return {
      ...{ capture: null, columns, rows: table, captures: captures.length, indexed, refused },
    };
  } finally {
    duck.close();
  }
}

function rowOf(columns: readonly Column[], row: Record<string, unknown>): Row {
  return Object.fromEntries(
    columns.map(({ name }) => {
      const value = row[name] ?? null;
      if (typeof value === 'bigint') return [name, Number(value)];
      if (value === null || typeof value === 'number' || typeof value === 'string') {
        return [name, value];
      }
      return [name, String(value)];
    }),
  );
}

/** The captures in a folder and below, in the order of their names. Throws `ErrnoError`. */
function capturesIn(folder: string): Known[] {
  try {
    // Without it readdir finds nothing in a folder that is not there.
    statSync(folder);
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.db'))
      .sort()
      .map((name) => {
        const path = realpathSync(resolve(folder, name));
        const { size, mtimeMs, ino } = statSync(path);
        return { path, stamp: `${size} ${mtimeMs} ${ino}` };
      });
  } catch (error) {
    throw new ErrnoError(errnoFromNode(error), 'scandir', folder, { cause: error });
  }
}

/** Folders may hold each other: each capture counts once. */
function eachOnce(captures: readonly Known[]): Known[] {
  return [...new Map(captures.map((each) => [each.path, each])).values()];
}

/** Opens the index; a broken one is made anew, as it can be. Throws `StoreError`. */
async function openIndex(path: string): Promise<DuckDb> {
  try {
    return await DuckDb.open(path);
  } catch (error) {
    if (!(error instanceof StoreError) || !existsSync(path)) throw error;
    if (/lock/i.test(error.message)) {
      throw new StoreError(path, 'is in use by another netfslab fleet', {
        cause: error,
        hint: 'try again when that one has ended',
      });
    }
    rmSync(path);
    rmSync(`${path}.wal`, { force: true });
    return DuckDb.open(path);
  }
}

/** Where the index of these folders is kept. */
function indexPath(folders: readonly string[]): string {
  const { XDG_CACHE_HOME: cache, HOME: home } = process.env;
  const folder = join(cache || join(home || homedir(), '.cache'), 'netfslab', 'fleet');
  mkdirSync(folder, { recursive: true });
  const named = folders.map((each) => realpathSync(each)).sort();
  const hash = createHash('sha256')
    .update(JSON.stringify([INDEX_VERSION, named]))
    .digest('hex');
  return join(folder, `${hash.slice(0, 24)}.duckdb`);
}

async function index(
  duck: DuckDb,
  captures: readonly Known[],
  progress: FleetRequest['progress'],
): Promise<{ indexed: number; refused: string[] }> {
  const refused: string[] = [];
  await duck.run('CREATE TABLE IF NOT EXISTS indexed (path VARCHAR, stamp VARCHAR)');
  const before = new Map(
    (await duck.rows('SELECT path, stamp FROM indexed')).map(({ path, stamp }) => [path, stamp]),
  );
  const fresh = captures.filter(({ path, stamp }) => before.get(path) !== stamp);
  for (const { name, columns } of ANSWER_TABLES) {
    const all = [{ name: 'path', type: 'VARCHAR' } as const, ...KEY_COLUMNS, ...columns];
    const list = all.map((column) => `"${column.name}" ${column.type}`);
    await duck.run(`CREATE TABLE IF NOT EXISTS "kept_${name}" (${list.join(', ')})`);
  }
  for (const [i, known] of fresh.entries()) {
    progress?.(i, fresh.length);
    try {
      await indexOne(duck, known, before.has(known.path));
    } catch (error) {
      if (!(error instanceof StoreError || error instanceof UsageError)) throw error;
      refused.push(error.message);
    }
    // Lets signals and the progress have their turn.
    await new Promise((done) => setImmediate(done));
  }
  return { indexed: fresh.length - refused.length, refused };
}

/** Reads a capture into the index, whole or not at all. */
async function indexOne(duck: DuckDb, { path, stamp }: Known, known: boolean): Promise<void> {
  const capture = openCapture(path);
  try {
    const key = keyOf(capture, null);
    const answers = answersOf(capture);
    const head = [path, key.host, key.day, key.capture];
    await duck.run('BEGIN');
    for (const { name, columns } of ANSWER_TABLES) {
      if (known) await duck.run(`DELETE FROM "kept_${name}" WHERE path = ${textLiteral(path)}`);
      const all = [{ name: 'path', type: 'VARCHAR' } as const, ...KEY_COLUMNS, ...columns];
      const rows = (answers.get(name) ?? []).map((row) => [...head, ...row]);
      if (rows.length > 0) await duck.append(`kept_${name}`, all, rows);
    }
    if (known) await duck.run(`DELETE FROM indexed WHERE path = ${textLiteral(path)}`);
    await duck.run(`INSERT INTO indexed VALUES (${textLiteral(path)}, ${textLiteral(stamp)})`);
    await duck.run('COMMIT');
  } finally {
    capture.close();
  }
}

/** Views over what is there: of the index only captures that are still in the folders. */
async function showTables(
  duck: DuckDb,
  datasets: readonly string[],
  captures: readonly Known[],
): Promise<void> {
  await duck.run('CREATE TEMP TABLE present (path VARCHAR)');
  await duck.append(
    'present',
    [{ name: 'path', type: 'VARCHAR' }],
    captures.map(({ path }) => [path]),
  );
  await duck.run(`CREATE TEMP TABLE places AS ${placesOf(datasets)}`);
  const named = await distinctNames(duck);
  for (const { name, columns } of ANSWER_TABLES) {
    const rest = columns.map((column) => `"${column.name}"`).join(', ');
    const kept = `SELECT host, day, ${named('path')}, ${rest} FROM "kept_${name}"
      WHERE path IN (FROM present)`;
    const parts = datasets.map((folder) => {
      const place = textLiteral(folder);
      return `SELECT host, day, ${named(place)}, ${rest} FROM ${parquetOf(folder, name)}`;
    });
    await duck.run(`CREATE TEMP VIEW "${name}" AS ${[kept, ...parts].join(' UNION ALL ')}`);
  }
  // The tables of the captures themselves, as far as a data set has them.
  const tables = new Set(datasets.flatMap((folder) => readdirSync(folder)));
  for (const name of tables) {
    if (name.startsWith('answer_')) continue;
    const parts = datasets
      .filter((folder) => readdirSync(folder).includes(name))
      .map((folder) => {
        const capture = named(textLiteral(folder));
        return `SELECT * REPLACE (${capture}) FROM ${parquetOf(folder, name)}`;
      });
    await duck.run(`CREATE TEMP VIEW "${name}" AS ${parts.join(' UNION ALL BY NAME ')}`);
  }
}

/** Every capture by its key, with the file or data set it is in. */
function placesOf(datasets: readonly string[]): string {
  const kept =
    'SELECT host, day, capture, path FROM kept_answer_capture WHERE path IN (FROM present)';
  const parts = datasets.map((folder) => {
    return `SELECT host, day, capture, ${textLiteral(folder)} FROM ${parquetOf(folder, 'answer_capture')}`;
  });
  return [kept, ...parts].join(' UNION ALL ');
}

/**
 * How a capture is named, given an expression for the place it is in: captures that are alike in
 * host, day and name, of which questions would make one, have their places in front.
 */
async function distinctNames(duck: DuckDb): Promise<(place: string) => string> {
  await duck.run(`CREATE TEMP TABLE alike AS SELECT host || '/' || day || '/' || capture AS "key"
    FROM places GROUP BY host, day, capture HAVING count(*) > 1`);
  const alike = await duck.rows('SELECT 1 FROM alike LIMIT 1');
  if (alike.length === 0) return () => 'capture AS capture';
  return (place) => `CASE WHEN host || '/' || day || '/' || capture IN (FROM alike)
    THEN ${place} || ':' || capture ELSE capture END AS capture`;
}

function parquetOf(folder: string, table: string): string {
  const files = textLiteral(join(folder, table, '*/*/*/*.parquet'));
  return `read_parquet(${files}, hive_partitioning = true, hive_types_autocast = false, union_by_name = true)`;
}
