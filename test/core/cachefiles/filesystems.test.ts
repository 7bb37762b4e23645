/**
 * The cache on filesystems of its own: others than that of temporary files, full ones, read-only
 * ones. The long form: see test/helpers/mount.ts.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { checkCache } from '../../../src/core/app/cache/audit.js';
import { Binding } from '../../../src/core/cachefiles/binding.js';
import { DiskBacking } from '../../../src/core/io/backing.js';
import { syncDriver } from '../../../src/core/io/drivers.js';
import type { Space } from '../../../src/core/io/types.js';
import {
  allZeros,
  BRIDGED,
  givenUp,
  PRESENCES,
  preallocated,
  zerosBetween,
  zerosWithin,
} from '../../helpers/bridging.js';
import { type CachedLab, cacheRig, readFile, update } from '../../helpers/cache.js';
import { netfslab } from '../../helpers/cli.js';
import { content } from '../../helpers/lab.js';
import { readOnly, testOn } from '../../helpers/mount.js';
import { sameBytes } from '../../helpers/netfs.js';

const SIZE = 0x180000;

/** A disk that calls itself empty, so that it is filled to the last block. */
class HopefulDisk extends DiskBacking {
  override space(): Space {
    return { available: 1e12, total: 1e12, filesFree: 0, filesTotal: 0, blockSize: 4096 };
  }
}

async function isRight(t: ExecutionContext, made: CachedLab, names: readonly string[]) {
  for (const name of names) sameBytes(t, await readFile(made, name), content(name, SIZE));
}

for (const kind of ['ext4', 'xfs', 'btrfs'] as const) {
  testOn(kind, 'the map is not fooled by what the filesystem does', async (t, dir) => {
    let number = 0;
    const rig = () => cacheRig(t, BRIDGED, path.join(dir, String(++number)));
    await zerosWithin(t, rig());
    for (const presence of PRESENCES) {
      await zerosBetween(t, rig(), presence);
      await preallocated(t, rig(), presence);
      for (const verify of [true, false]) {
        await givenUp(t, rig(), presence, 'punch', verify);
        await givenUp(t, rig(), presence, 'punch', verify, 0x3123);
        await givenUp(t, rig(), presence, 'zero', verify);
      }
      await allZeros(t, rig(), presence);
    }
  });
}

for (const kind of ['ext4', 'tmpfs'] as const) {
  testOn(kind, 'a disk that runs full costs downloads and nothing else', async (t, dir) => {
    const names = Array.from({ length: 12 }, (_, i) => `f${i}`);
    const rig = cacheRig(t, Object.fromEntries(names.map((name) => [name, SIZE])), dir);
    const backing = new HopefulDisk(syncDriver);
    for (const presence of ['map', 'both'] as const) {
      const made = rig.lab({ backing, presence, cacheCheckpointNs: 1e6 });
      await isRight(t, made, names);
      await made.lab.close();
      t.true(made.lab.stats.netfs_n_rh_write_failed > 0, 'the disk never was full');
      const after = rig.lab({ presence });
      await isRight(t, after, names);
      await after.lab.close();
      t.is(after.cache.counters.checksumFailures, 0);
    }
    const check = (repair: boolean) => {
      const binding = new Binding(backing, rig.dir);
      const findings = [...checkCache(binding, repair ? binding : undefined)];
      binding.release();
      return findings;
    };
    const wrong = check(true).filter(({ problem }) => problem === 'wrong checksums');
    t.deepEqual(wrong, []);
    t.deepEqual(check(false), []);
  });

  testOn(kind, 'a cache that has no room by its limits is not filled', async (t, dir) => {
    const rig = cacheRig(t, { f0: SIZE, f1: SIZE }, dir);
    // 5 % is left: room for the objects, and below the 3 % at which nothing is stored.
    const { bavail, blocks, bsize } = fs.statfsSync(dir);
    const ballast = Buffer.alloc((bavail - Math.ceil(blocks / 20)) * bsize);
    fs.writeFileSync(path.join(dir, 'ballast'), ballast);
    const made = rig.lab();
    await isRight(t, made, ['f0', 'f1']);
    await made.lab.close();
    t.true(made.cache.counters.noSpace > 0);
    t.is(made.lab.stats.netfs_n_rh_write_failed, 0);
  });
}

testOn(
  'ext4',
  'a cache that becomes read-only costs downloads and nothing else',
  async (t, dir) => {
    const rig = cacheRig(t, { f0: SIZE, f1: SIZE, f2: SIZE }, dir);
    await rig.readAll(['f0', 'f1']);
    const made = rig.lab();
    await isRight(t, made, ['f0']);
    const { undo } = readOnly(rig.dir);
    try {
      update(rig, 'f1', content('changed', SIZE));
      sameBytes(t, await readFile(made, 'f1'), content('changed', SIZE));
      await isRight(t, made, ['f0', 'f2']);
      await made.lab.close();
      const { lab, cache } = rig.lab();
      t.regex(lab.warnings.join(), /no disk cache, everything comes from the server: EROFS/);
      t.is(cache, undefined as never);
      await lab.close();
      const args = ['--cache', rig.dir, '--json'];
      const listed = await netfslab(['cache', 'ls', ...args]);
      t.is(JSON.parse(listed.stdout).rows.length, 2);
      t.true((await netfslab(['cache', 'show', 'f0', ...args])).stdout.includes('"disk": "data"'));
      t.is((await netfslab(['cache', 'check', ...args])).status, 0);
      const cleared = await netfslab(['cache', 'clear', ...args]);
      t.is(cleared.status, 1);
      t.regex(cleared.stderr, /EROFS/);
    } finally {
      undo();
    }
    const after = rig.lab();
    sameBytes(t, await readFile(after, 'f1'), content('changed', SIZE));
    await isRight(t, after, ['f0', 'f2']);
    await after.lab.close();
  },
);
