/**
 * A process that fills a cache is killed (SIGKILL) again and again, at moments drawn at random.
 * NETFSLAB_KILLS says how often; the long form is 300.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { auditObjects, checkCache } from '../../../src/core/app/cache/audit.js';
import { Binding } from '../../../src/core/cachefiles/binding.js';
import { DiskBacking } from '../../../src/core/io/backing.js';
import { syncDriver } from '../../../src/core/io/drivers.js';
import { Prng } from '../../../src/core/sim/prng.js';
import { type CacheRig, cacheRig } from '../../helpers/cache.js';
import { sameBytes } from '../../helpers/netfs.js';
import { ROOT } from '../../helpers/source.js';

const KILLS = Number(process.env.NETFSLAB_KILLS ?? 20);
const disk = new DiskBacking(syncDriver);

/** What a reader refuses, and what costs no more than a download. */
const REFUSED = [
  'a map that was never published',
  'no map that could be believed',
  'data that was never published',
];

async function populateAndKill(rig: CacheRig, run: number, ms: number): Promise<void> {
  const script = path.join(ROOT, 'dist/test/helpers/populate.js');
  const child = spawn(process.execPath, [script, rig.server, rig.dir, String(run)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  await setTimeout(ms);
  child.kill('SIGKILL');
  await once(child, 'close');
}

function check(rig: CacheRig, repair: boolean): string[] {
  const binding = new Binding(disk, rig.dir);
  const findings = [...checkCache(binding, repair ? binding : undefined)].map(
    ({ problem }) => problem,
  );
  binding.release();
  return findings;
}

test(`${KILLS} kills: every read is right, and no space leaks`, async (t) => {
  const sizes = [0x21000, 0x5800, 0x100000, 0x3001, 0x60000, 1, 0x9000];
  const rig = cacheRig(t, Object.fromEntries(sizes.map((size, i) => [`f${i}`, size])));
  const names = sizes.map((_, i) => `f${i}`);
  const prng = new Prng(1);
  t.teardown(() => fs.rmSync(`${rig.server}.next`, { force: true }));
  let cached = 0;
  for (let kill = 1; kill <= KILLS; kill++) {
    await populateAndKill(rig, kill, prng.below(120));
    const strange = check(rig, false).filter((problem) => !REFUSED.includes(problem));
    t.deepEqual(strange, [], `after kill ${kill}`);
    if (kill % 2 === 0) check(rig, true);
    const { bytes, lab } = await rig.readAll(names);
    names.forEach((name, i) => {
      sameBytes(t, bytes[i] as Buffer, fs.readFileSync(path.join(rig.server, name)));
    });
    t.is(lab.cache.counters.checksumFailures, 0, `after kill ${kill}`);
    cached += lab.cache.counters.readBytes;
  }
  t.true(cached > 0, 'nothing was ever found in the cache');
  check(rig, true);
  t.deepEqual(check(rig, false), []);
  t.deepEqual(fs.readdirSync(path.join(rig.dir, 'graveyard')), []);
  for (const { status, map } of auditObjects(disk, rig.dir)) {
    t.is(status.allocated, (map?.map.present ?? 0) * 4096);
  }
});
