/** What becomes of dirty pages when the server does not take them (BEHAVIOUR 5.5). */
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type ErrnoName, errnoOf } from '../../../src/core/base/errno.js';
import { ErrnoError } from '../../../src/core/base/errors.js';
import type { LabOptions } from '../../../src/core/lab/options.js';
import { forward } from '../../helpers/forward_server.js';
import { content, makeLab, opened } from '../../helpers/lab.js';
import { sameBytes } from '../../helpers/netfs.js';
import { filled, fsync, openRw, truncate, write } from '../../helpers/write.js';

/** A lab whose server answers stores with an error as long as `failing.with` is set. */
function failingLab(t: ExecutionContext, options: Partial<LabOptions> = {}) {
  const failing: { with: ErrnoName | undefined } = { with: undefined };
  const made = makeLab(
    t,
    { f: 0x3000 },
    {
      serverWrites: 'direct',
      wrapServer: (server) =>
        forward(server, {
          store(file, position, from, size, done) {
            if (failing.with === undefined) server.store(file, position, from, size, done);
            else done({ result: -errnoOf(failing.with), status: undefined, before: '' });
          },
        }),
      ...options,
    },
  );
  return { made, failing, stored: () => fs.readFileSync(path.join(made.dir, 'f')) };
}

const throwsErrno = async (t: ExecutionContext, code: string, promise: Promise<unknown>) => {
  t.is((await t.throwsAsync(promise, { instanceOf: ErrnoError }))?.code, code);
};

const EXPECTED = () => content('f', 0x3000).fill(1, 0x1000, 0x2000);

for (const [error, told] of [
  ['ENOSPC', 'ENOSPC'],
  ['EDQUOT', 'ENOSPC'],
  ['EACCES', 'EACCES'],
  ['EKEYEXPIRED', 'EKEYEXPIRED'],
  ['ETIMEDOUT', 'ETIMEDOUT'],
] as const) {
  test(`${error}: the pages stay dirty, fsync says ${told}, and a later one writes them`, async (t) => {
    const { made, failing, stored } = failingLab(t);
    const file = openRw(made, 'f');
    failing.with = error;
    await write(made, file, 0x1000, filled(0x1000, 1));
    await throwsErrno(t, told, fsync(made, file));
    sameBytes(t, await made.read(file, 0, 0x3000), EXPECTED());
    failing.with = undefined;
    await fsync(made, file);
    sameBytes(t, stored(), EXPECTED());
    file.close();
    await made.lab.close();
  });
}

for (const error of ['EIO', 'EROFS', 'EFBIG', 'ENXIO', 'EREMOTEIO', 'ENOMEDIUM'] as const) {
  test(`${error}: the pages are thrown away, and fsync says so once`, async (t) => {
    const { made, failing, stored } = failingLab(t);
    const file = openRw(made, 'f');
    failing.with = error;
    await write(made, file, 0x1000, filled(0x1000, 1));
    await throwsErrno(t, error, fsync(made, file));
    await fsync(made, file);
    failing.with = undefined;
    sameBytes(t, await made.read(file, 0, 0x3000), content('f', 0x3000));
    sameBytes(t, stored(), content('f', 0x3000));
    file.close();
    await made.lab.close();
  });
}

test('each open file is told of an error, once', async (t) => {
  const { made, failing } = failingLab(t);
  const [one, two] = [openRw(made, 'f'), openRw(made, 'f')];
  failing.with = 'EIO';
  await write(made, one, 0, filled(0x1000, 1));
  await throwsErrno(t, 'EIO', fsync(made, one));
  await throwsErrno(t, 'EIO', fsync(made, two));
  await fsync(made, one);
  await fsync(made, two);
  one.close();
  two.close();
  await made.lab.close();
});

test('what is still dirty when the lab is closed is lost, and said to be', async (t) => {
  const { made, failing } = failingLab(t);
  const file = openRw(made, 'f');
  failing.with = 'ENOSPC';
  await write(made, file, 0x1000, filled(0x1800, 1));
  file.close();
  await made.lab.close();
  t.deepEqual(made.lab.unwritten, [{ file: 'f', bytes: 0x2000, errno: -errnoOf('ENOSPC') }]);
});

test('a file deleted on the server takes no more data, but is read to its last close', async (t) => {
  const { made } = failingLab(t);
  const file = openRw(made, 'f');
  fs.unlinkSync(path.join(made.dir, 'f'));
  await write(made, file, 0x1000, filled(0x1000, 1));
  await throwsErrno(t, 'ENOENT', fsync(made, file));
  await throwsErrno(t, 'ENOENT', truncate(made, file, 10));
  sameBytes(t, await made.read(file, 0, 0x3000), content('f', 0x3000));
  file.close();
  await made.lab.close();
});

test('a server that refuses writes says so when a file is opened for writing', (t) => {
  const { made } = failingLab(t, { serverWrites: 'refuse' });
  t.is(t.throws(() => openRw(made, 'f'), { instanceOf: ErrnoError })?.code, 'EROFS');
  t.is(t.throws(() => openRw(made, 'g', { create: true }))?.message.includes('EROFS'), true);
  t.is(made.open('f').fstat().size, 0x3000);
});

test('a file that is open for reading only is not written to', async (t) => {
  const { made } = failingLab(t);
  const file = made.open('f');
  await throwsErrno(t, 'EBADF', write(made, file, 0, filled(1, 1)));
  await throwsErrno(t, 'EINVAL', truncate(made, file, 0));
  const area = file.mmap(0, 0x1000);
  await throwsErrno(
    t,
    'EACCES',
    made.lab.run('w', () => area.store(filled(1, 1), 0, 1, 0)),
  );
});

test('a writer waits while too much is dirty, and age has pages written by themselves', async (t) => {
  const { made, stored } = failingLab(t, { latencyNs: 1000, pageCache: 1 << 20 });
  const { lab } = made;
  const file = await opened(lab, 'f', { write: true });
  await write(made, file, 0, filled(0x80000, 1));
  t.true(lab.folios.dirtyPages * 5 <= lab.folios.frames.count);
  t.true(lab.server.counters.stores > 0);
  await lab.run('sleeper', () => lab.scheduler.sleep(60e9));
  t.is(lab.folios.dirtyPages, 0);
  sameBytes(t, stored(), filled(0x80000, 1));
  file.close();
  await lab.close();
});

for (const profile of ['linux-5.13-afs', 'linux-6.1-afs', 'linux-6.1-9p']) {
  test(`what is thrown away after the last close is said to be lost (${profile})`, async (t) => {
    const { made, failing } = failingLab(t, { profile });
    const file = openRw(made, 'f');
    failing.with = 'EIO';
    await write(made, file, 0x1000, filled(0x1800, 1));
    file.close();
    await made.lab.run('sleeper', () => made.lab.scheduler.sleep(60e9));
    t.is(made.lab.folios.dirtyPages, 0);
    await made.lab.close();
    t.deepEqual(made.lab.unwritten, [{ file: 'f', bytes: 0x2000, errno: -errnoOf('EIO') }]);
  });

  test(`what is thrown away when somebody is told of it is not told again (${profile})`, async (t) => {
    const { made, failing } = failingLab(t, { profile });
    const file = openRw(made, 'f');
    failing.with = 'EIO';
    await write(made, file, 0x1000, filled(0x1800, 1));
    await throwsErrno(t, 'EIO', fsync(made, file));
    file.close();
    await made.lab.close();
    t.deepEqual(made.lab.unwritten, []);
  });
}
