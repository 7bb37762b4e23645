/**
 * A sentence for every word that tracepoints print: labels by table, flag bits, notes. Called by
 * meanings.ts and `explain`. test/core/analysis/words.test.ts asks for each of them.
 */
import { type Era, inEra } from '../../trace/eras.js';
import type { FlagSet } from '../../trace/flag_bits.js';
import { CACHE_WORDS } from './cache.js';
import { CLIENT_WORDS } from './clients.js';
import { COLLECT_NOTES, FLAG_WORDS } from './flags.js';
import { NETFS_WORDS } from './netfs.js';
import type { Sentences } from './types.js';

const TABLES: Readonly<Record<string, Sentences>> = {
  ...NETFS_WORDS,
  ...CACHE_WORDS,
  ...CLIENT_WORDS,
};

/** What a label means, by its table and identifier; undefined where no known kernel has it. */
export function labelMeaning(table: string, id: string): string | undefined {
  return TABLES[table]?.[id];
}

/** What a flag bit means, by its name. */
export function flagMeaning(set: FlagSet, name: string): string | undefined {
  return FLAG_WORDS[set][name];
}

/** The notes of a round of the collector (n=), each with its name; '' = none. */
export function collectNotes(value: number, era: Era): string {
  const known = (inEra(COLLECT_NOTES, era) ?? []).filter(([mask]) => (value & mask) !== 0);
  const rest = known.reduce((left, [mask]) => left & ~mask, value);
  const named = known.map(([, name, means]) => `${name} (${means})`);
  return [...named, ...(rest === 0 ? [] : [`0x${rest.toString(16)} (no name is known)`])].join(
    '; ',
  );
}
