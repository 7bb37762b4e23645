/**
 * A trace.dat of a kernel that nobody knows: a real one in which every label of netfs, fscache and
 * cachefiles is another word. Its own format files are all there is to read it by.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { importTraces } from '../../../src/core/app/import/import.js';
import { runCheck } from '../../../src/core/app/trace/check.js';
import { openCapture } from '../../../src/core/store/database.js';
import { temporaryFolder } from '../../helpers/capture.js';
import { unpacked } from '../../helpers/real_captures.js';
import { ROOT } from '../../helpers/source.js';

const SAMPLE = join(ROOT, 'traces/trace-dat/9p-server-killed/trace.dat.gz');
const FORMATS = /name: (?:netfs|fscache|cachefiles)_\w+\n[\s\S]*?print fmt: [^\n]*/g;
const LABEL = /(\{ \w+, ")([^"]*)(" \})/g;

/** Another word of the same length, so that nothing in the file moves. */
function renamed(word: string): string {
  const own = [...word.trim()].reverse().join('').toLowerCase();
  return own.padEnd(word.length);
}

async function imported(folder: string, name: string, bytes: Buffer) {
  const input = join(folder, `${name}.dat`);
  writeFileSync(input, bytes);
  const out = join(folder, `${name}.db`);
  const target = { out, commandLine: 'test', toolVersion: 'test' };
  return { out, summary: await importTraces({ files: [input], target }) };
}

test('a trace.dat of an unknown kernel is read by the format files within it', async (t) => {
  const folder = temporaryFolder(t);
  const bytes = unpacked(SAMPLE);
  const words = new Set<string>();
  const own = bytes.toString('latin1').replace(FORMATS, (format) =>
    format.replace(LABEL, (_, before, word, after) => {
      words.add(word.trim());
      return before + renamed(word) + after;
    }),
  );
  t.true(words.size > 150);
  const real = await imported(folder, 'real', bytes);
  const unknown = await imported(folder, 'unknown', Buffer.from(own, 'latin1'));
  const { counts, era } = unknown.summary;
  const none = { count: 0, first: null };
  t.deepEqual([counts.unknown, counts.words, counts.damaged], [none, none, none]);
  t.deepEqual(counts.kept, real.summary.counts.kept);
  t.regex(era.kernels, /^none that is known; closest: v7\.3/);

  const [known, other] = [openCapture(real.out), openCapture(unknown.out)];
  t.teardown(() => known.close());
  t.teardown(() => other.close());
  const expected = (value: unknown) =>
    typeof value === 'string' && words.has(value) ? renamed(value) : value;
  let rows = 0;
  for (const table of ['netfs_sreq', 'netfs_rreq', 'netfs_read', 'netfs_write', 'fscache_cookie']) {
    const [theirs, ours] = [known, other].map((each) => each.all(`SELECT * FROM "${table}"`));
    const wanted = theirs?.map((row) =>
      Object.fromEntries(Object.entries(row).map(([name, value]) => [name, expected(value)])),
    );
    t.deepEqual(ours, wanted as typeof ours, table);
    rows += ours?.length ?? 0;
  }
  t.true(rows > 50);
  const { findings } = runCheck(unknown.out);
  t.deepEqual(findings, []);
});
