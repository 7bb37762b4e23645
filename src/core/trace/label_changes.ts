/**
 * Label tables as differences from kernel to kernel: made by the script that writes the file of an
 * era and by the reading of format files, applied by `eras.ts`.
 */
import type { LabelChange } from './kernels/types.js';

/** A label: its identifier, and its word with padding. */
export type Word = readonly [id: string, word: string];

/** The labels of a table after changes, in the order of the kernel's enum. */
export function applyChanges(
  before: readonly Word[],
  changes: Readonly<Record<string, LabelChange>>,
): Word[] {
  const words: Word[] = [];
  for (const [id, word] of before) {
    const change = changes[id];
    if (change === undefined) words.push([id, word]);
    else if (typeof change === 'string') words.push([id, change]);
  }
  const known = new Set(before.map(([id]) => id));
  for (const [id, change] of Object.entries(changes)) {
    if (change === null || (typeof change === 'string' && known.has(id))) continue;
    const [word, after] = typeof change === 'string' ? [change, undefined] : change;
    const at = after === '' ? 0 : words.findIndex(([each]) => each === after) + 1;
    words.splice(at === 0 && after !== '' ? words.length : at, 0, [id, word]);
  }
  return words;
}

/** The changes that make one table of another; null where they are the same. */
export function changesBetween(
  before: readonly Word[],
  after: readonly Word[],
): Record<string, LabelChange> | null {
  const kept = longestCommon(
    before.map(([id]) => id),
    after.map(([id]) => id),
  );
  const old = new Map(before);
  const left = new Set(after.map(([id]) => id));
  const changes: Record<string, LabelChange> = {};
  for (const [id] of before) if (!left.has(id)) changes[id] = null;
  for (const [i, [id, word]] of after.entries()) {
    if (!kept.has(id)) changes[id] = [word, after[i - 1]?.[0] ?? ''];
    else if (old.get(id) !== word) changes[id] = word;
  }
  // What is added at the end, or makes up the whole table, needs no place.
  const last = after.findLastIndex(([id]) => kept.has(id));
  for (const [id, word] of after.slice(last + 1)) if (!old.has(id)) changes[id] = word;
  return Object.keys(changes).length === 0 ? null : changes;
}

/** Members of a longest sequence that two lists have in common, each member being unique. */
function longestCommon(a: readonly string[], b: readonly string[]): Set<string> {
  const lengths: Uint16Array[] = Array.from(
    { length: a.length + 1 },
    () => new Uint16Array(b.length + 1),
  );
  const length = (i: number, j: number) => lengths[i]?.[j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const here = lengths[i] as Uint16Array;
      here[j] =
        a[i] === b[j] ? length(i + 1, j + 1) + 1 : Math.max(length(i + 1, j), length(i, j + 1));
    }
  }
  const common = new Set<string>();
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) {
      common.add(a[i] as string);
      i++;
      j++;
    } else if (length(i + 1, j) >= length(i, j + 1)) i++;
    else j++;
  }
  return common;
}
