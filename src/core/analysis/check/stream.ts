/**
 * The events of a capture in order, as rules see them: one statement per table, merged by id.
 * Called by walk.ts. Rows of SQLite are completed in place; nothing else is allocated per event.
 */
import { UsageError } from '../../base/errors.js';
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
  rows: readonly SqlRow[];
  at: number;
  readonly complete: (row: SqlRow) => CheckEvent;
  next: CheckEvent | null;
}

/** A label column, and the identifiers of its words. */
interface Labels {
  readonly column: string;
  id(word: string): string;
}

/** The statement that reads an event's table in order. */
export function eventSql({ name, columns }: AnyTracepoint): string {
  const own = columns.map(({ name: column }) => {
    const alias = ALIASES[column];
    return alias === undefined ? `"${column}"` : `"${column}" AS "${alias}"`;
  });
  return `SELECT "id", "ts", "task", ${own.join(', ')} FROM "${name}"
WHERE "id" > @after ORDER BY "id" LIMIT @count`;
}

/** The tracepoint of a name. Throws `UsageError`. */
export function tracepointNamed(name: string): AnyTracepoint {
  const found = TRACEPOINTS.find((each) => each.name === name);
  if (found === undefined) throw new UsageError('event', `no event is called ${name}`);
  return found;
}

/** The events of these names in the order of the trace, behind the one of number `after`. */
export function* eventStream(
  capture: Capture,
  names: readonly string[],
  after = 0,
): Generator<CheckEvent, void> {
  const sources = names
    .map((name) => open(capture, name, after))
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

function open(capture: Capture, name: string, after: number): Source {
  const tracepoint = tracepointNamed(name);
  const complete = completer(tracepoint, capture.info.era);
  const sql = eventSql(tracepoint);
  const source: Source = { sql, rows: [], at: 0, complete, next: null };
  advance(capture, source, after);
  return source;
}

function advance(capture: Capture, source: Source, after: number): void {
  if (source.at === source.rows.length) {
    source.rows = capture.all(source.sql, { after, count: CHUNK });
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
  const id = (word: string): string => {
    let found = known.get(word);
    if (found === undefined) {
      const number = symbols.find(era, word);
      found = number === undefined ? word : (symbols.ids[number] as string);
      known.set(word, found);
    }
    return found;
  };
  return { column: name, id };
}
