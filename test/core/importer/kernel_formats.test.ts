/** Kernels that describe themselves by their format files: known ones, and one nobody knows. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { importTraces } from '../../../src/core/app/import/import.js';
import { readFormats } from '../../../src/core/app/import/kernel_files.js';
import { runCheck } from '../../../src/core/app/trace/check.js';
import { stuckTable } from '../../../src/core/app/trace/stuck.js';
import { describeKernel, differenceFrom } from '../../../src/core/importer/kernel_formats.js';
import { anonymiseCapture } from '../../../src/core/store/anonymise.js';
import { openCapture } from '../../../src/core/store/database.js';
import { addDescribed } from '../../../src/core/trace/eras.js';
import { tracepointsIn } from '../../../src/core/trace/index.js';
import { labelWords } from '../../../src/core/trace/kernel_text.js';
import { e12 } from '../../../src/core/trace/kernels/e12.js';
import { temporaryFolder } from '../../helpers/capture.js';
import { formatFiles } from '../../helpers/formats.js';
import { imaginaryKernel } from '../../helpers/imaginary_kernel.js';

for (const [release, era] of [
  ['6.1', 'E3'],
  ['6.12', 'E6'],
  ['6.18', 'E8'],
  ['7.3', 'E12'],
] as const) {
  test(`the format files of Linux ${release} are those of ${era}, to the last word`, (t) => {
    const found = describeKernel(formatFiles(release), null, null);
    t.deepEqual(found, { closest: era, differences: 0, kernel: null });
  });
}

test('the file of an era is what its format files say', (t) => {
  const { events, labels } = differenceFrom(formatFiles('7.3'), 'E11');
  t.deepEqual({ events, labels }, { events: e12.events, labels: e12.labels });
});

test('what differs by one word is described, and flag bits are no longer claimed to be known', (t) => {
  const formats = formatFiles('7.3').map(({ system, text }) => ({
    system,
    text: text.replace('"WAKE-IP" }', '"WAKE-IT" }'),
  }));
  const found = describeKernel(formats, null, null);
  t.is(found?.closest, 'E12');
  t.is(found?.differences, 1);
  const kernel = found?.kernel;
  if (kernel == null) return t.fail();
  addDescribed(kernel);
  const words = labelWords('netfs_rreq_traces', kernel.era).map(([, word]) => word);
  const before = labelWords('netfs_rreq_traces', 'E12').map(([, word]) => word);
  t.deepEqual(
    words,
    before.map((word) => (word === 'WAKE-IP' ? 'WAKE-IT' : word)),
  );
  t.is(kernel.data.flags?.rreq?.[0], null);
});

test('format files that make no sense are passed over, and none at all describe nothing', (t) => {
  const text =
    'name: netfs_read\nID: 7\nformat:\n\nprint fmt: "R=%08x %s", REC->nowhere, what(3)\n';
  t.is(describeKernel([{ system: 'netfs', text }], null, null), null);
  t.is(describeKernel([], null, null), null);
  t.is(describeKernel([{ system: 'netfs', text: 'x' }], null, null), null);
});

test('a kernel nobody knows is imported with its format files without loss and without a finding', async (t) => {
  const folder = temporaryFolder(t);
  const { text, formats, events } = imaginaryKernel();
  for (const { system, name, text: format } of formats) {
    mkdirSync(join(folder, 'events', system, name), { recursive: true });
    writeFileSync(join(folder, 'events', system, name, 'format'), format);
  }
  const trace = join(folder, 'trace.txt');
  writeFileSync(trace, text);
  const out = join(folder, 'a.db');
  const summary = await importTraces({
    files: [trace],
    target: { out, commandLine: 'test', toolVersion: 'test' },
    formats: folder,
  });
  const none = { count: 0, first: null };
  const { unknown, words, damaged, others } = summary.counts;
  t.deepEqual([unknown, words, damaged], [none, none, none]);
  t.is(others.first?.includes('netfs_') ?? false, false);
  t.regex(summary.era.kernels, /^none that is known; closest: v7\.3$/);

  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  // An event of 9p is several lines of text.
  const linesOf = (events: readonly string[]) =>
    events.flatMap((each) => each.replace(/\n+$/, '').split('\n'));
  for (const file of [out, join(folder, 'b.db')]) {
    if (file !== out) anonymiseCapture(out, file);
    const capture = openCapture(file);
    t.teardown(() => capture.close());
    const printed = linesOf([...capture.lines()]);
    if (file === out) t.deepEqual(printed, lines);
    else t.is(printed.length, lines.length);
    for (const [event, count] of Object.entries(events)) {
      t.is(capture.get(`SELECT count(*) AS "n" FROM "${event}"`)?.n, count, event);
    }
    t.is(capture.get('SELECT count(DISTINCT "zone") AS "n" FROM "netfs_rreq_ref"')?.n, 24);
    t.deepEqual(capture.all('SELECT DISTINCT "mood" FROM "netfs_read" ORDER BY 1'), [
      { mood: 'calm' },
      { mood: 'cross' },
    ]);
    t.is(
      capture.get(`SELECT count(*) AS "n" FROM "events" WHERE "event" = 'netfs_yak'`)?.n,
      events.netfs_yak,
    );
    // What is read is printed, and what is printed is read.
    const { era } = capture.info;
    for (const line of capture.all(
      'SELECT "event", "text" FROM "events" WHERE "system" = \'netfs\'',
    )) {
      const tracepoint = tracepointsIn(era).find(({ name }) => name === line.event);
      const row = tracepoint?.parse(String(line.text), era);
      if (row == null || tracepoint?.print(row, era) !== line.text) t.fail(String(line.text));
    }
  }
  const { findings, rules } = runCheck(out);
  t.deepEqual(findings, []);
  t.true(rules.some(({ state }) => state === 'cannot tell'));
  // The word for the end of a request is unknown, so nobody can say that one is open.
  const { rows, note } = stuckTable(out);
  t.deepEqual([...rows], []);
  t.regex(note ?? '', /^cannot tell whether \d+ requests ended: no table has the word /);
});

test('format files damaged in any way describe something or nothing, in bounded time', (t) => {
  const formats = formatFiles('7.3');
  const cases = Number(process.env.NETFSLAB_CASES ?? 300);
  let seed = 1;
  const next = (below: number) => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * below);
  };
  const pieces = [
    '%',
    '"',
    '{',
    '}',
    '(',
    ')',
    ',',
    'REC->',
    '__print_symbolic(',
    '%s',
    '\\',
    '\n',
    '1e9',
    '',
  ];
  for (let i = 0; i < cases; i++) {
    const { system, text } = formats[next(formats.length)] as (typeof formats)[number];
    const from = next(text.length);
    const damaged = text.slice(0, from) + pieces[next(pieces.length)] + text.slice(from + next(40));
    const found = describeKernel([{ system, text: damaged }], null, () => true);
    if (found?.kernel == null) continue;
    addDescribed(found.kernel);
    for (const tracepoint of tracepointsIn(found.kernel.era)) tracepoint.format(found.kernel.era);
  }
  t.pass();
});

test('format files are read from a folder or a tar, and what has none is refused', async (t) => {
  const folder = temporaryFolder(t);
  await t.throwsAsync(readFormats(folder), { message: /no format file of netfs is below/ });
  await t.throwsAsync(readFormats(join(folder, 'nowhere')), { code: 'ENOENT' });
  mkdirSync(join(folder, 'events/netfs/netfs_read'), { recursive: true });
  writeFileSync(join(folder, 'events/netfs/netfs_read/format'), 'name: netfs_read\n');
  t.is((await readFormats(folder)).length, 1);
  t.is((await readFormats(join(folder, 'events'))).length, 1);
});
