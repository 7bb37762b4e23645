/** Analyses over the sample capture: the numbers they must give, and what they refuse. */
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ANALYSES } from '../../../src/core/analysis/index.js';
import type { Analysis } from '../../../src/core/analysis/types.js';
import {
  parseRequest,
  requestTimeline,
  runAnalysis,
  tableOf,
} from '../../../src/core/app/trace/query.js';
import { UsageError } from '../../../src/core/base/errors.js';
import { openCapture } from '../../../src/core/store/database.js';
import { ALL_TABLES } from '../../../src/core/store/schema.js';
import { VIEWS } from '../../../src/core/store/views.js';
import { EVENT_COST_NS } from '../../../src/core/trace/tracer.js';
import {
  captureOfTimes,
  FIRST_IO_NS,
  sampleCapture,
  temporaryFolder,
} from '../../helpers/capture.js';

const sample = (t: ExecutionContext) => sampleCapture(join(temporaryFolder(t), 'sample.db'));

for (const [name, analysis] of Object.entries(ANALYSES)) {
  test(`the analysis ${name} is documented, reads tables that exist, and yields its columns`, async (t) => {
    const { doc, needs, columns, params, sql, derive, gather } = analysis as Analysis;
    t.is(analysis.name, name);
    t.true(doc.length > 0);
    for (const each of [...columns, ...params]) t.true(each.doc.length > 0, each.name);
    const known = [...ALL_TABLES, ...VIEWS].map((table) => table.name);
    for (const table of needs) t.true(known.includes(table), table);
    const capture = openCapture(await sample(t));
    t.teardown(() => capture.close());
    const names = columns.map((column) => column.name);
    if (derive === undefined && gather === undefined) t.deepEqual(capture.columns(sql), names);
  });
}

test('the first rows of a result, and how many follow, are told without making all', async (t) => {
  const path = await sample(t);
  const told = Object.values(ANALYSES).flatMap((analysis: Analysis) => {
    const table = () => tableOf(openCapture(path), analysis, { rreq: 0x1a });
    const { first } = table().rows;
    if (first === undefined) return [];
    const all = [...table().rows];
    t.deepEqual(first(1), { rows: all.slice(0, 1), more: Math.max(0, all.length - 1) });
    return [analysis.name];
  });
  t.true(['requests', 'why', 'timeline', 'operations'].every((name) => told.includes(name)));
});

test('requests come newest first with their bytes by source', async (t) => {
  const { rows } = runAnalysis('requests', await sample(t));
  t.deepEqual(
    [...rows].map(({ R, kind, file, len, server_bytes, zero_bytes, outcome }) => [
      ...[R, kind, file, len],
      ...[server_bytes, zero_bytes, outcome],
    ]),
    [
      ['0000001a', 'readahead', null, 0x4000, 0, 0, 'open'],
      ['00000003', 'readpage', 'b.txt', 0x1000, 0, 0, 'failed'],
      ['00000002', 'readpage', 'b.txt', 0x1000, 0, 0x1000, 'ok'],
      ['0000001a', 'readahead', 'a.txt', 0x4000, 0x4000, 0, 'ok'],
    ],
  );
});

test('requests can be restricted by kind, file and outcome, and sorted by wait', async (t) => {
  const path = await sample(t);
  const uids = (params: Record<string, string | number>) =>
    [...runAnalysis('requests', path, params).rows].map((row) => row.request_uid);
  t.deepEqual(uids({ outcome: 'failed' }), [3]);
  t.deepEqual(uids({ outcome: 'open' }), [4]);
  t.deepEqual(uids({ kind: 'readpage' }), [3, 2]);
  t.deepEqual(uids({ file: 'a.txt' }), [1]);
  t.deepEqual(uids({ slowest: 1, limit: 2 }), [3, 1]);
});

test('latencies are by stage, kind and source', async (t) => {
  const rows = [...runAnalysis('latency', await sample(t)).rows];
  t.deepEqual(
    rows.map(({ stage, kind, source }) => `${stage} ${kind} ${source}`),
    [
      'io readahead DOWN',
      'io readpage DOWN',
      'io readpage ZERO',
      'wait readahead DOWN',
      'wait readpage null',
      'wait readpage ZERO',
      'life readahead DOWN',
      'life readpage null',
      'life readpage ZERO',
    ],
  );
  t.is(rows[0]?.p50, FIRST_IO_NS);
});

test('percentiles are by nearest rank, whatever the number of requests', async (t) => {
  for (const count of [1, 2, 7, 100, 101]) {
    // 37 has no factor in common with the counts, so every time comes once, out of order.
    const times = Array.from({ length: count }, (_, i) => ((i * 37) % count) * 1000);
    const path = await captureOfTimes(join(temporaryFolder(t), 'times.db'), times);
    const [io] = [...runAnalysis('latency', path).rows];
    const sorted = times.map((ns) => ns + EVENT_COST_NS).sort((a, b) => a - b);
    const nearest = (p: number) => sorted[Math.ceil((p * count) / 100) - 1];
    const [min, max] = [sorted[0], sorted.at(-1)];
    t.like(io, { count, min, p50: nearest(50), p90: nearest(90), p99: nearest(99), max });
  }
});

test('sources give the whole capture first and what was downloaded per byte read', async (t) => {
  const rows = [...runAnalysis('sources', await sample(t)).rows];
  const [all, a, b] = rows;
  t.is(all?.file, '(all)');
  t.is(all?.requests, 4);
  t.is(a?.file, 'a.txt');
  t.is(a?.app_bytes, 8192);
  t.is(a?.amplification, 2);
  t.is(rows.find((row) => row.file === 'b.txt')?.zero_bytes, 0x1000);
  t.truthy(b);
});

test('a request is named as printed, in hexadecimal', (t) => {
  for (const text of ['1a', '1A', '0x1a', 'R=0000001a']) t.is(parseRequest(text), 0x1a);
  t.throws(() => parseRequest('26th'), { instanceOf: UsageError });
});

test('the timeline of a request has each of its events with times and flags by name', async (t) => {
  const rows = [...requestTimeline('1a', await sample(t), 1).rows];
  t.deepEqual(
    rows.map(({ event, what }) => `${event} ${what}`),
    [
      'netfs_read READAHEAD',
      'netfs_sreq PREP',
      'netfs_sreq SUBMT',
      'netfs_sreq TERM',
      'netfs_rreq ASSESS',
      'netfs_rreq UNLOCK',
      'netfs_rreq DONE',
      'netfs_sreq FREE',
      'netfs_rreq FREE',
    ],
  );
  const term = rows[3];
  t.is(term?.gap_ns, FIRST_IO_NS);
  t.is(term?.mark, '<--');
  t.is(term?.range, '0-4000');
  t.is(term?.flags, '02 CLEAR_TAIL');
  t.is(rows[4]?.flags, '20 IN_PROGRESS');
  t.is(rows[4]?.mark, null);
});

test('requests that share a number are told apart in the timeline', async (t) => {
  const rows = [...requestTimeline('1a', await sample(t)).rows];
  t.deepEqual(
    rows.map((row) => row.request_uid),
    [...Array(9).fill(1), ...Array(3).fill(4)],
  );
  t.is(rows[9]?.at_ns, 0);
});

test('a request that is not in the capture is a usage error', async (t) => {
  const path = await sample(t);
  t.throws(() => requestTimeline('ff', path), { instanceOf: UsageError, message: /no request ff/ });
  t.throws(() => requestTimeline('1a', path, 2), { message: /with uid 2/ });
});
