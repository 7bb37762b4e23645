/**
 * The files of a cache directory on the machine's own filesystem: direct I/O where it allows that,
 * sparse files, extended attributes, space, durability. The only user is `cachefiles/`.
 */
import fs from 'node:fs';
import path from 'node:path';
import { EEXIST, EINVAL, ENOENT, EOPNOTSUPP, EPERM, errnoFromNode } from '../base/errno.js';
import { wallDate } from '../sim/clock.js';
import { closeFd } from './files.js';
import {
  getXattr,
  lockFile,
  punchHole,
  seekData,
  seekHole,
  setXattr,
  syncFilesystem,
  syncFilesystemLater,
} from './syscalls.js';
import type { Backing, BackingStatus, IoDone, IoDriver, OpenHow, Space } from './types.js';

const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_DIRECT, O_NOATIME } = fs.constants;
/** Up to this many files are synced one by one; more, and the filesystem is as a whole. */
const SYNC_FILES_MAX = 16;

function attempt<T>(action: () => T): T | number {
  try {
    return action();
  } catch (error) {
    return errnoFromNode(error);
  }
}

/** As `attempt`, for an action without a result: 0 or a negative errno. */
function act(action: () => void): number {
  return attempt(() => {
    action();
    return 0;
  });
}

/** A cache directory on disk. */
export class DiskBacking implements Backing {
  readonly driver: IoDriver;
  readonly lock = lockFile;
  readonly punch = punchHole;
  readonly seekData = seekData;
  readonly seekHole = seekHole;
  readonly getXattr = getXattr;
  readonly setXattr = setXattr;
  readonly close = closeFd;
  readonly syncNow = syncEach;
  readonly uid = process.geteuid?.() ?? 0;
  /** Of the file that was used last, seconds since 1970. */
  #touched = 0;

  /** With the `sync` driver `sync` too answers inside the call. */
  constructor(driver: IoDriver) {
    this.driver = driver;
  }

  // One level at a time: Node's `recursive` never ends where a parent exists and ENOENT comes all
  // the same, as below /proc.
  makeDirectory(directory: string): number {
    const make = () => act(() => fs.mkdirSync(directory, { mode: 0o700 }));
    const isThere = () => attempt(() => fs.statSync(directory).isDirectory()) === true;
    let error = make();
    if (error === -ENOENT && path.dirname(directory) !== directory) {
      error = this.makeDirectory(path.dirname(directory));
      if (error === 0) error = make();
    }
    return error === -EEXIST && isThere() ? 0 : error;
  }

  names(directory: string): string[] {
    const names = attempt(() => fs.readdirSync(directory));
    return typeof names === 'number' ? [] : names.sort();
  }

  open(file: string, { create, direct, readOnly = false }: OpenHow): number {
    // Where there is no O_DIRECT at all, asking for it must fail as it does on filesystems without.
    if (direct && O_DIRECT === undefined) return -EINVAL;
    const access = readOnly ? O_RDONLY : O_RDWR;
    const flags = access | (create ? O_CREAT | O_EXCL : 0) | (direct ? O_DIRECT : 0);
    const opened = attempt(() => fs.openSync(file, flags | (O_NOATIME ?? 0), 0o600));
    // Only the owner may read without a trace.
    return opened === -EPERM ? attempt(() => fs.openSync(file, flags, 0o600)) : opened;
  }

  truncate(fd: number, size: number): number {
    return act(() => fs.ftruncateSync(fd, size));
  }

  readAt(fd: number, target: Uint8Array, position: number): number {
    return attempt(() => fs.readSync(fd, target, 0, target.byteLength, position));
  }

  touch(fd: number): void {
    // Times that are told apart, however quickly one use follows the other.
    this.#touched = Math.max(wallDate().getTime() / 1000, this.#touched + 2e-6);
    act(() => fs.futimesSync(fd, this.#touched, this.#touched));
  }

  remove(file: string): number {
    return act(() => fs.rmSync(file, { force: true }));
  }

  removeDirectory(directory: string): number {
    return act(() => fs.rmdirSync(directory));
  }

  rename(from: string, to: string): number {
    return act(() => fs.renameSync(from, to));
  }

  readWhole(file: string): Buffer | number {
    return attempt(() => fs.readFileSync(file));
  }

  writeAt(file: string, data: Uint8Array, position: number): number {
    const flags = O_WRONLY | (position === 0 ? O_CREAT | O_TRUNC : 0);
    const fd = attempt(() => fs.openSync(file, flags, 0o600));
    if (fd < 0) return fd;
    const error = act(() => {
      for (let at = 0; at < data.length; ) {
        at += fs.writeSync(fd, data, at, data.length - at, position + at);
      }
    });
    closeFd(fd);
    return error;
  }

  writeDurably(file: string, data: Uint8Array): number {
    // Not cut off first: what is there stays if the disk is full.
    const error = act(() => fs.writeFileSync(file, data, { flag: 'r+' }));
    return error < 0 ? error : syncEach([file, path.dirname(file)]);
  }

  status(file: string | number): BackingStatus | number {
    return attempt(() => {
      const stats = typeof file === 'number' ? fs.fstatSync(file) : fs.lstatSync(file);
      const { size, blocks, ino: inode, birthtimeMs: born, atimeMs: usedAt, uid } = stats;
      const [isDirectory, mode] = [stats.isDirectory(), stats.mode & 0o7777];
      return { size, allocated: blocks * 512, isDirectory, inode, born, usedAt, uid, mode };
    });
  }

  space(directory: string): Space | number {
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

  sync(directory: string, files: readonly string[], done: IoDone): void {
    const whole = files.length > SYNC_FILES_MAX;
    if (this.driver.name === 'sync') {
      const error = whole ? syncAll(directory) : syncEach(files);
      done(error === -EOPNOTSUPP ? syncEach(files) : error);
      return;
    }
    const oneByOne = (): void => syncEachLater(files, done);
    if (!whole) oneByOne();
    else syncAllLater(directory, (error) => (error === -EOPNOTSUPP ? oneByOne() : done(error)));
  }
}

function syncEach(files: readonly string[]): number {
  let result = 0;
  for (const file of files) {
    const fd = attempt(() => fs.openSync(file, O_RDONLY));
    if (fd === -ENOENT) continue;
    const error = fd < 0 ? fd : act(() => fs.fdatasyncSync(fd));
    if (fd >= 0) closeFd(fd);
    if (error < 0) result = error;
  }
  return result;
}

function syncAll(directory: string): number {
  const fd = attempt(() => fs.openSync(directory, O_RDONLY));
  if (fd < 0) return fd;
  const error = syncFilesystem(fd);
  closeFd(fd);
  return error;
}

function syncEachLater(files: readonly string[], done: IoDone): void {
  let left = files.length;
  let result = 0;
  const ended = (error: number): void => {
    if (error < 0) result = error;
    if (--left <= 0) done(result);
  };
  if (left === 0) setImmediate(ended, 0);
  for (const file of files) {
    fs.open(file, O_RDONLY, (notOpened, fd) => {
      if (notOpened !== null) {
        const error = errnoFromNode(notOpened);
        return ended(error === -ENOENT ? 0 : error);
      }
      fs.fdatasync(fd, (error) => {
        fs.close(fd, () => ended(error === null ? 0 : errnoFromNode(error)));
      });
    });
  }
}

function syncAllLater(directory: string, done: IoDone): void {
  fs.open(directory, O_RDONLY, (notOpened, fd) => {
    if (notOpened !== null) return done(errnoFromNode(notOpened));
    syncFilesystemLater(fd, (error) => fs.close(fd, () => done(error)));
  });
}
