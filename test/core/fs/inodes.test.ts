/** What clients remember of files that nobody uses: bounded, and given up when it is asked for. */
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { EBUSY, EINVAL, ENOSPC } from '../../../src/core/base/errno.js';
import { PAGE_SIZE } from '../../../src/core/base/range.js';
import type { AfsModify } from '../../../src/core/fs/afs/modify.js';
import type { CookieInode } from '../../../src/core/fs/cookie_fs.js';
import { UserMemory } from '../../../src/core/fs/user_memory.js';
import { PROFILE_NAMES } from '../../../src/core/lab/options.js';
import type { File } from '../../../src/core/vfs/file.js';
import { forward } from '../../helpers/forward_server.js';
import { content, makeLab, opened, tempDir } from '../../helpers/lab.js';

for (const profile of PROFILE_NAMES) {
  test(`${profile}: idle files beyond the bound are forgotten, the oldest first`, async (t) => {
    const names = Array.from({ length: 40 }, (_, i) => `d${i}/f${i}`);
    const files = Object.fromEntries(names.map((name) => [name, 5000]));
    const made = makeLab(t, files, { profile, inodes: 10, cacheDir: tempDir(t) });
    const { lab, read } = made;
    const held = await opened(lab, names[0] as string);
    for (const name of names) {
      const file = await opened(lab, name);
      t.deepEqual(await read(file, 0, 5000), content(name, 5000));
      file.close();
      await lab.scheduler.drain();
      t.true(lab.client.vnodes <= 10, `${lab.client.vnodes} remembered`);
    }
    const downloaded = lab.server.counters.bytes;
    t.deepEqual(await read(held, 0, 5000), content(names[0] as string, 5000));
    t.is(lab.server.counters.bytes, downloaded, 'a file in use keeps its pages');
    held.close();
    // What was forgotten is found in the disk cache, what is remembered in memory.
    for (const name of [...names.slice(-3), ...names.slice(5, 8)]) {
      const file = await opened(lab, name);
      t.deepEqual(await read(file, 0, 5000), content(name, 5000));
      file.close();
    }
    await lab.scheduler.drain();
    t.is(lab.server.counters.bytes, downloaded);
    lab.dropCaches(3);
    t.is(lab.client.vnodes, 0);
    await lab.close();
  });

  test(`${profile}: a server is unmounted and mounted again`, async (t) => {
    const { lab, read } = makeLab(t, { f: 5000 }, { profile, cacheDir: tempDir(t) });
    for (let round = 0; round < 3; round++) {
      const file = await opened(lab, 'f', { write: true });
      t.deepEqual(await read(file, 0, 4000), content('f', 5000).subarray(0, 4000));
      await lab.run('writer', () => file.write(new Uint8Array(10).fill(round), 0, 10, 4500));
      file.close();
      t.is(await lab.run('umount', () => lab.unmount()), 0);
      t.is(lab.client.vnodes, 0);
      t.is(lab.folios.dirtyPages, 0);
      t.is(lab.mount(), 0);
    }
    await lab.close();
  });

  test(`${profile}: what cannot be written before a server is unmounted is lost, and told`, async (t) => {
    let full = true;
    const failed = { result: -ENOSPC, status: undefined, before: '' };
    const { lab, read } = makeLab(
      t,
      { f: 5000 },
      {
        profile,
        cacheDir: tempDir(t),
        wrapServer: (server) =>
          forward(server, {
            store(...args) {
              const done = args[4];
              if (full) done(failed);
              else server.store(...args);
            },
          }),
      },
    );
    const file = await opened(lab, 'f', { write: true });
    await lab.run('writer', () => file.write(new Uint8Array(10), 0, 10, 4500));
    file.close();
    // Without waiting for ever for the file, which was kept open for its dirty page.
    t.is(await lab.run('umount', () => lab.unmount()), 0);
    t.is(lab.folios.dirtyPages, 0);
    full = false;
    t.is(lab.mount(), 0);
    const again = await opened(lab, 'f');
    t.deepEqual(await read(again, 0, 5000), content('f', 5000));
    again.close();
    await lab.close();
    t.deepEqual(lab.unwritten, [{ file: 'f', bytes: PAGE_SIZE, errno: -ENOSPC }]);
  });

  test(`${profile}: no file is found in a server that is being unmounted`, async (t) => {
    const files = { f: 20_000, g: 5000 };
    const { lab } = makeLab(t, files, { profile, cacheDir: tempDir(t), latencyNs: 1e6 });
    const reader = await opened(lab, 'f');
    t.is(lab.mount(), -EBUSY);
    t.is(await lab.run('umount', () => lab.unmount()), -EBUSY);
    await lab.run('advice', () => reader.readahead(0, 20_000));
    reader.close();
    // Sleeps until the pages have been read.
    const unmounted = lab.run('umount', () => lab.unmount());
    const opening = lab.run('opener', function* () {
      yield* lab.scheduler.sleep(1000);
      return yield* lab.vfs.open('g', { write: true });
    });
    await t.throwsAsync(opening, { code: 'ENOENT' });
    t.is(await unmounted, 0);
    t.is(await lab.run('umount', () => lab.unmount()), -EINVAL);
    t.is(lab.mount(), 0);
    (await opened(lab, 'g')).close();
    await lab.close();
  });
}

test('a store that waits for a truncation does not bring back what was cut off', async (t) => {
  for (const profile of ['linux-5.13-afs', 'linux-6.1-afs']) {
    const sizes: number[] = [];
    const { lab } = makeLab(
      t,
      { f: 9000 },
      {
        profile,
        wrapServer: (server) =>
          forward(server, {
            store(file, position, from, size, done) {
              sizes.push(size);
              server.store(file, position, from, size, done);
            },
          }),
      },
    );
    const file = (await opened(lab, 'f', { write: true })) as File;
    const inode = file.inode as CookieInode;
    const modify = inode.modify as AfsModify;
    await Promise.all([
      lab.run('cutter', () =>
        modify.ioLock.exclusively(function* () {
          yield* lab.scheduler.sleep(1000);
          inode.size = 100;
        }),
      ),
      lab.run('storer', () => modify.storeData(0, new UserMemory(new Uint8Array(10), 0, 10))),
    ]);
    t.deepEqual(sizes, [100]);
    file.close();
    await lab.close();
  }
});

for (const profile of PROFILE_NAMES) {
  test(`${profile}: a page that is laundered while the file is cut off does not extend it again`, async (t) => {
    const options = { profile, serverWrites: 'direct', latencyNs: 1e6 } as const;
    const { lab, dir } = makeLab(t, { f: 2 * PAGE_SIZE }, options);
    const file = await opened(lab, 'f', { write: true });
    const mapping = file.mmap(0, 2 * PAGE_SIZE);
    await lab.run('loader', () => mapping.load(new Uint8Array(10), 0, 10));
    await Promise.all([
      lab.run('cutter', () => file.truncate(1)),
      lab.run('storer', () => mapping.store(Uint8Array.of(7), 0, 1, 0)),
      lab.run('launderer', () => file.invalidate()),
    ]);
    mapping.munmap();
    file.close();
    await lab.close();
    t.deepEqual(fs.readFileSync(path.join(dir, 'f')), Buffer.of(7));
  });
}
