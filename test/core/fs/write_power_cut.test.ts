/**
 * Power cuts at random moments of a run that writes, cuts off and syncs files through a cache.
 * Afterwards every byte that was synced is on the server, and what is read through what is left of
 * the cache is what the server has. NETFSLAB_WRITE_CUTS says how often; the long form is 2000.
 */
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { EIO } from '../../../src/core/base/errno.js';
import type { Server } from '../../../src/core/server/types.js';
import { Prng } from '../../../src/core/sim/prng.js';
import type { VfsFile } from '../../../src/core/vfs/types.js';
import { forward } from '../../helpers/forward_server.js';
import { content, makeLab, opened, serverDir } from '../../helpers/lab.js';
import { sameBytes } from '../../helpers/netfs.js';
import { PowerCutDisk } from '../../helpers/power_cut.js';

const CUTS = Number(process.env.NETFSLAB_WRITE_CUTS ?? 40);
const FILES = { a: 0x6000, b: 0x1800, c: 0xa000 };
const NAMES = Object.keys(FILES) as (keyof typeof FILES)[];
const MOST = 0xc000;
const DIR = '/cache';

/** What is known of a file: its bytes, and those that were written since it was last synced. */
class Known {
  readonly bytes = new Uint8Array(MOST);
  readonly unsynced = new Uint8Array(MOST);
  size: number;
  /** The size may be either until it is synced. */
  sizeUnsynced = false;

  constructor(now: Uint8Array) {
    this.bytes.set(now);
    this.size = now.length;
  }

  synced(): void {
    this.unsynced.fill(0);
    this.sizeUnsynced = false;
  }
}

/** One lab's life, until the power goes: what must be on the server then. */
class Life {
  readonly known = new Map<string, Known>();
  cut = false;
  readonly #t: ExecutionContext;
  readonly #server: string;
  readonly #disk: PowerCutDisk;

  constructor(t: ExecutionContext, server: string, disk: PowerCutDisk) {
    this.#t = t;
    this.#server = server;
    this.#disk = disk;
  }

  async work(prng: Prng): Promise<void> {
    const made = makeLab(
      this.#t,
      {},
      {
        server: this.#server,
        serverWrites: 'direct',
        cacheDir: DIR,
        backing: this.#disk,
        cacheCheckpointNs: 1e6,
        cacheLatencyNs: 5e5,
        wrapServer: (server) => this.#unplugged(server),
      },
    );
    for (let step = 0; step < 14 && !this.cut; step++) {
      const name = NAMES[prng.below(NAMES.length)] as keyof typeof FILES;
      const file = await opened(made.lab, name, { write: true });
      await made.lab.run('worker', () => this.#step(file, this.#of(name), prng)).catch(() => {});
      file.close();
      if (prng.chance(0.3)) await made.lab.scheduler.drain();
      if (prng.chance(0.2)) made.lab.fscache?.quiesce();
    }
    await made.lab.close();
  }

  #of(name: string): Known {
    let known = this.known.get(name);
    if (known === undefined) {
      known = new Known(fs.readFileSync(path.join(this.#server, name)));
      this.known.set(name, known);
    }
    return known;
  }

  *#step(file: VfsFile, known: Known, prng: Prng) {
    const start = prng.below(MOST);
    const count = 1 + prng.below(Math.min(0x2800, MOST - start));
    if (prng.chance(0.4)) yield* file.read(new Uint8Array(count), 0, count, start);
    if (prng.chance(0.15)) {
      known.sizeUnsynced = true;
      known.unsynced.fill(1, start);
      yield* file.truncate(start);
      known.bytes.fill(0, start);
      known.size = start;
    } else {
      const salt = prng.below(251);
      const bytes = Uint8Array.from(
        { length: count },
        (_, i) => 1 + ((start + i * 7 + salt) % 251),
      );
      known.unsynced.fill(1, Math.min(start, known.size), start + count);
      known.sizeUnsynced ||= start + count > known.size;
      yield* file.write(bytes, 0, count, start);
      known.bytes.set(bytes, start);
      known.size = Math.max(known.size, start + count);
    }
    if (prng.chance(0.5)) {
      yield* file.fsync();
      if (!this.cut) known.synced();
    }
    if (prng.chance(0.4)) yield* file.fadvise('dontneed');
  }

  // Once the power is gone nothing reaches the server.
  #unplugged(server: Server): Server {
    const gone = { result: -EIO, status: undefined, before: '' };
    return forward(server, {
      store: (file, position, from, size, done) =>
        this.cut ? done(gone) : server.store(file, position, from, size, done),
      setSize: (file, size, done) => (this.cut ? done(gone) : server.setSize(file, size, done)),
      sync: (file, done) => (this.cut ? done(-EIO) : server.sync(file, done)),
    });
  }
}

test(`${CUTS} power cuts: synced bytes are on the server, and the cache gives no others`, async (t) => {
  const server = serverDir(t, FILES);
  const prng = new Prng(21);
  let disk = new PowerCutDisk();
  let cached = 0;
  for (let cut = 0; cut < CUTS; cut++) {
    for (const name of NAMES) {
      if (prng.chance(0.2)) fs.writeFileSync(path.join(server, name), content(name, FILES[name]));
    }
    const life = new Life(t, server, disk);
    disk.planCut(1 + prng.below(400), () => {
      life.cut = true;
    });
    await life.work(prng);
    for (const [name, known] of life.known) {
      const now = fs.readFileSync(path.join(server, name));
      if (!known.sizeUnsynced) t.is(now.length, known.size, `size of ${name} after cut ${cut}`);
      const lost = known.bytes.findIndex(
        (byte, i) => i < known.size && known.unsynced[i] === 0 && now[i] !== byte,
      );
      t.is(lost, -1, `${name} after cut ${cut}`);
    }
    disk = disk.powerCut(prng);
    const made = makeLab(t, {}, { server, cacheDir: DIR, backing: disk });
    for (const name of NAMES) {
      const file = await opened(made.lab, name);
      const expected = fs.readFileSync(path.join(server, name));
      sameBytes(t, await made.read(file, 0, MOST), expected);
      file.close();
    }
    await made.lab.close();
    cached += made.lab.stats.bytes.read;
  }
  t.true(cached > 0, 'nothing was ever found in the cache');
});
