/** fsx on a lab of its own: with or without a cache, with faults drawn from a seed. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { EIO, ENOSPC } from '../../src/core/base/errno.js';
import { DiskBacking } from '../../src/core/io/backing.js';
import { syncDriver } from '../../src/core/io/drivers.js';
import type { IoDone, IoDriver } from '../../src/core/io/types.js';
import { Lab } from '../../src/core/lab/lab.js';
import { LAB_DEFAULTS, type LabOptions, obeys } from '../../src/core/lab/options.js';
import type { Server } from '../../src/core/server/types.js';
import { Prng } from '../../src/core/sim/prng.js';
import type { Task } from '../../src/core/sim/wait_queue.js';
import { Fsx, type FsxFailure, fsxOps } from '../../src/core/workload/fsx.js';
import type { FsxOp } from '../../src/core/workload/fsxops.js';
import { firstBytes } from './bad_server.js';
import { forward } from './forward_server.js';

const MOST = 64 << 10;
const BLOCK = 4096;
/** Longest pause of who reads along. */
const PAUSE_NS = 400_000;
/** In memory where there is such a directory: what is tested is not the disk. */
const SCRATCH = fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir();

/** What a run of fsx is made under. */
export interface FsxCase {
  readonly seed: number;
  readonly count: number;
  readonly cache: boolean;
  /** Server errors, short replies, cache errors. */
  readonly faults: boolean;
  /** Processes that read along. */
  readonly readers?: number;
  readonly options?: Partial<LabOptions>;
  /** Called with the lab before anything is done. */
  readonly prepare?: (lab: Lab) => void;
}

/** The operations of a case. */
export function opsOf({ seed, count }: FsxCase): FsxOp[] {
  return fsxOps(count, new Prng(seed), MOST);
}

/** Runs the operations; what is wrong, also on the server and at rest, or undefined. */
export async function runFsx(
  given: FsxCase,
  ops: readonly FsxOp[] = opsOf(given),
): Promise<FsxFailure | undefined> {
  const dir = fs.mkdtempSync(path.join(SCRATCH, 'netfslab-fsx-'));
  try {
    return await runIn(dir, given, ops);
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

async function runIn(dir: string, given: FsxCase, ops: readonly FsxOp[]) {
  const { seed, cache, faults, readers = 0, options, prepare } = given;
  const prng = new Prng(seed + 1);
  const served = path.join(dir, 'served');
  fs.mkdirSync(served);
  let failing = faults;
  const when = (): boolean => failing && prng.chance(0.03);
  const completion = prng.chance(0.5) ? 'sync' : 'async';
  const lab = new Lab({
    seed,
    pageCache: 1 << 20,
    serverWrites: 'direct',
    dirty: { ratio: 12, backgroundRatio: 3 },
    latencyNs: prng.chance(0.5) ? 0 : 50_000,
    ...(obeys(options?.profile ?? LAB_DEFAULTS.profile, 'completion') && { completion }),
    ...(cache && { cacheDir: path.join(dir, 'cache') }),
    ...(cache && { backing: new HastyBacking(faultyDriver(when, prng)) }),
    wrapServer: (server) => faultyServer(server, when, prng),
    ...options,
    server: served,
  });
  prepare?.(lab);
  const fsx = new Fsx({
    vfs: lab.vfs,
    name: 'f',
    most: MOST,
    foreign: (position, bytes) => lab.server.change('f', { position, bytes }),
    tolerates: (error) => {
      const { code } = error as { code: string };
      // A page that somebody is reading cannot be invalidated.
      if (code === 'EBUSY') return readers > 0;
      return failing && ['EIO', 'ENOSPC', 'EFAULT'].includes(code);
    },
  });
  const pause = (): Task => lab.scheduler.sleep(prng.below(PAUSE_NS));
  const [failure] = await Promise.all([
    lab.run('fsx', () => fsx.run(ops)),
    ...Array.from({ length: readers }, (_, i) => {
      const own = new Prng(seed + 2 + i);
      return lab.run('reader', () => fsx.readAlong(own, pause));
    }),
  ]);
  failing = false;
  if (failure !== undefined) return failure;
  await lab.close();
  const stored = fs.readFileSync(path.join(served, 'f'));
  if (Buffer.compare(stored, fsx.expected) === 0) return undefined;
  const offset = stored.findIndex((byte, i) => byte !== fsx.expected[i]);
  return { at: ops.length, what: `the server has ${stored.length} bytes, not the copy's`, offset };
}

/** Nobody cuts the power here: what would be made durable, at most of the cost, is not. */
class HastyBacking extends DiskBacking {
  override sync(_directory: string, _files: readonly string[], done: IoDone): void {
    done(0);
  }

  override readonly syncNow = (): number => 0;

  override writeDurably(file: string, data: Uint8Array): number {
    return this.writeAt(file, data, 0);
  }
}

// Errors, and replies that are short; a store that fails may have been done in part.
function faultyServer(server: Server, when: () => boolean, prng: Prng): Server {
  return forward(server, {
    sync: (_file, done) => done(0),
    fetch(file, position, into, done) {
      const cut = when() ? prng.below(3) : -1;
      if (cut === 0) done({ result: -EIO, status: undefined });
      else if (cut < 0) server.fetch(file, position, into, done);
      else {
        const part = firstBytes(into, Math.max(1, prng.below(into.count)));
        server.fetch(file, position, part, done);
      }
    },
    store(file, position, from, size, done) {
      const cut = when() ? prng.below(2) : -1;
      if (cut === 0) done({ result: -ENOSPC, status: undefined, before: '' });
      else if (cut < 0) server.store(file, position, from, size, done);
      else {
        server.store(file, position, from, size, (reply) => done({ ...reply, result: -ENOSPC }));
      }
    },
  });
}

// Errors, and reads and writes that do less than they say they should.
function faultyDriver(when: () => boolean, prng: Prng): IoDriver {
  return {
    ...syncDriver,
    read: (fd, into, position, done) => {
      if (!when()) syncDriver.read(fd, into, position, done);
      else if (prng.chance(0.5)) done(-EIO);
      else syncDriver.read(fd, into, position, (got) => done(shortened(got, prng)));
    },
    write: (fd, from, position, done) => {
      if (!when()) syncDriver.write(fd, from, position, done);
      else if (prng.chance(0.5)) done(prng.chance(0.5) ? -ENOSPC : -EIO);
      else syncDriver.write(fd, from, position, (put) => done(shortened(put, prng)));
    },
  };
}

// As much of a transfer as a whole number of blocks can be short of it.
function shortened(bytes: number, prng: Prng): number {
  return bytes <= BLOCK ? bytes : BLOCK * (1 + prng.below(Math.floor(bytes / BLOCK)));
}
