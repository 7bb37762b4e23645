/**
 * System calls that Node.js does not offer, through koffi: where the data of a sparse file is,
 * extended attributes, locks, syncing a filesystem. Loaded when first needed, so that a program
 * without a cache never loads koffi. Where the library is missing every call answers -EOPNOTSUPP,
 * but for the lock, which then is not taken.
 */
import { createRequire } from 'node:module';
import os from 'node:os';

/** lseek(2) whence values. */
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
/** flock(2) operation: exclusive, without waiting. */
const LOCK_EX_NB = 2 | 4;

/** fallocate(2) mode: make a hole, keep the size. */
const PUNCH_HOLE_KEEP_SIZE = 2 | 1;

interface Call {
  (...args: unknown[]): number;
  async(...args: [...unknown[], (error: Error | null, result: number) => void]): void;
}

interface Calls {
  readonly lseek: Call;
  readonly fgetxattr: Call;
  readonly fsetxattr: Call;
  readonly flock: Call;
  readonly syncfs: Call;
  readonly fallocate: Call;
  errno(): number;
}

let loaded: Calls | null | undefined;

function load(): Calls | null {
  if (os.platform() !== 'linux') return null;
  try {
    const koffi = createRequire(import.meta.url)('koffi');
    // The C library of the process itself, whichever it is.
    const libc = koffi.load(null);
    return {
      lseek: libc.func('int64_t lseek(int fd, int64_t offset, int whence)'),
      fgetxattr: libc.func('long fgetxattr(int fd, const char *name, _Out_ uint8_t *v, size_t n)'),
      fsetxattr: libc.func(
        'int fsetxattr(int fd, const char *name, const uint8_t *v, size_t n, int f)',
      ),
      flock: libc.func('int flock(int fd, int operation)'),
      syncfs: libc.func('int syncfs(int fd)'),
      fallocate: libc.func('int fallocate(int fd, int mode, int64_t offset, int64_t length)'),
      errno: () => koffi.errno() as number,
    };
  } catch {
    return null;
  }
}

function calls(): Calls | null {
  loaded ??= load();
  return loaded;
}

/** -EIO: what an asynchronous call that failed is taken for, its errno being another thread's. */
const FAILED = -5;
/** -EOPNOTSUPP, for calls that cannot be made here. */
const UNSUPPORTED = -95;

function result(value: number, from: Calls): number {
  return value < 0 ? -from.errno() : value;
}

/**
 * First byte of data at or after `position`: lseek(SEEK_DATA). -ENXIO: none; -EOPNOTSUPP: no such
 * call.
 */
export function seekData(fd: number, position: number): number {
  const from = calls();
  return from === null ? UNSUPPORTED : result(from.lseek(fd, position, SEEK_DATA), from);
}

/** First byte of a hole at or after `position`, the end of the file being one: lseek(SEEK_HOLE). */
export function seekHole(fd: number, position: number): number {
  const from = calls();
  return from === null ? UNSUPPORTED : result(from.lseek(fd, position, SEEK_HOLE), from);
}

/**
 * Reads an extended attribute of at most 4096 bytes, or gives a negative errno (-ENODATA: not set).
 */
export function getXattr(fd: number, name: string): Buffer | number {
  const from = calls();
  if (from === null) return UNSUPPORTED;
  const value = Buffer.alloc(4096);
  const length = result(from.fgetxattr(fd, name, value, value.byteLength), from);
  return length < 0 ? length : value.subarray(0, length);
}

/** Sets an extended attribute: 0 or a negative errno. */
export function setXattr(fd: number, name: string, value: Uint8Array): number {
  const from = calls();
  if (from === null) return UNSUPPORTED;
  return result(from.fsetxattr(fd, name, value, value.byteLength, 0), from);
}

/**
 * Takes an exclusive lock for the life of the descriptor: 0, -EAGAIN when another process has it.
 */
export function lockFile(fd: number): number {
  const from = calls();
  return from === null ? 0 : result(from.flock(fd, LOCK_EX_NB), from);
}

/** Makes everything written to the filesystem of `fd` durable: 0 or a negative errno. */
export function syncFilesystem(fd: number): number {
  const from = calls();
  return from === null ? UNSUPPORTED : result(from.syncfs(fd), from);
}

/** As `syncFilesystem`, on another thread; `done` is called once, later. */
export function syncFilesystemLater(fd: number, done: (result: number) => void): void {
  const from = calls();
  if (from === null) setImmediate(done, UNSUPPORTED);
  else from.syncfs.async(fd, (_error, result) => done(result === 0 ? 0 : FAILED));
}

/**
 * Gives up the space of bytes [start, start + length), which then read as zeros: 0 or a negative
 * errno.
 */
export function punchHole(fd: number, start: number, length: number): number {
  const from = calls();
  if (from === null) return UNSUPPORTED;
  return result(from.fallocate(fd, PUNCH_HOLE_KEEP_SIZE, start, length), from);
}
