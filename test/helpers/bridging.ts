/**
 * What a filesystem may do behind the back of a cache (BEHAVIOUR 4.10), as cases that run on any
 * filesystem: bridging.test.ts runs them where temporary files are, filesystems.test.ts on others.
 */
import fs from 'node:fs';
import type { ExecutionContext } from 'ava';
import { type CacheRig, fallocate, overwrite } from './cache.js';
import { content } from './lab.js';
import { sameBytes } from './netfs.js';

const SIZE = 0x20000;
const GAP = 0x10000;
const GAP_END = 0x12000;

/** The files a rig needs for these cases. */
export const BRIDGED = { f: SIZE };

/** How it is decided what is cached. */
export const PRESENCES = ['seek', 'map', 'both'] as const;

type Presence = (typeof PRESENCES)[number];

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
  const told = made.sink.own
    .filter(({ event }) => event === 'netfslab_disagreement')
    .map(({ start, len, only }) => [start, len, only]);
  return { bytes, made, told, downloaded: made.lab.server.counters.bytes };
}

const right = (): Buffer => content('f', SIZE).subarray(GAP, GAP_END);

/** Blocks of zeros between two extents: the weakness of asking the filesystem alone. */
export async function zerosBetween(t: ExecutionContext, rig: CacheRig, presence: Presence) {
  await fetchAround(rig, presence);
  overwrite(rig.object(), GAP, Buffer.alloc(GAP_END - GAP));
  const { bytes, made, told, downloaded } = await readGap(rig, presence);
  if (presence === 'seek') {
    // Nothing fails, no counter moves, and the reader gets zeros.
    sameBytes(t, bytes, Buffer.alloc(GAP_END - GAP));
    t.is(downloaded, 0);
    return;
  }
  sameBytes(t, bytes, right());
  t.is(downloaded, GAP_END - GAP);
  t.is(made.cache.counters.disagreements, presence === 'both' ? 1 : 0);
  t.deepEqual(told, presence === 'both' ? [[GAP, 0x1000, 'disk']] : []);
  // Downloaded once, and right from then on.
  const again = await readGap(rig, presence);
  sameBytes(t, again.bytes, bytes);
  t.deepEqual([again.downloaded, again.made.cache.counters.disagreements], [0, 0]);
}

/** Blocks of zeros in a part of what one window covers. */
export async function zerosWithin(t: ExecutionContext, rig: CacheRig) {
  await fetchAround(rig, 'both');
  overwrite(rig.object(), GAP + 0x1000, Buffer.alloc(0x1000));
  const { bytes, made } = await readGap(rig, 'both');
  sameBytes(t, bytes, right());
  t.is(made.cache.counters.disagreements, 1);
}

/** Space taken for a gap, which SEEK calls a hole all the same. */
export async function preallocated(t: ExecutionContext, rig: CacheRig, presence: Presence) {
  await fetchAround(rig, presence);
  const object = rig.object();
  const before = fs.statSync(object).blocks;
  t.true(fallocate(object, 'allocate', GAP, GAP_END - GAP));
  t.true(fs.statSync(object).blocks > before, 'no space was taken');
  const { bytes, made, downloaded } = await readGap(rig, presence);
  sameBytes(t, bytes, right());
  t.is(downloaded, GAP_END - GAP);
  t.is(made.cache.counters.disagreements, 0);
  t.is((await rig.readAll(['f'], { presence })).downloaded, 0);
}

/**
 * What was stored is given up: by a hole, or by zeros for which space stays taken. SEEK calls both
 * holes. It costs a download and nothing else, whether or not checksums are compared; `start` need
 * not be that of a block.
 */
export async function givenUp(
  t: ExecutionContext,
  rig: CacheRig,
  presence: Presence,
  how: 'punch' | 'zero',
  verifyCache: boolean,
  start = 0x3000,
) {
  const options = { presence, verifyCache };
  await rig.readAll(['f'], options);
  if (!fallocate(rig.object(), how, start, 0x2000)) {
    t.log(`${how} is not supported here`);
    t.is(how, 'zero');
    return;
  }
  const { bytes, downloaded, lab } = await rig.readAll(['f'], options);
  const even = start % 0x1000 === 0;
  // The kernel's way knows nothing of the bytes beside a hole that were zeroed with it.
  if (presence === 'seek' && !even) t.false(content('f', SIZE).equals(bytes[0] as Buffer));
  else sameBytes(t, bytes[0] as Buffer, content('f', SIZE));
  if (!even) return;
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
  const again = await rig.readAll(['f'], options);
  sameBytes(t, again.bytes[0] as Buffer, content('f', SIZE));
  if (presence !== 'map') t.is(again.downloaded, 0);
}

/** A file of zeros is cached as any other. */
export async function allZeros(t: ExecutionContext, rig: CacheRig, presence: Presence) {
  fs.writeFileSync(`${rig.server}/f`, Buffer.alloc(SIZE));
  await fetchAround(rig, presence);
  const first = await readGap(rig, presence);
  sameBytes(t, first.bytes, Buffer.alloc(GAP_END - GAP));
  const { bytes, downloaded } = await rig.readAll(['f'], { presence });
  sameBytes(t, bytes[0] as Buffer, Buffer.alloc(SIZE));
  t.is(downloaded, 0);
}
