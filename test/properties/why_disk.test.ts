/**
 * `trace why` against the bytes that reads return, with a real cache directory and all profiles.
 * Before each step every file of the server gets another letter, with the time it had, so that a
 * byte tells in which step it left the server: what is as old as its read came from there, what is
 * older came from the disk cache or from memory. `NETFSLAB_CASES` and `NETFSLAB_SEED` as in
 * `read_helper.test.ts`.
 */
import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { pageCache } from '../../src/core/analysis/page_cache.js';
import type { Row } from '../../src/core/analysis/types.js';
import { why } from '../../src/core/analysis/why.js';
import { rowsOf } from '../../src/core/app/trace/query.js';
import { errnoOf } from '../../src/core/base/errno.js';
import { ErrnoError } from '../../src/core/base/errors.js';
import { profileByName } from '../../src/core/profile/index.js';
import { Prng } from '../../src/core/sim/prng.js';
import { writeCapture } from '../../src/core/store/capture_writer.js';
import { openCapture } from '../../src/core/store/database.js';
import { misbehave } from '../helpers/bad_server.js';
import { makeLab, tempDir } from '../helpers/lab.js';

const CASES = Math.max(12, Math.min(500, Number(process.env.NETFSLAB_CASES ?? 12)));
const SEED = Number(process.env.NETFSLAB_SEED ?? 20210423);

const SIZES = [4096, 70_001, 262_143];

const often = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 10, max: 90 }));
const workload = fc.record({
  seed: fc.nat(),
  profile: fc.constantFrom('linux-5.13-afs', 'linux-6.1-9p', 'linux-6.1-afs'),
  defects: fc.constantFrom('kernel' as const, 'repaired' as const),
  granule: fc.constantFrom(4096, 16_384),
  serverError: often,
  deviceFails: often,
  /** The lab is closed and another opened on the same cache, after this step. */
  reopen: fc.nat(8),
  steps: fc.array(
    fc.record({
      file: fc.nat(SIZES.length - 1),
      at: fc.nat(270_000),
      count: fc.constantFrom(1, 4096, 30_000, 200_000),
      kind: fc.constantFrom('read', 'read', 'read', 'readahead', 'drop'),
    }),
    { minLength: 3, maxLength: 10 },
  ),
});
type Workload = typeof workload extends fc.Arbitrary<infer T> ? T : never;
type Step = Workload['steps'][number];

/** What a read returned. */
interface Got {
  readonly op: number;
  readonly letter: number;
  readonly at: number;
  readonly bytes: Buffer;
}

/** Gives every file another letter, and the time it had. */
function rewrite(dir: string, letter: number): void {
  for (const [i, size] of SIZES.entries()) {
    const path = join(dir, `f${i}`);
    writeFileSync(path, Buffer.alloc(size, letter));
    utimesSync(path, 1_600_000_000, 1_600_000_000);
  }
}

/** Plays steps in a lab of its own, the first with this letter; gives what they returned. */
async function play(
  t: ExecutionContext,
  dirs: { server: string; cache: string; capture: string },
  given: Workload,
  steps: readonly Step[],
  letter: number,
): Promise<Got[]> {
  const { profile, defects, granule, seed } = given;
  const chance = new Prng(seed + letter);
  // With a kernel's defects a failure gives readers bytes that nobody sent.
  const hits = (n: number) => defects === 'repaired' && n > 0 && chance.below(256) < n;
  const { era } = profileByName(profile);
  rewrite(dirs.server, letter);
  const made = makeLab(
    t,
    {},
    {
      ...{ server: dirs.server, cacheDir: dirs.cache, profile, defects, granule },
      sink: writeCapture(dirs.capture, { source: 'run', era, profile }),
      wrapServer: misbehave(() =>
        hits(given.serverError) ? { error: -errnoOf('ETIMEDOUT') } : undefined,
      ),
    },
  );
  const { lab } = made;
  const { scheduler, tracer, clock } = lab;
  const files = SIZES.map((_, i) => made.open(`f${i}`));
  const returned: Got[] = [];
  for (const [i, step] of steps.entries()) {
    rewrite(dirs.server, letter + i);
    const file = files[step.file] as (typeof files)[number];
    const at = step.at % (SIZES[step.file] as number);
    const bytes = Buffer.alloc(step.count);
    await lab.run('reader', function* () {
      lab.breakCache(hits(given.deviceFails));
      scheduler.context.op = i + 1;
      const start = clock.now();
      let result = 0;
      try {
        if (step.kind === 'drop') yield* file.fadvise('dontneed');
        else if (step.kind === 'readahead') yield* file.readahead(at, step.count);
        else result = yield* file.read(bytes, 0, step.count, at);
      } catch (error) {
        if (!(error instanceof ErrnoError)) throw error;
      }
      const { file: number, kind, count: len } = step;
      const name = `f${number}`;
      tracer.op({ op: i + 1, kind, file: name, offset: at, len, result, start, end: clock.now() });
      scheduler.context.op = 0;
      if (step.kind !== 'read') return;
      returned.push({ op: i + 1, letter: letter + i, at, bytes: bytes.subarray(0, result) });
    });
    await scheduler.drain();
  }
  for (const file of files) file.close();
  await lab.close();
  return returned;
}

/** The last row that covers a byte, in the order of requests. */
function covering(rows: readonly Row[], byte: number): Row | undefined {
  return rows.findLast(({ range, bytes }) => {
    const start = Number.parseInt(String(range), 16);
    return byte >= start && byte < start + Number(bytes);
  });
}

/** Null if the letter of a byte can come from where the row says, else the source that was told. */
function wrongly(row: Row | undefined, letter: number, step: number): string | null {
  if (row === undefined) return 'nothing';
  const source = String(row.source);
  if (source === 'zero') return letter === 0 ? null : source;
  if (source === 'cache') return letter > 0 && letter < step ? null : source;
  return letter === step ? null : source;
}

/** Where what is told of a read and its bytes disagree. */
function disagreement(got: Got, told: (op: number) => Told): string | null {
  const { slices, memory } = told(got.op);
  for (const [i, letter] of got.bytes.entries()) {
    const byte = got.at + i;
    const own = covering(slices, byte);
    const held = own === undefined ? covering(memory, byte) : undefined;
    const by = own ?? bringer(held, told, byte);
    const step = got.letter - got.op + Number(by?.op ?? got.op);
    const wrong = wrongly(by, letter, step);
    if (wrong === null) continue;
    const how = `${JSON.stringify(held ?? own ?? null)} by ${JSON.stringify(by ?? null)}`;
    return `op ${got.op}, byte ${byte} is ${letter} in step ${got.letter}; told is ${wrong}: ${how}`;
  }
  return null;
}

interface Told {
  readonly slices: readonly Row[];
  readonly memory: readonly Row[];
}

/** The slice that is said to have brought what was in memory. */
function bringer(row: Row | undefined, told: (op: number) => Told, byte: number): Row | undefined {
  if (row === undefined) return undefined;
  const slices = told(0).slices.filter(({ R }) => R === row.R);
  return covering(slices, byte);
}

test('trace why names the source of every byte that reads return, on a disk cache', async (t) => {
  const server = tempDir(t);
  const folder = tempDir(t);
  const sources: Record<string, number> = {};
  let number = 0;
  const property = fc.asyncProperty(workload, async (given) => {
    const cache = join(folder, `cache${number}`);
    const cut = Math.min(given.reopen, given.steps.length);
    for (const [steps, letter] of [
      [given.steps.slice(0, cut), 1],
      [given.steps.slice(cut), 1 + cut],
    ] as const) {
      if (steps.length === 0) continue;
      const capture = join(folder, `${number++}.db`);
      const returned = await play(t, { server, cache, capture }, given, steps, letter);
      const open = openCapture(capture);
      const slices = [...rowsOf(open, why)];
      const memory = [...rowsOf(open, pageCache)];
      open.close();
      // Slices are told in the order of the file; later requests come later.
      slices.sort((a, b) => (String(a.R) < String(b.R) ? -1 : 1));
      const told = (op: number) => ({
        slices: slices.filter((row) => op === 0 || row.op === op),
        memory: memory.filter((row) => row.op === op),
      });
      for (const { source, bytes } of [...slices, ...memory]) {
        sources[String(source)] = (sources[String(source)] ?? 0) + Number(bytes);
      }
      for (const got of returned) {
        const wrong = disagreement(got, told);
        if (wrong !== null) throw new Error(wrong);
      }
    }
  });
  await fc.assert(property, { numRuns: CASES, seed: SEED, includeErrorInReport: true });
  t.log(`${CASES} workloads: ${JSON.stringify(sources)}`);
  for (const source of ['server', 'cache', 'zero', 'page cache']) t.true(source in sources, source);
});
