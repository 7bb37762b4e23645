/**
 * Eras: the spans of kernel releases between which the text of the netfs tracepoints or of the
 * statistics changed. Everything printed or parsed is looked up by era, never by release number.
 * A kernel that is none of these can be described by its own format files; it is then an era of its
 * own, named after the closest known one: `E12+3fa9c1d2`.
 */
import type { DescribedKernel } from './described.js';
import { KERNELS } from './kernels/index.js';
import type { EraData } from './kernels/types.js';

/** An era whose tables are part of this program. */
export type KnownEra = (typeof KERNELS)[number][0];

/** One of the eras: a known one, or a kernel that was described by its format files. */
export type Era = KnownEra | `${KnownEra}+${string}`;

/** The known eras, oldest first. */
export const ERAS: readonly KnownEra[] = KERNELS.map(([era]) => era);

/** The kernels of each known era, for people. */
export const ERA_KERNELS = Object.fromEntries(
  KERNELS.map(([era, kernels]) => [era, kernels]),
) as Readonly<Record<KnownEra, string>>;

const RELEASED = KERNELS.filter(([, , since]) => since !== null);

/** The newest era that a release has. */
export const NEWEST_RELEASED: KnownEra = RELEASED.at(-1)?.[0] ?? 'E0';

const described = new Map<Era, DescribedKernel>();

/** Makes a described kernel known in this thread. */
export function addDescribed(kernel: DescribedKernel): void {
  described.set(kernel.era, kernel);
}

/** The description of an era, undefined for a known one. */
export function descriptionOf(era: Era): DescribedKernel | undefined {
  return described.get(era);
}

/** The era itself, or the known one that comes closest to a described kernel. */
export function knownEra(era: Era): KnownEra {
  return era.split('+', 1)[0] as KnownEra;
}

/** Position of an era among the known ones, 0 = the oldest. */
export function eraAge(era: Era): number {
  return ERAS.indexOf(knownEra(era));
}

/** The kernels of an era, for people. */
export function kernelsOf(era: Era): string {
  const known = ERA_KERNELS[knownEra(era)];
  return era.includes('+') ? `described by its format files; closest: ${known}` : known;
}

/** The kernels of known eras, neighbours as one span: `v5.17 - v6.7, v7.3`. */
export function kernelSpans(eras: readonly KnownEra[]): string {
  const having = ERAS.map((era) => eras.includes(era));
  const spans: string[] = [];
  for (let from = 0; from < ERAS.length; from++) {
    if (!having[from]) continue;
    let to = from;
    while (having[to + 1]) to++;
    const first = ERA_KERNELS[ERAS[from] as KnownEra].split(' - ')[0] as string;
    const last = ERA_KERNELS[ERAS[to] as KnownEra].split(' - ').at(-1) as string;
    spans.push(first === last ? first : `${first} - ${last}`);
    from = to;
  }
  return spans.join(', ');
}

/** What is different in an era, and from which; null = from nothing. */
export function dataOf(era: Era): { readonly data: EraData; readonly before: Era | null } {
  const known = knownEra(era);
  const own = described.get(era);
  if (own !== undefined) return { data: own.data, before: known };
  const age = ERAS.indexOf(known);
  const [, , , data = {}, before = ERAS[age - 1] ?? null] = KERNELS[age] ?? [];
  return { data, before };
}

/** A number that compares as releases do: 6 012 107 for `6.12.107`; null where there is none. */
function ordinal(release: string): number | null {
  const [, major, minor, patch] = /^v?(\d+)\.(\d+)(?:\.(\d+))?/.exec(release) ?? [];
  if (major === undefined) return null;
  return Number(major) * 1e6 + Number(minor) * 1e3 + Math.min(999, Number(patch ?? 0));
}

/** The era of a kernel release as `uname -r` prints it (`6.1.0-56-amd64`), null before v5.13. */
export function eraOfKernel(release: string): KnownEra | null {
  const wanted = ordinal(release);
  if (wanted === null) return null;
  return RELEASED.findLast(([, , since]) => (ordinal(since ?? '') ?? 0) <= wanted)?.[0] ?? null;
}

/** True for a release younger than the newest whose events are known, as 7.4 is when 7.3 is. */
export function isNewerThanKnown(release: string): boolean {
  const [wanted, known] = [ordinal(release), ordinal(RELEASED.at(-1)?.[2] ?? '')];
  return wanted !== null && known !== null && Math.floor(wanted / 1e3) > Math.floor(known / 1e3);
}

/**
 * A value that changes with the era. A key holds from its era until the next key; null ends it, so
 * that an era nobody has filled in is absent instead of silently being an older one.
 */
export type PerEra<T> = Readonly<Partial<Record<KnownEra, T | null>>>;

/** The value that holds in `era`, null where there is none. */
export function inEra<T>(table: PerEra<T>, era: Era): T | null {
  for (let i = eraAge(era); i >= 0; i--) {
    const value = table[ERAS[i] as KnownEra];
    if (value !== undefined) return value;
  }
  return null;
}

/** True for the name of a known era. */
export function isEra(name: string): name is KnownEra {
  return (ERAS as readonly string[]).includes(name);
}
