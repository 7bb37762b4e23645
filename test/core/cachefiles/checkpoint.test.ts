/**
 * Publishing maps: what a checkpoint costs, that a map does not grow without end, and that what was
 * taken out of it stays out.
 */
import test from 'ava';
import { Checkpointer } from '../../../src/core/cachefiles/checkpoint.js';
import { ContentMap } from '../../../src/core/cachefiles/content_map.js';
import { DataFile, mapPath } from '../../../src/core/cachefiles/data_file.js';
import { Ledger } from '../../../src/core/cachefiles/ledger.js';
import { MapFile, readMap } from '../../../src/core/cachefiles/map_file.js';
import { CacheCounters } from '../../../src/core/cachefiles/types.js';
import { PROFILE_NAMES } from '../../../src/core/lab/options.js';
import { VirtualClock } from '../../../src/core/sim/clock.js';
import { Scheduler } from '../../../src/core/sim/scheduler.js';
import { content, makeLab, opened } from '../../helpers/lab.js';
import { PowerCutDisk } from '../../helpers/power_cut.js';

const PATH = '/c/f';
const IDENTITY = { volume: 'v', key: 'k', aux: '1', size: 2 ** 36, incarnation: '1.1' };

/** Counts what is written to maps. */
class CountingDisk extends PowerCutDisk {
  written = 0;

  override writeAt(file: string, data: Uint8Array, position: number): number {
    this.written += data.length;
    return super.writeAt(file, data, position);
  }
}

function make(blocks: number) {
  const backing = new CountingDisk();
  const scheduler = new Scheduler(new VirtualClock());
  const ledger = new Ledger(backing, '/c', false);
  const counters = new CacheCounters();
  const place = { root: '/c', number: 1 };
  const checkpointer = new Checkpointer({ backing, ledger, counters }, place, scheduler, 5e9);
  const map = new ContentMap(4096);
  for (let block = 0; block < blocks; block++) map.set(block, block);
  const fd = backing.open(PATH, { create: true });
  const known = {
    identity: IDENTITY,
    map,
    name: 'f',
    mapFile: new MapFile(backing, mapPath(PATH), 1),
  };
  const file = new DataFile({ backing, ledger }, PATH, fd, known);
  const publish = async (): Promise<void> => {
    checkpointer.changed(file, 0);
    checkpointer.begin();
    await scheduler.drain();
  };
  const onDisk = (disk: PowerCutDisk = backing): ContentMap | undefined => {
    const data = disk.readWhole(mapPath(PATH));
    return typeof data === 'number' ? undefined : readMap(data)?.map;
  };
  return { backing, checkpointer, counters, file, map, publish, onDisk };
}

test('a checkpoint writes what has changed, however large the file is', async (t) => {
  const costs: number[] = [];
  for (const blocks of [1 << 10, 1 << 17]) {
    const { backing, map, publish, onDisk } = make(blocks);
    await publish();
    const before = backing.written;
    map.set(blocks >> 1, 7);
    await publish();
    costs.push(backing.written - before);
    t.is(onDisk()?.sum(blocks >> 1), 7);
    t.is(onDisk()?.present, blocks);
  }
  t.true(
    costs.every((bytes) => bytes < 8192),
    costs.join(),
  );
});

test('a map is written anew before most of it is of the past', async (t) => {
  const { backing, file, map, publish, onDisk } = make(1 << 12);
  let most = 0;
  for (let i = 0; i < 200; i++) {
    map.set(i % (1 << 12), i);
    await publish();
    const status = backing.status(mapPath(PATH));
    if (typeof status !== 'number') most = Math.max(most, status.size);
  }
  t.true(most < (64 << 10) + 3 * (4 << 12), `${most} bytes`);
  t.is(file.mapFiles.length, 1);
  t.is(onDisk()?.sum(199), 199);
  t.is(onDisk()?.present, 1 << 12);
  t.deepEqual(
    backing.names('/c').filter((name) => name.endsWith('.new')),
    [],
  );
});

for (const kept of [['create'], ['create', 'rename']]) {
  test(`what was taken out of a map that was written anew stays out, if only ${kept.join(' and ')} got to the disk`, async (t) => {
    const { backing, checkpointer, counters, file, map, publish, onDisk } = make(1 << 12);
    // At every moment around one at which the map is written anew.
    for (let i = 0; i < 120; i++) {
      map.set(i, i + 1);
      await publish();
      map.clear(i);
      t.is(checkpointer.unpublishNow(file, i, i + 1), 0);
      const found = onDisk(backing.powerCutKeeping(({ what }) => kept.includes(what)));
      t.not(found, undefined);
      t.false(found?.has(i), `after ${i}`);
    }
    t.is(counters.publishFailed, 0);
  });
}

test('a batch that is taken before its blocks are taken out again is not written', async (t) => {
  const { backing, checkpointer, file, map, publish, onDisk } = make(4);
  await publish();
  map.set(2, 9);
  checkpointer.changed(file, 0);
  checkpointer.begin();
  // The checkpoint has not run yet.
  map.clear(2);
  t.is(checkpointer.unpublishNow(file, 2, 3), 0);
  await publish();
  await publish();
  t.false(onDisk()?.has(2) ?? false);
  t.true(onDisk()?.has(1) ?? false);
  t.true(backing.written > 0);
});

for (const profile of PROFILE_NAMES) {
  test(`${profile}: what was downloaded is durable some seconds later, though nobody uses the cache`, async (t) => {
    const disk = new PowerCutDisk();
    const options = { profile, cacheDir: '/cache' };
    const { lab, read, dir } = makeLab(t, { f: 9000 }, { ...options, backing: disk });
    const file = await opened(lab, 'f');
    await read(file, 0, 9000);
    file.close();
    await lab.run('sleeper', () => lab.scheduler.sleep(20e9));
    // Names and attributes are there by themselves after as long.
    const backing = disk.powerCutKeeping(({ what }) => !['write', 'truncate'].includes(what));
    const next = makeLab(t, {}, { ...options, server: dir, backing });
    const again = await opened(next.lab, 'f');
    t.deepEqual(await next.read(again, 0, 9000), content('f', 9000));
    t.is(next.lab.server.counters.bytes, 0);
    again.close();
    await next.lab.close();
    await lab.close();
  });
}
