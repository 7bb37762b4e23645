/** The content map: what it says is what was put in, or it says nothing. */
import test from 'ava';
import fc from 'fast-check';
import { ContentMap } from '../../../src/core/cachefiles/content_map.js';
import {
  isMapOf,
  MapFile,
  type MapIdentity,
  readMap,
} from '../../../src/core/cachefiles/map_file.js';
import { PowerCutDisk } from '../../helpers/power_cut.js';

const IDENTITY: MapIdentity = { volume: 'v', key: 'k', aux: '7', size: 0x8000, incarnation: '1.1' };

const blocks = fc.uniqueArray(fc.record({ block: fc.nat(3000), sum: fc.nat(0xffffffff) }), {
  selector: ({ block }) => block,
  maxLength: 200,
});

function mapOf(entries: readonly { block: number; sum: number }[], granule = 4096): ContentMap {
  const map = new ContentMap(granule);
  for (const { block, sum } of entries) map.set(block, sum);
  return map;
}

// The map as it is on disk.
function encode(map: ContentMap, identity = IDENTITY, name = ''): Buffer {
  const disk = new PowerCutDisk();
  const file = new MapFile(disk, '/f.map', 1);
  file.append({ ...identity, name, granule: map.granule }, map.states(map.chunks()));
  return disk.readWhole('/f.map') as Buffer;
}

function decode(data: Buffer, identity = IDENTITY): ContentMap | undefined {
  const read = readMap(data, 4096);
  return read !== undefined && isMapOf(read.header, identity) ? read.map : undefined;
}

function contentOf(map: ContentMap): Array<[number, number]> {
  return [...map.runs()].flatMap(({ first, last }) =>
    Array.from({ length: last - first + 1 }, (_, i): [number, number] => [
      first + i,
      map.sum(first + i),
    ]),
  );
}

test('a map that was written out says the same when it is read back', (t) => {
  fc.assert(
    fc.property(blocks, (entries) => {
      const data = encode(mapOf(entries), IDENTITY, 'dir/file');
      const back = decode(data) as ContentMap;
      const expected = entries.map(({ block, sum }) => [block, sum]);
      t.deepEqual(contentOf(back), expected.sort((a, b) => a[0]! - b[0]!) as [number, number][]);
      t.is(back.present, entries.length);
    }),
  );
});

test('a map that is cut short anywhere is no map', (t) => {
  const data = encode(
    mapOf([
      { block: 3, sum: 5 },
      { block: 90, sum: 6 },
    ]),
  );
  for (let length = 0; length < data.length; length++) {
    t.is(decode(data.subarray(0, length)), undefined);
  }
});

test('a map with any bit flipped is no map', (t) => {
  const data = encode(
    mapOf([
      { block: 3, sum: 5 },
      { block: 90, sum: 6 },
    ]),
  );
  for (let bit = 0; bit < data.length * 8; bit++) {
    const flipped = Buffer.from(data);
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
    if (decode(flipped) !== undefined) t.fail(`bit ${bit}`);
  }
  t.pass();
});

for (const [field, value] of [
  ['volume', 'other'],
  ['key', 'other'],
  ['aux', '8'],
  ['size', 0x9000],
  ['incarnation', '1.2'],
] as const) {
  test(`a map with another ${field} is not this object's`, (t) => {
    const data = encode(mapOf([{ block: 0, sum: 1 }]));
    t.is(decode(data, { ...IDENTITY, [field]: value }), undefined);
  });
}

test('anybody can read a map without knowing whose it is', (t) => {
  const data = encode(mapOf([{ block: 1, sum: 2 }], 8192), IDENTITY, 'dir/file');
  const found = readMap(data);
  t.like(found?.header, { ...IDENTITY, name: 'dir/file', granule: 8192 });
  t.deepEqual(found && contentOf(found.map), [[1, 2]]);
  t.is(readMap(Buffer.from('netfslab map 1\n\0 and rubbish')), undefined);
});

test('runs of blocks present and absent alternate and tile the file', (t) => {
  fc.assert(
    fc.property(blocks, fc.nat(3000), fc.integer({ min: 1, max: 3000 }), (entries, from, count) => {
      const map = mapOf(entries);
      const end = (from + count) * 4096;
      let at = from * 4096;
      let present = map.has(from);
      while (at < end) {
        const next = map.next(!present, at, end, Number.MAX_SAFE_INTEGER);
        for (let block = at / 4096; block < next / 4096; block++) {
          if (map.has(block) !== present) t.fail(`block ${block}`);
        }
        if (next <= at) t.fail('no progress');
        at = next;
        present = !present;
      }
    }),
  );
  t.pass();
});

test('a granule is present when all its blocks are', (t) => {
  const map = mapOf(
    [0, 1, 2].map((block) => ({ block, sum: 0 })),
    0x4000,
  );
  t.is(map.next(true, 0, 0x8000, 0x8000), 0x8000);
  map.set(3, 0);
  t.is(map.next(true, 0, 0x8000, 0x8000), 0);
  t.is(map.next(false, 0, 0x8000, 0x8000), 0x4000);
});

test('the last granule ends with the last page of the file', (t) => {
  const map = mapOf(
    [4, 5].map((block) => ({ block, sum: 0 })),
    0x4000,
  );
  t.is(map.next(true, 0x4000, 0x8000, 0x5001), 0x4000);
  t.is(map.next(true, 0x4000, 0x8000, 0x6001), 0x8000);
});

test('a block that was cleared is absent until it is stored again', (t) => {
  const map = mapOf([{ block: 9, sum: 1 }]);
  map.clear(9);
  map.clear(9);
  t.deepEqual([map.present, map.has(9)], [0, false]);
  map.set(9, 2);
  t.deepEqual([map.present, map.sum(9)], [1, 2]);
});
