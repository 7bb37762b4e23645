/**
 * A capture without markers answers as one with them; files are inodes, or known by other means.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { checkCapture } from '../../../src/core/analysis/check/check.js';
import { ANALYSES, type AnalysisName } from '../../../src/core/analysis/index.js';
import type { Row } from '../../../src/core/analysis/types.js';
import { importTraces } from '../../../src/core/app/import/import.js';
import { rowsOf } from '../../../src/core/app/trace/query.js';
import { stuckTable } from '../../../src/core/app/trace/stuck.js';
import { summarise, summaryScreen } from '../../../src/core/app/trace/summary.js';
import { openCapture } from '../../../src/core/store/database.js';
import type { Capture } from '../../../src/core/store/types.js';
import { temporaryFolder } from '../../helpers/capture.js';
import { SAMPLES } from '../../helpers/samples.js';
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
  ...['at', 'first_jump', 'app_bytes', 'amplification', 'id'],
]);

/** Analyses that answer of operations, and those whose rows are the events themselves. */
const OF_OPERATIONS = new Set<string>([
  ...['hits', 'operations', 'pageCache', 'timeline', 'listing'],
]);

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
const MARKED = Object.entries(SAMPLES)
  .map(([name, file]) => [name, textOf(join(ROOT, file))] as const)
  .filter(([, text]) => text.includes('tracing_mark_write'));

function textOf(path: string): string {
  const bytes = readFileSync(path);
  return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
}

/** Everything that is asked of no operation: analyses, findings, open requests, stories. */
function* answers(capture: Capture): Iterable<readonly [string, readonly Row[]]> {
  for (const name of Object.keys(ANALYSES) as AnalysisName[]) {
    if (OF_OPERATIONS.has(name)) continue;
    const shown = new Set<string>(ANALYSES[name].columns.map((column) => column.name));
    const rows = [...rowsOf(capture, ANALYSES[name])].map((row) =>
      Object.fromEntries(Object.entries(row).filter(([column]) => shown.has(column))),
    );
    yield [name, rows];
  }
  const byOthers = [...rowsOf(capture, ANALYSES.hits)].filter(
    ({ of }) => !OF_READS.has(String(of)),
  );
  yield ['hits', byOthers];
  const { findings } = checkCapture(capture);
  yield ['check', findings.map(({ rule, request = '', message }) => ({ rule, request, message }))];
  yield ['stuck', [...stuckTable(capture.path).rows]];
  const { requests, latency } = summarise(capture.path);
  yield ['summary', [...requests, ...latency]];
}

/** Analyses with a row for each file. */
const BY_FILE = new Set(['map', 'sources']);

/** Denominators of `hits` that need operations. */
const OF_READS = new Set(['bytes read', 'direct reads']);

for (const [sample, text] of MARKED) {
  test(`${sample}: the answers are the same without markers, names aside`, async (t) => {
    const marked = opened(t, await imported(t, text));
    const bare = opened(t, await imported(t, unmarked(text)));
    const found = new Map(answers(bare));
    // Some requests print no inode: which files they are of only operations tell.
    const unnamed = bare.get('SELECT 1 FROM "request_file" WHERE "file" IS NULL') !== undefined;
    for (const [name, rows] of answers(marked)) {
      if (unnamed && BY_FILE.has(name)) continue;
      t.deepEqual(without(found.get(name) ?? []), without(rows), name);
    }
    // Nothing is remarkable about a file that is not with its operations, too.
    const notes = (capture: Capture) =>
      [...rowsOf(capture, ANALYSES.readahead)].filter(({ note }) => note !== null).length;
    t.true(notes(bare) <= notes(marked), 'notes on readahead');
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

test('what a read asked for behind the end of its file is neither read nor a hit', async (t) => {
  // A file of 1 MiB and 123 bytes, read from there to its end; a marker tells no result.
  const path = join(ROOT, SAMPLES['9p-6.18-odd']);
  const capture = opened(t, await imported(t, textOf(path)));
  const [bytes] = [...rowsOf(capture, ANALYSES.hits)];
  t.like(bytes, { of: 'bytes read', memory: 0, zero: 0, hit_rate: 0 });
  for (const { range } of rowsOf(capture, ANALYSES.pageCache)) {
    t.true(Number.parseInt(String(range).split('-')[1]!, 16) <= 0x100000 + 123, String(range));
  }
});
