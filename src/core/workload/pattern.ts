/**
 * What writing workloads write: every 8 bytes say where they belong and which operation wrote them,
 * so that data that is stale, torn or in the wrong place can be told apart. Used by the jobs and by
 * `app/run/verify_writes.ts`.
 */
const UNIT = 8;

/** Fills `target` with what operation `generation` writes at `position`. */
export function fillPattern(target: Uint8Array, position: number, generation: number): void {
  for (let i = 0; i < target.length; i++) target[i] = patternByte(position + i, generation);
}

/** The byte that operation `generation` writes at `position`. */
export function patternByte(position: number, generation: number): number {
  const at = position % UNIT;
  const word = at < 4 ? Math.floor(position / UNIT) : generation;
  return (word >>> ((at & 3) * 8)) & 255;
}

/** Why bytes read at `position` are not what `generation` wrote; undefined if they are. */
export function patternProblem(
  bytes: Uint8Array,
  position: number,
  generation: number,
): { readonly offset: number; readonly what: string } | undefined {
  const wrong = bytes.findIndex((byte, i) => byte !== patternByte(position + i, generation));
  if (wrong < 0) return undefined;
  const offset = position + wrong;
  const start = offset - (offset % UNIT) - position;
  if (start < 0 || start + UNIT > bytes.length) return { offset, what: 'wrong data' };
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, UNIT);
  const unit = view.getUint32(0, true);
  const found = view.getUint32(4, true);
  if (unit === Math.floor(offset / UNIT)) {
    const torn = wrong >= UNIT ? 'torn: from here on ' : '';
    if (found < generation) return { offset, what: `${torn}stale data, of write ${found}` };
    return { offset, what: `${torn}data of write ${found}, not ${generation}` };
  }
  const misplaced = found === generation;
  const what = misplaced ? `misplaced data, of byte ${unit * UNIT}` : 'data that nobody wrote';
  return { offset, what };
}
