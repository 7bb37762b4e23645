/** Pairing two sequences. */
import test from 'ava';
import { align } from '../../../../src/core/analysis/structure/align.js';

/** Pairs as text: `aa -b c-`. */
function paired(left: string, right: string): string {
  return align([...left], [...right])
    .map(([l, r]) => `${left[l] ?? '-'}${right[r] ?? '-'}`)
    .join(' ');
}

const cases: readonly (readonly [left: string, right: string, pairs: string])[] = [
  ['abc', 'abc', 'aa bb cc'],
  ['abc', 'ac', 'aa b- cc'],
  ['ac', 'abc', 'aa -b cc'],
  ['', 'ab', '-a -b'],
  ['abcd', 'xbcy', 'a- -x bb cc d- -y'],
  ['aab', 'ab', 'aa a- bb'],
];
for (const [left, right, pairs] of cases) {
  test(`'${left}' and '${right}' are paired as ${pairs}`, (t) => {
    t.is(paired(left, right), pairs);
  });
}
