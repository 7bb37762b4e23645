/** fsx on a lab of its own: with or without a cache, with faults drawn from a seed. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { EIO, ENOSPC } from '../../src/core/base/errno.js';
import { DiskBacking } from '../../src/core/io/backing.js';
import { syncDriver } from '../../src/core/io/drivers.js';
import type { IoDriver } from '../../src/core/io/types.js';
import { Lab } from '../../src/core/lab/lab.js';
import type { LabOptions } from '../../src/core/lab/options.js';
import type { Server } from '../../src/core/server/types.js';
import { Prng } from '../../src/core/sim/prng.js';
import { Fsx, type FsxFailure, fsxOps } from '../../src/core/workload/fsx.js';
import type { FsxOp } from '../../src/core/workload/fsxops.js';
import { forward } from './forward_server.js';

const MOST = 64 << 10;

/** What a run of fsx is made under. */
export interface FsxCase {
  readonly seed: number;
  readonly count: number;
  readonly cache: boolean;
  /** Server errors, short replies, cache errors. */
  readonly faults: boolean;
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
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'netfslab-fsx-'));
  try {
    return await runIn(dir, given, ops);
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

async function runIn(dir: string, given: FsxCase, ops: readonly FsxOp[]) {
  const { seed, cache, faults, options, prepare } = given;
  const prng = new Prng(seed + 1);
  const served = path.join(dir, 'served');
  fs.mkdirSync(served);
  let failing = faults;
  const when = (): boolean => failing && prng.chance(0.03);
  const lab = new Lab({
    seed,
    pageCache: 1 << 20,
    serverWrites: 'direct',
    dirty: { ratio: 12, backgroundRatio: 3 },
    latencyNs: prng.chance(0.5) ? 0 : 50_000,
    completion: prng.chance(0.5) ? 'sync' : 'async',
    ...(cache && { cacheDir: path.join(dir, 'cache') }),
    ...(cache && { backing: new DiskBacking(faultyDriver(when)) }),
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
    tolerates: (error) =>
      failing && ['EIO', 'ENOSPC', 'EFAULT'].includes((error as { code: string }).code),
  });
  const failure = await lab.run('fsx', () => fsx.run(ops));
  failing = false;
  if (failure !== undefined) return failure;
  await lab.close();
  const stored = fs.readFileSync(path.join(served, 'f'));
  if (Buffer.compare(stored, fsx.expected) === 0) return undefined;
  const offset = stored.findIndex((byte, i) => byte !== fsx.expected[i]);
  return { at: ops.length, what: `the server has ${stored.length} bytes, not the copy's`, offset };
}

// Errors, and replies that are short; a store that fails may have been done in part.
function faultyServer(server: Server, when: () => boolean, prng: Prng): Server {
  return forward(server, {
    fetch(file, position, into, done) {
      const cut = when() ? prng.below(3) : -1;
      if (cut === 0) done({ result: -EIO, status: undefined });
      else if (cut < 0) server.fetch(file, position, into, done);
      else {
        const count = Math.max(1, prng.below(into.count));
        const part = {
          count,
          segments: (list: Parameters<typeof into.segments>[0]) => {
            into.segments(list);
            let left = count;
            let kept = 0;
            for (const segment of list.segments.slice(0, list.count)) {
              if (left === 0) break;
              segment.length = Math.min(segment.length, left);
              left -= segment.length;
              kept++;
            }
            list.count = kept;
          },
        };
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

function faultyDriver(when: () => boolean): IoDriver {
  return {
    ...syncDriver,
    read: (fd, into, position, done) => {
      if (when()) done(-EIO);
      else syncDriver.read(fd, into, position, done);
    },
    write: (fd, from, position, done) => {
      if (when()) done(-ENOSPC);
      else syncDriver.write(fd, from, position, done);
    },
  };
}
