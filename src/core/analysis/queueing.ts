/**
 * Whether slices wait for their source or are served by it: from SUBMT to the first event of the
 * layer below, from there to its last, and from that to TERM. Called by `trace latency --queueing`.
 * Which events of a layer begin and end the service is data here.
 */
import type { Analysis, Column, Gathering, Row } from './types.js';

/** How an event of a layer finds its slice. */
type Finds = 'request' | 'task' | 'range' | 'call';

interface Service {
  readonly event: string;
  readonly source: 'READ' | 'DOWN';
  readonly when: 'begin' | 'end';
  readonly finds: Finds;
  /** Position of the file, number of the call, and inode, as far as the event prints them. */
  readonly start?: string;
  readonly call?: string;
  readonly ino?: string;
  /** Which rows count; all if it is left out. */
  readonly where?: string;
}

const P9_READ = `"type" = 'P9_TREAD'`;
const AFS_READ = `"operation" LIKE 'FS.FetchData%'`;

/** The events that tell when a layer begins and ends, by the systems that print them. */
const SERVICES: readonly Service[] = [
  { event: 'cachefiles_read', source: 'READ', when: 'begin', finds: 'task', start: 'start' },
  { event: '9p_client_req', source: 'DOWN', when: 'begin', finds: 'task', where: P9_READ },
  { event: '9p_client_res', source: 'DOWN', when: 'end', finds: 'task', where: P9_READ },
  ...['afs_make_fs_call', 'afs_make_fs_calli'].map((event) => {
    const how = { source: 'DOWN', when: 'begin', finds: 'task' } as const;
    return { event, ...how, call: 'call', where: AFS_READ };
  }),
  { event: 'afs_call_done', source: 'DOWN', when: 'end', finds: 'call', call: 'call' },
  { event: 'smb3_read_enter', source: 'DOWN', when: 'begin', finds: 'request' },
  { event: 'smb3_read_done', source: 'DOWN', when: 'end', finds: 'request' },
  {
    ...{ event: 'nfs_initiate_read', source: 'DOWN', when: 'begin', finds: 'range' },
    ...{ start: 'offset', ino: 'fileid' },
  },
  {
    ...{ event: 'nfs_readpage_done', source: 'DOWN', when: 'end', finds: 'range' },
    ...{ start: 'offset', ino: 'fileid' },
  },
] as const;

function serviceSql({ event, start, call, ino, finds, where }: Service, number: number): string {
  const column = (name: string | undefined) => (name === undefined ? 'NULL' : `"${name}"`);
  return `SELECT "id", "ts", "task", ${number}, NULL, ${finds === 'request' ? SLICE_KEY : 'NULL'},
  ${column(start)}, NULL, coalesce(${column(ino)}, ${column(call)})
FROM "${event}"${where === undefined ? '' : ` WHERE ${where}`}`;
}

/** Slices of a request that are told apart. */
const SLICES_MAX = 2 ** 16;
/** A number for a slice. */
const SLICE_KEY = `"rreq" * ${SLICES_MAX} + "index"`;

/** What a row tells of: an event of a layer by its place in `SERVICES`, or one of these. */
const [READ, SUBMITTED, ENDED] = [-1, -2, -3];
/** Sources by their numbers in a row. Slices that were only added do not say theirs. */
const SOURCES = ['----', 'READ', 'DOWN'] as const;

/** What has not ended. Numbers instead of NULL: there are millions. */
class Slice {
  source = 0;
  start = 0;
  len = 0;
  submit = 0;
  task = 0;
  /** NaN if it is not known. */
  ino = Number.NaN;
  /** The event that began the service in `SERVICES`; -1 = none yet. */
  by = -1;
  /** Of the service; `end` is NaN until it is known. */
  begin = 0;
  end = Number.NaN;
}

/** The durations of one way. */
class Times {
  readonly queue: number[] = [];
  readonly service: number[] = [];
  readonly finish: number[] = [];

  row(source: string, by: string): Row {
    const [queue, service, finish] = [this.queue, this.service, this.finish].map((values) =>
      new Float64Array(values).sort(),
    ) as [Float64Array, Float64Array, Float64Array];
    const sum = (values: Float64Array) => values.reduce((all, each) => all + each, 0);
    const all = sum(queue) + sum(service) + sum(finish);
    const at = (sorted: Float64Array, p: number) =>
      sorted[Math.ceil((sorted.length * p) / 100) - 1] as number;
    return {
      ...{ source, by, slices: queue.length },
      ...{ queue_p50: at(queue, 50), queue_p99: at(queue, 99) },
      ...{ service_p50: at(service, 50), service_p99: at(service, 99) },
      ...{ finish_p50: at(finish, 50), finish_p99: at(finish, 99) },
      queue_share: all === 0 ? null : sum(queue) / all,
      note: null,
    };
  }
}

const ns = (name: string, doc: string): Column => ({ name, doc, unit: 'ns' });

/** One row per source and event that begins its service; then what the trace does not tell. */
export const queueing: Analysis = {
  name: 'queueing',
  doc: 'Whether slices wait before their source begins, or for what it does.',
  needs: ['netfs_sreq', 'netfs_read', ...SERVICES.map(({ event }) => event)],
  records: [['netfs_sreq']],
  timed: true,
  columns: [
    { name: 'source', doc: 'READ (cache) or DOWN (server).', unit: 'text' },
    { name: 'by', doc: 'Event that says the source has begun.', unit: 'text' },
    { name: 'slices', doc: 'Slices.', unit: 'count' },
    ns('queue_p50', 'Median from SUBMT (ADD where there is none) to that event.'),
    ns('queue_p99', 'Its 99th percentile.'),
    ns('service_p50', 'Median from that event to the last of the source; to TERM if it has none.'),
    ns('service_p99', 'Its 99th percentile.'),
    ns('finish_p50', 'Median from the last event of the source to TERM.'),
    ns('finish_p99', 'Its 99th percentile.'),
    { name: 'queue_share', doc: 'Share of all time that was spent in the queue.', unit: 'ratio' },
    { name: 'note', doc: 'What the trace needs to tell more.', unit: 'text' },
  ],
  params: [],
  sql: `
SELECT "id", "ts", "task", ${READ} AS "what", NULL AS "source", "rreq" AS "slice",
  NULL AS "start", NULL AS "len", "netfs_inode" AS "key"
FROM "netfs_read"
WHERE EXISTS (SELECT 1 FROM "nfs_initiate_read") OR EXISTS (SELECT 1 FROM "nfs_readpage_done")
UNION ALL
SELECT "id", "ts", "task", CASE "what" WHEN 'TERM' THEN ${ENDED} ELSE ${SUBMITTED} END,
  CASE "source" ${SOURCES.map((name, i) => `WHEN '${name}' THEN ${i}`).join(' ')} END,
  ${SLICE_KEY}, "start", "len", NULL
FROM "netfs_sreq" WHERE "what" IN ('ADD', 'SUBMT', 'RDOWN', 'TERM')
  AND "source" IN ('READ', 'DOWN', '----')
UNION ALL
${SERVICES.map(serviceSql).join('\nUNION ALL\n')}
ORDER BY "id"`,
  gather: () => new Walk(),
};

/** Follows the slices through the events. */
class Walk implements Gathering {
  readonly #inodes = new Map<number, number>();
  readonly #open = new Map<number, Slice>();
  readonly #calls = new Map<number, Slice>();
  readonly #ways = new Map<string, Times>();
  /** Slices of which no event of their source is known, by the number of the source. */
  readonly #untold = SOURCES.map(() => 0);
  /** Sources of which some event is in the trace. */
  readonly #told = new Set<string>();

  take(row: Row): void {
    const what = row.what as number;
    if (what === ENDED) this.#ended(row);
    else if (what === SUBMITTED) this.#submitted(row);
    else if (what === READ) this.#inodes.set(Number(row.slice), Number(row.key));
    else this.#service(what, row);
  }

  *rows(): Iterable<Row> {
    for (const [way, times] of [...this.#ways].sort()) {
      const [source = '', by = ''] = way.split(' ');
      yield times.row(source, by);
    }
    const untold = this.#untold.map((slices, i) => [SOURCES[i] as string, slices] as const);
    for (const [source, slices] of untold.sort()) {
      if (slices > 0) yield untoldRow(source, slices, this.#told.has(source));
    }
  }

  #submitted(row: Row): void {
    const key = row.slice as number;
    // A call for the slice as it was before may still end.
    const slice = new Slice();
    this.#open.set(key, slice);
    slice.source = row.source as number;
    slice.start = Number(row.start);
    slice.len = Number(row.len);
    slice.submit = Number(row.ts);
    slice.task = Number(row.task);
    if (this.#inodes.size > 0) {
      slice.ino = this.#inodes.get(Math.floor(key / SLICES_MAX)) ?? Number.NaN;
    }
  }

  #service(number: number, row: Row): void {
    const service = SERVICES[number] as Service;
    this.#told.add(service.source);
    const slice = this.#find(service, row);
    if (slice === undefined) return;
    if (service.when === 'end') {
      slice.end = Number(row.ts);
      return;
    }
    if (service.finds === 'task' && service.call !== undefined) {
      this.#calls.set(Number(row.key), slice);
    }
    if (slice.by < 0) slice.begin = Number(row.ts);
    slice.by = number;
  }

  #find({ finds, source }: Service, row: Row): Slice | undefined {
    if (finds === 'request') return this.#open.get(row.slice as number);
    if (finds === 'call') return this.#calls.get(Number(row.key));
    const from = SOURCES.indexOf(source);
    let found: Slice | undefined;
    for (const slice of this.#open.values()) {
      const start = row.start === null ? slice.start : Number(row.start);
      const within = start >= slice.start && start < slice.start + slice.len;
      const mine = finds === 'task' ? slice.task === row.task : slice.ino === row.key;
      if (within && mine && (slice.source === from || slice.source === 0)) found = slice;
    }
    return found;
  }

  #ended(row: Row): void {
    const key = row.slice as number;
    const slice = this.#open.get(key);
    if (slice === undefined) return;
    this.#open.delete(key);
    const source = row.source as number;
    const { submit, begin, by } = slice;
    if (by < 0) {
      this.#untold[source] = (this.#untold[source] as number) + 1;
      return;
    }
    const term = Number(row.ts);
    const end = Number.isNaN(slice.end) ? term : slice.end;
    const way = `${SOURCES[source]} ${SERVICES[by]?.event}`;
    const times = this.#ways.get(way) ?? new Times();
    this.#ways.set(way, times);
    times.queue.push(begin - submit);
    times.service.push(end - begin);
    times.finish.push(term - end);
  }
}

/** Slices of a source that nothing tells of: nothing happened, or it was not recorded. */
function untoldRow(source: string, slices: number, told: boolean): Row {
  const begins = SERVICES.filter((each) => each.when === 'begin' && each.source === source);
  const events = begins.map(({ event }) => event).join(' or ');
  const note = told ? 'ended without its source having begun' : `needs ${events}`;
  const none = { by: null, queue_share: null };
  const times = ['queue', 'service', 'finish'].flatMap((each) => [`${each}_p50`, `${each}_p99`]);
  const empty = Object.fromEntries(times.map((name) => [name, null]));
  return { source, slices, ...none, ...empty, note };
}
