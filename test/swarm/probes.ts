/**
 * What a plan of small files cannot show: that no step of the engine takes longer because files,
 * trees or memory are large, and that a process killed while it copies a large file leaves the old
 * file or the new one. Costs are time of the processor; what they are compared with is several
 * times what is needed.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkCache } from '../../src/core/app/cache/audit.js';
import { PAGE_SIZE } from '../../src/core/base/range.js';
import { Binding } from '../../src/core/cachefiles/binding.js';
import { CHUNK_BLOCKS } from '../../src/core/cachefiles/content_map.js';
import { Lab } from '../../src/core/lab/lab.js';
import { obeys } from '../../src/core/lab/options.js';
import { PageFrames } from '../../src/core/mm/arena.js';
import { Prng } from '../../src/core/sim/prng.js';
import { forward } from '../helpers/forward_server.js';
import { PowerCutDisk } from '../helpers/power_cut.js';

/** A look at one thing that must not grow: what is wrong, undefined if nothing is. */
type Probe = (profile: string) => Promise<string | undefined>;

/** Every probe. */
export const PROBES = {
  scatteredPages,
  firstOpen,
  nearlyFull,
  largeMap,
  copyUp,
  remembered,
  tornMap,
  cutOff,
} satisfies Record<string, Probe>;

const MEMORY = '/dev/shm';
const ROOT = fs.existsSync(MEMORY) ? MEMORY : os.tmpdir();
/** Longest time that the engine promises to block the loop. */
const BLOCKED_MS = 20;

function cpuMs(): number {
  return process.cpuUsage().user / 1000;
}

async function inDirectory<T>(body: (dir: string) => Promise<T>): Promise<T> {
  const dir = fs.mkdtempSync(path.join(ROOT, 'netfslab-probe-'));
  try {
    return await body(dir);
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

// Dirty pages far apart: the cost of writing one must not depend on how many there are.
async function scatteredPages(profile: string): Promise<string | undefined> {
  const cost = (pages: number): Promise<number> =>
    inDirectory(async (server) => {
      fs.writeFileSync(path.join(server, 'f'), '');
      fs.truncateSync(path.join(server, 'f'), pages * 64 * PAGE_SIZE);
      const lab = new Lab({
        server,
        profile,
        pageCache: Math.max(1 << 20, 2 * pages * PAGE_SIZE),
        serverWrites: 'direct',
        dirty: { ratio: 95, backgroundRatio: 95 },
        wrapServer: (real) =>
          forward(real, {
            store: (_file, _position, _from, _size, done) =>
              done({ result: 0, status: undefined, before: '' }),
          }),
      });
      const file = await lab.run('opener', () => lab.vfs.open('f', { write: true }));
      const page = new Uint8Array(PAGE_SIZE);
      await lab.run('writer', function* () {
        for (let i = 0; i < pages; i++) yield* file.write(page, 0, PAGE_SIZE, i * 64 * PAGE_SIZE);
      });
      const before = cpuMs();
      await lab.run('syncer', () => file.flush());
      const took = cpuMs() - before;
      file.close();
      await lab.close();
      return took / pages;
    });
  await cost(1000);
  const few = Math.min(await cost(500), await cost(500));
  const many = await cost(4000);
  const most = Math.max(3 * few, 0.03);
  return many > most
    ? `a dirty page of 4000 took ${many} ms, one of 500 took ${few} ms`
    : undefined;
}

// The first open in a large tree, which must not be listed for it.
function firstOpen(profile: string): Promise<string | undefined> {
  return inDirectory(async (server) => {
    for (let d = 0; d < 80; d++) {
      fs.mkdirSync(path.join(server, `d${d}`));
      for (let i = 0; i < 100; i++) fs.writeFileSync(path.join(server, `d${d}/f${i}`), '');
    }
    fs.writeFileSync(path.join(server, 'f'), 'x');
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 3; i++) {
      const lab = new Lab({ server, profile, pageCache: 1 << 20 });
      const before = cpuMs();
      const file = await lab.run('opener', () => lab.vfs.open('f'));
      least = Math.min(least, cpuMs() - before);
      file.close();
      await lab.close();
    }
    return least > BLOCKED_MS ? `the first open of 8000 files took ${least} ms` : undefined;
  });
}

async function nearlyFull(): Promise<string | undefined> {
  const frames = new PageFrames(2 ** 33);
  for (let left = frames.count - 4096; left > 0; left -= 512) frames.allocateOrder(9);
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round++) {
    const before = cpuMs();
    const taken = Array.from({ length: 100 }, () => frames.allocateOrder(5));
    least = Math.min(least, cpuMs() - before);
    for (const pfn of taken) frames.release(pfn, 5);
  }
  return least > 2
    ? `100 runs of 32 frames took ${least} ms in memory that is nearly full`
    : undefined;
}

// Counts what is written to maps.
class CountingDisk extends PowerCutDisk {
  written = 0;

  override writeAt(file: string, data: Uint8Array, position: number): number {
    this.written += data.length;
    return super.writeAt(file, data, position);
  }
}

// A page more of a file of which pages everywhere are cached: of its map what changed is written.
function largeMap(profile: string): Promise<string | undefined> {
  return inDirectory(async (server) => {
    const chunks = 500;
    const step = CHUNK_BLOCKS * PAGE_SIZE;
    fs.writeFileSync(path.join(server, 'f'), '');
    fs.truncateSync(path.join(server, 'f'), chunks * step);
    const backing = new CountingDisk();
    const lab = new Lab({
      ...{ server, profile, pageCache: 4 << 20, readAheadKb: 4 },
      ...{ cacheDir: '/cache', backing, presence: 'map' },
    });
    const read = (pages: readonly number[]) =>
      lab.run('reader', function* () {
        const file = yield* lab.vfs.open('f');
        const target = new Uint8Array(PAGE_SIZE);
        for (const page of pages) yield* file.read(target, 0, PAGE_SIZE, page * PAGE_SIZE);
        file.close();
        yield* lab.scheduler.sleep(20e9);
      });
    await read(Array.from({ length: chunks }, (_, i) => i * CHUNK_BLOCKS));
    const before = backing.written;
    await read([7 * CHUNK_BLOCKS + 5]);
    const bytes = backing.written - before;
    await lab.close();
    if (before === 0 || bytes === 0) return 'nothing was written of a map';
    return bytes > before / 10 ? `caching one page more wrote ${bytes} bytes of a map` : undefined;
  });
}

// Loses power at moments that are chosen.
class CuttingDisk extends PowerCutDisk {
  readonly cuts: PowerCutDisk[] = [];
  readonly #prng = new Prng(1);

  protected cut(times: number): void {
    for (let i = 0; i < times; i++) this.cuts.push(this.powerCut(this.#prng));
  }

  /** True if blocks are believed after one of the power cuts that are not what was stored. */
  get isWrong(): boolean {
    return this.cuts.some((disk) => {
      const binding = new Binding(disk, '/cache');
      const problems = [...checkCache(binding)].map(({ problem }) => problem);
      binding.release();
      return problems.includes('wrong checksums');
    });
  }
}

// Much of a map has been written and is not durable yet.
class TearingDisk extends CuttingDisk {
  override writeAt(file: string, data: Uint8Array, position: number): number {
    const result = super.writeAt(file, data, position);
    if (data.length > 2048) this.cut(10);
    return result;
  }
}

// Blocks of a file have just been given up.
class PunchingDisk extends CuttingDisk {
  override punch(fd: number, start: number, length: number): number {
    const result = super.punch(fd, start, length);
    this.cut(60);
    return result;
  }
}

// Of a map that lies on several sectors, some of which were lost with the power, nothing is taken
// for what it is not.
function tornMap(profile: string): Promise<string | undefined> {
  return inDirectory(async (server) => {
    const size = CHUNK_BLOCKS * PAGE_SIZE;
    fs.writeFileSync(path.join(server, 'f'), Buffer.alloc(size, 0x41));
    const backing = new TearingDisk();
    const lab = new Lab({ server, profile, pageCache: 2 * size, cacheDir: '/cache', backing });
    await lab.run('reader', function* () {
      const file = yield* lab.vfs.open('f');
      yield* file.read(new Uint8Array(size), 0, size, 0);
      file.close();
      yield* lab.scheduler.sleep(20e9);
    });
    await lab.close();
    if (backing.cuts.length === 0) return 'nothing was written of a map';
    return backing.isWrong ? 'a torn map is believed after a power cut' : undefined;
  });
}

// What is cached is cut off and, where stores are not cached, overwritten.
function cutOff(profile: string): Promise<string | undefined> {
  return inDirectory(async (server) => {
    const size = 16 * PAGE_SIZE;
    fs.writeFileSync(path.join(server, 'f'), Buffer.alloc(size, 0x41));
    const backing = new PunchingDisk();
    const forgets = obeys(profile, 'cacheWrites');
    const lab = new Lab({
      ...{ server, profile, pageCache: 1 << 20, cacheDir: '/cache', backing },
      serverWrites: 'direct',
      ...(forgets && { cacheWrites: 'invalidate' }),
    });
    await lab.run('program', function* () {
      const reader = yield* lab.vfs.open('f');
      yield* reader.read(new Uint8Array(size), 0, size, 0);
      reader.close();
      yield* lab.scheduler.sleep(20e9);
      backing.settle();
      const writer = yield* lab.vfs.open('f', { write: true });
      // Until its object has been looked up.
      yield* lab.scheduler.sleep(1e9);
      // What comes first takes the other's blocks out of the map, too.
      if (forgets) yield* writer.write(new Uint8Array(PAGE_SIZE), 0, PAGE_SIZE, PAGE_SIZE);
      yield* writer.flush();
      yield* writer.truncate(5 * PAGE_SIZE);
      writer.close();
    });
    await lab.close();
    return backing.isWrong ? 'blocks that were given up are believed after a power cut' : undefined;
  });
}

// Files that nobody uses any more are forgotten beyond a number.
function remembered(profile: string): Promise<string | undefined> {
  return inDirectory(async (server) => {
    for (let i = 0; i < 300; i++) fs.writeFileSync(path.join(server, `f${i}`), 'x');
    const lab = new Lab({ server, profile, pageCache: 1 << 20, inodes: 16 });
    await lab.run('opener', function* () {
      for (let i = 0; i < 300; i++) (yield* lab.vfs.open(`f${i}`)).close();
    });
    const { vnodes } = lab.client;
    await lab.close();
    return vnodes > 100 ? `${vnodes} of 300 files are remembered, for 16` : undefined;
  });
}

// A process killed while it copies a served file, because somebody writes to it.
function copyUp(profile: string): Promise<string | undefined> {
  return inDirectory(async (dir) => {
    const [served, overlay] = [path.join(dir, 'served'), path.join(dir, 'overlay')];
    for (const each of [served, overlay]) fs.mkdirSync(each);
    const size = 96 << 20;
    fs.writeFileSync(path.join(served, 'f'), Buffer.alloc(size, 0x41));
    const script = fileURLToPath(new URL('probe_child.js', import.meta.url));
    const child = fork(script, [profile, served, overlay], {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    const ended = once(child, 'exit');
    await Promise.race([once(child, 'message'), ended]);
    const until = Date.now() + 5000;
    while (bytesIn(overlay) < size / 8 && Date.now() < until && child.exitCode === null);
    child.kill('SIGKILL');
    await ended;
    const copy = path.join(overlay, 'f');
    if (!fs.existsSync(copy)) return undefined;
    const found = fs.statSync(copy);
    const whole = found.size === size && fs.readFileSync(copy).every((byte) => byte === 0x41);
    return whole
      ? undefined
      : 'a process that was killed left half a copy of a file in the overlay';
  });
}

// Bytes of every file beneath a directory, as far as they are written.
function bytesIn(directory: string): number {
  let sum = 0;
  for (const entry of fs.readdirSync(directory, { withFileTypes: true, recursive: true })) {
    const status = fs.statSync(path.join(entry.parentPath, entry.name), { throwIfNoEntry: false });
    if (status?.isFile() === true) sum += status.blocks * 512;
  }
  return sum;
}
