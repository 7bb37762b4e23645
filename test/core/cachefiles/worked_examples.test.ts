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
  inBothModes,
  pageStates,
  readahead,
  sameBytes,
} from '../../helpers/netfs.js';
import {
  isWorked,
  workedW2,
  workedW3,
  workedW4,
  workedW5,
  workedW9,
  workedW14,
  workedW15,
} from '../../helpers/worked_sequences.js';

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

/** The cookie of the real cache, as printed. */
const COOKIE = '00000001';

for (const presence of ['seek', 'map', 'both'] as const) {
  inBothModes(
    `W2 and W3: cold, then warm in a new lab (--presence ${presence})`,
    async (t, defects) => {
      const rig = cacheRig(t, { f: 0x10000 });
      const cold = await window(rig, 0, 0x4000, { presence, defects });
      isWorked(t, cold, workedW2(COOKIE));
      const warm = await window(rig, 0, 0x4000, { presence, defects });
      isWorked(t, warm, workedW3(COOKIE));
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
      isWorked(t, mixed, workedW4(COOKIE, 'async'));
    },
  );

  inBothModes(
    `W5: the zeros behind the end are stored and read back (--presence ${presence})`,
    async (t, defects) => {
      const rig = cacheRig(t, { f: 0x2800 });
      const cold = await window(rig, 0, 0x3000, { presence, defects });
      isWorked(t, cold, workedW5(COOKIE));
      const warm = await window(rig, 0, 0x3000, { presence, defects });
      isWorked(t, warm, workedW3(COOKIE, '3000'));
    },
  );
}

inBothModes(
  'W9: what cannot be read from the cache is downloaded and not stored again',
  async (t, defects) => {
    const rig = cacheRig(t, { f: 0x4000 });
    await window(rig, 0, 0x4000, { defects });
    overwrite(rig.object(), 0x1234, Buffer.from('rot'));
    const seen = await window(rig, 0, 0x4000, { defects });
    isWorked(t, seen, workedW9(COOKIE));
  },
);

inBothModes('W14: neighbouring slices are stored in one write', async (t, defects) => {
  const rig = cacheRig(t, { f: 0x10000 });
  const seen = await window(rig, 0, 0x6000, { defects, rsize: 0x2000 });
  isWorked(t, seen, workedW14(COOKIE));
  sameBytes(t, fs.readFileSync(rig.object()).subarray(0, 0x6000), content('f', 0x6000));
});

inBothModes('W15: data that is not valid any more is downloaded', async (t, defects) => {
  const rig = cacheRig(t, { f: 0x10000 });
  await window(rig, 0, 0x4000, { defects });
  const cache = { isStillValid: () => false };
  const seen = await window(rig, 0, 0x4000, { defects, cache });
  // The kernel keeps what was transferred from the cache and asks the server for the rest: nothing.
  const kept = defects === 'kernel' ? '4000' : '0';
  isWorked(t, seen, workedW15(COOKIE, kept));
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
