/**
 * Makes a database of records. Used by the writing thread, by recovery from a spool, and directly
 * by importers and tests.
 */
import Database from 'better-sqlite3';
import type { Era } from '../trace/eras.js';
import { netfsSreqSources } from '../trace/events/netfs.js';
import { TRACEPOINTS } from '../trace/index.js';
import {
  decodeValue,
  type OpRecord,
  placeCpu,
  placeFlags,
  RAW_LABEL,
  RecordDecoder,
  type RecordHandler,
  type StatEntry,
} from '../trace/record.js';
import { Reducer, type RequestRow, type SubrequestRow } from '../trace/reducer.js';
import { type AnyTracepoint, HEADER_WORDS } from '../trace/tracepoint.js';
import { BatchInsert } from './rows.js';
import {
  APPLICATION_ID,
  createStatements,
  EVENT_COLUMNS,
  indexStatements,
  quoted,
  SCHEMA_VERSION,
  TABLES,
} from './schema.js';
import type { CaptureMeta, SqlValue } from './types.js';

/** One tracepoint's table being filled: only the columns its era prints. */
interface EventInsert {
  readonly insert: BatchInsert;
  readonly tracepoint: AnyTracepoint;
  /** Indexes of the printed columns. */
  readonly printed: readonly number[];
}

const EVENT_NAMES = EVENT_COLUMNS.map((column) => column.name);
const names = (columns: readonly { readonly name: string }[]) => columns.map((each) => each.name);

/** A database in the making. Feed it records in order, then finish it. */
export class CaptureBuilder implements RecordHandler {
  /** Events so far. */
  events = 0;
  /** Events lost. */
  lostEvents = 0;
  /** True once the record that ends a capture was seen. */
  complete = false;
  readonly era: Era;
  readonly #db: Database.Database;
  readonly #decoder = new RecordDecoder(this);
  readonly #reducer: Reducer;
  readonly #meta: Record<string, unknown>;
  readonly #byRecord: (EventInsert | undefined)[] = [];
  readonly #inserts: BatchInsert[] = [];
  readonly #ops: BatchInsert;
  readonly #tasks: BatchInsert;
  readonly #stats: BatchInsert;
  readonly #markers: BatchInsert;
  readonly #others: BatchInsert;

  /** Fills the file, which must be new or empty. */
  constructor(path: string, meta: CaptureMeta) {
    this.era = meta.era;
    this.#meta = { ...meta };
    this.#db = new Database(path);
    const db = this.#db;
    // The spool is what survives a crash; the database is made anew from it. Without a journal,
    // also because one left behind would be played back into the new database.
    db.unsafeMode(true);
    db.pragma('journal_mode = OFF');
    db.pragma('synchronous = OFF');
    db.pragma('locking_mode = EXCLUSIVE');
    db.pragma('cache_size = -16384');
    db.pragma(`application_id = ${APPLICATION_ID}`);
    db.pragma(`user_version = ${SCHEMA_VERSION}`);
    db.exec(createStatements(this.era).join(';\n'));
    db.exec('BEGIN');
    const insert = (table: string, columns: readonly string[]): BatchInsert => {
      const made = new BatchInsert(db, table, columns);
      this.#inserts.push(made);
      return made;
    };
    for (const tracepoint of TRACEPOINTS) {
      if (tracepoint.format(this.era) === null) continue;
      const printed = tracepoint.columns
        .map((_, i) => i)
        .filter((i) => tracepoint.prints(this.era, i));
      const own = printed.map((i) => (tracepoint.columns[i] as { name: string }).name);
      const made = insert(tracepoint.name, [...EVENT_NAMES, ...own]);
      this.#byRecord[tracepoint.record] = { insert: made, tracepoint, printed };
    }
    this.#ops = insert('op', names(TABLES.op.columns));
    this.#tasks = insert('task', names(TABLES.task.columns));
    this.#stats = insert('stats', names(TABLES.stats.columns));
    this.#markers = insert('marker', names(TABLES.marker.columns));
    this.#others = insert('other_event', names(TABLES.other_event.columns));
    const requests = insert('request', names(TABLES.request.columns));
    const subrequests = insert('subrequest', names(TABLES.subrequest.columns));
    this.#reducer = new Reducer(this.era, {
      request: (row) => requests.row(...requestValues(row)),
      subrequest: (row) => subrequests.row(...this.#subrequestValues(row)),
    });
  }

  /** Takes the whole records in [from, to); returns where the first that is not whole starts. */
  feed(words: Float64Array, from: number, to: number): number {
    return this.#decoder.feed(words, from, to);
  }

  /** Writes the rest and the indexes; `elapsed` gives the milliseconds it took until then. */
  finish(elapsed: () => number): void {
    this.#reducer.finish();
    for (const insert of this.#inserts) insert.flush();
    const db = this.#db;
    for (const sql of indexStatements()) db.exec(sql);
    const row = this.#captureRow(elapsed());
    const columns = TABLES.capture.columns.map((column) => quoted(column.name)).join(', ');
    const marks = TABLES.capture.columns.map(() => '?').join(', ');
    db.prepare(`INSERT INTO "capture" (${columns}) VALUES (${marks})`).run(row);
    db.exec('COMMIT');
    db.close();
  }

  /** Leaves the file as it is: not a database anybody should open. */
  abandon(): void {
    this.#db.close();
  }

  event(record: number, words: Float64Array, at: number): void {
    const target = this.#byRecord[record];
    if (target === undefined) return;
    this.#reducer.event(record, words, at);
    const { insert, tracepoint, printed } = target;
    const { values } = insert;
    const { columns } = tracepoint;
    const { strings } = this.#decoder;
    let to = this.#header(insert, words, at);
    const a = at + HEADER_WORDS;
    for (let i = 0; i < printed.length; i++) {
      const index = printed[i] as number;
      const column = columns[index] as AnyTracepoint['columns'][number];
      const word = words[a + index] as number;
      // Nearly every column is a number that stands for itself.
      values[to++] =
        column.symbols === null && word >= 0 && column.kind !== 'text'
          ? word
          : decodeValue(column, word, this.era, strings);
    }
  }

  task(task: number, pid: number, comm: string): void {
    this.#tasks.row(task, pid, comm);
  }

  op({ op, kind, file, offset, len, result, start, end }: OpRecord, task: number): void {
    const requests = this.#reducer.takeRequestCount(op);
    this.#ops.row(op, task || null, kind, file, offset, len, result, start, end, requests);
  }

  stats(snapshot: number, ts: number, entries: readonly StatEntry[]): void {
    for (const { line, label, key, value } of entries) {
      this.#stats.row(snapshot, ts, line, label, key, value);
    }
  }

  marker(text: string, words: Float64Array, at: number): void {
    const to = this.#header(this.#markers, words, at);
    this.#markers.values[to] = text;
  }

  other(system: string, name: string, text: string, words: Float64Array, at: number): void {
    const to = this.#header(this.#others, words, at);
    this.#others.values[to] = system;
    this.#others.values[to + 1] = name;
    this.#others.values[to + 2] = text;
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

  /** Begins a row with the columns every event has; returns where its own start. */
  #header(insert: BatchInsert, words: Float64Array, at: number): number {
    const { values } = insert;
    const to = insert.next();
    const place = words[at + 3] as number;
    values[to] = ++this.events;
    values[to + 1] = words[at + 1] as number;
    values[to + 2] = (words[at + 2] as number) || null;
    values[to + 3] = placeCpu(place);
    values[to + 4] = this.#decoder.strings[placeFlags(place)] ?? null;
    values[to + 5] = (words[at + 4] as number) || null;
    return to + 6;
  }

  #captureRow(finishMs: number): SqlValue[] {
    const defaults: Record<string, unknown> = {
      epoch_ms: 0,
      clock_origin_ns: 0,
      options: {},
      unparsed_lines: 0,
      lost_events: this.lostEvents,
      ...this.#meta,
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

  #source(word: number): string | null {
    if (word >= RAW_LABEL) return this.#decoder.strings[word - RAW_LABEL] ?? null;
    return netfsSreqSources.text(this.era, word);
  }

  #subrequestValues(row: SubrequestRow): SqlValue[] {
    return TABLES.subrequest.columns.map(({ name }) => {
      if (name === 'source') return this.#source(row.source);
      if (name === 'first_source') return this.#source(row.first_source);
      return row[name as keyof SubrequestRow];
    });
  }
}

function requestValues(row: RequestRow): SqlValue[] {
  return TABLES.request.columns.map(({ name }) => row[name as keyof RequestRow]);
}
