/**
 * Every option against every profile: it is refused by name, or something is observed to change.
 */
import { createHash } from 'node:crypto';
import test from 'ava';
import { UsageError } from '../../../src/core/base/errors.js';
import { LAB_DEFAULTS, type LabOptions, PROFILE_NAMES } from '../../../src/core/lab/options.js';
import { profileByName } from '../../../src/core/profile/index.js';
import type { ClientOption } from '../../../src/core/profile/types.js';
import { makeLab, opened, tempDir } from '../../helpers/lab.js';

type Option = keyof typeof LAB_DEFAULTS;

/** Values that differ from the default, and what has to be set beside them to see a difference. */
const OTHER: Partial<Record<Option, readonly [value: unknown, beside?: Partial<LabOptions>]>> = {
  profile: ['linux-5.13-afs'],
  clock: ['real'],
  seed: [77, { jitterNs: 5e6 }],
  pageCache: [1 << 20],
  inodes: [1],
  readAheadKb: [16],
  msize: [8192],
  cacheMode: ['none', { cacheDir: undefined }],
  rsize: [4096],
  stripeUnit: [256 << 10],
  clearTail: [false],
  completion: ['async'],
  streams: [4],
  latencyNs: [9e6],
  jitterNs: [5e6],
  bandwidth: [1e6],
  maxConcurrent: [1],
  serverWrites: ['direct'],
  callbackNs: [0],
  cacheWrites: ['off'],
  dirty: [{ intervalNs: 1e6, expireNs: 1e6 } satisfies LabOptions['dirty']],
  granule: [64 << 10],
  cacheSize: [1 << 20],
  cacheTaken: [(8 << 20) - 4096, { cacheSize: 8 << 20 }],
  cacheLimits: [{ run: 99, cull: 98, stop: 97 }, { cacheSize: 1 << 20 }],
  cacheLatencyNs: [77e6],
};

/** Options that this test does not try, and why. */
const UNTRIED: Partial<Record<Option, string>> = {
  defects: 'differs where a defect is met; test/core/netfs/defects.test.ts',
  io: 'only the real clock has a choice; test/core/io/lab_drivers.test.ts',
  hugePages: 'how fast memory is',
  cpu: 'where threads run',
  serverOverlay: 'where the overlay is',
  cacheDir: 'the cache is on in every case here',
  presence: 'differs where the filesystem of the cache lies; test/core/cachefiles',
  verifyCache: 'differs where the cache is damaged; test/core/cachefiles',
  cacheDirect: 'how the cache is read',
  cacheOwner: 'differs where somebody else owns the cache; test/core/cachefiles',
  cacheInodes: 'differs where the disk has few; test/core/app/conform.test.ts',
  cacheXattr: 'where the coherency data is',
  cacheCheckpointNs: 'when maps are written',
  sink: 'every case has one',
  obtained: 'a callback',
  cache: 'a callback',
  backing: 'fault injection',
  wrapServer: 'fault injection',
  mm: 'fault injection',
  failAllocation: 'fault injection',
};

/** Columns that hold inode numbers of the test's own files, which differ from run to run. */
const INODES = ['netfs_inode', 'cache_inode', 'ino', 'dino', 'inode', 'backer'];

/** A workload that all options have a say in: a digest of what was observed. */
async function observe(
  t: Parameters<typeof makeLab>[0],
  options: Partial<LabOptions>,
): Promise<string> {
  const files = { f: 1_400_000, g: 300_000 };
  const made = makeLab(t, files, {
    latencyNs: 1e6,
    pageCache: 8 << 20,
    cacheDir: tempDir(t),
    ...options,
  });
  const { lab, sink, read } = made;
  const results: string[] = [];
  for (let round = 0; round < 2; round++) {
    const file = await opened(lab, 'f', { write: true });
    for (let at = 0; at < 1_400_000; at += 70_000)
      results.push((await read(file, at, 70_000)).toString('hex').slice(0, 8));
    await lab.run('writer', () => file.write(new Uint8Array(20_000).fill(3), 0, 20_000, 1_390_000));
    await lab.run('writer', () => lab.scheduler.sleep(20e6));
    await lab.run('writer', () => file.fsync());
    file.close();
    const both = await Promise.all(
      ['g', 'g', 'f'].map((name) =>
        lab.run('reader', function* () {
          const other = yield* lab.vfs.open(name);
          const buffer = new Uint8Array(300_000);
          yield* other.read(buffer, 0, buffer.length, 0);
          other.close();
        }),
      ),
    );
    results.push(String(both.length));
    await lab.scheduler.drain();
    lab.dropCaches(3);
  }
  const { counters } = lab.server;
  await lab.close();
  const served = options.serverWrites === 'direct' ? 'in place' : '';
  const values = { results, counters, stats: lab.stats, at: lab.clock.now(), served };
  const rows = sink.rows.map((row) =>
    Object.entries(row).filter(([column]) => column !== 'ts' && !INODES.includes(column)),
  );
  return createHash('md5')
    .update(JSON.stringify([values, rows]))
    .digest('hex');
}

for (const profile of PROFILE_NAMES) {
  test(`${profile}: an option accepted is an option obeyed`, async (t) => {
    const unlisted = (Object.keys(LAB_DEFAULTS) as Option[]).filter(
      (option) => OTHER[option] === undefined && UNTRIED[option] === undefined,
    );
    t.deepEqual(unlisted, [], 'every option is tried, or said why not');
    for (const [option, [value, beside = {}]] of Object.entries(OTHER) as Array<
      [Option, NonNullable<(typeof OTHER)[Option]>]
    >) {
      if (option === 'profile') continue;
      const fixed = profileByName(profile).fixed[option as ClientOption];
      const other = { profile, ...beside, [option]: value };
      if (fixed !== undefined) {
        const error = await t.throwsAsync(observe(t, other), { instanceOf: UsageError }, option);
        t.true(error?.message.includes(`${profile} ${fixed.why}`), error?.message);
        await t.notThrowsAsync(
          observe(t, { profile, ...(fixed.is === undefined ? {} : { [option]: fixed.is }) }),
        );
      } else if (option === 'clock') {
        // What is measured on the real clock is never the same.
        await t.notThrowsAsync(observe(t, { ...other, latencyNs: 0 }));
      } else {
        const without = await observe(t, { profile, ...beside });
        t.is(await observe(t, { profile, ...beside }), without, `${option}: a run repeats`);
        t.not(await observe(t, other), without, `${option} has an effect`);
      }
    }
  });
}

test('an option that has no effect beside another is refused by both names', (t) => {
  for (const [options, message] of [
    [{ granule: 8192 }, /--granule: needs a disk cache/],
    [{ cacheSize: 1 << 20 }, /--cache-size: needs a disk cache/],
    [{ verifyCache: false }, /--no-verify-cache: needs a disk cache/],
    [{ serverOverlay: '/tmp', serverWrites: 'direct' }, /--server-overlay: --server-writes direct/],
    [{ streams: 4, completion: 'sync' }, /--streams: with --server-completion sync/],
    [{ streams: 4, readAheadKb: 0 }, /--streams: .*--read-ahead-kb is 0/],
    [
      { profile: 'linux-6.1-9p', cacheMode: 'none', cacheDir: '/tmp' },
      /--cache: a mount with --cache-mode none has no cache/,
    ],
    [{ profile: 'linux-6.1-9p', rsize: 4096 }, /--rsize: linux-6.1-9p takes it from --msize/],
  ] as const) {
    t.throws(() => makeLab(t, { f: 1 }, options), { instanceOf: UsageError, message });
  }
});
