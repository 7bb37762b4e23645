/** The ordered set of numbers against a plain one, near and far apart. */
import test from 'ava';
import fc from 'fast-check';
import { IndexSet } from '../../../src/core/mm/index_set.js';

const near = fc.nat(70);
const far = fc.nat({ max: 2 ** 20 });
const anywhere = fc.maxSafeNat();

test('an index set holds what a plain set holds, and finds the next member', (t) => {
  const member = fc.oneof(near, far, anywhere);
  const step = fc.record({ member, add: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.array(member), (steps, asked) => {
      const set = new IndexSet();
      const plain = new Set<number>();
      for (const { member, add } of steps) {
        const changes = plain.has(member) !== add;
        if ((add ? set.add(member) : set.delete(member)) !== changes) return false;
        if (add) plain.add(member);
        else plain.delete(member);
      }
      const sorted = [...plain].sort((a, b) => a - b);
      t.deepEqual([...set], sorted);
      t.is(set.size, sorted.length);
      for (const from of [...asked, ...sorted, ...sorted.map((n) => n + 1)]) {
        if (from > Number.MAX_SAFE_INTEGER) continue;
        t.is(set.next(from), sorted.find((n) => n >= from) ?? -1);
        t.is(set.has(from), plain.has(from));
      }
      return true;
    }),
    { numRuns: 200, seed: 20210423 },
  );
});

test('a set that has been emptied takes members anew', (t) => {
  const set = new IndexSet();
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 5000; i++) set.add(i * 977);
    for (let i = 0; i < 5000; i++) t.true(set.delete(i * 977));
    t.is(set.next(0), -1);
    t.is(set.size, 0);
  }
});
