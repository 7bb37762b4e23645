/** The era a person means by a kernel release or by its name. Called by commands that take one. */
import { UsageError } from '../base/errors.js';
import { ERA_KERNELS, ERAS, type Era, eraOfKernel, isEra, type KnownEra } from '../trace/eras.js';

/** The era of `6.1`, `v6.12.3` or `E3`; undefined if none was given. */
export function eraNamed(text: string | undefined): Era | undefined {
  if (text === undefined) return undefined;
  if (isEra(text)) return text;
  const era = eraOfKernel(text);
  if (era !== null) return era;
  throw new UsageError(
    '--kernel',
    `no era is known for '${text}'`,
    `v5.13 and later, or E0 to ${ERAS.at(-1)}`,
  );
}

/** Eras in words, those that follow each other together: `v5.18 - v6.7, v7.0 - v7.3`. */
export function kernelsOf(eras: readonly Era[]): string | null {
  const all = ERAS.filter((era) => eras.includes(era));
  if (all.length === ERAS.length) return null;
  const runs: KnownEra[][] = [];
  for (const era of all) {
    const last = runs.at(-1);
    const follows =
      last !== undefined && ERAS.indexOf(era) === ERAS.indexOf(last.at(-1) as KnownEra) + 1;
    if (follows) last.push(era);
    else runs.push([era]);
  }
  const ends = (era: KnownEra | undefined) =>
    era === undefined ? [] : ERA_KERNELS[era].split(/ - | and later /);
  return runs
    .map((run) => {
      const from = ends(run[0])[0] ?? '';
      const to = ends(run.at(-1)).at(-1) ?? '';
      return from === to ? from : `${from} - ${to}`;
    })
    .join(', ');
}
