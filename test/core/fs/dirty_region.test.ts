/** Dirty regions: how they are kept in a word, and what is left of one that is cut. */
import test from 'ava';
import fc from 'fast-check';
import {
  cutRegion,
  decodeRegion,
  encodeRegion,
  regionShift,
} from '../../../src/core/fs/afs/dirty_region.js';

const PAGE = 4096;

test('a region of an ordinary page is kept to the byte', (t) => {
  t.deepEqual(encodeRegion({ from: 0, to: PAGE, mapped: false }, 0), { low: 0, high: 0xfff });
  t.deepEqual(encodeRegion({ from: 0x10, to: 0x11, mapped: true }, 0), {
    low: 0x8000_0010,
    high: 0x10,
  });
});

test('folios need coarser units only where a half of the word is too small', (t) => {
  t.deepEqual(
    [0, 9, 19, 20].map((order) => regionShift(order)),
    [0, 0, 0, 1],
  );
  t.deepEqual(
    [0, 2, 3, 4, 9].map((order) => regionShift(order, 16)),
    [0, 0, 0, 1, 6],
  );
});

for (const halfBits of [16, 32]) {
  test(`a region kept in a word of ${halfBits * 2} bits covers what was put in`, (t) => {
    const cases = fc.tuple(fc.nat(9), fc.nat(), fc.nat(), fc.boolean());
    fc.assert(
      fc.property(cases, ([order, a, b, mapped]) => {
        const size = PAGE << order;
        const from = Math.min(a % size, b % size);
        const to = Math.max(a % size, b % size) + 1;
        const { low, high } = encodeRegion({ from, to, mapped }, order, halfBits);
        const got = decodeRegion(low, high, order, halfBits);
        const unit = 2 ** regionShift(order, halfBits);
        t.true(low < 2 ** halfBits && high < 2 ** (halfBits - 1));
        t.true(got.from <= from && from - got.from < unit);
        t.true(got.to >= to && got.to - to < unit);
        t.is(got.mapped, mapped);
      }),
      { seed: 1 },
    );
  });
}

test('cutting a region leaves what the cut did not reach', (t) => {
  const region = { from: 0x100, to: 0x300, mapped: false };
  const rest = (offset: number, end: number, mapped = false) => {
    const left = cutRegion({ ...region, mapped }, offset, end - offset);
    return left && [left.from, left.to];
  };
  t.deepEqual(rest(0x300, 0x400), [0x100, 0x300], 'behind it');
  t.deepEqual(rest(0, 0x100), [0x100, 0x300], 'in front of it');
  t.deepEqual(rest(0x180, 0x200), [0x100, 0x300], 'strictly inside it');
  t.deepEqual(rest(0x200, 0x1000), [0x100, 0x200], 'its end');
  t.deepEqual(rest(0, 0x200), [0x200, 0x300], 'its beginning');
  t.is(rest(0x100, 0x300), undefined, 'all of it');
  t.deepEqual(rest(0, 0x1000, true), [0x100, 0x300], 'of a page that is mapped');
});
