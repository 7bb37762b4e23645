/**
 * The life of one request, event by event, from every tracepoint that prints `R=`. Request numbers
 * may start again within a capture, so events are told apart by time: those after the FREE of an
 * earlier request of that number belong to the next.
 */
import { eventsOfRequest, requestColumn } from '../store/event_ranges.js';
import type { Era } from '../trace/eras.js';
import { flagNames } from '../trace/flag_bits.js';
import { TRACEPOINTS } from '../trace/index.js';
import type { AnyTracepoint } from '../trace/tracepoint.js';
import type { Analysis, Cell, Row } from './types.js';

const SHOWN = ['what', 'source', 'start', 'transferred', 'len', 'flags', 'error'] as const;

function branch(tracepoint: AnyTracepoint): string {
  const { name, columns } = tracepoint;
  const has = (column: string) => columns.some((each) => each.name === column);
  const slice = ['index', 'subreq'].find(has);
  const values = SHOWN.map((column) => (has(column) ? `"${column}"` : `NULL AS "${column}"`));
  const flags = columns.find((each) => each.name === 'flags')?.flags ?? null;
  return `  SELECT "id", "ts", "task", '${name}' AS "event",
    ${slice === undefined ? 'NULL' : `"${slice}"`} AS "slice", ${values.join(', ')},
    ${flags === null ? 'NULL' : `'${flags}'`} AS "flag_set"
  ${eventsOfRequest(name, requestColumn(tracepoint))}`;
}

const withRequest = TRACEPOINTS.filter((each) => requestColumn(each) !== undefined);

const hex = (value: Cell | undefined) => Number(value).toString(16);

/** One row per event of the request. */
export const timeline: Analysis = {
  name: 'timeline',
  doc: "One request's life: every event with its time since the begin and since the last one.",
  needs: ['request', 'task', 'event_range', ...withRequest.map(({ name }) => name)],
  columns: [
    { name: 'request_uid', doc: 'Number of the request in this capture.', unit: 'number' },
    { name: 'at_ns', doc: 'Since the first event of the request, nanoseconds.', unit: 'time' },
    { name: 'gap_ns', doc: 'Since the event before, nanoseconds.', unit: 'ns' },
    { name: 'mark', doc: '<-- where a quarter of the life or more passed.', unit: 'text' },
    { name: 'event', doc: 'Name of the event.', unit: 'text' },
    { name: 'slice', doc: 'Subrequest; NULL = the request as a whole.', unit: 'number' },
    { name: 'what', doc: 'What happened, as printed.', unit: 'text' },
    { name: 'source', doc: 'Where the data comes from.', unit: 'text' },
    { name: 'range', doc: 'Half-open range of the file, hexadecimal.', unit: 'text' },
    { name: 'done', doc: 'Bytes obtained so far.', unit: 'bytes' },
    { name: 'flags', doc: 'Flag bits: hexadecimal as printed, then by name.', unit: 'text' },
    { name: 'error', doc: 'Negative error number, 0 = none.', unit: 'number' },
    { name: 'comm', doc: 'Task that was executing.', unit: 'text' },
  ],
  params: [
    { name: 'rreq', doc: 'Number of the request, as printed.', default: -1 },
    { name: 'uid', doc: 'Only this one of the requests of that number.', default: null },
  ],
  sql: `
WITH "life" AS (
  SELECT "request_uid", "begin_ns", "free_ns",
    lag("free_ns") OVER "by_request" AS "before",
    lag("request_uid") OVER "by_request" IS NULL AS "first",
    lead("begin_ns") OVER "by_request" AS "next"
  FROM "request"
  WHERE "rreq" = $rreq
  WINDOW "by_request" AS (ORDER BY "request_uid")
), "event" AS (
${withRequest.map(branch).join('\n  UNION ALL\n')}
), "mine" AS (
  SELECT "l"."request_uid", "e".*, min("e"."ts") OVER "whole" AS "from", max("e"."ts") OVER "whole" AS "to",
    lag("e"."ts") OVER (PARTITION BY "l"."request_uid" ORDER BY "e"."id") AS "last"
  FROM "event" AS "e"
  JOIN "life" AS "l"
    ON ("l"."first" OR "e"."ts" > coalesce("l"."before", "l"."begin_ns" - 1))
    AND ("l"."free_ns" IS NULL OR "e"."ts" <= "l"."free_ns")
    AND ("l"."free_ns" IS NOT NULL OR "l"."next" IS NULL OR "e"."ts" < "l"."next")
  WHERE $uid IS NULL OR "l"."request_uid" = $uid
  WINDOW "whole" AS (PARTITION BY "l"."request_uid")
)
SELECT "m".*, "m"."ts" - "m"."from" AS "at_ns", "m"."ts" - "m"."last" AS "gap_ns",
  CASE WHEN ("m"."ts" - "m"."last") * 4 >= "m"."to" - "m"."from" AND "m"."to" > "m"."from"
    THEN '<--' END AS "mark",
  "t"."comm"
FROM "mine" AS "m"
LEFT JOIN "task" AS "t" ON "t"."id" = "m"."task"
ORDER BY "m"."request_uid", "m"."id"`,
  derive: (era) => (row) => told(row, era),
};

function told(row: Row, era: Era): Row {
  const { start, len, flags, flag_set } = row;
  const ranged = typeof start === 'number' && typeof len === 'number';
  const set = flag_set === 'rreq' || flag_set === 'sreq' ? flag_set : null;
  const names = set === null ? [] : flagNames(era, set, Number(flags));
  return {
    ...row,
    range: ranged ? `${hex(start)}-${hex(start + len)}` : null,
    done: row.transferred ?? null,
    flags: flags === null ? null : [hex(flags).padStart(2, '0'), ...names].join(' '),
  };
}
