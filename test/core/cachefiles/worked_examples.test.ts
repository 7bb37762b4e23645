/**
 * The worked examples of the specification that involve a cache (BEHAVIOUR 3.13), with the real
 * cache on real files, event for event: W2, W3, W4, W5, W9, W14, W15. Cache I/O is asynchronous, as
 * in the kernel.
 */
import fs from 'node:fs';
import test from 'ava';
import { type CacheRig, cacheRig, overwrite } from '../../helpers/cache.js';
import { content } from '../../helpers/lab.js';
import {
  counters,
  dropPages,
  events,
  inBothModes,
  pageStates,
  readahead,
  sameBytes,
} from '../../helpers/netfs.js';

type Options = Parameters<CacheRig['lab']>[0];

/** One window of a file of its own lab: the trace, with the pages of the window as they end up. */
async function window(rig: CacheRig, start: number, length: number, options: Options = {}) {
  const made = rig.lab(options);
  const file = made.open('f');
  await readahead(made, file, start, length);
  const trace = await made.trace();
  const bytes = await made.read(file, start, Math.min(length, file.fstat().size - start));
  sameBytesOf(bytes, rig, start);
  const counted = counters(made.lab);
  const states = pageStates(made, file, length / 4096);
  file.close();
  await made.lab.close();
  return { trace, counted, states, server: made.lab.server.counters };
}

// What was read must always be what the server has.
function sameBytesOf(bytes: Buffer, { server }: CacheRig, start: number): void {
  const expected = fs.readFileSync(`${server}/f`).subarray(start, start + bytes.length);
  if (Buffer.compare(bytes, expected) !== 0)
    throw new Error('read something else than the server has');
}

const COLD = `
  R1 READAHEAD c=00000001 s=0 4000
  R1[0] PREP DOWN f=01 s=0 0/4000 e=0
  R1[0] SUBMT DOWN f=01 s=0 0/4000 e=0
  R1[0] TERM DOWN f=03 s=0 4000/4000 e=0
  R1 ASSESS f=22
  R1 UNLOCK f=22
  R1 WRITE f=02
  R1[0] WRITE DOWN f=03 s=0 4000/4000 e=0
  R1[0] WTERM DOWN f=03 s=0 4000/4000 e=0
  R1 DONE f=02
  R1[0] FREE DOWN f=03 s=0 4000/4000 e=0
  R1 FREE f=02
`;

const WARM = `
  R1 READAHEAD c=00000001 s=0 4000
  R1[0] PREP READ f=00 s=0 0/4000 e=0
  R1[0] SUBMT READ f=00 s=0 0/4000 e=0
  R1[0] TERM READ f=00 s=0 4000/4000 e=0
  R1 ASSESS f=20
  R1 UNLOCK f=20
  R1 DONE f=00
  R1[0] FREE READ f=00 s=0 4000/4000 e=0
  R1 FREE f=00
`;

for (const presence of ['seek', 'map', 'both'] as const) {
  inBothModes(
    `W2 and W3: cold, then warm in a new lab (--presence ${presence})`,
    async (t, defects) => {
      const rig = cacheRig(t, { f: 0x10000 });
      const cold = await window(rig, 0, 0x4000, { presence, defects });
      t.deepEqual(cold.trace, events(COLD));
      t.deepEqual(cold.counted, { RA: 1, DL: 1, ds: 1, WR: 1, ws: 1 });
      const warm = await window(rig, 0, 0x4000, { presence, defects });
      t.deepEqual(warm.trace, events(WARM));
      t.deepEqual(warm.counted, { RA: 1, RD: 1, rs: 1 });
      t.deepEqual(warm.states, new Array(4).fill('uptodate'));
      t.deepEqual([warm.server.fetches, warm.server.bytes], [0, 0]);
    },
  );

  inBothModes(
    `W4: cached, downloaded and stored in one window (--presence ${presence})`,
    async (t, defects) => {
      const rig = cacheRig(t, { f: 0x10000 });
      await window(rig, 0x2000, 0x2000, { presence, defects });
      const mixed = await window(rig, 0, 0x8000, { presence, defects });
      t.deepEqual(
        mixed.trace,
        events(`
        R1 READAHEAD c=00000001 s=0 8000
        R1[0] PREP DOWN f=01 s=0 0/2000 e=0
        R1[0] SUBMT DOWN f=01 s=0 0/2000 e=0
        R1[0] TERM DOWN f=03 s=0 2000/2000 e=0
        R1[1] PREP READ f=00 s=2000 0/2000 e=0
        R1[1] SUBMT READ f=00 s=2000 0/2000 e=0
        R1[2] PREP DOWN f=01 s=4000 0/4000 e=0
        R1[2] SUBMT DOWN f=01 s=4000 0/4000 e=0
        R1[2] TERM DOWN f=03 s=4000 4000/4000 e=0
        R1[1] TERM READ f=00 s=2000 2000/2000 e=0
        R1 ASSESS f=22
        R1 UNLOCK f=22
        R1 WRITE f=02
        R1[1] FREE READ f=00 s=2000 2000/2000 e=0
        R1[0] WRITE DOWN f=03 s=0 2000/2000 e=0
        R1[2] WRITE DOWN f=03 s=4000 4000/4000 e=0
        R1[0] WTERM DOWN f=03 s=0 2000/2000 e=0
        R1[2] WTERM DOWN f=03 s=4000 4000/4000 e=0
        R1 DONE f=02
        R1[0] FREE DOWN f=03 s=0 2000/2000 e=0
        R1[2] FREE DOWN f=03 s=4000 4000/4000 e=0
        R1 FREE f=02
      `),
      );
      t.deepEqual(mixed.counted, { RA: 1, DL: 2, ds: 2, RD: 1, rs: 1, WR: 2, ws: 2 });
    },
  );

  inBothModes(
    `W5: the zeros behind the end are stored and read back (--presence ${presence})`,
    async (t, defects) => {
      const rig = cacheRig(t, { f: 0x2800 });
      const cold = await window(rig, 0, 0x3000, { presence, defects });
      t.deepEqual(
        cold.trace,
        events(`
        R1 READAHEAD c=00000001 s=0 3000
        R1[0] PREP DOWN f=01 s=0 0/2800 e=0
        R1[0] SUBMT DOWN f=01 s=0 0/2800 e=0
        R1[0] TERM DOWN f=03 s=0 2800/2800 e=0
        R1[1] PREP ZERO f=00 s=2800 0/800 e=0
        R1[1] SUBMT ZERO f=00 s=2800 0/800 e=0
        R1[1] TERM ZERO f=02 s=2800 800/800 e=0
        R1 ASSESS f=22
        R1 UNLOCK f=22
        R1 WRITE f=02
        R1[1] FREE ZERO f=02 s=2800 800/800 e=0
        R1[0] WRITE DOWN f=03 s=0 2800/3000 e=0
        R1[0] WTERM DOWN f=03 s=0 2800/3000 e=0
        R1 DONE f=02
        R1[0] FREE DOWN f=03 s=0 2800/3000 e=0
        R1 FREE f=02
      `),
      );
      const warm = await window(rig, 0, 0x3000, { presence, defects });
      t.deepEqual(warm.trace, events(WARM.replaceAll('4000', '3000')));
      t.deepEqual(warm.counted, { RA: 1, RD: 1, rs: 1 });
    },
  );
}

inBothModes(
  'W9: what cannot be read from the cache is downloaded and not stored again',
  async (t, defects) => {
    const rig = cacheRig(t, { f: 0x4000 });
    await window(rig, 0, 0x4000, { defects });
    overwrite(rig.object(), 0x1234, Buffer.from('rot'));
    const { trace, counted } = await window(rig, 0, 0x4000, { defects });
    t.deepEqual(
      trace,
      events(`
      R1 READAHEAD c=00000001 s=0 4000
      R1[0] PREP READ f=00 s=0 0/4000 e=0
      R1[0] SUBMT READ f=00 s=0 0/4000 e=0
      failure R1[0] READ f=00 s=0 0/4000 read e=-5
      R1[0] TERM READ f=00 s=0 0/4000 e=-5
      R1 ASSESS f=21
      R1 RESUBM f=21
      R1[0] RDOWN DOWN f=00 s=0 0/4000 e=0
      R1[0] TERM DOWN f=02 s=0 4000/4000 e=0
      R1 UNLOCK f=20
      R1 DONE f=00
      R1[0] FREE DOWN f=02 s=0 4000/4000 e=0
      R1 FREE f=00
    `),
    );
    t.deepEqual(counted, { RA: 1, RD: 1, rs: 1, rf: 1, di: 1, DL: 1, ds: 1 });
  },
);

inBothModes('W14: neighbouring slices are stored in one write', async (t, defects) => {
  const rig = cacheRig(t, { f: 0x10000 });
  const { trace, counted } = await window(rig, 0, 0x6000, { defects, rsize: 0x2000 });
  t.deepEqual(trace.slice(trace.indexOf('R1 ASSESS f=22')), [
    'R1 ASSESS f=22',
    'R1 UNLOCK f=22',
    'R1 WRITE f=02',
    'R1[1] FREE DOWN f=03 s=2000 2000/2000 e=0',
    'R1[2] FREE DOWN f=03 s=4000 2000/2000 e=0',
    'R1[0] WRITE DOWN f=03 s=0 2000/6000 e=0',
    'R1[0] WTERM DOWN f=03 s=0 2000/6000 e=0',
    'R1 DONE f=02',
    'R1[0] FREE DOWN f=03 s=0 2000/6000 e=0',
    'R1 FREE f=02',
  ]);
  t.deepEqual(counted, { RA: 1, DL: 3, ds: 3, WR: 1, ws: 1 });
  sameBytes(t, fs.readFileSync(rig.object()).subarray(0, 0x6000), content('f', 0x6000));
});

inBothModes('W15: data that is not valid any more is downloaded', async (t, defects) => {
  const rig = cacheRig(t, { f: 0x10000 });
  await window(rig, 0, 0x4000, { defects });
  const cache = { isStillValid: () => false };
  const { trace, counted } = await window(rig, 0, 0x4000, { defects, cache });
  // The kernel keeps what was transferred from the cache and asks the server for the rest: nothing.
  const kept = defects === 'kernel' ? '4000' : '0';
  t.deepEqual(
    trace,
    events(`
      R1 READAHEAD c=00000001 s=0 4000
      R1[0] PREP READ f=00 s=0 0/4000 e=0
      R1[0] SUBMT READ f=00 s=0 0/4000 e=0
      R1[0] TERM READ f=00 s=0 4000/4000 e=0
      R1 ASSESS f=20
      R1 RESUBM f=21
      R1[0] RDOWN DOWN f=00 s=0 ${kept}/4000 e=0
      R1[0] TERM DOWN f=02 s=0 4000/4000 e=0
      R1 UNLOCK f=20
      R1 DONE f=00
      R1[0] FREE DOWN f=02 s=0 4000/4000 e=0
      R1 FREE f=00
    `),
  );
  t.deepEqual(counted, { RA: 1, DL: 1, ds: 1, di: 1, RD: 1, rs: 1 });
});

test('pages are pinned until their store has ended', async (t) => {
  const rig = cacheRig(t, { f: 0x4000 });
  const made = rig.lab({ cacheLatencyNs: 1e6 });
  const file = made.open('f');
  await made.lab.run('reader', () => file.readahead(0, 0x4000));
  await made.lab.run('reader', () => file.fadvise('dontneed'));
  t.deepEqual(pageStates(made, file, 4), new Array(4).fill('uptodate fscache +1'));
  await dropPages(made, file);
  t.deepEqual(pageStates(made, file, 4), new Array(4).fill('absent'));
  file.close();
  await made.lab.close();
});
