/** Imports from file to database: rows, requests, statistics, and export back. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { Export } from '../../../src/core/app/export/export.js';
import { importTraces } from '../../../src/core/app/import/import.js';
import { parseRequests } from '../../../src/core/app/import/request_list.js';
import { deltaTable } from '../../../src/core/app/stats/delta.js';
import { importStats } from '../../../src/core/app/stats/import.js';
import { reconcile } from '../../../src/core/app/stats/reconcile.js';
import { eventLines } from '../../../src/core/app/trace/events.js';
import { openCapture } from '../../../src/core/store/database.js';
import { type Era, NEWEST_RELEASED } from '../../../src/core/trace/eras.js';
import { temporaryFolder } from '../../helpers/capture.js';
import { samplePath, sampleText } from '../../helpers/import.js';
import { unpacked } from '../../helpers/real_captures.js';
import { ROOT } from '../../helpers/source.js';

const FOLDERS = [
  'linux-6.1-cachefull3-known-file-nospace',
  'linux-6.1-afs-odd-all-cold',
  'linux-6.12-cachefull3-known-file-nospace',
];

function target(out: string) {
  return { out, commandLine: 'test', toolVersion: 'test' };
}

/** The rows of the view `events`, as `trace export` prints them. */
function eventRows(path: string, decode = false) {
  const from = new Export(path, 'ndjson', { decode });
  const rows = [...(from.table()?.rows ?? [])];
  from.close();
  return rows;
}

/** Requests and slices counted by hand from the text. */
function countByHand(text: string) {
  const begun = [...text.matchAll(/netfs_read: R=(\w+) (?!EXPANDED)/g)].length;
  const slices = new Set<string>();
  for (const [, name] of text.matchAll(/netfs_sreq: (R=\w+\[\w+\])/g)) slices.add(name as string);
  return { begun, slices: slices.size };
}

for (const folder of FOLDERS) {
  test(`${folder} comes back as it was and its statistics agree`, async (t) => {
    const out = join(temporaryFolder(t), 'a.db');
    const files = [samplePath(`${folder}/trace.txt.gz`)];
    const stats = ['before', 'after'].map((each) => samplePath(`${folder}/stats-${each}.txt`));
    const { counts } = await importTraces({ files, target: target(out), stats });
    t.is(counts.damaged.count + counts.unknown.count + counts.words.count, 0);
    const text = sampleText(`${folder}/trace.txt.gz`);
    const printed = [...eventLines(out, {}).lines].filter((line) => !line.startsWith('#'));
    t.is(`${printed.join('\n')}\n`, text.replaceAll(/^#.*\n/gm, ''));

    const capture = openCapture(out);
    const { begun, slices } = countByHand(text);
    const count = (sql: string) => Number(capture.get(sql)?.n);
    t.is(count('SELECT count(*) AS n FROM "request" WHERE "begin_ns" IS NOT NULL'), begun);
    t.is(count('SELECT count(*) AS n FROM "subrequest"'), slices);
    capture.close();
    t.is(eventRows(out).length, counts.kept.count);

    const { rows, unexplained } = reconcile(out);
    t.is(unexplained, 0);
    t.true([...rows].filter(({ verdict }) => verdict === 'same').length >= 10);
  });
}

/** Imports the lines of a capture with its statistics; gives the verdicts that are not `same`. */
async function verdictsOf(folder: string, lines: readonly string[]) {
  writeFileSync(join(folder, 'trace'), lines.join('\n'));
  const out = join(folder, `${lines.length}.db`);
  const stats = ['before', 'after'].map((each) => samplePath(`${FOLDERS[0]}/stats-${each}.txt`));
  await importTraces({ files: [join(folder, 'trace')], target: target(out), stats });
  const { rows, unexplained } = reconcile(out);
  const told = [...rows].filter(({ verdict }) => verdict !== 'same' && verdict !== 'not told');
  return { unexplained, told: told.map(({ key, verdict, why }) => [key, verdict, why]) };
}

test('a difference is only put down to lost events as far as events were lost', async (t) => {
  const folder = temporaryFolder(t);
  const lines = sampleText(`${FOLDERS[0]}/trace.txt.gz`).split('\n');
  const reads = lines.flatMap((line, i) => (line.includes('netfs_sreq: ') ? [i] : []));
  const submits = reads.filter((i) => lines[i]?.includes('READ SUBMT')).slice(0, 2);
  t.is(submits.length, 2);
  const left = (lost: string) => [
    ...lines.map((line, i) => (submits.includes(i) ? '' : line)).filter((line) => line !== ''),
    lost,
  ];
  t.deepEqual(await verdictsOf(folder, left('CPU:0 [LOST 2 EVENTS]')), {
    unexplained: 0,
    told: [['RD', 'cannot tell', '2 events were lost']],
  });
  const unknown = await verdictsOf(folder, [...left('CPU:0 [LOST EVENTS]'), '']);
  t.deepEqual([unknown.unexplained, unknown.told[0]?.[1]], [0, 'cannot tell']);
  t.deepEqual(await verdictsOf(folder, [...left('CPU:0 [LOST 1 EVENTS]'), '', '']), {
    unexplained: 1,
    told: [['RD', 'DIFFERS', 'more are missing than the 1 events that were lost']],
  });
  const more = [...lines, 'CPU:0 [LOST 9 EVENTS]', lines[submits[0] as number] as string];
  const { unexplained, told } = await verdictsOf(folder, more);
  t.is(unexplained, 1);
  t.deepEqual(told[0], ['RD', 'DIFFERS', 'more events than the statistics count']);
});

test('an event that is not understood explains what is missing', async (t) => {
  const folder = temporaryFolder(t);
  const lines = sampleText(`${FOLDERS[0]}/trace.txt.gz`).split('\n');
  const at = lines.findIndex((line) => line.includes('READ SUBMT'));
  const garbled = lines.map((line, i) => (i === at ? line.replace('READ', '') : line));
  t.deepEqual((await verdictsOf(folder, garbled)).told, [
    ['RD', 'explained', '1 netfs_sreq are kept as text only'],
  ]);
});

test('numbers that begin again after a reboot are other requests, also in one file', async (t) => {
  const folder = temporaryFolder(t);
  const boot = (second: number, from: string, end: boolean) =>
    [
      `netfs_read: R=00000001 READAHEAD c=00000002 ni=1a s=${from} 1000`,
      `netfs_sreq: R=00000001[0] DOWN SUBMT f=00 s=${from} 0/1000 e=0`,
      `netfs_sreq: R=00000001[0] DOWN TERM  f=00 s=${from} 1000/1000 e=0`,
      ...(end ? ['netfs_rreq: R=00000001 RA FREE    f=00'] : []),
    ].map((text, i) => `  a-1  [000] .....  ${second}.00000${i}: ${text}\n`);
  // The second boot has an earlier clock; of the first request the end is missing.
  writeFileSync(
    join(folder, 'trace'),
    [...boot(90, '0', false), ...boot(3, '8000', true)].join(''),
  );
  const out = join(folder, 'a.db');
  const { counts } = await importTraces({ files: [join(folder, 'trace')], target: target(out) });
  t.is(counts.kept.count, 7);
  const capture = openCapture(out);
  const requests = capture.all(`SELECT "rreq", "start", "server_bytes", "outcome" FROM "request"
    ORDER BY "request_uid"`);
  capture.close();
  t.deepEqual(requests, [
    { rreq: 1, start: 0, server_bytes: 0x1000, outcome: 'open' },
    { rreq: 1, start: 0x8000, server_bytes: 0x1000, outcome: 'ok' },
  ]);
});

test('--decode names flag bits as the kernel of the capture numbers them', async (t) => {
  const folder = temporaryFolder(t);
  const line = (text: string) => `  a-1  [000] .....  1.000000: ${text}\n`;
  const rreq = 'netfs_rreq: R=00000001 RA ASSESS  f=21';
  const named = async (era: string, text: string) => {
    writeFileSync(join(folder, 'trace'), line(text));
    const out = join(folder, `${era}.db`);
    await importTraces({ files: [join(folder, 'trace')], target: target(out), era });
    const [row] = eventRows(out, true);
    const printed = [...eventLines(out, { decode: true }).lines].at(-1) ?? '';
    t.true(printed.endsWith(String(row?.text)), printed);
    return row?.text;
  };
  t.is(await named('E3', rreq), 'R=00000001 RA ASSESS  f=21[INCOMPLETE_IO|IN_PROGRESS]');
  t.is(await named('E9', rreq), 'R=00000001 RA ASSESS  f=21[IN_PROGRESS|SHORT_TRANSFER]');
  const slice = 'netfs_sreq: R=00000001[0] DOWN TERM  f=103 s=0 1000/1000 e=0';
  t.regex(String(await named('E5', slice)), /f=103\[COPY_TO_CACHE\|CLEAR_TAIL\|IN_PROGRESS\] s=/);
  t.regex(String(await named('E6', slice.replace('103', '00'))), /f=00 s=/);
});

test('pieces of a trace are put in order whatever order they are named in', async (t) => {
  const folder = temporaryFolder(t);
  const line = (second: number) =>
    `  a-1  [000] .....  ${second}.000000: netfs_rreq: R=0000000${second} RA ASSESS  f=22\n`;
  writeFileSync(join(folder, '2'), line(2) + line(3));
  writeFileSync(join(folder, '1'), line(1));
  const out = join(folder, 'a.db');
  await importTraces({ files: [join(folder, '2'), join(folder, '1')], target: target(out) });
  const capture = openCapture(out);
  const rows = capture.all('SELECT "rreq", "ts" FROM "netfs_rreq" ORDER BY "id"');
  capture.close();
  t.deepEqual(rows, [
    { rreq: 1, ts: 0 },
    { rreq: 2, ts: 1e9 },
    { rreq: 3, ts: 2e9 },
  ]);
});

test('the statement of the docs finds the request of every cache read, once', async (t) => {
  const docs = readFileSync(join(ROOT, 'docs/how-to/import-a-trace.md'), 'utf8');
  const sql = /```sql\n(.*?)```/s.exec(docs)?.[1] ?? '';
  const folder = temporaryFolder(t);
  for (const name of ['9p-odd-sizes', 'afs-cache-error']) {
    const out = join(folder, `${name}.db`);
    const files = [join(ROOT, 'traces/trace-dat', name, 'trace.txt.gz')];
    await importTraces({ files, target: target(out) });
    const capture = openCapture(out);
    const count = (from: string) => Number(capture.get(`SELECT count(*) AS n FROM ${from}`)?.n);
    t.true(count('"cachefiles_read"') > 0);
    t.is(count(`(${sql})`), count('"cachefiles_read"'));
    capture.close();
  }
});

test('lost events that the heading of each processor tells are counted once', async (t) => {
  const folder = temporaryFolder(t);
  const files = [0, 1].map((cpu) => {
    const file = join(folder, `cpu${cpu}`);
    const heading = '# entries-in-buffer/entries-written: 2/102   #P:2';
    const event = `  a-1  [00${cpu}] .....  1.00000${cpu}: netfs_rreq: R=00000001 RA ASSESS  f=22`;
    writeFileSync(file, `${heading}\n${event}\n`);
    return file;
  });
  const { counts } = await importTraces({ files, target: target(join(folder, 'a.db')) });
  t.deepEqual([counts.kept.count, counts.lost], [2, 100]);
});

test("the buffers of two processors are merged to the kernel's own order", async (t) => {
  const folder = temporaryFolder(t);
  const text = unpacked(join(ROOT, 'traces/trace-dat/9p-two-cpus/trace.txt.gz')).toString('latin1');
  // An event of several lines stays whole.
  const events = text
    .replaceAll(/^#.*\n/gm, '')
    .match(/^.*\d: \w+: .*\n(?:(?! {4,}\S+-\d+ ).*\n)*/gm);
  for (const cpu of [0, 1]) {
    const own = (events ?? []).filter((event) => event.includes(` [00${cpu}] `));
    t.true(own.length > 100);
    const name = join(folder, `cpu${cpu}`);
    writeFileSync(
      cpu === 0 ? name : `${name}.gz`,
      cpu === 0 ? own.join('') : gzipSync(own.join('')),
    );
  }
  const out = join(folder, 'a.db');
  const files = [join(folder, 'cpu1.gz'), join(folder, 'cpu0')];
  const { counts } = await importTraces({ files, target: target(out) });
  t.is(counts.damaged.count + counts.unknown.count, 0);
  const printed = [...eventLines(out, {}).lines].filter((line) => !line.startsWith('#'));
  t.is(`${printed.join('\n')}\n`, text.replaceAll(/^#.*\n/gm, ''));
});

test('a file that ends early does not keep the others from being read', async (t) => {
  const folder = temporaryFolder(t);
  const line = (us: number, what = 'netfs_rreq: R=00000001 RA ASSESS  f=22') =>
    `  a-1  [000] .....  1.${String(us).padStart(6, '0')}: ${what}\n`;
  const lines = (from: number) => Array.from({ length: 3000 }, (_, i) => line(from + 2 * i));
  const whole = gzipSync(lines(1).join(''));
  writeFileSync(join(folder, '1.gz'), whole.subarray(0, whole.length / 2));
  writeFileSync(join(folder, '2'), `${lines(0).join('')}not an event\n`);
  const out = join(folder, 'a.db');
  const files = [join(folder, '1.gz'), join(folder, '2')];
  const { counts } = await importTraces({ files, target: target(out) });
  // The line that was cut in two, the data itself, and the one that is none.
  t.is(counts.damaged.count, 3);
  t.true(counts.kept.count > 3500);
  const capture = openCapture(out);
  const back = capture.get(`SELECT count(*) AS n FROM
    (SELECT "ts" < lag("ts") OVER (ORDER BY "id") AS "back" FROM "netfs_rreq") WHERE "back"`);
  capture.close();
  t.is(back?.n, 0);
});

test('what holds no event leaves no capture behind', async (t) => {
  const folder = temporaryFolder(t);
  const out = join(folder, 'a.db');
  writeFileSync(join(folder, 'prose'), 'no trace\n'.repeat(10));
  const files = [join(folder, 'prose')];
  const missing = { files: [join(folder, 'gone')], target: target(out) };
  await t.throwsAsync(importTraces({ files, target: target(out) }), {
    name: 'StoreError',
    message: /prose: holds nothing that is known/,
  });
  const forced = importTraces({ files, target: target(out), format: 'ftrace' });
  await t.throwsAsync(forced, {
    name: 'StoreError',
    message: /prose: holds no event: .*:1: not an/,
  });
  await t.throwsAsync(importTraces(missing), { name: 'ErrnoError', message: /ENOENT/ });
  t.throws(() => openCapture(out), { message: /ENOENT/ });
});

test('copies of the statistics become snapshots and their differences are shown', async (t) => {
  const out = join(temporaryFolder(t), 'a.db');
  const [before, after] = ['before', 'after'].map((each) =>
    samplePath(`${FOLDERS[0]}/stats-${each}.txt`),
  ) as [string, string];
  const { snapshots, era } = await importStats([before, after], target(out));
  t.deepEqual([snapshots, era], [2, 'E3']);
  const rows = [...deltaTable(`${out}@1`, out, false).rows];
  t.deepEqual(rows, [...deltaTable(before, after, false).rows]);
  t.like(
    rows.find(({ key }) => key === 'RA'),
    { label: 'RdHelp', kind: 'counter', delta: 9 },
  );
});

const LISTS: readonly (readonly [what: string, text: string, era: Era, row: object])[] = [
  [
    'v6.12',
    `REQUEST  OR REF FL ERR  OPS COVERAGE
======== == === == ==== === =========
00000065 2C   2 80002020    0   0 @0000 0/0
00000043 RA   1 20    0   1 @34000000 0/20000`,
    'E7',
    { R: '00000065', origin: '2C', refs: 2, error: 0, outstanding: 0, coverage: '@0000 0/0' },
  ],
  [
    'v6.9',
    'REQUEST  OR REF FL ERR  OPS COVERAGE\n00000001 LW   3  0   -5   2 @1000 0/1000',
    'E4',
    { origin: 'LW', error: -5, flags: '0' },
  ],
  [
    'v6.15',
    'REQUEST  OR REF FL ERR  OPS COVERAGE\n00000001 R1   3 20    0   0 @0000 0/1000',
    'E7',
    { origin: 'R1', flags: '20 IN_PROGRESS' },
  ],
  [
    'v6.16, quoted',
    `> REQUEST  OR REF FLAG ERR  OPS COVERAGE
> ======== == === ==== ==== === =========
> 00000007 WB 100  101 -110   0 @ffff00000000 1000/2000`,
    NEWEST_RELEASED,
    { R: '00000007', refs: 100, error: -110, flags: '101 IN_PROGRESS OFFLOAD_COLLECTION' },
  ],
];

for (const [what, text, era, row] of LISTS) {
  test(`a list of the requests of ${what} is read and its flags are named`, async (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(join(folder, 'list'), text);
    const imported = await importStats([join(folder, 'list')], target(join(folder, 'a.db')));
    t.is(imported.era, era);
    t.like([...imported.requests.rows][0], row);
  });
}

test('a list of requests may be empty; other texts are none', (t) => {
  const empty = parseRequests('REQUEST  OR REF FL ERR  OPS COVERAGE\n');
  t.deepEqual(empty, { requests: [], era: 'E7', eras: ['E4', 'E5', 'E6', 'E7'] });
  t.is(parseRequests('RdHelp : RA=1\n'), null);
});
