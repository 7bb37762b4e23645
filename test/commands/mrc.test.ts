/** `netfslab mrc` as it is run, on a workload and on a capture. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { netfslabHere } from '../helpers/cli.js';
import { serverDir, tempDir } from '../helpers/lab.js';

interface Json {
  readonly references: number;
  readonly units: number;
  readonly unit: number;
  readonly footprint: number;
  readonly points: { bytes: number; lru: number; clock: number; optimum: number; loads: number }[];
}

test('two passes over ten pages hit only with room for all of them, but for the optimum', async (t) => {
  const log = join(tempDir(t), 'x.strace');
  const pass = Array.from({ length: 10 }, (_, i) => `pread64(3, ""..., 4096, ${i * 4096}) = 4096`);
  writeFileSync(log, ['openat(AT_FDCWD, "f", O_RDONLY) = 3', ...pass, ...pass, ''].join('\n'));
  const { status, stdout, stderr } = await netfslabHere(['mrc', log, '--json']);
  t.is(status, 0, stderr);
  const json = JSON.parse(stdout) as Json;
  t.like(json, { references: 20, units: 10, unit: 4096, footprint: 40_960 });
  const at = (pages: number) => json.points.find(({ bytes }) => bytes === pages * 4096)!;
  t.like(at(9), { lru: 1, clock: 1 });
  t.like(at(10), { lru: 0.5, clock: 0.5, optimum: 0.5, loads: 40_960 });
  t.true(at(9).optimum < 0.6);
});

test('a granule joins pages, and text, table and plot are printed', async (t) => {
  const server = serverDir(t, { a: 400_000, b: 100_000 });
  const out = join(tempDir(t), 'x.db');
  await netfslabHere(['run', '--server', server, '--rw', 'randread', '--loops', '2', '--out', out]);
  const csv = await netfslabHere(['mrc', out, '--granule', '64k', '--csv']);
  t.regex(csv.stdout, /^bytes,lru,clock,optimum,loads\n65536,/);
  const text = await netfslabHere(['mrc', out]);
  t.regex(text.stdout, /^246 references to 123 units of 4 KiB \(492 KiB\), exact\n/);
  t.regex(text.stdout, /\. optimum {3}o CLOCK {3}\* LRU/);
  t.regex(text.stdout, /Working set: at most /);
});

test('what has no references is refused with a reason', async (t) => {
  const dir = tempDir(t);
  const list = join(dir, 'a.ops');
  writeFileSync(list, 'sync\n');
  const { status, stderr } = await netfslabHere(['mrc', list]);
  t.is(status, 2);
  t.regex(stderr, /reads and writes no byte of a file/);
  const granule = await netfslabHere(['mrc', list, '--granule', '5000']);
  t.regex(granule.stderr, /--granule: expected a power of two/);
});
