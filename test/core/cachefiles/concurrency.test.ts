/**
 * Eight readers at once on the virtual clock, while files change on the server and objects are
 * invalidated, evicted and culled. Close-to-open: every page that is read is of a version that the
 * file had between its opening and the end of the read. NETFSLAB_OPERATIONS says how many reads,
 * over at most 200 seeds; the long form is 1000000.
 */
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Lab } from '../../../src/core/lab/lab.js';
import type { LabOptions } from '../../../src/core/lab/options.js';
import { Prng } from '../../../src/core/sim/prng.js';
import { cacheRig } from '../../helpers/cache.js';
import { content } from '../../helpers/lab.js';
import { counters } from '../../helpers/netfs.js';

const OPERATIONS = Number(process.env.NETFSLAB_OPERATIONS ?? 10_000);
const READERS = 8;
const SEEDS = Math.min(200, Math.ceil(OPERATIONS / 500));
const PER_SEED = Math.ceil(OPERATIONS / SEEDS / READERS) * READERS;
const PAGE = 4096;
const SIZES = [0x800, 0x3000, 0x9800, 0x20000, 0x31000];

/** A served file whose versions are numbered from 0. */
class ChangingFile {
  readonly name: string;
  readonly size: number;
  version = -1;
  readonly #path: string;
  /** By number; those of earlier seeds are gone. */
  readonly #versions = new Map<number, Buffer>();

  constructor(server: string, index: number) {
    this.name = `f${index}`;
    this.size = SIZES[index] as number;
    this.#path = path.join(server, this.name);
    this.change();
  }

  change(): void {
    this.version++;
    const bytes = content(`${this.name} ${this.version}`, this.size);
    this.#versions.set(this.version, bytes);
    fs.writeFileSync(this.#path, bytes);
    fs.utimesSync(this.#path, 1e9, 1e9 + this.version);
  }

  /** Nobody has it open: only the present version is of use. */
  forgetOld(): void {
    for (const version of this.#versions.keys()) {
      if (version < this.version) this.#versions.delete(version);
    }
  }

  /** True if a page is that of one of the versions [first, last]. */
  isPageOf(bytes: Buffer, position: number, first: number, last: number): boolean {
    for (let version = first; version <= last; version++) {
      const page = this.#versions.get(version)?.subarray(position, position + bytes.length);
      if (page !== undefined && bytes.equals(page)) return true;
    }
    return false;
  }
}

function* reader(t: ExecutionContext, lab: Lab, files: ChangingFile[], prng: Prng) {
  const target = Buffer.alloc(0x31000);
  for (let step = 0; step < PER_SEED / READERS; step++) {
    const file = files[prng.below(files.length)] as ChangingFile;
    if (prng.chance(0.1)) file.change();
    const first = file.version;
    const open = yield* lab.vfs.open(file.name);
    if (prng.chance(0.3)) yield* lab.scheduler.sleep(prng.below(500_000));
    const position = prng.below(file.size);
    const got: number = yield* open.read(target, 0, 1 + prng.below(file.size), position);
    for (let at = position; at < position + got; at = (Math.floor(at / PAGE) + 1) * PAGE) {
      const end = Math.min(position + got, (Math.floor(at / PAGE) + 1) * PAGE);
      const bytes = target.subarray(at - position, end - position);
      if (!file.isPageOf(bytes, at, first, file.version)) {
        t.fail(`seed ${lab.options.seed}: wrong bytes in ${file.name} at ${at}`);
      }
    }
    if (prng.chance(0.3)) yield* open.fadvise('dontneed');
    open.close();
    if (prng.chance(0.1)) lab.fscache?.quiesce();
  }
}

test(`${OPERATIONS} reads by eight at once: no wrong byte, nothing stuck`, async (t) => {
  const rig = cacheRig(t, {});
  const files = SIZES.map((_, i) => new ChangingFile(rig.server, i));
  const total = { hits: 0, culled: 0, outdated: 0, stale: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    for (const file of files) file.forgetOld();
    const options: Partial<LabOptions> = {
      seed,
      presence: (['map', 'both'] as const)[seed % 2] as 'map',
      completion: 'async',
      latencyNs: 300_000,
      jitterNs: 300_000,
      cacheSize: seed % 4 === 0 ? 0x60000 : 0,
      cacheLimits: { run: 50, cull: 30, stop: 10 },
      pageCache: 1 << 20,
    };
    const { lab, cache } = rig.lab({ ...options, sink: undefined });
    const prng = new Prng(seed);
    const strands = Array.from({ length: READERS }, (_, i) => {
      const own = prng.fork();
      return lab.spawn(`reader/${i}`, () => reader(t, lab, files, own));
    });
    await lab.scheduler.run(() => strands.every(({ done }) => done));
    await lab.close();
    t.like(counters(lab), { rr: undefined, sr: undefined });
    t.is(cache.counters.checksumFailures, 0);
    total.hits += cache.counters.reads;
    total.culled += cache.counters.culled;
    total.outdated += cache.counters.outdatedStores;
    total.stale += cache.counters.stale;
  }
  // Whatever is to be borne did happen.
  for (const [what, count] of Object.entries(total)) t.true(count > 0, what);
});
