/**
 * The views of a capture database, for people and analyses. Plain SQL that SQLite and DuckDB read
 * alike. Called by ddl.ts.
 */
import type { Era } from '../trace/eras.js';
import { netfsRreqTraces } from '../trace/events/netfs.js';
import { tracepointsIn } from '../trace/index.js';
import { eventText } from './printf_sql.js';
import { type Column, EVENT_ID, literal, OP, quoted, TASK, TS, type View } from './schema.js';

const shown = (name: string, doc: string): Column => ({ name, type: '', doc });

function eventBranch(name: string, system: string, event: string, textSql: string): string {
  return `SELECT "e"."id", "e"."ts", "e"."task", "e"."op", "t"."comm", "t"."pid", "e"."cpu",
  "e"."common_flags", ${system}, ${event}, ${textSql}
FROM ${quoted(name)} AS "e"
LEFT JOIN "task" AS "t" ON "t"."id" = "e"."task"`;
}

const NO_EVENTS = `SELECT "id", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM "task" WHERE false`;

const EVENTS: View = {
  name: 'events',
  doc: 'All events, with the text the kernel prints. Sort by id.',
  columns: [
    shown('id', EVENT_ID.doc),
    shown('ts', TS.doc),
    shown('task', TASK.doc),
    shown('op', OP.doc),
    shown('comm', 'Name of the task.'),
    shown('pid', 'Process id of the task.'),
    shown('cpu', 'Processor.'),
    shown('flags', 'Latency flags.'),
    shown('system', 'Trace system.'),
    shown('event', 'Name of the event.'),
    shown('text', 'What the kernel prints after the name.'),
  ],
  sql: (era, filled) => {
    const branches = [
      ...tracepointsIn(era)
        .filter((each) => filled.has(each.name) && each.format(era) !== null)
        .map((each) =>
          eventBranch(each.name, literal(each.system), literal(each.name), eventText(each, era)),
        ),
      ...(filled.has('marker')
        ? [eventBranch('marker', literal('ftrace'), literal('tracing_mark_write'), '"e"."text"')]
        : []),
      ...(filled.has('other_event')
        ? [eventBranch('other_event', '"e"."system"', '"e"."event"', '"e"."text"')]
        : []),
    ];
    return branches.length > 0 ? branches.join('\nUNION ALL\n') : NO_EVENTS;
  },
};

/** What every analysis takes for the file of a request. */
const REQUEST_FILE: View = {
  name: 'request_file',
  doc: 'The file of each request: that of its operation, else what its inode or cookie tells.',
  columns: [
    shown('request_uid', 'Number of the request in this capture.'),
    shown(
      'file',
      'Path as far as one is known, else `inode 0x...` or `cookie 0x...`; NULL = nothing known.',
    ),
  ],
  sql: () => REQUEST_FILE_SQL,
};

const REQUEST_FILE_SQL = `WITH "named" AS (
  SELECT "r"."netfs_inode" AS "ino", "o"."file" AS "path"
  FROM "request" AS "r" JOIN "op" AS "o" ON "o"."id" = "r"."op"
  WHERE "r"."netfs_inode" > 0 AND "o"."file" <> '' GROUP BY 1, 2
  UNION SELECT "ino", "path" FROM "file"
), "known_inode" AS (
  -- An inode number that stands for several files names none of them.
  SELECT "ino", min("path") AS "file" FROM "named" GROUP BY 1 HAVING count(*) = 1
), "known_cookie" AS (
  SELECT "r"."cookie" AS "cookie", min("o"."file") AS "file"
  FROM "request" AS "r" JOIN "op" AS "o" ON "o"."id" = "r"."op"
  WHERE "r"."cookie" > 0 AND "o"."file" <> '' GROUP BY 1 HAVING count(DISTINCT "o"."file") = 1
)
SELECT "r"."request_uid", coalesce(nullif("o"."file", ''), "i"."file", "c"."file",
  -- printf makes 0 of NULL.
  CASE WHEN "r"."netfs_inode" > 0 THEN 'inode ' || printf('0x%llx', "r"."netfs_inode") END,
  CASE WHEN "r"."cookie" > 0 THEN 'cookie ' || printf('0x%llx', "r"."cookie") END) AS "file"
FROM "request" AS "r"
LEFT JOIN "op" AS "o" ON "o"."id" = "r"."op"
LEFT JOIN "known_inode" AS "i" ON "i"."ino" = "r"."netfs_inode"
LEFT JOIN "known_cookie" AS "c" ON "c"."cookie" = "r"."cookie"`;

const REQUEST_TIMING: View = {
  name: 'request_timing',
  doc: 'Requests with their file, their task and how long their stages took.',
  columns: [
    shown('request_uid', 'Number of the request in this capture.'),
    shown('R', 'Number as printed, 8 hexadecimal digits.'),
    shown('kind', 'Why it was made, as request.kind; NULL for one that writes.'),
    shown('side', '`read` or `write`.'),
    shown('file', 'File of the operation that caused it; NULL if not known.'),
    shown('comm', 'Name of the task that made it.'),
    shown('begin_ns', 'Begin, nanoseconds since the start of the capture.'),
    shown('start', 'Position, bytes, after expansion.'),
    shown('len', 'Length, bytes, after expansion.'),
    shown('slices', 'Subrequests.'),
    shown('zero_bytes', 'Bytes filled with zeros.'),
    shown('server_bytes', 'Bytes from the server.'),
    shown('cache_bytes', 'Bytes from the cache.'),
    shown('stored_bytes', 'Bytes written to the cache.'),
    shown('io_ns', 'First SUBMT to last TERM, nanoseconds.'),
    shown('wait_ns', 'Begin to UNLOCK, nanoseconds: how long readers wait.'),
    shown('store_ns', 'WRITE to DONE, nanoseconds; NULL if nothing was stored.'),
    shown('life_ns', 'Begin to FREE, nanoseconds.'),
    shown('error', 'Negative error number, 0 = none.'),
    shown('outcome', '`ok`, `failed` or `open`.'),
  ],
  sql: () => `SELECT "r"."request_uid", printf('%08x', "r"."rreq"), "r"."kind", "r"."side", "f"."file", "t"."comm",
  "r"."begin_ns", coalesce("r"."expanded_start", "r"."start"),
  coalesce("r"."expanded_len", "r"."len"), "r"."slices", "r"."zero_bytes", "r"."server_bytes",
  "r"."cache_bytes", "r"."stored_bytes", "r"."term_ns" - "r"."submit_ns",
  "r"."unlock_ns" - "r"."begin_ns", "r"."done_ns" - "r"."write_ns",
  "r"."free_ns" - "r"."begin_ns", "r"."error", "r"."outcome"
FROM "request" AS "r"
JOIN "request_file" AS "f" ON "f"."request_uid" = "r"."request_uid"
LEFT JOIN "task" AS "t" ON "t"."id" = "r"."task"`,
};

const SUBREQUEST_TIMING: View = {
  name: 'subrequest_timing',
  doc: 'Subrequests with their request and file and how long they took.',
  columns: [
    shown('request_uid', 'Number of the request in this capture.'),
    shown('R', 'Number of the request as printed.'),
    shown('index', 'Number in the request, counted from 0.'),
    shown('kind', 'Kind of the request.'),
    shown('file', 'File of the operation that caused the request; NULL if not known.'),
    shown('first_source', 'Source it was prepared for.'),
    shown('source', 'Source it came from.'),
    shown('start', 'File position, bytes.'),
    shown('len', 'Length, bytes.'),
    shown('transferred', 'Bytes obtained.'),
    shown('io_ns', 'SUBMT to last TERM, nanoseconds.'),
    shown('store_ns', 'WRITE to WTERM, nanoseconds; NULL if it was not stored.'),
    shown('short_reads', 'Times it was short.'),
    shown('cache_fallbacks', 'Times it went to the server because its cache read failed.'),
    shown('stored', '1 if it was stored.'),
    shown('error', 'Negative error number, 0 = none.'),
    shown('verdict', 'Why the cache chose this source; NULL if not known.'),
  ],
  sql: () => `SELECT "s"."request_uid", printf('%08x', "r"."rreq"), "s"."index", "r"."kind",
  "f"."file", "s"."first_source", "s"."source", "s"."start", "s"."len", "s"."transferred",
  "s"."term_ns" - "s"."submit_ns", "s"."wterm_ns" - "s"."write_ns", "s"."short_reads", "s"."cache_fallbacks",
  "s"."stored", "s"."error", "s"."verdict"
FROM "subrequest" AS "s"
JOIN "request" AS "r" ON "r"."request_uid" = "s"."request_uid"
JOIN "request_file" AS "f" ON "f"."request_uid" = "r"."request_uid"`,
};

/** True where folios are unlocked one by one as slices end, not all at the end of the request. */
function unlocksApart(era: Era): boolean {
  return netfsRreqTraces.labels(era).some(({ text }) => text === 'WAKE-IP');
}

const BY_SLICE = 'coalesce("p"."term_ns", "r"."unlock_ns")';
const BY_REQUEST = 'coalesce("r"."unlock_ns", "p"."term_ns")';

const PROVENANCE: View = {
  name: 'provenance',
  doc: 'Which bytes of which file came from where: a row for each slice that got any, two if both gave.',
  columns: [
    shown('file', 'File of the operation that caused the request; NULL if not known.'),
    shown('netfs_inode', 'Inode number of the file; NULL if not known.'),
    shown('start', 'First byte.'),
    shown('end', 'Byte after the last.'),
    shown('bytes', 'Bytes.'),
    shown('source', 'ZERO, DOWN (server) or READ (cache).'),
    shown('request_uid', 'Request: request.request_uid.'),
    shown('index', 'Number of the subrequest.'),
    shown('ts', 'When readers could have them, nanoseconds since the start of the capture.'),
  ],
  sql: (era) => `WITH "part" AS (
  -- A cache read that failed goes to the server for the rest; what the cache gave stays.
  SELECT "request_uid", "index", "source", "term_ns", "start" + "cache_bytes_kept" AS "start",
    "start" + "transferred" AS "end"
  FROM "subrequest" WHERE "transferred" > "cache_bytes_kept"
  UNION ALL
  SELECT "request_uid", "index", 'READ', "term_ns", "start",
    "start" + CASE WHEN "transferred" < "cache_bytes_kept" THEN "transferred"
      ELSE "cache_bytes_kept" END
  FROM "subrequest" WHERE "cache_bytes_kept" > 0 AND "transferred" > 0
)
SELECT "f"."file", "r"."netfs_inode", "p"."start", "p"."end", "p"."end" - "p"."start", "p"."source",
  "p"."request_uid", "p"."index", ${unlocksApart(era) ? BY_SLICE : BY_REQUEST}
FROM "part" AS "p"
JOIN "request" AS "r" ON "r"."request_uid" = "p"."request_uid"
JOIN "request_file" AS "f" ON "f"."request_uid" = "r"."request_uid"`,
};

/** Every view. */
export const VIEWS: readonly View[] = [
  ...[EVENTS, REQUEST_FILE, REQUEST_TIMING, SUBREQUEST_TIMING, PROVENANCE],
];
