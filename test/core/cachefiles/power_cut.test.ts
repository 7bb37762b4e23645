/**
 * Power cuts at random moments of a run that fills, reads and invalidates the cache, while files
 * change on the server, forth and back. What is read afterwards equals the server even when
 * checksums are not looked at. NETFSLAB_POWER_CUTS says how often; the long form is 5000.
 */
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { checkCache } from '../../../src/core/app/cache/audit.js';
import { Binding } from '../../../src/core/cachefiles/binding.js';
import type { LabOptions } from '../../../src/core/lab/options.js';
import { Prng } from '../../../src/core/sim/prng.js';
import { content, makeLab, opened, serverDir } from '../../helpers/lab.js';
import { sameBytes } from '../../helpers/netfs.js';
import { PowerCutDisk } from '../../helpers/power_cut.js';

const CUTS = Number(process.env.NETFSLAB_POWER_CUTS ?? 300);
const FILES = { a: 0x6000, b: 0x1800, c: 0xa000 };
const NAMES = Object.keys(FILES) as (keyof typeof FILES)[];
const DIR = '/cache';
const SMALL = { pageCache: 1 << 20 };

/** The files of the server, each with versions that it may be set to again. */
class Versions {
  readonly server: string;
  readonly #current: Record<string, number> = {};

  constructor(server: string) {
    this.server = server;
    for (const name of NAMES) this.set(name, 0);
  }

  set(name: keyof typeof FILES, version: number): void {
    this.#current[name] = version;
    const file = path.join(this.server, name);
    fs.writeFileSync(file, content(`${name} ${version}`, FILES[name]));
    fs.utimesSync(file, 1e9, 1e9 + version);
  }

  /** What every file is now, to be set again later. */
  save(): () => void {
    const saved = { ...this.#current };
    return () => {
      for (const name of NAMES) this.set(name, saved[name] as number);
    };
  }
}

async function work(
  disk: PowerCutDisk,
  versions: Versions,
  t: ExecutionContext,
  prng: Prng,
  how: Partial<LabOptions>,
) {
  const options = { ...how, ...SMALL, server: versions.server, cacheDir: DIR, backing: disk };
  const made = makeLab(t, {}, { ...options, cacheCheckpointNs: 1e6, cacheLatencyNs: 5e5 });
  for (let step = 0; step < 12; step++) {
    const name = NAMES[prng.below(NAMES.length)] as keyof typeof FILES;
    if (prng.chance(0.3) && how.profile !== 'linux-6.1-9p') versions.set(name, prng.below(4));
    const file = await opened(made.lab, name);
    const start = prng.below(FILES[name]);
    await made.read(file, start, 1 + prng.below(FILES[name] - start));
    if (prng.chance(0.5)) await made.lab.scheduler.drain();
    if (prng.chance(0.5)) await made.lab.run('drop', () => file.fadvise('dontneed'));
    file.close();
    if (prng.chance(0.2)) made.lab.fscache?.quiesce();
  }
  await made.lab.close();
}

/** Reads everything through what is left of the cache: bytes that came from there. */
async function readBack(
  disk: PowerCutDisk,
  versions: Versions,
  t: ExecutionContext,
  how: Partial<LabOptions>,
) {
  const options = { ...how, ...SMALL, server: versions.server, cacheDir: DIR, backing: disk };
  const made = makeLab(t, {}, { ...options, verifyCache: false });
  for (const name of NAMES) {
    const file = await opened(made.lab, name);
    const bytes = await made.read(file, 0, FILES[name]);
    sameBytes(t, bytes, fs.readFileSync(path.join(versions.server, name)));
    file.close();
  }
  await made.lab.close();
  // Without checksums only what looks like a hole is compared, and there must be none.
  t.is(made.lab.cachefiles?.counters.checksumFailures, 0);
  return made.lab.stats.bytes.read;
}

for (const [profile, cacheXattr] of [
  ['linux-5.13-afs', true],
  ['linux-5.13-afs', false],
  ['linux-6.1-afs', true],
  ['linux-6.1-9p', true],
] as const) {
  const title = `${CUTS / 4} power cuts, ${profile}, xattrs: ${cacheXattr}: every read is right`;
  // One after the other: the labs of several at once would all be held in memory.
  test.serial(title, async (t) => {
    const versions = new Versions(serverDir(t, FILES));
    const prng = new Prng(cacheXattr ? 11 : 12);
    let disk = new PowerCutDisk();
    let cached = 0;
    for (let cut = 0; cut < CUTS / 4; cut++) {
      const presence = prng.chance(0.5) ? 'map' : 'both';
      const how: Partial<LabOptions> = { profile, presence, cacheXattr };
      let restore: (() => void) | undefined;
      disk.planCut(1 + prng.below(600), () => {
        restore = versions.save();
      });
      await work(disk, versions, t, prng, how);
      restore?.();
      disk = disk.powerCut(prng);
      const binding = new Binding(disk, DIR);
      const wrong = [...checkCache(binding)].filter(({ problem }) => problem === 'wrong checksums');
      binding.release();
      t.deepEqual(wrong, [], `after cut ${cut}`);
      cached += await readBack(disk, versions, t, how);
    }
    t.true(cached > CUTS * 0x1000, `only ${cached} bytes were ever found in the cache`);
  });
}
