/**
 * The cache on real files: coherency, damage, invalidation, fallbacks, bounds. Reads are always
 * right.
 */
import fs from 'node:fs';
import test from 'ava';
import { ENODATA } from '../../../src/core/base/errno.js';
import { ErrnoError } from '../../../src/core/base/errors.js';
import { mapPath } from '../../../src/core/cachefiles/data_file.js';
import type { Cookie } from '../../../src/core/fscache/cookie.js';
import { DiskBacking } from '../../../src/core/io/backing.js';
import { syncDriver } from '../../../src/core/io/drivers.js';
import type { LabOptions } from '../../../src/core/lab/options.js';
import type { CacheResources } from '../../../src/core/netfs/types.js';
import { printStats } from '../../../src/core/trace/stats_layout.js';
import {
  cacheRig,
  filesBelow,
  overwrite,
  type ReadAll,
  readFile,
  update,
} from '../../helpers/cache.js';
import { content } from '../../helpers/lab.js';
import { counters, dropPages, sameBytes } from '../../helpers/netfs.js';

const SIZE = 0x9800;
const PAGES = 0xa000;

/** A disk that can be told to fail: `fault` sees each call by name and may answer in its place. */
function faultyDisk(
  fault: (name: string, args: readonly unknown[]) => number | undefined,
  ended: (name: string, result: unknown) => void = () => {},
) {
  const disk = new DiskBacking(syncDriver);
  const proxy: DiskBacking = new Proxy(disk, {
    get(target, name: keyof DiskBacking) {
      const value = target[name];
      if (name === 'driver') {
        return {
          name: 'sync',
          read: (...args: Parameters<typeof syncDriver.read>) => {
            const error = fault('read', args);
            if (error === undefined) syncDriver.read(...args);
            else args[3](error);
          },
          write: (...args: Parameters<typeof syncDriver.write>) => {
            const error = fault('write', args);
            if (error === undefined) syncDriver.write(...args);
            else args[3](error);
          },
        };
      }
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        const call = value as (...all: unknown[]) => unknown;
        const result = fault(name, args) ?? call.apply(target, args);
        ended(name, result);
        return result;
      };
    },
  });
  return proxy;
}

test('a warm run in a new lab downloads nothing, whatever the presence was', async (t) => {
  for (const presence of ['seek', 'map', 'both'] as const) {
    const rig = cacheRig(t, { a: SIZE, b: 1, c: 0x100000, empty: 0 });
    const names = ['a', 'b', 'c', 'empty'];
    const cold = await rig.readAll(names, { presence });
    t.is(cold.downloaded, SIZE + 1 + 0x100000);
    const warm = await rig.readAll(names, { presence });
    t.is(warm.downloaded, 0);
    names.forEach((name, i) => {
      const expected = fs.readFileSync(`${rig.server}/${name}`);
      sameBytes(t, warm.bytes[i] as Buffer, expected);
    });
  }
});

test('the verdicts are recorded, but not among the events of a kernel that has none', async (t) => {
  const rig = cacheRig(t, { a: SIZE });
  const cold = await rig.readAll(['a']);
  const warm = await rig.readAll(['a']);
  const verdicts = ({ lab: { sink } }: ReadAll) =>
    sink.own.map(({ event, index, source, why }) => [event, index, source, why]);
  t.deepEqual(verdicts(cold).slice(0, 1), [['netfslab_prep_read', 0, 'DOWN', 'no-data']]);
  t.deepEqual(verdicts(warm).slice(0, 1), [['netfslab_prep_read', 0, 'READ', 'have-data']]);
  t.false(warm.lab.sink.lines().some((line) => line.includes('netfslab')));
});

test('the statistics of FS-Cache are those that are counted', async (t) => {
  const rig = cacheRig(t, { a: SIZE, b: SIZE });
  await rig.readAll(['a']);
  update(rig, 'a', content('changed', SIZE));
  const { lab } = await rig.readAll(['a', 'b']);
  t.deepEqual(printStats(lab.lab.statistics()).split('\n').slice(0, 7), [
    'Cookies: dat=2',
    'ChkAux : ok=0 obs=1',
    'Acquire: n=2 ok=2',
    'Lookups: n=2 pos=0 crt=2',
    'Invals : n=0 run=0',
    'Relinqs: n=0 rtr=0',
    'CacheEv: nsp=0 stl=1 rtr=0 cul=0',
  ]);
  const [entries] = lab.sink.snapshots;
  t.deepEqual(entries, lab.lab.statistics());
});

test('a file that was changed on the server is downloaded, and its old object is gone', async (t) => {
  const rig = cacheRig(t, { f: SIZE });
  await rig.readAll(['f']);
  const changed = content('changed', SIZE);
  update(rig, 'f', changed);
  const { bytes, downloaded, lab } = await rig.readAll(['f']);
  sameBytes(t, bytes[0] as Buffer, changed);
  t.is(downloaded, SIZE);
  t.is(lab.cache.counters.stale, 1);
  t.is(rig.objects().length, 1);
  t.is((await rig.readAll(['f'])).downloaded, 0);
});

test('what lay behind the old end is not served when the file has grown', async (t) => {
  const rig = cacheRig(t, { f: SIZE });
  await rig.readAll(['f']);
  const grown = content('f', PAGES + 0x3000);
  update(rig, 'f', grown);
  const { bytes } = await rig.readAll(['f']);
  sameBytes(t, bytes[0] as Buffer, grown);
  sameBytes(t, (await rig.readAll(['f'])).bytes[0] as Buffer, grown);
});

test('a file that changes while it is open is read anew, and only its new content stays', async (t) => {
  const rig = cacheRig(t, { f: SIZE });
  const made = rig.lab();
  const file = made.open('f');
  await made.read(file, 0, SIZE);
  const changed = content('changed', SIZE);
  update(rig, 'f', changed);
  sameBytes(t, await readFile(made, 'f'), changed);
  file.close();
  await made.lab.close();
  const { bytes, downloaded } = await rig.readAll(['f']);
  sameBytes(t, bytes[0] as Buffer, changed);
  t.is(downloaded, 0);
});

/** What can happen to the files of an object, and whether its content survives. */
const damage: Record<string, (object: string) => void> = {
  'the map is missing': (object) => fs.rmSync(mapPath(object)),
  'the map is empty': (object) => fs.truncateSync(mapPath(object), 0),
  'the map is torn': (object) => fs.truncateSync(mapPath(object), 90),
  'a bit of the map is flipped': (object) => overwrite(mapPath(object), 60, Buffer.from('~')),
  'the file is missing': (object) => fs.rmSync(object),
  'the file is empty': (object) => fs.truncateSync(object, 0),
  'the file is cut inside a page': (object) => fs.truncateSync(object, 0x2345),
  'the file was written to': (object) => overwrite(object, 0x5000, Buffer.from('rot')),
  'the file was copied over itself, without its attributes': (object) => {
    const bytes = fs.readFileSync(object);
    fs.rmSync(object);
    fs.writeFileSync(object, bytes);
  },
};

for (const [what, harm] of Object.entries(damage)) {
  for (const options of [{}, { presence: 'map' }, { cacheXattr: false }] as Partial<LabOptions>[]) {
    test(`${what}: reads stay right ${JSON.stringify(options)}`, async (t) => {
      const rig = cacheRig(t, { f: SIZE });
      await rig.readAll(['f'], options);
      harm(rig.object());
      // Without attributes a copy is told by its inode number, which the filesystem may give again.
      const copy = what.includes('copied') && options.cacheXattr === false;
      for (const expectDownload of [copy ? undefined : true, undefined, false]) {
        const { bytes, downloaded } = await rig.readAll(['f'], options);
        sameBytes(t, bytes[0] as Buffer, content('f', SIZE));
        if (expectDownload !== undefined) t.is(downloaded > 0, expectDownload);
      }
    });
  }
}

for (const cacheXattr of [true, false]) {
  test(`objects that were swapped are refused (xattrs: ${cacheXattr})`, async (t) => {
    const rig = cacheRig(t, { f: SIZE, g: SIZE });
    await rig.readAll(['f', 'g'], { cacheXattr });
    const [a, b] = rig.objects() as [string, string];
    fs.renameSync(a, `${a}x`);
    fs.renameSync(b, a);
    fs.renameSync(`${a}x`, b);
    const { bytes, downloaded } = await rig.readAll(['f', 'g'], { cacheXattr });
    sameBytes(t, bytes[0] as Buffer, content('f', SIZE));
    sameBytes(t, bytes[1] as Buffer, content('g', SIZE));
    t.is(downloaded, 2 * SIZE);
  });
}

test('a checksum that is wrong counts, drops the block, and is repaired by the next run', async (t) => {
  const rig = cacheRig(t, { f: SIZE });
  await rig.readAll(['f']);
  overwrite(rig.object(), 0x5000, Buffer.from('rot'));
  const second = await rig.readAll(['f']);
  t.like(counters(second.lab.lab), { rf: 1, di: 1 });
  t.is(second.lab.cache.counters.checksumFailures, 1);
  const third = await rig.readAll(['f']);
  t.is(third.downloaded, 0x1000);
  t.is((await rig.readAll(['f'])).downloaded, 0);
});

test('without --verify-cache what is in the file is believed', async (t) => {
  const rig = cacheRig(t, { f: SIZE });
  await rig.readAll(['f']);
  overwrite(rig.object(), 0x5000, Buffer.from('rot'));
  const { bytes } = await rig.readAll(['f'], { verifyCache: false });
  t.is((bytes[0] as Buffer).toString('latin1', 0x5000, 0x5003), 'rot');
});

test('a read from the cache that ends after an invalidation is stale, and repeated', async (t) => {
  const rig = cacheRig(t, { f: SIZE });
  await rig.readAll(['f']);
  const made = rig.lab({ cacheLatencyNs: 1e6 });
  const file = made.open('f');
  const reading = made.lab.run('reader', () => file.readahead(0, PAGES));
  await reading;
  update(rig, 'f', content('changed', SIZE));
  const other = made.open('f');
  await made.lab.scheduler.drain();
  t.like(counters(made.lab), { RD: 1, rf: 1, di: 1 });
  sameBytes(t, await made.read(other, 0, SIZE), content('changed', SIZE));
  file.close();
  other.close();
  await made.lab.close();
  sameBytes(t, (await rig.readAll(['f'])).bytes[0] as Buffer, content('changed', SIZE));
});

test('a store that ends after an invalidation leaves nothing behind', async (t) => {
  const rig = cacheRig(t, { f: SIZE });
  const made = rig.lab({ cacheLatencyNs: 1e6 });
  const file = made.open('f');
  await made.lab.run('reader', () => file.readahead(0, PAGES));
  t.is(counters(made.lab).WR, 1);
  update(rig, 'f', content('changed', SIZE));
  made.open('f').close();
  file.close();
  await made.lab.close();
  t.like(made.cache.counters, { outdatedStores: 1, outdatedBytes: SIZE, writtenBytes: 0 });
  const { bytes, downloaded } = await rig.readAll(['f']);
  sameBytes(t, bytes[0] as Buffer, content('changed', SIZE));
  t.is(downloaded, SIZE);
});

const UNUSABLE: readonly [string, Partial<DiskBacking>][] = [
  ['EACCES', { makeDirectory: () => -13 }],
  ['EROFS', { open: () => -30 }],
  ['ENOSPC', { writeDurably: () => -28 }],
];

for (const [code, fault] of UNUSABLE) {
  test(`a directory that answers ${code} when it is bound costs the cache and a warning`, async (t) => {
    const rig = cacheRig(t, { f: SIZE });
    const backing = Object.assign(new DiskBacking(syncDriver), fault);
    const { bytes, lab, downloaded } = await rig.readAll(['f'], { backing });
    sameBytes(t, bytes[0] as Buffer, content('f', SIZE));
    t.is(downloaded, SIZE);
    t.regex(lab.lab.warnings.join(), RegExp(`^no disk cache, everything .* ${code}: `));
  });
}

test('an object that was closed but not published is found again in the same lab', async (t) => {
  const rig = cacheRig(t, { f: SIZE });
  const made = rig.lab();
  await readFile(made, 'f');
  made.lab.fscache?.quiesce();
  const file = made.open('f');
  await dropPages(made, file);
  const before = made.lab.server.counters.bytes;
  sameBytes(t, await made.read(file, 0, SIZE), content('f', SIZE));
  t.is(made.lab.server.counters.bytes, before);
  file.close();
  await made.lab.close();
  t.is((await rig.readAll(['f'])).downloaded, 0);
});

test('maps are published while a run lasts, every five seconds of its clock', async (t) => {
  const rig = cacheRig(t, { a: SIZE, b: SIZE, c: SIZE });
  const made = rig.lab();
  await readFile(made, 'a');
  t.is(made.cache.counters.published, 0);
  await made.lab.run('sleeper', () => made.lab.scheduler.sleep(5e9));
  await readFile(made, 'b');
  t.true(made.cache.counters.published > 0);
  // The directory lists the two objects in any order.
  const mapped = rig.objects().filter((object) => fs.existsSync(mapPath(object)));
  t.is(mapped.length, made.cache.counters.published);
  await made.lab.close();
  t.is((await rig.readAll(['a', 'b'])).downloaded, 0);
});

test('a second process is told that the cache is in use', async (t) => {
  const rig = cacheRig(t, { f: SIZE });
  const made = rig.lab();
  const error = t.throws(() => rig.lab(), { instanceOf: ErrnoError }) as ErrnoError;
  t.is(error.code, 'EBUSY');
  t.is(error.message, `EBUSY: another process uses this cache, lock '${rig.dir}'`);
  await made.lab.close();
  await rig.lab().lab.close();
});

test('the directories of a cache are the owner’s alone', async (t) => {
  const rig = cacheRig(t, { f: SIZE });
  await rig.readAll(['f']);
  for (const dir of ['', '/cache', '/graveyard']) {
    t.is(fs.statSync(rig.dir + dir).mode & 0o777, 0o700);
  }
  for (const file of filesBelow(rig.dir)) t.is(fs.statSync(file).mode & 0o777, 0o600);
});

test('without O_DIRECT and xattrs the cache works, and says so when they were wanted', async (t) => {
  const rig = cacheRig(t, { f: SIZE });
  const forced = { cacheDirect: false, cacheXattr: false };
  const cold = await rig.readAll(['f'], forced);
  t.deepEqual(cold.lab.cache.warnings, []);
  const { downloaded, bytes } = await rig.readAll(['f'], forced);
  t.is(downloaded, 0);
  sameBytes(t, bytes[0] as Buffer, content('f', SIZE));

  const backing = faultyDisk((name, args) => {
    if (['setXattr', 'lock', 'seekHole', 'seekData'].includes(name)) return -95;
    if (name === 'open' && (args[1] as { direct: boolean }).direct) return -22;
    return undefined;
  });
  const plain = cacheRig(t, { f: SIZE });
  const first = await plain.readAll(['f'], { backing });
  t.deepEqual(
    first.lab.cache.warnings.map((each) => each.replace(plain.dir, 'DIR')),
    [
      'DIR cannot be locked here: see that no other process uses it meanwhile',
      'no SEEK_DATA in DIR: the content maps decide',
      "no O_DIRECT in DIR: cache I/O goes through the kernel's page cache",
      'no user xattrs in DIR: coherency data is kept in the content maps alone',
    ],
  );
  t.is((await plain.readAll(['f'], { backing })).downloaded, 0);
});

for (const [what, failing, error] of [
  ['stores run out of space', 'write', -28],
  ['stores fail', 'write', -5],
  ['cache reads fail', 'read', -5],
  ['files cannot be opened', 'open', -13],
  ['files cannot be removed', 'remove', -30],
  ['files cannot be renamed', 'rename', -30],
  ['maps cannot be written', 'writeAt', -28],
  ['nothing can be made durable', 'sync', -5],
  ['the size of a file cannot be set', 'truncate', -28],
  ['attributes cannot be set', 'setXattr', -28],
  ['directories cannot be made', 'makeDirectory', -30],
  ['the filesystem does not say what space it has', 'space', -5],
  ['the filesystem does not say where data is', 'seekData', -5],
  ['the filesystem does not say where holes are', 'seekHole', -5],
] as const) {
  test(`reads are right when ${what}`, async (t) => {
    const rig = cacheRig(t, { f: SIZE, g: SIZE });
    await rig.readAll(['f']);
    let armed = false;
    const backing = faultyDisk((name, args) => {
      if (!armed || name !== failing) return undefined;
      if (name === 'sync') (args[2] as (error: number) => void)(error);
      return error;
    });
    const made = rig.lab({ backing });
    armed = true;
    sameBytes(t, await readFile(made, 'f'), content('f', SIZE));
    sameBytes(t, await readFile(made, 'g'), content('g', SIZE));
    update(rig, 'f', content('changed', SIZE));
    sameBytes(t, await readFile(made, 'f'), content('changed', SIZE));
    await made.lab.close();
    const after = await rig.readAll(['f', 'g']);
    sameBytes(t, after.bytes[0] as Buffer, content('changed', SIZE));
    sameBytes(t, after.bytes[1] as Buffer, content('g', SIZE));
  });
}

for (const presence of ['seek', 'map', 'both'] as const) {
  test(`a cache tells where it has data: --presence ${presence}`, async (t) => {
    const rig = cacheRig(t, { f: 0x20000 });
    const made = rig.lab({ presence });
    const file = made.open('f');
    await made.lab.run('reader', () => file.readahead(0x3000, 0x5000));
    await made.lab.run('reader', () => file.readahead(0x10000, 0x8000));
    await made.lab.scheduler.drain();
    const cres: CacheResources = { ops: undefined, priv: undefined, debugId: 0 };
    t.is(
      (file as unknown as { inode: { cookie: Cookie } }).inode.cookie.beginOperation(
        cres,
        'begin_io_read',
      ),
      0,
    );
    const query = (start: number, len: number, granularity = 0x1000) =>
      cres.ops?.queryOccupancy?.(cres, { start, len }, granularity);
    t.deepEqual(query(0, 0x20000), { start: 0x3000, len: 0x5000 });
    t.deepEqual(query(0, 0x20000, 0x4000), { start: 0x4000, len: 0x4000 });
    t.deepEqual(query(0, 0x6000), { start: 0x3000, len: 0x3000 });
    t.deepEqual(query(0x14000, 0x1000), { start: 0x14000, len: 0x1000 });
    t.is(query(0x8000, 0x8000), -ENODATA);
    t.is(query(0, 0x6000, 0x8000), -ENODATA);
    t.is(query(0x18000, 0x8000), -ENODATA);
    cres.ops?.endOperation(cres);
    file.close();
    await made.lab.close();
  });
}

test('when space is short nothing is stored, and the least recently used objects go', async (t) => {
  const rig = cacheRig(t, { a: 0x40000, b: 0x40000, c: 0x40000, d: 0x40000 });
  const options = { cacheSize: 0xc0000, cacheLimits: { run: 40, cull: 10, stop: 5 } };
  await rig.readAll(['a'], options);
  const oldest = rig.object();
  fs.utimesSync(oldest, 1, 1);
  const { lab } = await rig.readAll(['b', 'c', 'd'], options);
  t.true(lab.cache.counters.culled > 0);
  const told = lab.sink.own.filter(({ event }) => event === 'netfslab_cull');
  t.is(told.length, lab.cache.counters.culled);
  t.true(oldest.endsWith(String(told[0]?.file)));
  t.false(fs.existsSync(oldest));
  const used = rig.objects().reduce((sum, file) => sum + fs.statSync(file).blocks * 512, 0);
  t.true(used <= 0xc0000, `${used} bytes`);
});

test('an object that is in use is never culled', async (t) => {
  const rig = cacheRig(t, { a: 0x40000, b: 0x40000 });
  const made = rig.lab({ cacheSize: 0x60000, cacheLimits: { run: 90, cull: 80, stop: 5 } });
  const a = made.open('a');
  await made.read(a, 0, 0x40000);
  const object = rig.object();
  await readFile(made, 'b');
  t.true(fs.existsSync(object));
  t.true(made.cache.counters.noSpace > 0);
  await dropPages(made, a);
  const before = made.lab.server.counters.bytes;
  sameBytes(t, await made.read(a, 0, 0x40000), content('a', 0x40000));
  t.is(made.lab.server.counters.bytes, before);
  a.close();
  await made.lab.close();
});

for (const profile of ['linux-5.13-afs', 'linux-6.1-9p', 'linux-6.1-afs']) {
  test(`a program can ask what is cached of an open file: ${profile}`, async (t) => {
    const rig = cacheRig(t, { f: 0x20000 });
    const made = rig.lab({ profile, readAheadKb: 32 });
    const file = made.open('f');
    const cached = (offset: number, count: number) =>
      made.lab.run('api', () => file.cached(offset, count));
    t.is(await cached(0, 0x20000), null);
    await made.lab.run('reader', () => file.readahead(0x8000, 0x8000));
    await made.lab.scheduler.drain();
    t.deepEqual(await cached(0, 0x20000), { start: 0x8000, len: 0x8000 });
    t.is(await cached(0x10000, 0x1000), null);
    file.close();
    await made.lab.close();
  });
}

test('many files use few descriptors', async (t) => {
  const names = Array.from({ length: 600 }, (_, i) => `f${i}`);
  const rig = cacheRig(t, Object.fromEntries(names.map((name) => [name, 100])));
  let open = 0;
  let most = 0;
  const backing = faultyDisk(
    () => undefined,
    (name, result) => {
      if (name === 'open' && (result as number) >= 0) most = Math.max(most, ++open);
      if (name === 'close') open--;
    },
  );
  await rig.readAll(names, { backing });
  t.true(most > 50 && most < 130, `${most} descriptors`);
  t.is(open, 0);
  t.is((await rig.readAll(names)).downloaded, 0);
});

for (const granule of [0x2000, 0x8000]) {
  test(`granules of ${granule} bytes are stored and read back whole`, async (t) => {
    const rig = cacheRig(t, { f: 0x25800 });
    const cold = rig.lab({ granule });
    const file = cold.open('f');
    await cold.lab.run('reader', () => file.readahead(0x9000, 0x1000));
    file.close();
    await cold.lab.close();
    t.is(cold.lab.server.counters.bytes, granule);
    const { bytes, downloaded } = await rig.readAll(['f'], { granule });
    sameBytes(t, bytes[0] as Buffer, content('f', 0x25800));
    t.is(downloaded, 0x25800 - granule);
    t.is((await rig.readAll(['f'], { granule })).downloaded, 0);
  });
}
