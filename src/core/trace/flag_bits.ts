/** Names of the bits that `f=` prints, by era. Called by help texts and timelines. */
import { type Era, inEra, type PerEra } from './eras.js';

/** Whose flags: a request's (NETFS_RREQ_*) or a subrequest's (NETFS_SREQ_*). */
export type FlagSet = 'rreq' | 'sreq';

type Bits = readonly string[];

const RREQ: PerEra<Bits> = {
  E0: [
    'INCOMPLETE_IO',
    'WRITE_TO_CACHE',
    'NO_UNLOCK_PAGE',
    'DONT_UNLOCK_PAGES',
    'FAILED',
    'IN_PROGRESS',
  ],
  E2: [
    'INCOMPLETE_IO',
    'WRITE_TO_CACHE',
    'NO_UNLOCK_FOLIO',
    'DONT_UNLOCK_FOLIOS',
    'FAILED',
    'IN_PROGRESS',
  ],
  E3: [
    'INCOMPLETE_IO',
    'COPY_TO_CACHE',
    'NO_UNLOCK_FOLIO',
    'DONT_UNLOCK_FOLIOS',
    'FAILED',
    'IN_PROGRESS',
  ],
  E4: null,
};

const SREQ: PerEra<Bits> = {
  E0: ['WRITE_TO_CACHE', 'CLEAR_TAIL', 'SHORT_READ', 'SEEK_DATA_READ', 'NO_PROGRESS'],
  E3: ['COPY_TO_CACHE', 'CLEAR_TAIL', 'SHORT_IO', 'SEEK_DATA_READ', 'NO_PROGRESS', 'ONDEMAND'],
  E4: null,
};

/** The names of the bits set in `value`, lowest first; a bit without a name is `bit<N>`. */
export function flagNames(era: Era, set: FlagSet, value: number): readonly string[] {
  const bits = inEra(set === 'rreq' ? RREQ : SREQ, era) ?? [];
  const names: string[] = [];
  for (let bit = 0; bit < 32; bit++) {
    if ((value >>> bit) & 1) names.push(bits[bit] ?? `bit${bit}`);
  }
  return names;
}

/** The mask of a flag by name, 0 where the era does not have it. */
export function flagMask(era: Era, set: FlagSet, name: string): number {
  const bit = (inEra(set === 'rreq' ? RREQ : SREQ, era) ?? []).indexOf(name);
  return bit < 0 ? 0 : 2 ** bit;
}
