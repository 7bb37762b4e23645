/**
 * The life of a request over all layers: its own events, those of its cookie, its cache object and
 * the transport, joined over R=, c=, o= and the task. Called by `trace request --explain`.
 */
import { eventsOfRequest } from '../store/event_ranges.js';
import type { Capture, SqlRow } from '../store/types.js';
import { TRACEPOINTS } from '../trace/index.js';
import type { AnyTracepoint } from '../trace/tracepoint.js';
import { labelId } from './check/stream.js';
import { meaningOf } from './meanings.js';
import type { Column, Row } from './types.js';

/** The columns of a story. */
export const STORY_COLUMNS: readonly Column[] = [
  { name: 'at', doc: 'Since the first event of the request.', unit: 'time' },
  { name: 'gap', doc: 'Since the event before.', unit: 'ns' },
  {
    name: 'mark',
    doc: '* = on the critical path (the slice that ended last); <-- = a quarter of the life or more.',
    unit: 'text',
  },
  { name: 'comm', doc: 'Task that was executing.', unit: 'text' },
  { name: 'event', doc: 'Event, as the kernel prints it.', unit: 'text' },
  { name: 'means', doc: 'What it means.', unit: 'text' },
  { name: 'by', doc: 'Kernel function that says it.', unit: 'text' },
];

/** Systems whose events belong to a request by the task that makes them. */
const TRANSPORT = new Set(['9p', 'afs', 'nfs', 'nfs4', 'cifs']);

const MAIN = ['what', 'why', 'where', 'trace', 'type', 'operation'];

/** How the events of a tracepoint belong to a request; null = not at all. */
function belongs({ columns, system, name }: AnyTracepoint): string | null {
  const has = (column: string) => columns.some((each) => each.name === column);
  if (has('rreq') && name !== 'netfs_copy2cache') return '"rreq" = @rreq';
  if (has('wreq')) return '"wreq" = @rreq';
  if (name === 'netfs_folio') return '"ino" = @ino AND "task" = @task';
  if (has('cookie') && system !== 'netfs') return '"cookie" = @cookie AND @cookie > 0';
  if (has('obj')) return '"obj" IN (SELECT "obj" FROM "object")';
  return TRANSPORT.has(system) ? '"task" = @task' : null;
}

/** The statement that finds the events: from the begin of the request to its last event. */
export const STORY_SQL = `
WITH "object" AS (
  SELECT DISTINCT "obj" FROM "cachefiles_ref" WHERE "cookie" = @cookie AND @cookie > 0
)
${TRACEPOINTS.flatMap((each) => {
  const condition = belongs(each);
  if (condition === null) return [];
  const word = MAIN.find((column) => each.columns.some(({ name }) => name === column));
  const index = ['index', 'subreq'].find((name) => each.columns.some((has) => has.name === name));
  return [
    `SELECT "id", '${each.name}' AS "event", ${word === undefined ? "''" : `"${word}"`} AS "word",
  ${index === undefined ? 'NULL' : `"${index}"`} AS "slice"
FROM "${each.name}" WHERE "id" BETWEEN @first AND @last AND ${condition}`,
  ];
}).join('\nUNION ALL\n')}
ORDER BY "id"`;

/** The events of a request, each in a sentence. */
export function requestStory(capture: Capture, request: SqlRow): Row[] {
  const { rreq, cookie, netfs_inode: ino, task } = request;
  const span = capture.get(spanSql(), { from: request.begin_ns, to: request.free_ns, rreq });
  const first = Number(span?.first);
  const last = Number(span?.last);
  if (!(last >= first)) return [];
  const found = capture.all(STORY_SQL, { rreq, cookie, ino, task, first, last });
  const texts = textsOf(capture, found);
  const critical = criticalSlice(capture, request);
  const life = timeOf(texts, found.at(-1)) - timeOf(texts, found[0]);
  const begin = timeOf(texts, found[0]);
  let before = begin;
  return found.flatMap((each) => {
    const text = texts.get(Number(each.id));
    if (text === undefined) return [];
    const gap = Number(text.ts) - before;
    before = Number(text.ts);
    const meaning = meaningOf(
      String(each.event),
      labelId(String(each.event), String(each.word), capture),
      capture.info.era,
    );
    const marks = [
      each.slice !== null && each.slice === critical ? '*' : '',
      life > 0 && gap * 4 >= life ? '<--' : '',
    ];
    return [
      {
        ...{
          at: Number(text.ts) - begin,
          gap,
          mark: marks.join('').trim(),
          comm: text.comm ?? null,
        },
        event: `${each.event}: ${text.text}`,
        ...{ means: meaning?.means ?? null, by: meaning?.by || null },
      },
    ];
  });
}

function timeOf(texts: ReadonlyMap<number, SqlRow>, row: SqlRow | undefined): number {
  return Number(texts.get(Number(row?.id))?.ts ?? 0);
}

/** First and last event that print the request's number, within its life. */
function spanSql(): string {
  const each = ['netfs_read', 'netfs_rreq', 'netfs_sreq', 'netfs_rreq_ref'].map(
    (name) => `SELECT "id" ${eventsOfRequest(name)}
  AND (@from IS NULL OR "ts" >= @from) AND (@to IS NULL OR "ts" <= @to)`,
  );
  return `SELECT min("id") AS "first", max("id") AS "last" FROM (${each.join(' UNION ALL ')})`;
}

function textsOf(capture: Capture, found: readonly SqlRow[]): Map<number, SqlRow> {
  const ids = found.map(({ id }) => Number(id)).join(', ');
  const rows = capture.all(
    `SELECT "id", "ts", "comm", "text" FROM "events" WHERE "id" IN (${ids})`,
  );
  return new Map(rows.map((row) => [Number(row.id), row]));
}

/** The slice whose answer came last: what everybody waited for. */
function criticalSlice(capture: Capture, request: SqlRow): number | null {
  const row = capture.get(
    'SELECT "index" FROM "subrequest" WHERE "request" = @uid ORDER BY "term_ns" DESC LIMIT 1',
    { uid: request.uid },
  );
  return row === undefined ? null : Number(row.index);
}
