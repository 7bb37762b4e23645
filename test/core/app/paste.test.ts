/** Pastes: mails, logs and mixtures of what the readers know, from file to capture. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { importTraces } from '../../../src/core/app/import/import.js';
import { kernelLogOf } from '../../../src/core/app/import/kernel_log.js';
import { contentLines } from '../../../src/core/app/import/paste_text.js';
import { importSummaryLines } from '../../../src/core/app/import/summary.js';
import { deltaTable } from '../../../src/core/app/stats/delta.js';
import { importStats } from '../../../src/core/app/stats/import.js';
import { showStats } from '../../../src/core/app/stats/stats.js';
import { stuckTable } from '../../../src/core/app/trace/stuck.js';
import { temporaryFolder } from '../../helpers/capture.js';
import { ROOT } from '../../helpers/source.js';

const REPORTS = join(ROOT, 'traces/reports');
const report = (name: string) => join(REPORTS, name);
const textOf = (name: string) => readFileSync(report(name), 'utf8');
const target = (out: string) => ({ out, commandLine: 'test', toolVersion: 'test' });

/** Imports a text or a file as `trace import` does. */
async function imported(t: ExecutionContext, input: { text?: string | Uint8Array; file?: string }) {
  const folder = temporaryFolder(t);
  const out = join(folder, 'a.db');
  const file = input.file ?? join(folder, 'mail.txt');
  if (input.text !== undefined) writeFileSync(file, input.text);
  const summary = await importTraces({ files: [file], target: target(out) });
  return { ...summary, out, told: importSummaryLines(summary) };
}

for (const name of readdirSync(report('mail-prose-counted-as-damage'))) {
  test(`prose around events is no damage: ${name}`, async (t) => {
    const file = report(`mail-prose-counted-as-damage/${name}`);
    const { counts } = await imported(t, { file });
    t.is(counts.kept.count, 2);
    t.is(counts.damaged.count, 0);
    t.true(counts.skipped.count >= 3);
  });
}

test('lines that a mail repeats in its explanation are left out and named', async (t) => {
  const { counts, told } = await imported(t, { file: report('lines-quoted-twice/mail.txt') });
  t.is(counts.kept.count, 26);
  t.is(counts.repeated.count, 5);
  t.regex(told.join('\n'), /5 lines repeat earlier ones; left out: first \S*mail\.txt:30/);
});

test('the same lines with the same times are the same events, also in a reply above', async (t) => {
  const line = (us: number) =>
    `  cat-12  [001] .....    12.00000${us}: netfs_rreq: R=00000001 RA COLLECT f=2021\n`;
  const block = line(1) + line(2);
  const quoted = block.replaceAll(/^/gm, '> ').replace(/> $/, '');
  const { counts } = await imported(t, {
    text: `Indeed:\n\n${block}\nOn Monday you wrote:\n${quoted}`,
  });
  t.is(counts.kept.count, 2);
  t.is(counts.repeated.count, 2);
});

test('equal lines without times within one block are events of their own', async (t) => {
  const line = 'netfs_rreq_ref: R=00000a20 SEE WORK    r=3\n';
  t.is((await imported(t, { text: `See:\n\n${line}${line}` })).counts.kept.count, 2);
});

test('a file for another command is answered with that command', async (t) => {
  const kern = report('wrong-front-door/kern.log');
  const stats = report('wrong-front-door/stats.txt');
  const trace = join(ROOT, 'traces/reports/small-import-faults/docker.json');
  const rejected = (promise: Promise<unknown>, message: RegExp) =>
    t.throwsAsync(promise, { name: 'StoreError', message });
  await rejected(
    imported(t, { file: kern }),
    /these are kernel messages: netfslab explain --dmesg \S*kern\.log$/,
  );
  await rejected(
    imported(t, { file: stats }),
    /these are statistics: netfslab stats import \S*stats\.txt$/,
  );
  const out = join(temporaryFolder(t), 'b.db');
  await rejected(importStats([kern], target(out)), /netfslab explain --dmesg/);
  await rejected(importStats([trace], target(out)), /netfslab trace import/);
  await rejected(kernelLogOf(stats), /netfslab stats import/);
  await rejected(kernelLogOf(trace), /netfslab trace import/);
});

test('lines that a mail program wrapped are joined', async (t) => {
  const { items } = await kernelLogOf(report('wrong-front-door/wrapped.log'));
  t.is(items.length, 2);
  t.is(items[0]?.details.length, 1);
  t.regex(items[1]?.title ?? '', /kcompactd0:171 blocked for more than 122/);
});

test('a body in base64 is told as the text it is', async (t) => {
  const { items } = await kernelLogOf(report('wrong-front-door/base64.eml'));
  t.deepEqual(
    items.map(({ title }) => title),
    (await kernelLogOf(report('dmesg-netfs-prefix/reads.txt'))).items.map(({ title }) => title),
  );
});

test('lines in the JSON of Docker are opened; a frame that was cut is no damage', async (t) => {
  const docker = await imported(t, { file: report('small-import-faults/docker.json') });
  t.deepEqual([docker.counts.kept.count, docker.counts.others.count], [2, 0]);
  const perf = await imported(t, { file: report('small-import-faults/perf-frame-cut.txt') });
  t.deepEqual([perf.counts.kept.count, perf.counts.damaged.count], [1, 0]);
});

test('binary files of other tools are named with what makes a text of them', async (t) => {
  const cut = imported(t, { file: report('perf-data/perf.data') });
  await t.throwsAsync(cut, {
    message: /perf\.data is binary, .*cut off.*: perf script -i \S+ \| netfslab trace import -$/,
  });
  for (const [bytes, message] of [
    [Buffer.from([0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0]), /pcap/],
    [Buffer.from([0xc1, 0x1f, 0xfc, 0xc1, 0, 0]), /CTF/],
    [Buffer.from('SQLite format 3\0'), /netfslab trace summary/],
    [Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0]), /core/],
    [Buffer.from([0, 5, 0x16, 7, 0, 2]), /AppleDouble/],
    [Buffer.from([0x50, 0x4b, 3, 4, 0]), /zip/],
  ] as const) {
    await t.throwsAsync(imported(t, { text: bytes }), { message });
  }
});

const UNTIDY = 'tab four-blanks quoted quoted-printable commented trailing-blanks grep'.split(' ');

for (const name of UNTIDY) {
  test(`statistics are read however they were pasted: ${name}`, async (t) => {
    const out = join(temporaryFolder(t), 'a.db');
    const file = report(`stats-pasted-untidily/${name}.txt`);
    const { snapshots } = await importStats([file], target(out));
    t.is(snapshots, 1);
    const labels = /(?:^|\s|:)([A-Z]\w+) *: +\w+=/gm;
    const wanted = textOf(`stats-pasted-untidily/${name}.txt`)
      .replaceAll('=3D', '=')
      .matchAll(labels);
    t.deepEqual(
      showStats(out).lines.map((line) => line.split(/ *:/)[0]),
      [...wanted].map(([, label]) => label),
    );
  });
}

for (const name of ['diff-u', 'two-in-one']) {
  test(`a text with two copies of the statistics gives two snapshots: ${name}`, async (t) => {
    const out = join(temporaryFolder(t), 'a.db');
    const { snapshots } = await importStats(
      [report(`stats-pasted-untidily/${name}.txt`)],
      target(out),
    );
    t.is(snapshots, 2);
    const rows = [...deltaTable(`${out}@1`, out, false).rows].map(({ key, delta }) => [key, delta]);
    t.deepEqual(rows, [
      ['rd', 3],
      ['RA', 3],
    ]);
  });
}

test('copies side by side, out of diff and out of grep are told apart', async (t) => {
  const line = (n: number) => `IO     : rd=${n} wr=4`;
  for (const text of [
    `${line(0)}      ${line(3)}`,
    `${line(0)}      |  ${line(3)}`,
    `1c1\n< ${line(0)}\n---\n> ${line(3)}`,
    `before.txt:${line(0)}\nafter.txt:${line(3)}`,
    `before.txt:1:${line(0)}\nafter.txt:1:${line(3)}`,
  ]) {
    const out = join(temporaryFolder(t), 'a.db');
    writeFileSync(`${out}.txt`, text);
    t.is((await importStats([`${out}.txt`], target(out))).snapshots, 2, text);
  }
});

test('the era of statistics is one in which every key of them exists', async (t) => {
  const eraOf = async (name: string) => {
    const out = join(temporaryFolder(t), 'a.db');
    return (await importStats([report(`stats-era-from-keys/${name}.txt`)], target(out))).eraText;
  };
  t.regex(await eraOf('rs-key'), /^era E12 .*E7, E8/);
  t.regex(await eraOf('io-rdhelp'), /^era E3 .*E2/);
  t.regex(await eraOf('requests-2001'), /^era E7/);
});

test('statistics and requests in one file both arrive', async (t) => {
  const out = join(temporaryFolder(t), 'a.db');
  const file = report('stats-and-requests-in-one-paste/both.txt');
  const { snapshots, requests } = await importStats([file], target(out));
  t.is(snapshots, 1);
  t.like([...requests.rows][0], { R: '00003a01', origin: 'DW', outstanding: 0 });
  t.true(showStats(out).lines.includes('UpldOps: UL=9387 us=9394 uf=73'));
  const [stuck] = [...stuckTable(out).rows];
  t.is(stuck?.R, '00003a01');
  t.regex(String(stuck?.waits_for), /its collector/);
  t.regex(String(stuck?.flags), /IN_PROGRESS/);
});

test('the tables of FS-Cache are read column by column and told', async (t) => {
  const files = ['caches', 'volumes', 'cookies'].map((each) => report(`proc-tables/${each}.txt`));
  const { pastes, era } = await importStats(files, target(join(temporaryFolder(t), 'a.db')));
  const told = pastes.flatMap((paste) => [...contentLines(paste, era)]);
  t.regex(told[0] ?? '', /cache c1: active, 1 volume,/);
  t.regex(told[1] ?? '', /volume 00000010: NFS 3\.0/);
  t.regex(
    told[2] ?? '',
    /cookie 00000002 of volume 00000010: quiescent: it has no cache object now; .*HAVE_DATA.*no user/,
  );
  t.regex(told[3] ?? '', /cookie 00000003 .*active/);
});

test('mountstats say what programs read and what the server was asked for', async (t) => {
  const out = join(temporaryFolder(t), 'a.db');
  const { pastes, era } = await importStats([report('mountstats/mountstats.txt')], target(out));
  const told = pastes.flatMap((paste) => [...contentLines(paste, era)]).join('\n');
  t.regex(told, /28672 bytes normally; 1048576 were asked of the server/);
  t.regex(told, /rsize 1048576/);
  t.regex(told, /with fsc/);
  t.regex(told, /READ: 18,/);
});

const TRACE = textOf('mail-prose-counted-as-damage/prose.txt').split('\n').slice(4, 6).join('\n');
const STATS = textOf('wrong-front-door/stats.txt');
const LOG = textOf('dmesg-netfs-prefix/loaded.txt');
const MAIL = `Hello,\n\n${TRACE}\n\nand\n\n${STATS}\n\nalso\n\n${LOG}\n\nBye.\n`;

const base64 = (text: string | Uint8Array) =>
  Buffer.from(text).toString('base64').replaceAll(/.{76}/g, '$&\n');
const quotable = (text: string) =>
  text.replaceAll('=', '=3D').replaceAll(/^(.{70})(.+)$/gm, '$1=\n$2');
const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const HEADERS = 'From: a@example.org\nSubject: x\nMIME-Version: 1.0\n';
const part = (headers: string, body: string) => `--b\n${headers}\n\n${body}\n`;

const FORMS: Readonly<Record<string, string | Uint8Array>> = {
  plain: MAIL,
  quoted: MAIL.replaceAll(/^/gm, '> > '),
  indented: MAIL.replaceAll(/^/gm, '    '),
  'with carriage returns': MAIL.replaceAll('\n', '\r\n'),
  markdown: `# Bug\n\n\`\`\`\n${MAIL}\`\`\`\n`,
  'escaped HTML': `${escaped(MAIL)}&lt;end&gt;`,
  'an HTML page': `<html><body><p>Hi</p><pre>${escaped(MAIL)}</pre></body></html>`,
  base64: `${HEADERS}Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n${base64(MAIL)}`,
  'quoted-printable': `${HEADERS}Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n${quotable(MAIL)}`,
  'quoted-printable without headers': quotable(MAIL),
  'base64 without headers': base64(MAIL),
  'an attachment': `${HEADERS}Content-Type: multipart/mixed; boundary=b\n\n${part('Content-Type: text/plain', 'see below')}${part('Content-Type: text/plain; name=log.txt\nContent-Disposition: attachment; filename=log.txt\nContent-Transfer-Encoding: base64', base64(MAIL))}--b--\n`,
  'a compressed attachment': `${HEADERS}Content-Type: multipart/mixed; boundary=b\n\n${part('Content-Type: text/plain', 'see below')}${part('Content-Type: application/gzip; name=log.gz\nContent-Disposition: attachment; filename=log.gz\nContent-Transfer-Encoding: base64', base64(gzipSync(MAIL)))}--b--\n`,
  'text and HTML alternatives': `${HEADERS}Content-Type: multipart/alternative; boundary=b\n\n${part('Content-Type: text/plain', MAIL)}${part('Content-Type: text/html', `<pre>${escaped(MAIL)}</pre>`)}--b--\n`,
  'an issue as JSON': JSON.stringify({ title: 'hang', body: MAIL, comments: [] }),
  'UTF-16': Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(MAIL, 'utf16le')]),
  'compressed as a whole': gzipSync(MAIL),
  'lines in JSON': MAIL.split('\n')
    .map((line) => JSON.stringify({ log: `${line}\n`, stream: 'stdout', time: 'x' }))
    .join('\n'),
  'with ISO times': MAIL.replaceAll(/^/gm, '2026-01-07T10:54:24.189530123Z '),
  CRI: MAIL.replaceAll(/^/gm, '2026-01-07T10:54:24.189530123Z stdout F '),
  'a mailbox': `From a@example.org Thu Jan  8 10:00:00 2026\nFrom: a@example.org\nSubject: x\n\n${MAIL}`,
};

for (const [form, text] of Object.entries(FORMS)) {
  test(`a trace, statistics and messages come out of a text: ${form}`, async (t) => {
    const { counts, told, pastes, out } = await imported(t, { text });
    t.is(counts.kept.count, 2, told.join('\n'));
    t.is(counts.damaged.count, 0);
    t.is(showStats(out).lines.length, 5);
    const items = pastes.flatMap(({ parts }) => parts.flatMap(({ log }) => log.items));
    t.is(items.length, 4, told.join('\n'));
  });
}

test('what has the shape of an event and cannot be read is damaged', async (t) => {
  const { counts } = await imported(t, {
    text: `See:\n\n${TRACE}\n\n   cat-1 [001] .... 12.123456: ?!\n`,
  });
  t.is(counts.damaged.count, 1);
});
