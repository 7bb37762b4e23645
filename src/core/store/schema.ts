/**
 * Every table and column of a capture database, with its documentation, as data. The DDL (ddl.ts),
 * the text of `sql --schema` and the inserts are made from it; views.ts has the views.
 *
 * A column holds values of its type only, so that readers with static types (DuckDB) can scan it.
 * Numbers of 64 bits are what SQLite makes of them: from 2^63 on negative, the same bits.
 */
import type { Era } from '../trace/eras.js';
import { TRACEPOINTS, tracepointsIn } from '../trace/index.js';
import type { AnyTracepoint, Column as TraceColumn } from '../trace/tracepoint.js';

/** `application_id` of our databases: "nfsl". */
export const APPLICATION_ID = 0x6e66736c;

/** `user_version`: rises with every change of a table. */
export const SCHEMA_VERSION = 4;

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
  /** The statement for a capture of an era; `filled` = the tables of events that it has. */
  sql(era: Era, filled: ReadonlySet<string>): string;
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

/** The first column of every event. */
export const EVENT_ID = integer(
  'id',
  'Place in the order of all events of the capture, counted from 1.',
);
/** When something happened. */
export const TS = integer('ts', 'Nanoseconds since the start of the capture.');
/** Who did it. */
export const TASK = integer('task', 'Task that was executing: task.id.');
/** On whose behalf. */
export const OP = integer('op', 'Operation on whose behalf it happened: op.id; NULL = none.');

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
    integer('read_requests', 'Read requests it caused.'),
    integer('write_requests', 'Write requests it caused, copies to the cache included.'),
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
  doc: 'Requests to read or write, made from the events. Times: ns since the start of the capture.',
  key: ['request_uid'],
  indexes: [['rreq'], ['op']],
  columns: [
    integer(
      'request_uid',
      'Number of the request in this capture; rreq may start again, this does not.',
    ),
    integer('rreq', 'Number as printed after R= (there in hexadecimal).'),
    text(
      'kind',
      '`readahead`, `readpage`, `write_begin`, `direct`, `read_gaps`, `read_single`; NULL = none.',
    ),
    text('side', '`read`, or `write`: also what is copied to the cache.'),
    integer('direct', '1 if it goes past the page cache (O_DIRECT, unbuffered).'),
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
    integer('server_bytes', 'Bytes from the server.'),
    integer('cache_bytes', 'Bytes from the cache.'),
    integer('stored_bytes', 'Bytes written to the cache, rounded as they were written.'),
    integer('short_reads', 'Short reads that were asked for again.'),
    integer('cache_fallbacks', 'Cache reads that failed and went to the server.'),
    integer('refused_stores', 'Stores that the cache refused.'),
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
  key: ['request_uid', 'index'],
  indexes: [],
  columns: [
    integer('request_uid', 'Its request: request.request_uid.'),
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
    integer('short_reads', 'Times it was short and was asked for again.'),
    integer('cache_fallbacks', 'Times its cache read failed and it went to the server.'),
    integer('stored', '1 if it was stored and the store did not fail; merged ones count as one.'),
    integer('store_refused', '1 if the cache refused it.'),
    integer(
      'cache_bytes_kept',
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

const DOC: Table = {
  name: '_doc',
  doc: 'What every table, view and column of this database means.',
  key: [],
  indexes: [],
  columns: [
    text('table', 'Table or view.'),
    text('column', 'Column; NULL = the row is about the table itself.'),
    text('type', '`INTEGER` or `TEXT`; of the table itself `table` or `view`.'),
    text('doc', 'What it is, with its unit.'),
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
  _doc: DOC,
} as const satisfies Record<string, Table>;

/** What every capture has; the others are there if it has rows for them. */
export const ALWAYS: readonly Table[] = [
  ...[CAPTURE, TASK_TABLE, OP_TABLE, FILE_TABLE, REQUEST, SUBREQUEST, DOC],
];

/** The tables of the tracepoints. */
export const EVENT_TABLES: readonly Table[] = TRACEPOINTS.map(eventTable);

/** The tables of the tracepoints of an era; a described kernel has more. */
export function eventTables(era: Era): readonly Table[] {
  return tracepointsIn(era).map(eventTable);
}

/** In the options of a capture: the description of its kernel, where it is none of those known. */
export const DESCRIBED = 'described';

/**
 * In the options of a capture: the words of labels that no table has, as lists by
 * `event.column`.
 */
export const UNKNOWN_WORDS = 'unknown_words';

/** Every table, those of the events last. */
export const ALL_TABLES: readonly Table[] = [...Object.values(TABLES), ...EVENT_TABLES];
