/** The order of a request's events: what may pass what. */
import test from 'ava';
import { compareCourses } from '../../../../src/core/analysis/structure/order.js';
import type { RequestEvent, Role } from '../../../../src/core/analysis/structure/types.js';

/** `i0 i1 e1 e0 p`: role and slice; p, q are phases of the request. */
function course(text: string): RequestEvent[] {
  const roles: Record<string, Role> = {
    i: 'issue',
    e: 'ended',
    w: 'store',
    d: 'stored',
    f: 'free',
  };
  return text.split(' ').map((word) => ({
    part: 'c-request',
    text: word,
    role: roles[word[0] as string] ?? 'phase',
    slice: /\d/.test(word) ? Number(word.slice(1)) : -1,
  }));
}

const cases: readonly (readonly [title: string, left: string, right: string, same: boolean])[] = [
  ['the same course is the same', 'i0 e0 p', 'i0 e0 p', true],
  ['an end may come while other slices are issued', 'i0 i1 e0 e1 p', 'i0 e0 i1 e1 p', true],
  ['ends of two slices may pass', 'i0 i1 e0 e1 p', 'i0 i1 e1 e0 p', true],
  ['a slice cannot end before it is issued', 'i0 e0 p', 'e0 i0 p', false],
  ['slices are issued in order', 'i0 i1 e0 e1', 'i1 i0 e0 e1', false],
  ['every end comes before what the request does next', 'i0 e0 p', 'i0 p e0', false],
  ['phases keep their order', 'p q', 'q p', false],
  ['a store may end while others are started', 'w0 w1 d0 d1', 'w0 d0 w1 d1', true],
  ['stores are started in order', 'w0 w1 d0 d1', 'w1 w0 d0 d1', false],
  ['slices are freed in any order', 'p f0 f1 q', 'p f1 f0 q', true],
  ['a slice is not freed before its store has ended', 'w0 d0 f0', 'w0 f0 d0', false],
  ['a free does not pass an end of another slice', 'e0 f1', 'f1 e0', false],
  ['an event too many is another course', 'i0 e0', 'i0 i0 e0', false],
  ['another event is another course', 'i0 e0', 'i0 e1', false],
];
for (const [title, left, right, same] of cases) {
  test(title, (t) => {
    const verdict = compareCourses(course(left), course(right));
    t.is(verdict.same, same);
    t.is(compareCourses(course(right), course(left)).same, same);
    if (verdict.same) t.is(verdict.reordered, left !== right);
  });
}

test('the place of the first difference is told', (t) => {
  t.deepEqual(compareCourses(course('i0 e0 p'), course('i0 e0 q')), { same: false, at: 2 });
});
