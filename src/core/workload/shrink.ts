/**
 * Finds a small part of a list that still fails: delta debugging (Zeller's ddmin). Used to shrink
 * the operations of fsx; knows nothing of them.
 */

/**
 * A sublist of `items`, in order, that `fails` and from which no single item can be left out
 * without its ceasing to fail; or, when `most` tries were not enough, the smallest found.
 * `items` must fail.
 */
export async function shrink<T>(
  items: readonly T[],
  fails: (items: readonly T[]) => Promise<boolean>,
  most = 1000,
): Promise<readonly T[]> {
  let kept = items;
  let tries = 0;
  for (let pieces = 2; kept.length > 1; ) {
    const size = Math.ceil(kept.length / pieces);
    let smaller: readonly T[] | undefined;
    // From the end: what comes after the failure goes first.
    for (let end = kept.length; end > 0 && smaller === undefined; end -= size) {
      const rest = [...kept.slice(0, Math.max(0, end - size)), ...kept.slice(end)];
      if (tries++ >= most) return kept;
      if (await fails(rest)) smaller = rest;
    }
    if (smaller !== undefined) {
      kept = smaller;
      pieces = Math.max(2, pieces - 1);
    } else if (size === 1) {
      return kept;
    } else {
      pieces = Math.min(kept.length, pieces * 2);
    }
  }
  return kept;
}
