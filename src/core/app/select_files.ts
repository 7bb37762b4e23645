/** Which files of a server a run works on: names and glob patterns, in the server's order. */
import { minimatch } from 'minimatch';
import { ErrnoError, UsageError } from '../base/errors.js';
import type { Server } from '../server/types.js';
import type { WorkloadFile } from '../workload/types.js';

/**
 * The files that `names` (exact names or glob patterns, relative to the server) select beneath `dir`; all
 * regular files when there are no names. Throws ENOENT or the server's refusal for a name that cannot be
 * opened and a `UsageError` when a pattern selects nothing.
 */
export function selectFiles(
  server: Server,
  names: readonly string[],
  dir: string | undefined,
): WorkloadFile[] {
  if (names.length === 0) {
    const files = [...server.list(dir)];
    if (files.length > 0) return files;
    throw new UsageError('--dir', 'there are no regular files', 'name a directory that has some');
  }
  const selected = new Map<string, WorkloadFile>();
  for (const name of names) {
    for (const file of matching(server, name, dir)) selected.set(file.name, file);
  }
  return [...selected.values()];
}

function matching(server: Server, name: string, dir: string | undefined): WorkloadFile[] {
  const opened = server.open(dir === undefined ? name : `${dir}/${name}`);
  if (!('errno' in opened)) {
    server.close(opened);
    return [{ name: opened.name, size: opened.status.size }];
  }
  if (!/[*?[{]/.test(name)) {
    throw new ErrnoError(opened.errno, 'open', name, {
      hint: 'name a regular file beneath the served directory',
      ...(opened.why !== undefined && { text: opened.why }),
    });
  }
  const pattern = dir === undefined ? name : `${dir}/${name}`;
  const found = [...server.list(dir)].filter((file) => minimatch(file.name, pattern, { dot: true }));
  if (found.length === 0) throw new UsageError('--files', `'${name}' selects no file`);
  return found;
}
