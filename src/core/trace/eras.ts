/**
 * Eras: the spans of kernel releases between which the text of the netfs tracepoints or of the
 * statistics changed. Everything printed or parsed is looked up by era, never by release number.
 */

/** One row per era, oldest first: its name, its kernels for people, and its first release. */
const TABLE = [
  ['E0', 'posted patchset, March 2021', null],
  ['E1', 'v5.13 - v5.16', '5.13'],
  ['E2', 'v5.17', '5.17'],
  ['E3', 'v5.18 - v6.7', '5.18'],
  ['E4', 'v6.8 - v6.9', '6.8'],
  ['E5', 'v6.10 - v6.11', '6.10'],
  ['E6', 'v6.12 - v6.13', '6.12'],
  ['E7', 'v6.14 - v6.15', '6.14'],
  ['E8', 'v6.16 - v6.19', '6.16'],
  ['E9', 'v7.0', '7.0'],
  ['E10', 'v7.1 - v7.2.11', '7.1'],
  ['E11', 'v7.2.12 and later v7.2', '7.2.12'],
  ['E12', 'v7.3', '7.3'],
  ['E13', 'development', null],
] as const;

/** One of the eras. */
export type Era = (typeof TABLE)[number][0];

/** The eras, oldest first. */
export const ERAS: readonly Era[] = TABLE.map(([era]) => era);

/** The kernels of each era, for people. */
export const ERA_KERNELS = Object.fromEntries(
  TABLE.map(([era, kernels]) => [era, kernels]),
) as Readonly<Record<Era, string>>;

/** The newest era that a release has. */
export const NEWEST_RELEASED: Era = TABLE.findLast(([, , since]) => since !== null)?.[0] ?? 'E0';

/** Digits that compare like releases: `6.12.107` is 6 012 107. */
function ordinal(release: string): number | null {
  const [, major, minor, patch] = /^v?(\d+)\.(\d+)(?:\.(\d+))?/.exec(release) ?? [];
  if (major === undefined) return null;
  return Number(major) * 1e6 + Number(minor) * 1e3 + Math.min(999, Number(patch ?? 0));
}

/** The era of a kernel release as `uname -r` prints it (`6.1.0-56-amd64`), null before v5.13. */
export function eraOfKernel(release: string): Era | null {
  const wanted = ordinal(release);
  if (wanted === null) return null;
  const row = TABLE.findLast(([, , since]) => since !== null && (ordinal(since) ?? 0) <= wanted);
  return row?.[0] ?? null;
}

/** True for a release younger than the newest whose events are known, as 7.4 is when 7.3 is. */
export function isNewerThanKnown(release: string): boolean {
  const since = TABLE.find(([era]) => era === NEWEST_RELEASED)?.[2];
  const [wanted, known] = [ordinal(release), ordinal(since ?? '0.0')];
  return wanted !== null && known !== null && Math.floor(wanted / 1e3) > Math.floor(known / 1e3);
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
export const CACHEFILES_SINCE = { C1: 'E0', C2: 'E2', C3: 'E7', C4: 'E13' } as const;

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
