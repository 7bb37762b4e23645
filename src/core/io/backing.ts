/**
 * Files of a cache directory: opened for direct I/O where the filesystem allows it, replaced in one step,
 * measured. The only user is `cachefiles/`. Functions answer with a negative errno instead of throwing.
 */
import fs from 'node:fs';
import path from 'node:path';
import { errnoFromNode } from '../base/errno.js';

const { O_RDWR, O_CREAT, O_EXCL, O_DIRECT } = fs.constants;

function attempt<T>(action: () => T): T | number {
  try {
    return action();
  } catch (error) {
    return errnoFromNode(error);
  }
}

/** Makes a directory and those above it, mode 0700: 0 or a negative errno. */
export function makeDirectory(directory: string): number {
  return attempt(() => {
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
    return 0;
  });
}

/** Opens a file for reading and writing; `create` makes it and fails with -EEXIST if it is there. */
export function openBacking(file: string, create: boolean, direct: boolean): number {
  const flags = O_RDWR | (create ? O_CREAT | O_EXCL : 0) | (direct ? (O_DIRECT ?? 0) : 0);
  return attempt(() => fs.openSync(file, flags, 0o600));
}

/** True if files in this directory can be opened with O_DIRECT. */
export function allowsDirect(directory: string): boolean {
  if (O_DIRECT === undefined) return false;
  const probe = path.join(directory, `.probe-${process.pid}`);
  const fd = openBacking(probe, true, true);
  if (fd >= 0) fs.closeSync(fd);
  removeFile(probe);
  return fd >= 0;
}

/** Sets the size of an open file: 0 or a negative errno. */
export function truncateFd(fd: number, size: number): number {
  return attempt(() => {
    fs.ftruncateSync(fd, size);
    return 0;
  });
}

/** Removes a file; that it is not there is no error. */
export function removeFile(file: string): number {
  return attempt(() => {
    fs.rmSync(file, { force: true });
    return 0;
  });
}

/** Renames a file, replacing what is there: 0 or a negative errno. */
export function renameFile(from: string, to: string): number {
  return attempt(() => {
    fs.renameSync(from, to);
    return 0;
  });
}

/** A whole file as bytes, or a negative errno. */
export function readWhole(file: string): Buffer | number {
  return attempt(() => fs.readFileSync(file));
}

/** Replaces a file in one step: readers see the old content or the new. 0 or a negative errno. */
export function replaceFile(file: string, data: Uint8Array): number {
  const temporary = `${file}.new`;
  return attempt(() => {
    fs.writeFileSync(temporary, data, { mode: 0o600 });
    fs.renameSync(temporary, file);
    return 0;
  });
}

/** Free and total blocks of the filesystem, in bytes, and free and total inodes. */
export interface Space {
  readonly available: number;
  readonly total: number;
  readonly filesFree: number;
  readonly filesTotal: number;
  readonly blockSize: number;
}

/** Asks the filesystem of a path for its space, or gives a negative errno. */
export function spaceOf(directory: string): Space | number {
  return attempt(() => {
    const { bavail, blocks, bsize, ffree, files } = fs.statfsSync(directory);
    return {
      available: bavail * bsize,
      total: blocks * bsize,
      filesFree: ffree,
      filesTotal: files,
      blockSize: bsize,
    };
  });
}

/** Names in a directory in byte order; none when it cannot be read. */
export function namesIn(directory: string): string[] {
  const names = attempt(() => fs.readdirSync(directory));
  return typeof names === 'number' ? [] : names.sort();
}

/** Size in bytes and allocated bytes of a file, or a negative errno. */
export function sizeOf(file: string): { size: number; allocated: number } | number {
  return attempt(() => {
    const { size, blocks } = fs.statSync(file);
    return { size, allocated: blocks * 512 };
  });
}
