/**
 * Every way of counting bytes against a model of its own: random workloads are run, a shadow keeps
 * an array element per byte of each file and takes only the raw events of slices and the rows of
 * operations, and its origins must be those of `trace why`, `hits`, `sources`, `summary`, of the
 * run's own summary and of the Node API. `NETFSLAB_CASES` (1000 for the long form) and
 * `NETFSLAB_SEED` as in read_helper.test.ts.
 */
import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { ANALYSES } from '../../src/core/analysis/index.js';
import type { Row } from '../../src/core/analysis/types.js';
import { RUN_DEFAULTS, runWorkload } from '../../src/core/app/run/run.js';
import { rowsOf, runAnalysis } from '../../src/core/app/trace/query.js';
import { summarise } from '../../src/core/app/trace/summary.js';
import { errnoOf } from '../../src/core/base/errno.js';
import { PROFILES } from '../../src/core/profile/index.js';
import { Prng } from '../../src/core/sim/prng.js';
import { openTrace } from '../../src/index.js';
import { misbehave } from '../helpers/bad_server.js';
import { tempDir } from '../helpers/lab.js';

const CASES = Math.max(24, Math.min(5000, Number(process.env.NETFSLAB_CASES ?? 24)));
const SEED = Number(process.env.NETFSLAB_SEED ?? 20210423);

const FILES = { small: 100, page: 4096, odd: 70_001, sparse: 150_000 } as const;
/** Does not fit into the smallest page cache. */
const LARGE = 1_300_000;

const workload = fc.record({
  seed: fc.nat(),
  profile: fc.constantFrom(...PROFILES.map(({ name }) => name)),
  rw: fc.constantFrom('read', 'read', 'randread', 'randrw', 'rw', 'write'),
  bs: fc.constantFrom(1000, 4096, 5000, 16_384, 100_000),
  numjobs: fc.constantFrom(1, 1, 2, 3),
  loops: fc.constantFrom(1, 2, 3),
  direct: fc.constantFrom(false, false, false, true),
  offset: fc.constantFrom(0, 0, 50, 4096),
  pageCache: fc.constantFrom(1 << 20, 1 << 20, 64 << 20),
  cache: fc.constantFrom('none', 'new', 'warm', 'tiny'),
  latencyNs: fc.constantFrom(0, 100_000, 2_000_000),
  completion: fc.constantFrom('sync' as const, 'async' as const),
  large: fc.constantFrom(false, false, false, true),
  granule: fc.constantFrom(4096, 16_384),
  faults: fc.constantFrom(0, 0, 0, 30),
  fadvise: fc.constantFrom(undefined, undefined, 'random' as const, 'sequential' as const),
});
type Given = typeof workload extends fc.Arbitrary<infer T> ? T : never;

/** What reads got, by origin; the names of `BytesRead`. */
type Origins = Record<string, number>;

const NAMES = ['memory', 'shared', 'cache', 'server', 'zero', 'written'] as const;
const OF_SOURCE: Readonly<Record<string, string>> = { DOWN: 'server', READ: 'cache', ZERO: 'zero' };
/** Origins in the words of `trace why`. */
const OF_WHY: Readonly<Record<string, string>> = {
  'page cache': 'memory',
  'server after cache failure': 'server',
};

/** The bytes of a file, each with the place of its origin in `NAMES`; 0 = from before. */
interface Bytes {
  readonly origin: Uint8Array;
  readonly came: Float64Array;
  readonly used: Uint8Array;
}

/** Bytes that a file may grow to. */
const SIZE = 2 ** 21;

interface Op {
  readonly id: number;
  readonly kind: string;
  readonly file: string;
  readonly offset: number;
  readonly result: number;
  readonly start_ns: number;
  readonly end_ns: number;
  readonly direct: number | null;
}

/** What the shadow counts. */
interface Shadow {
  readonly read: Origins;
  /** What reads got, by `op`. */
  readonly byOp: ReadonlyMap<number, Origins>;
  readonly brought: ReadonlyMap<string, Origins>;
  readonly asked: ReadonlyMap<string, number>;
  readonly direct: number;
}

/** Follows single bytes: where each came from, when, and whether a read has used it. */
function shadowOf(path: string): Shadow {
  const db = new Database(path, { readonly: true });
  const all = <T>(sql: string) => db.prepare(sql).all() as T[];
  const has = (table: string) =>
    db.prepare('SELECT 1 FROM "sqlite_master" WHERE "name" = ?').get(table) !== undefined;
  const ops = all<Op>('SELECT * FROM "op" ORDER BY "id"');
  const fileOf = new Map<number, string>();
  const reads = has('netfs_read')
    ? all<{ rreq: number; op: number }>('SELECT * FROM "netfs_read"')
    : [];
  for (const { rreq, op } of reads) {
    const file = ops.find(({ id }) => id === op)?.file;
    if (file !== undefined) fileOf.set(rreq, file);
  }
  const steps: { ns: number; order: number; do(): void }[] = [];
  const bytes = new Map<string, Bytes>();
  const of = (file: string): Bytes => {
    let found = bytes.get(file);
    if (found === undefined) {
      found = {
        origin: new Uint8Array(SIZE),
        came: new Float64Array(SIZE),
        used: new Uint8Array(SIZE),
      };
      bytes.set(file, found);
    }
    return found;
  };
  const brought = new Map<string, Origins>();
  const put = (file: string, from: number, to: number, origin: string, came: number) => {
    const there = of(file);
    for (let i = from; i < to; i++) {
      there.origin[i] = NAMES.indexOf(origin as (typeof NAMES)[number]);
      there.came[i] = came;
      there.used[i] = 0;
    }
  };
  // Readers have the bytes when the folios of the request are unlocked.
  const unlocked = new Map(
    (has('netfs_rreq')
      ? all<Record<'rreq' | 'ts', number>>(`SELECT * FROM "netfs_rreq" WHERE "what" = 'UNLOCK'`)
      : []
    ).map(({ rreq, ts }) => [rreq, ts]),
  );
  const credited = new Map<string, number>();
  const slices = has('netfs_sreq')
    ? all<
        Record<'rreq' | 'index' | 'start' | 'transferred' | 'ts', number> & {
          source: string;
          what: string;
        }
      >(`SELECT * FROM "netfs_sreq" WHERE "what" IN ('TERM', 'RDOWN') ORDER BY "id"`)
    : [];
  for (const { rreq, index, start, transferred, ts, source, what } of slices) {
    const key = `${rreq} ${index}`;
    const done = Math.min(credited.get(key) ?? 0, transferred);
    credited.set(key, transferred);
    const file = fileOf.get(rreq);
    const origin = OF_SOURCE[source];
    if (what !== 'TERM' || file === undefined || origin === undefined) continue;
    const sums = brought.get(file) ?? {};
    brought.set(file, sums);
    sums[origin] = (sums[origin] ?? 0) + transferred - done;
    const came = unlocked.get(rreq) ?? ts;
    steps.push({
      ns: came,
      order: 0,
      do: () => put(file, start + done, start + transferred, origin, came),
    });
  }
  const read: Origins = {};
  const byOp = new Map<number, Origins>();
  const asked = new Map<string, number>();
  let direct = 0;
  for (const op of ops) {
    const { id, kind, file, offset, result, start_ns, end_ns } = op;
    if (result <= 0) continue;
    const end = offset + result;
    if (kind === 'read') asked.set(file, (asked.get(file) ?? 0) + result);
    if (op.direct === 1) {
      if (kind === 'read') direct += result;
    } else if (kind === 'write') {
      steps.push({ ns: end_ns, order: 1, do: () => put(file, offset, end, 'written', end_ns) });
    } else {
      const use = () => {
        const mine: Origins = {};
        const there = of(file);
        for (let i = offset; i < end; i++) {
          const seen = (there.came[i] as number) > start_ns ? 'shared' : 'memory';
          const origin = there.used[i] === 1 ? seen : (NAMES[there.origin[i] as number] as string);
          mine[origin] = (mine[origin] ?? 0) + 1;
          read[origin] = (read[origin] ?? 0) + 1;
          there.used[i] = 1;
        }
        byOp.set(id, mine);
      };
      steps.push({ ns: end_ns, order: 2, do: use });
    }
  }
  db.close();
  steps.sort((a, b) => a.ns - b.ns || a.order - b.order);
  for (const step of steps) step.do();
  return { read, byOp, brought, asked, direct };
}

/** Origins with every name. */
function whole(given: Readonly<Record<string, unknown>>): Origins {
  return Object.fromEntries(NAMES.map((name) => [name, Number(given[name] ?? 0)]));
}

/** The origins of each read as `trace why` tells them: its own slices, but for what others had. */
function whyByOp(path: string): Map<number, Origins> {
  const db = new Database(path, { readonly: true });
  const ops = db.prepare(
    `SELECT * FROM "op" WHERE "kind" = 'read' AND "result" > 0 AND coalesce("direct", 0) = 0`,
  );
  const slices = [...runAnalysis('why', path).rows];
  const memory = [...runAnalysis('pageCache', path).rows];
  const found = new Map<number, Origins>();
  for (const { id, offset, result } of ops.all() as Op[]) {
    const sources = new Array<string | undefined>(result);
    const fill = (row: Row) => {
      if (row.op !== id) return;
      const start = Number.parseInt(String(row.range), 16) - offset;
      const end = Math.min(result, start + Number(row.bytes));
      sources.fill(String(row.source), Math.min(result, Math.max(0, start)), Math.max(0, end));
    };
    slices.forEach(fill);
    memory.forEach(fill);
    const sums: Origins = {};
    for (const source of sources) {
      const name = OF_WHY[String(source)] ?? String(source);
      sums[name] = (sums[name] ?? 0) + 1;
    }
    found.set(id, sums);
  }
  db.close();
  return found;
}

/** Runs a workload; what it says of itself, and its capture. */
async function run(given: Given, dirs: { server: string; cache: string; out: string }) {
  const {
    seed,
    profile,
    cache,
    faults,
    pageCache,
    latencyNs,
    completion,
    granule,
    large,
    ...load
  } = given;
  const chance = new Prng(seed);
  const error = -errnoOf('ETIMEDOUT');
  // What has no effect is refused.
  const advised = given.direct ? { fadvise: undefined } : {};
  return await runWorkload({
    ...{ ...RUN_DEFAULTS, ...load, ...advised, bs: large ? Math.max(load.bs, 4096) : load.bs },
    trace: { out: dirs.out, commandLine: 'test', toolVersion: 'test' },
    lab: {
      ...{ server: dirs.server, profile, seed, pageCache, latencyNs },
      ...(profile === 'linux-5.13-afs' ? { completion } : {}),
      ...(cache === 'none' ? {} : { cacheDir: dirs.cache, granule }),
      ...(cache === 'tiny' ? { cacheSize: 1 << 20 } : {}),
      ...(faults === 0
        ? {}
        : { wrapServer: misbehave(() => (chance.below(256) < faults ? { error } : undefined)) }),
    },
  });
}

test('each byte has the origin that a model of single bytes gives it, in every answer', async (t) => {
  const folder = tempDir(t);
  const counted: Origins = {};
  let number = 0;
  const property = fc.asyncProperty(workload, async (given) => {
    const server = tempDir(t);
    const files = given.large ? { ...FILES, large: LARGE } : FILES;
    for (const [name, size] of Object.entries(files)) {
      writeFileSync(join(server, name), Buffer.alloc(name === 'sparse' ? 10 : size, 1));
      truncateSync(join(server, name), size);
    }
    const dirs = {
      server,
      cache: join(folder, `cache${number}`),
      out: join(folder, `${number++}.db`),
    };
    if (given.cache === 'warm') {
      const first = {
        ...given,
        rw: 'read' as const,
        direct: false,
        faults: 0 as const,
        loops: 1 as const,
      };
      await run(first, { ...dirs, out: `${dirs.out}.first` });
    }
    const summary = await run(given, dirs);
    const path = dirs.out;
    const shadow = shadowOf(path);
    const expected = whole(shadow.read);
    for (const [name, sum] of Object.entries(expected)) counted[name] = (counted[name] ?? 0) + sum;
    const same = (what: string, found: Origins, wanted: Origins) => {
      const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
      if (a !== b) throw new Error(`${what}: ${a}, the model has ${b}`);
    };
    if (summary.cache !== null) {
      same('run', whole({ ...summary.cache.application }), expected);
      same('run, direct', { n: summary.cache.directBytes }, { n: shadow.direct });
    }
    const row = (rows: Iterable<Row>, of: string) => [...rows].find((each) => each.of === of) ?? {};
    same('hits', whole(row(runAnalysis('hits', path).rows, 'bytes read')), expected);
    same('summary', whole(row(summarise(path).hits, 'bytes read')), expected);
    const trace = openTrace(path);
    same('API', whole(row(rowsOf(trace, ANALYSES.hits), 'bytes read')), expected);
    trace.close();
    const why = whyByOp(path);
    for (const [op, sums] of shadow.byOp)
      same(`why op=${op}`, whole(why.get(op) ?? {}), whole(sums));
    for (const { file, app_bytes, server_bytes, cache_bytes, zero_bytes } of runAnalysis(
      'sources',
      path,
    ).rows) {
      if (file === '(all)') continue;
      const { server: down = 0, cache = 0, zero = 0 } = shadow.brought.get(String(file)) ?? {};
      const past = given.direct ? Number(app_bytes) : 0;
      same(
        `sources of ${file}`,
        {
          app: Number(app_bytes),
          server: Number(server_bytes) - past,
          cache: Number(cache_bytes),
          zero: Number(zero_bytes),
        },
        { app: shadow.asked.get(String(file)) ?? 0, server: down, cache, zero },
      );
    }
    // The fold of `hits` itself, as over a kernel's capture: without what the run has counted.
    const db = new Database(path);
    db.exec('DROP VIEW "events"; DROP TABLE IF EXISTS "netfslab_use"');
    db.close();
    same(
      'hits of the trace alone',
      whole(row(runAnalysis('hits', path).rows, 'bytes read')),
      expected,
    );
    for (const dir of [server, dirs.cache]) rmSync(dir, { recursive: true, force: true });
    rmSync(path);
  });
  await fc.assert(property, { numRuns: CASES, seed: SEED, includeErrorInReport: true });
  t.log(`${CASES} workloads: ${JSON.stringify(counted)}`);
  // No client of these kernels fills holes with zeros by itself.
  for (const name of NAMES) if (name !== 'zero') t.true((counted[name] ?? 0) > 0, name);
});
