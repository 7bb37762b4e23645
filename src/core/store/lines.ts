/**
 * The events of a capture as the kernel prints them: the tables of the tracepoints are read side by
 * side in the order of their ids and each row is printed by its tracepoint. Events of our own come
 * only when they are named.
 */
import type { Database } from 'better-sqlite3';
import { OWN_SYSTEM } from '../trace/events/own.js';
import { tracepointsIn } from '../trace/index.js';
import { printLine } from '../trace/line.js';
import type { AnyTracepoint, Column } from '../trace/tracepoint.js';
import type { Value } from '../trace/types.js';
import { eventsOfRequest, requestColumn } from './event_ranges.js';
import { exactSql } from './exact_sql.js';
import { quoted } from './schema.js';
import type { CaptureInfo, LineFilter, SqlValue } from './types.js';

/** A table whose rows can be printed. */
interface Source {
  readonly table: string;
  /** The column with the number of a request, if it has one. */
  readonly request?: string | undefined;
  /** Columns to read after those of every event. */
  readonly columns: readonly Pick<Column, 'name' | 'kind'>[];
  /** Name and text of a row's event, from the values of `columns`. */
  print(values: readonly Value[]): readonly [event: string, text: string];
}

/** One table being read. */
interface Cursor {
  readonly source: Source;
  readonly rows: IterableIterator<readonly Value[]>;
  row: readonly Value[];
}

const PREFIX = ['id', 'ts', 'task', 'cpu', 'common_flags'] as const;

function tracepointSource(
  tracepoint: AnyTracepoint,
  { era }: CaptureInfo,
  decode: boolean,
): Source {
  return {
    table: tracepoint.name,
    request: requestColumn(tracepoint),
    columns: tracepoint.columns,
    print: (values) => [
      tracepoint.name,
      decode ? tracepoint.decode(values, era) : tracepoint.print(values, era),
    ],
  };
}

const TEXT = { name: 'text', kind: 'text' } as const;

const MARKERS: Source = {
  table: 'marker',
  columns: [TEXT],
  print: ([text]) => ['tracing_mark_write', String(text)],
};

const OTHERS: Source = {
  table: 'other_event',
  columns: [{ name: 'event', kind: 'text' }, TEXT],
  print: ([event, text]) => [String(event), String(text)],
};

/** The tables a filter can select from, with the condition on each. */
function sourcesFor(info: CaptureInfo, filter: LineFilter): Source[] {
  const { events, rreq, source, decode = false } = filter;
  const wanted = (name: string): boolean => events === undefined || events.includes(name);
  const has = (tracepoint: AnyTracepoint, name: string): boolean =>
    tracepoint.columns.some((column) => column.name === name);
  const sources = tracepointsIn(info.era)
    .filter(
      (each) =>
        each.format(info.era) !== null &&
        (events === undefined ? each.system !== OWN_SYSTEM : wanted(each.name)) &&
        (rreq === undefined || requestColumn(each) !== undefined) &&
        (source === undefined || has(each, 'source')),
    )
    .map((each) => tracepointSource(each, info, decode));
  if (rreq !== undefined || source !== undefined) return sources;
  if (wanted('tracing_mark_write')) sources.push(MARKERS);
  sources.push(OTHERS);
  return sources;
}

/** FROM and WHERE of the rows of a table that pass. */
function selection(table: Source, filter: LineFilter): { sql: string; params: SqlValue[] } {
  const parts: string[] = [];
  const params: SqlValue[] = [];
  const add = (sql: string, ...values: SqlValue[]): void => {
    parts.push(sql);
    params.push(...values);
  };
  const { events, rreq, file, since, until, source } = filter;
  parts.push(
    rreq === undefined
      ? `FROM ${quoted(table.table)} AS "e" WHERE true`
      : eventsOfRequest(table.table, table.request, String(rreq)),
  );
  if (source !== undefined) add('"e"."source" = ?', source);
  if (since !== undefined) add('"e"."ts" >= ?', since);
  if (until !== undefined) add('"e"."ts" < ?', until);
  if (table === OTHERS && events !== undefined) {
    add(`"e"."event" IN (${events.map(() => '?').join(', ')})`, ...events);
  }
  if (file !== undefined) {
    const ofOp = '"e"."op" IN (SELECT "id" FROM "op" WHERE "file" = ?)';
    // What other threads do for a request carries no operation; the request does.
    const ofRequest = `EXISTS (SELECT 1 FROM "request" AS "r"
      JOIN "request_file" AS "f" ON "f"."request_uid" = "r"."request_uid"
      WHERE "r"."rreq" = "e"."rreq" AND "f"."file" = ? AND "e"."ts" >= "r"."begin_ns"
      AND ("r"."free_ns" IS NULL OR "e"."ts" <= "r"."free_ns"))`;
    if (table.columns.some(({ name }) => name === 'rreq'))
      add(`(${ofOp} OR ${ofRequest})`, file, file);
    else add(ofOp, file);
  }
  return { sql: parts.join(' AND '), params };
}

function* merge(cursors: Cursor[]): IterableIterator<Cursor> {
  let open = cursors;
  while (open.length > 0) {
    let first = open[0] as Cursor;
    for (const each of open) if ((each.row[0] as number) < (first.row[0] as number)) first = each;
    yield first;
    const next = first.rows.next();
    if (next.done) open = open.filter((each) => each !== first);
    else first.row = next.value;
  }
}

/** The lines that pass the filter, without newlines. */
export function* captureLines(
  db: Database,
  info: CaptureInfo,
  filter: LineFilter,
): IterableIterator<string> {
  const tasks = new Map<Value, { comm: string; pid: number }>();
  for (const row of db.prepare('SELECT "id", "comm", "pid" FROM "task"').all()) {
    const { id, comm, pid } = row as { id: number; comm: string; pid: number };
    tasks.set(id, { comm, pid });
  }
  const cursors: Cursor[] = [];
  for (const source of sourcesFor(info, filter)) {
    const { sql, params } = selection(source, filter);
    const prefix = PREFIX.map((name) => `"e".${quoted(name)}`);
    const columns = [...prefix, ...source.columns.map((each) => exactSql(each))].join(', ');
    const rows = db
      .prepare(`SELECT ${columns} ${sql} ORDER BY "e"."id"`)
      .raw()
      .iterate(...params) as IterableIterator<readonly Value[]>;
    const first = rows.next();
    if (!first.done) cursors.push({ source, rows, row: first.value });
  }
  try {
    for (const { source, row } of merge(cursors)) {
      const [event, text] = source.print(row.slice(PREFIX.length));
      const task = tasks.get(row[2] as Value) ?? { comm: '<...>', pid: 0 };
      const prefix = {
        ...task,
        cpu: row[3] as number,
        flags: (row[4] as string | null) ?? '',
        ns: (row[1] as number) + info.clock_origin_ns,
      };
      yield printLine(info.era, prefix, event, text);
    }
  } finally {
    for (const { rows } of cursors) rows.return?.();
  }
}
