/**
 * A capture as a timeline for viewers: operations by task; requests, slices and cache writes by
 * file, on as many lanes as overlap; flows operation -> request -> slice -> cache write; counters
 * of what is in flight. Called by the formats `perfetto` and `chrome`.
 */
import { errnoName } from '../../base/errno.js';
import { Lanes } from '../../report/timeline/lanes.js';
import type { Arg, TimelineWriter, Track } from '../../report/timeline/types.js';
import type { Capture, SqlRow, SqlValue } from '../../store/types.js';
import type { Era } from '../../trace/eras.js';
import { type FlagSet, flagNames } from '../../trace/flag_bits.js';

/** Kinds of flows, in the lowest bits of their numbers. */
const FLOWS = { request: 0, slice: 1, store: 2 } as const;
/** Subrequests of a request whose flows can be numbered. */
const INDEXES = 2 ** 20;

/** The number of a flow to a request, to a slice or to its store; null if it has none. */
function flowTo(kind: keyof typeof FLOWS, uid: number, index = 0): number | null {
  const flow = (uid * INDEXES + index) * 4 + FLOWS[kind];
  return index < INDEXES && Number.isSafeInteger(flow) ? flow : null;
}

const known = (flow: number | null): flow is number => flow !== null;

/** The operations with the requests each of them caused. */
const OPS = `SELECT "o".*, (SELECT group_concat("r"."request_uid") FROM "request" AS "r"
  WHERE "r"."op" = "o"."id" AND ${beginOf('r')} IS NOT NULL) AS "uids"
FROM "op" AS "o" WHERE "o"."start_ns" IS NOT NULL ORDER BY "o"."start_ns", "o"."id"`;

/** When a request was first seen: its begin may be before the capture. */
function beginOf(request: string): string {
  const stages = ['expanded', 'submit', 'term', 'assess', 'unlock', 'write', 'done', 'free'];
  const times = stages.map((stage) => `${request}."${stage}_ns"`);
  return `coalesce(${request}."begin_ns", ${times.join(', ')})`;
}

const REQUESTS = `SELECT "r".*, ${beginOf('r')} AS "from_ns", "f"."file" AS "file",
  (SELECT group_concat("s"."index") FROM "subrequest" AS "s"
    WHERE "s"."request_uid" = "r"."request_uid" AND "s"."submit_ns" IS NOT NULL) AS "indexes"
FROM "request" AS "r" JOIN "request_file" AS "f" ON "f"."request_uid" = "r"."request_uid"
WHERE "from_ns" IS NOT NULL ORDER BY "from_ns", "r"."request_uid"`;

const SLICES = `SELECT "s".*, "r"."rreq" AS "rreq"
FROM "subrequest" AS "s" JOIN "request" AS "r" ON "r"."request_uid" = "s"."request_uid"
WHERE "s"."submit_ns" IS NOT NULL ORDER BY "s"."submit_ns", "s"."request_uid", "s"."index"`;

const STORES = `SELECT "s".*, "r"."rreq" AS "rreq"
FROM "subrequest" AS "s" JOIN "request" AS "r" ON "r"."request_uid" = "s"."request_uid"
WHERE "s"."write_ns" IS NOT NULL ORDER BY "s"."write_ns", "s"."request_uid", "s"."index"`;

/** Each change of what is in flight: requests, and slices with their bytes by source. */
const CHANGES = `SELECT "begin_ns" AS "ts", 'request' AS "what", 1 AS "count", 0 AS "bytes"
  FROM "request" WHERE "begin_ns" IS NOT NULL
UNION ALL SELECT "free_ns", 'request', -1, 0 FROM "request"
  WHERE "begin_ns" IS NOT NULL AND "free_ns" IS NOT NULL
UNION ALL SELECT "submit_ns", "source", 1, "len" FROM "subrequest" WHERE "submit_ns" IS NOT NULL
UNION ALL SELECT "term_ns", "source", -1, -"len" FROM "subrequest"
  WHERE "submit_ns" IS NOT NULL AND "term_ns" IS NOT NULL
ORDER BY 1`;

/** What a source is called. */
const SOURCES: Readonly<Record<string, string>> = {
  DOWN: 'from the server',
  READ: 'from the cache',
  WRIT: 'to the cache',
  UPLD: 'to the server',
};

/** The timeline of an open capture, in the pieces of its writer. */
export function* timelineOf<T>(capture: Capture, writer: TimelineWriter<T>): Iterable<T> {
  const timeline = new Timeline(capture, writer);
  const passes: readonly (readonly [sql: string, take: (row: SqlRow) => void])[] = [
    // A slice stands in the file behind those its flow comes from, should they begin at once.
    [OPS, timeline.op],
    [REQUESTS, timeline.request],
    [SLICES, timeline.slice],
    [STORES, timeline.store],
    ['SELECT "ts", "text" FROM "marker" ORDER BY "id"', timeline.marker],
    [CHANGES, timeline.change],
  ];
  for (const [sql, take] of passes) {
    for (const row of capture.iterate(sql)) {
      take(row);
      const piece = writer.take(false);
      if (piece !== null) yield piece;
    }
  }
  timeline.finish();
  const piece = writer.take(true);
  if (piece !== null) yield piece;
}

const number = (value: SqlValue | undefined): number => Number(value ?? 0);
const ended = (value: SqlValue | undefined, begin: number): number | null =>
  // Merged texts may tell of an end before the begin; a slice cannot be drawn backwards.
  typeof value === 'number' ? Math.max(value, begin) : null;
const plain = (value: SqlValue | undefined): string | number | null =>
  value === null || value === undefined || value instanceof Uint8Array ? null : value;
const listed = (value: SqlValue | undefined): number[] =>
  typeof value === 'string' && value !== '' ? value.split(',').map(Number) : [];

class Timeline {
  readonly #writer: TimelineWriter<unknown>;
  readonly #era: Era;
  readonly #tasks = new Map<number, { readonly comm: string; readonly pid: number }>();
  readonly #groups = new Map<string, number>();
  readonly #lanes = new Map<string, Lanes>();
  readonly #single = new Map<string, Track>();
  readonly #flags = new Map<string, string>();
  /** The file of each request. */
  readonly #files = new Map<number, string>();
  readonly #counters = new Map<string, { track: Track; value: number; told: number }>();
  #now = 0;

  constructor(capture: Capture, writer: TimelineWriter<unknown>) {
    this.#writer = writer;
    this.#era = capture.info.era;
    for (const { id, comm, pid } of capture.all('SELECT "id", "comm", "pid" FROM "task"')) {
      this.#tasks.set(number(id), { comm: String(comm), pid: number(pid) });
    }
  }

  /** An operation on a lane of its task. */
  readonly op = (row: SqlRow): void => {
    const begin = number(row.start_ns);
    const end = ended(row.end_ns, begin);
    const lanes = this.#lanesOf(this.#taskGroup(row.task), 'operations');
    this.#writer.slice({
      lane: lanes.take(begin, end),
      begin,
      end,
      category: 'op',
      name: String(row.kind),
      args: [
        ['op', plain(row.id)],
        ['file', plain(row.file)],
        ['offset', plain(row.offset)],
        ['len', plain(row.len)],
        ...result(row.result),
      ],
      out: listed(row.uids)
        .map((uid) => flowTo('request', uid))
        .filter(known),
      into: null,
    });
  };

  /** A request on a lane of its file; one of no operation is marked at its task, too. */
  readonly request = (row: SqlRow): void => {
    const uid = number(row.request_uid);
    const begin = number(row.from_ns);
    const file = String(row.file ?? 'file not known');
    this.#files.set(uid, file);
    const name = `R=${hex(row.rreq)} ${row.kind ?? 'request'}`;
    const flow = flowTo('request', uid);
    if (row.op === null && row.task !== null) this.#mark(row.task, begin, name, flow);
    const end = ended(row.free_ns, begin);
    this.#writer.slice({
      lane: this.#fileLanes(file, 'requests').take(begin, end),
      begin,
      end,
      category: 'request',
      name,
      args: this.#requestArgs(row),
      out: listed(row.indexes)
        .map((index) => flowTo('slice', uid, index))
        .filter(known),
      into: flow,
    });
  };

  /** A subrequest, from SUBMT to its last TERM. */
  readonly slice = (row: SqlRow): void => {
    const uid = number(row.request_uid);
    const index = number(row.index);
    const begin = number(row.submit_ns);
    const end = ended(row.term_ns, begin);
    const flow = flowTo('store', uid, index);
    this.#writer.slice({
      lane: this.#fileLanes(this.#fileOf(uid), 'slices').take(begin, end),
      begin,
      end,
      category: 'slice',
      name: `R=${hex(row.rreq)}[${index}] ${row.source ?? ''}`.trimEnd(),
      args: [
        ['request uid', uid],
        ['first source', plain(row.first_source)],
        ['start', plain(row.start)],
        ['len', plain(row.len)],
        ['transferred', plain(row.transferred)],
        ['verdict', plain(row.verdict)],
        ['flags', this.#flagsOf('sreq', row.flags)],
        ...failure(row.error),
      ],
      out: row.write_ns === null || flow === null ? [] : [flow],
      into: flowTo('slice', uid, index),
    });
  };

  /** The store of a subrequest into the cache, from WRITE to WTERM. */
  readonly store = (row: SqlRow): void => {
    const uid = number(row.request_uid);
    const begin = number(row.write_ns);
    const end = ended(row.wterm_ns, begin);
    this.#writer.slice({
      lane: this.#fileLanes(this.#fileOf(uid), 'cache writes').take(begin, end),
      begin,
      end,
      category: 'store',
      name: `R=${hex(row.rreq)}[${row.index}] store`,
      args: [
        ['request uid', uid],
        ['len', plain(row.final_len)],
        ['stored', plain(row.stored)],
      ],
      out: [],
      into: row.submit_ns === null ? null : flowTo('store', uid, number(row.index)),
    });
  };

  /** A text of the application. */
  readonly marker = ({ ts, text }: SqlRow): void => {
    const lane = this.#laneOf('markers', null, 'markers');
    const begin = number(ts);
    const what = { category: 'marker', name: String(text), args: [], out: [], into: null };
    this.#writer.instant({ lane, begin, ...what });
  };

  /** A change of what is in flight; all of one moment are told at once. */
  readonly change = ({ ts, what, count, bytes }: SqlRow): void => {
    const now = number(ts);
    if (now !== this.#now) this.finish();
    this.#now = now;
    if (what === 'request') {
      this.#add('requests in flight', 'count', number(count));
      return;
    }
    const name = SOURCES[String(what)];
    if (name === undefined) return;
    this.#add(`slices in flight ${name}`, 'count', number(count));
    this.#add(`bytes in flight ${name}`, 'bytes', number(bytes));
  };

  /** Tells the counters that have changed at the last moment. */
  finish(): void {
    for (const counter of this.#counters.values()) {
      if (counter.value === counter.told) continue;
      this.#writer.count(counter.track, this.#now, counter.value);
      counter.told = counter.value;
    }
  }

  #add(name: string, unit: 'count' | 'bytes', change: number): void {
    let counter = this.#counters.get(name);
    if (counter === undefined) {
      counter = { track: this.#writer.counter(name, unit), value: 0, told: 0 };
      this.#counters.set(name, counter);
    }
    counter.value += change;
  }

  #requestArgs(row: SqlRow): Arg[] {
    const task = this.#tasks.get(number(row.task));
    return [
      ['uid', plain(row.request_uid)],
      ['task', task === undefined ? null : `${task.comm}-${task.pid}`],
      ['start', plain(row.expanded_start ?? row.start ?? null)],
      ['len', plain(row.expanded_len ?? row.len ?? null)],
      ['cookie', plain(row.cookie)],
      ['inode', plain(row.netfs_inode)],
      ['zero bytes', plain(row.zero_bytes)],
      ['bytes from the server', plain(row.server_bytes)],
      ['bytes from the cache', plain(row.cache_bytes)],
      ['bytes stored', plain(row.stored_bytes)],
      ['flags', this.#flagsOf('rreq', row.flags)],
      ['outcome', plain(row.outcome)],
      ['begin', row.begin_ns === null ? 'not in the capture' : null],
      ...failure(row.error),
    ];
  }

  #mark(task: SqlValue | undefined, begin: number, name: string, flow: number | null): void {
    const group = this.#taskGroup(task);
    const lane = this.#laneOf(`${group} made`, group, 'requests made');
    const out = flow === null ? [] : [flow];
    this.#writer.instant({ lane, begin, category: 'request', name, args: [], out, into: null });
  }

  #fileOf(uid: number): string {
    return this.#files.get(uid) ?? 'file not known';
  }

  #fileLanes(file: string, name: string): Lanes {
    const key = `file ${file}`;
    const group = this.#groups.get(key) ?? this.#writer.group(file, null);
    this.#groups.set(key, group);
    return this.#lanesOf(group, name);
  }

  #taskGroup(id: SqlValue | undefined): number {
    const key = `task ${id}`;
    const { comm, pid } = this.#tasks.get(number(id)) ?? { comm: 'task not known', pid: null };
    const group = this.#groups.get(key) ?? this.#writer.group(comm, pid);
    this.#groups.set(key, group);
    return group;
  }

  #lanesOf(group: number, name: string): Lanes {
    const key = `${group} ${name}`;
    const lanes = this.#lanes.get(key) ?? new Lanes(this.#writer, group, name);
    this.#lanes.set(key, lanes);
    return lanes;
  }

  #laneOf(key: string, group: number | null, name: string): Track {
    const lane = this.#single.get(key) ?? this.#writer.lane(group, name);
    this.#single.set(key, lane);
    return lane;
  }

  /** Flag bits in hexadecimal and by name, as `--decode` prints them. */
  #flagsOf(set: FlagSet, value: SqlValue | undefined): string | null {
    if (typeof value !== 'number') return null;
    const key = `${set}${value}`;
    let text = this.#flags.get(key);
    if (text === undefined) {
      const names = flagNames(this.#era, set, value).join('|');
      text = value.toString(16).padStart(2, '0') + (names === '' ? '' : `[${names}]`);
      this.#flags.set(key, text);
    }
    return text;
  }
}

function hex(rreq: SqlValue | undefined): string {
  return number(rreq).toString(16).padStart(8, '0');
}

function failure(error: SqlValue | undefined): Arg[] {
  if (typeof error !== 'number' || error === 0) return [];
  return [
    ['error', error],
    ['errno', errnoName(error)],
  ];
}

function result(value: SqlValue | undefined): Arg[] {
  return typeof value === 'number' && value < 0 ? failure(value) : [['result', plain(value)]];
}
