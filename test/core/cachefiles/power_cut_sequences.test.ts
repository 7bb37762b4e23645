/**
 * Power cuts that leave exactly what one defence is against: each test fails if that defence is
 * taken away. What is read afterwards, by the map alone and without checksums, equals the server.
 */
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { LabOptions } from '../../../src/core/lab/options.js';
import { content, makeLab, opened, serverDir, type TestLab } from '../../helpers/lab.js';
import { sameBytes } from '../../helpers/netfs.js';
import { type Deed, PowerCutDisk } from '../../helpers/power_cut.js';
import { filled, fsync, truncate, write } from '../../helpers/write.js';

const SIZE = 0x6000;
const DIR = '/cache';

/** One file of a server, and labs with the cache on one disk after the other. */
function sequence(t: ExecutionContext, cacheXattr: boolean, given: Partial<LabOptions> = {}) {
  const server = serverDir(t, { f: SIZE });
  const file = path.join(server, 'f');
  const session = (disk: PowerCutDisk) => {
    const options: Partial<LabOptions> = { cacheDir: DIR, backing: disk, cacheXattr, ...given };
    return makeLab(t, {}, { ...options, server, presence: 'map', verifyCache: false });
  };
  return {
    session,
    /** Sets the served file to a version; the same number is the same version again. */
    serve(version: number) {
      fs.writeFileSync(file, content(`f${version}`, SIZE));
      fs.utimesSync(file, 1e9, 1e9 + version);
    },
    /** Reads the whole file, which is stored and published. */
    async fill(disk: PowerCutDisk) {
      const made = session(disk);
      const open = await opened(made.lab, 'f');
      await made.read(open, 0, SIZE);
      open.close();
      await made.lab.close();
    },
    /** Bytes that came from the cache; what is read must be what is served. */
    async readBack(disk: PowerCutDisk): Promise<number> {
      const made = session(disk);
      const open = await opened(made.lab, 'f');
      sameBytes(t, await made.read(open, 0, SIZE), fs.readFileSync(file));
      open.close();
      await made.lab.close();
      // Not even what looks like a hole had to be compared to be refused.
      t.is(made.lab.cachefiles?.counters.checksumFailures, 0);
      return made.lab.stats.bytes.read;
    },
  };
}

const isMap = ({ file }: Deed): boolean => file.endsWith('.map');
const removesMap = (deed: Deed): boolean => deed.what === 'remove' && isMap(deed);

test('a map that outlives its file is not that of a later file of the same version', async (t) => {
  const { serve, session, readBack } = sequence(t, true);
  const disk = new PowerCutDisk();
  serve(0);
  const made = session(disk);
  const read = async (count: number) => {
    const open = made.open('f');
    await made.read(open, 0, count);
    open.close();
    await made.lab.scheduler.drain();
    made.lab.fscache?.quiesce();
    made.lab.fscache?.publish();
    await made.lab.scheduler.drain();
  };
  await read(SIZE);
  t.is(await readBack(disk.powerCutKeeping(() => true)), SIZE);
  // Invalidated, and set back: a third file, of the first one's version, that holds nothing.
  for (const version of [1, 0]) {
    serve(version);
    made.open('f').close();
  }
  t.is(await readBack(disk.powerCutKeeping((deed) => !removesMap(deed))), 0);
  await made.lab.close();
});

test('files of two processes have different numbers, though the power went between', async (t) => {
  const { serve, session, fill, readBack } = sequence(t, true);
  const first = new PowerCutDisk();
  serve(0);
  await fill(first);
  // The file loses its attributes, and the directory whatever else it could lose.
  const lock = ({ file }: Deed): boolean => file.endsWith('/lock');
  const second = first.powerCutKeeping((deed) => deed.what !== 'xattr' && !lock(deed));
  const made = session(second);
  made.open('f').close();
  await made.lab.close();
  t.is(await readBack(second.powerCutKeeping((deed) => !removesMap(deed))), 0);
});

for (const births of [true, false]) {
  test(`a map does not meet a new file that got the inode of its own (births: ${births})`, async (t) => {
    const { serve, session, fill, readBack } = sequence(t, false);
    const first = new PowerCutDisk();
    first.births = births;
    serve(0);
    await fill(first);
    t.is(await readBack(first.powerCutKeeping(() => true)), SIZE);
    // The map's name is durable, the file's is not.
    const unnamed = ({ what, file }: Deed) => what === 'create' && /@..\/[^.]+$/.test(file);
    const second = first.powerCutKeeping((deed) => !unnamed(deed));
    const made = session(second);
    made.open('f').close();
    // Killed before anything was published; with births even the loss of the removal does no harm.
    const killed = second.powerCutKeeping((deed) => !(births && removesMap(deed)));
    t.is(await readBack(killed), 0);
    await made.lab.close();
  });
}

/** Ways in which we change the bytes of a file that are cached and published. */
const CHANGES: Record<string, (made: TestLab) => Promise<void>> = {
  'are overwritten': async (made) => {
    const file = await opened(made.lab, 'f', { write: true });
    await write(made, file, 0x1000, filled(0x2000, 1));
    await fsync(made, file);
    await made.lab.scheduler.drain();
    file.close();
  },
  'are cut off': async (made) => {
    const file = await opened(made.lab, 'f', { write: true });
    await truncate(made, file, 0x1800);
    await made.lab.scheduler.drain();
    file.close();
  },
  'are overwritten and there is no room for them': async (made) => {
    made.lab.fillCache(true);
    const file = await opened(made.lab, 'f', { write: true });
    await write(made, file, 0x1000, filled(0x2000, 1));
    await fsync(made, file);
    await made.lab.scheduler.drain();
    file.close();
  },
};

const destroys = ({ what, file }: Deed): boolean =>
  ['write', 'truncate', 'punch'].includes(what) && !/map|lock/.test(file);

for (const profile of ['linux-5.13-afs', 'linux-6.1-afs', 'linux-6.1-9p']) {
  for (const [what, change] of Object.entries(CHANGES)) {
    test(`blocks that ${what} were taken out of the map before: ${profile}`, async (t) => {
      const { serve, session, fill, readBack } = sequence(t, true, {
        profile,
        serverWrites: 'direct',
      });
      const first = new PowerCutDisk();
      serve(0);
      await fill(first);
      const whole = first.powerCutKeeping(() => true);
      t.is(await readBack(whole), SIZE);
      const disk = first.powerCutKeeping(() => true);
      const made = session(disk);
      await change(made);
      // Of what was done only the end of the old bytes got to the disk; and the server is set back.
      const cut = disk.powerCutKeeping(destroys);
      serve(0);
      await readBack(cut);
      await made.lab.close();
    });
  }
}
