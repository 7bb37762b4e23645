/**
 * A kernel that calls a step, a source or a kind by another name: no figure changes in silence. The
 * words of samples are renamed one at a time.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import type { AnalysisName } from '../../../src/core/analysis/index.js';
import type { Row } from '../../../src/core/analysis/types.js';
import { importTraces } from '../../../src/core/app/import/import.js';
import { compareCaptures } from '../../../src/core/app/trace/compare.js';
import { runAnalysis } from '../../../src/core/app/trace/query.js';
import { summarise } from '../../../src/core/app/trace/summary.js';
import { StoreError } from '../../../src/core/base/errors.js';
import { temporaryFolder } from '../../helpers/capture.js';
import { ROOT } from '../../helpers/source.js';

const SAMPLES = ['linux-6.1/cache-full.txt', 'linux-7.3/9p-cache-full.txt.gz'];

/** Analyses whose rows are figures; the others print the words themselves. */
const FIGURES: readonly AnalysisName[] = ['hits', 'sources', 'dup', 'pageCache', 'requests'];

/** Columns that say how far a request came, not how much it moved: empty where nobody knows. */
const STEPS = /_ns$|outcome|wait|life|submit/;

async function imported(t: ExecutionContext, text: string): Promise<string> {
  const folder = temporaryFolder(t);
  const file = join(folder, 'trace.txt');
  writeFileSync(file, text);
  const out = join(folder, 'a.db');
  await importTraces({ files: [file], target: { out, commandLine: 'test', toolVersion: 'test' } });
  return out;
}

/** The rows without the columns of steps; null where the answer is refused. */
function figures(name: AnalysisName, path: string): Row[] | null {
  try {
    return [...runAnalysis(name, path).rows].map((row) =>
      Object.fromEntries(Object.entries(row).filter(([column]) => !STEPS.test(column))),
    );
  } catch (error) {
    if (error instanceof StoreError && error.message.includes('cannot answer')) return null;
    throw error;
  }
}

/** Each word that a kind of event has in a column, as `event: ... word`. */
function wordsOf(text: string): Map<string, RegExp> {
  const forms = [
    /(netfs_read: R=\w+ )(\S+)( )/,
    /(netfs_sreq: R=\w+\[\w+\] )(\S+)( )/,
    /(netfs_sreq: R=\w+\[\w+\] \S+ )(\S+)( )/,
    /(netfs_rreq: R=\w+ \w\w )(\S+)( )/,
    /(netfs_rreq: R=\w+ )([A-Z]{3,}\S*)( )/,
  ];
  const words = new Map<string, RegExp>();
  for (const form of forms) {
    for (const line of text.split('\n')) {
      const [, before, word = ''] = form.exec(line) ?? [];
      if (before === undefined) continue;
      const source = form.source.replace(/\(\\S\+\)|\(\[A-Z\]\{3,\}\\S\*\)/, `(${word})`);
      words.set(`${before.split(':')[0]} ${word}`, new RegExp(source, 'g'));
    }
  }
  return words;
}

for (const sample of SAMPLES) {
  test(`${sample}: a word of another name changes no figure in silence`, async (t) => {
    t.timeout(240_000);
    const bytes = readFileSync(join(ROOT, 'traces', sample));
    const text = String(sample.endsWith('.gz') ? gunzipSync(bytes) : bytes);
    const plain = await imported(t, text);
    const before = new Map(FIGURES.map((name) => [name, figures(name, plain)]));
    const words = wordsOf(text);
    t.true(words.size >= 10);
    let refused = 0;
    for (const [which, form] of words) {
      const path = await imported(
        t,
        text.replaceAll(form, (_all, head: string, word: string, tail: string) => {
          return `${head}${'Q'.repeat(word.length)}${tail}`;
        }),
      );
      for (const name of FIGURES) {
        const now = figures(name, path);
        if (now === null) refused++;
        else t.deepEqual(now, before.get(name), `${which}: ${name}`);
      }
      const { hits, missing } = summarise(path);
      const rates = compareCaptures(plain, path).filter(({ what }) => what === 'hit rate %');
      if (figures('hits', path) === null) {
        t.deepEqual([hits, rates], [[], []], which);
        t.regex(missing.join(), /no table has/);
      } else t.deepEqual(hits, summarise(plain).hits, which);
    }
    t.true(refused > 0 && refused < words.size * FIGURES.length);
  });
}

test('a trace.dat of a kernel that nobody knows is read by its own formats', async (t) => {
  const folder = temporaryFolder(t);
  const bytes = gunzipSync(
    readFileSync(join(ROOT, 'traces/trace-dat/9p-server-killed/trace.dat.gz')),
  );
  const file = join(folder, 'trace.dat');
  const renamed = bytes.toString('latin1').replaceAll('"TERM "', '"XERM "');
  t.true(renamed.includes('"XERM "'));
  const counts = [];
  for (const [name, data] of [
    ['known', bytes],
    ['renamed', Buffer.from(renamed, 'latin1')],
  ] as const) {
    writeFileSync(file, data);
    const out = join(folder, `${name}.db`);
    const target = { out, commandLine: 'test', toolVersion: 'test' };
    const { events, era } = await importTraces({ files: [file], target });
    counts.push(events);
    t.is(/none that is known/.test(era.kernels), name === 'renamed');
  }
  t.is(counts[0], counts[1]);
  t.truthy(figures('hits', join(folder, 'known.db')));
  t.is(figures('hits', join(folder, 'renamed.db')), null);
  t.regex(summarise(join(folder, 'renamed.db')).missing.join(), /it may be XERM/);
});
