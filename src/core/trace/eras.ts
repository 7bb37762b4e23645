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

/** The first release of each era that has one: major, minor. */
const ERA_RELEASES: readonly (readonly [Era, number, number])[] = [
  ['E1', 5, 13],
  ['E2', 5, 17],
  ['E3', 5, 18],
  ['E4', 6, 8],
  ['E5', 6, 10],
  ['E6', 6, 12],
  ['E7', 6, 14],
  ['E8', 6, 16],
  ['E9', 7, 0],
];

/** The era of a kernel release as `uname -r` prints it (`6.1.0-56-amd64`), null before v5.13. */
export function eraOfKernel(release: string): Era | null {
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(release) ?? [];
  if (major === undefined || minor === undefined) return null;
  const wanted = Number(major) * 1000 + Number(minor);
  const found = ERA_RELEASES.findLast(([, from, since]) => from * 1000 + since <= wanted);
  return found?.[0] ?? null;
}

/**
 * From which era on each text of the fscache events holds. F1 is what v5.13 and v5.14 print; what
 * v5.15 and v5.16 print is not known. F3 only adds two words.
 */
export const FSCACHE_SINCE = { F1: 'E0', F2: 'E2', F3: 'E3' } as const;

/**
 * From which era on each text of the cachefiles events holds. C1 is what v5.13 and v5.14 print; C3
 * begins with v6.14.
 */
export const CACHEFILES_SINCE = { C1: 'E0', C2: 'E2', C3: 'E7', C4: 'E10' } as const;

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
