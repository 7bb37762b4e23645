/**
 * Which kernels print statistics or a list of requests: those that know every key, label, origin
 * and flag bit of it. Called by imports.
 */
import { ERA_KERNELS, ERAS, type KnownEra, NEWEST_RELEASED } from '../../trace/eras.js';
import { netfsRreqOrigins } from '../../trace/events/netfs.js';
import { flagNames } from '../../trace/flag_bits.js';
import { fscacheKeys } from '../../trace/fscache_stats.js';
import type { StatEntry } from '../../trace/record.js';
import { statKeys } from '../../trace/stats_layout.js';

/** Eras that fit, oldest first, and the one that is taken. */
export interface StatsEra {
  readonly era: KnownEra;
  readonly fitting: readonly KnownEra[];
}

const RELEASED = ERAS.filter((era) => era !== 'E0');

const KEYS: ReadonlyMap<KnownEra, ReadonlySet<string>> = new Map(
  ERAS.map((era) => [
    era,
    new Set([...statKeys(era), ...fscacheKeys(era)].map(({ label, key }) => `${label} ${key}`)),
  ]),
);

/** Eras that print every key of the statistics; where none does, those that print the most. */
export function erasOfStats(entries: readonly StatEntry[]): readonly KnownEra[] {
  const wanted = [...new Set(entries.map(({ label, key }) => `${label} ${key}`))];
  const found = (era: KnownEra) => wanted.filter((key) => KEYS.get(era)?.has(key)).length;
  const best = Math.max(...RELEASED.map(found));
  return best === 0 ? RELEASED : RELEASED.filter((era) => found(era) === best);
}

/** A line of a list of requests, as far as it tells the era. */
export interface RequestEvidence {
  readonly origin: string;
  readonly flags: number;
}

/** Eras that print every origin and flag of a list; `heading` is `FL` or `FLAG`, null = none. */
export function erasOfRequests(
  heading: string | null,
  requests: readonly RequestEvidence[],
): readonly KnownEra[] {
  const from = ERAS.indexOf('E4');
  const wide = ERAS.indexOf('E8');
  const printing = ERAS.filter((_, i) => {
    if (heading === 'FL') return i >= from && i < wide;
    return heading === 'FLAG' ? i >= wide : i >= from;
  });
  const fits = (era: KnownEra) =>
    requests.every(
      ({ origin, flags }) =>
        netfsRreqOrigins.find(era, origin) !== undefined &&
        !flagNames(era, 'rreq', flags).some((name) => /^bit\d/.test(name)),
    );
  const fitting = printing.filter(fits);
  return fitting.length > 0 ? fitting : printing;
}

/** The newest released era in all lists; a list that contradicts those before it is left out. */
export function newestFitting(lists: readonly (readonly KnownEra[])[]): StatsEra {
  let fitting: readonly KnownEra[] = RELEASED;
  for (const list of lists) {
    const both = fitting.filter((era) => list.includes(era));
    if (both.length > 0) fitting = both;
  }
  const released = fitting.filter((era) => ERAS.indexOf(era) <= ERAS.indexOf(NEWEST_RELEASED));
  const era = released.at(-1) ?? fitting.at(-1) ?? NEWEST_RELEASED;
  return { era, fitting };
}

/** In words: the era and the others that fit as well. */
export function statsEraText(chosen: StatsEra): string {
  return `era ${chosen.era} (${ERA_KERNELS[chosen.era]})${othersText(chosen)}`;
}

/** In words: which other eras would do. */
export function othersText({ era, fitting }: StatsEra): string {
  const others = fitting.filter((each) => each !== era);
  return others.length === 0 ? '' : `; ${others.join(', ')} would do as well`;
}
