/** Segment lists: pieces that continue each other are joined, and storage is used again. */
import test from 'ava';
import { addSegment, makeSegmentList, segmentBytes } from '../../../src/core/io/segments.js';

const [one, other] = [new Uint8Array(100), new Uint8Array(100)];

test('pieces that continue each other in one memory are one', (t) => {
  const list = makeSegmentList();
  addSegment(list, one, 0, 10);
  addSegment(list, one, 10, 20);
  addSegment(list, one, 31, 5);
  addSegment(list, other, 36, 5);
  t.is(list.count, 3);
  t.deepEqual(
    list.segments.map(({ offset, length }) => [offset, length]),
    [
      [0, 30],
      [31, 5],
      [36, 5],
    ],
  );
  t.is(segmentBytes(list), 40);
});

test('a list used again keeps nothing of before and makes no new entries', (t) => {
  const list = makeSegmentList();
  for (let i = 0; i < 4; i++) addSegment(list, one, 2 * i, 1);
  const entries = [...list.segments];
  list.count = 0;
  t.is(segmentBytes(list), 0);
  // Would continue the last piece of before.
  addSegment(list, one, 7, 2);
  addSegment(list, other, 9, 3);
  t.is(list.count, 2);
  t.is(segmentBytes(list), 5);
  t.true(entries.every((entry, i) => list.segments[i] === entry));
  t.is(list.segments[1]!.memory, other);
});
