/**
 * The life of a request over all layers: its own events, those of its cookie, its cache object and
 * the transport, joined over R=, c=, o= and the task. Called by `trace request --explain`.
 */
import { eventsOfRequest, requestColumn } from '../store/event_ranges.js';
import type { Capture, SqlRow } from '../store/types.js';
import { TRACEPOINTS } from '../trace/index.js';
import type { AnyTracepoint } from '../trace/tracepoint.js';
import { labelId } from './check/stream.js';
import { meaningOf } from './meanings.js';
import { spanOf } from './span.js';
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
  // A collector unlocks what the task that asked has locked.
  if (name === 'netfs_folio') {
    return '"ino" = @ino AND ("task" = @task OR "index" BETWEEN @page AND @lastPage)';
  }
  if (has('cookie') && system !== 'netfs') return '"cookie" = @cookie AND @cookie > 0';
  if (has('obj')) return '"obj" IN (SELECT "obj" FROM "object")';
  return TRANSPORT.has(system) ? '"task" = @task' : null;
}

/** Events whose index is that of a page, not of a slice. */
const PAGES = new Set(['netfs_folio', 'netfs_collect_folio']);

/** Events kept as text belong to a request if they print its number. */
const AS_TEXT = `SELECT "id", "event", '' AS "word", NULL AS "slice" FROM "other_event"
WHERE "id" BETWEEN @first AND @last AND "text" GLOB @named`;

/** The statement that finds the events: from the making of the request to its last event. */
const STORY_SQL = `
WITH "object" AS (
  SELECT DISTINCT "obj" FROM "cachefiles_ref" WHERE "cookie" = @cookie AND @cookie > 0
)
${TRACEPOINTS.flatMap((each) => {
  const condition = belongs(each);
  if (condition === null) return [];
  const word = MAIN.find((column) => each.columns.some(({ name }) => name === column));
  const index = PAGES.has(each.name)
    ? undefined
    : ['index', 'subreq'].find((name) => each.columns.some((has) => has.name === name));
  return [
    `SELECT "id", '${each.name}' AS "event", ${word === undefined ? "''" : `"${word}"`} AS "word",
  ${index === undefined ? 'NULL' : `"${index}"`} AS "slice"
FROM "${each.name}" WHERE "id" BETWEEN @first AND @last AND ${condition}`,
  ];
}).join('\nUNION ALL\n')}
UNION ALL
${AS_TEXT}
ORDER BY "id"`;

/** The events of a request, each in a sentence. */
export function requestStory(capture: Capture, request: SqlRow): Row[] {
  const { rreq, cookie, netfs_inode: ino, task } = request;
  const { first, last } = lifeOf(capture, request);
  if (!(last >= first)) return [];
  const named = `*R=${Number(rreq).toString(16).padStart(8, '0')}[^0-9a-f]*`;
  const [start, len] = [Number(request.start ?? -1), Number(request.len ?? 0)];
  const page = Math.floor(start / 4096);
  const lastPage = start < 0 ? -1 : Math.floor((start + Math.max(len, 1) - 1) / 4096);
  const of = { rreq, cookie, ino, task, first, last, named, page, lastPage };
  const found = capture.all(STORY_SQL, of);
  const { timed } = spanOf(capture);
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
    const meaning = meaningIn(capture, String(each.event), String(each.word));
    const marks = [
      each.slice !== null && each.slice === critical ? '*' : '',
      timed && life > 0 && gap * 4 >= life ? '<--' : '',
    ];
    return [
      {
        ...{
          at: timed ? Number(text.ts) - begin : null,
          gap: timed ? gap : null,
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

/** Tables whose events print the number of a request, and the column they do it in. */
const NUMBERED = TRACEPOINTS.filter(({ name }) => name !== 'netfs_copy2cache').flatMap((each) => {
  const column = requestColumn(each);
  return column === undefined ? [] : [[each.name, column] as const];
});

/** First and last event that print a number, between two events. */
const LIFE = `SELECT min("id") AS "first", max("id") AS "last" FROM (
${NUMBERED.map(
  ([name, column]) => `SELECT "e"."id" AS "id" ${eventsOfRequest(name, column)}
  AND "e"."id" > @after AND "e"."id" < @before`,
).join(' UNION ALL ')})`;

/** The id of the first or last event of a moment that tells of a request's steps. */
const AT = `SELECT "e"."id" AS "id" ${eventsOfRequest('netfs_rreq')} AND "e"."ts" = @ts
ORDER BY "e"."id" DESC LIMIT 1`;

/** Where a number is made anew, behind an event. */
const NEXT = `SELECT min("e"."id") AS "id" ${eventsOfRequest('netfs_rreq_ref')}
  AND "e"."id" > @after AND "e"."what" = 'NEW'`;

/**
 * First and last event of a request: all with its number, from its first reference on, but those of
 * other requests that had the number before or got it again.
 */
function lifeOf(
  capture: Capture,
  { rreq, request_uid: uid, free_ns: freed }: SqlRow,
): Record<'first' | 'last', number> {
  const before = capture.get(
    `SELECT max("free_ns") AS "ts" FROM "request" WHERE "rreq" = @rreq AND "request_uid" < @uid`,
    { rreq, uid },
  );
  const at = (ts: unknown) =>
    ts === null || ts === undefined
      ? 0
      : Number(capture.get(AT, { rreq, ts: Number(ts) })?.id ?? 0);
  const end = at(freed);
  const next = end === 0 ? undefined : capture.get(NEXT, { rreq, after: end })?.id;
  const span = capture.get(LIFE, {
    rreq,
    after: at(before?.ts),
    before: next === null || next === undefined ? Number.MAX_SAFE_INTEGER : Number(next),
  });
  return { first: Number(span?.first), last: Number(span?.last) };
}

/** What an event means; nothing is known of those kept as text. */
function meaningIn(capture: Capture, event: string, word: string): ReturnType<typeof meaningOf> {
  if (!TRACEPOINTS.some(({ name }) => name === event)) return undefined;
  return meaningOf(event, labelId(event, word, capture), capture.info.era);
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
    'SELECT "index" FROM "subrequest" WHERE "request_uid" = @uid ORDER BY "term_ns" DESC LIMIT 1',
    { uid: request.request_uid },
  );
  return row === undefined ? null : Number(row.index);
}
