/**
 * What was written to files and never reached the server, as errors. Called by what closes a lab
 * that may have been written to: the runs and the Node API.
 */
import { errnoText } from '../../base/errno.js';
import { ErrnoError } from '../../base/errors.js';
import { formatBytes } from '../../base/units.js';
import type { Unwritten } from '../../lab/lab.js';

/** The loss as an error, with the errno that writing back has given. */
export function lossError({ file, bytes, errno }: Unwritten): ErrnoError {
  const text = `${errnoText(errno)}; ${formatBytes(bytes)} of what was written are lost`;
  return new ErrnoError(errno, 'umount', file, { text });
}
