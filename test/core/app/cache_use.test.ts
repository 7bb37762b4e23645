/** The four hit rates of a run, and what they leave out. */
import path from 'node:path';
import test from 'ava';
import { ANALYSES } from '../../../src/core/analysis/index.js';
import { checkObjects } from '../../../src/core/app/cache/admin.js';
import type { CacheSummary } from '../../../src/core/app/run/cache_use.js';
import { RUN_DEFAULTS, type RunRequest, runWorkload } from '../../../src/core/app/run/run.js';
import { rowsOf } from '../../../src/core/app/trace/query.js';
import { nothingRead } from '../../../src/core/base/byte_origins.js';
import { DiskBacking } from '../../../src/core/io/backing.js';
import { syncDriver } from '../../../src/core/io/drivers.js';
import type { IoDriver } from '../../../src/core/io/types.js';
import type { LabOptions } from '../../../src/core/lab/options.js';
import { PROFILES } from '../../../src/core/profile/index.js';
import { openCapture } from '../../../src/core/store/database.js';
import { type CacheRig, cacheRig } from '../../helpers/cache.js';

const REQUEST = { ...RUN_DEFAULTS, verify: true, opLog: 'none' } as const;

async function run(
  { server, dir }: CacheRig,
  given: Partial<RunRequest> = {},
  options: Partial<LabOptions> = {},
): Promise<CacheSummary> {
  const lab = { server, cacheDir: dir, ...options };
  const { cache } = await runWorkload({ ...REQUEST, ...given, lab });
  if (cache === null) throw new Error('no cache in the summary');
  return cache;
}

for (const { name: profile } of PROFILES) {
  test(`${profile}: a cold run hits nothing, a warm one everything`, async (t) => {
    const rig = cacheRig(t, { a: 0x8000, b: 0x8000 });
    const cold = await run(rig, {}, { profile });
    t.like(cold.hitRate, { applicationBytes: 0, requests: 0, subrequests: 0, deviceBytes: 0 });
    t.like(cold, { storedBytes: 0x10000, bypassedBytes: 0, unusedBytes: 0 });
    t.like(cold.application, { server: 0x10000, cache: 0, memory: 0 });
    t.is(checkObjects(rig.dir, false, () => {}).found, 0);
    const warm = await run(rig, {}, { profile });
    t.like(warm.hitRate, { applicationBytes: 1, requests: 1, subrequests: 1, deviceBytes: 1 });
    t.like(warm, { storedBytes: 0, application: { cache: 0x10000, server: 0 } });
    t.is(warm.device.server, 0);
  });
}

for (const { name: profile } of PROFILES) {
  test(`${profile}: trace hits tells of a capture what the run told`, async (t) => {
    const rig = cacheRig(t, { a: 0x13456, b: 0x9000, c: 0 });
    const lab = { server: rig.server, cacheDir: rig.dir, profile };
    const runs: Partial<RunRequest>[] = [
      { files: ['a'], size: 0x6000 },
      { bs: 0x3000, loops: 2 },
      {},
    ];
    for (const [i, given] of runs.entries()) {
      const out = path.join(rig.dir, `../${i}.db`);
      const trace = { out, commandLine: '', toolVersion: '0' };
      const { cache } = await runWorkload({ ...REQUEST, ...given, lab, trace });
      const capture = openCapture(out);
      const told = [...rowsOf(capture, ANALYSES.hits)];
      capture.close();
      const { application, requests, subrequests, device, hitRate } = cache as CacheSummary;
      t.deepEqual(
        told.map((row) => [row.memory, row.cache, row.partly, row.server, row.zero]),
        [
          [application.memory, application.cache, null, application.server, application.zero],
          [null, requests.full, requests.partial, requests.miss, requests.zero],
          [null, subrequests.READ, null, subrequests.DOWN, subrequests.ZERO],
          [null, device.cache, null, device.server, null],
        ],
      );
      const rounded = (rates: readonly unknown[]) => rates.map((rate) => Number(rate).toFixed(9));
      t.deepEqual(rounded(told.map((row) => row.hit_rate)), rounded(Object.values(hitRate)));
    }
  });
}

test('a request of which the cache has a part is partial, and the denominators differ', async (t) => {
  const rig = cacheRig(t, { a: 0x10000 });
  await run(rig, { size: 0x6000 }, { readAheadKb: 0 });
  const { hitRate, requests, subrequests, application, device } = await run(rig);
  t.deepEqual(requests, { full: 1, partial: 1, miss: 1, zero: 0 });
  t.deepEqual(subrequests, { READ: 2, DOWN: 2, ZERO: 0 });
  t.deepEqual(application, { ...nothingRead(), cache: 0x6000, server: 0xa000 });
  t.deepEqual(device, { cache: 0x6000, server: 0xa000 });
  t.deepEqual(hitRate, {
    applicationBytes: 6 / 16,
    requests: 1 / 3,
    subrequests: 2 / 4,
    deviceBytes: 6 / 16,
  });
});

test('bytes that were read before come from the page cache, others of their page do not', async (t) => {
  const rig = cacheRig(t, { a: 0x1000 });
  const { application, hitRate } = await run(rig, { bs: 0x400, loops: 2 });
  t.deepEqual(application, { ...nothingRead(), server: 0x1000, memory: 0x1000 });
  t.is(hitRate.applicationBytes, 0.5);
});

test('what readahead got and nobody used is counted', async (t) => {
  const rig = cacheRig(t, { a: 0x40000 });
  const { unusedBytes, application } = await run(rig, { size: 0x1000 });
  t.is(application.server, 0x1000);
  t.true(unusedBytes > 0);
});

test('what is downloaded and not stored is bypassed', async (t) => {
  const rig = cacheRig(t, { a: 0x10000 });
  const { bypassedBytes, storedBytes } = await run(rig, {}, { cacheSize: 0x1000 });
  t.is(bypassedBytes + storedBytes, 0x10000);
  t.is(storedBytes, 0);
});

for (const { name: profile } of PROFILES) {
  test(`${profile}: a file smaller than a page, read cold, hits nothing and leaves nothing unused`, async (t) => {
    const rig = cacheRig(t, { a: 100, b: 5000 });
    const cold = await run(rig, {}, { profile });
    t.deepEqual(cold.application, { ...nothingRead(), server: 5100 });
    t.is(cold.hitRate.applicationBytes, 0);
    t.is(cold.unusedBytes, 0);
  });
}

test('a direct read is no hit: it goes past both caches', async (t) => {
  const rig = cacheRig(t, { a: 0x10000 });
  const out = path.join(rig.dir, '../direct.db');
  const trace = { out, commandLine: '', toolVersion: '0' };
  const { application, directBytes, bypassedBytes, hitRate, device } = await run(rig, {
    direct: true,
    bs: 0x4000,
    numjobs: 2,
    verify: false,
    opLog: 'all',
    trace,
  });
  t.deepEqual(application, nothingRead());
  t.is(directBytes, 0x20000);
  t.is(bypassedBytes, 0x20000);
  t.is(device.server, 0x20000);
  t.is(hitRate.applicationBytes, 0);
  const capture = openCapture(out);
  const rows = new Map([...rowsOf(capture, ANALYSES.hits)].map((row) => [row.of, row]));
  t.like(rows.get('direct reads'), { total: 0x20000, server: 0x20000, hit_rate: 0 });
  t.like(rows.get('device bytes'), { server: 0x20000, hit_rate: 0 });
  const [all] = rowsOf(capture, ANALYSES.sources);
  t.like(all, { app_bytes: 0x20000, server_bytes: 0x20000, amplification: 1 });
  capture.close();
});

test('what could not be stored is bypassed too', async (t) => {
  const rig = cacheRig(t, { a: 0x10000, b: 0x1800 });
  class FullDisk extends DiskBacking {
    override readonly driver: IoDriver = {
      ...syncDriver,
      write: (_fd, _from, _position, done) => done(-28),
    };
  }
  const { bypassedBytes, storedBytes } = await run(rig, {}, { backing: new FullDisk(syncDriver) });
  t.deepEqual([bypassedBytes, storedBytes], [0x11800, 0]);
});

test('without a cache there is nothing to say', async (t) => {
  const { server } = cacheRig(t, { a: 0x1000 });
  t.is((await runWorkload({ ...REQUEST, lab: { server } })).cache, null);
});
