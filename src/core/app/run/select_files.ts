/** Which files of a server a run works on: names and glob patterns, in the server's order. */
import { posix } from 'node:path';
import { minimatch } from 'minimatch';
import { EISDIR, ENOENT } from '../../base/errno.js';
import { ErrnoError, UsageError } from '../../base/errors.js';
import type { OpenRefused, Server } from '../../server/types.js';
import type { WorkloadFile } from '../../workload/types.js';

/**
 * The files that `names` (exact names or glob patterns, relative to the server) select beneath
 * `dir`; all regular files when there are no names. Throws the server's refusal (ENOENT, EXDEV,
 * ...) of a name or directory and a `UsageError` when nothing is selected. `skipped` is told what
 * is left out of a list because it cannot be read. With `made` a file that is named exactly will be
 * at least that long, bytes, and need not be there yet.
 */
export function selectFiles(
  server: Server,
  names: readonly string[],
  dir: string | undefined,
  skipped?: (name: string, errno: number) => void,
  made?: number,
): WorkloadFile[] {
  const under = dir === undefined ? '' : directory(server, dir);
  if (names.length === 0) {
    const files = [...server.list(under, skipped)];
    if (files.length > 0) return files;
    const option = dir === undefined ? '--server' : '--dir';
    throw new UsageError(option, 'there are no regular files', 'name a directory that has some');
  }
  const selected = new Map<string, WorkloadFile>();
  for (const name of names) {
    for (const file of matching(server, posix.join(under, name), under, made)) {
      selected.set(file.name, file);
    }
  }
  return [...selected.values()];
}

// The name of a directory of the server, in the form in which it begins the names of its files.
function directory(server: Server, dir: string): string {
  const opened = server.open(dir);
  // Opening a directory is refused with EISDIR, unless it leads out or is not there.
  if ('errno' in opened) {
    if (opened.errno !== -EISDIR) {
      throw refusal(opened, dir, 'name a directory beneath the served one');
    }
    return posix.join(dir, '.').replace(/^\.$/, '');
  }
  server.close(opened);
  throw new ErrnoError('ENOTDIR', 'open', dir, { hint: `--files '${dir}'` });
}

function matching(
  server: Server,
  name: string,
  under: string,
  made: number | undefined,
): WorkloadFile[] {
  const opened = server.open(name);
  if (!('errno' in opened)) {
    server.close(opened);
    return [{ name: opened.name, size: Math.max(opened.status.size, made ?? 0) }];
  }
  if (!/[*?[{]/.test(name)) {
    if (made !== undefined && opened.errno === -ENOENT) return [{ name, size: made }];
    throw refusal(opened, name, 'name a regular file beneath the served directory');
  }
  const found = [...server.list(under)].filter((file) => minimatch(file.name, name, { dot: true }));
  if (found.length === 0) throw new UsageError('--files', `'${name}' selects no file`);
  return found;
}

function refusal({ errno, why }: OpenRefused, name: string, hint: string): ErrnoError {
  return new ErrnoError(errno, 'open', name, { hint, ...(why !== undefined && { text: why }) });
}
