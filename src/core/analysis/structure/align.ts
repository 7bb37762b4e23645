/**
 * Pairs the elements of two sequences so that one that is missing or too many does not make
 * everything behind it differ. Called by compare.ts.
 */

/** Most cells of the table; beyond, what does not pair from the ends is paired by place. */
const CELLS_MAX = 8_000_000;

/** Indices of paired elements; -1 where one side has nothing. */
export type Pair = readonly [left: number, right: number];

/** A longest common subsequence of two sequences of texts, as pairs in order. */
export function align(left: readonly string[], right: readonly string[]): Pair[] {
  let head = 0;
  while (head < left.length && head < right.length && left[head] === right[head]) head++;
  let tail = 0;
  const most = Math.min(left.length, right.length) - head;
  while (tail < most && left[left.length - 1 - tail] === right[right.length - 1 - tail]) tail++;
  const middle = alignMiddle(
    left.slice(head, left.length - tail),
    right.slice(head, right.length - tail),
  );
  const pairs: Pair[] = Array.from({ length: head }, (_, i): Pair => [i, i]);
  for (const [l, r] of middle) pairs.push([l < 0 ? -1 : l + head, r < 0 ? -1 : r + head]);
  for (let i = tail; i > 0; i--) pairs.push([left.length - i, right.length - i]);
  return pairs;
}

function alignMiddle(left: readonly string[], right: readonly string[]): Pair[] {
  const width = right.length + 1;
  if ((left.length + 1) * width > CELLS_MAX) return byPlace(left.length, right.length);
  // lengths[i * width + j]: how much of left[i..] and right[j..] is common.
  const lengths = new Uint32Array((left.length + 1) * width);
  for (let i = left.length - 1; i >= 0; i--) {
    for (let j = right.length - 1; j >= 0; j--) {
      lengths[i * width + j] =
        left[i] === right[j]
          ? (lengths[(i + 1) * width + j + 1] as number) + 1
          : Math.max(lengths[(i + 1) * width + j] as number, lengths[i * width + j + 1] as number);
    }
  }
  const pairs: Pair[] = [];
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    if (i < left.length && j < right.length && left[i] === right[j]) pairs.push([i++, j++]);
    else if (j === right.length) pairs.push([i++, -1]);
    else if (i === left.length) pairs.push([-1, j++]);
    else if ((lengths[(i + 1) * width + j] as number) >= (lengths[i * width + j + 1] as number)) {
      pairs.push([i++, -1]);
    } else pairs.push([-1, j++]);
  }
  return pairs;
}

function byPlace(left: number, right: number): Pair[] {
  return Array.from(
    { length: Math.max(left, right) },
    (_, i): Pair => [i < left ? i : -1, i < right ? i : -1],
  );
}
