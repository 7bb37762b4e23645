/**
 * The FUSE protocol as bytes: operations, flags and the layout of what the kernel asks and is
 * answered. Numbers: fuse(4), include/uapi/linux/fuse.h, protocol 7.31 and later. Used by this
 * folder only.
 */
import type { Moment } from '../io/at_calls.js';
import type { FilesystemStatus, NodeStatus } from '../server/types.js';

/** The protocol that is spoken; older kernels lower the minor number. */
export const FUSE_MAJOR = 7;
export const FUSE_MINOR = 40;
/** Bytes of the header of a request, and of an answer. */
export const IN_HEADER = 40;
export const OUT_HEADER = 16;
/** Node number of the root. */
export const ROOT_ID = 1;

/** Operations by number. */
export const OPS = {
  1: 'lookup',
  2: 'forget',
  3: 'getattr',
  4: 'setattr',
  5: 'readlink',
  6: 'symlink',
  8: 'mknod',
  9: 'mkdir',
  10: 'unlink',
  11: 'rmdir',
  12: 'rename',
  13: 'link',
  14: 'open',
  15: 'read',
  16: 'write',
  17: 'statfs',
  18: 'release',
  20: 'fsync',
  21: 'setxattr',
  22: 'getxattr',
  23: 'listxattr',
  24: 'removexattr',
  25: 'flush',
  26: 'init',
  27: 'opendir',
  28: 'readdir',
  29: 'releasedir',
  30: 'fsyncdir',
  35: 'create',
  36: 'interrupt',
  38: 'destroy',
  42: 'batch_forget',
  43: 'fallocate',
  44: 'readdirplus',
  45: 'rename2',
  46: 'lseek',
  47: 'copy_file_range',
} as const;

/** The name of an operation. */
export type OpName = (typeof OPS)[keyof typeof OPS];

/** What the kernel may do (FUSE_INIT flags), by bit. */
export const INIT_ASYNC_READ = 0;
export const INIT_BIG_WRITES = 5;
export const INIT_AUTO_INVAL_DATA = 12;
export const INIT_DO_READDIRPLUS = 13;
export const INIT_READDIRPLUS_AUTO = 14;
export const INIT_ASYNC_DIO = 15;
export const INIT_PARALLEL_DIROPS = 18;
export const INIT_MAX_PAGES = 22;
export const INIT_EXT = 30;
export const INIT_DIRECT_IO_ALLOW_MMAP = 36;

/** How an open file is used (FOPEN flags). */
export const FOPEN_DIRECT_IO = 1 << 0;
export const FOPEN_KEEP_CACHE = 1 << 1;

/** What a SETATTR changes (FATTR flags). */
export const FATTR = {
  mode: 1 << 0,
  uid: 1 << 1,
  gid: 1 << 2,
  size: 1 << 3,
  atime: 1 << 4,
  mtime: 1 << 5,
  fh: 1 << 6,
  atimeNow: 1 << 7,
  mtimeNow: 1 << 8,
} as const;

/** A write clears set-user-ID and set-group-ID (FUSE_WRITE_KILL_SUIDGID). */
export const WRITE_KILL_SUIDGID = 1 << 2;
/** A write of the kernel's page cache: of a mapping. */
export const WRITE_CACHE = 1 << 0;

const ATTR_BYTES = 88;
/** Bytes of an entry and of an open file in an answer. */
export const ENTRY_BYTES = 40 + ATTR_BYTES;
export const OPEN_BYTES = 16;

/** A request as it lies in memory. */
export class Request {
  /** All of the memory that requests are read into. */
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  /** Bytes of the request. */
  length = 0;
  /** What the call is about, for the trace: set by who performs it. */
  file = '';
  offset = 0;
  count = 0;
  result = 0;
  /** Undoes what the answer would have told, if nobody hears it. */
  undo: (() => void) | undefined;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** A call begins. */
  begin(): void {
    this.undo = undefined;
    this.about('');
  }

  /** Notes what the call is about. */
  about(file: string, offset = 0, count = 0, result = 0): void {
    this.file = file;
    this.offset = offset;
    this.count = count;
    this.result = result;
  }

  get opcode(): number {
    return this.#view.getUint32(4, true);
  }

  /** What the answer is addressed to: both halves of it. */
  get uniqueLow(): number {
    return this.#view.getUint32(8, true);
  }

  get uniqueHigh(): number {
    return this.#view.getUint32(12, true);
  }

  get node(): number {
    return this.u64(16 - IN_HEADER);
  }

  get uid(): number {
    return this.#view.getUint32(24, true);
  }

  get gid(): number {
    return this.#view.getUint32(28, true);
  }

  get pid(): number {
    return this.#view.getUint32(32, true);
  }

  /** 32 bits at `at` of the argument. */
  u32(at: number): number {
    return this.#view.getUint32(IN_HEADER + at, true);
  }

  i32(at: number): number {
    return this.#view.getInt32(IN_HEADER + at, true);
  }

  /** 64 bits; what exceeds 2^53 is rounded. */
  u64(at: number): number {
    return this.u32(at) + this.u32(at + 4) * 2 ** 32;
  }

  /** 64 bits with a sign. */
  i64(at: number): number {
    return this.u32(at) + this.i32(at + 4) * 2 ** 32;
  }

  cookie(at: number): bigint {
    return this.#view.getBigUint64(IN_HEADER + at, true);
  }

  /** Bytes of the argument from `at` up to a NUL, without it. */
  text(at: number): Uint8Array {
    const start = IN_HEADER + at;
    const end = this.bytes.indexOf(0, start);
    return this.bytes.subarray(start, end < 0 || end > this.length ? this.length : end);
  }

  /** Everything of the argument from `at`. */
  rest(at: number): Uint8Array {
    return this.bytes.subarray(IN_HEADER + at, this.length);
  }
}

/** An answer as it is made. */
export class Reply {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u16(at: number, value: number): void {
    this.#view.setUint16(at, value, true);
  }

  u32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  u64(at: number, value: number): void {
    this.u32(at, value >>> 0);
    this.u32(at + 4, Math.floor(value / 2 ** 32));
  }

  big(at: number, value: bigint): void {
    this.#view.setBigUint64(at, value, true);
  }

  zero(at: number, bytes: number): void {
    this.bytes.fill(0, at, at + bytes);
  }

  /** struct fuse_attr at `at`. */
  attributes(at: number, status: NodeStatus, inode: number): void {
    this.u64(at, inode);
    this.u64(at + 8, status.size);
    this.u64(at + 16, status.blocks);
    const moments: readonly Moment[] = [status.atime, status.mtime, status.ctime];
    for (const [i, { s, ns }] of moments.entries()) {
      this.u64(at + 24 + 8 * i, s);
      this.u32(at + 48 + 4 * i, ns);
    }
    this.u32(at + 60, status.mode);
    this.u32(at + 64, status.links);
    this.u32(at + 68, status.uid);
    this.u32(at + 72, status.gid);
    this.u32(at + 76, status.rdev);
    this.u32(at + 80, 4096);
    this.u32(at + 84, 0);
  }

  /** struct fuse_kstatfs at `at`. */
  filesystem(at: number, status: FilesystemStatus): void {
    this.zero(at, 80);
    this.u64(at, status.blocks);
    this.u64(at + 8, status.blocksFree);
    this.u64(at + 16, status.blocksAvailable);
    this.u64(at + 24, status.files);
    this.u64(at + 32, status.filesFree);
    this.u32(at + 40, status.blockSize);
    this.u32(at + 44, status.nameMax);
    this.u32(at + 48, status.blockSize);
  }
}
