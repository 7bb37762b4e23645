/** Arithmetic of positions and pages, exact up to 2^53. */
import test from 'ava';
import fc from 'fast-check';
import {
  isPowerOfTwo,
  PAGE_SIZE,
  pageIndex,
  pagesFor,
  roundDown,
  roundUp,
  roundUpPowerOfTwo,
} from '../../../src/core/base/range.js';

const position = fc.integer({ min: 0, max: 2 ** 52 });

test('rounding gives the nearest multiples around a value', (t) => {
  const unit = fc.integer({ min: 1, max: 2 ** 30 });
  fc.assert(
    fc.property(position, unit, (value, size) => {
      const [down, up] = [roundDown(value, size), roundUp(value, size)];
      const multiples = down % size === 0 && up % size === 0;
      return multiples && down <= value && value <= up && up - down === (value % size ? size : 0);
    }),
  );
  t.is(roundUp(0, 4096), 0);
  t.is(roundUp(4097, 4096), 8192);
});

test('a position lies in its page, and as many pages hold it and all before it', (t) => {
  fc.assert(
    fc.property(position, (value) => {
      const index = pageIndex(value);
      const inside = index * PAGE_SIZE <= value && value < (index + 1) * PAGE_SIZE;
      return inside && pagesFor(value + 1) === index + 1;
    }),
  );
  t.is(pagesFor(0), 0);
  t.is(pageIndex(2 ** 52), 2 ** 40);
});

test('powers of two are recognised and rounded up to', (t) => {
  t.deepEqual([0, 1, 2, 3, 4, 5, 1000].map(roundUpPowerOfTwo), [1, 1, 2, 4, 4, 8, 1024]);
  t.deepEqual([0, 1, 2, 3, 4, 6, 4096, -4, 0.5].map(isPowerOfTwo), [
    ...[false, true, true, false, true],
    ...[false, true, false, false],
  ]);
});
