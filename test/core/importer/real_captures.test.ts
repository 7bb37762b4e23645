/**
 * Whole captures of real kernels: every form gives the same rows, nothing is left unparsed,
 * requests are those that can be counted in the text, and the statistics follow from the events.
 * NETFSLAB_CAPTURES=DIR takes the captures below DIR instead of those in traces/.
 */
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { importTraces } from '../../../src/core/app/import/import.js';
import { reconcile } from '../../../src/core/app/stats/reconcile.js';
import { openCapture } from '../../../src/core/store/database.js';
import type { MemoryRow } from '../../../src/core/trace/sink.js';
import { temporaryFolder } from '../../helpers/capture.js';
import { type Imported, importBytes } from '../../helpers/import.js';
import { realCaptures, unpacked } from '../../helpers/real_captures.js';

type Columns = Readonly<Record<string, readonly string[]>>;

/** Columns that only the kernel knows: functions, hashed addresses, texts that are pointed to. */
const KERNEL_ONLY: Columns = {
  afs_call: ['where'],
  afs_call_done: ['rx_call_ptr'],
  afs_folio_dirty: ['vnode_ptr', 'where'],
};

/** Columns that trace-cmd does not print, of each event or (`*`) of all. */
const REPORT_LOSES: Columns = { '*': ['common_flags'], netfs_collect_gap: ['type'] };

/** A row without its number of task, and without what not every form tells. */
function comparable({ ts: _ts, ...row }: MemoryRow, lost: Columns) {
  const of = (columns: Columns) => [...(columns['*'] ?? []), ...(columns[row.event] ?? [])];
  const without = ['task', ...of(lost), ...of(KERNEL_ONLY)];
  return Object.fromEntries(Object.entries(row).filter(([name]) => !without.includes(name)));
}

/** Microseconds of the trace clock as the kernel prints them. */
function printedUs({ sink }: Imported, { ts }: MemoryRow): number {
  return Math.floor((Number(sink.meta.clock_origin_ns) + ts + 500) / 1000);
}

/** Events that trace-cmd says it cannot print. */
function unread({ sink }: Imported): ReadonlySet<string> {
  const marked = sink.lines().filter((line) => line.includes(': [FAILED TO PARSE]'));
  return new Set(marked.map((line) => line.slice(0, line.indexOf(':'))));
}

function sameRows(t: ExecutionContext, own: Imported, other: Imported, lost: Columns = {}) {
  const { damaged, words } = other.counts;
  const nothing = { count: 0, first: null };
  t.deepEqual([damaged, words], [nothing, nothing]);
  t.is(other.era, own.era);
  // trace-cmd cannot print events that embed a struct of their own; no others are left out.
  const left = unread(other);
  const rows = own.sink.rows.filter(({ event }) => !left.has(event));
  for (const event of left) t.regex(event, /^afs_/);
  t.is(other.sink.rows.length, rows.length);
  for (const [i, row] of rows.entries()) {
    const twin = other.sink.rows[i] as MemoryRow;
    const [mine, theirs] = [comparable(row, lost), comparable(twin, lost)];
    if (!isDeepStrictEqual(theirs, mine)) t.deepEqual(theirs, mine);
    const [us, otherUs] = [printedUs(own, row), printedUs(other, twin)];
    if (us !== otherUs) t.is(otherUs, us);
  }
  t.deepEqual(other.sink.markers, own.sink.markers);
}

/** Requests and slices counted by hand: a number is free for another request after FREE. */
function countByHand(text: string) {
  const counted = { requests: 0, begun: 0, freed: 0, slices: 0 };
  const live = new Map<string, Set<string>>();
  for (const line of text.split('\n')) {
    const match = /: netfs_(read|rreq|sreq): R=(\w+)(?:\[(\w+)\])? (.*)/.exec(line);
    if (match === null) continue;
    const [, event, number, index, rest = ''] = match;
    // Reads and writes are numbered on their own.
    const rreq = `${number}${/^(?:WB|W1|WT|2C|UW|DW|UPLD|WRIT) /.test(rest) ? 'w' : 'r'}`;
    const begins = event === 'read' && !rest.startsWith('EXPANDED');
    if (begins) counted.begun++;
    if (begins || !live.has(rreq)) counted.requests++;
    const slices = (begins ? undefined : live.get(rreq)) ?? new Set();
    live.set(rreq, slices);
    if (index !== undefined && !slices.has(index)) counted.slices++;
    if (index !== undefined) slices.add(index);
    if (event !== 'rreq' || !/^\S+ FREE/.test(rest)) continue;
    counted.freed++;
    live.delete(rreq);
  }
  return counted;
}

for (const capture of realCaptures()) {
  test.serial(`text, trace.dat and report give the same rows: ${capture.name}`, async (t) => {
    const own = await importBytes(unpacked(capture.text));
    const dat = await importBytes(unpacked(capture.dat));
    t.is(own.counts.unknown.first ?? dat.counts.unknown.first, null);
    sameRows(t, own, own);
    sameRows(t, own, dat);
    if (capture.report === null) return;
    const report = await importBytes(unpacked(capture.report));
    t.is(report.format, 'report');
    const kept = [...report.sink.lines()].filter((line) => line.includes('[FAILED TO PARSE]'));
    t.true(report.counts.unknown.count <= kept.length);
    sameRows(t, own, report, REPORT_LOSES);
  });

  test.serial(`requests and statistics follow from the events: ${capture.name}`, async (t) => {
    const out = join(temporaryFolder(t), 'a.db');
    await importTraces({
      files: [capture.text],
      target: { out, commandLine: 'test', toolVersion: 'test' },
      stats: capture.stats,
    });
    const db = openCapture(out);
    const count = (sql: string) => Number(db.get(`SELECT count(*) AS n FROM ${sql}`)?.n);
    const counted = {
      requests: count('"request"'),
      begun: count('"request" WHERE "begin_ns" IS NOT NULL'),
      freed: count('"request" WHERE "free_ns" IS NOT NULL'),
      slices: count('"subrequest"'),
    };
    db.close();
    t.deepEqual(counted, countByHand(unpacked(capture.text).toString('latin1')));
    if (capture.stats.length === 0) return;
    const differing = [...reconcile(out).rows].filter(
      ({ verdict }) => verdict !== 'same' && verdict !== 'not told',
    );
    t.deepEqual(differing, []);
  });
}
