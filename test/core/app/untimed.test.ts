/** What a trace without times, without netfs events or without pids says, and what it does not. */
import { join } from 'node:path';
import test from 'ava';
import { importTraces } from '../../../src/core/app/import/import.js';
import { importSummaryLines } from '../../../src/core/app/import/summary.js';
import { runCheck } from '../../../src/core/app/trace/check.js';
import { runAnalysis } from '../../../src/core/app/trace/query.js';
import { stuckTable } from '../../../src/core/app/trace/stuck.js';
import { summarise, summaryScreen } from '../../../src/core/app/trace/summary.js';
import { whatAndCapture, whyTable } from '../../../src/core/app/trace/why.js';
import { openCapture } from '../../../src/core/store/database.js';
import { temporaryFolder } from '../../helpers/capture.js';
import { importBytes } from '../../helpers/import.js';
import { ROOT } from '../../helpers/source.js';

async function imported(t: Parameters<typeof temporaryFolder>[0], name: string) {
  const out = join(temporaryFolder(t), 'a.db');
  const target = { out, commandLine: 'test', toolVersion: 'test' };
  const file = join(ROOT, 'traces/reports', name);
  return { out, summary: await importTraces({ files: [file], target }) };
}

const screen = (out: string) => [...summaryScreen(summarise(out))].join('\n');

test('lines without times have an order, and nothing else is said of when', async (t) => {
  const { out } = await imported(t, 'times-invented-or-lost/untimed.txt');
  t.regex(screen(out), /6 events, no times/);
  t.notRegex(screen(out), / ns\b/);
  for (const name of ['latency', 'concurrency', 'heat', 'queueing'] as const) {
    t.throws(() => runAnalysis(name, out), { message: /no times/ }, name);
  }
  for (const row of runAnalysis('requests', out).rows) {
    t.deepEqual([row.begin_ns, row.wait_ns, row.life_ns], [null, null, null]);
  }
  for (const row of stuckTable(out).rows) t.is(row.silent, null);
  // What was trimmed by hand may lack lines: no rule may find that something is missing.
  const { rules } = runCheck(out);
  const told = rules.filter(
    ({ state, reason }) => state === 'cannot tell' && /times/.test(reason ?? ''),
  );
  t.true(told.length > 5);
});

test('the span is that of all events, whatever system they are of', async (t) => {
  const fscache = await imported(t, 'times-invented-or-lost/fscache-only.txt');
  t.is(summarise(fscache.out).span_ns, 23_480_000);
  const filemap = await imported(t, 'times-invented-or-lost/filemap-only.txt');
  t.is(summarise(filemap.out).span_ns, 1_630_000);
});

test('a trace of the page cache alone says so, and what it tells', async (t) => {
  const { out, summary } = await imported(t, 'times-invented-or-lost/filemap-only.txt');
  t.true(importSummaryLines(summary).some((line) => line.startsWith('kernel not known: nothing')));
  t.regex(screen(out), /^trace {5}kernel not known/);
  t.regex(screen(out), /Only page-cache events were recorded: pages of 1 file 3 times brought in/);
});

test('a task without a pid keeps its name, whatever else was cut from its line', async (t) => {
  const { sink } = await importBytes(
    [
      '          ip: netfs_rreq_ref: R=00000a20 NEW         r=1',
      'kworker/u8:3: netfs_rreq: R=00000a20 RA COLLECT f=2021',
      'my task-7-42: netfs_rreq: R=00000a20 RA DONE    f=2021',
      '       <...>: netfs_rreq: R=00000a20 RA DONE    f=2021',
      'a-b/c: netfs_rreq: R=00000a20 RA DONE    f=2021',
      'cat [001]: netfs_rreq: R=00000a20 RA DONE    f=2021',
      'and then we saw netfs_rreq: R=00000a20 RA FREE    f=2020',
      '',
    ].join('\n'),
    { format: 'bare' },
  );
  t.deepEqual(
    sink.rows.map(({ comm, pid }) => [comm, pid]),
    [
      ['ip', 0],
      ['kworker/u8:3', 0],
      ['my task-7', 42],
      ['<...>', 0],
      ['a-b/c', 0],
      ['cat', 0],
      ['', 0],
    ],
  );
});

test('a mark in front of a line is not part of the name of the task', async (t) => {
  const line =
    '<...>-2869    [003] ...2    29.779784: fscache_relinquish: c=00000031 V=00000001 r=3 U=0 f=bd rt=0';
  const marks = ['', '=>         ', '--> ', '>>> ', '* ', '** '];
  const { sink } = await importBytes(`${marks.map((mark) => mark + line).join('\n')}\n`);
  t.is(sink.rows.length, marks.length);
  for (const { comm } of sink.rows) t.is(comm, '<...>');
});

test('objects that have a pointer and no number are told apart by it', async (t) => {
  const { out } = await imported(t, 'refs-null-cookie/collision-5.12.txt');
  const refs = [...runAnalysis('refs', out).rows];
  t.deepEqual(refs.map(({ object }) => object).sort(), ['2b6a2db1', '3ca97471', '46a8b5b3']);
  const cookies = [...runAnalysis('cookies', out).rows];
  t.deepEqual(
    cookies.map(({ cookie, event }) => [cookie, event]),
    [
      ['46a8b5b3', 'fscache_acquire'],
      ['3ca97471', 'fscache_relinquish'],
      ['46a8b5b3', 'fscache_cookie *COLLISION*'],
      ['2b6a2db1', 'fscache_cookie DISCARD'],
    ],
  );
  const capture = openCapture(out);
  t.teardown(() => capture.close());
  t.deepEqual(
    [...capture.lines()].filter((line) => line.includes('=>')),
    [],
  );
  t.notThrows(() => screen(out));
  t.notThrows(() => runCheck(out));
});

test('a cookie whose event was lost because it was queued already is named', async (t) => {
  const { out } = await imported(t, 'words-without-meaning/overq.txt');
  const [last] = [...runAnalysis('cookies', out).rows].slice(-1);
  t.is(last?.cookie, '00000031');
  t.regex(String(last?.means), /queued already/);
});

test('why takes a capture that is named where a file may be', async (t) => {
  const { out } = await imported(t, 'small-import-faults/perf-frame-cut.txt');
  t.deepEqual(whatAndCapture(out, undefined), { what: undefined, capture: out });
  t.deepEqual(whatAndCapture('a/file', undefined), { what: 'a/file', capture: undefined });
  t.deepEqual(whatAndCapture(out, 'b.db'), { what: out, capture: 'b.db' });
  t.is([...whyTable(out, {}).rows].length, 1);
});
