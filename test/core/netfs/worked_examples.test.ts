/**
 * The worked examples W1 to W10 of the specification (BEHAVIOUR 3.13), event for event with the
 * counters given there. W13 to W16 are in `cache_examples.test.ts`, where the defects differ in
 * `defects.test.ts`.
 */
import test from 'ava';
import { errnoOf } from '../../../src/core/base/errno.js';
import { misbehave } from '../../helpers/bad_server.js';
import { content, makeLab } from '../../helpers/lab.js';
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
import {
  workedW2,
  workedW3,
  workedW4,
  workedW5,
  workedW9,
} from '../../helpers/worked_sequences.js';

inBothModes('W1: a cold readahead without a cache downloads its window', async (t, defects) => {
  const made = makeLab(t, { f: 0x10000 }, { defects });
  await readahead(made, made.open('f'), 0, 0x4000);
  t.deepEqual(
    await made.trace(),
    events(`
      R1 READAHEAD c=00000000 s=0 4000
      R1[0] PREP DOWN f=00 s=0 0/4000 e=0
      R1[0] SUBMT DOWN f=00 s=0 0/4000 e=0
      R1[0] TERM DOWN f=02 s=0 4000/4000 e=0
      R1 ASSESS f=20
      R1 UNLOCK f=20
      R1 DONE f=00
      R1[0] FREE DOWN f=02 s=0 4000/4000 e=0
      R1 FREE f=00
    `),
  );
  t.deepEqual(counters(made.lab), { RA: 1, DL: 1, ds: 1 });
  await made.lab.close();
});

const ETIMEDOUT = errnoOf('ETIMEDOUT');

/** The cookie of the cache in memory, as printed. */
const COOKIE = '0000000a';
const W2 = workedW2(COOKIE);

inBothModes('W2: a cold readahead with a cache stores what it downloads', async (t, defects) => {
  const made = makeCachedLab(t, { f: 0x10000 }, {}, { defects });
  const file = made.open('f');
  await readahead(made, file, 0, 0x4000);
  t.deepEqual(await made.trace(), W2.trace);
  t.deepEqual(counters(made.lab), W2.counted);
  sameBytes(t, made.cache.content(file.fstat().ino, 0, 0x4000), content('f', 0x4000));
  t.deepEqual([made.cache.begun, made.cache.ended], [1, 1]);
  await made.lab.close();
});

inBothModes(
  'W2: after an asynchronous download a worker stores, and the events are the same',
  async (t, defects) => {
    const made = makeCachedLab(t, { f: 0x10000 }, {}, { defects, completion: 'async' });
    await readahead(made, made.open('f'), 0, 0x4000);
    t.deepEqual(await made.trace(), W2.trace);
    const { rows } = made.sink;
    const write = rows.findIndex(({ what }) => what === 'WRITE');
    t.deepEqual([...new Set(rows.slice(write).map(({ comm }) => comm))], ['kworker/u2:1']);
    t.false(rows.slice(0, write).some(({ comm }) => comm.startsWith('kworker')));
    await made.lab.close();
  },
);

inBothModes('W3: a warm readahead is read from the cache alone', async (t, defects) => {
  const made = makeCachedLab(t, { f: 0x10000 }, { reads: 'async' }, { defects });
  const file = made.open('f');
  made.cache.fill(file.fstat().ino, 0, content('f', 0x4000));
  await readahead(made, file, 0, 0x4000);
  const { trace, counted } = workedW3(COOKIE);
  t.deepEqual(await made.trace(), trace);
  t.deepEqual(counters(made.lab), counted);
  t.is(made.sink.rows.find(({ what }) => what === 'TERM')?.comm, '<idle>');
  t.regex(made.sink.rows.at(-1)?.comm ?? '', /^kworker/);
  t.is(made.lab.server.counters.fetches, 0);
  sameBytes(t, await made.read(file, 0, 0x4000), content('f', 0x4000));
  await made.lab.close();
});

inBothModes('W4: a window partly in the cache is sliced at its edges', async (t, defects) => {
  const made = makeCachedLab(t, { f: 0x20000 }, { reads: 'async' }, { defects });
  const file = made.open('f');
  const bytes = content('f', 0x20000);
  made.cache.fill(file.fstat().ino, 0x2000, bytes.subarray(0x2000, 0x4000));
  await readahead(made, file, 0, 0x8000);
  const { trace, counted } = workedW4(COOKIE, 'sync');
  t.deepEqual(await made.trace(), trace);
  t.deepEqual(counters(made.lab), counted);
  sameBytes(t, made.cache.content(file.fstat().ino, 0, 0x8000), bytes.subarray(0, 0x8000));
  sameBytes(t, await made.read(file, 0, 0x8000), bytes.subarray(0, 0x8000));
  await made.lab.close();
});

inBothModes(
  'W4: asynchronous writes are all submitted at once, and the last one ends the request',
  async (t, defects) => {
    const made = makeCachedLab(t, { f: 0x20000 }, { writes: 'async' }, { defects });
    const file = made.open('f');
    made.cache.fill(file.fstat().ino, 0x2000, content('f', 0x4000).subarray(0x2000));
    await made.lab.run('reader', () => file.readahead(0, 0x8000));
    const stored = ['uptodate fscache +1', 'uptodate fscache +1'];
    t.deepEqual(pageStates(made, file, 9), [
      ...[...stored, 'uptodate', 'uptodate', ...stored, ...stored],
      'absent',
    ]);
    const trace = await made.trace();
    const expected = workedW4(COOKIE, 'async').trace;
    const from = 'R1 WRITE f=02';
    t.deepEqual(trace.slice(trace.indexOf(from)), expected.slice(expected.indexOf(from)));
    t.deepEqual(pageStates(made, file, 8), new Array(8).fill('uptodate'));
    await made.lab.close();
  },
);

inBothModes(
  'W5: a window across the end of the file is clipped and zero-filled',
  async (t, defects) => {
    const made = makeLab(t, { f: 0x2800 }, { defects });
    const file = made.open('f');
    await readahead(made, file, 0, 0x3000);
    t.deepEqual(
      await made.trace(),
      events(`
      R1 READAHEAD c=00000000 s=0 3000
      R1[0] PREP DOWN f=00 s=0 0/2800 e=0
      R1[0] SUBMT DOWN f=00 s=0 0/2800 e=0
      R1[0] TERM DOWN f=02 s=0 2800/2800 e=0
      R1[1] PREP ZERO f=00 s=2800 0/800 e=0
      R1[1] SUBMT ZERO f=00 s=2800 0/800 e=0
      R1[1] TERM ZERO f=02 s=2800 800/800 e=0
      R1 ASSESS f=20
      R1 UNLOCK f=20
      R1 DONE f=00
      R1[0] FREE DOWN f=02 s=0 2800/2800 e=0
      R1[1] FREE ZERO f=02 s=2800 800/800 e=0
      R1 FREE f=00
    `),
    );
    t.deepEqual(counters(made.lab), { RA: 1, DL: 1, ds: 1, ZR: 1 });
    sameBytes(t, await made.read(file, 0, 0x3000), content('f', 0x2800));
    await made.lab.close();
  },
);

inBothModes(
  'W5: with a cache the zeros behind the end of the file are stored too',
  async (t, defects) => {
    const made = makeCachedLab(t, { f: 0x2800 }, {}, { defects });
    const file = made.open('f');
    await readahead(made, file, 0, 0x3000);
    const { trace, counted } = workedW5(COOKIE);
    t.deepEqual(await made.trace(), trace);
    t.deepEqual(counters(made.lab), counted);
    const padded = Buffer.concat([content('f', 0x2800), Buffer.alloc(0x800)]);
    sameBytes(t, made.cache.content(file.fstat().ino, 0, 0x3000), padded);

    await dropPages(made, file);
    await readahead(made, file, 0, 0x3000);
    t.deepEqual((await made.trace()).slice(16, 20), [
      'R2 READAHEAD c=0000000a s=0 3000',
      'R2[0] PREP READ f=00 s=0 0/3000 e=0',
      'R2[0] SUBMT READ f=00 s=0 0/3000 e=0',
      'R2[0] TERM READ f=00 s=0 3000/3000 e=0',
    ]);
    sameBytes(t, await made.read(file, 0, 0x3000), content('f', 0x2800));
    await made.lab.close();
  },
);

const W6 = (cookie: string): string[] =>
  events(`
    R1 READPAGE c=${cookie} s=10000 1000
    R1[0] PREP ZERO f=00 s=10000 0/1000 e=0
    R1[0] SUBMT ZERO f=00 s=10000 0/1000 e=0
    R1[0] TERM ZERO f=02 s=10000 1000/1000 e=0
    R1 ASSESS f=20
    R1 UNLOCK f=20
    R1 DONE f=00
    R1[0] FREE ZERO f=02 s=10000 1000/1000 e=0
    R1 FREE f=00
  `);

inBothModes('W6: a read at a page-aligned end of file is a page of zeros', async (t, defects) => {
  const bare = makeLab(t, { f: 0x10000 }, { defects });
  t.is((await bare.read(bare.open('f'), 0x10000, 0x1000)).length, 0);
  t.deepEqual(await bare.trace(), W6('00000000'));
  t.deepEqual(counters(bare.lab), { RP: 1, ZR: 1 });
  await bare.lab.close();

  const cached = makeCachedLab(t, { f: 0x10000 }, {}, { defects });
  t.is((await cached.read(cached.open('f'), 0x10000, 0x1000)).length, 0);
  t.deepEqual(await cached.trace(), W6('0000000a'));
  t.deepEqual(counters(cached.lab), { RP: 1, ZR: 1 });
  await cached.lab.close();
});

inBothModes(
  'W7: a short reply to a readahead is continued where it stopped',
  async (t, defects) => {
    const wrapServer = misbehave(({ number }) => (number === 0 ? { most: 0x1000 } : undefined));
    const made = makeLab(t, { f: 0x10000 }, { defects, clearTail: false, wrapServer });
    const file = made.open('f');
    await readahead(made, file, 0, 0x4000);
    t.deepEqual(
      await made.trace(),
      events(`
      R1 READAHEAD c=00000000 s=0 4000
      R1[0] PREP DOWN f=00 s=0 0/4000 e=0
      R1[0] SUBMT DOWN f=00 s=0 0/4000 e=0
      R1[0] TERM DOWN f=04 s=0 1000/4000 e=0
      R1 ASSESS f=21
      R1 RESUBM f=21
      R1[0] SHORT DOWN f=08 s=0 1000/4000 e=0
      R1[0] TERM DOWN f=08 s=0 4000/4000 e=0
      R1 UNLOCK f=20
      R1 DONE f=00
      R1[0] FREE DOWN f=08 s=0 4000/4000 e=0
      R1 FREE f=00
    `),
    );
    t.deepEqual(counters(made.lab), { RA: 1, DL: 2, ds: 2, sh: 1 });
    sameBytes(t, await made.read(file, 0, 0x4000), content('f', 0x4000));
    await made.lab.close();
  },
);

inBothModes('W7: a readpage assesses each round of a short reply', async (t, defects) => {
  const wrapServer = misbehave(({ number }) => (number === 0 ? { most: 0x400 } : undefined));
  const made = makeLab(t, { f: 0x10000 }, { defects, clearTail: false, wrapServer });
  sameBytes(t, await readpage(made, made.open('f'), 1), content('f', 0x2000).subarray(0x1000));
  t.deepEqual(
    await made.trace(),
    events(`
      R1 READPAGE c=00000000 s=1000 1000
      R1[0] PREP DOWN f=00 s=1000 0/1000 e=0
      R1[0] SUBMT DOWN f=00 s=1000 0/1000 e=0
      R1[0] TERM DOWN f=04 s=1000 400/1000 e=0
      R1 ASSESS f=21
      R1 RESUBM f=21
      R1[0] SHORT DOWN f=08 s=1000 400/1000 e=0
      R1[0] TERM DOWN f=08 s=1000 1000/1000 e=0
      R1 ASSESS f=20
      R1 UNLOCK f=20
      R1 DONE f=00
      R1[0] FREE DOWN f=08 s=1000 1000/1000 e=0
      R1 FREE f=00
    `),
  );
  t.deepEqual(counters(made.lab), { RP: 1, DL: 2, ds: 2, sh: 1 });
  await made.lab.close();
});

const NOTHING_TWICE = misbehave(({ number }) => (number < 2 ? { most: 0 } : undefined));

inBothModes(
  'W8: two empty replies fail a readahead without a failure event',
  async (t, defects) => {
    const made = makeLab(
      t,
      { f: 0x10000 },
      { defects, clearTail: false, wrapServer: NOTHING_TWICE },
    );
    const file = made.open('f');
    await readahead(made, file, 0, 0x4000);
    t.deepEqual(
      await made.trace(),
      events(`
      R1 READAHEAD c=00000000 s=0 4000
      R1[0] PREP DOWN f=00 s=0 0/4000 e=0
      R1[0] SUBMT DOWN f=00 s=0 0/4000 e=0
      R1[0] TERM DOWN f=14 s=0 0/4000 e=0
      R1 ASSESS f=21
      R1 RESUBM f=21
      R1[0] SHORT DOWN f=18 s=0 0/4000 e=0
      R1[0] TERM DOWN f=18 s=0 0/4000 e=-61
      R1 UNLOCK f=30
      R1 DONE f=10
      R1[0] FREE DOWN f=18 s=0 0/4000 e=-61
      R1 FREE f=10
    `),
    );
    t.deepEqual(counters(made.lab), { RA: 1, DL: 2, ds: 2, df: 1, sh: 1 });
    t.deepEqual(pageStates(made, file, 4), new Array(4).fill('not uptodate'));
    await made.lab.close();
  },
);

inBothModes('W8: two empty replies fail a readpage with ENODATA', async (t, defects) => {
  const made = makeLab(t, { f: 0x10000 }, { defects, clearTail: false, wrapServer: NOTHING_TWICE });
  await t.throwsAsync(readpage(made, made.open('f'), 0), { message: /SIGBUS/ });
  t.deepEqual(
    await made.trace(),
    events(`
      R1 READPAGE c=00000000 s=0 1000
      R1[0] PREP DOWN f=00 s=0 0/1000 e=0
      R1[0] SUBMT DOWN f=00 s=0 0/1000 e=0
      R1[0] TERM DOWN f=14 s=0 0/1000 e=0
      R1 ASSESS f=21
      R1 RESUBM f=21
      R1[0] SHORT DOWN f=18 s=0 0/1000 e=0
      R1[0] TERM DOWN f=18 s=0 0/1000 e=-61
      R1 ASSESS f=30
      R1 UNLOCK f=30
      R1 DONE f=10
      R1[0] FREE DOWN f=18 s=0 0/1000 e=-61
      R1 FREE f=10
    `),
  );
  t.deepEqual(counters(made.lab), { RP: 1, DL: 2, ds: 2, df: 1, sh: 1 });
  await made.lab.close();
});

inBothModes('W8: a read that gets only empty replies fails with ENODATA', async (t, defects) => {
  const wrapServer = misbehave(() => ({ most: 0 }));
  const made = makeLab(t, { f: 0x10000 }, { defects, clearTail: false, wrapServer });
  await t.throwsAsync(made.read(made.open('f'), 0, 0x1000), { code: 'ENODATA' });
  await made.lab.close();
});

const W8_CACHE = {
  before: events(`
    R1 READAHEAD c=0000000a s=0 4000
    R1[0] PREP READ f=00 s=0 0/4000 e=0
    R1[0] SUBMT READ f=00 s=0 0/4000 e=0
    R1[0] TERM READ f=14 s=0 0/4000 e=0
    R1 ASSESS f=21
    R1 RESUBM f=21
    R1[0] SHORT READ f=18 s=0 0/4000 e=0
    R1[0] TERM READ f=18 s=0 0/4000 e=-61
  `),
  after: events(`
    R1 RESUBM f=21
    R1[0] RDOWN DOWN f=18 s=0 0/4000 e=0
    R1[0] TERM DOWN f=0a s=0 4000/4000 e=0
    R1 UNLOCK f=20
    R1 DONE f=00
    R1[0] FREE DOWN f=0a s=0 4000/4000 e=0
    R1 FREE f=00
  `),
};

for (const reads of ['sync', 'async'] as const) {
  inBothModes(
    `W8: two empty ${reads} cache reads send the slice to the server`,
    async (t, defects) => {
      const onRead = (): number => 0;
      const made = makeCachedLab(t, { f: 0x10000 }, { reads, onRead }, { defects });
      const file = made.open('f');
      made.cache.fill(file.fstat().ino, 0, content('f', 0x4000));
      await readahead(made, file, 0, 0x4000);
      // Each wave of asynchronous completions is assessed anew.
      const assess = reads === 'async' ? ['R1 ASSESS f=21'] : [];
      t.deepEqual(await made.trace(), [...W8_CACHE.before, ...assess, ...W8_CACHE.after]);
      t.deepEqual(counters(made.lab), { RA: 1, DL: 1, ds: 1, di: 1, RD: 2, rs: 2, rf: 1, sh: 1 });
      t.deepEqual(
        made.cache.reads.map(({ seekData }) => seekData),
        [false, true],
      );
      sameBytes(t, await made.read(file, 0, 0x4000), content('f', 0x4000));
      await made.lab.close();
    },
  );

  inBothModes(`W9: a failed ${reads} cache read is downloaded instead`, async (t, defects) => {
    const onRead = (): number => -5;
    const made = makeCachedLab(t, { f: 0x10000 }, { reads, onRead }, { defects });
    const file = made.open('f');
    made.cache.fill(file.fstat().ino, 0, content('f', 0x4000));
    await readahead(made, file, 0, 0x4000);
    const { trace, counted } = workedW9(COOKIE);
    t.deepEqual(await made.trace(), trace);
    t.deepEqual(counters(made.lab), counted);
    t.deepEqual(made.cache.writes, []);
    sameBytes(t, await made.read(file, 0, 0x4000), content('f', 0x4000));
    await made.lab.close();
  });
}

const W10 = events(`
  R1 READAHEAD c=0000000a s=0 4000
  R1[0] PREP DOWN f=01 s=0 0/4000 e=0
  R1[0] SUBMT DOWN f=01 s=0 0/4000 e=0
  failure R1[0] DOWN f=03 s=0 0/4000 read e=-110
  R1[0] TERM DOWN f=03 s=0 0/4000 e=-110
  R1 ASSESS f=30
  R1 UNLOCK f=30
  R1 DONE f=10
  R1[0] FREE DOWN f=02 s=0 0/4000 e=-110
  R1 FREE f=10
  R2 READPAGE c=0000000a s=0 1000
  R2[0] PREP DOWN f=01 s=0 0/1000 e=0
  R2[0] SUBMT DOWN f=01 s=0 0/1000 e=0
`);

inBothModes('W10: a server error fails the read that meets the page', async (t, defects) => {
  const wrapServer = misbehave(() => ({ error: -ETIMEDOUT }));
  const made = makeCachedLab(t, { f: 0x10000 }, {}, { defects, wrapServer, readAheadKb: 16 });
  const file = made.open('f');
  await t.throwsAsync(made.read(file, 0, 0x4000), { code: 'ETIMEDOUT' });
  t.deepEqual(await made.trace(), [
    ...W10,
    ...events(`
      failure R2[0] DOWN f=03 s=0 0/1000 read e=-110
      R2[0] TERM DOWN f=03 s=0 0/1000 e=-110
      R2 ASSESS f=30
      R2 UNLOCK f=30
      R2 DONE f=10
      R2[0] FREE DOWN f=02 s=0 0/1000 e=-110
      R2 FREE f=10
    `),
  ]);
  t.deepEqual(counters(made.lab), { RA: 1, RP: 1, DL: 2, ds: 2, df: 2 });
  t.deepEqual(pageStates(made, file, 4), new Array(4).fill('not uptodate'));
  t.deepEqual(made.cache.writes, []);
  await made.lab.close();
});

inBothModes(
  'W10: once the server answers again the read gets its page and goes on',
  async (t, defects) => {
    const wrapServer = misbehave(({ number }) =>
      number === 0 ? { error: -ETIMEDOUT } : undefined,
    );
    const made = makeCachedLab(t, { f: 0x10000 }, {}, { defects, wrapServer });
    const file = made.open('f');
    await readahead(made, file, 0, 0x4000);
    sameBytes(t, await made.read(file, 0, 0x1000), content('f', 0x1000));
    t.deepEqual(await made.trace(), [
      ...W10,
      ...events(`
      R2[0] TERM DOWN f=03 s=0 1000/1000 e=0
      R2 ASSESS f=22
      R2 UNLOCK f=22
      R2 WRITE f=02
      R2[0] WRITE DOWN f=03 s=0 1000/1000 e=0
      R2[0] WTERM DOWN f=03 s=0 1000/1000 e=0
      R2 DONE f=02
      R2[0] FREE DOWN f=03 s=0 1000/1000 e=0
      R2 FREE f=02
    `),
    ]);
    await made.lab.close();
  },
);

test('an error behind pages already copied gives a short read', async (t) => {
  const wrapServer = misbehave(({ position }) =>
    position >= 0x2000 ? { error: -ETIMEDOUT } : undefined,
  );
  const made = makeLab(t, { f: 0x10000 }, { wrapServer, rsize: 0x1000, readAheadKb: 16 });
  const file = made.open('f');
  sameBytes(t, await made.read(file, 0, 0x4000), content('f', 0x2000));
  await t.throwsAsync(made.read(file, 0x2000, 0x1000), { code: 'ETIMEDOUT' });
  await made.lab.close();
});
