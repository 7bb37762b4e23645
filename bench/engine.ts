/**
 * The contests of the engine: hot, warm and cold reads, a slow server, tracing, events into the
 * database, the virtual clock, memory. Peers are fio and nbdkit; sizes are in bench/README.md.
 */
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { DRIVERS } from '../src/core/io/drivers.js';
import type { EngineReport, EngineRun } from './engine_child.js';
import {
  dropFile,
  engine,
  fio,
  fioWrite,
  makeFile,
  msFor,
  nbdkit,
  runEngine,
  warmFile,
  yardstick,
} from './engine_tools.js';
import type { Contest, ContestSource, Setting } from './harness.js';
import { startUp } from './startup.js';
import { expectEqual } from './tools.js';

const MIB = 2 ** 20;
const K4 = 4096;
const K128 = 131_072;
/** Random reads are compared as the time for so many. */
const RANDOM_OPS = 100_000;
/** fio is told to do the same number of things at once. */
const DEPTH = 32;

/** A server with one file `f`, its cache directory, and what to run on them. */
interface Ground {
  readonly folder: string;
  readonly server: string;
  readonly file: string;
  readonly cacheDir: string;
  readonly bytes: number;
}

function ground({ folder }: Setting, name: string, bytes: number): Ground {
  const server = join(folder, name);
  const file = join(server, 'f');
  mkdirSync(server, { recursive: true });
  makeFile(file, bytes);
  return { folder, server, file, cacheDir: join(folder, `${name}.cache`), bytes };
}

/** What is said of each contest whose runs of the engine take it; those named `small pages` do not. */
const HUGE = { hugePages: true } as const;
/** A processor is kept for the engine where there are several. */
const KEPT = os.cpus().length > 1 ? { cpu: 0 } : {};

/** `--io sqpoll` where it can be had. */
function polled(): { readonly io?: 'sqpoll' } {
  try {
    DRIVERS.sqpoll().close();
    return { io: 'sqpoll' };
  } catch {
    return {};
  }
}

const SEQUENTIAL = { rw: 'read', bs: K128 } as const;

function timed(rw: 'randread', seconds: number) {
  return { rw, bs: K4, numjobs: DEPTH, runtime: seconds * 1e9, timeBased: true } as const;
}

/** Fills the cache of a ground, as a cold run does. */
function fillCache({ server, cacheDir }: Ground): void {
  rmSync(cacheDir, { recursive: true, force: true });
  const lab = { server, cacheDir, clock: 'real', readAheadKb: 1024 } as const;
  runEngine({ lab, run: SEQUENTIAL });
}

function expectWarm({ serverBytes }: EngineReport): void {
  expectEqual('bytes asked of the server', serverBytes, 0);
}

const per100k = ({ ops, elapsedMs }: EngineReport) => ({ ms: msFor(RANDOM_OPS, ops, elapsedMs) });

/** Reads out of the page cache, in this process, against fio through a system call. */
function hot(name: string, rw: 'read' | 'randread', bs: number, atLeast: number): ContestSource {
  return {
    name,
    doc: `reads of ${bs / 1024} KiB out of the page cache, against fio psync`,
    setUp(setting): Contest {
      const bytes = setting.size('hot-mib', 48, 16) * MIB;
      const loops = setting.size('hot-loops', bs === K4 ? 100 : 200, 3);
      const { server, file } = ground(setting, name, bytes);
      const lab = { server, clock: 'real', pageCache: bytes + 16 * MIB, hugePages: true } as const;
      const size = `--size=${bytes}`;
      return {
        name,
        what: `${loops} passes over ${bytes / MIB} MiB, ${rw}, ${bs / 1024} KiB, one job, --huge-pages`,
        contestants: [
          engine({
            name: 'netfslab',
            run: () => ({ lab, warm: SEQUENTIAL, run: { rw, bs, loops } }),
            check: ({ hits, ops }) => expectEqual('reads that hit', hits, ops),
          }),
          engine({
            name: 'small pages',
            run: () => ({
              lab: { ...lab, hugePages: false },
              warm: SEQUENTIAL,
              run: { rw, bs, loops },
            }),
          }),
          fio('fio psync', file, (loops * bytes) / bs, [
            ...['--ioengine=psync', `--rw=${rw}`, `--bs=${bs}`, size, `--loops=${loops}`],
            '--invalidate=0',
          ]),
        ],
        goals: [{ faster: 'netfslab', than: 'fio psync', atLeast }],
      };
    },
  };
}

const warmRandom: ContestSource = {
  name: 'warm-random',
  doc: 'random 4 KiB from a full disk cache, 32 at once, against fio io_uring and nbdkit',
  setUp(setting): Contest {
    const bytes = setting.size('warm-mib', 1024, 64) * MIB;
    const seconds = setting.size('seconds', 8, 1);
    const made = ground(setting, 'warm-random', bytes);
    fillCache(made);
    const { server, cacheDir, file, folder } = made;
    // A page cache that holds a few percent of the file.
    const small = { server, cacheDir, clock: 'real', pageCache: 16 * MIB } as const;
    const kept = { ...small, ...HUGE, ...KEPT };
    const lab = { ...small, ...HUGE, ...polled() };
    const shared = ['--rw=randread', '--bs=4k', `--size=${bytes}`, `--iodepth=${DEPTH}`];
    const run = timed('randread', seconds);
    const fioFor = (time: number) => [...shared, '--time_based', `--runtime=${time}`];
    // What nbdkit reads stays in the kernel's page cache, in blocks of 64 KiB: after some seconds
    // it reads from memory.
    const nbdkitSeconds = Math.min(seconds, 4);
    const traced = join(folder, 'warm-random.db');
    return {
      name: 'warm-random',
      what: `time for ${RANDOM_OPS} random reads of 4 KiB from ${bytes / MIB} MiB, ${DEPTH} at once, --huge-pages --io sqpoll`,
      contestants: [
        engine({
          name: 'netfslab',
          run: () => ({ lab, run }),
          measure: per100k,
          check: expectWarm,
        }),
        fio('fio io_uring direct', file, RANDOM_OPS, [
          ...['--ioengine=io_uring', '--direct=1'],
          ...fioFor(seconds),
        ]),
        nbdkit({
          ...{ name: 'nbdkit cache', file, folder, filters: ['cache'], warm: true },
          parameters: ['cache-on-read=true'],
          ...{ fio: fioFor(nbdkitSeconds), ops: RANDOM_OPS },
        }),
        engine({ name: '--io uring --cpu 0', run: () => ({ lab: kept, run }), measure: per100k }),
        engine({
          name: 'traced',
          prepare: () => rmSync(traced, { force: true }),
          run: () => ({ lab: kept, run, out: traced }),
          measure: per100k,
          check: ({ lost }) => expectEqual('lost events', lost, 0),
        }),
        engine({ name: 'by default', run: () => ({ lab: small, run }), measure: per100k }),
        engine({
          name: 'not verified',
          run: () => ({ lab: { ...lab, verifyCache: false }, run }),
          measure: per100k,
        }),
      ],
      goals: [
        { faster: 'netfslab', than: 'fio io_uring direct', atLeast: 0.8 },
        { faster: 'netfslab', than: 'nbdkit cache', atLeast: 5 },
        { faster: 'traced', than: '--io uring --cpu 0', atLeast: 1 / 1.15 },
        { faster: 'netfslab', than: 'not verified', atLeast: 1 / 1.15 },
      ],
    };
  },
};

const warmSequential: ContestSource = {
  name: 'warm-sequential',
  doc: 'sequential 128 KiB from a full disk cache, one reader, against fio io_uring and nbdkit',
  setUp(setting): Contest {
    const bytes = setting.size('warm-mib', 1024, 64) * MIB;
    const made = ground(setting, 'warm-sequential', bytes);
    fillCache(made);
    const { server, cacheDir, file, folder } = made;
    const lab = { ...HUGE, server, cacheDir, clock: 'real', readAheadKb: 1024 } as const;
    const traced = join(folder, 'warm-sequential.db');
    const direct = ['--ioengine=io_uring', '--direct=1', '--iodepth=8', '--rw=read', '--bs=128k'];
    return {
      name: 'warm-sequential',
      what: `${bytes / MIB} MiB once, 128 KiB reads, one reader, --read-ahead-kb 1024 --huge-pages`,
      contestants: [
        engine({ name: 'netfslab', run: () => ({ lab, run: SEQUENTIAL }), check: expectWarm }),
        fio('fio io_uring direct', file, bytes / K128, [...direct, `--size=${bytes}`]),
        nbdkit({
          ...{ name: 'nbdkit cache', file, folder, filters: ['cache'], warm: true, ops: 0 },
          parameters: ['cache-on-read=true'],
        }),
        engine({
          name: 'small pages',
          run: () => ({ lab: { ...lab, hugePages: false }, run: SEQUENTIAL }),
        }),
        engine({
          name: '--streams 4',
          run: () => ({ lab: { ...lab, streams: 4 }, run: SEQUENTIAL }),
        }),
        engine({
          name: '--read-ahead-kb 128',
          run: () => ({ lab: { ...lab, readAheadKb: 128 }, run: SEQUENTIAL }),
        }),
        engine({
          name: 'traced',
          prepare: () => rmSync(traced, { force: true }),
          run: () => ({ lab, run: SEQUENTIAL, out: traced }),
          check: ({ lost }) => expectEqual('lost events', lost, 0),
        }),
        engine({
          name: 'not verified',
          run: () => ({ lab: { ...lab, verifyCache: false }, run: SEQUENTIAL }),
        }),
      ],
      goals: [
        { faster: 'netfslab', than: 'fio io_uring direct', atLeast: 0.8 },
        { faster: 'netfslab', than: 'nbdkit cache', atLeast: 2 },
        { faster: 'traced', than: 'netfslab', atLeast: 1 / 1.15 },
        { faster: 'netfslab', than: 'not verified', atLeast: 1 / 1.15 },
      ],
    };
  },
};

const cold: ContestSource = {
  name: 'cold-sequential',
  doc: 'a file read once while it is stored in the cache, against nbdkit and no cache',
  setUp(setting): Contest {
    const bytes = setting.size('cold-mib', 1024, 64) * MIB;
    const { server, cacheDir, file, folder } = ground(setting, 'cold-sequential', bytes);
    const lab = { ...HUGE, server, clock: 'real', readAheadKb: 1024 } as const;
    return {
      name: 'cold-sequential',
      what: `${bytes / MIB} MiB once, 128 KiB reads, until the last byte is delivered, --huge-pages`,
      contestants: [
        engine({
          name: 'netfslab',
          prepare() {
            rmSync(cacheDir, { recursive: true, force: true });
            warmFile(file);
          },
          run: () => ({ lab: { ...lab, cacheDir }, run: SEQUENTIAL }),
        }),
        engine({
          name: 'without a cache',
          prepare: () => warmFile(file),
          run: () => ({ lab, run: SEQUENTIAL }),
        }),
        engine({
          name: 'small pages',
          prepare() {
            rmSync(cacheDir, { recursive: true, force: true });
            warmFile(file);
          },
          run: () => ({ lab: { ...lab, cacheDir, hugePages: false }, run: SEQUENTIAL }),
        }),
        nbdkit({
          ...{ name: 'nbdkit cache', file, folder, filters: ['cache'], warm: false, ops: 0 },
          parameters: ['cache-on-read=true'],
        }),
        // No goal: what the disk takes bounds every cache that writes through to it.
        fioWrite('fio write direct', join(folder, 'cold-written'), bytes),
      ],
      goals: [
        { faster: 'netfslab', than: 'nbdkit cache', atLeast: 2 },
        { faster: 'netfslab', than: 'without a cache', atLeast: 1 / 1.25 },
      ],
    };
  },
};

const slowServer: ContestSource = {
  name: 'slow-server',
  doc: 'a server with 2 ms latency, one sequential reader, against no readahead and nbdkit',
  setUp(setting): Contest {
    const bytes = setting.size('slow-mib', 256, 16) * MIB;
    const { server, file, folder } = ground(setting, 'slow-server', bytes);
    const lab = { server, clock: 'real', latencyNs: 2e6, streams: 'auto' } as const;
    const reader = ['--rw=read', '--bs=128k', '--iodepth=1', `--size=${bytes}`];
    const delayed = (name: string, filters: string[], parameters: string[]) =>
      nbdkit({
        ...{ name, file, folder, warm: false, fio: reader, ops: bytes / K128 },
        filters: [...filters, 'delay'],
        parameters: ['rdelay=2ms', ...parameters],
      });
    return {
      name: 'slow-server',
      what: `${bytes / MIB} MiB once, 128 KiB reads, each server operation takes 2 ms`,
      contestants: [
        engine({ name: 'netfslab', run: () => ({ lab, run: SEQUENTIAL }) }),
        engine({
          // An eighth of the work, times 8: each page takes its 2 ms.
          name: 'no readahead',
          run: () => ({
            lab: { ...lab, readAheadKb: 0, streams: 1 },
            run: { ...SEQUENTIAL, size: bytes / 8 },
          }),
          measure: ({ elapsedMs }) => ({ ms: 8 * elapsedMs }),
        }),
        engine({
          name: '--streams 1',
          run: () => ({ lab: { ...lab, streams: 1 }, run: SEQUENTIAL }),
        }),
        delayed('nbdkit', [], []),
        delayed('nbdkit readahead', ['readahead'], []),
        delayed('nbdkit cache 1m', ['cache'], ['cache-on-read=true', 'cache-min-block-size=1M']),
      ],
      goals: [
        { faster: 'netfslab', than: 'no readahead', atLeast: 5 },
        { faster: 'netfslab', than: 'nbdkit', atLeast: 2 },
        { faster: 'netfslab', than: 'nbdkit readahead', atLeast: 2 },
        { faster: 'netfslab', than: 'nbdkit cache 1m', atLeast: 2 },
      ],
    };
  },
};

/** A file of `bytes` bytes that takes no space. */
function sparse({ folder }: Setting, name: string, bytes: number): string {
  const server = join(folder, name);
  mkdirSync(server, { recursive: true });
  writeFileSync(join(server, 'f'), '');
  truncateSync(join(server, 'f'), bytes);
  return server;
}

const events: ContestSource = {
  name: 'events',
  doc: 'events of the virtual clock into the finished database, against 400,000 a second',
  setUp(setting): Contest {
    const loops = setting.size('events-loops', 40, 1);
    const { server } = ground(setting, 'events', 48 * MIB);
    const out = join(setting.folder, 'events.db');
    let report: EngineReport | undefined;
    const run: EngineRun = {
      lab: { server, pageCache: MIB },
      run: { rw: 'randread', bs: K4, loops, opLog: 'none' },
      out,
    };
    return {
      name: 'events',
      what: `${loops} passes over 48 MiB on the virtual clock, random 4 KiB reads, traced`,
      contestants: [
        engine({
          name: 'netfslab',
          prepare: () => rmSync(out, { force: true }),
          run: () => run,
          measure(given) {
            report = given;
            return { ms: given.wallMs + given.finishMs };
          },
          check: ({ lost }) => expectEqual('lost events', lost, 0),
        }),
        yardstick('400,000 events/s', () => ((report?.events ?? 0) / 400_000) * 1000),
      ],
      goals: [{ faster: 'netfslab', than: '400,000 events/s', atLeast: 1 }],
    };
  },
};

const virtual: ContestSource = {
  name: 'virtual-clock',
  doc: 'a server of 20 ms on the virtual clock, against the time that is simulated',
  setUp(setting): Contest {
    const loops = setting.size('virtual-loops', 80, 8);
    const { server } = ground(setting, 'virtual-clock', 128 * MIB);
    let simulatedMs = 0;
    const lab = { server, latencyNs: 20e6 } as const;
    return {
      name: 'virtual-clock',
      what: `${loops} passes over 128 MiB, 128 KiB reads; an eighth of them eight times over`,
      contestants: [
        engine({
          name: 'netfslab',
          run: () => ({ lab, run: { ...SEQUENTIAL, loops } }),
          measure({ elapsedMs, wallMs }) {
            simulatedMs = elapsedMs;
            return { ms: wallMs };
          },
        }),
        yardstick('simulated time', () => simulatedMs),
        engine({
          name: 'an eighth, times 8',
          run: () => ({ lab, run: { ...SEQUENTIAL, loops: loops / 8 } }),
          measure: ({ wallMs }) => ({ ms: 8 * wallMs }),
        }),
      ],
      goals: [
        { faster: 'netfslab', than: 'simulated time', atLeast: 50 },
        { faster: 'netfslab', than: 'an eighth, times 8', atLeast: 0.9 },
      ],
    };
  },
};

const memory: ContestSource = {
  name: 'memory',
  doc: 'a large sparse file in sequence: the memory of the process stays within its page cache',
  setUp(setting): Contest {
    const bytes = setting.size('memory-mib', 16_384, 256) * MIB;
    const server = sparse(setting, 'memory', bytes);
    const pageCache = 64 * MIB;
    const lab = { server, clock: 'real', readAheadKb: 1024, pageCache } as const;
    return {
      name: 'memory',
      what: `${bytes / MIB} MiB of a sparse file, page cache 64 MiB; at most 264 MiB are held`,
      contestants: [
        {
          ...engine({ name: 'netfslab', run: () => ({ lab, run: SEQUENTIAL }) }),
          run() {
            const { elapsedMs, peakMiB } = runEngine({ lab, run: SEQUENTIAL });
            if (peakMiB > 264) throw new Error(`${Math.round(peakMiB)} MiB were held`);
            return { ms: elapsedMs, peakMiB };
          },
          verify: () => dropFile(join(server, 'f')),
        },
      ],
    };
  },
};

/** Every contest of the engine. */
export const ENGINE_CONTESTS: readonly ContestSource[] = [
  hot('hot-random', 'randread', K4, 2),
  hot('hot-sequential', 'read', K128, 1),
  warmRandom,
  warmSequential,
  cold,
  slowServer,
  events,
  virtual,
  memory,
  startUp,
];
