/** Imports from file to database: rows, requests, statistics, and export back. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { eventLines } from '../../../src/core/app/events.js';
import { exportTable } from '../../../src/core/app/export.js';
import { importTraces } from '../../../src/core/app/import.js';
import { reconcile } from '../../../src/core/app/reconcile.js';
import { deltaTable } from '../../../src/core/app/stats_delta.js';
import { importStats, parseRequests } from '../../../src/core/app/stats_import.js';
import { openCapture } from '../../../src/core/store/database.js';
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
    t.is([...exportTable(out).rows].length, counts.kept.count);

    const { rows, unexplained } = reconcile(out);
    t.is(unexplained, 0);
    t.true([...rows].filter(({ verdict }) => verdict === 'same').length >= 10);
  });
}

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
  await t.throwsAsync(importTraces({ files, target: target(out) }), { name: 'TraceFormatError' });
  const forced = importTraces({ files, target: target(out), format: 'ftrace' });
  await t.throwsAsync(forced, {
    name: 'StoreError',
    message: /prose: holds no event: .*:1: not an/,
  });
  await t.throwsAsync(importTraces(missing), { name: 'ErrnoError', message: /ENOENT/ });
  t.throws(() => openCapture(out), { message: /ENOENT/ });
});

test('copies of the statistics become snapshots and their differences are shown', (t) => {
  const out = join(temporaryFolder(t), 'a.db');
  const [before, after] = ['before', 'after'].map((each) =>
    samplePath(`${FOLDERS[0]}/stats-${each}.txt`),
  ) as [string, string];
  const { snapshots, era } = importStats([before, after], target(out));
  t.deepEqual([snapshots, era], [2, 'E1']);
  const rows = [...deltaTable(`${out}@1`, out, false).rows];
  t.deepEqual(rows, [...deltaTable(before, after, false).rows]);
  t.like(
    rows.find(({ key }) => key === 'RA'),
    { label: 'RdHelp', kind: 'counter', delta: 9 },
  );
});

test('a copy of the list of requests is read', (t) => {
  const text =
    'REQUEST  OR REF FL ERR  OPS COVERAGE\n00000065 2C   2 80002020    0   0 @0000 0/0\n';
  t.like(parseRequests(text)[0], { rreq: 0x65, origin: '2C', refs: 2, flags: 0x80002020 });
  t.deepEqual(parseRequests('RdHelp : RA=1\n'), []);
});
