/**
 * The system calls of a directory tree: relative to the descriptor of a directory, with names as
 * bytes, none of which Node.js offers. Called by `server/` alone; a negative errno instead of a
 * throw. Names are NUL-terminated bytes. man pages: openat2(2), statx(2), renameat2(2), ...
 */
import { createRequire } from 'node:module';
import os from 'node:os';
import { EAGAIN, ENOSYS, EOPNOTSUPP, EPERM } from '../base/errno.js';

type Call = (...args: unknown[]) => number;
type Later = (...args: [...unknown[], (error: Error | null, result: number) => void]) => void;

interface AtCalls {
  readonly openat: Call;
  readonly openat2: Call;
  readonly statx: Call;
  readonly mkdirat: Call;
  readonly mknodat: Call;
  readonly unlinkat: Call;
  readonly renameat2: Call;
  readonly linkat: Call;
  readonly symlinkat: Call;
  readonly readlinkat: Call;
  readonly fchownat: Call;
  readonly fchmodat: Call;
  readonly utimensat: Call;
  readonly getdents64: Call;
  readonly lseek: Call;
  readonly fallocate: Call & { async: Later };
  readonly lgetxattr: Call;
  readonly lsetxattr: Call;
  readonly lremovexattr: Call;
  readonly llistxattr: Call;
  readonly close: Call;
  errno(): number;
}

let loaded: AtCalls | null | undefined;

function load(): AtCalls | null {
  if (os.platform() !== 'linux') return null;
  try {
    const koffi = createRequire(import.meta.url)('koffi');
    const libc = koffi.load(null);
    const raw = (nr: number, args: string) => {
      const f = libc.func(`long syscall(long nr, ${args})`);
      return (...given: unknown[]): number => f(nr, ...given);
    };
    const path = 'const uint8_t *';
    return {
      openat: libc.func(`int openat(int fd, ${path}p, int flags, uint32_t mode)`),
      openat2: raw(437, `int fd, ${path}p, ${path}how, size_t n`),
      statx: libc.func(`int statx(int fd, ${path}p, int flags, uint32_t mask, uint8_t *to)`),
      mkdirat: libc.func(`int mkdirat(int fd, ${path}p, uint32_t mode)`),
      mknodat: libc.func(`int mknodat(int fd, ${path}p, uint32_t mode, uint64_t dev)`),
      unlinkat: libc.func(`int unlinkat(int fd, ${path}p, int flags)`),
      renameat2: raw(
        os.arch() === 'arm64' ? 276 : 316,
        `int from, ${path}p, int to, ${path}q, uint32_t flags`,
      ),
      linkat: libc.func(`int linkat(int from, ${path}p, int to, ${path}q, int flags)`),
      symlinkat: libc.func(`int symlinkat(${path}target, int fd, ${path}p)`),
      readlinkat: libc.func(`long readlinkat(int fd, ${path}p, uint8_t *to, size_t n)`),
      fchownat: libc.func(`int fchownat(int fd, ${path}p, uint32_t u, uint32_t g, int flags)`),
      fchmodat: libc.func(`int fchmodat(int fd, ${path}p, uint32_t mode, int flags)`),
      utimensat: libc.func(`int utimensat(int fd, ${path}p, const int64_t *times, int flags)`),
      getdents64: raw(os.arch() === 'arm64' ? 61 : 217, 'int fd, uint8_t *to, size_t n'),
      lseek: libc.func('int64_t lseek(int fd, int64_t offset, int whence)'),
      fallocate: libc.func('int fallocate(int fd, int mode, int64_t offset, int64_t length)'),
      lgetxattr: libc.func(`long lgetxattr(${path}p, ${path}name, uint8_t *v, size_t n)`),
      lsetxattr: libc.func(`int lsetxattr(${path}p, ${path}name, ${path}v, size_t n, int how)`),
      lremovexattr: libc.func(`int lremovexattr(${path}p, ${path}name)`),
      llistxattr: libc.func(`long llistxattr(${path}p, uint8_t *to, size_t n)`),
      close: libc.func('int close(int fd)'),
      errno: () => koffi.errno() as number,
    };
  } catch {
    return null;
  }
}

function calls(): AtCalls | null {
  if (loaded === undefined) loaded = load();
  return loaded;
}

/** -EOPNOTSUPP where the calls cannot be made: nowhere but on Linux. */
function via(call: (from: AtCalls) => number): number {
  const from = calls();
  if (from === null) return -EOPNOTSUPP;
  const result = call(from);
  return result < 0 ? -from.errno() : result;
}

const arm = os.arch() === 'arm64';
const O_CREAT = 0o100;
const O_NOFOLLOW = arm ? 0o100000 : 0o400000;
const O_CLOEXEC = 0o2000000;
/** open(2) flags, the same on x64 and arm64 but for O_DIRECTORY, O_NOFOLLOW and O_DIRECT. */
export const O_RDONLY = 0;
export const O_RDWR = 2;
export const O_NONBLOCK = 0o4000;
export const O_DIRECTORY = arm ? 0o40000 : 0o200000;
export const O_PATH = 0o10000000;
/** unlinkat(2): a directory. */
export const AT_REMOVEDIR = 0x200;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
/** renameat2(2) flags. */
export const RENAME_NOREPLACE = 1;
export const RENAME_EXCHANGE = 2;
export const RENAME_WHITEOUT = 4;
/** File types of st_mode. */
export const S_IFMT = 0o170000;
export const S_IFCHR = 0o020000;
export const S_IFDIR = 0o040000;
export const S_IFREG = 0o100000;
export const S_IFLNK = 0o120000;

/** openat2(2): every part of the path lies beneath, none is a symbolic link. */
const RESOLVE_NO_MAGICLINKS = 0x02;
const RESOLVE_NO_SYMLINKS = 0x04;
const RESOLVE_BENEATH = 0x08;
/** A directory on the way was renamed meanwhile: look again, so often. */
const TRIES = 16;
/** Longest piece of a path that is given to one call (PATH_MAX is 4096). */
const PIECE = 4000;

const how = new Uint8Array(24);
const howView = new DataView(how.buffer);
let noOpenat2 = false;

/**
 * Opens `path`, bytes relative to the directory `dirfd` that may be of any length, without leaving
 * it and without following a symbolic link: a descriptor, or a negative errno (-ELOOP, -ENOTDIR: a
 * part of it is a link).
 */
export function openBeneathAt(dirfd: number, path: Uint8Array, flags: number, mode = 0): number {
  if (path.length === 0) return openBeneathAt(dirfd, DOT, flags, mode);
  let at = dirfd;
  let rest = path;
  while (rest.length > PIECE) {
    const cut = rest.lastIndexOf(SLASH, PIECE);
    if (cut <= 0) break;
    const next = openPiece(at, rest.subarray(0, cut), O_PATH | O_DIRECTORY, 0);
    if (at !== dirfd) closeAt(at);
    if (next < 0) return next;
    at = next;
    rest = rest.subarray(cut + 1);
  }
  const fd = openPiece(at, rest, flags, mode);
  if (at !== dirfd) closeAt(at);
  return fd;
}

const SLASH = 0x2f;
const DOT = Uint8Array.of(0x2e);

function openPiece(dirfd: number, path: Uint8Array, flags: number, mode: number): number {
  if (!noOpenat2) {
    howView.setUint32(0, flags | O_CLOEXEC, true);
    howView.setUint32(8, (flags & O_CREAT) !== 0 ? mode : 0, true);
    howView.setUint32(16, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS, true);
    const text = terminated(path);
    for (let tries = 0; tries < TRIES; tries++) {
      const fd = via((from) => from.openat2(dirfd, text, how, how.length));
      // -EPERM: a sandbox that does not know the call.
      if (fd === -ENOSYS || fd === -EPERM) noOpenat2 = true;
      else if (fd !== -EAGAIN) return fd;
      if (noOpenat2) break;
    }
  }
  return openByParts(dirfd, path, flags, mode);
}

// Each part by itself, none of which may be a link.
function openByParts(dirfd: number, path: Uint8Array, flags: number, mode: number): number {
  const parts = Buffer.from(path)
    .toString('latin1')
    .split('/')
    .filter((part) => part !== '');
  if (parts.includes('..')) return -18;
  let at = dirfd;
  for (const [i, part] of parts.entries()) {
    const last = i === parts.length - 1;
    const wanted = last ? flags | O_NOFOLLOW : O_PATH | O_DIRECTORY | O_NOFOLLOW;
    const name = terminated(Buffer.from(part, 'latin1'));
    const fd = via((from) => from.openat(at, name, wanted | O_CLOEXEC, mode));
    if (at !== dirfd) closeAt(at);
    if (fd < 0) return fd;
    at = fd;
  }
  return at;
}

/** The bytes with a NUL behind them. */
export function terminated(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const text = new Uint8Array(bytes.length + 1);
  text.set(bytes);
  return text;
}

/** Closes a descriptor. */
export function closeAt(fd: number): void {
  calls()?.close(fd);
}

/** A moment: seconds since 1970, and nanoseconds. */
export interface Moment {
  readonly s: number;
  readonly ns: number;
}

/** What is known of a file of any kind. */
export interface Attributes {
  /** As st_dev. */
  readonly device: number;
  readonly inode: number;
  /** Type and permissions. */
  readonly mode: number;
  readonly links: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev: number;
  /** Bytes. */
  readonly size: number;
  /** Of 512 bytes. */
  readonly blocks: number;
  readonly atime: Moment;
  readonly mtime: Moment;
  readonly ctime: Moment;
  /** When it was made, nanoseconds as text: with the inode it tells files apart for ever. */
  readonly born: string;
}

const STATX_BASIC_BTIME = 0xfff;
const statBuffer = new Uint8Array(256);
const statView = new DataView(statBuffer.buffer);

/**
 * The attributes of `name` in a directory, of a link itself; without a name of the descriptor.
 */
export function attributesAt(dirfd: number, name: Uint8Array = EMPTY): Attributes | number {
  const flags = name.length > 1 ? AT_SYMLINK_NOFOLLOW : AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH;
  const error = via((from) => from.statx(dirfd, name, flags, STATX_BASIC_BTIME, statBuffer));
  if (error < 0) return error;
  const u32 = (at: number): number => statView.getUint32(at, true);
  const u64 = (at: number): number => u32(at) + statView.getUint32(at + 4, true) * 2 ** 32;
  const moment = (at: number): Moment => ({
    s: u32(at) + statView.getInt32(at + 4, true) * 2 ** 32,
    ns: u32(at + 8),
  });
  return {
    device: makeDevice(u32(136), u32(140)),
    inode: u64(32),
    mode: statView.getUint16(28, true),
    links: u32(16),
    uid: u32(20),
    gid: u32(24),
    rdev: makeDevice(u32(128), u32(132)),
    size: u64(40),
    blocks: u64(48),
    atime: moment(64),
    mtime: moment(112),
    ctime: moment(96),
    born: `${u64(80)}.${u32(88)}`,
  };
}

const EMPTY = new Uint8Array(1);

// gnu_dev_makedev: what st_dev is.
function makeDevice(major: number, minor: number): number {
  const low = (minor & 0xff) | ((major & 0xfff) << 8);
  return low + (minor & ~0xff) * 2 ** 12 + (major & ~0xfff) * 2 ** 32;
}

/** mkdirat(2). */
export function makeDirectoryAt(dirfd: number, name: Uint8Array, mode: number): number {
  return via((from) => from.mkdirat(dirfd, name, mode));
}

/** mknodat(2) of a file, pipe or socket, or of a device. */
export function makeNodeAt(dirfd: number, name: Uint8Array, mode: number, device = 0): number {
  return via((from) => from.mknodat(dirfd, name, mode, device));
}

/** unlinkat(2); `flags` AT_REMOVEDIR: a directory. */
export function unlinkAt(dirfd: number, name: Uint8Array, flags = 0): number {
  return via((from) => from.unlinkat(dirfd, name, flags));
}

/** renameat2(2). */
export function renameAt(
  from: number,
  name: Uint8Array,
  to: number,
  newName: Uint8Array,
  flags = 0,
): number {
  return via((call) => call.renameat2(from, name, to, newName, flags));
}

/** linkat(2). */
export function linkAt(from: number, name: Uint8Array, to: number, newName: Uint8Array): number {
  return via((call) => call.linkat(from, name, to, newName, 0));
}

/** symlinkat(2). */
export function symlinkAt(target: Uint8Array, dirfd: number, name: Uint8Array): number {
  return via((from) => from.symlinkat(target, dirfd, name));
}

const linkBuffer = new Uint8Array(4096);

/** readlinkat(2): the target's bytes. */
export function readLinkAt(dirfd: number, name: Uint8Array): Uint8Array | number {
  const length = via((from) => from.readlinkat(dirfd, name, linkBuffer, linkBuffer.length));
  return length < 0 ? length : linkBuffer.slice(0, length);
}

/** fchownat(2), of a link itself; -1: that one stays. Without a name of the descriptor. */
export function chownAt(dirfd: number, uid: number, gid: number, name: Uint8Array = EMPTY): number {
  const flags = name.length > 1 ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH;
  return via((from) => from.fchownat(dirfd, name, uid >>> 0, gid >>> 0, flags));
}

/** fchmodat(2) of what is no link. */
export function chmodAt(dirfd: number, name: Uint8Array, mode: number): number {
  return via((from) => from.fchmodat(dirfd, name, mode, 0));
}

const times = new BigInt64Array(4);
const UTIME_NOW = 0x3fffffff;
const UTIME_OMIT = 0x3ffffffe;

function fillTimes(...given: readonly (Moment | 'now' | undefined)[]): void {
  for (const [i, time] of given.entries()) {
    const special = time === 'now' ? UTIME_NOW : UTIME_OMIT;
    times[2 * i] = typeof time === 'object' ? BigInt(time.s) : 0n;
    times[2 * i + 1] = BigInt(typeof time === 'object' ? time.ns : special);
  }
}

/** utimensat(2), of a link itself: a moment, `now`, or undefined: that one stays. */
export function setTimesAt(
  dirfd: number,
  name: Uint8Array,
  atime: Moment | 'now' | undefined,
  mtime: Moment | 'now' | undefined,
): number {
  fillTimes(atime, mtime);
  return via((from) => from.utimensat(dirfd, name, times, AT_SYMLINK_NOFOLLOW));
}

/** As `setTimesAt`, of a descriptor. */
export function setTimesOf(
  fd: number,
  atime: Moment | 'now' | undefined,
  mtime: Moment | 'now' | undefined,
): number {
  const path = terminated(Buffer.from(`/proc/self/fd/${fd}`));
  fillTimes(atime, mtime);
  return via((from) => from.utimensat(-100, path, times, 0));
}

/** getdents64(2): bytes filled of `into`, 0 at the end. */
export function readDirectory(fd: number, into: Uint8Array): number {
  return via((from) => from.getdents64(fd, into, into.length));
}

/** lseek(2): the new position (a directory's is a cookie, which may exceed 2^53). */
export function seek(fd: number, position: number | bigint, whence = 0): number {
  return via((from) => from.lseek(fd, position, whence));
}

/** fallocate(2) inside the call: 0 or a negative errno. */
export function allocateNow(fd: number, mode: number, offset: number, length: number): number {
  return via((from) => from.fallocate(fd, mode, offset, length));
}

/** fallocate(2) on another thread: `done` is called once, later. Its errno is asked for again. */
export function allocateLater(
  fd: number,
  mode: number,
  offset: number,
  length: number,
  done: (result: number) => void,
): void {
  const from = calls();
  if (from === null) setImmediate(done, -EOPNOTSUPP);
  // The errno of another thread cannot be had: one that failed at once fails at once again.
  else
    from.fallocate.async(fd, mode, offset, length, (_error, result) => {
      done(result === 0 ? 0 : via((again) => again.fallocate(fd, mode, offset, length)));
    });
}

/** A path by which the file `name` of a directory, a link itself, can be named to calls without a
 * descriptor. */
export function procPath(dirfd: number, name: Uint8Array): Uint8Array {
  const prefix = Buffer.from(`/proc/self/fd/${dirfd}/`);
  return Buffer.concat([prefix, name]);
}

/** Largest value of an extended attribute (XATTR_SIZE_MAX), and of a list of names. */
const XATTR_MAX = 65536;
const xattrBuffer = new Uint8Array(XATTR_MAX);

/** lgetxattr(2): the value's bytes; -ENODATA: not set. */
export function getXattrAt(path: Uint8Array, name: Uint8Array): Uint8Array | number {
  const length = via((from) => from.lgetxattr(path, name, xattrBuffer, XATTR_MAX));
  return length < 0 ? length : xattrBuffer.slice(0, length);
}

/** lsetxattr(2); `how`: 0, or XATTR_CREATE 1, XATTR_REPLACE 2. */
export function setXattrAt(path: Uint8Array, name: Uint8Array, value: Uint8Array, how = 0): number {
  return via((from) => from.lsetxattr(path, name, value, value.length, how));
}

/** lremovexattr(2). */
export function removeXattrAt(path: Uint8Array, name: Uint8Array): number {
  return via((from) => from.lremovexattr(path, name));
}

/** llistxattr(2): names, each with a NUL behind it. */
export function listXattrAt(path: Uint8Array): Uint8Array | number {
  const length = via((from) => from.llistxattr(path, xattrBuffer, XATTR_MAX));
  return length < 0 ? length : xattrBuffer.slice(0, length);
}
