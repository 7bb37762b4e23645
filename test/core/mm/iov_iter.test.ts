/** The iterator over page-cache data: fewest pieces, every byte once, and no page missing. */
import test from 'ava';
import fc from 'fast-check';
import { Bug } from '../../../src/core/base/errors.js';
import { PAGE_SIZE } from '../../../src/core/base/range.js';
import { makeSegmentList, segmentBytes } from '../../../src/core/io/segments.js';
import { IovIter } from '../../../src/core/mm/iov_iter.js';
import { makeMemory, Rig, rigBytes } from './rig.js';

function pieces(iter: IovIter): number[] {
  const list = makeSegmentList();
  iter.segments(list);
  return list.segments.slice(0, list.count).map(({ length }) => length);
}

function out(iter: IovIter, count: number): Uint8Array {
  const target = new Uint8Array(count);
  iter.copyOut(target);
  return target;
}

test('pages with neighbouring frames are one piece', (t) => {
  const rig = new Rig();
  for (let i = 0; i < 8; i++) rig.place(i);
  t.deepEqual(pieces(new IovIter(rig.mapping, 100, 7 * PAGE_SIZE)), [7 * PAGE_SIZE]);
});

test('pages with frames apart are a piece each', (t) => {
  const rig = new Rig();
  for (const index of [2, 1, 0]) rig.place(index);
  const iter = new IovIter(rig.mapping, 100, 2 * PAGE_SIZE);
  t.deepEqual(pieces(iter), [PAGE_SIZE - 100, PAGE_SIZE, 100]);
  t.is(iter.count, 2 * PAGE_SIZE);
});

test('a page missing from the range is a bug that names it', (t) => {
  const rig = new Rig();
  for (const index of [0, 1, 3]) rig.place(index);
  const iter = new IovIter(rig.mapping, 0, 4 * PAGE_SIZE);
  const bug = { instanceOf: Bug, message: /page 2 is absent/ };
  t.throws(() => pieces(iter), bug);
  t.throws(() => iter.zero(4 * PAGE_SIZE), bug);
  t.throws(() => iter.copyOut(new Uint8Array(4 * PAGE_SIZE)), bug);
});

test('a range that starts and ends inside large folios covers just its bytes', (t) => {
  const rig = new Rig();
  for (const [index, order] of [
    [0, 2],
    [4, 0],
    [5, 0],
    [6, 1],
    [8, 2],
  ] as const) {
    rig.place(index, 0, order);
  }
  const start = 2 * PAGE_SIZE + 10;
  const count = 8 * PAGE_SIZE - 500;
  const iter = new IovIter(rig.mapping, start, count);
  t.is(
    pieces(iter).reduce((a, b) => a + b),
    count,
  );
  t.deepEqual(out(iter, count), rigBytes(start, count));
  t.is(iter.count, 0);
});

test('zeroing touches its bytes and no other', (t) => {
  const rig = new Rig();
  rig.place(0, 0, 2);
  rig.place(4);
  const iter = new IovIter(rig.mapping, PAGE_SIZE + 5, 3 * PAGE_SIZE + 10);
  iter.zero(3 * PAGE_SIZE);
  t.is(iter.position, 4 * PAGE_SIZE + 5);
  const want = rigBytes(0, 5 * PAGE_SIZE);
  want.fill(0, PAGE_SIZE + 5, 4 * PAGE_SIZE + 5);
  t.deepEqual(out(new IovIter(rig.mapping, 0, 5 * PAGE_SIZE), 5 * PAGE_SIZE), want);
});

test('zeroing and copying end with the range', (t) => {
  const rig = new Rig();
  rig.place(0);
  const iter = new IovIter(rig.mapping, 10, 20);
  iter.copyIn(new Uint8Array(100).fill(255));
  t.is(iter.count, 0);
  iter.revert(20);
  iter.zero(1000);
  t.deepEqual(
    out(new IovIter(rig.mapping, 9, 22), 22),
    Uint8Array.from(rigBytes(9, 22), (byte, i) => (i === 0 || i === 21 ? byte : 0)),
  );
});

test('copying out goes past the bytes that the target took, and no further than the range', (t) => {
  const rig = new Rig();
  rig.place(0);
  const iter = new IovIter(rig.mapping, 10, 20);
  t.deepEqual(out(iter, 5), rigBytes(10, 5));
  t.deepEqual([iter.position, iter.count], [15, 15]);
  const want = new Uint8Array(100);
  want.set(rigBytes(15, 15));
  t.deepEqual(out(iter, 100), want);
});

test('advancing, going back and cutting stay within the range', (t) => {
  const rig = new Rig();
  const iter = new IovIter(rig.mapping, 1000, 50);
  iter.advance(20);
  t.deepEqual([iter.position, iter.count], [1020, 30]);
  iter.revert(5);
  t.deepEqual([iter.position, iter.count], [1015, 35]);
  iter.revert(1e6);
  t.deepEqual([iter.position, iter.count], [1000, 50]);
  iter.truncate(10);
  iter.truncate(40);
  t.is(iter.count, 10);
  iter.advance(1e6);
  t.deepEqual([iter.position, iter.count], [1010, 0]);
});

test('what is copied in comes out again, over folios of any order', (t) => {
  const memory = makeMemory(128);
  const bytes = 30 * PAGE_SIZE;
  const scene = fc.record({
    orders: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 30, maxLength: 30 }),
    start: fc.integer({ min: 0, max: bytes - 1 }),
    count: fc.integer({ min: 1, max: bytes }),
  });
  fc.assert(
    fc.property(scene, ({ orders, start, count }) => {
      const rig = new Rig({ memory });
      for (let index = 0, i = 0; index < 30; index += 1 << orders[i++]!)
        rig.place(index, 0, orders[i]!);
      const length = Math.min(count, bytes - start);
      const source = Buffer.alloc(length, 'netfs');
      new IovIter(rig.mapping, start, length).copyIn(source);
      const want = Buffer.from(rigBytes(0, bytes));
      source.copy(want, start);
      const list = makeSegmentList();
      new IovIter(rig.mapping, start, length).segments(list);
      const same = want.equals(out(new IovIter(rig.mapping, 0, bytes), bytes));
      rig.mapping.invalidate(0, Number.MAX_SAFE_INTEGER);
      return same && segmentBytes(list) === length;
    }),
    { numRuns: 60, seed: 20210423 },
  );
  t.is(memory.folios.frames.free, 128);
});
