/** What the analyses say of captures of real kernels, beside what is known of these runs. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ANALYSES, type AnalysisName } from '../../../src/core/analysis/index.js';
import { refs } from '../../../src/core/analysis/refs.js';
import { requestStory } from '../../../src/core/analysis/request_story.js';
import type { Row } from '../../../src/core/analysis/types.js';
import { demand, type Params, rowsOf } from '../../../src/core/app/trace/query.js';
import { temporaryFolder } from '../../helpers/capture.js';
import { imported, type SampleName, Samples } from '../../helpers/samples.js';

const samples = new Samples();
test.after.always(() => samples.close());

async function ask(name: AnalysisName, of: SampleName, params: Params = {}): Promise<Row[]> {
  const { capture } = await samples.get(of);
  return [...rowsOf(capture, ANALYSES[name], params)];
}

function shown(rows: readonly Row[], ...columns: string[]): string[] {
  return rows.map((row) => columns.map((column) => String(row[column])).join(' | '));
}

test('why says for each range where it came from and why, in words', async (t) => {
  const full = await ask('why', '9p-6.1-full');
  t.deepEqual(shown(full, 'range', 'source', 'why').slice(0, 3), [
    '0-1f000 | cache | the cache has it',
    '1f000-20000 | cache | the cache has it',
    '20000-3e000 | server | the cache file holds nothing from here on; the cache refused to store it',
  ]);
  const bad = await ask('why', 'afs-6.1-bad-cache', { op: 5 });
  t.deepEqual(shown(bad, 'range', 'source', 'verdict'), [
    '0-20000 | server after cache failure | have-data',
  ]);
  const part = await ask('why', '9p-6.1-full', { from: 0x4000, to: 0x4001 });
  t.deepEqual(shown(part, 'range', 'bytes'), ['4000-4001 | 1']);
  const border = await ask('why', '9p-6.1-full', { from: 0x1e000, to: 0x21000 });
  t.deepEqual(shown(border, 'range', 'bytes', 'source'), [
    '1e000-1f000 | 4096 | cache',
    '1f000-20000 | 4096 | cache',
    '20000-21000 | 4096 | server',
  ]);
});

test('why says what a read found in the page cache, and who had brought it there', async (t) => {
  const found = await ask('pageCache', '9p-6.12-cold', { op: 4 });
  t.deepEqual(shown(found, 'range', 'source', 'R', 'why'), []);
  const next = await ask('pageCache', '9p-6.12-cold', { op: 3 });
  t.deepEqual(shown(next, 'range', 'source', 'R', 'why'), [
    '1000-2000 | server | 00000001[1] | it was read ahead by op 2: read from server, and is used first here',
  ]);
  const all = await ask('pageCache', '9p-6.12-cold');
  t.is(
    all.reduce((sum, { bytes }) => sum + Number(bytes), 0),
    0x80000,
  );
});

test('the state of a cookie is the reason where the cache gave no verdict', async (t) => {
  const { capture } = await samples.get('9p-6.1-nospace');
  const [row] = [...rowsOf(capture, ANALYSES.why)];
  t.like(row, { source: 'server', verdict: null, state: 'not cached' });
  t.is(row?.why, 'its cookie was not cached then: the cache failed it');
  const states = await ask('cookieStates', '9p-6.1-nospace');
  t.deepEqual(shown(states, 'state', 'cookies', 'cache', 'server'), [
    'acquired | 1 | 0 | 0',
    'bound | 1 | 0 | 0',
    'not cached | 1 | 0 | 1048576',
  ]);
});

const WAITS: readonly (readonly [SampleName, string])[] = [
  ['9p-6.1-full', 'DOWN | 9p_client_req | 8'],
  ['afs-6.1', 'DOWN | afs_make_fs_call | 8'],
  ['cifs-6.12', 'DOWN | smb3_read_enter | 16'],
  ['nfs-6.12', 'DOWN | nfs_initiate_read | 17'],
];

for (const [sample, due] of WAITS) {
  test(`slices of ${sample} are told apart by who makes them wait`, async (t) => {
    const rows = await ask('queueing', sample);
    t.true(shown(rows, 'source', 'by', 'slices').includes(due));
    const { capture } = await samples.get(sample);
    const io = capture.all('SELECT "source", max("max") AS "max" FROM "latency" GROUP BY 1');
    for (const { source, queue_p99, service_p99, finish_p99, note } of rows) {
      if (note !== null) continue;
      const most = Number(io.find((each) => each.source === source)?.max);
      for (const part of [queue_p99, service_p99, finish_p99]) t.true(Number(part) <= most);
    }
  });
}

test('why tells the verdicts of clients that answer later', async (t) => {
  const rows = await ask('why', 'nfs-6.12');
  const server = rows.filter(({ source }) => source === 'server');
  const verdicts = new Set(server.map(({ verdict }) => verdict));
  t.deepEqual([...verdicts].sort(), ['no-data', 'seek-enxio']);
});

test('the hit rate is told by four denominators', async (t) => {
  const rows = await ask('hits', '9p-6.1-full');
  t.deepEqual(shown(rows, 'of', 'total', 'cache', 'partly', 'server'), HITS);
});

const FAILED = `
kops-1 [000] ..... 1.000001: tracing_mark_write: kcap op=0 open 0 rdonly f
kops-1 [000] ..... 1.000002: tracing_mark_write: kcap op=1 read 0 0 4096
kops-1 [000] ..... 1.000003: netfs_read: R=00000001 READAHEAD c=00000002 ni=7 s=0 l=1000 sz=1000
kops-1 [000] ..... 1.000004: netfs_sreq: R=00000001[1] ---- ADD   f=00 s=0 0/1000 e=0
kops-1 [000] ..... 1.000005: netfs_sreq: R=00000001[1] READ SUBMT f=00 s=0 0/1000 e=0
kops-1 [000] ..... 1.000006: netfs_sreq: R=00000001[1] READ TERM  f=00 s=0 0/1000 e=-5
kops-1 [000] ..... 1.000007: netfs_rreq: R=00000001 RA FREE    f=00
`;

test('a read that failed is no hit', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'trace.txt'), FAILED.trimStart());
  const capture = await imported(folder, 'failed', join(folder, 'trace.txt'));
  const rows = [...rowsOf(capture, ANALYSES.hits)];
  t.deepEqual(shown(rows, 'of', 'total', 'cache', 'hit_rate'), [
    'requests | 0 | 0 | null',
    'slices | 0 | null | null',
    'device bytes | 0 | 0 | null',
  ]);
  // Its function has another name than in v6.1.
  const request = capture.get('SELECT * FROM "request"');
  const story = requestStory(capture, request as NonNullable<typeof request>);
  const term = story.find(({ event }) => /TERM/.test(String(event)));
  t.is(term?.by, 'netfs_read_subreq_terminated');
  capture.close();
});

const HITS = [
  'bytes read | 1048576 | 131072 | null | 917504',
  'requests | 9 | 1 | 1 | 7',
  'slices | 10 | 2 | null | 8',
  'device bytes | 1048576 | 131072 | null | 917504',
];

test('the defeated cold readahead of 6.12 is visible at a glance', async (t) => {
  const [cold] = await ask('readahead', '9p-6.12-cold');
  t.like(cold, { windows: 128, sequential: 127, grown: 0, missed: 127, max: 0x2000, unused: 0 });
  t.is(
    cold?.note,
    'defeated: 127 of 127 windows were waited for; marking folios for the cache takes the readahead marker away',
  );
  const [warm] = await ask('readahead', '9p-6.1-full');
  t.like(warm, { missed: 0, note: null });
});

test('as many slices are in flight as the client sends at once', async (t) => {
  const rows = await ask('concurrency', 'cifs-6.12', { bins: 10 });
  t.is(rows.length, 10);
  t.is(Math.max(...rows.map(({ server_max }) => Number(server_max))), 12);
});

test('a cookie is followed from acquisition to its end', async (t) => {
  const rows = await ask('cookies', '9p-6.1-full');
  t.deepEqual(shown(rows, 'event', 'state').slice(0, 2), [
    'fscache_active USE | not known',
    'fscache_active UNUSE | not known',
  ]);
});

test('references that add up are not listed, nor those of a number that two have', async (t) => {
  t.deepEqual(await ask('refs', '9p-6.1-full'), []);
  t.deepEqual(await ask('refs', 'nfs-6.12'), []);
  const request = (word: string, ref: number) => ({ kind: 2, object: 7, word, ref });
  const slice = (word: string, ref: number) => ({ kind: 3, object: 0x70001, word, ref });
  const judge = (...rows: Row[]) => {
    const ledger = (refs.gather as NonNullable<typeof refs.gather>)({ all: 0 });
    for (const [i, row] of rows.entries()) ledger.take({ id: i + 1, ...row });
    return [...ledger.rows()];
  };
  const life = [request('NEW', 1), slice('PUT TERM', 1), slice('PUT DONE', 0), request('PUT', 0)];
  t.deepEqual(judge(...life, ...life), []);
  t.deepEqual(shown(judge(...life, slice('PUT DONE', 0)), 'object', 'first_jump'), [
    '00000007[1] | 5',
  ]);
  t.deepEqual(judge(request('NEW', 1), request('NEW', 1), request('PUT', 0)), []);
  const all = await ask('refs', '9p-6.1-full', { all: 1 });
  t.true(all.every(({ jumps }) => jumps === 0));
  t.true(all.length > 10);
});

test('the map of a file shows what came from the cache and what from the server', async (t) => {
  const [row] = await ask('map', '9p-6.1-full', { width: 8 });
  t.like(row, { file: 'f1m', bytes: 0x100000, map: '▄███████' });
  const [cold] = await ask('map', '9p-6.12-cold', { width: 4 });
  t.is(cold?.map, '████');
});

test('nothing is downloaded twice where nothing is', async (t) => {
  t.deepEqual(await ask('dup', '9p-6.12-cold'), []);
});

test('the heat map counts every slice once', async (t) => {
  const rows = await ask('heat', '9p-6.12-cold', { source: 'DOWN' });
  t.is(
    rows.reduce((sum, { count }) => sum + Number(count), 0),
    128,
  );
  for (const { map } of rows) t.true(String(map).length <= 60);
});

test('a request is told over all layers, each event in a sentence', async (t) => {
  const { capture } = await samples.get('9p-6.1-full');
  const request = capture.get('SELECT * FROM "request" WHERE "rreq" = 4');
  const story = requestStory(capture, request as NonNullable<typeof request>);
  const events = story.map(({ event }) => String(event).replace(/:.*$/s, ''));
  for (const name of ['netfs_read', 'cachefiles_prep_read', '9p_client_req', 'netfs_failure']) {
    t.true(events.includes(name), name);
  }
  const skip = story.find(({ event }) => /SKIP/.test(String(event)));
  t.is(skip?.means, 'the cache refused to store it');
  t.is(skip?.by, 'netfs_rreq_do_write_to_cache');
});

test('what a capture cannot answer is refused by name', async (t) => {
  const { capture } = await samples.get('mail-stuck');
  const ask = () => demand(capture, ANALYSES.cookies);
  t.throws(ask, { message: /cannot answer trace cookies: no fscache_cookie/ });
  samples.forget('mail-stuck');
  const folder = temporaryFolder(t);
  const line = (at: number) => `a-1 [000] ..... ${at}: netfs_folio: i=00007 ix=00000-00000 write\n`;
  const only = line(1.000001) + line(1.000002);
  writeFileSync(join(folder, 'trace.txt'), only);
  for (const name of ['requests', 'sources', 'latency', 'hits', 'dup', 'why'] as const) {
    const other = await imported(folder, `only-${name}`, join(folder, 'trace.txt'));
    const none = /cannot answer trace \w+: no .*\(none happened, or none were recorded\)/;
    t.throws(() => demand(other, ANALYSES[name]), { message: none }, name);
  }
});

test('every analysis runs on every sample', async (t: ExecutionContext) => {
  for (const name of ['afs-6.1', '9p-6.1-smp', '9p-6.12-full', 'nfs-6.12'] as const) {
    for (const analysis of Object.keys(ANALYSES) as AnalysisName[]) {
      t.notThrows(() => ask(analysis, name), `${analysis} ${name}`);
      t.true((await ask(analysis, name)).length >= 0);
    }
  }
});

const READ_AHEAD = `
a-1 [000] ..... 1.000001: tracing_mark_write: kcap op=0 open 0 rdonly f
a-1 [000] ..... 1.000002: tracing_mark_write: kcap op=1 read 0 0 4096
a-1 [000] ..... 1.000003: netfs_read: R=00000001 READAHEAD c=00000002 ni=7 s=0 4000
a-1 [000] ..... 1.000004: netfs_sreq: R=00000001[0] DOWN PREP  f=00 s=0 0/4000 e=0
a-1 [000] ..... 1.000005: netfs_sreq: R=00000001[0] DOWN SUBMT f=00 s=0 0/4000 e=0
a-1 [000] ..... 1.000006: netfs_sreq: R=00000001[0] DOWN TERM  f=02 s=0 4000/4000 e=0
a-1 [000] ..... 1.000006: netfs_rreq: R=00000001 RA FREE    f=00
a-1 [000] ..... 1.000007: tracing_mark_write: kcap op=2 read 0 4096 4096
a-1 [000] ..... 1.000008: tracing_mark_write: kcap op=3 read 0 0 4096
a-1 [000] ..... 1.000009: tracing_mark_write: kcap end
`;

test('the first use of what was read ahead is no hit, the second is one', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'trace.txt'), READ_AHEAD.trimStart());
  const capture = await imported(folder, 'ahead', join(folder, 'trace.txt'));
  const [bytes] = rowsOf(capture, ANALYSES.hits);
  t.like(bytes, { of: 'bytes read', total: 12288, memory: 4096, server: 8192 });
  capture.close();
});
