/** The era a person means by a kernel release or by its name. Called by commands that take one. */
import { UsageError } from '../base/errors.js';
import { ERAS, type Era, eraOfKernel, isEra } from '../trace/eras.js';

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
