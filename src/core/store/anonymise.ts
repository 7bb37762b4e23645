/**
 * A copy of a capture that can be given to others: names of files, tasks and hosts are replaced,
 * bytes of packets blanked, texts that nobody here understands removed. Numbers stay, and with them
 * every answer: requests, cookies, inodes, positions, times. New names sort as the old ones do.
 * Called by app/export.ts.
 */
import { renameSync, rmSync } from 'node:fs';
import Database from 'better-sqlite3';
import { StoreError } from '../base/errors.js';
import { TRACEPOINTS } from '../trace/index.js';
import type { Holds } from '../trace/tracepoint.js';
import { openCapture } from './database.js';
import { DESCRIBED, quoted, UNKNOWN_WORDS } from './schema.js';

/** What stands for what; nobody but who made the copy should see it. */
export interface Pseudonyms {
  readonly files: ReadonlyMap<string, string>;
  readonly tasks: ReadonlyMap<string, string>;
  readonly hosts: ReadonlyMap<string, string>;
}

/** What stands where a text was. */
const REMOVED = 'removed';

/** A column of texts that tell something. */
interface Place {
  readonly table: string;
  readonly column: string;
  readonly holds: Holds;
}

const PLACES: readonly Place[] = [
  { table: 'op', column: 'file', holds: 'file' },
  ...TRACEPOINTS.flatMap(({ name, columns }) =>
    columns.flatMap((column) =>
      column.holds === undefined ? [] : [{ table: name, column: column.name, holds: column.holds }],
    ),
  ),
];

/** Tasks of the kernel itself, whose names are the same everywhere. */
const KERNEL_TASK =
  /^(<idle>|<\.\.\.>|swapper\/\d+|kworker\/u?\d+:\d+H?|kswapd\d+|ksoftirqd\/\d+|kthreadd|rcu_\w+|migration\/\d+)$/;

/** Texts of events without a table that hold numbers only: page cache, list of requests. */
const HARMLESS = [
  /^dev \d+:\d+ ino [0-9a-f]+ (page=\S+ )?(pfn=(0x)?[0-9a-f]+ )?ofs=\d+( order=\d+)?$/,
  /^[0-9a-f]{8} [\w()-]{1,8} +-?\d+ +[0-9a-f]+ +-?\d+ +-?\d+ @[0-9a-f]+ [0-9a-f]+\/[0-9a-f]+$/,
];

/** A marker of a program that announces its operations; see importer/operations.ts. */
const ANNOUNCED = /^kcap (?:op=\d{1,9} \w{1,16}(?: |$)|end$)/;
const WORD =
  /^(\d{1,15}|(rdonly|wronly|rdwr)(\+(creat|trunc|append|direct))*|random|sequential|normal|dontneed|willneed)$/;

/**
 * Writes the copy. Throws `StoreError` if `to` cannot be written, or what `openCapture` throws.
 * Until it is whole it stands in a file beside it.
 */
export function anonymiseCapture(from: string, to: string): Pseudonyms {
  const { kernel_release: release } = inspect(from);
  const part = `${to}.part`;
  rmSync(part, { force: true });
  try {
    const source = new Database(from, { readonly: true, fileMustExist: true });
    source.prepare('VACUUM INTO ?').run(part);
    source.close();
    const db = new Database(part);
    db.pragma('journal_mode = OFF');
    db.pragma('synchronous = OFF');
    const names = pseudonymsOf(db);
    replaceNames(db, names);
    replaceTexts(db, names);
    replaceMeta(db, release);
    // What was replaced must not stay behind in pages that are free.
    db.exec('VACUUM');
    db.close();
    renameSync(part, to);
    return names;
  } catch (error) {
    rmSync(part, { force: true });
    throw new StoreError(to, `cannot be written: ${(error as Error).message}`, { cause: error });
  }
}

/** The capture's description; one that a killed run has left is finished first. */
function inspect(path: string) {
  const capture = openCapture(path);
  const { info } = capture;
  capture.close();
  return info;
}

function pseudonymsOf(db: Database.Database): Pseudonyms {
  const of = (holds: Holds): string[] =>
    present(db).flatMap((place) => (place.holds === holds ? distinct(db, place) : []));
  const comms = distinct(db, { table: 'task', column: 'comm', holds: 'host' });
  const own = comms.filter((comm) => !KERNEL_TASK.test(comm));
  return {
    files: named('file', of('file')),
    hosts: named('host', of('host')),
    tasks: named('task', own),
  };
}

/** The places that a capture has: what it does not fill is not there. */
function present(db: Database.Database): Place[] {
  return PLACES.filter(({ table, column }) => has(db, table, column));
}

function has(db: Database.Database, table: string, column = 'text'): boolean {
  const found = db.prepare('SELECT 1 FROM pragma_table_info(?) WHERE "name" = ?');
  return found.get(table, column) !== undefined;
}

function distinct(db: Database.Database, { table, column }: Place): string[] {
  const sql = `SELECT DISTINCT ${quoted(column)} FROM ${quoted(table)} WHERE ${quoted(column)} <> ''`;
  return db.prepare(sql).pluck().all() as string[];
}

/** A new name for each, in the order in which SQLite sorts the old ones. */
function named(kind: string, names: readonly string[]): Map<string, string> {
  const sorted = [...new Set(names)].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const digits = Math.max(2, String(sorted.length).length);
  return new Map(sorted.map((name, i) => [name, `${kind}${String(i + 1).padStart(digits, '0')}`]));
}

function replaceNames(db: Database.Database, { files, tasks, hosts }: Pseudonyms): void {
  const change: Readonly<Record<Holds, (text: string) => string>> = {
    file: (text) => files.get(text) ?? '',
    host: (text) => hosts.get(text) ?? '',
    dump: (text) => text.replace(/[0-9a-f]/gi, '0').replace(/[^0: \n]/g, ''),
  };
  for (const [holds, of] of Object.entries(change)) {
    db.function(`new_${holds}`, (text) => (text === null ? null : of(String(text))));
  }
  db.function('new_task', (text) => tasks.get(String(text)) ?? text);
  for (const { table, column, holds } of present(db)) {
    db.exec(`UPDATE ${quoted(table)} SET ${quoted(column)} = new_${holds}(${quoted(column)})`);
  }
  db.exec('UPDATE "task" SET "comm" = new_task("comm")');
}

function replaceTexts(db: Database.Database, { files }: Pseudonyms): void {
  db.function('new_marker', (text) => marker(String(text), files));
  db.function('new_text', (text) =>
    HARMLESS.some((form) => form.test(String(text))) ? text : REMOVED,
  );
  for (const [table, change] of [
    ['marker', 'new_marker'],
    ['other_event', 'new_text'],
  ] as const) {
    if (has(db, table)) db.exec(`UPDATE "${table}" SET "text" = ${change}("text")`);
  }
}

/** What announces an operation still does, with the new name of its file. */
function marker(text: string, files: ReadonlyMap<string, string>): string {
  if (!ANNOUNCED.test(text)) return REMOVED;
  const [program, number, kind, ...words] = text.split(' ') as [
    string,
    string,
    string,
    ...string[],
  ];
  if (kind === undefined) return text;
  const path = words.slice(2).join(' ');
  const known = kind === 'open' && files.has(path) ? [...words.slice(0, 2), path] : words;
  const kept = known.map((word) => files.get(word) ?? (WORD.test(word) ? word : 'x'));
  return [program, number, kind, ...kept].join(' ');
}

function replaceMeta(db: Database.Database, release: string | null): void {
  const options = JSON.parse(
    String(db.prepare('SELECT "options" FROM "capture"').pluck().get() ?? '{}'),
  ) as Record<string, unknown>;
  const plain = Object.entries(options).filter(([, value]) =>
    ['number', 'boolean'].includes(typeof value),
  );
  for (const key of [DESCRIBED, UNKNOWN_WORDS]) {
    if (options[key] !== undefined) plain.push([key, options[key]]);
  }
  // What stands behind the numbers of a release may name a company.
  const kernel = /^v?\d+(\.\d+)*(-rc\d+)?/.exec(release ?? '')?.[0] ?? null;
  db.prepare(
    'UPDATE "capture" SET "workload" = ?, "command_line" = NULL, "options" = ?, "kernel_release" = ?',
  ).run(REMOVED, JSON.stringify(Object.fromEntries(plain)), kernel);
}
