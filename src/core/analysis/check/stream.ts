/**
 * The events of a capture in order, as rules see them: one statement per table, merged by id.
 * Called by walk.ts. Rows of SQLite are completed in place; nothing else is allocated per event.
 */
import { UsageError } from '../../base/errors.js';
import { requestColumn } from '../../store/event_ranges.js';
import { exactSql } from '../../store/exact_sql.js';
import type { Capture, SqlRow } from '../../store/types.js';
import type { Era } from '../../trace/eras.js';
import { TRACEPOINTS } from '../../trace/index.js';
import type { AnyTracepoint } from '../../trace/tracepoint.js';
import type { CheckEvent } from './types.js';

/** Columns that go by another name in some events. */
const ALIASES: Readonly<Record<string, string>> = {
  wreq: 'rreq',
  subreq: 'index',
  f_start: 'start',
};

/** The label that says what happened; the first of these that an event has. */
const MAIN_LABELS = ['what', 'why', 'where', 'trace', 'type'];

/** Rows that are read at a time: many at once take half as long as one by one. */
const CHUNK = 2000;

interface Source {
  readonly sql: string;
  /** Numbers of requests as JSON. */
  readonly requests: string;
  rows: readonly SqlRow[];
  at: number;
  readonly complete: (row: SqlRow) => CheckEvent;
  next: CheckEvent | null;
}

/** A label column, and the identifiers of its words. */
interface Labels {
  readonly column: string;
  /** Words that were met and are in no table. */
  readonly unknown: ReadonlySet<unknown>;
  id(word: string): string;
}

/** Which events of a trace are wanted. */
export interface Wanted {
  /** Only events behind the one of this number. */
  readonly after?: number;
  /** Only events of requests of these numbers; all if it is left out. */
  readonly requests?: readonly number[];
}

/** The statement that reads an event's table in order; of all requests, or of those named. */
function eventSql(tracepoint: AnyTracepoint, all = true): string {
  const { name, columns } = tracepoint;
  const request = all ? undefined : requestColumn(tracepoint);
  const named = `AND "${request}" IN (SELECT "value" FROM json_each(@requests))`;
  const own = columns.map((column) => {
    const alias = ALIASES[column.name] ?? column.name;
    return `${exactSql(column)} AS "${alias}"`;
  });
  return `SELECT "id", "ts", "task", ${own.join(', ')} FROM "${name}" AS "e"
WHERE "id" > @after ${request === undefined ? '' : named} ORDER BY "id" LIMIT @count`;
}

/** The tracepoint of a name. Throws `UsageError`. */
export function tracepointNamed(name: string): AnyTracepoint {
  const found = TRACEPOINTS.find((each) => each.name === name);
  if (found === undefined) throw new UsageError('event', `no event is called ${name}`);
  return found;
}

/** The events of these names in the order of the trace. */
export function* eventStream(
  capture: Capture,
  names: readonly string[],
  wanted: Wanted = {},
): Generator<CheckEvent, void> {
  const sources = names
    .map((name) => open(capture, name, wanted))
    .filter(({ next }) => next !== null);
  while (sources.length > 0) {
    let least = 0;
    for (let i = 1; i < sources.length; i++) {
      if (idOf(sources[i] as Source) < idOf(sources[least] as Source)) least = i;
    }
    const source = sources[least] as Source;
    const event = source.next as CheckEvent;
    yield event;
    advance(capture, source, event.id);
    if (source.next === null) sources.splice(least, 1);
  }
}

function idOf({ next }: Source): number {
  return (next as CheckEvent).id;
}

function open(capture: Capture, name: string, { after = 0, requests }: Wanted): Source {
  const tracepoint = tracepointNamed(name);
  const complete = completer(tracepoint, capture.info.era);
  const sql = eventSql(tracepoint, requests === undefined);
  const numbers = JSON.stringify(requests ?? []);
  const source: Source = { sql, requests: numbers, rows: [], at: 0, complete, next: null };
  advance(capture, source, after);
  return source;
}

function advance(capture: Capture, source: Source, after: number): void {
  if (source.at === source.rows.length) {
    const { sql, requests } = source;
    source.rows = capture.all(sql, { after, requests, count: CHUNK });
    source.at = 0;
  }
  const row = source.rows[source.at++];
  source.next = row === undefined ? null : source.complete(row);
}

/** Makes events of rows of an event's columns, in place: adds the labels by their identifiers. */
export function completer(tracepoint: AnyTracepoint, era: Era): (row: SqlRow) => CheckEvent {
  const main = MAIN_LABELS.map((label) => labelsOf(tracepoint, label, era));
  const step = main.find((each) => each !== null) ?? null;
  const from = labelsOf(tracepoint, 'source', era);
  const { name } = tracepoint;
  return (given) => {
    const row = given as Record<string, SqlRow[string]>;
    row.event = name;
    row.step = step === null ? '' : step.id(String(row[step.column]));
    if (from !== null) row.from = from.id(String(row[from.column]));
    if (step?.unknown.has(row.step) || from?.unknown.has(row.from)) row.strange = 1;
    return row as unknown as CheckEvent;
  };
}

/** The identifier of a printed word of the main label; the word itself if it is not known. */
export function labelId(event: string, word: string, { info }: Capture): string {
  const tracepoint = tracepointNamed(event);
  const labels = MAIN_LABELS.map((label) => labelsOf(tracepoint, label, info.era));
  return labels.find((each) => each !== null)?.id(word) ?? '';
}

function labelsOf({ columns }: AnyTracepoint, name: string, era: Era): Labels | null {
  const symbols = columns.find((column) => column.name === name)?.symbols ?? null;
  if (symbols === null) return null;
  const known = new Map<string, string>();
  const unknown = new Set<string>();
  const id = (word: string): string => {
    let found = known.get(word);
    if (found === undefined) {
      const number = symbols.find(era, word);
      // A described kernel has words that no known one has: they are only themselves.
      const id = number === undefined ? undefined : symbols.ids[number];
      found = id ?? word;
      // An event without the label has none that is not known.
      if (id === undefined && word !== 'null') unknown.add(word);
      known.set(word, found);
    }
    return found;
  };
  return { column: name, unknown, id };
}
