/**
 * The use case `stats reconcile`: recomputes the statistics from the events of a capture, compares
 * them with what the kernel counted, and says why they differ where they do.
 */
import { unknownWords } from '../../analysis/doubt.js';
import type { Column, Row, Table } from '../../analysis/types.js';
import { UsageError } from '../../base/errors.js';
import { openCapture } from '../../store/database.js';
import type { Capture } from '../../store/types.js';
import { eraAge, inEra, type PerEra } from '../../trace/eras.js';
import { tracepointNamed, tracepointsIn } from '../../trace/index.js';
import { statKeys } from '../../trace/stats_layout.js';
import { findCapture } from '../trace/capture_path.js';
import { statDeltas } from './delta.js';
import { type StatsSource, statsOfCapture, statsSource } from './source.js';

const COLUMNS: readonly Column[] = [
  { name: 'label', doc: 'Label of the line.', unit: 'text' },
  { name: 'key', doc: 'Key as printed.', unit: 'text' },
  { name: 'events', doc: 'Recomputed from the events; NULL = no event tells.', unit: 'count' },
  { name: 'stats', doc: 'What the statistics rose by.', unit: 'count' },
  { name: 'difference', doc: 'Events less statistics.', unit: 'count' },
  { name: 'verdict', doc: 'same, explained, cannot tell, not told, or DIFFERS.', unit: 'text' },
  { name: 'why', doc: 'Explanation of a difference.', unit: 'text' },
];

/** Whether all counters agree, or how they differ. */
export interface Reconciliation extends Table {
  /** Keys that differ without an explanation. */
  readonly unexplained: number;
}

/** Counts rows of an event: its table, and conditions on columns as SQL. */
interface Count {
  readonly table: string;
  readonly where: string;
  /** Added to the count: 1, or -1 where the event takes something away. */
  readonly sign?: 1 | -1;
  /** What is counted, where it is not the event itself: rows that the reducer made of it. */
  readonly rows?: 'subrequest';
}

const sreq = (where: string, sign: 1 | -1 = 1): Count => ({ table: 'netfs_sreq', where, sign });
const read = (...what: string[]): Count => ({
  table: 'netfs_read',
  where: `"what" IN (${what.map((each) => `'${each}'`).join(', ')})`,
});
const all = (table: string): Count => ({ table, where: '1' });
const less = (table: string, where: string): Count => ({ table, where, sign: -1 });
const volume = (why: string, sign: 1 | -1 = 1): Count => ({
  table: 'fscache_volume',
  where: `"where" = '${why}'`,
  sign,
});
const was = (source: string, ...what: string[]): Count =>
  sreq(`"source" = '${source}' AND "what" IN (${what.map((each) => `'${each}'`).join(', ')})`);
const written = (what: string, sign: 1 | -1 = 1): Count => ({
  table: 'netfs_write',
  where: `"what" = '${what}'`,
  sign,
});
const failed = (source: string): Count =>
  sreq(`"source" = '${source}' AND "what" = 'TERM' AND "error" < 0`);

/** The counts that make up a variable. */
type Recipe = readonly Count[];
type Recipes = Readonly<Record<string, Recipe>>;

const BOTH: Recipes = {
  netfs_n_rh_readahead: [read('READAHEAD')],
  netfs_n_rh_readpage: [read('READPAGE')],
  netfs_n_rh_read_folio: [read('READPAGE')],
  netfs_n_rh_dio_read: [read('DIO-READ')],
  netfs_n_rh_zero: [was('ZERO', 'SUBMT')],
  netfs_n_rh_short_read: [sreq(`"what" = 'SHORT'`)],
  netfs_n_rh_read: [was('READ', 'SUBMT', 'SHORT')],
  netfs_n_rh_read_done: [was('READ', 'TERM')],
  netfs_n_rh_read_failed: [failed('READ')],
  netfs_n_rh_download_failed: [failed('DOWN')],
  netfs_n_rh_download_instead: [sreq(`"what" = 'RDOWN'`)],
  'Cookies.n': [all('fscache_acquire'), less('fscache_cookie', '"ref" = 0')],
  'Cookies.v': [volume('NEW acq'), volume('FREE', -1)],
  'Cookies.vcol': [volume('*COLLIDE*')],
  'IO.rd': [all('cachefiles_read')],
  'IO.wr': [all('cachefiles_write')],
  'Acquire.n': [all('fscache_acquire')],
  'Acquire.ok': [all('fscache_acquire')],
  'Relinqs.n': [all('fscache_relinquish')],
  'Relinqs.rtr': [{ table: 'fscache_relinquish', where: '"retire" = 1' }],
  'Relinqs.drop': [{ table: 'fscache_cookie', where: '"ref" = 0' }],
  'Invals.n': [all('fscache_invalidate')],
  'Updates.rsz': [all('fscache_resize')],
};

/** Up to v6.7. */
const OLD: Recipes = {
  ...BOTH,
  netfs_n_rh_write_begin: [read('WRITEBEGN')],
  netfs_n_rh_rreq: [
    read('READAHEAD', 'READPAGE', 'WRITEBEGN'),
    less('netfs_rreq', `"what" = 'FREE'`),
  ],
  netfs_n_rh_sreq: [sreq(`"what" = 'PREP'`), sreq(`"what" = 'FREE'`, -1)],
  netfs_n_rh_download: [was('DOWN', 'SUBMT', 'SHORT', 'RDOWN')],
  netfs_n_rh_download_done: [was('DOWN', 'TERM')],
  netfs_n_rh_write: [sreq(`"what" = 'WRITE'`)],
  netfs_n_rh_write_done: [
    sreq(`"what" = 'WTERM'`),
    less('netfs_failure', `"what" = 'copy-to-cache'`),
  ],
  netfs_n_rh_write_failed: [{ table: 'netfs_failure', where: `"what" = 'copy-to-cache'` }],
  'NoSpace.nwr': [{ table: 'netfs_failure', where: `"what" = 'prep-write' AND "error" = -105` }],
};

/** From v6.8 on. */
const WRITING: Recipes = {
  ...BOTH,
  netfs_n_rh_rreq: [
    { table: 'netfs_rreq_ref', where: `"what" = 'NEW'` },
    less('netfs_rreq', `"what" = 'FREE'`),
  ],
  netfs_n_rh_sreq: [sreq(`"what" = 'PREP'`), sreq(`"what" = 'FREE'`, -1)],
  'NoSpace.nwr': [{ table: 'netfs_failure', where: `"source" = 'WRIT' AND "error" = -105` }],
  netfs_n_rh_write_begin: [read('PREFETCHW')],
  // Done counts what ended, failed or not. The server's slices tell their end only, where the
  // filesystem reads in the caller's context.
  netfs_n_rh_download: [was('DOWN', 'TERM')],
  netfs_n_rh_download_done: [was('DOWN', 'TERM')],
  // Calls that go around the page cache, or through it and on at once, count as such only.
  netfs_n_wh_buffered_write: [
    all('netfs_write_iter'),
    written('DIO-WRITE', -1),
    written('UNB-WRITE', -1),
    written('WRITETHRU', -1),
  ],
  netfs_n_wh_dio_write: [written('DIO-WRITE'), written('UNB-WRITE')],
  netfs_n_wh_writethrough: [written('WRITETHRU')],
  netfs_n_wh_writepages: [{ table: 'netfs_write', where: `"what" = 'WRITEBACK'` }],
  netfs_n_wh_copy_to_cache: [{ table: 'netfs_write', where: `"what" = 'COPY2CACH'` }],
  netfs_n_wh_upload: [was('UPLD', 'SUBMT')],
  netfs_n_wh_upload_done: [sreq(`"source" = 'UPLD' AND "what" = 'TERM' AND "error" >= 0`)],
  netfs_n_wh_upload_failed: [failed('UPLD')],
  netfs_n_wh_write: [was('WRIT', 'SUBMT')],
  netfs_n_wh_write_done: [was('WRIT', 'TERM')],
  netfs_n_wh_write_failed: [failed('WRIT')],
};

/** From v6.12 on slices that read are added before anybody says whether they are prepared. */
const ADDING: Recipes = {
  ...WRITING,
  netfs_n_rh_sreq: [
    sreq(`"what" = 'ADD'`),
    was('UPLD', 'PREP'),
    was('WRIT', 'PREP'),
    sreq(`"what" = 'FREE'`, -1),
  ],
};

/**
 * From v6.14 on. A slice is told first by ---- PREP, by ADD, or where there is no cache by TERM
 * only; what is tried again counts as a retry and not as another download.
 */
const COLLECTED: Recipes = {
  ...ADDING,
  netfs_n_rh_sreq: [
    { table: 'netfs_sreq', where: '1', rows: 'subrequest' },
    sreq(`"what" = 'FREE'`, -1),
  ],
  netfs_n_rh_read_folio: [read('READPAGE', 'READ-GAPS')],
  netfs_n_rh_read_single: [read('READ-SNGL')],
  netfs_n_rh_download: [was('DOWN', 'TERM'), sreq(`"source" = 'DOWN' AND "what" = 'RETRY'`, -1)],
  netfs_n_rh_retry_read_req: [{ table: 'netfs_rreq', where: `"what" = 'RESUBMT'` }],
  netfs_n_rh_retry_read_subreq: [was('DOWN', 'RETRY'), was('READ', 'RETRY')],
  netfs_n_wh_writepages: [written('WRITEBACK'), written('WB-SINGLE')],
  netfs_n_wh_upload_done: [was('UPLD', 'TERM')],
};

/** Keys that share their events: the first says how often, the second where there is no cache. */
const SHARED: Readonly<Record<string, string>> = { 'Updates.rsz': 'Updates.rsn' };

/** How a variable follows from events; keys of FS-Cache as label.key. */
const RECIPES: PerEra<Recipes> = { E0: OLD, E4: WRITING, E6: ADDING, E7: COLLECTED };

/** Compares; `before` and `after` are copies, default the first and last snapshot there are. */
export function reconcile(file?: string, before?: string, after?: string): Reconciliation {
  const capture = openCapture(findCapture(file));
  try {
    const [first, last] = snapshotsOf(capture, before, after);
    const rows = compare(capture, first, last);
    const unexplained = rows.filter(({ verdict }) => verdict === 'DIFFERS').length;
    return { capture: capture.path, columns: COLUMNS, rows, unexplained };
  } finally {
    capture.close();
  }
}

function snapshotsOf(
  capture: Capture,
  before: string | undefined,
  after: string | undefined,
): readonly [StatsSource | null, StatsSource] {
  if (after !== undefined) {
    return [before === undefined ? null : statsSource(before), statsSource(after)];
  }
  if (before !== undefined) throw new UsageError('--before', 'needs --after as well');
  const last = statsOfCapture(capture);
  const of = Number(capture.get('SELECT max("snapshot") AS "n" FROM "stats"')?.n);
  // A lab's only snapshot is its end; it began with zeros.
  return [of > 1 ? statsOfCapture(capture, 1) : null, last];
}

function compare(capture: Capture, first: StatsSource | null, last: StatsSource): Row[] {
  const zero = { ...last, entries: last.entries.map((entry) => ({ ...entry, value: 0 })) };
  const doubts = doubtsOf(capture);
  const recipes = inEra(RECIPES, capture.info.era) ?? {};
  const keys = statKeys(last.era);
  const deltas = statDeltas(first ?? zero, last);
  const roseBy = (name: string | undefined) => {
    const row = deltas.find((each) => `${each.label}.${each.key}` === name);
    return (row?.after ?? 0) - (row?.before ?? 0);
  };
  return deltas.map(({ label, key, before, after }): Row => {
    const variable = keys.find((each) => each.label === label && each.key === key)?.variable ?? '';
    const stats = before === null || after === null ? null : after - before;
    const recipe = recipes[variable] ?? recipes[`${label}.${key}`];
    const events = recipe === undefined ? null : recount(capture, recipe);
    const other = SHARED[`${label}.${key}`];
    const shared = roseBy(other);
    const difference = stats === null || events === null ? null : events - stats - shared;
    const base = { label, key, events, stats, difference };
    if (recipe === undefined || difference === null) {
      const twice = variable === 'netfs_n_rh_write_zskip';
      const why = twice ? 'no event; WBZ and sk are one variable' : 'no event tells';
      return { ...base, verdict: 'not told', why };
    }
    const judged = judge(capture, recipe, difference, doubts);
    if (shared === 0 || judged.why !== null) return { ...base, ...judged };
    return { ...base, ...judged, why: `${shared} of them count as ${other}` };
  });
}

/** What a variable should be by the events; null where the era does not have them. */
function recount(capture: Capture, recipe: Recipe): number | null {
  let sum = 0;
  for (const { table, where, sign = 1, rows = table } of recipe) {
    const tracepoint = tracepointNamed(table, capture.info.era);
    if (tracepoint === undefined || tracepoint.format(capture.info.era) === null) return null;
    if (isSilent(capture, tracepoint.system)) return null;
    const row = capture.get(`SELECT count(*) AS "n" FROM "${rows}" WHERE ${where}`);
    sum += sign * Number(row?.n ?? 0);
  }
  return sum;
}

/** True for a run under a profile that does not emit the events of a trace system at all. */
function isSilent(capture: Capture, system: string): boolean {
  const { info } = capture;
  if (info.source !== 'run' || system === 'netfs') return false;
  const { era } = info;
  const tables = tracepointsIn(era).filter((each) => each.system === system && each.format(era));
  return !tables.some(({ name }) => capture.get(`SELECT 1 FROM "${name}" LIMIT 1`) !== undefined);
}

/** What of a capture makes its events tell less than the statistics. */
interface Doubts {
  /** Events the kernel dropped; infinite where it does not say how many. */
  readonly lost: number;
  /** Requests cut off by the ends of the trace, and whatever else was cut; in words. */
  readonly cut: readonly string[];
}

function doubtsOf(capture: Capture): Doubts {
  const { lost_events, options, complete, era } = capture.info;
  const counted = (JSON.parse(options) as { counts?: { unnumbered?: number } }).counts;
  const count = (where: string) =>
    Number(capture.get(`SELECT count(*) AS "n" FROM "request" WHERE ${where}`)?.n ?? 0);
  // From v6.8 on there are requests that write, which no netfs_read begins and which have no kind.
  const old = eraAge(era) < eraAge('E4');
  const begun = count(`"begin_ns" IS NULL${old ? '' : ' AND "kind" IS NOT NULL'}`);
  const open = count(`"outcome" = 'open'`);
  return {
    lost: (counted?.unnumbered ?? 0) > 0 ? Number.POSITIVE_INFINITY : lost_events,
    cut: [
      complete === 0 ? 'the capture is not complete' : '',
      begun > 0 ? `${begun} requests began before the trace` : '',
      open > 0 ? `${open} requests did not end in the trace` : '',
    ].filter((each) => each !== ''),
  };
}

/** Says whether a difference has a reason. Events that are missing make a counter too small. */
function judge(capture: Capture, recipe: Recipe, difference: number, { lost, cut }: Doubts) {
  if (difference === 0) return { verdict: 'same', why: null };
  const tables = [...new Set(recipe.map(({ table }) => table))];
  const strange = Object.entries(unknownWords(capture)).find(([column]) => {
    return tables.includes(column.split('.')[0] ?? '');
  });
  if (strange !== undefined) {
    const why = `no table has ${strange[1].slice(0, 3).join(', ')} (${strange[0]})`;
    return { verdict: 'cannot tell', why };
  }
  const gauge = recipe.some(({ sign }) => sign === -1);
  if (difference > 0 && !gauge) {
    return { verdict: 'DIFFERS', why: 'more events than the statistics count' };
  }
  const missing = Math.abs(difference);
  const unread = unreadOf(capture, tables);
  if (missing <= unread) {
    return { verdict: 'explained', why: `${unread} ${tables.join(', ')} are kept as text only` };
  }
  if (missing <= unread + lost) {
    const number = Number.isFinite(lost) ? `${lost} events` : 'events, nobody knows how many,';
    return { verdict: 'cannot tell', why: `${number} were lost` };
  }
  // The ends of a trace cut off requests and their slices, nothing else.
  const ofRequests = tables.every((table) => /^(?:netfs|cachefiles)_/.test(table));
  if (cut.length > 0 && ofRequests) return { verdict: 'explained', why: cut.join('; ') };
  const why = lost > 0 ? `more are missing than the ${lost} events that were lost` : null;
  return { verdict: 'DIFFERS', why };
}

/** Events of these tables that were not understood. */
function unreadOf(capture: Capture, tables: readonly string[]): number {
  const names = tables.map(() => '?').join(', ');
  const sql = `SELECT count(*) AS "n" FROM "other_event" WHERE "event" IN (${names})`;
  return Number(capture.get(sql, [...tables])?.n ?? 0);
}
