/**
 * What analyses say of excerpts, as reporters paste them: nothing that the lines do not tell, and
 * all that they do.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { checkCapture } from '../../../src/core/analysis/check/check.js';
import { spanOf } from '../../../src/core/analysis/span.js';
import { type AnalysisName, requestTold, runAnalysis } from '../../../src/core/app/trace/query.js';
import { summarise, summaryScreen } from '../../../src/core/app/trace/summary.js';
import { openCapture } from '../../../src/core/store/database.js';
import { temporaryFolder } from '../../helpers/capture.js';
import { netfslabHere as netfslab } from '../../helpers/cli.js';
import { samplePath } from '../../helpers/import.js';
import { imported, SAMPLES } from '../../helpers/samples.js';
import { ROOT } from '../../helpers/source.js';

/** Imports a file, or these lines; gives the path of the capture. */
async function captureOf(t: ExecutionContext, what: string | readonly string[]): Promise<string> {
  const folder = temporaryFolder(t);
  const file = typeof what === 'string' ? what : join(folder, 'pasted.txt');
  if (typeof what !== 'string') writeFileSync(file, `${what.join('\n')}\n`);
  const capture = await imported(folder, 'imported', file);
  capture.close();
  return capture.path;
}

const rows = (name: AnalysisName, path: string, params = {}) => [
  ...runAnalysis(name, path, params).rows,
];

const UNTIMED = [
  '   ip: netfs_rreq_ref: R=0000000c NEW         r=2',
  '   ip: netfs_read: R=0000000c READPAGE  c=00000000 ni=1d4072 s=0 l=1000 sz=400',
  '   ip: smb3_rw_credits: R=0000000c[1] rd-submit   cred=16 chg=0 pool=1688 ifl=1',
  '   ip: netfs_sreq: R=0000000c[1] DOWN SUBMT f=102 s=0 0/400 s=0 e=0',
  'cifsd: smb3_some_new_event:       R=0000000c[1] xid=200 rc=-11',
  'cifsd: smb3_some_new_event:       R=000000c1[1] xid=201 rc=-11',
  'cifsd: netfs_sreq: R=0000000c[1] DOWN TERM  f=702 s=0 0/400 s=0 e=-11',
  '   ip: netfs_rreq: R=0000000c RP FREE    f=0a',
];

test('a request is told with every line that prints its number, from its first reference on', async (t) => {
  const path = await captureOf(t, UNTIMED);
  const told = [...requestTold('c', path).rows].map(({ event }) => String(event).split(':')[0]);
  t.deepEqual(told, [
    ...['netfs_rreq_ref', 'netfs_read', 'smb3_rw_credits', 'netfs_sreq', 'smb3_some_new_event'],
    ...['netfs_sreq', 'netfs_rreq'],
  ]);
});

test('the folios that its collector unlocks are told with a request', async (t) => {
  const path = await captureOf(t, join(ROOT, SAMPLES['9p-7.3-odd']));
  const told = [...requestTold('9', path).rows].map(({ event }) => String(event));
  t.true(told.some((event) => /^netfs_folio: .* read-unlock/.test(event)));
  t.regex(told[0] ?? '', /NEW/);
});

test('lines without times have no durations, and rules do not miss what was left out', async (t) => {
  const path = await captureOf(t, UNTIMED);
  const capture = openCapture(path);
  t.false(spanOf(capture).timed);
  t.deepEqual(checkCapture(capture).findings, []);
  capture.close();
  t.like(rows('requests', path)[0], { R: '0000000c', begin_ns: null, wait_ns: null });
  t.throws(() => rows('latency', path), { message: /no times/ });
  t.throws(() => rows('concurrency', path), { message: /no times/ });
  const summary = summarise(path);
  t.is(summary.span_ns, null);
  t.deepEqual(summary.latency, []);
  t.regex([...summaryScreen(summary)][0] ?? '', /8 events, no times/);
});

test('the span is that of all events, and what was not recorded is named', async (t) => {
  const path = await captureOf(t, samplePath('cookie-overqueued.txt'));
  const summary = summarise(path);
  t.is(summary.span_ns, 23_483_000);
  t.deepEqual(
    summary.missing.map((line) => line.split(': ')[1]),
    ['record netfs_rreq', 'record netfs_read or netfs_write', 'record netfs_sreq'],
  );
});

test('a file has no cookie only where netfs_read says so', async (t) => {
  const slice =
    'cat-1 [000] ..... 1.000001: netfs_sreq: R=00000005[1] DOWN TERM  f=192 s=0 5fb2/5fb2 s=5 e=0';
  const without = await captureOf(t, [slice]);
  t.regex(String(rows('why', without)[0]?.why), /cannot be told: record netfs_read/);
  const begin =
    'cat-1 [000] ..... 1.000000: netfs_read: R=00000005 READPAGE  c=00000000 ni=1 s=0 l=6000 sz=5fb2';
  const told = await captureOf(t, [begin, slice]);
  t.regex(String(rows('why', told)[0]?.why), /no cookie/);
});

test('a volume that was thrown away is why a file of it is downloaded', async (t) => {
  const path = await captureOf(t, samplePath('volume-discarded.txt'));
  t.regex(String(rows('why', path, { rreq: 5 })[0]?.why), /VOL BAD cmp, V=3, 1\.88 s before/);
});

test('a cookie that was queued twice is shown with what that means', async (t) => {
  const path = await captureOf(t, samplePath('cookie-overqueued.txt'));
  const [last] = rows('cookies', path).slice(-1);
  t.like(last, { cookie: '00000031', event: 'fscache_cookie PQ  overq' });
});

test('a summary names the request that is stuck first', async (t) => {
  const path = await captureOf(t, samplePath('collector-ended-early.txt'));
  t.regex(
    summarise(path).notable[0]?.says ?? '',
    /^1 request open .*R=a20 .*\[2\] ended after DONE/,
  );
});

test('page-cache events alone are said to be that', async (t) => {
  const line = (event: string, rest: string, us: number) =>
    `less-1 [005] ..... 72.5316${us}: mm_filemap_${event}: dev 253:3 ino 13f730 ${rest}`;
  const path = await captureOf(t, [
    line('add_to_page_cache', 'pfn=0x113bad ofs=0 order=0', 10),
    line('add_to_page_cache', 'pfn=0x113bae ofs=4096 order=0', 11),
    line('fault', 'ofs=196608', 22),
  ]);
  const [first] = summarise(path).notable;
  t.regex(first?.says ?? '', /pages of 1 file 2 times brought in, 1 times faulted/);
});

test('writes of v6.8 and later are told by their folios', async (t) => {
  const path = await captureOf(t, join(ROOT, SAMPLES['afs-6.18-writes']));
  const found = rows('writes', path);
  t.true(found.length > 0);
  for (const row of found) t.true(Number(row.stored_pages) >= Number(row.stores));
});

test('windows that are smaller than rsize are named, with what helps', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'server'));
  writeFileSync(join(folder, 'server/f'), Buffer.alloc(1 << 20));
  const out = join(folder, 'run.db');
  const run = await netfslab([
    ...['run', '--server', join(folder, 'server'), '--read-ahead-kb', '128', '--rsize', '1m'],
    ...['--bs', '64k', '--clock', 'virtual', '--out', out],
  ]);
  t.is(run.status, 0);
  const note = String(rows('readahead', out)[0]?.note);
  t.regex(note, /^windows of 128 KiB are smaller than rsize \(1 MiB\).* --read-ahead-kb 15360$/);
  t.true(summarise(out).notable.some(({ says }) => says.includes(note)));
});
