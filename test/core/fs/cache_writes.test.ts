/** Local writes and the disk cache: never old content, whatever the cache is told. */
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { cacheRig, readFile } from '../../helpers/cache.js';
import { content, opened } from '../../helpers/lab.js';
import { dropPages, sameBytes } from '../../helpers/netfs.js';
import { filled, fsync, openRw, truncate, write } from '../../helpers/write.js';

const EXPECTED = content('f', 0x4000).fill(1, 0x1000, 0x2000);

for (const cacheWrites of ['through', 'invalidate', 'off'] as const) {
  for (const presence of ['seek', 'map', 'both'] as const) {
    test(`modified, dropped, read again: new content (${cacheWrites}, ${presence})`, async (t) => {
      const rig = cacheRig(t, { f: 0x4000 });
      const options = { serverWrites: 'direct', cacheWrites, presence } as const;
      const made = rig.lab(options);
      await readFile(made, 'f');
      const file = openRw(made, 'f');
      await write(made, file, 0x1000, filled(0x1000, 1));
      await fsync(made, file);
      await dropPages(made, file);
      const before = made.lab.server.counters.bytes;
      sameBytes(t, await made.read(file, 0, 0x4000), EXPECTED);
      const down = made.lab.server.counters.bytes - before;
      t.is(down, { through: 0, invalidate: 0x1000, off: 0x4000 }[cacheWrites]);
      file.close();
      await made.lab.close();
      // And in the next process, which finds the objects on disk.
      const next = await rig.readAll(['f'], options);
      sameBytes(t, next.bytes[0] as Buffer, EXPECTED);
      if (cacheWrites === 'through') t.is(next.downloaded, 0);
    });
  }
}

test('a file cut off in the middle of a cached page reads zeros there when it grows again', async (t) => {
  const rig = cacheRig(t, { f: 0x4000 });
  const made = rig.lab({ serverWrites: 'direct' });
  await readFile(made, 'f');
  const file = openRw(made, 'f');
  await truncate(made, file, 0x1800);
  await truncate(made, file, 0x4000);
  await dropPages(made, file);
  const expected = content('f', 0x4000).fill(0, 0x1800);
  sameBytes(t, await made.read(file, 0, 0x4000), expected);
  file.close();
  await made.lab.close();
});

for (const profile of ['linux-5.13-afs', 'linux-6.1-afs'] as const) {
  test(`${profile}: a page that was dirty when somebody else cut the file is not kept around what was written`, async (t) => {
    const rig = cacheRig(t, { f: 0x3000 });
    const options = { profile, serverWrites: 'direct' } as const;
    const made = rig.lab(options);
    await readFile(made, 'f');
    const file = await opened(made.lab, 'f', { write: true });
    await write(made, file, 0x1100, filled(0x100, 1));
    fs.truncateSync(path.join(made.dir, 'f'), 0x1000);
    // Looks at what the server has.
    (await opened(made.lab, 'f')).close();
    await made.lab.run('flush', () => file.flush());
    const expected = fs.readFileSync(path.join(made.dir, 'f'));
    t.deepEqual(expected.subarray(0x1100, 0x1200), Buffer.alloc(0x100, 1));
    t.deepEqual(expected.subarray(0x1000, 0x1100), Buffer.alloc(0x100));
    sameBytes(t, await made.read(file, 0, 0x3000), expected);
    file.close();
    await made.lab.close();
    sameBytes(t, (await rig.readAll(['f'], options)).bytes[0] as Buffer, expected);
  });
}
