/** What the structural comparison says of small traces, and of two kinds of source. */
import { join } from 'node:path';
import test from 'ava';
import { captureView } from '../../../../src/core/analysis/structure/capture.js';
import { compareStructures } from '../../../../src/core/analysis/structure/compare.js';
import { readStructure } from '../../../../src/core/analysis/structure/read.js';
import type { EventRow } from '../../../../src/core/analysis/structure/types.js';
import { importTraces } from '../../../../src/core/app/import/import.js';
import { openCapture } from '../../../../src/core/store/database.js';
import { tempDir } from '../../../helpers/lab.js';
import { scenarioDirectory, scenarioView } from '../../../helpers/scenario.js';

const place = { comm: 'kops', pid: 7, common_flags: '.....', op: 1 };

function read(rreq: number, start: number, cookie = 5, op = 1): EventRow {
  return { ...place, op, event: 'netfs_read', rreq, what: 'READAHEAD', cookie, start, len: 4096 };
}

function compare(left: EventRow[], right: EventRow[]) {
  const structure = (rows: EventRow[]) => readStructure({ rows, ops: [], snapshots: [] });
  return compareStructures(structure(left), structure(right));
}

test('numbers of requests and cookies do not matter, their order does', (t) => {
  t.is(compare([read(1, 0), read(2, 4096, 6)], [read(9, 0, 3), read(7, 4096, 1)]).differences, 0);
  t.not(compare([read(1, 0), read(2, 0, 6)], [read(1, 0), read(2, 0, 5)]).differences, 0);
});

test('a request that is missing costs only itself', (t) => {
  const requests = [0, 1, 2, 3].map((i) => read(i + 1, i * 4096));
  const { requests: share, divergences } = compare(requests, requests.toSpliced(1, 1));
  t.deepEqual(share, { identical: 3, all: 4 });
  t.deepEqual(
    divergences.map(({ part, left, right }) => ({ part, left, right })),
    [{ part: 'b-requests', left: 'op 1: read READAHEAD c1 s=1000 1000 (task)', right: null }],
  );
});

test('the operation a request was made for is compared', (t) => {
  t.is(compare([read(1, 0, 5, 1)], [read(1, 0, 5, 2)]).requests.identical, 0);
});

test('requests of another program are left out where ours have operations', (t) => {
  const other = { ...read(2, 0, 9, 0), comm: 'dd' };
  t.is(compare([read(1, 0), other], [read(1, 0)]).differences, 0);
  t.is(compare([read(1, 0, 5, 0), other], [read(1, 0, 5, 0)]).requests.all, 2);
});

test('where an event ran is compared', (t) => {
  const slice = { event: 'netfs_sreq', rreq: 1, index: 0, source: 'DOWN', what: 'TERM', flags: 0 };
  const term = { ...slice, start: 0, len: 4096, transferred: 4096, error: 0 };
  const here = { ...place, ...term };
  const { divergences } = compare(
    [read(1, 0), here],
    [read(1, 0), { ...here, common_flags: 'd.h2.' }],
  );
  t.regex(divergences[0]?.left ?? '', /DOWN TERM .*\(task\)$/);
  t.regex(divergences[0]?.right ?? '', /DOWN TERM .*\(irq\)$/);
  t.is(divergences[0]?.section, '3.7, 3.8');
});

test('a database and memory give the same structure', async (t) => {
  const name = '9p/164-cachefull3-known-file-nospace';
  const directory = scenarioDirectory(name);
  const out = join(tempDir(t), 'a.db');
  const target = { out, commandLine: '', toolVersion: '' };
  await importTraces({ files: [join(directory, 'trace.txt.gz')], target });
  const capture = openCapture(out);
  const stored = readStructure(captureView(capture));
  capture.close();
  const { memory } = await scenarioView(name);
  const kept = readStructure({ rows: memory.rows, ops: memory.ops, snapshots: [] });
  t.is(compareStructures(stored, kept).differences, 0);
  t.deepEqual(stored.requests.length, kept.requests.length);
  t.is(stored.events, kept.events);
  t.deepEqual(stored.ops, kept.ops);
});
