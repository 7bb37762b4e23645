/** System calls on an open file: reading, advice, residence, and what each refuses. */
import test from 'ava';
import { ErrnoError } from '../../../src/core/base/errors.js';
import type { LabOptions } from '../../../src/core/lab/options.js';
import type { Task } from '../../../src/core/sim/wait_queue.js';
import type { File } from '../../../src/core/vfs/file.js';
import type { FileAdvice, VfsFile } from '../../../src/core/vfs/types.js';
import { content, makeLab, opened, type TestLab } from '../../helpers/lab.js';

const MIB = 1 << 20;

/** A lab over one file `f`, opened. */
async function openOne(
  t: Parameters<typeof makeLab>[0],
  size: number,
  options: Partial<LabOptions> = {},
) {
  const lab = makeLab(t, { f: size }, options);
  const file = await opened(lab.lab, 'f');
  return { ...lab, file, f: content('f', size) };
}

/** Runs a system call that returns nothing. */
function call({ lab }: Pick<TestLab, 'lab'>, body: () => Task): Promise<void> {
  return lab.run('caller', body);
}

/** The windows and pages that were asked for, `READAHEAD s=0 4000`. */
async function asked({ trace }: Pick<TestLab, 'trace'>): Promise<string[]> {
  const lines = await trace();
  return lines.flatMap((line) => {
    const found = /(READAHEAD|READPAGE) c=0+ (.*)/.exec(line);
    return found === null ? [] : [`${found[1]} ${found[2]}`];
  });
}

test('reads give the bytes of the file, at any position and of any length', async (t) => {
  const size = 100_001;
  const { read, file, f, lab } = await openOne(t, size);
  for (const [position, count] of [
    [0, 1],
    [0, size],
    [4095, 2],
    [99_999, 100],
    [100_000, 1],
    [12_345, 50_000],
  ] as const) {
    t.deepEqual(await read(file, position, count), f.subarray(position, position + count));
  }
  t.is(lab.delivered.bytes, 1 + size + 2 + 2 + 1 + 50_000);
  file.close();
  await lab.close();
});

test('a read at or behind the end of the file, or of nothing, gives nothing', async (t) => {
  for (const size of [0, 1, 4096, 5000, 8192]) {
    const { read, file, lab } = await openOne(t, size);
    t.is((await read(file, size, 10)).length, 0);
    t.is((await read(file, size + 1e6, 10)).length, 0);
    t.is((await read(file, 0, 0)).length, 0);
    file.close();
    await lab.close();
  }
});

test('a read of nothing touches nothing', async (t) => {
  const { read, file, trace } = await openOne(t, 8192);
  t.is((await read(file, 4096, 0)).length, 0);
  t.deepEqual(await trace(), []);
  t.deepEqual(file.mincore(), []);
});

test('a read at the end of a file of whole pages reads a page of zeros in v5.13', async (t) => {
  const old = await openOne(t, 8192);
  await old.read(old.file, 0, 8192);
  await old.read(old.file, 8192, 4096);
  t.deepEqual(await asked(old), ['READAHEAD s=0 2000', 'READPAGE s=2000 1000']);
  t.true((await old.trace()).includes('R2[0] SUBMT ZERO f=00 s=2000 0/1000 e=0'));
  t.deepEqual(old.file.mincore(), [{ first: 0, last: 2 }]);
  const later = await openOne(t, 8192, { mm: { eofCheckedFirst: true } });
  await later.read(later.file, 0, 8192);
  await later.read(later.file, 8192, 4096);
  t.deepEqual(await asked(later), ['READAHEAD s=0 2000']);
});

test('a read that hits returns at once and emits nothing; one that misses must wait', async (t) => {
  const { file, f, read, sink, lab } = await openOne(t, 8192, {
    mm: { batchLimitInclusive: false },
  });
  const target = Buffer.alloc(5000);
  t.is(file.readNow(target, 0, 5000, 100), -1);
  await read(file, 0, 8192);
  const events = sink.rows.length;
  const before = lab.clock.now();
  t.is(file.readNow(target, 0, 5000, 100), 5000);
  t.deepEqual(target, f.subarray(100, 5100));
  t.is(file.readNow(target, 10, 50, 8190), 2);
  t.is(sink.rows.length, events);
  t.true(lab.clock.now() > before, 'a system call takes processor time');
});

test('a read puts its bytes where it was told to and nowhere else', async (t) => {
  const { file, f, lab } = await openOne(t, 10_000);
  const target = Buffer.alloc(300, 0xaa);
  await lab.run('reader', () => file.read(target, 100, 100, 5000));
  const want = Buffer.alloc(300, 0xaa);
  f.copy(want, 100, 5000, 5100);
  t.deepEqual(target, want);
});

const refuses = test.macro({
  async exec(t, _what: string, code: string, body: (file: VfsFile) => unknown) {
    const { file, lab } = await openOne(t, 10_000);
    const error = await t.throwsAsync(
      lab.run('caller', function* () {
        const task = body(file) as Task<unknown> | undefined;
        if (task !== undefined) yield* task;
      }),
      { instanceOf: ErrnoError },
    );
    t.like(error, { code, path: 'f' });
    file.close();
    await lab.close();
  },
  title: (_, what: string, code: string) => `${what} is refused with ${code}`,
});

const buffer = Buffer.alloc(100);
test(refuses, 'a read at a negative position', 'EINVAL', (file) => file.read(buffer, 0, 10, -1));
test(refuses, 'a read of a negative count', 'EINVAL', (file) => file.read(buffer, 0, -1, 0));
test(refuses, 'a read into a negative offset', 'EINVAL', (file) => file.read(buffer, -1, 10, 0));
test(refuses, 'a read beyond 2^53', 'EINVAL', (file) => file.read(buffer, 0, 100, 2 ** 53 - 10));
test(refuses, 'a read at no number', 'EINVAL', (file) => file.read(buffer, 0, 10, Number.NaN));
test(refuses, 'a read into more than the buffer', 'EFAULT', (file) => file.read(buffer, 50, 51, 0));
test(refuses, 'a read now into more than the buffer', 'EFAULT', (file) => {
  file.readNow(buffer, 0, 101, 0);
});
test(refuses, 'advice for a negative offset', 'EINVAL', (file) => file.fadvise('willneed', -1, 1));
test(refuses, 'advice for a negative length', 'EINVAL', (file) => file.fadvise('normal', 0, -1));
test(refuses, 'readahead at a negative offset', 'EINVAL', (file) => file.readahead(-1, 10));
test(refuses, 'readahead of a negative count', 'EINVAL', (file) => file.readahead(0, -10));
test(refuses, 'a mapping that starts inside a page', 'EINVAL', (file) => void file.mmap(100, 4096));
test(refuses, 'a mapping that starts before the file', 'EINVAL', (file) => {
  file.mmap(-4096, 8192);
});
test(refuses, 'a mapping of nothing', 'EINVAL', (file) => void file.mmap(0, 0));

test('a closed file refuses everything with EBADF', async (t) => {
  const { file, lab } = await openOne(t, 10_000);
  file.close();
  const calls: Array<[string, () => unknown]> = [
    ['read', () => file.readNow(buffer, 0, 1, 0)],
    ['read', () => file.read(buffer, 0, 1, 0).next()],
    ['fadvise', () => file.fadvise('normal').next()],
    ['readahead', () => file.readahead(0, 1).next()],
    ['mmap', () => file.mmap(0, 4096)],
    ['mincore', () => file.mincore()],
    ['fstat', () => file.fstat()],
    ['close', () => file.close()],
  ];
  for (const [syscall, body] of calls) {
    t.like(t.throws(body, { instanceOf: ErrnoError }, syscall), { code: 'EBADF', syscall });
  }
  await lab.close();
});

test('the status of a file is that of the server', async (t) => {
  const { file } = await openOne(t, 12_345);
  t.is(file.fstat().size, 12_345);
  t.true(file.fstat().ino > 0);
});

test('advice sets the window and the mode of the open file it is given to', async (t) => {
  const lab = await openOne(t, MIB);
  const { file } = lab;
  const other = lab.open('f') as File;
  const seen: unknown[] = [];
  const all: FileAdvice[] = ['sequential', 'random', 'noreuse', 'normal', 'random', 'sequential'];
  for (const advice of all) {
    await call(lab, () => file.fadvise(advice));
    seen.push([file.ra.raPages, file.randomMode]);
  }
  t.deepEqual(seen, [
    [64, false],
    [64, true],
    [64, true],
    [32, false],
    [32, true],
    [64, false],
  ]);
  t.deepEqual([other.ra.raPages, other.randomMode], [32, false]);
});

test('sequential advice doubles the windows, random advice reads what is asked', async (t) => {
  const sequential = await openOne(t, MIB, { mm: { batchLimitInclusive: false } });
  await call(sequential, () => sequential.file.fadvise('sequential'));
  await sequential.read(sequential.file, 0, 256 << 10);
  t.is((await asked(sequential))[0], 'READAHEAD s=0 40000');
  const random = await openOne(t, MIB);
  await call(random, () => random.file.fadvise('random'));
  await random.read(random.file, 0x5000, 0x3000);
  t.deepEqual(await asked(random), ['READAHEAD s=5000 3000']);
});

const needs = test.macro({
  async exec(
    t,
    _what: string,
    size: number,
    [offset, length]: readonly [number, number],
    windows: readonly string[],
  ) {
    for (const how of ['fadvise', 'readahead'] as const) {
      const lab = await openOne(t, size);
      const { file } = lab;
      await call(lab, () =>
        how === 'fadvise'
          ? file.fadvise('willneed', offset, length)
          : file.readahead(offset, length),
      );
      t.deepEqual(await asked(lab), windows, how);
      t.deepEqual([file.ra.start, file.ra.size, file.ra.asyncSize], [0, 0, 0], how);
    }
  },
  title: (_, what: string) => `willneed and readahead(2) ${what}`,
});

test(
  needs,
  'read the pages of a range, the last one too',
  MIB,
  [4096, 8193],
  ['READAHEAD s=1000 3000'],
);
test(needs, 'read a page for one byte of it', MIB, [8191, 1], ['READAHEAD s=1000 1000']);
test(needs, 'read at most a window of a large range', MIB, [0, MIB], ['READAHEAD s=0 20000']);
test(
  needs,
  'take a length of 0 as the rest of the file',
  50_000,
  [8192, 0],
  ['READAHEAD s=2000 b000'],
);
test(needs, 'end with the file', 5000, [0, 100_000], ['READAHEAD s=0 2000']);
test(needs, 'read nothing behind the end of the file', 5000, [8192, 4096], []);

test('what willneed brought is a hit, and is not read again', async (t) => {
  const lab = await openOne(t, 20_000);
  await call(lab, () => lab.file.fadvise('willneed', 0, 20_000));
  const target = Buffer.alloc(20_000);
  t.is(lab.file.readNow(target, 0, 20_000, 0), 20_000);
  t.deepEqual(target, lab.f);
  await call(lab, () => lab.file.fadvise('willneed', 0, 20_000));
  t.is((await asked(lab)).length, 1);
});

const drops = test.macro({
  async exec(t, offset: number, length: number, left: ReadonlyArray<readonly [number, number]>) {
    const lab = await openOne(t, 10_000);
    await lab.read(lab.file, 0, 10_000);
    await call(lab, () => lab.file.fadvise('dontneed', offset, length));
    t.deepEqual(
      lab.file.mincore(),
      left.map(([first, last]) => ({ first, last })),
    );
  },
  title: (_, offset: number, length: number, left: ReadonlyArray<readonly [number, number]>) =>
    `of 10000 bytes, dontneed of ${length} at ${offset} leaves ${JSON.stringify(left)}`,
});

test(drops, 0, 0, []);
test(drops, 4096, 0, [[0, 0]]);
test(drops, 1, 0, [[0, 0]]);
test(drops, 0, 4096, [[1, 2]]);
test(drops, 0, 4095, [[0, 2]]);
test(drops, 0, 100, [[0, 2]]);
test(drops, 0, 8191, [[1, 2]]);
test(drops, 1, 4096, [[0, 2]]);
test(drops, 1, 8191, [
  [0, 0],
  [2, 2],
]);
// The last page is not whole, but the range ends with the last byte of the file.
test(drops, 4096, 5904, [[0, 0]]);
test(drops, 4096, 5903, [
  [0, 0],
  [2, 2],
]);
test(drops, 4096, 5905, [
  [0, 0],
  [2, 2],
]);
test(drops, 4096, 8192, [[0, 0]]);

test('dontneed leaves pages under I/O and pages that are mapped', async (t) => {
  const lab = await openOne(t, 256 << 10, { latencyNs: 1000, completion: 'async' });
  const { file } = lab;
  await lab.read(file, 0, 4096);
  await lab.lab.scheduler.drain();
  const mapping = file.mmap(0, 4096);
  await lab.lab.run('loader', () => mapping.load(Buffer.alloc(10), 0, 10));
  const before = file.mincore();
  t.is(before[0]!.first, 0);
  // Not yet there when the second call comes.
  await call(lab, function* () {
    yield* file.fadvise('willneed', 200 << 10, 8192);
    yield* file.fadvise('dontneed');
  });
  await lab.lab.scheduler.drain();
  t.deepEqual(file.mincore(), [
    { first: 0, last: 0 },
    { first: 50, last: 51 },
  ]);
  mapping.munmap();
  await call(lab, () => file.fadvise('dontneed'));
  t.deepEqual(file.mincore(), []);
});

test('residence is told in runs of pages that are valid', async (t) => {
  const lab = await openOne(t, MIB);
  const { file } = lab;
  t.deepEqual(file.mincore(), []);
  await call(lab, function* () {
    yield* file.readahead(0, 8192);
    yield* file.readahead(63 * 4096, 2 * 4096);
    yield* file.readahead(200 * 4096, 1);
  });
  t.deepEqual(file.mincore(), [
    { first: 0, last: 1 },
    { first: 63, last: 64 },
    { first: 200, last: 200 },
  ]);
});

test('a window of the device is set in KiB, and 0 switches readahead off', async (t) => {
  const wide = await openOne(t, MIB, { readAheadKb: 512, mm: { batchLimitInclusive: false } });
  await wide.read(wide.file, 0, 4096);
  t.is(wide.file.ra.raPages, 128);
  const off = await openOne(t, MIB, { readAheadKb: 0 });
  t.deepEqual(await off.read(off.file, 0, 8192), off.f.subarray(0, 8192));
  t.deepEqual(await asked(off), ['READAHEAD s=0 1000', 'READAHEAD s=1000 1000']);
});
