/** Checksums of neighbouring blocks as one piece. */
import { crc32c } from '@node-rs/crc32';
import test from 'ava';
import { joinedSum } from '../../../src/core/cachefiles/checksums.js';
import { ContentMap } from '../../../src/core/cachefiles/content_map.js';
import { Prng } from '../../../src/core/sim/prng.js';

test('the checksum of neighbouring blocks follows from the checksum of each', (t) => {
  const prng = new Prng(1);
  const bytes = Uint8Array.from({ length: 9 * 4096 }, () => prng.below(256));
  const map = new ContentMap(4096);
  for (let block = 0; block < 9; block++) {
    map.set(block, crc32c(bytes.subarray(block * 4096, (block + 1) * 4096)));
  }
  for (const [first, end] of [
    [0, 1],
    [0, 2],
    [3, 9],
    [0, 9],
  ] as const) {
    t.is(joinedSum(map, first, end), crc32c(bytes.subarray(first * 4096, end * 4096)));
  }
  map.set(5, map.sum(5) ^ 1);
  t.not(joinedSum(map, 0, 9), crc32c(bytes));
});
