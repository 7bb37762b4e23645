/**
 * Hostile pastes: damaged mails, MIME, log prefixes, kernel logs and tables. Nothing crashes, and
 * the time stays in proportion to the size. NETFSLAB_CASES sets how many cases each door gets.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { dmesgRows } from '../../../src/core/app/explain/dmesg.js';
import { accountLines, contentLines } from '../../../src/core/app/import/paste_text.js';
import { readLog } from '../../../src/core/importer/dmesg/read_log.js';
import { withoutLogPrefix } from '../../../src/core/importer/paste/log_prefix.js';
import { isTraceOnly, pasteOf } from '../../../src/core/importer/paste/read_paste.js';
import { segmentsOf } from '../../../src/core/importer/paste/segments.js';
import { NEWEST_RELEASED } from '../../../src/core/trace/eras.js';
import { spentMs } from '../../helpers/import.js';
import { ROOT } from '../../helpers/source.js';

const CASES = Number(process.env.NETFSLAB_CASES ?? 150);
/** Processor time of a case, milliseconds; most take less than one. */
const CASE_MS = 2000;

const REPORTS = join(ROOT, 'traces/reports');
const SAMPLES = readdirSync(REPORTS).flatMap((kind) =>
  readdirSync(join(REPORTS, kind))
    .filter((name) => !name.endsWith('.data'))
    .map((name) => readFileSync(join(REPORTS, kind, name), 'utf8')),
);
const LINES = [...new Set(SAMPLES.flatMap((text) => text.split('\n')))];
const HEADERS = [
  'From: a@example.org',
  'MIME-Version: 1.0',
  'Content-Type: text/plain; charset=utf-8',
  'Content-Type: multipart/mixed; boundary=b',
  'Content-Type: message/rfc822',
  'Content-Type: text/html',
  'Content-Transfer-Encoding: base64',
  'Content-Transfer-Encoding: quoted-printable',
  'Content-Disposition: attachment; filename=x.gz',
  '',
  '--b',
  '--b--',
];
const FRONTS = ['', '> ', '> > ', '\t', '    ', '- ', '+', '[  1.5] ', '[  1.5][ T12] ', '<4>'];
const MORE = [
  'Jan  8 09:17:16 host kernel: ',
  '2026-01-07T10:54:24.189530+00:00 host kernel: ',
  '2026-01-07T10:54:24Z stdout F ',
  '{"log":"',
  'host-1:',
  'a  | ',
  '<pre>',
  '```',
];

const line = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...LINES) },
  { weight: 1, arbitrary: fc.constantFrom(...HEADERS) },
  { weight: 1, arbitrary: fc.string({ maxLength: 200, unit: 'binary' }) },
);
/** A line that was cut, doubled or overwritten somewhere. */
const damaged = fc
  .tuple(line, fc.nat(300), fc.nat(6), fc.string({ maxLength: 6 }))
  .map(([text, at, how, noise]) => {
    if (how === 0) return text.slice(0, at);
    if (how === 1) return text.slice(at);
    if (how === 2) return text.slice(0, at) + noise + text.slice(at);
    if (how === 3) return text + text;
    return text;
  });
const fronted = fc.tuple(fc.constantFrom(...FRONTS, ...MORE), damaged).map((pair) => pair.join(''));
const paste = fc.array(fronted, { maxLength: 40 }).map((lines) => lines.join('\n'));
const mail = fc
  .tuple(fc.array(fc.constantFrom(...HEADERS), { maxLength: 8 }), paste, fc.boolean())
  .map(([headers, body, packed]) => {
    const text = packed ? Buffer.from(body).toString('base64') : body;
    return `${headers.join('\n')}\n\n${text}`;
  });

function quick(run: () => unknown): void {
  const before = process.cpuUsage();
  run();
  const spent = spentMs(before);
  if (spent > CASE_MS) throw new Error(`took ${spent} ms`);
}

test('mails and mixtures of anything are taken apart', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(paste, mail), async (text) => {
      const bytes = Buffer.from(text);
      const before = process.cpuUsage();
      const found = await pasteOf('mail', bytes);
      isTraceOnly(bytes);
      for (const { segments, lines } of found.parts) {
        const events = segments.events.length + segments.repeats.length;
        if (events > lines.length) throw new Error('more events than lines');
      }
      [...accountLines(found), ...contentLines(found, NEWEST_RELEASED)];
      if (spentMs(before) > CASE_MS) throw new Error('took too long');
    }),
    { numRuns: CASES },
  );
  t.pass();
});

test('log prefixes of any shape are taken off', (t) => {
  const shape = fc.tuple(fc.array(fc.constantFrom(...FRONTS, ...MORE), { maxLength: 8 }), damaged);
  fc.assert(
    fc.property(shape, ([fronts, text]) => quick(() => withoutLogPrefix(fronts.join('') + text))),
    { numRuns: CASES },
  );
  t.pass();
});

test('kernel logs with damaged reports are read', (t) => {
  fc.assert(
    fc.property(fc.array(fronted, { maxLength: 60 }), (lines) => {
      quick(() => {
        const log = readLog(lines);
        dmesgRows(log);
        for (const { first, last } of log.items) {
          if (first < 1 || last > lines.length || last < first) throw new Error('lines are wrong');
        }
      });
    }),
    { numRuns: CASES },
  );
  t.pass();
});

test('tables with damaged rows are read', (t) => {
  fc.assert(
    fc.property(fc.array(damaged, { maxLength: 60 }), (lines) => quick(() => segmentsOf(lines))),
    { numRuns: CASES },
  );
  t.pass();
});

test('long lines and many lines take time in proportion', (t) => {
  for (const text of [
    'a'.repeat(200_000),
    '=3D'.repeat(60_000),
    '> '.repeat(100_000),
    `${'x=1 '.repeat(50_000)}`,
    `IO : ${'rd=1 '.repeat(50_000)}`,
    '&lt;'.repeat(60_000),
    '<a '.repeat(60_000),
    `<html>${'<pre>'.repeat(40_000)}`,
    'netfs: '.repeat(30_000),
    '[ 1.0] '.repeat(30_000),
    'A: '.repeat(60_000),
    '\n'.repeat(200_000),
    ' ?func+0x1/0x2\n'.repeat(20_000),
    'netfs_sreq: R=1\n'.repeat(5_000),
    'Content-Type: multipart/mixed; boundary=b\n\n--b\n'.repeat(3_000),
  ]) {
    const before = process.cpuUsage();
    segmentsOf(text.split('\n'));
    const spent = spentMs(before);
    t.true(spent < 5000, `${text.slice(0, 20)}: ${spent} ms`);
  }
});
