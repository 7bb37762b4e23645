/**
 * Eras: the spans of kernel releases between which the text of the netfs tracepoints or of the
 * statistics changed. Everything printed or parsed is looked up by era, never by release number.
 */

/** The eras, oldest first. */
export const ERAS = ['E0', 'E1', 'E2', 'E3', 'E4', 'E5', 'E6', 'E7', 'E8', 'E9', 'E10'] as const;

/** One of the eras. */
export type Era = (typeof ERAS)[number];

/** The kernels of each era, for people. */
export const ERA_KERNELS: Readonly<Record<Era, string>> = {
  E0: 'posted patchset, March 2021',
  E1: 'v5.13 - v5.16',
  E2: 'v5.17',
  E3: 'v5.18 - v6.7',
  E4: 'v6.8 - v6.9',
  E5: 'v6.10 - v6.11',
  E6: 'v6.12 - v6.13',
  E7: 'v6.14 - v6.15',
  E8: 'v6.16 - v6.19',
  E9: 'v7.0 - v7.1',
  E10: 'development',
};

/**
 * A value that changes with the era. A key holds from its era until the next key; null ends it, so
 * that an era nobody has filled in is absent instead of silently being an older one.
 */
export type PerEra<T> = Readonly<Partial<Record<Era, T | null>>>;

/** The value that holds in `era`, null where there is none. */
export function inEra<T>(table: PerEra<T>, era: Era): T | null {
  for (let i = ERAS.indexOf(era); i >= 0; i--) {
    const value = table[ERAS[i] as Era];
    if (value !== undefined) return value;
  }
  return null;
}

/** True for the name of an era. */
export function isEra(name: string): name is Era {
  return (ERAS as readonly string[]).includes(name);
}
