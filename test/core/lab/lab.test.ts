/** A lab: processes, clocks, seeds, coming to rest, and options that cannot work. */
import test from 'ava';
import { Bug, ErrnoError, UsageError } from '../../../src/core/base/errors.js';
import { Lab } from '../../../src/core/lab/lab.js';
import { LAB_DEFAULTS, type LabOptions, labOptions } from '../../../src/core/lab/options.js';
import { WaitQueue } from '../../../src/core/sim/wait_queue.js';
import { content, makeLab, opened, openNow, serverDir } from '../../helpers/lab.js';
import { sameBytes } from '../../helpers/netfs.js';
import { atOnce } from '../sim/at_once.js';

test('a process gives its result, or what it threw', async (t) => {
  const { lab } = makeLab(t, {});
  const result = await lab.run('adder', function* () {
    yield* lab.scheduler.sleep(10);
    return 1 + 1;
  });
  t.is(result, 2);
  await t.throwsAsync(
    lab.run('thrower', function* () {
      yield* lab.scheduler.sleep(10);
      throw new RangeError('out');
    }),
    { instanceOf: RangeError },
  );
  t.is(await lab.run('after', () => atOnce(() => 3)), 3);
});

test('processes started together run at once, and each ends when it has ended', async (t) => {
  const { lab } = makeLab(t, {});
  const ended: string[] = [];
  const job = (name: string, ns: number): Promise<number> =>
    lab.run(name, function* () {
      yield* lab.scheduler.sleep(ns);
      ended.push(name);
      return lab.clock.now();
    });
  t.deepEqual(await Promise.all([job('long', 300), job('short', 100)]), [300, 100]);
  t.deepEqual(ended, ['short', 'long']);
});

test('a process that waits for what never comes is a bug that names it', async (t) => {
  const { lab } = makeLab(t, {});
  await t.throwsAsync(
    lab.run('waiter', function* () {
      yield new WaitQueue('the end of days');
    }),
    { instanceOf: Bug, message: /waiter-1000 on the end of days/ },
  );
});

test('a process that failed does not fail the one beside it', async (t) => {
  const { lab } = makeLab(t, {});
  const outcomes = await Promise.allSettled([
    lab.run('bad', () =>
      atOnce(() => {
        throw new RangeError('out');
      }),
    ),
    lab.run('good', function* () {
      yield* lab.scheduler.sleep(50);
      return 'fine';
    }),
  ]);
  t.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'fulfilled'],
  );
});

test('the same seed gives the same trace to the last byte, another seed another one', async (t) => {
  const server = serverDir(t, { f: 1 << 20, g: 200_000 });
  const trace = async (seed: number): Promise<string> => {
    const options: Partial<LabOptions> = { seed, server, completion: 'async', maxConcurrent: 2 };
    const made = makeLab(t, {}, { ...options, latencyNs: 50_000, jitterNs: 100_000 });
    const files = await Promise.all(['f', 'g'].map((name) => opened(made.lab, name)));
    await Promise.all(files.map((file) => made.read(file, 0, 1 << 20)));
    await made.lab.close();
    return JSON.stringify(made.sink.rows);
  };
  const first = await trace(1);
  t.true(first.length > 1000);
  t.is(await trace(1), first);
  t.not(await trace(2), first);
});

test('a lab without a trace reads the same bytes and emits nothing', async (t) => {
  const lab = new Lab({ server: serverDir(t, { f: 100_000 }) });
  t.false(lab.tracer.enabled);
  const target = Buffer.alloc(100_000);
  const file = openNow(lab, 'f');
  await lab.run('reader', () => file.read(target, 0, 100_000, 0));
  sameBytes(t, target, content('f', 100_000));
  file.close();
  t.is((await lab.close()).events, 0);
});

test('closing waits for what is in flight, and may be repeated', async (t) => {
  const { lab } = makeLab(t, { f: 1 << 20 }, { latencyNs: 1e6, completion: 'async' });
  const file = await opened(lab, 'f');
  await lab.run('reader', () => file.readahead(0, 65_536));
  t.is(lab.stats.netfs_n_rh_rreq, 1);
  file.close();
  await lab.close();
  t.is(lab.stats.netfs_n_rh_rreq, 0);
  t.is((await lab.close()).error, null);
});

const violated = test.macro({
  async exec(t, _what: string, spoil: (lab: Lab) => void, message: RegExp) {
    const { lab, open, read } = makeLab(t, { f: 10_000 }, { seed: 42 });
    const file = open('f');
    await read(file, 0, 10_000);
    file.close();
    spoil(lab);
    const error = await t.throwsAsync(lab.close(), { instanceOf: Bug, message });
    t.is(error?.seed, 42);
  },
  title: (_, what: string) => `${what} at the end is a bug that carries the seed`,
});

function someFolio(lab: Lab): number {
  return [...lab.folios.all()][0]!;
}

test(violated, 'a locked page', (lab) => lab.folios.tryLock(someFolio(lab)), /page 0 .*is locked/);
test(
  violated,
  'a page being stored',
  (lab) => lab.folios.startFscache(someFolio(lab)),
  /is being written to the cache/,
);
test(violated, 'a page held', (lab) => lab.folios.get(someFolio(lab)), /has 2 references/);
test(
  violated,
  'a frame lost',
  (lab) => lab.folios.frames.allocate(),
  /4 frames in use for 3 pages/,
);
test(violated, 'a request alive', (lab) => lab.stats.netfs_n_rh_rreq++, /requests alive \(rr\): 1/);
test(violated, 'a slice alive', (lab) => lab.stats.netfs_n_rh_sreq++, /slices alive \(sr\): 1/);
test(violated, 'a download unended', (lab) => lab.stats.netfs_n_rh_download++, /\(DL\) and done/);
test(violated, 'a byte unsent', (lab) => lab.server.counters.bytes--, /bytes downloaded: 10000/);

test('options that are not given have their defaults', (t) => {
  const options = labOptions({ server: 'x', rsize: 4096, latencyNs: undefined });
  t.deepEqual(options, { ...LAB_DEFAULTS, server: 'x', rsize: 4096 });
});

const refused = test.macro({
  exec(t, option: string, given: Partial<LabOptions>) {
    const error = t.throws(() => labOptions({ server: 'x', ...given }), { instanceOf: UsageError });
    t.is(error.option, option);
  },
  title: (_, option: string, given: Partial<LabOptions>) =>
    `${option} refuses ${Object.values(given).join()}`,
});

test(refused, '--page-cache', { pageCache: (1 << 20) - 1 });
test(refused, '--page-cache', { pageCache: Number.NaN });
test(refused, '--rsize', { rsize: -1 });
test(refused, '--rsize', { rsize: 1.5 });
test(refused, '--stripe-unit', { stripeUnit: 5000 });
test(refused, '--server-latency', { latencyNs: -1 });
test(refused, '--server-jitter', { jitterNs: Number.POSITIVE_INFINITY });
test(refused, '--server-bandwidth', { bandwidth: -1 });
test(refused, '--server-concurrency', { maxConcurrent: 0.5 });
test(refused, '--read-ahead-kb', { readAheadKb: -4 });

test('a lab over a directory that is not there is an error with advice', (t) => {
  const error = t.throws(() => new Lab({ server: '/no/such/directory' }), {
    instanceOf: ErrnoError,
  });
  t.is(error.code, 'ENOENT');
  t.truthy(error.hint);
});

test('behaviours of the memory manager can be set apart from the profile', async (t) => {
  const windows = async (mm: LabOptions['mm']): Promise<number> => {
    const made = makeLab(t, { f: 1 << 20 }, { mm });
    await made.read(made.open('f'), 0, 4096);
    return (await made.trace()).filter((line) => line.includes('READAHEAD')).length;
  };
  t.is(await windows({}), 2);
  t.is(await windows({ batchLimitInclusive: false }), 1);
});
