/**
 * Makes a database of records. Used by the writing thread, by recovery from a spool, and directly
 * by importers and tests.
 */
import Database from 'better-sqlite3';
import { addDescribed, type Era } from '../trace/eras.js';
import { netfsSreqSources } from '../trace/events/netfs.js';
import { tracepointsIn } from '../trace/index.js';
import {
  decodeValue,
  type FileRecord,
  type OpRecord,
  placeCpu,
  placeFlags,
  RAW_LABEL,
  RecordDecoder,
  type RecordHandler,
  type StatEntry,
} from '../trace/record.js';
import { Reducer } from '../trace/reducer.js';
import { type AnyTracepoint, type Column, HEADER_WORDS } from '../trace/tracepoint.js';
import { docRows, indexStatements, tableSql, viewSql } from './ddl.js';
import { EventRanges, requestColumn } from './event_ranges.js';
import { LatencySummary } from './latency_summary.js';
import { REQUESTS, subrequests } from './request_rows.js';
import { RowBuffer } from './row_buffer.js';
import {
  ALWAYS,
  APPLICATION_ID,
  DESCRIBED,
  EVENT_COLUMNS,
  eventTable,
  quoted,
  SCHEMA_VERSION,
  TABLES,
  type Table,
  UNKNOWN_WORDS,
} from './schema.js';
import { PAGE, PageFile, TablePages } from './table_pages.js';
import { lists, type RowForm, TableRows } from './table_rows.js';
import type { CaptureMeta, SqlValue } from './types.js';
import { VIEWS } from './views.js';

/** Words of one column that are noted at most: numbers taken for labels have no end. */
const UNKNOWN_MAX = 100;

/** One tracepoint's table being filled. */
interface EventTable {
  readonly pages: TablePages;
  readonly columns: readonly EventColumn[];
  /** Place of the column with the number of a request; -1 = there is none. */
  readonly request: number;
}

/** How a column's word becomes a value. */
interface EventColumn {
  readonly event: string;
  readonly column: Column;
  /** False where the era does not print it: NULL. */
  readonly printed: boolean;
  /** A word that is not negative stands for itself. */
  readonly plain: boolean;
  /** Labels by their number, as UTF-8, as far as they were needed. */
  readonly labels: (Uint8Array | undefined)[];
}

const UTF8 = new TextEncoder();

/**
 * A database in the making. Feed it records in order, then finish it. SQLite makes the tables and,
 * at the end, the indexes; the rows are written into pages here.
 */
export class CaptureBuilder implements RecordHandler {
  /** Events so far. */
  events = 0;
  /** Events lost. */
  lostEvents = 0;
  /** True once the record that ends a capture was seen. */
  complete = false;
  readonly era: Era;
  readonly #path: string;
  readonly #file: PageFile;
  readonly #row = new RowBuffer();
  readonly #decoder = new RecordDecoder(this);
  readonly #reducer: Reducer;
  readonly #meta: Record<string, unknown>;
  readonly #byRecord: (EventTable | undefined)[] = [];
  /** Everything that has pages to finish. */
  readonly #pages: { readonly table: Table; readonly pages: TablePages }[] = [];
  readonly #tables: Pick<TableRows<unknown>, 'name' | 'late' | 'finish'>[] = [];
  readonly #ops: TableRows<readonly SqlValue[]>;
  readonly #files: TableRows<readonly SqlValue[]>;
  readonly #tasks: TableRows<readonly SqlValue[]>;
  readonly #stats: TableRows<readonly SqlValue[]>;
  readonly #latency: TableRows<readonly SqlValue[]>;
  readonly #summary = new LatencySummary();
  readonly #ranges: EventRanges;
  readonly #markers: TablePages;
  readonly #others: TablePages;
  /** Words of labels that are in no table, by event and column. */
  readonly #unknown = new Map<string, Set<string>>();
  /** The latency flags last used: nearly always those of the next event. */
  #flags = '';
  #flagsBytes = UTF8.encode('');

  /** Fills the file, which must be new or empty. */
  constructor(path: string, meta: CaptureMeta) {
    if (meta.described !== undefined) addDescribed(meta.described);
    this.era = meta.era;
    this.#path = path;
    this.#meta = { ...meta };
    makeFile(path);
    this.#file = new PageFile(path);
    const pagesOf = (table: Table): TablePages => {
      const pages = new TablePages(this.#file);
      this.#pages.push({ table, pages });
      return pages;
    };
    const rowsOf = <T>(table: Table, form: RowForm<T>): TableRows<T> => {
      const rows = new TableRows(table.name, pagesOf(table), this.#row, form);
      this.#tables.push(rows);
      return rows;
    };
    const listsOf = (table: Table) => rowsOf(table, lists(table.key.length === 1));
    for (const tracepoint of tracepointsIn(this.era)) {
      if (tracepoint.format(this.era) === null) continue;
      this.#byRecord[tracepoint.record] = {
        pages: pagesOf(eventTable(tracepoint)),
        columns: eventColumns(tracepoint, this.era),
        request: tracepoint.columns.findIndex(({ name }) => name === requestColumn(tracepoint)),
      };
    }
    this.#markers = pagesOf(TABLES.marker);
    this.#others = pagesOf(TABLES.other_event);
    this.#ops = listsOf(TABLES.op);
    this.#files = listsOf(TABLES.file);
    this.#tasks = listsOf(TABLES.task);
    this.#stats = listsOf(TABLES.stats);
    this.#latency = listsOf(TABLES.latency);
    const ranges = listsOf(TABLES.event_range);
    const requests = rowsOf(TABLES.request, REQUESTS);
    const slices = rowsOf(
      TABLES.subrequest,
      subrequests((word) => this.#source(word)),
    );
    this.#ranges = new EventRanges((row) => ranges.add(row));
    this.#reducer = new Reducer(this.era, {
      request: (row) => {
        this.#summary.request(row);
        requests.add(row);
      },
      subrequest: (row) => {
        this.#summary.subrequest(row, this.#source(row.source));
        slices.add(row);
      },
    });
  }

  /** Takes the whole records in [from, to); returns where the first that is not whole starts. */
  feed(words: Float64Array, from: number, to: number): number {
    return this.#decoder.feed(words, from, to);
  }

  /** Writes the rest and the indexes; `elapsed` gives the milliseconds it took until then. */
  finish(elapsed: () => number): void {
    this.#reducer.finish();
    this.#ranges.finish();
    for (const row of this.#summary.rows()) this.#latency.add(row);
    for (const table of this.#tables) table.finish();
    const roots = new Map(this.#pages.map(({ table, pages }) => [table, pages.finish()]));
    this.#file.finish();
    this.#file.close();
    const tables = makeTables(this.#path, roots);
    const db = openUnsafe(this.#path);
    db.exec('BEGIN');
    for (const table of this.#tables) {
      const late = table.late();
      if (late.length === 0) continue;
      const insert = db.prepare(insertSql(table.name, late[0]?.length ?? 0));
      for (const row of late) insert.run(row);
    }
    describe(db, this.era, tables);
    const row = this.#captureRow(elapsed());
    db.prepare(insertSql('capture', row.length)).run(row);
    db.exec('COMMIT');
    db.close();
  }

  /** Leaves the file as it is: not a database anybody should open. */
  abandon(): void {
    this.#file.close();
  }

  event(record: number, words: Float64Array, at: number): void {
    const target = this.#byRecord[record];
    if (target === undefined) return;
    this.#reducer.event(record, words, at);
    const { columns, pages, request } = target;
    const row = this.#row;
    this.#begin(words, at, columns.length);
    const a = at + HEADER_WORDS;
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i] as EventColumn;
      const word = words[a + i] as number;
      if (!column.printed) row.absent();
      else if (column.plain && word >= 0) row.number(word);
      else this.#value(column, word);
    }
    row.close();
    pages.append(this.events, row);
    if (request >= 0) this.#ranges.number(this.events, words[a + request] as number);
  }

  task(task: number, pid: number, comm: string): void {
    this.#tasks.add([task, pid, comm]);
  }

  file({ ino, dev, path, how }: FileRecord): void {
    this.#files.add([ino, Number.isNaN(dev) ? null : dev, path, how]);
  }

  op({ op, kind, file, offset, len, result, start, end, direct }: OpRecord, task: number): void {
    const { read, write } = this.#reducer.takeRequestCounts(op);
    const past = direct === undefined ? null : Number(direct);
    const name = [op, task || null, kind, file] as const;
    this.#ops.add([...name, offset, len, result, start, end, read, write, past]);
  }

  stats(snapshot: number, ts: number, entries: readonly StatEntry[]): void {
    for (const { line, label, key, value } of entries) {
      this.#stats.add([snapshot, ts, line, label, key, value]);
    }
  }

  marker(text: string, words: Float64Array, at: number): void {
    this.#texts(this.#markers, words, at, [text]);
  }

  other(system: string, name: string, text: string, words: Float64Array, at: number): void {
    this.#texts(this.#others, words, at, [system, name, text]);
  }

  lost(events: number): void {
    this.lostEvents += events;
  }

  meta(values: Readonly<Record<string, unknown>>): void {
    Object.assign(this.#meta, values);
  }

  end(): void {
    this.complete = true;
  }

  /** Begins a row with the columns every event has, of which the first is the row's number. */
  #begin(words: Float64Array, at: number, columns: number): void {
    const row = this.#row;
    const place = words[at + 3] as number;
    this.events++;
    row.begin(EVENT_COLUMNS.length + columns);
    row.absent();
    row.number(words[at + 1] as number);
    row.number((words[at + 2] as number) || Number.NaN);
    row.number(placeCpu(place));
    const flags = this.#decoder.strings[placeFlags(place)];
    if (flags === undefined) row.absent();
    else row.text(this.#flagsAsBytes(flags));
    row.number((words[at + 4] as number) || Number.NaN);
  }

  #flagsAsBytes(flags: string): Uint8Array {
    if (flags !== this.#flags) {
      this.#flags = flags;
      this.#flagsBytes = UTF8.encode(flags);
    }
    return this.#flagsBytes;
  }

  /** Adds the value of a word that does not stand for itself. */
  #value({ event, column, labels }: EventColumn, word: number): void {
    const row = this.#row;
    if (column.symbols === null || !(word < RAW_LABEL)) {
      const value = decodeValue(column, word, this.era, this.#decoder.strings);
      if (column.symbols !== null && typeof value === 'string') {
        this.#noteUnknown(event, column, value);
      }
      if (column.kind === 'u64' && typeof value === 'string') row.wide(BigInt(value));
      else row.value(value);
      return;
    }
    let label = labels[word];
    if (label === undefined) {
      const text = column.symbols.text(this.era, word);
      // Only a kernel that describes itself has labels that are none of the known ones.
      if (word >= column.symbols.ids.length) this.#noteUnknown(event, column, text);
      label = UTF8.encode(text);
      labels[word] = label;
    }
    row.text(label);
  }

  #noteUnknown(event: string, { name }: Column, word: string): void {
    const key = `${event}.${name}`;
    const words = this.#unknown.get(key);
    if (words === undefined) this.#unknown.set(key, new Set([word]));
    else if (words.size < UNKNOWN_MAX) words.add(word);
  }

  #texts(pages: TablePages, words: Float64Array, at: number, texts: readonly string[]): void {
    this.#begin(words, at, texts.length);
    for (const text of texts) this.#row.value(text);
    this.#row.close();
    pages.append(this.events, this.#row);
  }

  #captureRow(finishMs: number): SqlValue[] {
    const defaults: Record<string, unknown> = {
      epoch_ms: 0,
      clock_origin_ns: 0,
      unparsed_lines: 0,
      lost_events: this.lostEvents,
      ...this.#meta,
      options: this.#options(),
      events: this.events,
      complete: this.complete ? 1 : 0,
      finish_ms: Math.round(finishMs),
      schema_version: SCHEMA_VERSION,
    };
    return TABLES.capture.columns.map(({ name }) => {
      const value = defaults[name] ?? null;
      return typeof value === 'object' && value !== null
        ? JSON.stringify(value)
        : (value as SqlValue);
    });
  }

  /** Options as they were told, with what is not known of the kernel and its words. */
  #options(): unknown {
    const { options = {}, described } = this.#meta;
    const unknown = [...this.#unknown].map(([key, words]) => [key, [...words]]);
    return {
      ...(options as object),
      ...(described !== undefined && { [DESCRIBED]: described }),
      ...(unknown.length > 0 && { [UNKNOWN_WORDS]: Object.fromEntries(unknown) }),
    };
  }

  #source(word: number): string | null {
    if (word >= RAW_LABEL) return this.#decoder.strings[word - RAW_LABEL] ?? null;
    return netfsSreqSources.text(this.era, word);
  }
}

function eventColumns(tracepoint: AnyTracepoint, era: Era): EventColumn[] {
  const { columns } = tracepoint;
  // NULLs at the end of a row need not be there.
  const last = columns.findLastIndex((_, i) => tracepoint.prints(era, i));
  return columns.slice(0, last + 1).map((column, i) => ({
    event: tracepoint.name,
    column,
    printed: tracepoint.prints(era, i),
    plain: column.symbols === null && column.kind !== 'text',
    labels: [],
  }));
}

/** Makes a database without tables of an empty file. */
function makeFile(path: string): void {
  const db = openUnsafe(path);
  db.pragma(`page_size = ${PAGE}`);
  db.pragma(`application_id = ${APPLICATION_ID}`);
  db.pragma(`user_version = ${SCHEMA_VERSION}`);
  db.close();
}

/**
 * Tells SQLite of the tables whose pages are written, by their roots, and makes those that are
 * always there; returns the tables that there are now.
 */
function makeTables(path: string, roots: ReadonlyMap<Table, number>): Table[] {
  const filled = [...roots.keys()].filter((table) => roots.get(table) !== 0);
  const empty = ALWAYS.filter((table) => !filled.includes(table));
  adoptTables(
    path,
    filled.map((table) => [table.name, roots.get(table) as number, tableSql(table)]),
  );
  const db = openUnsafe(path);
  for (const table of empty) db.exec(tableSql(table));
  db.close();
  return [...filled, ...empty];
}

/** Tells SQLite of tables whose pages are written: name, number of the root page, statement. */
export function adoptTables(
  path: string,
  tables: readonly (readonly [name: string, root: number, sql: string])[],
): void {
  const db = openUnsafe(path);
  db.pragma('writable_schema = ON');
  const add = db.prepare(`INSERT INTO sqlite_master VALUES ('table', ?, ?, ?, ?)`);
  db.exec('BEGIN');
  for (const [name, root, sql] of tables) add.run(name, name, root, sql);
  db.exec('COMMIT');
  db.close();
}

/** Adds to the tables of a capture whose rows are in: views, indexes, documentation. */
export function describe(db: Database.Database, era: Era, tables: readonly Table[]): void {
  const names = new Set(tables.map(({ name }) => name));
  for (const view of VIEWS) db.exec(viewSql(view, era, names));
  for (const sql of indexStatements(tables)) db.exec(sql);
  const insert = db.prepare(insertSql('_doc', 4));
  for (const row of docRows(tables)) insert.run(row);
}

/**
 * The spool is what survives a crash; the database is made anew from it. Without a journal, also
 * because one left behind would be played back into the new database.
 */
function openUnsafe(path: string): Database.Database {
  const db = new Database(path);
  db.unsafeMode(true);
  db.pragma('journal_mode = OFF');
  db.pragma('synchronous = OFF');
  db.pragma('locking_mode = EXCLUSIVE');
  db.pragma('cache_size = -16384');
  return db;
}

function insertSql(table: string, columns: number): string {
  return `INSERT INTO ${quoted(table)} VALUES (${new Array(columns).fill('?').join(', ')})`;
}
