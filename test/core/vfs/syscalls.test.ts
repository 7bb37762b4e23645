/**
 * Opening files, many of them, by several jobs at once, on both clocks; and what stays open when.
 */
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { ErrnoError } from '../../../src/core/base/errors.js';
import type { LabOptions } from '../../../src/core/lab/options.js';
import { Prng } from '../../../src/core/sim/prng.js';
import type { Task } from '../../../src/core/sim/wait_queue.js';
import type { VfsFile } from '../../../src/core/vfs/types.js';
import { content, makeLab, opened, type TestLab } from '../../helpers/lab.js';

/** Files beneath the directory that this process has open. */
function openBelow(dir: string): string[] {
  const real = fs.realpathSync(dir);
  return fs.readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = fs.readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith(`${real}/`) ? [path.relative(real, target)] : [];
    } catch {
      // The descriptor that listed the directory is gone by now.
      return [];
    }
  });
}

test('a file that cannot be opened is an error that names it', (t) => {
  const { open, dir } = makeLab(t, { 'd/f': 10 });
  fs.symlinkSync('/etc/hostname', path.join(dir, 'out'));
  for (const [name, code, text] of [
    ['nothing', 'ENOENT', /no such file/],
    ['d', 'EISDIR', /illegal operation on a directory/],
    ['../d/f', 'EXDEV', /leads out of the served directory/],
    ['out', 'EXDEV', /leads out of the served directory/],
    ['d/f/g', 'ENOTDIR', /not a directory/],
  ] as const) {
    const error = t.throws(() => open(name), { instanceOf: ErrnoError, message: text }, name);
    t.like(error, { code, syscall: 'open', path: name });
  }
});

test('a file is open on the server until its last use ends', async (t) => {
  const { open, read, lab, dir } = makeLab(t, { f: 50_000, g: 10 });
  const [one, two] = [open('f'), open('f')];
  t.deepEqual(openBelow(dir), ['f']);
  const mapping = one.mmap(0, 4096);
  one.close();
  two.close();
  t.deepEqual(openBelow(dir), ['f']);
  mapping.munmap();
  t.deepEqual(openBelow(dir), []);
  const again = open('f');
  t.is((await read(again, 0, 50_000)).length, 50_000);
  again.close();
  t.deepEqual(openBelow(dir), []);
  await lab.close();
});

test('a request in flight keeps its file open when the reader has closed it', async (t) => {
  const options: Partial<LabOptions> = { latencyNs: 1_000_000, completion: 'async' };
  const { lab, dir } = makeLab(t, { f: 1 << 20 }, options);
  const file = await opened(lab, 'f');
  await lab.run('reader', () => file.readahead(0, 65_536));
  file.close();
  t.deepEqual(openBelow(dir), ['f']);
  await lab.scheduler.drain();
  t.deepEqual(openBelow(dir), []);
  await lab.close();
});

test('a page that was read stays when its file is closed, and is a hit when it is opened again', async (t) => {
  const { open, read, lab, sink } = makeLab(t, { f: 5000 });
  const first = open('f');
  await read(first, 0, 5000);
  first.close();
  const events = sink.rows.length;
  const second = open('f');
  t.is(second.readNow(Buffer.alloc(5000), 0, 5000, 0), 5000);
  t.is(sink.rows.length, events);
  second.close();
  await lab.close();
});

/** Reads a file whole in pieces, and compares. */
function* readWhole(file: VfsFile, want: Buffer, piece: number): Task<boolean> {
  const target = Buffer.alloc(piece);
  let position = 0;
  for (;;) {
    const got = yield* file.read(target, 0, piece, position);
    if (got === 0) break;
    if (!target.subarray(0, got).equals(want.subarray(position, position + got))) return false;
    position += got;
  }
  return position === want.length;
}

/** Reads pieces at random, and compares. */
function* readRandomly(file: VfsFile, want: Buffer, seed: number, times: number): Task<boolean> {
  const prng = new Prng(seed);
  const target = Buffer.alloc(100_000);
  for (let i = 0; i < times; i++) {
    const position = prng.below(want.length);
    const count = 1 + prng.below(target.length);
    const got = yield* file.read(target, 0, count, position);
    if (!target.subarray(0, got).equals(want.subarray(position, position + count))) return false;
  }
  return true;
}

const manyJobs = test.macro({
  async exec(t, _what: string, options: Partial<LabOptions>) {
    const sizes = { a: 3 << 20, b: 1, c: 0, d: 4096, e: 777_777, f: 65_536 };
    const made: TestLab = makeLab(t, sizes, { pageCache: 1 << 20, ...options });
    const { lab, dir } = made;
    const jobs = Object.entries(sizes).flatMap(([name, size], i) => {
      const want = content(name, size);
      const job = (body: (file: VfsFile) => Task<boolean>): Promise<boolean> =>
        lab.run(`job${i}`, function* () {
          const file = yield* lab.vfs.open(name);
          const right = yield* body(file);
          file.close();
          return right;
        });
      return [
        job((file) => readWhole(file, want, 30_000)),
        job((file) => readWhole(file, want, 4096)),
        ...(size === 0 ? [] : [job((file) => readRandomly(file, want, i, 40))]),
      ];
    });
    const results = await Promise.all(jobs);
    t.is(results.length, 17);
    t.true(
      results.every((right) => right),
      `${results}`,
    );
    await lab.close();
    t.deepEqual(openBelow(dir), []);
  },
  title: (_, what: string) => `seventeen jobs read six files at once, each byte right, ${what}`,
});

test(manyJobs, 'with a server that answers at once', {});
test(manyJobs, 'with a slow server on the virtual clock', {
  latencyNs: 1_000_000,
  jitterNs: 500_000,
  bandwidth: 100e6,
  completion: 'async',
});
test(manyJobs, 'one server operation at a time', { latencyNs: 10_000, maxConcurrent: 1 });
test(manyJobs, 'in small slices over wide windows', { rsize: 5000, stripeUnit: 65_536 });
test(manyJobs, 'on the real clock', { clock: 'real' });
test(manyJobs, 'on the real clock with a slow server', {
  clock: 'real',
  latencyNs: 100_000,
  maxConcurrent: 4,
});

test('a thousand files are read with one page cache and none stays open', async (t) => {
  const names = Array.from({ length: 1000 }, (_, i) => `d${i % 10}/f${i}`);
  const sizes = Object.fromEntries(names.map((name, i) => [name, (i * 37) % 9000]));
  const { lab, dir } = makeLab(t, sizes, { pageCache: 1 << 20 });
  const wrong = await lab.run('reader', function* () {
    const bad: string[] = [];
    for (const name of names) {
      const file = yield* lab.vfs.open(name);
      if (!(yield* readWhole(file, content(name, sizes[name]!), 65_536))) bad.push(name);
      file.close();
    }
    return bad;
  });
  t.deepEqual(wrong, []);
  t.deepEqual(openBelow(dir), []);
  await lab.close();
});

test('several labs in one process do not disturb each other', async (t) => {
  const labs = [0, 1, 2].map((i) => makeLab(t, { f: 200_000 + i }, { seed: i }));
  const got = await Promise.all(labs.map((made) => made.read(made.open('f'), 0, 300_000)));
  t.deepEqual(
    got.map(({ length }) => length),
    [200_000, 200_001, 200_002],
  );
  const traces = await Promise.all(labs.map((made) => made.trace()));
  t.true(traces.every((lines) => lines[0]!.startsWith('R1 READAHEAD')));
});
