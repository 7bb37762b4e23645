/**
 * Where the bytes of a range came from and why, slice by slice, in words. Called by `trace why`.
 */
import { CHANGE_SQL, CHANGE_TABLES, type CookieState, CookieStates } from './cookies.js';
import type { Analysis, Row } from './types.js';

/** What a verdict of the cache means for people. */
export const VERDICTS: Readonly<Record<string, string>> = {
  'after-eof': 'behind the end of the file, so there is nothing to read',
  'found-hole': 'the cache file has a hole here: it was never stored',
  'found-part': 'the cache file has a hole here and data behind it; the slice was cut at the data',
  'have-data': 'the cache has it',
  'no-data': 'the cache object is new or was not looked up yet, and holds nothing',
  'no-file': 'the cache object has no file',
  'seek-error': 'asking the cache file for data failed',
  'seek-enxio': 'the cache file holds nothing from here on',
};

const hex = (value: Row[string] | undefined) => Number(value).toString(16);

/** States of a cookie in which nothing can come from the cache. */
const NOT_BOUND = new Set(['acquired', 'not cached', 'put away', 'gone']);

/** The source of a slice in a word. */
export function sourceOf(row: Row): string {
  if (Number(row.rdowns) > 0) return 'server after cache failure';
  switch (row.source) {
    case 'ZERO':
      return 'zero';
    case 'DOWN':
      return row.first_source === 'READ' ? 'server after cache failure' : 'server';
    case 'READ':
      return 'cache';
    default:
      return String(row.source);
  }
}

/** Why, in a sentence without its period; `state` is that of the cookie when the request began. */
function reasonOf(row: Row, state: CookieState | null): string {
  const verdict = row.verdict === null ? undefined : VERDICTS[String(row.verdict)];
  const parts: string[] = [];
  if (Number(row.rdowns) > 0) parts.push('the cache had it, but reading it failed');
  else if (verdict !== undefined) parts.push(verdict);
  else if (row.source === 'ZERO') parts.push('behind the end of the file');
  else if (!(Number(row.cookie) > 0)) parts.push('the file has no cookie: no cache is used for it');
  else if (state !== null && NOT_BOUND.has(state.state)) {
    parts.push(`its cookie was ${state.state} then: ${state.cause}`);
  } else parts.push('the trace does not tell: record cachefiles_prep_read and fscache');
  if (Number(row.error) < 0) parts.push(`it failed with ${row.error}`);
  if (Number(row.shorts) > 0) parts.push('it came short and was asked for again');
  if (Number(row.skipped) > 0) parts.push('the cache refused to store it');
  else if (row.source === 'DOWN' && Number(row.stored) > 0) parts.push('it was stored');
  return parts.join('; ');
}

/**
 * One row per slice that overlaps what is asked for, in the order of the file, then of time; two of
 * one that the cache gave the first part of before it failed.
 */
export const why: Analysis = {
  name: 'why',
  doc: 'For every byte range: where it came from, and why from there.',
  needs: ['request', 'subrequest', 'op', ...CHANGE_TABLES],
  records: [['netfs_sreq']],
  columns: [
    { name: 'file', doc: 'File; NULL if not known.', unit: 'text' },
    { name: 'range', doc: 'Half-open range of the file, hexadecimal.', unit: 'text' },
    { name: 'bytes', doc: 'Bytes obtained.', unit: 'bytes' },
    { name: 'source', doc: 'zero, server, cache or server after cache failure.', unit: 'text' },
    { name: 'R', doc: 'Request, as printed, and slice.', unit: 'text' },
    { name: 'kind', doc: 'Why the request was made.', unit: 'text' },
    { name: 'op', doc: 'Operation that caused it: op.id.', unit: 'number' },
    { name: 'verdict', doc: 'What the cache said.', unit: 'text' },
    { name: 'state', doc: 'State of the cookie when the request began.', unit: 'text' },
    { name: 'why', doc: 'In words.', unit: 'text' },
  ],
  params: [
    { name: 'file', doc: 'Only this file.', default: null },
    { name: 'ino', doc: 'Only this inode.', default: null },
    { name: 'rreq', doc: 'Only requests of this number.', default: null },
    { name: 'op', doc: 'Only requests of this operation.', default: null },
    { name: 'from', doc: 'Only slices that reach beyond this byte.', default: 0 },
    {
      name: 'to',
      doc: 'Only slices that begin before this byte.',
      default: Number.MAX_SAFE_INTEGER,
    },
  ],
  sql: `
WITH "slice" AS (
  SELECT coalesce("o"."file", 'inode ' || "r"."netfs_inode") AS "file", "s".*, "r"."rreq",
    "r"."kind", "r"."op", "r"."cookie", "r"."begin_ns",
    -- What the cache gave before it failed stays: the server is asked for the rest.
    coalesce("s"."cached", 0) AS "kept"
  FROM "request" AS "r"
  JOIN "subrequest" AS "s" ON "s"."request" = "r"."uid"
  LEFT JOIN "op" AS "o" ON "o"."id" = "r"."op"
  WHERE "s"."source" IN ('ZERO', 'DOWN', 'READ') AND "s"."len" > 0
    AND (@file IS NULL OR "o"."file" = @file)
    AND (@ino IS NULL OR "r"."netfs_inode" = @ino)
    AND (@rreq IS NULL OR "r"."rreq" = @rreq)
    AND (@op IS NULL OR "r"."op" = @op)
    AND "s"."start" < @to AND "s"."start" + "s"."len" > @from
), "part" ("from_cache") AS (VALUES (1), (0)), "change" AS (
  ${CHANGE_SQL}
)
SELECT "event", "word", "ts", NULL AS "file", NULL AS "request", NULL AS "index", "id" AS "order",
  NULL AS "rreq", NULL AS "kind", NULL AS "op", "cookie", NULL AS "verdict",
  NULL AS "first_source", NULL AS "source", NULL AS "start", NULL AS "len", NULL AS "transferred",
  NULL AS "rdowns", NULL AS "error", NULL AS "stored", NULL AS "shorts", NULL AS "skipped"
FROM "change"
UNION ALL
SELECT NULL, NULL, "begin_ns", "file", "request", "index", NULL, "rreq", "kind", "op", "cookie",
  "verdict", "first_source",
  CASE WHEN "from_cache" THEN 'READ' ELSE "source" END AS "source",
  "start" + CASE WHEN "from_cache" THEN 0 ELSE "kept" END AS "start",
  CASE WHEN "from_cache" THEN "kept" ELSE "len" - "kept" END AS "len",
  CASE WHEN "from_cache" THEN "kept" ELSE "transferred" - "kept" END AS "transferred",
  CASE WHEN "from_cache" THEN 0 ELSE "rdowns" END AS "rdowns",
  CASE WHEN "from_cache" THEN 0 ELSE "error" END AS "error",
  CASE WHEN "from_cache" THEN 0 ELSE "stored" END AS "stored", "shorts", "skipped"
FROM "slice" JOIN "part" ON NOT "from_cache" OR "kept" > 0
ORDER BY "order" NULLS LAST, "file", "start", "request", "index"`,
  *fold(rows) {
    const states = new CookieStates();
    for (const row of rows) {
      if (row.event === null) yield told(row, states.at(Number(row.cookie), Number(row.ts)));
      else states.change(row);
    }
  },
};

function told(row: Row, state: CookieState | null): Row {
  const start = Number(row.start);
  return {
    ...row,
    range: `${hex(start)}-${hex(start + Number(row.len))}`,
    bytes: row.transferred ?? null,
    source: sourceOf(row),
    R: `${hex(row.rreq).padStart(8, '0')}[${row.index}]`,
    state: state?.state ?? null,
    why: reasonOf(row, state),
  };
}
