/**
 * Writing through the 9p client of profile linux-6.1-9p, as captures of a running kernel show it:
 * when a page is read first, and how what is written gets to the server and into the cache.
 */
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { LabOptions } from '../../../src/core/lab/options.js';
import { content, makeLab, opened, serverDir, tempDir } from '../../helpers/lab.js';
import { linesOf } from '../../helpers/lines.js';
import { PowerCutDisk } from '../../helpers/power_cut.js';

const SIZE = 65_636;

function lab(t: ExecutionContext, options: Partial<LabOptions> = {}) {
  const presence = options.cacheDir === undefined ? {} : ({ presence: 'seek' } as const);
  const common = { profile: 'linux-6.1-9p', defects: 'kernel', ...presence } as const;
  const made = makeLab(t, { f: SIZE }, { ...common, ...options });
  let seen = 0;
  return {
    ...made,
    /** Opens the file for writing, writes, makes it durable, closes; then all is at rest. */
    async write(position: number, bytes: Buffer, name = 'f'): Promise<void> {
      await made.lab.run('writer', function* () {
        const file = yield* made.lab.vfs.open(name, { write: true, create: name !== 'f' });
        yield* file.write(bytes, 0, bytes.length, position);
        yield* file.fsync();
        file.close();
      });
      await made.lab.scheduler.drain();
    },
    async drop(): Promise<void> {
      await made.lab.run('sync', () => made.lab.sync());
      made.lab.dropCaches(3);
      await made.lab.scheduler.drain();
    },
    async readAll(): Promise<Buffer> {
      const file = made.open('f');
      const bytes = await made.read(file, 0, 2 * SIZE);
      await made.lab.scheduler.drain();
      file.close();
      return bytes;
    },
    lines(pattern: RegExp): string[] {
      const all = linesOf(made.sink, /./);
      const since = all.slice(seen);
      seen = all.length;
      return since.filter((line) => pattern.test(line));
    },
  };
}

const cached = (t: ExecutionContext, options: Partial<LabOptions> = {}) =>
  lab(t, { cacheDir: path.join(tempDir(t), 'cache'), ...options });

function patched(position: number, bytes: Buffer): Buffer {
  const whole = content('f', SIZE);
  bytes.copy(whole, position);
  return whole;
}

test('with a cache a page is read before it is written to, and goes into the cache twice', async (t) => {
  const { write, lines } = cached(t);
  await write(5000, Buffer.alloc(100, 1));
  t.deepEqual(lines(/ (read|sreq|rreq|prep_read|write|req): /), [
    'reader read: R=1 WRITEBEGN c=2 s=1388 64',
    'reader prep_read: R=1[0] DOWN no-data f=01 s=1000 1000',
    'reader sreq: R=1[0] DOWN PREP f=01 s=1000 0/1000 e=0',
    'reader sreq: R=1[0] DOWN SUBMT f=01 s=1000 0/1000 e=0',
    'reader sreq: R=1[0] DOWN TERM f=03 s=1000 1000/1000 e=0',
    'reader rreq: R=1 RW ASSESS f=26',
    'reader rreq: R=1 RW UNLOCK f=26',
    'worker rreq: R=1 RW COPY f=06',
    'worker sreq: R=1[0] DOWN WRITE f=03 s=1000 1000/1000 e=0',
    'worker write: o=1 s=1000 l=1000',
    'worker sreq: R=1[0] DOWN WTERM f=03 s=1000 1000/1000 e=0',
    'worker rreq: R=1 RW DONE f=06',
    'worker sreq: R=1[0] DOWN FREE f=03 s=1000 1000/1000 e=0',
    'reader write: o=1 s=1000 l=1000',
    'worker rreq: R=1 RW FREE f=06',
  ]);
});

test('with a cache even a whole page, and one behind the end, is prepared by a request', async (t) => {
  const { write, lines } = cached(t);
  await write(8192, Buffer.alloc(8192, 1));
  await write(80_000, Buffer.alloc(100, 1));
  t.deepEqual(
    lines(/WRITEBEGN| PREP /).map((line) => line.replace(/^\S+ /, '')),
    [
      'read: R=1 WRITEBEGN c=2 s=2000 1000',
      'sreq: R=1[0] DOWN PREP f=01 s=2000 0/1000 e=0',
      'read: R=2 WRITEBEGN c=2 s=3000 1000',
      'sreq: R=2[0] DOWN PREP f=01 s=3000 0/1000 e=0',
      'read: R=3 WRITEBEGN c=2 s=13880 64',
      'sreq: R=3[0] ZERO PREP f=00 s=13000 0/1000 e=0',
    ],
  );
});

test('without a cache a page is only read for what the write leaves of it', async (t) => {
  const { write, lines, lab: made } = lab(t);
  await write(8192, Buffer.alloc(4096, 1));
  await write(80_000, Buffer.alloc(100, 1));
  t.deepEqual(lines(/WRITEBEGN/), []);
  t.is(made.stats.netfs_n_rh_write_zskip, 2);
  await write(5000, Buffer.alloc(10, 1));
  t.is(lines(/WRITEBEGN/).length, 1);
});

test('what was written is what is read, from memory and from the server', async (t) => {
  const { write, readAll, drop, lab: made } = cached(t);
  const bytes = Buffer.alloc(7000, 7);
  await write(6000, bytes);
  t.true((await readAll()).equals(patched(6000, bytes)));
  await drop();
  t.true((await readAll()).equals(patched(6000, bytes)));
  await made.close();
});

test('a file that we wrote has another version on the server, and is not found again', async (t) => {
  const { write, readAll, lines, drop } = cached(t);
  await write(5000, Buffer.alloc(100, 1));
  await drop();
  await readAll();
  t.deepEqual(lines(/coherency/), [
    'worker coherency: o=1 SET ok c=0',
    'worker coherency: o=2 BAD aux c=0',
  ]);
});

test('a page takes as many messages as it needs, and a new file grows with each', async (t) => {
  const { write, lab: made } = cached(t, { msize: 4096 });
  await write(0, content('n', 8192), 'n');
  t.is(made.server.counters.stores, 4);
  const stored = await made.run('reader', function* () {
    const file = yield* made.vfs.open('n');
    const target = Buffer.alloc(9000);
    const got = yield* file.read(target, 0, 9000, 0);
    file.close();
    return target.subarray(0, got);
  });
  t.true(stored.equals(content('n', 8192)));
  t.is(made.fscache?.stats.updates, 3);
});

test('a file that is cut and grown again has zeros where it was cut', async (t) => {
  const { readAll, drop, lab: made } = cached(t);
  await readAll();
  await made.run('writer', function* () {
    const file = yield* made.vfs.open('f', { write: true });
    yield* file.truncate(10_000);
    yield* file.truncate(20_000);
    file.close();
  });
  const want = Buffer.alloc(20_000);
  content('f', SIZE).copy(want, 0, 0, 10_000);
  t.true((await readAll()).equals(want));
  await drop();
  t.true((await readAll()).equals(want));
});

test('what was cached before a file was cut off is not read when it has grown again', async (t) => {
  const server = serverDir(t, { f: 0x3000 });
  const backing = new PowerCutDisk();
  const options = { profile: 'linux-6.1-9p', server, cacheDir: '/cache', backing } as const;
  const first = makeLab(t, {}, { ...options, serverWrites: 'direct' });
  const reader = await opened(first.lab, 'f');
  await first.read(reader, 0, 0x3000);
  reader.close();
  await first.lab.close();
  const second = makeLab(t, {}, { ...options, serverWrites: 'direct' });
  const file = await opened(second.lab, 'f', { write: true });
  await second.lab.run('cutter', function* () {
    yield* file.truncate(10);
    yield* file.truncate(0x3000);
    yield* file.fadvise('dontneed');
  });
  const bytes = await second.read(file, 0, 0x3000);
  t.true(bytes.subarray(10).every((byte) => byte === 0));
  file.close();
  await second.lab.close();
});
