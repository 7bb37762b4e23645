/**
 * `trace why` against the bytes themselves: the server's files are all `S`, what the cache holds is
 * all `C`, and memory is zero where neither wrote, so that every byte of a page tells where it came
 * from. Random reads with faults; `NETFSLAB_CASES` and `NETFSLAB_SEED` as in `read_helper.test.ts`.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import type { Row } from '../../src/core/analysis/types.js';
import { why } from '../../src/core/analysis/why.js';
import { rowsOf } from '../../src/core/app/trace/query.js';
import { ENOBUFS, errnoOf } from '../../src/core/base/errno.js';
import { ErrnoError } from '../../src/core/base/errors.js';
import { PAGE_SIZE, roundUp } from '../../src/core/base/range.js';
import { type Folios, PG_UPTODATE } from '../../src/core/mm/folio.js';
import type { ReadRequest } from '../../src/core/netfs/objects.js';
import { Prng } from '../../src/core/sim/prng.js';
import { writeCapture } from '../../src/core/store/capture_writer.js';
import { openCapture } from '../../src/core/store/database.js';
import { misbehave } from '../helpers/bad_server.js';
import { makeLab, tempDir } from '../helpers/lab.js';
import { TestCache } from '../helpers/test_cache.js';

const CASES = Math.max(40, Math.min(500, Number(process.env.NETFSLAB_CASES ?? 40)));
const SEED = Number(process.env.NETFSLAB_SEED ?? 20210423);

const SERVER = 'S'.charCodeAt(0);
const CACHE = 'C'.charCodeAt(0);
const LETTERS: Readonly<Record<string, number>> = {
  server: SERVER,
  'server after cache failure': SERVER,
  cache: CACHE,
  zero: 0,
};
const SIZES = [4096, 70_001, 262_143, 524_289];

/** How often, in 256, each goes wrong; most are absent from most cases. */
const often = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.integer({ min: 10, max: 130 }));
const workload = fc.record({
  seed: fc.nat(),
  full: fc.constantFrom(0, 60, 160, 256),
  granule: fc.constantFrom(4096, 16_384),
  rsize: fc.constantFrom(0, 4096, 65_536, 31_337),
  completion: fc.constantFrom('sync' as const, 'async' as const),
  serverShort: often,
  serverError: often,
  cacheShort: often,
  cacheError: often,
  storeFails: often,
  storeRefused: often,
  noCache: often,
  steps: fc.array(
    fc.record({
      file: fc.nat(SIZES.length - 1),
      at: fc.nat(530_000),
      count: fc.constantFrom(1, 4096, 30_000, 200_000),
      kind: fc.constantFrom('read', 'read', 'read', 'readahead', 'drop'),
    }),
    { minLength: 2, maxLength: 12 },
  ),
});
type Workload = typeof workload extends fc.Arbitrary<infer T> ? T : never;

/** The pages of a request just after they were unlocked. */
interface Seen {
  readonly start: number;
  readonly size: number;
  readonly bytes: Buffer;
  /** Page by page: it can be read. */
  readonly valid: readonly boolean[];
}

function pagesOf({ mapping, start, len, iSize }: ReadRequest, folios: Folios): Seen {
  const pages = Array.from({ length: len / PAGE_SIZE }, (_, i) =>
    mapping.find(start / PAGE_SIZE + i),
  );
  const bytes = pages.map((pfn) => {
    const at = folios.frames.offsetOf(pfn);
    return Buffer.from(folios.frames.memoryOf(pfn).slice(at, at + PAGE_SIZE));
  });
  const valid = pages.map((pfn) => folios.test(pfn, PG_UPTODATE));
  return { start, size: iSize, bytes: Buffer.concat(bytes), valid };
}

/** Runs a workload into a database; gives the bytes of every request by its number. */
async function play(
  t: ExecutionContext,
  dir: string,
  path: string,
  given: Workload,
): Promise<Map<number, Seen>> {
  const chance = new Prng(given.seed);
  const hits = (outOf256: number) => outOf256 > 0 && chance.below(256) < outOf256;
  const cache = new TestCache({
    granule: given.granule,
    onBegin: () => (hits(given.noCache) ? -ENOBUFS : 0),
    onRead: ({ len }) => {
      if (hits(given.cacheError)) return -errnoOf('EIO');
      return hits(given.cacheShort) ? chance.below(len + 1) : undefined;
    },
    onWrite: () => (hits(given.storeFails) ? -errnoOf('ENOSPC') : undefined),
    refuse: () => hits(given.storeRefused),
  });
  const sink = writeCapture(path, { source: 'run', era: 'E1', profile: 'linux-5.13-afs' });
  const seen = new Map<number, Seen>();
  const made = makeLab(
    t,
    {},
    {
      ...{ server: dir, sink, rsize: given.rsize, completion: given.completion },
      ...{ seed: given.seed, defects: 'repaired' },
      cache: {
        ...cache.share,
        done: (rreq) => seen.set(rreq.debugId, pagesOf(rreq, made.lab.folios)),
      },
      wrapServer: misbehave(({ count }) => {
        if (hits(given.serverError)) return { error: -errnoOf('ETIMEDOUT') };
        return hits(given.serverShort) ? { most: 1 + chance.below(Math.max(1, count)) } : undefined;
      }),
    },
  );
  const { scheduler } = made.lab;
  cache.attach(scheduler);
  const files = SIZES.map((_, i) => made.open(`f${i}`));
  for (const [i, size] of SIZES.entries()) {
    const ino = files[i]?.fstat().ino as number;
    for (let at = 0; at < size; at += given.granule) {
      const data = Math.min(given.granule, size - at);
      const stored = Buffer.alloc(roundUp(data, PAGE_SIZE)).fill(CACHE, 0, data);
      if (hits(given.full)) cache.fill(ino, at, stored);
    }
  }
  for (const { file: number, at, count, kind } of given.steps) {
    const file = files[number] as (typeof files)[number];
    const place = at % (SIZES[number] as number);
    await made.lab.run('reader', function* () {
      try {
        if (kind === 'drop') yield* file.fadvise('dontneed');
        else if (kind === 'readahead') yield* file.readahead(place, count);
        else yield* file.read(Buffer.alloc(count), 0, count, place);
      } catch (error) {
        if (!(error instanceof ErrnoError)) throw error;
      }
    });
    await scheduler.drain();
    // What was stored is the cache's from now on.
    const held = cache.content(file.fstat().ino, 0, Number.MAX_SAFE_INTEGER);
    for (let i = held.indexOf(SERVER); i >= 0; i = held.indexOf(SERVER, i)) held[i] = CACHE;
  }
  for (const file of files) file.close();
  await made.lab.close();
  return seen;
}

/** Where the rows of a request and its bytes disagree, a sentence each. */
function disagreements({ start, size, bytes, valid }: Seen, rows: readonly Row[]): string[] {
  const told = new Int16Array(bytes.length).fill(-1);
  const problems: string[] = [];
  for (const row of rows) {
    const from = Number.parseInt(String(row.range), 16) - start;
    const piece = told.subarray(from, from + Number(row.bytes));
    if (piece.some((letter) => letter >= 0)) problems.push(`${row.R} overlaps another slice`);
    piece.fill(LETTERS[String(row.source)] ?? -2);
  }
  for (const [page, isValid] of valid.entries()) {
    const at = page * PAGE_SIZE;
    const mine = told.subarray(at, at + PAGE_SIZE);
    if (!isValid) {
      const failed = rows.some(({ why: words }) => String(words).includes('failed'));
      if (!failed) problems.push(`page ${page} is not valid, and no slice is said to have failed`);
      continue;
    }
    const wrong = mine.findIndex((letter, i) => {
      const due = start + at + i < size ? letter : 0;
      return letter < 0 || bytes[at + i] !== due;
    });
    if (wrong < 0) continue;
    const is = JSON.stringify(String.fromCharCode(bytes[at + wrong] as number));
    problems.push(`byte ${start + at + wrong} is ${is}, told is ${mine[wrong]}`);
  }
  return problems;
}

test('trace why names the source of every byte of random reads with faults', async (t) => {
  const dir = tempDir(t);
  for (const [i, size] of SIZES.entries()) {
    writeFileSync(join(dir, `f${i}`), Buffer.alloc(size, SERVER));
  }
  const captures = tempDir(t);
  const sources: Record<string, number> = {};
  let number = 0;
  const property = fc.asyncProperty(workload, async (given) => {
    const path = join(captures, `${number++}.db`);
    const seen = await play(t, dir, path, given);
    const capture = openCapture(path);
    const rows = [...rowsOf(capture, why)];
    capture.close();
    const of = (rreq: number) => rows.filter(({ R }) => Number.parseInt(String(R), 16) === rreq);
    for (const { source, bytes } of rows) {
      sources[String(source)] = (sources[String(source)] ?? 0) + Number(bytes);
    }
    const wrong = [...seen].flatMap(([rreq, each]) => disagreements(each, of(rreq)));
    if (wrong.length > 0) throw new Error(wrong.slice(0, 8).join('\n'));
  });
  await fc.assert(property, { numRuns: CASES, seed: SEED, includeErrorInReport: true });
  t.log(`${CASES} workloads: ${JSON.stringify(sources)}`);
  t.deepEqual(Object.keys(sources).sort(), Object.keys(LETTERS).sort());
});
