/**
 * Every table, column and view of a capture database, with its documentation, as data. The DDL, the
 * text of `sql --schema` and the inserts are made from it.
 */
import { ERA_KERNELS, type Era } from '../trace/eras.js';
import { TRACEPOINTS, tracepointsIn } from '../trace/index.js';
import type { AnyTracepoint, Column as TraceColumn } from '../trace/tracepoint.js';
import { eventText } from './printf_sql.js';

/** `application_id` of our databases: "nfsl". */
export const APPLICATION_ID = 0x6e66736c;

/** `user_version`: rises with every change of a table. */
export const SCHEMA_VERSION = 3;

/** A column of a table or view. */
export interface Column {
  readonly name: string;
  /** SQLite's affinity; '' in views. */
  readonly type: 'INTEGER' | 'TEXT' | '';
  /** What it is, with its unit. */
  readonly doc: string;
}

/** A table. */
export interface Table {
  readonly name: string;
  readonly doc: string;
  readonly columns: readonly Column[];
  /** Names of the columns of the key: one that is the row's number, several, or none. */
  readonly key: readonly string[];
  /** Indexes made when the capture is finished: lists of columns. */
  readonly indexes: readonly (readonly string[])[];
}

/** A view. */
export interface View {
  readonly name: string;
  readonly doc: string;
  readonly columns: readonly Column[];
  /** The statement for a capture of an era. */
  sql(era: Era): string;
}

/** An identifier as SQL. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as SQL. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

const integer = (name: string, doc: string): Column => ({ name, type: 'INTEGER', doc });
const text = (name: string, doc: string): Column => ({ name, type: 'TEXT', doc });
const shown = (name: string, doc: string): Column => ({ name, type: '', doc });

const EVENT_ID = integer('id', 'Place in the order of all events of the capture, counted from 1.');
const TS = integer('ts', 'Nanoseconds since the start of the capture.');
const TASK = integer('task', 'Task that was executing: task.id.');
const OP = integer('op', 'Operation on whose behalf it happened: op.id; NULL = none.');

/** The columns every event has in front of its own. */
export const EVENT_COLUMNS: readonly Column[] = [
  EVENT_ID,
  TS,
  TASK,
  integer('cpu', 'Processor.'),
  text(
    'common_flags',
    'Latency flags as ftrace prints them: irqs, resched, hard/softirq, preempt.',
  ),
  OP,
];

const CAPTURE: Table = {
  name: 'capture',
  doc: 'What this database is: one row.',
  key: [],
  indexes: [],
  columns: [
    text('source', '`run` of netfslab or `import` of a trace.'),
    text('workload', 'Name of the workload.'),
    text('profile', 'Profile that was played; NULL for an import.'),
    text('era', 'Era of the tracepoint formats (E0 to E10).'),
    text('kernel_release', 'Kernel that was traced or is played.'),
    text('clock', '`virtual`, `real`, or the trace clock of an import.'),
    integer('epoch_ms', 'Wall-clock time of the start, milliseconds since 1970; 0 = not known.'),
    integer('clock_origin_ns', 'What the trace clock showed at the start, nanoseconds.'),
    text('command_line', 'Command that made it.'),
    text('options', 'Options of the run or import: a JSON object.'),
    integer('events', 'Events in all tables.'),
    integer('lost_events', 'Events that were dropped or that the kernel reports as lost.'),
    integer('unparsed_lines', 'Lines of the imported trace that were not understood.'),
    integer('complete', '1 = ended in order; 0 = what a killed run had recorded.'),
    integer('finish_ms', 'Milliseconds from the end of the run to the finished database.'),
    integer('schema_version', 'Version of this schema.'),
    text('tool_version', 'Version of netfslab that wrote it.'),
  ],
};

const TASK_TABLE: Table = {
  name: 'task',
  doc: 'Tasks that made events.',
  key: ['id'],
  indexes: [],
  columns: [
    integer('id', 'Number of the task in this capture.'),
    integer('pid', 'Process id as printed.'),
    text('comm', 'Name as printed.'),
  ],
};

const MARKER: Table = {
  name: 'marker',
  doc: 'Texts of the application (writes to trace_marker).',
  key: ['id'],
  indexes: [],
  columns: [...EVENT_COLUMNS, text('text', 'The text.')],
};

const OTHER: Table = {
  name: 'other_event',
  doc: 'Events that have no table of their own, as text.',
  key: ['id'],
  indexes: [],
  columns: [
    ...EVENT_COLUMNS,
    text('system', 'Trace system; empty if not known.'),
    text('event', 'Name of the event.'),
    text('text', 'What follows the name.'),
  ],
};

const STATS: Table = {
  name: 'stats',
  doc: 'Snapshots of the statistics, one row for each printed key.',
  key: ['snapshot', 'line', 'key'],
  indexes: [],
  columns: [
    integer('snapshot', 'Number of the snapshot, counted from 1.'),
    TS,
    integer('line', 'Line of the text, counted from 0.'),
    text('label', 'Label of the line.'),
    text('key', 'Key.'),
    integer('value', 'Value.'),
  ],
};

const OP_TABLE: Table = {
  name: 'op',
  doc: 'Operations of the workload: what the application asked for.',
  key: ['id'],
  indexes: [['file']],
  columns: [
    integer('id', 'Number of the operation, counted from 1.'),
    TASK,
    text('kind', 'What was asked for: open, read, mmap, ...'),
    text('file', 'Path of the file on the server.'),
    integer('offset', 'File position, bytes.'),
    integer('len', 'Bytes asked for.'),
    integer('result', 'Bytes done, or a negative error number.'),
    integer('start_ns', 'Begin, nanoseconds since the start of the capture.'),
    integer('end_ns', 'End, nanoseconds since the start of the capture.'),
    integer('requests', 'Read requests it caused.'),
    integer('direct', '1 if it went past the page cache (O_DIRECT); NULL = not known.'),
  ],
};

const FILE_TABLE: Table = {
  name: 'file',
  doc: 'Files known by name: open when the recording began, or listed with --files-from.',
  key: [],
  indexes: [['ino']],
  columns: [
    integer('ino', 'Inode number.'),
    integer('dev', 'Device (st_dev); NULL = not known.'),
    text('path', 'Path.'),
    text('how', 'How it is known.'),
  ],
};

const REQUEST: Table = {
  name: 'request',
  doc: 'Read requests, made from the events. Times are nanoseconds since the start of the capture.',
  key: ['uid'],
  indexes: [['rreq'], ['op']],
  columns: [
    integer('uid', 'Number of the request in this capture; rreq may start again, this does not.'),
    integer('rreq', 'Number as printed after R= (there in hexadecimal).'),
    text(
      'kind',
      '`readahead`, `readpage`, `write_begin`, `direct`, `read_gaps`, `read_single`; NULL = none.',
    ),
    OP,
    integer('task', 'Task that made it: task.id.'),
    integer('cookie', 'fscache cookie (object before v5.17); 0 = no cache.'),
    integer('netfs_inode', 'Inode number of the file; from v5.17.'),
    integer('start', 'Position asked for, bytes (write_begin: of the write).'),
    integer('len', 'Length asked for, bytes (write_begin: of the write).'),
    integer('expanded_start', 'Position after expansion; NULL = not expanded.'),
    integer('expanded_len', 'Length after expansion, bytes.'),
    integer('begin_ns', 'netfs_read.'),
    integer('expanded_ns', 'netfs_read EXPANDED.'),
    integer('submit_ns', 'First SUBMT of a subrequest.'),
    integer('term_ns', 'Last TERM of a subrequest.'),
    integer('assess_ns', 'First ASSESS.'),
    integer('unlock_ns', 'UNLOCK (WAKE-IP from v6.10): readers go on from here.'),
    integer('write_ns', 'WRITE (COPY from v5.18): storing into the cache begins.'),
    integer('done_ns', 'DONE.'),
    integer('free_ns', 'FREE.'),
    integer('slices', 'Subrequests.'),
    integer('zero_bytes', 'Bytes filled with zeros.'),
    integer('down_bytes', 'Bytes from the server.'),
    integer('read_bytes', 'Bytes from the cache.'),
    integer('stored_bytes', 'Bytes written to the cache, rounded as they were written.'),
    integer('shorts', 'Short reads that were asked for again.'),
    integer('rdowns', 'Cache reads that failed and went to the server.'),
    integer('skips', 'Stores that the cache refused.'),
    integer('failed_slices', 'Subrequests that ended with an error.'),
    integer('failed', '1 if the request failed.'),
    integer(
      'error',
      'Error number of the last subrequest that ended with one, negative; 0 = none.',
    ),
    integer('flags', 'Flag bits last seen.'),
    text('outcome', '`ok`, `failed`, or `open` when its end is not in the capture.'),
  ],
};

const SUBREQUEST: Table = {
  name: 'subrequest',
  doc: 'Subrequests, made from the events. Times are nanoseconds since the start of the capture.',
  key: ['request', 'index'],
  indexes: [],
  columns: [
    integer('request', 'Its request: request.uid.'),
    integer('index', 'Number in the request, counted from 0.'),
    text('first_source', 'Source it was prepared for: ZERO, DOWN, READ or INVL.'),
    text('source', 'Source it came from in the end.'),
    integer('start', 'File position, bytes.'),
    integer('len', 'Length it was read with, bytes.'),
    integer('final_len', 'Length when it was stored: merged with its neighbours and rounded.'),
    integer('transferred', 'Bytes obtained.'),
    integer('error', 'Negative error number, 0 = none.'),
    integer('flags', 'Flag bits last seen.'),
    integer('prep_ns', 'PREP.'),
    integer('submit_ns', 'SUBMT; ADD where there is none (v6.12).'),
    integer('term_ns', 'Last TERM.'),
    integer('write_ns', 'WRITE: the store began.'),
    integer('wterm_ns', 'WTERM: the store ended.'),
    integer('free_ns', 'FREE.'),
    integer('shorts', 'Times it was short and was asked for again.'),
    integer('rdowns', 'Times its cache read failed and it went to the server.'),
    integer('stored', '1 if it was stored and the store did not fail; merged ones count as one.'),
    integer('skipped', '1 if the cache refused it.'),
    integer(
      'cached',
      'Bytes the cache gave before it failed and the server was asked for the rest.',
    ),
    text('verdict', 'Why the cache chose this source; NULL if the trace does not tell.'),
  ],
};

const LATENCY: Table = {
  name: 'latency',
  doc: 'How long stages took in the whole capture, one row for each stage, kind and source.',
  key: [],
  indexes: [],
  columns: [
    text(
      'stage',
      '`io`: SUBMT to TERM of a slice; `wait`: begin to UNLOCK; `life`: begin to FREE.',
    ),
    text('kind', 'Kind of the request.'),
    text('source', 'Source of the slice; of a request `mixed` if it has both DOWN and READ.'),
    integer('count', 'Slices or requests that went through the stage.'),
    integer('min', 'Shortest, nanoseconds.'),
    integer('p50', 'Median by nearest rank, nanoseconds.'),
    integer('p90', '90th percentile, nanoseconds.'),
    integer('p99', '99th percentile, nanoseconds.'),
    integer('max', 'Longest, nanoseconds.'),
  ],
};

const EVENT_RANGE: Table = {
  name: 'event_range',
  doc: 'Where to look for the events of a request: which numbers stretches of events hold.',
  key: [],
  indexes: [],
  columns: [
    integer('first_id', 'First event of the stretch.'),
    integer('last_id', 'Last event of the stretch; the capture may end before.'),
    integer('min_rreq', 'Lowest number that an event there has in its column rreq or wreq.'),
    integer('max_rreq', 'Highest of them.'),
  ],
};

function traceColumn({ name, kind, doc }: TraceColumn): Column {
  return kind === 'label' || kind === 'text' ? text(name, doc) : integer(name, doc);
}

/** The table of a tracepoint. */
export function eventTable({ name, doc, columns }: AnyTracepoint): Table {
  return {
    name,
    doc: `Event: ${doc}`,
    key: ['id'],
    indexes: [],
    columns: [...EVENT_COLUMNS, ...columns.map(traceColumn)],
  };
}

/** Every table. */
export const TABLES = {
  capture: CAPTURE,
  task: TASK_TABLE,
  op: OP_TABLE,
  file: FILE_TABLE,
  request: REQUEST,
  subrequest: SUBREQUEST,
  latency: LATENCY,
  stats: STATS,
  marker: MARKER,
  other_event: OTHER,
  event_range: EVENT_RANGE,
} as const satisfies Record<string, Table>;

/** The tables of the tracepoints. */
export const EVENT_TABLES: readonly Table[] = TRACEPOINTS.map(eventTable);

/** The tables of the tracepoints of an era; a described kernel has more. */
export function eventTables(era: Era): readonly Table[] {
  return tracepointsIn(era).map(eventTable);
}

/** In the options of a capture: the description of its kernel, where it is none of those known. */
export const DESCRIBED = 'described';

function eventBranch(name: string, system: string, event: string, textSql: string): string {
  return `SELECT "e"."id", "e"."ts", "e"."task", "t"."comm", "t"."pid", "e"."cpu",
  "e"."common_flags", ${system}, ${event}, ${textSql}
FROM ${quoted(name)} AS "e"
LEFT JOIN "task" AS "t" ON "t"."id" = "e"."task"`;
}

const EVENTS: View = {
  name: 'events',
  doc: 'All events, with the text the kernel prints. Sort by id.',
  columns: [
    shown('id', EVENT_ID.doc),
    shown('ts', TS.doc),
    shown('task', TASK.doc),
    shown('comm', 'Name of the task.'),
    shown('pid', 'Process id of the task.'),
    shown('cpu', 'Processor.'),
    shown('flags', 'Latency flags.'),
    shown('system', 'Trace system.'),
    shown('event', 'Name of the event.'),
    shown('text', 'What the kernel prints after the name.'),
  ],
  sql: (era) =>
    [
      ...tracepointsIn(era)
        .filter((each) => each.format(era) !== null)
        .map((each) =>
          eventBranch(each.name, literal(each.system), literal(each.name), eventText(each, era)),
        ),
      eventBranch('marker', literal('ftrace'), literal('tracing_mark_write'), '"e"."text"'),
      eventBranch('other_event', '"e"."system"', '"e"."event"', '"e"."text"'),
    ].join('\nUNION ALL\n'),
};

/** What every analysis takes for the file of a request. */
const REQUEST_FILE: View = {
  name: 'request_file',
  doc: 'The file of each request: that of its operation, else what its inode or cookie tells.',
  columns: [
    shown('uid', 'Number of the request in this capture.'),
    shown(
      'file',
      'Path as far as one is known, else `inode 0x...` or `cookie 0x...`; NULL = nothing known.',
    ),
  ],
  sql: () => requestFile(ALL_OF_FILE),
};

/** The statement of `request_file`; `files` = what gives (ino, path) of known files. */
export function requestFile(files: string): string {
  return `WITH "named" AS (
  SELECT "r"."netfs_inode" AS "ino", "o"."file" AS "path"
  FROM "request" AS "r" JOIN "op" AS "o" ON "o"."id" = "r"."op"
  WHERE "r"."netfs_inode" > 0 AND "o"."file" <> '' GROUP BY 1, 2
  UNION ${files}
), "known_inode" AS (
  -- An inode number that stands for several files names none of them.
  SELECT "ino", min("path") AS "file" FROM "named" GROUP BY 1 HAVING count(*) = 1
), "known_cookie" AS (
  SELECT "r"."cookie" AS "cookie", min("o"."file") AS "file"
  FROM "request" AS "r" JOIN "op" AS "o" ON "o"."id" = "r"."op"
  WHERE "r"."cookie" > 0 AND "o"."file" <> '' GROUP BY 1 HAVING count(DISTINCT "o"."file") = 1
)
SELECT "r"."uid", coalesce(nullif("o"."file", ''), "i"."file", "c"."file",
  -- printf makes 0 of NULL.
  CASE WHEN "r"."netfs_inode" > 0 THEN 'inode ' || printf('0x%llx', "r"."netfs_inode") END,
  CASE WHEN "r"."cookie" > 0 THEN 'cookie ' || printf('0x%llx', "r"."cookie") END) AS "file"
FROM "request" AS "r"
LEFT JOIN "op" AS "o" ON "o"."id" = "r"."op"
LEFT JOIN "known_inode" AS "i" ON "i"."ino" = "r"."netfs_inode"
LEFT JOIN "known_cookie" AS "c" ON "c"."cookie" = "r"."cookie"`;
}

const ALL_OF_FILE = 'SELECT "ino", "path" FROM "file"';

const REQUESTS: View = {
  name: 'requests',
  doc: 'Requests with their file, their task and how long their stages took.',
  columns: [
    shown('uid', 'Number of the request in this capture.'),
    shown('R', 'Number as printed, 8 hexadecimal digits.'),
    shown('kind', '`readahead`, `readpage` or `write_begin`.'),
    shown('file', 'File of the operation that caused it; NULL if not known.'),
    shown('comm', 'Name of the task that made it.'),
    shown('begin_ns', 'Begin, nanoseconds since the start of the capture.'),
    shown('start', 'Position, bytes, after expansion.'),
    shown('len', 'Length, bytes, after expansion.'),
    shown('slices', 'Subrequests.'),
    shown('zero_bytes', 'Bytes filled with zeros.'),
    shown('down_bytes', 'Bytes from the server.'),
    shown('read_bytes', 'Bytes from the cache.'),
    shown('stored_bytes', 'Bytes written to the cache.'),
    shown('io_ns', 'First SUBMT to last TERM, nanoseconds.'),
    shown('wait_ns', 'Begin to UNLOCK, nanoseconds: how long readers wait.'),
    shown('store_ns', 'WRITE to DONE, nanoseconds; NULL if nothing was stored.'),
    shown('life_ns', 'Begin to FREE, nanoseconds.'),
    shown('error', 'Negative error number, 0 = none.'),
    shown('outcome', '`ok`, `failed` or `open`.'),
  ],
  sql: () => `SELECT "r"."uid", printf('%08x', "r"."rreq"), "r"."kind", "f"."file", "t"."comm",
  "r"."begin_ns", coalesce("r"."expanded_start", "r"."start"),
  coalesce("r"."expanded_len", "r"."len"), "r"."slices", "r"."zero_bytes", "r"."down_bytes",
  "r"."read_bytes", "r"."stored_bytes", "r"."term_ns" - "r"."submit_ns",
  "r"."unlock_ns" - "r"."begin_ns", "r"."done_ns" - "r"."write_ns",
  "r"."free_ns" - "r"."begin_ns", "r"."error", "r"."outcome"
FROM "request" AS "r"
JOIN "request_file" AS "f" ON "f"."uid" = "r"."uid"
LEFT JOIN "task" AS "t" ON "t"."id" = "r"."task"`,
};

const SUBREQUESTS: View = {
  name: 'subrequests',
  doc: 'Subrequests with their request and file and how long they took.',
  columns: [
    shown('uid', 'Number of the request in this capture.'),
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
    shown('shorts', 'Times it was short.'),
    shown('rdowns', 'Times it went to the server because its cache read failed.'),
    shown('stored', '1 if it was stored.'),
    shown('error', 'Negative error number, 0 = none.'),
    shown('verdict', 'Why the cache chose this source; NULL if not known.'),
  ],
  sql: () => `SELECT "s"."request", printf('%08x', "r"."rreq"), "s"."index", "r"."kind",
  "f"."file", "s"."first_source", "s"."source", "s"."start", "s"."len", "s"."transferred",
  "s"."term_ns" - "s"."submit_ns", "s"."wterm_ns" - "s"."write_ns", "s"."shorts", "s"."rdowns",
  "s"."stored", "s"."error", "s"."verdict"
FROM "subrequest" AS "s"
JOIN "request" AS "r" ON "r"."uid" = "s"."request"
JOIN "request_file" AS "f" ON "f"."uid" = "r"."uid"`,
};

const PROVENANCE: View = {
  name: 'provenance',
  doc: 'Which bytes of which file came from where, one row for each subrequest that got any.',
  columns: [
    shown('file', 'File of the operation that caused the request; NULL if not known.'),
    shown('netfs_inode', 'Inode number of the file; NULL if not known.'),
    shown('start', 'First byte.'),
    shown('end', 'Byte after the last.'),
    shown('bytes', 'Bytes.'),
    shown('source', 'ZERO, DOWN (server) or READ (cache).'),
    shown('uid', 'Request: request.uid.'),
    shown('index', 'Number of the subrequest.'),
    shown('ts', 'When they were there, nanoseconds since the start of the capture.'),
  ],
  sql: () => `SELECT "f"."file", "r"."netfs_inode", "s"."start", "s"."start" + "s"."transferred",
  "s"."transferred", "s"."source", "s"."request", "s"."index", "s"."term_ns"
FROM "subrequest" AS "s"
JOIN "request" AS "r" ON "r"."uid" = "s"."request"
JOIN "request_file" AS "f" ON "f"."uid" = "r"."uid"
WHERE "s"."transferred" > 0`,
};

/** Every view. */
export const VIEWS: readonly View[] = [EVENTS, REQUEST_FILE, REQUESTS, SUBREQUESTS, PROVENANCE];

/** Every table, those of the events last. */
export const ALL_TABLES: readonly Table[] = [...Object.values(TABLES), ...EVENT_TABLES];

function tableSql({ name, columns, key }: Table): string {
  const rows = columns.map((column) => {
    const primary = key.length === 1 && key[0] === column.name ? ' PRIMARY KEY' : '';
    return `${quoted(column.name)} ${column.type}${primary}`;
  });
  return `CREATE TABLE ${quoted(name)} (\n  ${rows.join(',\n  ')}\n)`;
}

/** The statements that make the tables and the views of a capture of an era. */
export function createStatements(era: Era): string[] {
  const views = VIEWS.map(({ name, columns, sql }) => {
    const names = columns.map((column) => quoted(column.name)).join(', ');
    return `CREATE VIEW ${quoted(name)} (${names}) AS\n${sql(era)}`;
  });
  return [...Object.values(TABLES), ...eventTables(era)].map(tableSql).concat(views);
}

/** The statements that make the indexes, for when the rows are in. */
export function indexStatements(): string[] {
  return ALL_TABLES.flatMap(({ name, key, indexes }) => [
    // The rows of a table lie in the order of a key that is one number.
    ...(key.length > 1 ? [indexSql('UNIQUE INDEX', name, key)] : []),
    ...indexes.map((columns) => indexSql('INDEX', name, columns)),
  ]);
}

function indexSql(kind: string, table: string, columns: readonly string[]): string {
  const name = quoted(`${table}_${columns.join('_')}`);
  return `CREATE ${kind} ${name} ON ${quoted(table)} (${columns.map(quoted).join(', ')})`;
}

/** The documentation of every table, view and column, for people. */
export function schemaText(): string {
  const eras = Object.entries(ERA_KERNELS).map(([era, kernels]) => `  ${era}  ${kernels}`);
  const part = (kind: string, { name, doc, columns }: Table | View): string => {
    const named = Math.max(...columns.map((column) => column.name.length)) + 2;
    const typed = Math.max(...columns.map((column) => column.type.length && 9));
    const rows = columns.map(
      (column) => `  ${column.name.padEnd(named)}${column.type.padEnd(typed)}${column.doc}`,
    );
    return [`${kind} ${name}: ${doc}`, ...rows].join('\n');
  };
  return [
    ...VIEWS.map((view) => part('view', view)),
    ...ALL_TABLES.map((table) => part('table', table)),
    ['eras', ...eras].join('\n'),
  ]
    .map((section) => `${section}\n`)
    .join('\n');
}
