/**
 * The defects of v5.13's write side: each gives wrong data with `kernel` and the right data with
 * `repaired`.
 */
import fs from 'node:fs';
import path from 'node:path';
import { invalidateFolios } from '../../../src/core/mm/truncate.js';
import type { OpenFile } from '../../../src/core/mm/types.js';
import { cacheRig, readFile } from '../../helpers/cache.js';
import { content, makeLab, opened } from '../../helpers/lab.js';
import { dropPages, firstDifference, inBothModes } from '../../helpers/netfs.js';
import { filled, fsync, openRw, write } from '../../helpers/write.js';

const DIRECT = { serverWrites: 'direct' } as const;

inBothModes('a cached page that was written to and dropped is read back', async (t, defects) => {
  const rig = cacheRig(t, { f: 0x4000 });
  const made = rig.lab({ ...DIRECT, defects });
  await readFile(made, 'f');
  const file = openRw(made, 'f');
  await write(made, file, 0x1000, filled(0x1000, 1));
  await fsync(made, file);
  await dropPages(made, file);
  const expected = content('f', 0x4000).fill(1, 0x1000, 0x2000);
  const got = await made.read(file, 0, 0x4000);
  // The kernel gives what was cached before the write.
  t.is(firstDifference(got, expected), defects === 'kernel' ? 0x1000 : -1);
  file.close();
  await made.lab.close();
});

inBothModes('a page that is dirty from its middle on is laundered', async (t, defects) => {
  const made = makeLab(t, { f: 0x2000 }, { ...DIRECT, defects });
  const file = openRw(made, 'f');
  await write(made, file, 0x800, filled(0x100, 1));
  await made.lab.run('launderer', () => invalidateFolios((file as unknown as OpenFile).mapping));
  const expected = content('f', 0x2000).fill(1, 0x800, 0x900);
  const got = fs.readFileSync(path.join(made.dir, 'f'));
  // The kernel stores the bytes where the page begins.
  t.is(firstDifference(got, expected), defects === 'kernel' ? 0 : -1);
  file.close();
  await made.lab.close();
});

inBothModes(
  'a store meets a page that leaves the file while it is waited for',
  async (t, defects) => {
    const made = makeLab(t, { f: 0x2000 }, { ...DIRECT, defects, latencyNs: 1000 });
    const { lab } = made;
    const file = await opened(lab, 'f', { write: true });
    const { mapping } = file as unknown as OpenFile;
    await write(made, file, 0, filled(16, 1));
    const area = file.mmap(0, 0x2000);
    await lab.run('reader', () => area.load(new Uint8Array(1), 0, 1));
    // While the page is written to the server, one wants it gone and one wants to store into it.
    await Promise.all([
      lab.run('syncer', () => file.flush()),
      lab.run('launderer', () => invalidateFolios(mapping)),
      lab.run('writer', () => area.store(filled(16, 2), 0, 16, 0)),
    ]);
    await fsync(made, file);
    const got = fs.readFileSync(path.join(made.dir, 'f'));
    // The kernel's store went to the page that was thrown away.
    t.is(got[0], defects === 'kernel' ? 1 : 2);
    area.munmap();
    file.close();
    await lab.close();
  },
);

inBothModes(
  'the next round of writing back begins where the last pass ended',
  async (t, defects) => {
    const made = makeLab(t, { f: 0x4000 }, { ...DIRECT, defects });
    const file = openRw(made, 'f');
    const { mapping } = file as unknown as OpenFile;
    const { folios } = made.lab;
    const background = () =>
      made.lab.run('flusher', function* () {
        const wbc = { sync: false, nrToWrite: 1024, cyclic: true, start: 0, end: 0 };
        yield* mapping.ops.write?.writepages(mapping, wbc) ?? [];
      });
    await write(made, file, 0, filled(0x3000, 1));
    await fsync(made, file);
    // The kernel takes the byte at which a whole pass ended for a page.
    t.is(mapping.writebackIndex, defects === 'kernel' ? 0x3000 : 3);
    await write(made, file, 0, filled(0x1000, 2));
    await write(made, file, 0x2000, filled(0x1000, 2));
    const busy = mapping.find(2);
    t.true(folios.tryLock(busy));
    mapping.writebackIndex = 0;
    await background();
    // A locked page ends the pass; the kernel then does not say where.
    t.is(mapping.writebackIndex, defects === 'kernel' ? 0 : 2);
    t.is(folios.dirtyPages, 1);
    folios.unlock(busy);
    await background();
    t.is(folios.dirtyPages, 0);
    file.close();
    await made.lab.close();
  },
);
