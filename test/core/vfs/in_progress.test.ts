/**
 * System calls in progress: whatever is closed, dropped, unmounted or shut down meanwhile, each
 * ends with the kernel's result and nothing is left behind. And calls that fail give back what they
 * took.
 */
import test from 'ava';
import { EBUSY, EOPNOTSUPP } from '../../../src/core/base/errno.js';
import { ErrnoError, UsageError } from '../../../src/core/base/errors.js';
import type { Lab } from '../../../src/core/lab/lab.js';
import { PROFILE_NAMES } from '../../../src/core/lab/options.js';
import type { Server } from '../../../src/core/server/types.js';
import type { Task } from '../../../src/core/sim/wait_queue.js';
import type { VfsFile } from '../../../src/core/vfs/types.js';
import { content, makeLab, opened, type TestLab, tempDir } from '../../helpers/lab.js';

const SIZE = 400_000;
/** How long the server takes, and when the other call comes, ns. */
const LATENCY = 5e6;
const MEANWHILE = 1e6;

type Call = (file: VfsFile) => Task<unknown>;
const bytes = () => new Uint8Array(8192).fill(7);

function* sizeOf(file: VfsFile): Task<number> {
  return (yield* file.stat()).size;
}

/** Calls that sleep, by name: each gives what it returned. */
const CALLS: Record<string, Call> = {
  read: (file) => file.read(new Uint8Array(65_536), 0, 65_536, 0),
  write: (file) => file.write(bytes(), 0, 8192, 100),
  fsync: (file) => file.fsync(),
  flush: (file) => file.flush(),
  truncate: (file) => file.truncate(1000),
  invalidate: (file) => file.invalidate(),
  readahead: (file) => file.readahead(0, 65_536),
  willneed: (file) => file.fadvise('willneed', 0, 65_536),
  stat: sizeOf,
  cached: (file) => file.cached(0, SIZE),
  load: (file) => file.mmap(0, 65_536).load(new Uint8Array(20_000), 5000, 20_000),
  store: (file) => file.mmap(0, 65_536).store(bytes(), 0, 8192, 5000),
};

function slowLab(t: Parameters<typeof makeLab>[0], profile: string, cache: boolean): TestLab {
  const cacheDir = cache ? tempDir(t) : undefined;
  return makeLab(t, { f: SIZE, g: SIZE }, { profile, latencyNs: LATENCY, cacheDir });
}

/** Gives files something to be written back. */
async function dirty(lab: Lab, ...files: readonly VfsFile[]): Promise<void> {
  for (const file of files) await lab.run('writer', () => file.write(bytes(), 0, 8192, 300_000));
}

/** Runs a call, and `action` while it sleeps; what the call gives. */
async function during<T>(lab: Lab, call: () => Task<T>, action: () => void): Promise<T> {
  const ends = lab.run('caller', call);
  const acted = lab.run('other', function* () {
    yield* lab.scheduler.sleep(MEANWHILE);
    action();
  });
  await Promise.allSettled([ends, acted]);
  await acted;
  return ends;
}

for (const profile of PROFILE_NAMES) {
  for (const cache of [false, true]) {
    const where = `${profile}${cache ? ' with a cache' : ''}`;

    test(`${where}: close(2) during any call lets it end`, async (t) => {
      for (const [name, call] of Object.entries(CALLS)) {
        const { lab } = slowLab(t, profile, cache);
        const [file, other] = [
          await opened(lab, 'f', { write: true }),
          await opened(lab, 'g', { write: true }),
        ];
        await dirty(lab, file, other);
        const expected = await lab.run('caller', () => call(other));
        const got = await during(
          lab,
          () => call(file),
          () => file.close(),
        );
        t.deepEqual(got, expected, name);
        await t.throwsAsync(
          lab.run('late', () => file.fsync()),
          { code: 'EBADF' },
        );
        other.close();
        await t.notThrowsAsync(lab.close(), name);
      }
    });

    test(`${where}: a call just made is in progress, though nothing of it has run`, async (t) => {
      const { lab } = slowLab(t, profile, cache);
      const file = await opened(lab, 'f');
      const target = Buffer.alloc(5000);
      const ends = lab.run('reader', () => file.read(target, 0, 5000, 100));
      file.close();
      t.is(await ends, 5000);
      t.deepEqual(target, content('f', SIZE).subarray(100, 5100));
      await lab.close();
    });

    test(`${where}: umount(2), drop_caches and closing the lab during any call`, async (t) => {
      const withoutSleep: string[] = [];
      for (const [name, call] of Object.entries(CALLS)) {
        const { lab } = slowLab(t, profile, cache);
        const other = await opened(lab, 'g', { write: true });
        const file = await opened(lab, 'f', { write: true });
        await dirty(lab, file, other);
        const expected = await lab.run('caller', () => call(other));
        other.close();
        const busy = lab.client.unmount === undefined ? -EOPNOTSUPP : -EBUSY;
        let unmounted: Promise<number> | undefined;
        let ended = false;
        let closing: Promise<unknown> | undefined;
        const got = await during(
          lab,
          function* () {
            const result = yield* call(file);
            ended = true;
            return result;
          },
          () => {
            if (ended) withoutSleep.push(name);
            lab.dropCaches(3);
            unmounted = lab.run('umount', () => lab.unmount());
            file.close();
            closing = lab.close();
          },
        );
        t.deepEqual(got, expected, name);
        if (!withoutSleep.includes(name)) t.is(await unmounted, busy, name);
        await t.throwsAsync(
          lab.run('late', () => lab.vfs.open('f')),
          { instanceOf: UsageError },
        );
        await t.notThrowsAsync(closing as Promise<unknown>, name);
      }
      // Only what has been promised or is no file's own is known without asking.
      t.deepEqual(
        withoutSleep.filter((name) => !['stat', 'cached'].includes(name)),
        [],
      );
    });

    test(`${where}: munmap(2) during a load or store makes it fault, and during msync(2) nothing`, async (t) => {
      for (const kind of ['load', 'store', 'msync'] as const) {
        const { lab } = slowLab(t, profile, cache);
        const file = await opened(lab, 'f', { write: true });
        const mapping = file.mmap(0, 65_536);
        const calls: Record<typeof kind, () => Task<unknown>> = {
          load: () => mapping.load(new Uint8Array(9000), 0, 9000),
          store: () => mapping.store(bytes(), 0, 8192, 0),
          msync: () => mapping.msync(),
        };
        if (kind === 'msync') await lab.run('writer', calls.store);
        const ends = during(lab, calls[kind], () => {
          mapping.munmap();
          file.close();
        });
        if (kind === 'msync') t.is(await ends, undefined);
        else await t.throwsAsync(ends, { code: 'EFAULT' }, kind);
        await t.notThrowsAsync(lab.close(), kind);
      }
    });

    test(`${where}: an open that fails leaves nothing behind`, async (t) => {
      const { lab } = slowLab(t, profile, cache);
      const good = await opened(lab, 'g');
      lab.health.kill(0);
      await lab.run('sleeper', () => lab.scheduler.sleep(1));
      for (const flags of [{}, { write: true }]) {
        const ends = await opened(lab, 'f', flags).then(
          (file) => file.close(),
          (error: ErrnoError) => error.code,
        );
        // 9p does not ask before it opens what its server has.
        t.true(ends === 'ECONNREFUSED' || profile === 'linux-6.1-9p');
      }
      good.close();
      await t.notThrowsAsync(lab.close());
    });

    test(`${where}: a create that fails ends its section, and freezing goes on`, async (t) => {
      const fail = (): never => {
        throw new ErrnoError('ENOSPC', 'mkdtemp');
      };
      const failing: Record<string | symbol, unknown> = { create: fail, makeWritable: fail };
      const wrapServer = (server: Server): Server =>
        new Proxy(server, {
          get: (target, name) => {
            const value: unknown = failing[name] ?? Reflect.get(target, name);
            return typeof value === 'function' ? value.bind(target) : value;
          },
        });
      const { lab } = makeLab(t, { f: 10 }, { profile, wrapServer });
      for (const flags of [{ write: true, create: true }, { write: true }] as const) {
        await t.throwsAsync(opened(lab, 'create' in flags ? 'new' : 'f', flags));
        t.is(await lab.run('freezer', () => lab.freeze()), 0);
        t.is(lab.freezer.thaw(), 0);
      }
      await lab.close();
    });

    test(`${where}: closing a frozen lab lets its writers end first`, async (t) => {
      const { lab } = slowLab(t, profile, cache);
      const file = await opened(lab, 'f', { write: true });
      t.is(await lab.run('freezer', () => lab.freeze()), 0);
      let closing: Promise<unknown> | undefined;
      const write = () => file.write(bytes(), 0, 8192, 0);
      const written = await during(lab, write, () => {
        closing = lab.close();
      });
      t.is(written, 8192);
      file.close();
      await t.notThrowsAsync(closing as Promise<unknown>);
    });
  }
}

test('a freeze whose sync fails leaves the filesystem thawed', async (t) => {
  const { lab } = makeLab(t, { f: 10 });
  const failing = lab.run('freezer', () =>
    lab.freezer.freeze(function* () {
      throw new ErrnoError('EIO', 'sync');
    }),
  );
  await t.throwsAsync(failing, { code: 'EIO' });
  t.is(await lab.run('freezer', () => lab.freeze()), 0);
  t.is(lab.freezer.thaw(), 0);
  await lab.close();
});

test('a buffer that is given away during a call is EFAULT, and no page stays in use', async (t) => {
  for (const profile of PROFILE_NAMES) {
    const { lab } = slowLab(t, profile, false);
    const file = await opened(lab, 'f', { write: true });
    for (const [call, position] of [
      ['read', 20_000],
      ['write', 200_000],
    ] as const) {
      const buffer = new Uint8Array(8192);
      const ends = during(
        lab,
        () => file[call](buffer, 0, 8192, position),
        () => structuredClone(buffer, { transfer: [buffer.buffer] }),
      );
      await t.throwsAsync(ends, { code: 'EFAULT' }, `${profile} ${call}`);
    }
    file.close();
    await t.notThrowsAsync(lab.close());
  }
});
