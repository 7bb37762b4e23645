/**
 * Steps of an object's life that fail: afterwards there is its old state or nothing. Never old
 * content under a new version, and never a cookie that nobody can use any more.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import test from 'ava';
import { EACCES, EIO, ENOENT, ENOSPC } from '../../../src/core/base/errno.js';
import { UsageError } from '../../../src/core/base/errors.js';
import { mapPath } from '../../../src/core/cachefiles/data_file.js';
import { DiskBacking } from '../../../src/core/io/backing.js';
import { syncDriver } from '../../../src/core/io/drivers.js';
import { LabMachine } from '../../../src/core/lab/machine.js';
import type { LabOptions } from '../../../src/core/lab/options.js';
import { cacheRig, readFile, update } from '../../helpers/cache.js';
import { content, opened } from '../../helpers/lab.js';
import { sameBytes } from '../../helpers/netfs.js';

const SIZE = 0x10000;
const PROFILES = ['linux-5.13-afs', 'linux-6.1-afs'] as const;
const UNCHECKED: Partial<LabOptions> = { presence: 'map', verifyCache: false };

type Step = 'open' | 'truncate' | 'setXattr' | 'rename' | 'remove' | 'makeDirectory' | 'writeAt';

/** A disk on which one kind of call fails while it is armed. */
class FailingDisk extends DiskBacking {
  armed = false;
  calls = 0;

  constructor(step: Step, errno: number) {
    super(syncDriver);
    const real = this[step].bind(this) as (...args: unknown[]) => number;
    Object.assign(this, {
      [step]: (...args: unknown[]): number => {
        if (!this.armed) return real(...args);
        this.calls++;
        return -errno;
      },
    });
  }
}

for (const profile of PROFILES) {
  for (const [step, errno] of [
    ['open', ENOSPC],
    ['open', EACCES],
    ['open', EIO],
    ['truncate', ENOSPC],
    ['setXattr', ENOSPC],
    ['rename', EIO],
    ['rename', ENOENT],
    ['remove', EIO],
    ['makeDirectory', ENOENT],
    ['writeAt', ENOSPC],
  ] as const) {
    test(`an invalidation in which ${step} fails (${errno}) keeps no old content: ${profile}`, async (t) => {
      const rig = cacheRig(t, { f: SIZE });
      await rig.readAll(['f'], { profile });
      const changed = content('changed', SIZE);
      const backing = new FailingDisk(step, errno);
      const made = rig.lab({ ...UNCHECKED, profile, backing });
      sameBytes(t, await readFile(made, 'f'), content('f', SIZE));
      update(rig, 'f', changed);
      backing.armed = true;
      sameBytes(t, await readFile(made, 'f'), changed);
      await made.lab.scheduler.drain();
      backing.armed = false;
      // The cookie can be used again.
      made.lab.dropCaches(1);
      sameBytes(t, await readFile(made, 'f'), changed);
      await made.lab.close();
      const next = await rig.readAll(['f'], { ...UNCHECKED, profile });
      sameBytes(t, next.bytes[0] as Buffer, changed);
    });
  }

  test(`a cache full of files in use keeps no old content of one that changes: ${profile}`, async (t) => {
    const names = ['f', 'g', 'h', 'i'];
    const rig = cacheRig(t, Object.fromEntries(names.map((name) => [name, SIZE])));
    const options = { ...UNCHECKED, profile, cacheSize: 240 << 10 };
    const made = rig.lab(options);
    const files = [];
    for (const name of names) {
      const file = await opened(made.lab, name);
      await made.read(file, 0, SIZE);
      await made.lab.scheduler.drain();
      files.push(file);
    }
    files[0]?.close();
    const changed = content('changed', SIZE);
    update(rig, 'f', changed);
    const again = await opened(made.lab, 'f');
    await made.lab.scheduler.drain();
    again.close();
    for (const file of files.slice(1)) file.close();
    await made.lab.close();
    const next = await rig.readAll(['f'], options);
    sameBytes(t, next.bytes[0] as Buffer, changed);
  });

  test(`after an invalidation for which there was no room the file is read, and cached later: ${profile}`, async (t) => {
    const rig = cacheRig(t, { f: SIZE });
    const made = rig.lab({ ...UNCHECKED, profile });
    await readFile(made, 'f');
    made.lab.fillCache(true);
    const changed = content('changed', SIZE);
    update(rig, 'f', changed);
    sameBytes(t, await readFile(made, 'f'), changed);
    made.lab.fillCache(false);
    made.lab.dropCaches(1);
    sameBytes(t, await readFile(made, 'f'), changed);
    await made.lab.close();
    t.is(made.cache.inUse.size, 0);
    const next = await rig.readAll(['f'], { ...UNCHECKED, profile });
    t.is(next.downloaded, 0);
  });

  test(`objects that are culled are counted: ${profile}`, async (t) => {
    const names = ['a', 'b', 'c', 'd'];
    const rig = cacheRig(t, Object.fromEntries(names.map((name) => [name, 0x40000])));
    const limits = { run: 40, cull: 10, stop: 5 };
    const { lab } = await rig.readAll(names, { profile, cacheSize: 0xc0000, cacheLimits: limits });
    const { culled } = lab.cache.counters;
    t.true(culled > 0);
    const values = lab.lab.fscache?.statValues() ?? {};
    t.is(values[profile === 'linux-5.13-afs' ? 'CacheEv.cul' : 'NoSpace.cull'], culled);
  });
}

test('a map that cannot be appended to keeps what it said', async (t) => {
  const rig = cacheRig(t, { f: 0x40000 });
  const first = rig.lab();
  const file = await opened(first.lab, 'f');
  await first.lab.run('reader', () => file.readahead(0, SIZE));
  file.close();
  await first.lab.close();
  const backing = new FailingDisk('writeAt', ENOSPC);
  backing.armed = true;
  await rig.readAll(['f'], { backing });
  t.true(backing.calls > 0);
  const next = await rig.readAll(['f'], UNCHECKED);
  sameBytes(t, next.bytes[0] as Buffer, fs.readFileSync(`${rig.server}/f`));
  t.is(next.downloaded, 0x40000 - SIZE);
});

test('a volume whose directories do not fit into the inodes of its disk has no cache', async (t) => {
  const rig = cacheRig(t, { f: SIZE });
  const made = rig.lab({ profile: 'linux-6.1-9p', cacheInodes: 200 });
  for (const opens of [1, 2]) {
    sameBytes(t, await readFile(made, 'f'), content('f', SIZE));
    made.lab.dropCaches(1);
    t.is(made.lab.server.counters.bytes, opens * SIZE);
    t.is(made.lab.fscache?.statValues()['NoSpace.ncr'], opens);
  }
  made.lab.dropCaches(2);
  t.is(made.lab.client.vnodes, 0);
  await made.lab.close();
  t.deepEqual(rig.objects(), []);
});

test('dropping the page cache waits for what is written to the cache', async (t) => {
  const rig = cacheRig(t, { f: SIZE });
  const made = rig.lab({ profile: 'linux-6.1-9p', serverWrites: 'direct', cacheLatencyNs: 1e6 });
  await readFile(made, 'f');
  const file = await opened(made.lab, 'f', { write: true });
  const machine = new LabMachine(made.lab, false);
  await made.lab.run('writer', function* () {
    yield* file.write(new Uint8Array(SIZE).fill(1), 0, SIZE, 0);
    yield* machine.perform({ kind: 'drop', level: 1 });
  });
  t.deepEqual([...made.lab.folios.all()], []);
  file.close();
  await made.lab.close();
});

for (const [what, harm] of [
  ['another user owns', (dir: string) => fs.chownSync(dir, 65534, 65534)],
  ['its group may write to', (dir: string) => fs.chmodSync(dir, 0o770)],
  ['everybody may write to', (dir: string) => fs.chmodSync(dir, 0o777)],
] as const) {
  test(`a cache directory that ${what} is refused, unless one insists`, async (t) => {
    if (what === 'another user owns' && process.geteuid?.() !== 0) {
      t.pass('only root can give a directory away');
      return;
    }
    const rig = cacheRig(t, { f: SIZE });
    await rig.readAll(['f']);
    for (const dir of [rig.dir, `${rig.dir}/cache`]) {
      harm(dir);
      const error = t.throws(() => rig.lab(), { instanceOf: UsageError }) as UsageError;
      t.true(error.message.includes(dir));
      t.regex(`${error.hint}`, /chown .* && chmod .*--cache-owner any/);
      t.is((await rig.readAll(['f'], { cacheOwner: 'any' })).downloaded, 0);
      // The command that repairs it does.
      const repair = `${error.hint}`.replace(/; or insist.*/, '');
      t.is(spawnSync('sh', ['-c', repair]).status, 0);
      t.is((await rig.readAll(['f'])).downloaded, 0);
    }
  });
}

test('a cache whose maps are in an older format is downloaded again, and that is said once', async (t) => {
  const rig = cacheRig(t, { f: SIZE });
  await rig.readAll(['f']);
  const map = mapPath(rig.object());
  fs.writeFileSync(
    map,
    Buffer.concat([Buffer.from('netfslab map 1\n\0', 'latin1'), Buffer.alloc(99)]),
  );
  fs.writeFileSync(`${rig.dir}/lock`, '7\n');
  const first = await rig.readAll(['f']);
  sameBytes(t, first.bytes[0] as Buffer, content('f', SIZE));
  t.is(first.downloaded, SIZE);
  t.true(first.lab.cache.warnings.some((each) => each.includes('another version of netfslab')));
  const second = await rig.readAll(['f']);
  t.is(second.downloaded, 0);
  t.deepEqual(second.lab.cache.warnings, []);
});

test('one scan of a cache serves many culls', async (t) => {
  const names = Array.from({ length: 40 }, (_, i) => `f${i}`);
  const rig = cacheRig(t, Object.fromEntries(names.map((name) => [name, 0x10000])));
  const disk = new DiskBacking(syncDriver);
  let scans = 0;
  const listed = disk.names.bind(disk);
  Object.assign(disk, {
    names: (directory: string) => {
      if (directory === `${rig.dir}/cache`) scans++;
      return listed(directory);
    },
  });
  const limits = { run: 12, cull: 10, stop: 5 };
  const made = rig.lab({ backing: disk, cacheSize: 0x100000, cacheLimits: limits });
  for (const name of names) await readFile(made, name);
  await made.lab.close();
  const { culled } = made.cache.counters;
  t.true(culled > 20, `${culled} culled`);
  // One at bind, to measure what there is.
  t.true(scans - 1 <= 5, `${scans} scans for ${culled} culled objects`);
});
