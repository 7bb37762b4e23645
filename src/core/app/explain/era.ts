/** The era a person means by a kernel release or by its name. Called by commands that take one. */
import { UsageError } from '../../base/errors.js';
import { ERAS, type Era, eraOfKernel, isEra, kernelSpans } from '../../trace/eras.js';

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
  return all.length === ERAS.length ? null : kernelSpans(all);
}
