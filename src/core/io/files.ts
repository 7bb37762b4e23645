/**
 * Opening files confined to a directory, and asking about them.
 *
 * The check is made on the file that was really opened, not on the text of the path: an O_PATH
 * descriptor is taken first (which has no effect on devices and pipes), its type and its true
 * location are asked of the kernel, and only then is it opened for reading. Where /proc is missing
 * the resolved path is compared before and the identity of the file after opening.
 */
import fs from 'node:fs';
import path from 'node:path';
import { EACCES, EILSEQ, EINVAL, EISDIR, ENODEV, EXDEV, errnoFromNode } from '../base/errno.js';
import { ErrnoError } from '../base/errors.js';
import type { FileStatus } from './types.js';

/** open(2): a descriptor that only names the file. Linux's value on x64 and arm64. */
const O_PATH = 0o10000000;
const hasProc = process.platform === 'linux' && fs.existsSync('/proc/self/fd');

function statusOf(stats: fs.BigIntStats): FileStatus {
  return {
    device: Number(stats.dev),
    inode: Number(stats.ino),
    size: Number(stats.size),
    mtime: String(stats.mtimeNs),
    links: Number(stats.nlink),
    isFile: stats.isFile(),
    isDirectory: stats.isDirectory(),
  };
}

/** The status of an open file, or a negative errno. */
export function statFd(fd: number): FileStatus | number {
  try {
    return statusOf(fs.fstatSync(fd, { bigint: true }));
  } catch (error) {
    return errnoFromNode(error);
  }
}

/** Closes a descriptor; errors of a read-only file mean nothing and are dropped. */
export function closeFd(fd: number): void {
  try {
    fs.closeSync(fd);
  } catch {}
}

/**
 * Reads up to `length` bytes at `position` into the front of `target`: bytes read, or a negative
 * errno.
 */
export function readExact(
  fd: number,
  target: Uint8Array,
  length: number,
  position: number,
): number {
  try {
    let done = 0;
    while (done < length) {
      const got = fs.readSync(fd, target, done, length - done, position + done);
      if (got === 0) break;
      done += got;
    }
    return done;
  } catch (error) {
    return errnoFromNode(error);
  }
}

/**
 * The real path of a directory that is to be served. Throws ENOENT, ENOTDIR or EACCES with advice.
 */
export function resolveRoot(directory: string): string {
  try {
    const real = fs.realpathSync(directory);
    fs.closeSync(fs.openSync(real, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY));
    fs.accessSync(real, fs.constants.R_OK | fs.constants.X_OK);
    return real;
  } catch (cause) {
    throw new ErrnoError(errnoFromNode(cause), 'open', directory, {
      cause,
      hint: 'name a readable directory with --server DIR',
    });
  }
}

function isBeneath(root: string, real: string): boolean {
  return real === root || real.startsWith(root.endsWith('/') ? root : `${root}/`);
}

/** An opened file, or a negative errno and what to say about it. */
export type Opened =
  | { fd: number; status: FileStatus; real: string }
  | { errno: number; why?: string };

function refuse(status: FileStatus, root: string, real: string): Opened | undefined {
  if (!isBeneath(root, real)) {
    return { errno: -EXDEV, why: 'the path leads out of the served directory' };
  }
  if (status.isDirectory) return { errno: -EISDIR };
  if (!status.isFile) return { errno: -ENODEV, why: 'not a regular file' };
  return undefined;
}

/**
 * Opens `name` (relative to `root`, which is a real path) for reading, unless `flags` say more.
 * Symbolic links may be followed as long as they end beneath the root. -EXDEV: leads outside;
 * -EISDIR, -ENODEV: not a regular file.
 * `viaProc` false: by the way that needs no /proc.
 */
export function openBeneath(
  root: string,
  name: string,
  viaProc = hasProc,
  flags = fs.constants.O_RDONLY,
): Opened {
  if (name.includes('\0')) return { errno: -EINVAL };
  const target = path.resolve(root, name);
  // A lexical escape is refused before the kernel is asked, so that it tells nothing about what is
  // there.
  if (!isBeneath(root, target)) {
    return { errno: -EXDEV, why: 'the path leads out of the served directory' };
  }
  return viaProc ? openThroughPath(root, target, flags) : openThroughRealpath(root, target, flags);
}

function openThroughPath(root: string, target: string, flags: number): Opened {
  let handle = -1;
  try {
    handle = fs.openSync(target, O_PATH);
    const link = `/proc/self/fd/${handle}`;
    const status = statusOf(fs.fstatSync(handle, { bigint: true }));
    const real = fs.readlinkSync(link);
    const refused = refuse(status, root, real);
    if (refused !== undefined) return refused;
    return { fd: fs.openSync(link, flags), status, real };
  } catch (error) {
    return { errno: errnoFromNode(error) };
  } finally {
    if (handle >= 0) closeFd(handle);
  }
}

function openThroughRealpath(root: string, target: string, flags: number): Opened {
  try {
    const real = fs.realpathSync(target);
    const before = statusOf(fs.statSync(real, { bigint: true }));
    const refused = refuse(before, root, real);
    if (refused !== undefined) return refused;
    const fd = fs.openSync(real, flags | (fs.constants.O_NOFOLLOW ?? 0));
    const status = statusOf(fs.fstatSync(fd, { bigint: true }));
    if (status.inode === before.inode && status.device === before.device)
      return { fd, status, real };
    closeFd(fd);
    return { errno: -EACCES, why: 'the file was replaced while it was being opened' };
  } catch (error) {
    return { errno: errnoFromNode(error) };
  }
}

/**
 * Regular files beneath `root` whose names, relative to it, are yielded in byte order of each
 * directory. Symbolic links are not followed; unreadable directories are skipped and reported to
 * `skipped`.
 */
export function* walkFiles(
  root: string,
  ignore: (name: string) => boolean = () => false,
  skipped: (name: string, errno: number) => void = () => {},
  under = '',
): Generator<{ name: string; size: number; modifiedMs: number }> {
  let entries: fs.Dirent[];
  try {
    entries = fs.readdirSync(path.join(root, under), { withFileTypes: true });
  } catch (error) {
    skipped(under, errnoFromNode(error));
    return;
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const name = under === '' ? entry.name : `${under}/${entry.name}`;
    if (ignore(name)) continue;
    // A name that is not UTF-8 cannot be spelled back to the kernel.
    if (entry.name.includes('\ufffd')) {
      skipped(name, -EILSEQ);
      continue;
    }
    if (entry.isDirectory()) yield* walkFiles(root, ignore, skipped, name);
    else if (entry.isFile()) {
      // It may have gone since the directory was read.
      const stats = fs.statSync(path.join(root, name), { throwIfNoEntry: false });
      if (stats !== undefined) yield { name, size: stats.size, modifiedMs: stats.mtimeMs };
    }
  }
}
