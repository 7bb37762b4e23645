/**
 * Inputs that were damaged at random: no crash, no hang, and every line is accounted for.
 * `NETFSLAB_CASES` sets the number of cases of each format, `NETFSLAB_SEED` the seed.
 */
import test from 'ava';
import fc from 'fast-check';
import { TraceFormatError } from '../../../src/core/base/errors.js';
import { compressionOf } from '../../../src/core/importer/decompress.js';
import type { ImportCounts } from '../../../src/core/importer/import_sink.js';
import { IMPORTERS } from '../../../src/core/importer/index.js';
import { mailDamage } from '../../../src/core/importer/mail.js';
import type { MemorySink } from '../../../src/core/trace/sink.js';
import { importBytes, sampleText, spentMs } from '../../helpers/import.js';

const CASES = Number(process.env.NETFSLAB_CASES ?? 500);
const SEED = Number(process.env.NETFSLAB_SEED ?? 20210423);

const folder = 'linux-6.1-cachefull3-known-file-nospace';
const first = (text: string, lines: number) => text.split('\n').slice(0, lines).join('\n');
const trace = first(sampleText(`${folder}/trace.txt.gz`), 60);
const SEEDS: Record<string, string> = {
  ftrace: trace,
  report: `${first(sampleText(`${folder}/report.txt.gz`), 30)}
${first(sampleText(`${folder}/report-R.txt.gz`), 30)}`,
  oops: trace
    .split('\n')
    .map((line) => line.replace(/ \[000\] (\S+) +(\d+)\.(\d+): /, '  0$1 $2$3us : '))
    .join('\n'),
  perf: trace
    .split('\n')
    .map((line) => line.replace(/-(\d+) +\[000\] \S+ +(\S+): (\w+)/, ' $1 [000] $2: netfs:$3'))
    .join('\n'),
  bare: trace
    .split('\n')
    .map((line) => line.replace(/^.*\d: /, ''))
    .join('\n'),
};

/** Forms that put wrapped lines together. */
const JOINING = new Set(['bare', 'oops']);

/** Lines that are neither an event or a part of one, nor counted as something else. */
function linesLeft(text: string, sink: MemorySink, counts: ImportCounts): number {
  const { kept, skipped, damaged, lost, unnumbered } = counts;
  // What was wrapped is put together, what looks packed is unpacked: no lines to count.
  const bytes = Buffer.from(text);
  if (mailDamage(bytes) !== null || compressionOf(bytes) !== null) return 0;
  const filled = (of: string) => of.split('\n').filter((line) => line.trim() !== '').length;
  const lines = filled(text);
  const more = [...sink.lines(), ...sink.markers.map((marker) => `marker: ${marker}`)].reduce(
    (sum, each) => sum + filled(each) - 1,
    0,
  );
  // One line may tell of thousands of lost events.
  const told = lost + unnumbered > 0 ? lines : 0;
  return lines - kept.count - skipped.count - damaged.count - more - told;
}

/** One change of a text: a piece of it is replaced. */
const change = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.constantFrom(0, 0, 1, 1, 3, 20, 400),
  by: fc.oneof(
    fc.constantFrom('', '\n', '\0', '[', ']', ':', '-', ' ', '999999999999999999', '\x1b[2J', '='),
    fc.string({ maxLength: 12 }),
  ),
});

for (const name of Object.keys(IMPORTERS).filter((each) => each in SEEDS)) {
  test(`${name}: damaged input is read as far as it goes and accounted for`, async (t) => {
    const seed = SEEDS[name] as string;
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
        let text = seed;
        for (const { at, length, by } of changes) {
          const from = Math.floor(at * text.length);
          text = text.slice(0, from) + by + text.slice(from + length);
        }
        const before = process.cpuUsage();
        try {
          const { counts, sink } = await importBytes(text, { format: name, era: 'E3' });
          const { kept, others, damaged } = counts;
          const inTables = sink.rows.length + sink.markers.length + others.count;
          if (inTables !== kept.count) return false;
          if (damaged.count > 0 && damaged.first === null) return false;
          if (/[\p{Cc}]/u.test(damaged.first ?? '')) return false;
          if (!JOINING.has(name) && linesLeft(text, sink, counts) > 0) return false;
        } catch (error) {
          if (!(error instanceof TraceFormatError)) throw error;
        }
        return spentMs(before) < 2000;
      }),
      { numRuns: CASES, seed: SEED },
    );
    t.true(process.memoryUsage().rss < 500 * 2 ** 20);
  });
}
