/**
 * Lays out the files that a workload needs and the server does not have, as fio does before it
 * runs. What is made goes where the server puts writes: with an overlay the served directory stays
 * as it is.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { ENOENT } from '../../base/errno.js';
import { ErrnoError } from '../../base/errors.js';
import { formatBytes } from '../../base/units.js';
import type { Lab } from '../../lab/lab.js';
import type { NeededFile } from '../../workload/recording.js';

const CHUNK = 1 << 20;
const PAGE = 4096;
/** Type and permissions of a directory that is made. */
const DIRECTORY = 0o040755;

/** What became of the files. */
export interface LaidOut {
  readonly made: readonly { readonly name: string; readonly size: number }[];
  /** Files that are there and shorter than the workload reads. */
  readonly shorter: readonly {
    readonly name: string;
    readonly size: number;
    readonly needs: number;
  }[];
}

/**
 * Makes the files that are missing. Throws `ErrnoError`: ENOENT where `make` is false and one is
 * missing, EINTR after an interrupt, ENOSPC where there is no room for all of them (nothing is made
 * then), and what the server refuses.
 */
export async function layOut(
  lab: Lab,
  files: readonly NeededFile[],
  make: boolean,
  directories: readonly string[] = [],
  signal?: AbortSignal,
): Promise<LaidOut> {
  if (make) await makeDirectories(lab, directories);
  const made: { name: string; size: number }[] = [];
  const shorter: { name: string; size: number; needs: number }[] = [];
  const missing: NeededFile[] = [];
  for (const file of files) {
    const { name, size } = file;
    const there = lab.server.open(name);
    if (!('errno' in there)) {
      lab.server.close(there);
      if (there.status.size < size) shorter.push({ name, size: there.status.size, needs: size });
      continue;
    }
    if (there.errno !== -ENOENT) throw new ErrnoError(there.errno, 'open', name);
    if (!make) {
      throw new ErrnoError('ENOENT', 'open', name, { hint: 'add --make-files to lay it out' });
    }
    missing.push(file);
  }
  checkRoom(lab, missing);
  for (const file of missing) {
    await makeFile(lab, file, signal);
    made.push({ name: file.name, size: file.size });
  }
  return { made, shorter };
}

/** Files are written in full: one that cannot fit would fill the disk before that is noticed. */
function checkRoom(lab: Lab, files: readonly NeededFile[]): void {
  const needed = files.reduce((sum, { size }) => sum + size, 0);
  const found = lab.server.namespace.filesystem();
  if (needed === 0 || typeof found === 'number') return;
  const room = found.blocksAvailable * found.blockSize;
  if (needed <= room) return;
  throw new ErrnoError('ENOSPC', 'write', files[0]?.name, {
    hint: `${formatBytes(needed)} are to be laid out, and there is room for ${formatBytes(room)}`,
  });
}

async function makeDirectories(lab: Lab, directories: readonly string[]): Promise<void> {
  const missing = directories.filter((name) => {
    const there = lab.server.open(name);
    if (!('errno' in there)) lab.server.close(there);
    return 'errno' in there && there.errno === -ENOENT;
  });
  if (missing.length === 0) return;
  await lab.run('layout', function* () {
    for (const name of missing) yield* lab.vfs.names.make(name, { mode: DIRECTORY });
  });
  await lab.scheduler.drain();
}

async function makeFile(
  lab: Lab,
  { name, size, known }: NeededFile,
  signal: AbortSignal | undefined,
): Promise<void> {
  const file = lab.server.create(name);
  if ('errno' in file) throw new ErrnoError(file.errno, 'create', name);
  lab.server.close(file);
  check(lab.server.change(name, { size }), name);
  const buffer = filler(Math.min(CHUNK, size));
  for (let position = 0; position < size; position += CHUNK) {
    const bytes = buffer.subarray(0, Math.min(CHUNK, size - position));
    stamp(bytes, position);
    check(lab.server.change(name, { position, bytes }), name);
    await turn();
    if (signal?.aborted) throw new ErrnoError('EINTR', 'write', name);
  }
  for (const { offset, bytes } of known) {
    check(lab.server.change(name, { position: offset, bytes }), name);
  }
}

function check(error: number, name: string): void {
  if (error < 0) throw new ErrnoError(error, 'write', name);
}

function filler(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  let state = 0x9e3779b9;
  for (let i = 0; i + 4 <= size; i += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes.writeInt32LE(state, i);
  }
  return bytes;
}

// No two pages are alike, so that data in the wrong place is seen.
function stamp(bytes: Buffer, position: number): void {
  for (let at = 0; at + 8 <= bytes.length; at += PAGE) {
    bytes.writeDoubleLE(position + at, at);
  }
}
