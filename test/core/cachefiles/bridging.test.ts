/**
 * What a filesystem does behind the cache's back (BEHAVIOUR 4.10): it bridges gaps with zeros,
 * gives up blocks, preallocates. The map is not fooled; asking the filesystem alone is.
 */
import fs from 'node:fs';
import test from 'ava';
import { type CacheRig, cacheRig, overwrite, punch } from '../../helpers/cache.js';
import { content } from '../../helpers/lab.js';
import { sameBytes } from '../../helpers/netfs.js';

const SIZE = 0x20000;
const GAP = 0x10000;
const GAP_END = 0x12000;

type Presence = 'seek' | 'map' | 'both';

// Fetches 0 to 64 KiB and 72 to 128 KiB; 64 to 72 KiB is never read.
async function fetchAround(rig: CacheRig, presence: Presence): Promise<void> {
  const made = rig.lab({ presence });
  const file = made.open('f');
  await made.lab.run('reader', () => file.readahead(0, GAP));
  await made.lab.run('reader', () => file.readahead(GAP_END, SIZE - GAP_END));
  file.close();
  await made.lab.close();
}

async function readGap(rig: CacheRig, presence: Presence) {
  const made = rig.lab({ presence });
  const file = made.open('f');
  const bytes = await made.read(file, GAP, GAP_END - GAP);
  file.close();
  await made.lab.close();
  return { bytes, made, downloaded: made.lab.server.counters.bytes };
}

for (const presence of ['seek', 'map', 'both'] as const) {
  test(`zeros put between two extents: --presence ${presence}`, async (t) => {
    const rig = cacheRig(t, { f: SIZE });
    await fetchAround(rig, presence);
    overwrite(rig.object(), GAP, Buffer.alloc(GAP_END - GAP));
    const { bytes, made, downloaded } = await readGap(rig, presence);
    if (presence === 'seek') {
      // The weakness itself: nothing fails, no counter moves, and the reader gets zeros.
      sameBytes(t, bytes, Buffer.alloc(GAP_END - GAP));
      t.is(downloaded, 0);
      return;
    }
    sameBytes(t, bytes, content('f', SIZE).subarray(GAP, GAP_END));
    t.is(downloaded, GAP_END - GAP);
    t.is(made.cache.counters.disagreements, presence === 'both' ? 1 : 0);
    const told = made.sink.own.filter(({ event }) => event === 'netfslab_disagreement');
    t.deepEqual(
      told.map(({ start, len, only }) => [start, len, only]),
      presence === 'both' ? [[GAP, 0x1000, 'disk']] : [],
    );
    // Downloaded once, and right from then on.
    const again = await readGap(rig, presence);
    sameBytes(t, again.bytes, bytes);
    t.deepEqual([again.downloaded, again.made.cache.counters.disagreements], [0, 0]);
  });
}

test('zeros in the middle of a window are noticed too', async (t) => {
  const rig = cacheRig(t, { f: SIZE });
  await fetchAround(rig, 'both');
  overwrite(rig.object(), GAP + 0x1000, Buffer.alloc(0x1000));
  const { bytes, made } = await readGap(rig, 'both');
  sameBytes(t, bytes, content('f', SIZE).subarray(GAP, GAP_END));
  t.is(made.cache.counters.disagreements, 1);
});

for (const presence of ['seek', 'map', 'both'] as const) {
  test(`a hole punched in what was stored costs a download: --presence ${presence}`, async (t) => {
    const rig = cacheRig(t, { f: SIZE });
    await rig.readAll(['f'], { presence });
    punch(rig.object(), 0x3000, 0x2000);
    const { bytes, downloaded, lab } = await rig.readAll(['f'], { presence });
    sameBytes(t, bytes[0] as Buffer, content('f', SIZE));
    // A checksum that is wrong costs the whole slice, which was read before it was seen.
    t.is(downloaded, presence === 'map' ? SIZE : 0x2000);
    t.is(lab.cache.counters.disagreements, presence === 'both' ? 1 : 0);
    const told = lab.sink.own.filter(({ event }) => event === 'netfslab_disagreement');
    t.deepEqual(
      told.map(({ start, len, only }) => [start, len, only]),
      presence === 'both' ? [[0x3000, 0x2000, 'map']] : [],
    );
    // Found out by the filesystem, or by the checksums; and repaired.
    t.is(lab.cache.counters.checksumFailures, presence === 'map' ? 2 : 0);
    const again = await rig.readAll(['f'], { presence });
    sameBytes(t, again.bytes[0] as Buffer, content('f', SIZE));
    if (presence !== 'map') t.is(again.downloaded, 0);
  });

  test(`preallocated blocks and blocks of zeros fool nobody: --presence ${presence}`, async (t) => {
    const rig = cacheRig(t, { f: SIZE });
    fs.writeFileSync(`${rig.server}/f`, Buffer.alloc(SIZE));
    await fetchAround(rig, presence);
    const first = await readGap(rig, presence);
    sameBytes(t, first.bytes, Buffer.alloc(GAP_END - GAP));
    const { bytes, downloaded } = await rig.readAll(['f'], { presence });
    sameBytes(t, bytes[0] as Buffer, Buffer.alloc(SIZE));
    t.is(downloaded, 0);
  });
}
