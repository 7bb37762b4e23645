/** O_DIRECT: the bytes are those of the file whoever has what in which cache. */
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { errnoOf } from '../../../src/core/base/errno.js';
import type { LabOptions } from '../../../src/core/lab/options.js';
import { Prng } from '../../../src/core/sim/prng.js';
import type { VfsFile } from '../../../src/core/vfs/types.js';
import { forward } from '../../helpers/forward_server.js';
import { content, makeLab, opened, tempDir } from '../../helpers/lab.js';
import { firstDifference, inBothModes, sameBytes } from '../../helpers/netfs.js';
import { filled, fsync, openRw, write } from '../../helpers/write.js';

const SIZE = 0x5000;

/** Declares a test for each client that has direct I/O. */
function ofEach(
  title: string,
  body: (t: ExecutionContext, profile: string) => Promise<void>,
): void {
  for (const profile of ['linux-5.13-afs', 'linux-6.1-9p']) {
    test(`${title} (${profile})`, (t) => body(t, profile));
  }
}

ofEach('a direct read goes to the server each time and leaves no page', async (t, profile) => {
  const made = makeLab(t, { f: SIZE }, { profile });
  const file = made.open('f', { direct: true });
  for (const [at, count] of [
    [0, 0x1000],
    [0, 0x1000],
    [777, 5000],
    [SIZE - 10, 100],
  ] as const) {
    sameBytes(t, await made.read(file, at, count), content('f', SIZE).subarray(at, at + count));
  }
  t.is((await made.read(file, SIZE, 10)).length, 0);
  // Where the file ends is for the server to say: a short read of 9p is asked for the rest.
  t.is(made.lab.server.counters.fetches, profile === 'linux-6.1-9p' ? 6 : 5);
  t.deepEqual(file.mincore(), []);
  file.close();
  await made.lab.close();
});

ofEach('a direct read sees what is dirty, which is written first', async (t, profile) => {
  const made = makeLab(t, { f: SIZE }, { profile });
  const [buffered, direct] = [openRw(made, 'f'), made.open('f', { direct: true })];
  await write(made, buffered, 0x1800, filled(0x400, 7));
  const expected = content('f', SIZE).fill(7, 0x1800, 0x1c00);
  sameBytes(t, await made.read(direct, 0x17f0, 0x500), expected.subarray(0x17f0, 0x1cf0));
  t.is(made.lab.server.counters.stores, 1);
  direct.close();
  buffered.close();
  await made.lab.close();
});

ofEach('what is dirty behind a direct read stays so', async (t, profile) => {
  const made = makeLab(t, { f: SIZE }, { profile });
  const [buffered, direct] = [openRw(made, 'f'), made.open('f', { direct: true })];
  for (const page of [0, 3]) await write(made, buffered, page * 0x1000, filled(0x1000, 7));
  sameBytes(t, await made.read(direct, 0, 0x1000), Buffer.alloc(0x1000, 7));
  t.is(made.lab.server.counters.storedBytes, 0x1000);
  direct.close();
  buffered.close();
  await made.lab.close();
});

ofEach(
  'a direct write is on the server at once, drops the pages it covers and keeps the others',
  async (t, profile) => {
    const made = makeLab(t, { f: SIZE }, { serverWrites: 'direct', profile });
    const [buffered, direct] = [openRw(made, 'f'), openRw(made, 'f', { direct: true })];
    await made.read(buffered, 0, SIZE);
    // Dirty around what is written directly, in the same page.
    await write(made, buffered, 0x1000, filled(0x100, 3));
    await write(made, direct, 0x1180, filled(0x1000, 9));
    const expected = content('f', SIZE).fill(3, 0x1000, 0x1100).fill(9, 0x1180, 0x2180);
    sameBytes(t, fs.readFileSync(path.join(made.dir, 'f')), expected);
    t.deepEqual(buffered.mincore(), [
      { first: 0, last: 0 },
      { first: 3, last: 4 },
    ]);
    sameBytes(t, await made.read(buffered, 0, SIZE), expected);
    direct.close();
    buffered.close();
    await made.lab.close();
  },
);

test('a file whose client has no direct I/O cannot be opened for it', async (t) => {
  const made = makeLab(t, { f: 10 }, { profile: 'linux-6.1-afs' });
  t.throws(() => made.open('f', { direct: true }), { code: 'EINVAL' });
  await made.lab.close();
});

test('what was written directly is never read old from the disk cache, by this lab or the next', async (t) => {
  const cacheDir = path.join(tempDir(t), 'cache');
  const first = makeLab(t, { f: SIZE }, { cacheDir, serverWrites: 'direct' });
  const server = first.dir;
  const reader = first.open('f');
  await first.read(reader, 0, SIZE);
  await first.lab.scheduler.drain();
  const direct = openRw(first, 'f', { direct: true });
  await write(first, direct, 0x1000, filled(0x1000, 5));
  const expected = content('f', SIZE).fill(5, 0x1000, 0x2000);
  first.lab.dropCaches(1);
  sameBytes(t, await first.read(reader, 0, SIZE), expected);
  direct.close();
  first.lab.dropCaches(1);
  sameBytes(t, await first.read(reader, 0, SIZE), expected);
  reader.close();
  await first.lab.close();
  const second = makeLab(t, {}, { cacheDir, server });
  const again = second.open('f');
  sameBytes(t, await second.read(again, 0, SIZE), expected);
  t.true(second.lab.stats.bytes.read > 0, 'the disk cache was used');
  again.close();
  await second.lab.close();
});

ofEach(
  'direct and buffered reads and writes, mixed at random, always see the latest bytes',
  async (t, profile) => {
    for (const seed of [1, 2, 3, 4]) {
      const cacheDir = path.join(tempDir(t), 'cache');
      const made = makeLab(t, { f: SIZE }, { seed, cacheDir, profile });
      const files = [false, true].map((direct) => openRw(made, 'f', { direct })) as VfsFile[];
      const shadow = Buffer.alloc(0x10000);
      content('f', SIZE).copy(shadow);
      let size = SIZE;
      const prng = new Prng(seed);
      for (let i = 1; i <= 120; i++) {
        const file = files[prng.below(2)] as VfsFile;
        const at = prng.below(0xa000);
        const count = 1 + prng.below(0x2800);
        if (prng.chance(0.5)) {
          await write(made, file, at, filled(count, i));
          shadow.fill(i, at, at + count);
          size = Math.max(size, at + count);
        } else {
          const end = Math.max(at, Math.min(size, at + count));
          sameBytes(t, await made.read(file, at, count), shadow.subarray(at, end));
        }
        if (prng.chance(0.1)) await fsync(made, file);
        t.is(file.fstat().size, size);
      }
      for (const file of files) file.close();
      await made.lab.close();
    }
  },
);

test('a direct transfer of 9p takes as many messages as it needs', async (t) => {
  const options = { profile: 'linux-6.1-9p', msize: 4096 + 24, serverWrites: 'direct' } as const;
  const made = makeLab(t, { f: SIZE }, options);
  const { counters } = made.lab.server;
  const file = openRw(made, 'f', { direct: true });
  sameBytes(t, await made.read(file, 100, 0x2001), content('f', SIZE).subarray(100, 0x2065));
  t.is(counters.fetches, 3);
  t.is(await write(made, file, SIZE - 1, filled(0x2001, 5)), 0x2001);
  t.is(counters.stores, 3);
  const expected = Buffer.concat([content('f', SIZE - 1), Buffer.alloc(0x2001, 5)]);
  sameBytes(t, fs.readFileSync(path.join(made.dir, 'f')), expected);
  t.is(file.fstat().size, SIZE + 0x2000);
  file.close();
  await made.lab.close();
});

test('a direct write that fails in the middle tells how far it came, then why', async (t) => {
  let left = 2;
  const made = makeLab(
    t,
    { f: SIZE },
    {
      profile: 'linux-6.1-9p',
      msize: 4096 + 24,
      wrapServer: (server) =>
        forward(server, {
          store(file, position, from, size, done) {
            if (left-- > 0) server.store(file, position, from, size, done);
            else done({ result: -errnoOf('ENOSPC'), status: undefined, before: '' });
          },
        }),
    },
  );
  const file = openRw(made, 'f', { direct: true });
  t.is(await write(made, file, 0, filled(0x4000, 5)), 0x2000);
  await t.throwsAsync(write(made, file, 0x2000, filled(0x2000, 5)), { code: 'ENOSPC' });
  file.close();
  await made.lab.close();
});

test('a direct write that is cut short leaves the file as long as what was stored', async (t) => {
  let left = 2;
  const options: Partial<LabOptions> = {
    profile: 'linux-6.1-9p',
    msize: 4096 + 24,
    wrapServer: (server) =>
      forward(server, {
        store(file, position, from, size, done) {
          if (left-- > 0) server.store(file, position, from, size, done);
          else done({ result: -errnoOf('ENOSPC'), status: undefined, before: '' });
        },
      }),
  };
  const made = makeLab(t, { f: 100 }, options);
  const file = openRw(made, 'f', { direct: true });
  t.is(await write(made, file, 100, filled(0x4000, 5)), 0x2000);
  t.is(file.fstat().size, 100 + 0x2000);
  const reader = await opened(made.lab, 'f');
  t.is((await made.read(reader, 100 + 0x2000, 100)).length, 0);
  t.is((await made.read(reader, 0x2000, 0x4000)).length, 100);
  file.close();
  reader.close();
  await made.lab.close();
});

test('what the server does not have of a file is read through the page cache', async (t) => {
  const made = makeLab(t, { f: SIZE }, { profile: 'linux-6.1-9p', serverWrites: 'direct' });
  const file = made.open('f', { direct: true });
  fs.truncateSync(path.join(made.dir, 'f'), 0x1800);
  const expected = Buffer.alloc(SIZE);
  content('f', 0x1800).copy(expected);
  sameBytes(t, await made.read(file, 0, SIZE), expected);
  file.close();
  await made.lab.close();
});

inBothModes(
  'what was cached before a direct write of 9p is not read after it',
  async (t, defects) => {
    const cacheDir = path.join(tempDir(t), 'cache');
    const options = { profile: 'linux-6.1-9p', cacheDir, defects } as const;
    const made = makeLab(t, { f: SIZE }, options);
    const reader = made.open('f');
    await made.read(reader, 0, SIZE);
    await made.lab.scheduler.drain();
    const direct = openRw(made, 'f', { direct: true });
    await write(made, direct, 0x1000, filled(0x1000, 5));
    direct.close();
    made.lab.dropCaches(1);
    const got = await made.read(reader, 0, SIZE);
    const expected = content('f', SIZE).fill(5, 0x1000, 0x2000);
    // The kernel does not tell the cookie, and gives out what was cached before.
    t.is(firstDifference(got, expected), defects === 'kernel' ? 0x1000 : -1);
    reader.close();
    await made.lab.close();
  },
);
