/**
 * The worked examples W13 to W16 of the specification (BEHAVIOUR 3.13): refused and joined stores,
 * data that became stale, expansion. And the rest of the table of cache operations, asked for as it
 * says.
 */
import test from 'ava';
import { ENOBUFS, ENOMEM, ERESTARTSYS } from '../../../src/core/base/errno.js';
import { content } from '../../helpers/lab.js';
import {
  counters,
  dropPages,
  events,
  inBothModes,
  pageStates,
  readahead,
  readpage,
  sameBytes,
} from '../../helpers/netfs.js';
import { makeCachedLab } from '../../helpers/test_cache.js';
import { workedW14, workedW15 } from '../../helpers/worked_sequences.js';

inBothModes('W13: a refused store is skipped and its pages are unmarked', async (t, defects) => {
  const made = makeCachedLab(t, { f: 0x10000 }, { refuse: () => true }, { defects });
  const file = made.open('f');
  await readahead(made, file, 0, 0x4000);
  t.deepEqual(
    await made.trace(),
    events(`
      R1 READAHEAD c=0000000a s=0 4000
      R1[0] PREP DOWN f=01 s=0 0/4000 e=0
      R1[0] SUBMT DOWN f=01 s=0 0/4000 e=0
      R1[0] TERM DOWN f=03 s=0 4000/4000 e=0
      R1 ASSESS f=22
      R1 UNLOCK f=22
      R1 WRITE f=02
      failure R1[0] DOWN f=03 s=0 4000/4000 prep-write e=-105
      R1[0] SKIP DOWN f=03 s=0 4000/4000 e=0
      R1 DONE f=02
      R1[0] FREE DOWN f=03 s=0 4000/4000 e=0
      R1 FREE f=02
    `),
  );
  t.deepEqual(counters(made.lab), { RA: 1, DL: 1, ds: 1 });
  t.deepEqual(pageStates(made, file, 4), new Array(4).fill('uptodate'));
  await made.lab.close();
});

inBothModes('W14: neighbouring slices are stored in one write', async (t, defects) => {
  const made = makeCachedLab(t, { f: 0x10000 }, {}, { defects, rsize: 0x2000 });
  const file = made.open('f');
  await readahead(made, file, 0, 0x6000);
  const { trace, counted } = workedW14('0000000a');
  t.deepEqual(await made.trace(), trace);
  t.deepEqual(counters(made.lab), counted);
  t.deepEqual(made.cache.writes, [{ number: 0, start: 0, len: 0x6000, seekData: false }]);
  sameBytes(t, made.cache.content(file.fstat().ino, 0, 0x6000), content('f', 0x6000));
  await made.lab.close();
});

for (const reads of ['sync', 'async'] as const) {
  inBothModes(
    `W15: data that is not valid any more is downloaded (${reads})`,
    async (t, defects) => {
      const options = { reads, isStillValid: () => false };
      const made = makeCachedLab(t, { f: 0x10000 }, options, { defects });
      const file = made.open('f');
      const stale = content('old f', 0x4000);
      made.cache.fill(file.fstat().ino, 0, stale);
      await readahead(made, file, 0, 0x4000);
      // The kernel keeps what was transferred from the cache and asks the server for the rest:
      // nothing.
      const kept = defects === 'kernel' ? '4000' : '0';
      const { trace, counted } = workedW15('0000000a', kept);
      t.deepEqual(await made.trace(), trace);
      t.deepEqual(counters(made.lab), counted);
      const read = await made.read(file, 0, 0x4000);
      sameBytes(t, read, defects === 'kernel' ? stale : content('f', 0x4000));
      await made.lab.close();
    },
  );
}

inBothModes(
  'W16: expansion goes down first and stops at a page that is present',
  async (t, defects) => {
    const made = makeCachedLab(t, { f: 0x10000 }, { granule: 0x4000 }, { defects });
    const file = made.open('f');
    await readpage(made, file, 7);
    await readahead(made, file, 0x5000, 0x2000);
    const trace = await made.trace();
    t.deepEqual(
      trace.filter((line) => line.startsWith('R2')),
      events(`
      R2 READAHEAD c=0000000a s=5000 2000
      R2 EXPANDED c=0000000a s=4000 3000
      R2[0] PREP DOWN f=01 s=4000 0/3000 e=0
      R2[0] SUBMT DOWN f=01 s=4000 0/3000 e=0
      R2[0] TERM DOWN f=03 s=4000 3000/3000 e=0
      R2 ASSESS f=22
      R2 UNLOCK f=22
      R2 WRITE f=02
      R2[0] WRITE DOWN f=03 s=4000 3000/3000 e=0
      R2[0] WTERM DOWN f=03 s=4000 3000/3000 e=0
      R2 DONE f=02
      R2[0] FREE DOWN f=03 s=4000 3000/3000 e=0
      R2 FREE f=02
    `),
    );
    t.deepEqual(counters(made.lab), { RA: 1, RP: 1, DL: 2, ds: 2, WR: 2, ws: 2 });
    await made.lab.close();
  },
);

inBothModes('W16: a page present below forgoes growing upwards too', async (t, defects) => {
  const made = makeCachedLab(t, { f: 0x10000 }, { granule: 0x4000 }, { defects });
  const file = made.open('f');
  await readpage(made, file, 4);
  await readpage(made, file, 7);
  await readahead(made, file, 0x5000, 0x2000);
  const trace = await made.trace();
  t.deepEqual(
    trace.filter((line) => line.startsWith('R3')).slice(0, 3),
    events(`
      R3 READAHEAD c=0000000a s=5000 2000
      R3 EXPANDED c=0000000a s=5000 2000
      R3[0] PREP DOWN f=01 s=5000 0/2000 e=0
    `),
  );
  await made.lab.close();
});

test('expansion with nothing in the way reaches a whole granule, end of file or not', async (t) => {
  const made = makeCachedLab(t, { f: 0x5800 }, { granule: 0x4000 });
  const file = made.open('f');
  await readahead(made, file, 0x5000, 0x1000);
  t.deepEqual((await made.trace()).slice(0, 8), [
    'R1 READAHEAD c=0000000a s=5000 1000',
    'R1 EXPANDED c=0000000a s=4000 4000',
    'R1[0] PREP DOWN f=01 s=4000 0/1800 e=0',
    'R1[0] SUBMT DOWN f=01 s=4000 0/1800 e=0',
    'R1[0] TERM DOWN f=03 s=4000 1800/1800 e=0',
    'R1[1] PREP ZERO f=00 s=5800 0/2800 e=0',
    'R1[1] SUBMT ZERO f=00 s=5800 0/2800 e=0',
    'R1[1] TERM ZERO f=02 s=5800 2800/2800 e=0',
  ]);
  await made.lab.close();
});

test('readpage is not expanded', async (t) => {
  const made = makeCachedLab(t, { f: 0x10000 }, { granule: 0x4000 });
  await readpage(made, made.open('f'), 5);
  const trace = await made.trace();
  t.false(trace.some((line) => line.includes('EXPANDED')));
  t.is(trace[0], 'R1 READPAGE c=0000000a s=5000 1000');
  await made.lab.close();
});

test('a cache that cannot begin is done without', async (t) => {
  const made = makeCachedLab(t, { f: 0x10000 }, { onBegin: () => -ENOBUFS });
  const file = made.open('f');
  sameBytes(t, await made.read(file, 0, 0x10000), content('f', 0x10000));
  t.true((await made.trace())[0]?.startsWith('R1 READAHEAD c=00000000'));
  t.deepEqual([made.cache.begun, made.cache.ended], [0, 0]);
  await made.lab.close();
});

for (const [name, error, seen] of [
  ['ENOMEM', ENOMEM, 'ENOMEM'],
  // A number of the kernel's own: the application sees an interrupted call.
  ['ERESTARTSYS', ERESTARTSYS, 'EINTR'],
] as const) {
  test(`${name} from the cache's begin fails the read and frees the request`, async (t) => {
    const made = makeCachedLab(t, { f: 0x10000 }, { onBegin: () => -error });
    const file = made.open('f');
    await t.throwsAsync(made.read(file, 0, 0x1000), { code: seen });
    t.deepEqual(await made.trace(), ['R1 FREE f=20', 'R2 FREE f=20']);
    t.deepEqual(counters(made.lab), {});
    await made.lab.close();
  });
}

test('without space what is downloaded is not stored', async (t) => {
  const made = makeCachedLab(t, { f: 0x10000 }, { hasSpace: () => false });
  await readahead(made, made.open('f'), 0, 0x4000);
  t.deepEqual(counters(made.lab), { RA: 1, DL: 1, ds: 1 });
  t.deepEqual(made.cache.writes, []);
  await made.lab.close();
});

test('a failed store counts, is traced, and does not reach the reader', async (t) => {
  const options = { writes: 'async', onWrite: () => -28 } as const;
  const made = makeCachedLab(t, { f: 0x10000 }, options);
  const file = made.open('f');
  await readahead(made, file, 0, 0x4000);
  const trace = await made.trace();
  t.deepEqual(trace.slice(trace.indexOf('R1 WRITE f=02')), [
    'R1 WRITE f=02',
    'R1[0] WRITE DOWN f=03 s=0 4000/4000 e=0',
    'failure R1[0] DOWN f=03 s=0 4000/4000 copy-to-cache e=-28',
    'R1[0] WTERM DOWN f=03 s=0 4000/4000 e=0',
    'R1 DONE f=02',
    'R1[0] FREE DOWN f=03 s=0 4000/4000 e=0',
    'R1 FREE f=02',
  ]);
  t.deepEqual(counters(made.lab), { RA: 1, DL: 1, ds: 1, WR: 1, wf: 1 });
  t.deepEqual(pageStates(made, file, 4), new Array(4).fill('uptodate'));
  sameBytes(t, await made.read(file, 0, 0x4000), content('f', 0x4000));
  await made.lab.close();
});

test('while a store is in flight its pages can be read and cannot be dropped', async (t) => {
  const made = makeCachedLab(t, { f: 0x4000 }, { writes: 'async', delayNs: () => 1e6 });
  const file = made.open('f');
  await made.lab.run('reader', () => file.readahead(0, 0x4000));
  await made.lab.run('reader', () => file.fadvise('dontneed'));
  t.deepEqual(pageStates(made, file, 4), new Array(4).fill('uptodate fscache +1'));
  const target = Buffer.alloc(0x1000);
  t.is(file.readNow(target, 0, 0x1000, 0x1000), 0x1000);
  await dropPages(made, file);
  t.deepEqual(pageStates(made, file, 4), new Array(4).fill('absent'));
  await made.lab.close();
});

test('prepare_read may sleep, and slices are still cut in order', async (t) => {
  const options = { prepareDelayNs: 5000, reads: 'async' } as const;
  const made = makeCachedLab(t, { f: 0x10000 }, options);
  const file = made.open('f');
  made.cache.fill(file.fstat().ino, 0, content('f', 0x2000));
  await readahead(made, file, 0, 0x4000);
  t.deepEqual((await made.trace()).slice(0, 7), [
    'R1 READAHEAD c=0000000a s=0 4000',
    'R1[0] PREP READ f=00 s=0 0/2000 e=0',
    'R1[0] SUBMT READ f=00 s=0 0/2000 e=0',
    'R1[0] TERM READ f=00 s=0 2000/2000 e=0',
    'R1[1] PREP DOWN f=01 s=2000 0/2000 e=0',
    'R1[1] SUBMT DOWN f=01 s=2000 0/2000 e=0',
    'R1[1] TERM DOWN f=03 s=2000 2000/2000 e=0',
  ]);
  sameBytes(t, await made.read(file, 0, 0x4000), content('f', 0x4000));
  await made.lab.close();
});

test('a short cache read is continued where it stopped, looking for data first', async (t) => {
  const onRead = ({ number }: { number: number }) => (number === 0 ? 0x1000 : undefined);
  const made = makeCachedLab(t, { f: 0x10000 }, { onRead });
  const file = made.open('f');
  made.cache.fill(file.fstat().ino, 0, content('f', 0x4000));
  await readahead(made, file, 0, 0x4000);
  t.deepEqual(made.cache.reads, [
    { number: 0, start: 0, len: 0x4000, seekData: false },
    { number: 1, start: 0x1000, len: 0x3000, seekData: true },
  ]);
  t.deepEqual(counters(made.lab), { RA: 1, RD: 2, rs: 2, sh: 1 });
  sameBytes(t, await made.read(file, 0, 0x4000), content('f', 0x4000));
  await made.lab.close();
});

inBothModes('the slice whose end completes the request is freed last', async (t, defects) => {
  const options = { reads: 'async', hasSpace: () => false } as const;
  const made = makeCachedLab(t, { f: 0x10000 }, options, { defects });
  const file = made.open('f');
  made.cache.fill(file.fstat().ino, 0, content('f', 0x2000));
  await readahead(made, file, 0, 0x4000);
  const trace = await made.trace();
  t.deepEqual(trace.slice(-7), [
    'R1[0] TERM READ f=00 s=0 2000/2000 e=0',
    'R1 ASSESS f=20',
    'R1 UNLOCK f=20',
    'R1 DONE f=00',
    'R1[1] FREE DOWN f=02 s=2000 2000/2000 e=0',
    'R1[0] FREE READ f=00 s=0 2000/2000 e=0',
    'R1 FREE f=00',
  ]);
  await made.lab.close();
});
