/**
 * Caches that are too small for what is read through them: a size of their own is never exceeded,
 * not for a moment, and what is read again and again stays.
 */
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Binding } from '../../../src/core/cachefiles/binding.js';
import { Ledger } from '../../../src/core/cachefiles/ledger.js';
import { DiskBacking } from '../../../src/core/io/backing.js';
import { syncDriver } from '../../../src/core/io/drivers.js';
import type { IoDriver } from '../../../src/core/io/types.js';
import type { LabOptions } from '../../../src/core/lab/options.js';
import { Prng } from '../../../src/core/sim/prng.js';
import { type CachedLab, type CacheRig, cacheRig } from '../../helpers/cache.js';
import { content } from '../../helpers/lab.js';
import { sameBytes } from '../../helpers/netfs.js';

const FILES = 24;
/** The first few are read four times out of five. */
const POPULAR = 3;
const sizeOf = (i: number): number => 0x8000 + ((i * 0x5123) % 0x28000);

/** What du(1) says of a directory: the blocks of all that is in it, and its own. */
function du(file: string): number {
  const stats = fs.lstatSync(file, { throwIfNoEntry: false });
  if (stats === undefined) return 0;
  const names = stats.isDirectory() ? fs.readdirSync(file) : [];
  return names.reduce((sum, name) => sum + du(path.join(file, name)), stats.blocks * 512);
}

/** A disk that measures the cache after everything that could make it larger. */
class MeasuredDisk extends DiskBacking {
  most = 0;
  readonly #root: string;
  override readonly driver: IoDriver = {
    ...syncDriver,
    write: (fd, from, position, done) =>
      syncDriver.write(fd, from, position, (result) => {
        this.#measure();
        done(result);
      }),
  };

  constructor(root: string) {
    super(syncDriver);
    this.#root = root;
  }

  override writeAt(...args: Parameters<DiskBacking['writeAt']>): number {
    return this.#after(super.writeAt(...args));
  }

  override open(...args: Parameters<DiskBacking['open']>): number {
    return this.#after(super.open(...args));
  }

  override rename(from: string, to: string): number {
    return this.#after(super.rename(from, to));
  }

  #after(result: number): number {
    this.#measure();
    return result;
  }

  #measure(): void {
    this.most = Math.max(this.most, du(this.#root));
  }
}

async function readers(t: ExecutionContext, { lab }: CachedLab, many: number, each: number) {
  const prng = new Prng(lab.options.seed);
  const strands = Array.from({ length: many }, (_, id) =>
    lab.spawn(`reader/${id}`, function* () {
      const target = Buffer.alloc(0x30000);
      for (let n = 0; n < each; n++) {
        const i = prng.below(prng.chance(0.8) ? POPULAR : FILES);
        const file = yield* lab.vfs.open(`f${i}`);
        const got: number = yield* file.read(target, 0, target.length, 0);
        sameBytes(t, target.subarray(0, got), content(`f${i}`, sizeOf(i)));
        yield* file.fadvise('dontneed');
        file.close();
      }
    }),
  );
  await lab.scheduler.run(() => strands.every(({ done }) => done));
}

function rigOf(t: ExecutionContext): CacheRig {
  const files = Array.from({ length: FILES }, (_, i) => [`f${i}`, sizeOf(i)] as const);
  return cacheRig(t, Object.fromEntries(files));
}

/** Downloads end in their own time where the client can do that; in 6.1 their readers do them. */
function completionOf({ profile }: { profile: string }): Partial<LabOptions> {
  return profile === 'linux-5.13-afs' ? { completion: 'async' } : {};
}

const SMALL: Partial<LabOptions> = {
  latencyNs: 300_000,
  jitterNs: 300_000,
  cacheCheckpointNs: 5e6,
  // Nothing but the size itself stands in the way.
  cacheLimits: { run: 10, cull: 5, stop: 0 },
  pageCache: 1 << 20,
};

for (const how of [
  { profile: 'linux-5.13-afs' },
  { profile: 'linux-5.13-afs', defects: 'kernel' },
  { profile: 'linux-6.1-afs' },
] as const) {
  test(`eight readers never fill a cache beyond its size: ${Object.values(how).join(', ')}`, async (t) => {
    const rig = rigOf(t);
    const cacheSize = 0x100000;
    const disk = new MeasuredDisk(rig.dir);
    const made = rig.lab({
      ...SMALL,
      ...completionOf(how),
      ...how,
      cacheSize,
      backing: disk,
      sink: undefined,
    });
    await readers(t, made, 8, 20);
    await made.lab.close();
    t.true(disk.most <= cacheSize, `${disk.most} of ${cacheSize} bytes`);
    t.true(disk.most > 0.8 * cacheSize, `only ${disk.most} of ${cacheSize} bytes were used`);
    const { culled, reads } = made.cache.counters;
    t.true(culled > 0 && reads > 0, `${culled} culled, ${reads} reads`);
    // What the books say at the end is what is there.
    const binding = new Binding(new DiskBacking(syncDriver), rig.dir);
    t.is(made.cache.ledger.total, new Ledger(binding.backing, rig.dir, true).total);
    binding.release();
    t.is(made.cache.room.inFlight, 0);
  });
}

for (const profile of ['linux-5.13-afs', 'linux-6.1-afs']) {
  test(`a cache of a tenth of what is read keeps what is popular: ${profile}`, async (t) => {
    const rig = rigOf(t);
    const total = Array.from({ length: FILES }, (_, i) => sizeOf(i)).reduce((a, b) => a + b);
    const cacheSize = Math.floor(total / 10) + 0x8000;
    const options = { ...SMALL, profile, cacheSize, sink: undefined };
    const made = rig.lab({ ...options, cacheLimits: { run: 10, cull: 7, stop: 3 } });
    await readers(t, made, 1, 150);
    await made.lab.close();
    const { read, down } = made.lab.stats.bytes;
    t.log(`${((100 * read) / (read + down)).toFixed(1)} % of the bytes came from the cache`);
    t.true(read / (read + down) > 0.3);
  });
}

test('the directories of many small objects do not use up a small cache', async (t) => {
  const names = Array.from({ length: 300 }, (_, i) => `f${i}`);
  const rig = cacheRig(t, Object.fromEntries(names.map((name) => [name, 100])));
  const { lab } = await rig.readAll(names, { cacheSize: 0x40000, sink: undefined });
  t.true(du(rig.dir) <= 0x40000);
  t.is(lab.cache.counters.noSpaceToCreate, 0);
  t.true((await rig.readAll(names.slice(-5), { cacheSize: 0x40000 })).downloaded < 500);
});
