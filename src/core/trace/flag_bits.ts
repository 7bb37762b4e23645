/** Names of the bits that `f=` prints, by era. Called by help texts and timelines. */
import type { Era } from './eras.js';
import { bitNames } from './kernel_text.js';

/** Whose flags: a request's (NETFS_RREQ_*) or a subrequest's (NETFS_SREQ_*). */
export type FlagSet = 'rreq' | 'sreq';

const cache = new Map<string, readonly string[]>();

function namesOf(era: Era, set: FlagSet): readonly string[] {
  const key = `${era} ${set}`;
  const names = cache.get(key) ?? bitNames(set, era);
  cache.set(key, names);
  return names;
}

/** The names of the bits set in `value`, lowest first; a bit without a name is `bit<N>`. */
export function flagNames(era: Era, set: FlagSet, value: number): readonly string[] {
  const known = namesOf(era, set);
  const names: string[] = [];
  for (let bit = 0; bit < 32; bit++) {
    if ((value >>> bit) & 1) names.push(known[bit] || `bit${bit}`);
  }
  return names;
}

/** The mask of a flag by name, 0 where the era does not have it. */
export function flagMask(era: Era, set: FlagSet, name: string): number {
  const bit = namesOf(era, set).indexOf(name);
  return bit < 0 ? 0 : 2 ** bit;
}
