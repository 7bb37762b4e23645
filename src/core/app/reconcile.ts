/**
 * The use case `stats reconcile`: recomputes the statistics from the events of a capture, compares
 * them with what the kernel counted, and says why they differ where they do.
 */
import type { Column, Row, Table } from '../analysis/types.js';
import { UsageError } from '../base/errors.js';
import { openCapture } from '../store/database.js';
import type { Capture } from '../store/types.js';
import { ERAS, type Era } from '../trace/eras.js';
import { tracepointNamed } from '../trace/index.js';
import { statKeys } from '../trace/stats_layout.js';
import { findCapture } from './capture_path.js';
import { statDeltas } from './stats_delta.js';
import { type StatsSource, statsOfCapture, statsSource } from './stats_source.js';

const COLUMNS: readonly Column[] = [
  { name: 'label', doc: 'Label of the line.', unit: 'text' },
  { name: 'key', doc: 'Key as printed.', unit: 'text' },
  { name: 'events', doc: 'Recomputed from the events; NULL = no event tells.', unit: 'count' },
  { name: 'stats', doc: 'What the statistics rose by.', unit: 'count' },
  { name: 'difference', doc: 'Events less statistics.', unit: 'count' },
  { name: 'verdict', doc: 'same, explained, not told, or DIFFERS.', unit: 'text' },
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
}

const sreq = (where: string, sign: 1 | -1 = 1): Count => ({ table: 'netfs_sreq', where, sign });
const read = (...what: string[]): Count => ({
  table: 'netfs_read',
  where: `"what" IN (${what.map((each) => `'${each}'`).join(', ')})`,
});
const all = (table: string): Count => ({ table, where: '1' });
const was = (source: string, ...what: string[]): Count =>
  sreq(`"source" = '${source}' AND "what" IN (${what.map((each) => `'${each}'`).join(', ')})`);
const failed = (source: string): Count =>
  sreq(`"source" = '${source}' AND "what" = 'TERM' AND "error" < 0`);

/** How a variable follows from events up to E3, and from E4 on; keys of FS-Cache as label.key. */
type Recipe = readonly Count[];

const BOTH: Readonly<Record<string, Recipe>> = {
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
  'IO.rd': [all('cachefiles_read')],
  'IO.wr': [all('cachefiles_write')],
  'Acquire.n': [all('fscache_acquire')],
  'Acquire.ok': [all('fscache_acquire')],
  'Relinqs.n': [all('fscache_relinquish')],
  'Invals.n': [all('fscache_invalidate')],
  'Updates.rsz': [all('fscache_resize')],
};

const OLD: Readonly<Record<string, Recipe>> = {
  ...BOTH,
  netfs_n_rh_write_begin: [read('WRITEBEGN')],
  netfs_n_rh_rreq: [
    read('READAHEAD', 'READPAGE', 'WRITEBEGN'),
    { table: 'netfs_rreq', where: `"what" = 'FREE'`, sign: -1 },
  ],
  netfs_n_rh_sreq: [sreq(`"what" = 'PREP'`), sreq(`"what" = 'FREE'`, -1)],
  netfs_n_rh_download: [was('DOWN', 'SUBMT', 'SHORT', 'RDOWN')],
  netfs_n_rh_download_done: [was('DOWN', 'TERM')],
  netfs_n_rh_write: [sreq(`"what" = 'WRITE'`)],
  netfs_n_rh_write_done: [
    sreq(`"what" = 'WTERM'`),
    { table: 'netfs_failure', where: `"what" = 'copy-to-cache'`, sign: -1 },
  ],
  netfs_n_rh_write_failed: [{ table: 'netfs_failure', where: `"what" = 'copy-to-cache'` }],
  'NoSpace.nwr': [{ table: 'netfs_failure', where: `"what" = 'prep-write' AND "error" = -105` }],
};

const NEW: Readonly<Record<string, Recipe>> = {
  ...BOTH,
  netfs_n_rh_write_begin: [read('PREFETCHW')],
  // Done counts what ended, failed or not. The server's slices tell their end only, where the
  // filesystem reads in the caller's context.
  netfs_n_rh_download: [was('DOWN', 'TERM')],
  netfs_n_rh_download_done: [was('DOWN', 'TERM')],
  netfs_n_wh_writepages: [{ table: 'netfs_write', where: `"what" = 'WRITEBACK'` }],
  netfs_n_wh_copy_to_cache: [{ table: 'netfs_write', where: `"what" = 'COPY2CACH'` }],
  netfs_n_wh_upload: [was('UPLD', 'SUBMT')],
  netfs_n_wh_upload_done: [sreq(`"source" = 'UPLD' AND "what" = 'TERM' AND "error" >= 0`)],
  netfs_n_wh_upload_failed: [failed('UPLD')],
  netfs_n_wh_write: [was('WRIT', 'SUBMT')],
  netfs_n_wh_write_done: [was('WRIT', 'TERM')],
  netfs_n_wh_write_failed: [failed('WRIT')],
};

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
  const { era } = capture.info;
  const zero = { ...last, entries: last.entries.map((entry) => ({ ...entry, value: 0 })) };
  const reasons = reasonsOf(capture);
  const keys = statKeys(last.era);
  return statDeltas(first ?? zero, last).map(({ label, key, before, after }): Row => {
    const known = keys.find((each) => each.label === label && each.key === key);
    const stats = before === null || after === null ? null : after - before;
    const events = recount(capture, era, known?.variable ?? '', `${label}.${key}`);
    const difference = stats === null || events === null ? null : events - stats;
    const base = { label, key, events, stats, difference };
    if (difference === null) {
      const shared = known?.variable === 'netfs_n_rh_write_zskip';
      const why = shared ? 'no event; WBZ and sk are one variable' : 'no event tells';
      return { ...base, verdict: 'not told', why };
    }
    if (difference === 0) return { ...base, verdict: 'same', why: null };
    const why = reasons.join('; ');
    return { ...base, verdict: why === '' ? 'DIFFERS' : 'explained', why: why || null };
  });
}

/** What a variable should be by the events; null where none tell. */
function recount(capture: Capture, era: Era, variable: string, name: string): number | null {
  const recipes = ERAS.indexOf(era) < ERAS.indexOf('E4') ? OLD : NEW;
  const recipe = recipes[variable] ?? recipes[name];
  if (recipe === undefined) return null;
  let sum = 0;
  for (const { table, where, sign = 1 } of recipe) {
    const tracepoint = tracepointNamed(table);
    if (tracepoint === undefined || tracepoint.format(era) === null) return null;
    const row = capture.get(`SELECT count(*) AS "n" FROM "${table}" WHERE ${where}`);
    sum += sign * Number(row?.n ?? 0);
  }
  return sum;
}

/** What of a capture makes its events tell less, or more, than the statistics. */
function reasonsOf(capture: Capture): string[] {
  const { lost_events: lost, unparsed_lines: unparsed, complete } = capture.info;
  const count = (where: string) =>
    Number(capture.get(`SELECT count(*) AS "n" FROM "request" WHERE ${where}`)?.n ?? 0);
  // From v6.8 on there are requests that write, which no netfs_read begins and which have no kind.
  const old = ERAS.indexOf(capture.info.era) < ERAS.indexOf('E4');
  const begun = count(`"begin_ns" IS NULL${old ? '' : ' AND "kind" IS NOT NULL'}`);
  const open = count(`"outcome" = 'open'`);
  return [
    lost > 0 ? `${lost} events were lost` : '',
    unparsed > 0 ? `${unparsed} lines were not understood` : '',
    complete === 0 ? 'the capture is not complete' : '',
    begun > 0 ? `${begun} requests began before the trace` : '',
    open > 0 ? `${open} requests did not end in the trace` : '',
  ].filter((each) => each !== '');
}
