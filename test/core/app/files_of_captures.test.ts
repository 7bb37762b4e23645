/**
 * A capture without markers answers as one with them; files are inodes, or known by other means.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { ANALYSES, type AnalysisName } from '../../../src/core/analysis/index.js';
import type { Row } from '../../../src/core/analysis/types.js';
import { importTraces } from '../../../src/core/app/import.js';
import { rowsOf } from '../../../src/core/app/query.js';
import { summarise, summaryScreen } from '../../../src/core/app/trace_summary.js';
import { openCapture } from '../../../src/core/store/database.js';
import type { Capture } from '../../../src/core/store/types.js';
import { temporaryFolder } from '../../helpers/capture.js';
import { sampleText } from '../../helpers/import.js';
import { ROOT } from '../../helpers/source.js';

async function imported(t: ExecutionContext, text: string, filesFrom?: string): Promise<string> {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'trace.txt'), text);
  const out = join(folder, 'a.db');
  const target = { out, commandLine: 'test', toolVersion: 'test' };
  await importTraces({ files: [join(folder, 'trace.txt')], target, filesFrom });
  return out;
}

function opened(t: ExecutionContext, path: string): Capture {
  const capture = openCapture(path);
  t.teardown(() => capture.close());
  return capture;
}

const COLD = gunzipSync(
  readFileSync(join(ROOT, 'traces/linux-6.12/cold-sequential.txt.gz')),
).toString();

const unmarked = (text: string) => text.replaceAll(/^.*tracing_mark_write:.*\n/gm, '');

/** What names an operation or a file, or counts time from the first event. */
const NAMES = new Set([
  'file',
  'op',
  'missed',
  'note',
  'unused',
  'ts',
  'at_ns',
  'begin_ns',
  'began',
]);

/** Analyses that answer of operations, and those whose rows are the events themselves. */
const OF_OPERATIONS = new Set<string>(['hits', 'operations', 'pageCache', 'timeline', 'story']);

function without(rows: readonly Row[]): string[] {
  return rows
    .map((row) =>
      Object.entries(row).filter(([name]) => !NAMES.has(name) && !/_ns$|^from$|^to$/.test(name)),
    )
    .map((cells) =>
      JSON.stringify(cells.filter(([, value]) => typeof value !== 'string' || !/^op /.test(value))),
    )
    .sort();
}

/** The captures whose operations are marked. */
const SAMPLES = readdirSync(join(ROOT, 'traces/import')).filter((name) =>
  existsSync(join(ROOT, 'traces/import', name, 'trace.txt.gz')),
);

const ASKED: readonly AnalysisName[] = ['requests', 'why', 'readahead', 'dup', 'cookieStates'];

for (const sample of SAMPLES) {
  test(`${sample}: the answers are the same without markers, names aside`, async (t) => {
    const text = sampleText(`${sample}/trace.txt.gz`);
    t.regex(text, /tracing_mark_write/);
    const marked = opened(t, await imported(t, text));
    const bare = opened(t, await imported(t, unmarked(text)));
    for (const name of ASKED) {
      if (OF_OPERATIONS.has(name)) continue;
      const [a, b] = [marked, bare].map((each) => without([...rowsOf(each, ANALYSES[name])]));
      t.deepEqual(b, a, name);
    }
    const files = bare.all('SELECT DISTINCT "file" FROM "request_file"');
    for (const { file } of files) t.regex(String(file), /^(inode|cookie) 0x|^null$/);
  });
}

test('a list of inodes names the files of a capture without markers', async (t) => {
  const folder = temporaryFolder(t);
  const list = join(folder, 'list');
  writeFileSync(list, '1234 /mnt/with space\n4489329 /mnt/f1m\n');
  const text = unmarked(COLD);
  const out = await imported(t, text, list);
  const rows = [...rowsOf(opened(t, out), ANALYSES.readahead)];
  t.is(rows[0]?.file, '/mnt/f1m');
});

test('readahead that never grows is told of a capture without operations', async (t) => {
  const out = await imported(t, unmarked(COLD));
  const [row] = [...rowsOf(opened(t, out), ANALYSES.readahead)];
  t.like(row, { sequential: 127, grown: 0, missed: null });
  t.regex(String(row?.note), /never grew: 127 sequential windows of 8 KiB/);
  t.regex([...summaryScreen(summarise(out))].join('\n'), /Readahead of inode 0x\w+: never grew/);
});
