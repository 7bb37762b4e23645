/**
 * Random cases for the properties of the read helper: what is asked of a lab, under which settings,
 * with which faults; and the runner that checks every byte, every event and every page of one case.
 * Used by `read_helper.test.ts` only.
 */
import type { ExecutionContext } from 'ava';
import fc from 'fast-check';
import { ENOBUFS, ENOMEM, errnoOf } from '../../src/core/base/errno.js';
import { ErrnoError } from '../../src/core/base/errors.js';
import { PAGE_SIZE, roundUp } from '../../src/core/base/range.js';
import type { DriverName } from '../../src/core/io/types.js';
import type { LabOptions } from '../../src/core/lab/options.js';
import type { Defects } from '../../src/core/netfs/types.js';
import { Prng } from '../../src/core/sim/prng.js';
import type { Task } from '../../src/core/sim/wait_queue.js';
import type { MemoryRow } from '../../src/core/trace/sink.js';
import type { VfsFile } from '../../src/core/vfs/types.js';
import { misbehave } from '../helpers/bad_server.js';
import { PageWatch } from '../helpers/check_pages.js';
import { content, makeLab } from '../helpers/lab.js';
import { firstDifference } from '../helpers/netfs.js';
import { TestCache } from '../helpers/test_cache.js';

/** Sizes of the files that every case chooses from: edges, and sizes that no unit divides. */
export const FILE_SIZES = [
  ...[0, 1, 4095, 4096, 4097, 8192, 0x2800, 0x10000],
  ...[70_001, 131_072, 262_143, 300_000, 524_289, 786_432],
];

/** What one process does, in order. */
type Step =
  | { readonly kind: 'read'; readonly at: number; readonly count: number }
  | { readonly kind: 'readahead'; readonly at: number; readonly count: number }
  | { readonly kind: 'load'; readonly at: number; readonly count: number }
  | { readonly kind: 'sequence'; readonly at: number; readonly count: number; readonly n: number }
  | { readonly kind: 'advise'; readonly advice: (typeof ADVICE)[number] }
  | { readonly kind: 'pause'; readonly ns: number };

const ADVICE = ['normal', 'random', 'sequential', 'willneed', 'dontneed'] as const;

/** How often, in 256, something goes wrong. */
interface Faults {
  readonly serverShort: number;
  readonly serverEmpty: number;
  readonly serverError: number;
  readonly serverSurplus: number;
  readonly cacheBegin: number;
  readonly cacheShort: number;
  readonly cacheError: number;
  readonly storeFails: number;
  readonly storeRefused: number;
  readonly noSpace: number;
  readonly stale: number;
  readonly memory: number;
}

/** A case. */
export interface ReadCase {
  readonly seed: number;
  readonly jobs: readonly { readonly file: number; readonly steps: readonly Step[] }[];
  readonly settings: Pick<
    LabOptions,
    'rsize' | 'stripeUnit' | 'clearTail' | 'completion' | 'latencyNs' | 'jitterNs' | 'maxConcurrent'
  > & { readonly readAheadKb: number; readonly inclusive: boolean };
  readonly cache:
    | {
        readonly blockSize: number;
        readonly granule: number;
        readonly reads: 'sync' | 'async';
        readonly writes: 'sync' | 'async';
        readonly delayNs: number;
        readonly prepareDelayNs: number;
        /** How much of each file it holds, in 256. */
        readonly full: number;
      }
    | undefined;
  readonly faults: Faults;
}

const position = fc.nat(900_000);
const count = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(1, 4096, 16_384, 65_536) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 40_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 300_000 }) },
);
const time = fc.constantFrom(0, 0, 1000, 100_000, 2_000_000);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('read' as const), at: position, count }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('sequence' as const),
      at: position,
      count: fc.constantFrom(1000, 4096, 16_384, 65_536),
      n: fc.integer({ min: 2, max: 8 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('readahead' as const), at: position, count }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('load' as const), at: position, count }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('advise' as const),
      advice: fc.constantFrom(...ADVICE),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pause' as const), ns: time }) },
);

// Most faults are absent from most cases, so that faults are met alone as well as together.
const often = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: 10, max: 130 }) },
);

/** Every case. */
export const readCase: fc.Arbitrary<ReadCase> = fc.record({
  seed: fc.nat(),
  jobs: fc.array(
    fc.record({
      file: fc.nat(FILE_SIZES.length - 1),
      steps: fc.array(step, { minLength: 1, maxLength: 5 }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  settings: fc.record({
    rsize: fc.oneof(
      fc.constantFrom(0, 0, 4096, 16_384, 65_536),
      fc.integer({ min: 700, max: 70_000 }),
    ),
    stripeUnit: fc.constantFrom(0, 0, 4096, 12_288, 65_536),
    clearTail: fc.boolean(),
    completion: fc.constantFrom('sync', 'async'),
    latencyNs: time,
    jitterNs: time,
    maxConcurrent: fc.constantFrom(0, 1, 3),
    readAheadKb: fc.constantFrom(0, 4, 12, 128, 124, 512),
    inclusive: fc.boolean(),
  }),
  cache: fc.option(
    fc.record({
      blockSize: fc.constantFrom(512, 1024, 4096),
      granule: fc.constantFrom(0, 0, 4096, 16_384, 65_536),
      reads: fc.constantFrom('sync', 'async'),
      writes: fc.constantFrom('sync', 'async'),
      delayNs: time,
      prepareDelayNs: fc.constantFrom(0, 0, 0, 500),
      full: fc.constantFrom(0, 40, 128, 220, 256),
    }),
    { nil: undefined },
  ),
  faults: fc.record({
    serverShort: often,
    serverEmpty: often,
    serverError: often,
    serverSurplus: often,
    cacheBegin: often,
    cacheShort: often,
    cacheError: often,
    storeFails: often,
    storeRefused: often,
    noSpace: often,
    stale: often,
    memory: often,
  }),
});

const contents = FILE_SIZES.map((size, i) => content(`f${i}`, size));

/** What a case left behind. */
export interface Outcome {
  readonly rows: readonly MemoryRow[];
  /** Why the case is not right, one sentence each. */
  readonly problems: string[];
  /** Bytes that were read and compared. */
  readonly bytes: number;
}

/** Delays on the real clock are this many times shorter, so that a case is over soon. */
const HURRY = 20;

/**
 * Runs one case over the files `f0`, `f1`... of a directory and checks everything about it; with
 * `io` on the real clock.
 */
export async function runCase(
  t: ExecutionContext,
  dir: string,
  given: ReadCase,
  defects: Defects = 'repaired',
  io?: DriverName,
): Promise<Outcome> {
  const { settings, faults, seed } = given;
  const chance = new Prng(seed);
  const hits = (outOf256: number): boolean => outOf256 > 0 && chance.below(256) < outOf256;
  const cache = given.cache && makeCache(given, hits, chance);
  const conditions = { defects, allocationsFail: faults.memory > 0 };
  const watch = new PageWatch('E1', conditions, cache?.share);
  const { readAheadKb, inclusive, ...rest } = settings;
  const { lab } = makeLab(
    t,
    {},
    {
      ...rest,
      ...(io !== undefined && {
        io,
        clock: 'real' as const,
        latencyNs: rest.latencyNs / HURRY,
        jitterNs: rest.jitterNs / HURRY,
      }),
      ...{ server: dir, seed, defects, readAheadKb, sink: watch.sink, cache: watch.share },
      // With the defects pages leak, and the page cache must not run out of them.
      pageCache: defects === 'kernel' ? 16 << 20 : 1 << 20,
      mm: { batchLimitInclusive: inclusive },
      wrapServer: misbehave(({ count: asked }) => {
        if (hits(faults.serverError)) return { error: -errnoOf('ETIMEDOUT') };
        if (hits(faults.serverEmpty)) return { most: 0 };
        if (hits(faults.serverShort)) return { most: 1 + chance.below(Math.max(1, asked)) };
        return hits(faults.serverSurplus) ? { surplus: 1 + chance.below(9000) } : undefined;
      }),
      failAllocation: () => hits(faults.memory),
    },
  );
  cache?.attach(lab.scheduler);
  const readers: Array<{ reader: Reader; steps: ReadCase['jobs'][number]['steps'] }> = [];
  for (const { file, steps } of given.jobs) {
    const opened = await lab.run('open', () => lab.vfs.open(`f${file}`));
    const reader = new Reader(opened, contents[file] as Buffer, given, defects);
    if (cache) fillCache(cache, reader, given, chance);
    readers.push({ reader, steps });
  }
  await Promise.all(
    readers.map(({ reader, steps }, i) =>
      lab.run(`job${i}`, function* () {
        for (const each of steps) yield* reader.step(each, (ns) => lab.scheduler.sleep(ns));
      }),
    ),
  );
  await lab.scheduler.drain();
  for (const { reader } of readers) reader.file.close();
  const problems = [
    ...readers.flatMap(({ reader }) => reader.problems),
    ...watch.finish(lab.stats),
  ];
  if (cache && cache.begun !== cache.ended) problems.push(`${cache.begun - cache.ended} not ended`);
  try {
    await lab.close();
  } catch (error) {
    problems.push(String(error));
  }
  const bytes = readers.reduce((sum, { reader }) => sum + reader.bytes, 0);
  return { rows: watch.sink.rows, problems, bytes };
}

function makeCache(
  { cache, faults }: ReadCase,
  hits: (outOf256: number) => boolean,
  chance: Prng,
): TestCache {
  return new TestCache({
    ...cache,
    delayNs: () => chance.below((cache?.delayNs ?? 0) + 1),
    onBegin: () => {
      if (!hits(faults.cacheBegin)) return 0;
      return chance.chance(0.7) ? -ENOBUFS : -ENOMEM;
    },
    onRead: ({ len }) => {
      if (hits(faults.cacheError)) return -errnoOf('EIO');
      return hits(faults.cacheShort) ? chance.below(len + 1) : undefined;
    },
    onWrite: ({ len }) => {
      if (!hits(faults.storeFails)) return undefined;
      // Direct I/O ends on a block.
      if (chance.chance(0.5)) return -errnoOf('ENOSPC');
      return chance.below(len / PAGE_SIZE + 1) * PAGE_SIZE;
    },
    refuse: () => hits(faults.storeRefused),
    hasSpace: () => !hits(faults.noSpace),
    isStillValid: faults.stale > 0 ? () => !isOld(faults) && !hits(faults.stale) : undefined,
  });
}

/** The cache holds nothing but old data, and is never valid. */
function isOld({ stale }: Faults): boolean {
  return stale > 70;
}

// Runs of blocks of the file as a cache holds it: with zeros behind the end, to the end of the
// page.
function fillCache(
  cache: TestCache,
  { file, expected }: Reader,
  { cache: made, faults }: ReadCase,
  chance: Prng,
): void {
  const { blockSize, full } = made as NonNullable<typeof made>;
  const { ino } = file.fstat();
  const stored = Buffer.alloc(roundUp(expected.length, PAGE_SIZE));
  if (isOld(faults)) stored.fill(0x5a);
  else stored.set(expected);
  for (let at = 0; at < stored.length; ) {
    const end = Math.min(stored.length, at + blockSize * (1 + chance.below(20)));
    if (chance.below(256) < full) cache.fill(ino, at, stored.subarray(at, end));
    at = end;
  }
}

/** One open file of one process, and what its reads must give. */
class Reader {
  readonly file: VfsFile;
  readonly expected: Buffer;
  readonly problems: string[] = [];
  bytes = 0;
  /** Something may make a read fail; bytes that are delivered must be right all the same. */
  readonly #mayFail: boolean;
  readonly #mayLie: boolean;

  constructor(file: VfsFile, expected: Buffer, { faults }: ReadCase, defects: Defects) {
    this.file = file;
    this.expected = expected;
    const { serverError, serverEmpty, cacheBegin, memory } = faults;
    this.#mayLie = defects === 'kernel';
    this.#mayFail = serverError + serverEmpty + cacheBegin + memory > 0 || this.#mayLie;
  }

  *step(step: Step, sleep: (ns: number) => Task): Task {
    if (step.kind === 'pause') {
      yield* sleep(step.ns);
    } else if (step.kind === 'advise') {
      yield* this.file.fadvise(step.advice);
    } else {
      const at = this.#within(step.at);
      if (step.kind === 'load') yield* this.#load(at, step.count);
      else if (step.kind === 'readahead') yield* this.file.readahead(at, step.count);
      else if (step.kind === 'read') yield* this.#read(at, step.count);
      else for (let i = 0; i < step.n; i++) yield* this.#read(at + i * step.count, step.count);
    }
  }

  // Positions a little beyond the end are asked for too.
  #within(at: number): number {
    return at % (this.expected.length + 6000);
  }

  *#read(at: number, length: number): Task {
    const target = Buffer.alloc(length, 0xee);
    const got = yield* this.#try(this.file.read(target, 0, length, at));
    const due = this.expected.subarray(at, at + length);
    if (got < 0) return;
    if (got > due.length) this.problems.push(`read of ${length} at ${at} gave ${got}`);
    if (got < due.length && !this.#mayFail) this.problems.push(`read at ${at} is short: ${got}`);
    this.#compare(target.subarray(0, got), due.subarray(0, got), at);
  }

  *#load(at: number, wanted: number): Task {
    const length = Math.min(wanted, this.expected.length - at);
    if (length <= 0) return;
    const area = this.file.mmap(0, roundUp(at + length, PAGE_SIZE));
    const target = Buffer.alloc(length, 0xee);
    const got = yield* this.#try(area.load(target, at, length));
    area.munmap();
    if (got >= 0) this.#compare(target, this.expected.subarray(at, at + length), at);
  }

  *#try(operation: Task<number>): Task<number> {
    try {
      return yield* operation;
    } catch (error) {
      if (!(error instanceof ErrnoError)) throw error;
      if (!this.#mayFail) this.problems.push(error.message);
      return -1;
    }
  }

  #compare(got: Buffer, expected: Buffer, at: number): void {
    this.bytes += got.length;
    const wrong = firstDifference(got, expected);
    if (wrong >= 0 && !this.#mayLie) this.problems.push(`wrong byte at ${at + wrong}`);
  }
}
