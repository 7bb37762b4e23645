/** trace.dat of real kernels against the kernel's own text of the same runs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import test from 'ava';
import { ftrace } from '../../../src/core/importer/ftrace.js';
import { ImportSink } from '../../../src/core/importer/import_sink.js';
import { memoryInput } from '../../../src/core/importer/input.js';
import { traceDat } from '../../../src/core/importer/trace_dat/trace_dat.js';
import type { Era } from '../../../src/core/trace/eras.js';
import { tracepointNamed } from '../../../src/core/trace/index.js';
import { MemorySink } from '../../../src/core/trace/sink.js';
import { withoutQuickWays } from '../../helpers/import.js';
import { ROOT } from '../../helpers/source.js';
import { type Collected, collect, type Seen } from './trace_dat_events.js';

function sample(folder: string, file: string): Uint8Array {
  return gunzipSync(readFileSync(join(ROOT, 'traces/trace-dat', folder, `${file}.gz`)));
}

/** What a trace.dat with a masked kallsyms cannot know, on either side. */
function comparable(text: string): string {
  return text
    .replace(/sp=\S+( \[\w+\])?$/, 'sp=?')
    .replace(/\[[0-9a-f]{16}\]$/, '[?]')
    .replace(/vn=[0-9a-f]{16} (\S+) \S+/, 'vn=? $1 ?');
}

/** An event with its time rounded as the kernel prints it. */
function printed({ first }: Collected, { ns, pid, comm, cpu, flags, name, text }: Seen) {
  const us = (Number((first ?? 0n) % 1_000_000_000n) + ns + 500) / 1000;
  return { us: Math.floor(us), pid, comm, cpu, flags, name, text: comparable(text) };
}

const SAMPLES: readonly [folder: string, era: Era, rows: number][] = [
  ['9p-two-cpus', 'E3', 300],
  ['afs-cache-error', 'E3', 100],
  ['cifs-reconnect', 'E6', 100],
  ['nfs-many-in-flight', 'E6', 300],
];

for (const [folder, era, atLeast] of SAMPLES) {
  test(`trace.dat and the kernel's text of a run give the same events: ${folder}`, async (t) => {
    const dat = await collect(sample(folder, 'trace.dat'), era);
    const text = await collect(sample(folder, 'trace.txt'), era, ftrace);
    t.deepEqual(dat.damaged, []);
    t.is(dat.events.length, text.events.length);
    for (const [i, event] of dat.events.entries()) {
      const other = text.events[i] as Seen;
      t.deepEqual(printed(dat, event), printed(text, other));
    }
    // Rows do not come by way of their text, but are what it parses to.
    const rows = dat.events.filter(({ row }) => row !== null);
    t.true(rows.length > atLeast, `${rows.length} rows`);
    for (const { name, row, text: own } of rows) {
      t.deepEqual(row, tracepointNamed(name)?.parse(own, era));
    }
  });
}

/** What a trace.dat puts into memory, by the quick way or by values, read as `era`. */
async function imported(bytes: Uint8Array, era: Era, quick: boolean) {
  const memory = new MemorySink(era);
  const sink = new ImportSink(memory);
  sink.from({ name: 't.dat', unit: 'byte', latin1: false, numbers: false });
  const input = await memoryInput('t.dat', bytes);
  await traceDat.read(input, quick ? sink : withoutQuickWays(sink), { mail: null });
  input.close();
  return { rows: memory.rows, lines: memory.lines(), counts: sink.counts };
}

for (const [folder, era] of SAMPLES) {
  test(`rows read as words are what they are read as values: ${folder}`, async (t) => {
    const bytes = sample(folder, 'trace.dat');
    t.deepEqual(await imported(bytes, era, true), await imported(bytes, era, false));
  });
}

test('words that the era does not have are counted each time, by the quick way too', async (t) => {
  // A kernel of E6 says words and prints fields that E3 does not know.
  const bytes = sample('nfs-many-in-flight', 'trace.dat');
  const quick = await imported(bytes, 'E5', true);
  t.deepEqual(quick, await imported(bytes, 'E5', false));
  t.true(quick.counts.words.count > 1, `${quick.counts.words.count} words`);
});

test('the first look tells the kernel, the clock and the first time', async (t) => {
  const input = await memoryInput('t.dat', sample('9p-two-cpus', 'trace.dat'));
  const survey = await traceDat.survey(input, { mail: null } as never);
  input.close();
  t.is(survey.kernel, '6.1.0-56-amd64');
  t.is(survey.clock, 'mono');
  t.true(survey.samples.some(([name, text]) => name === 'netfs_read' && text.startsWith('R=')));
  t.true((survey.firstNs ?? 0n) > 1_000_000_000n);
});

test('a trace.dat is recognised by its first bytes, and nothing else is', (t) => {
  t.is(traceDat.sniff(sample('9p-two-cpus', 'trace.dat'))?.score, 1);
  t.is(traceDat.sniff(sample('9p-two-cpus', 'trace.txt')), null);
  t.is(traceDat.sniff(new Uint8Array(0)), null);
});

test('a real trace.dat that is cut off keeps its events up to the cut', async (t) => {
  const whole = sample('nfs-many-in-flight', 'trace.dat');
  const all = await collect(whole, 'E6');
  const cut = await collect(whole.subarray(0, whole.length - 300), 'E6');
  t.true(cut.damaged.length > 0);
  t.true(cut.events.length > 500);
  // The names of tasks may be lost, the events are not.
  const names = ({ events }: Collected) => events.map(({ name, text }) => `${name} ${text}`);
  t.deepEqual(names(cut), names(all).slice(0, cut.events.length));
});
