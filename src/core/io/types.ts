/**
 * The interface between the engine and the machine's files. Three drivers stand behind it: `sync`
 * answers inside the call, `libuv` and `uring` later. Everything that touches a descriptor lives in
 * this folder.
 */
import type { Pump } from '../sim/types.js';

/** A piece of memory to read into: `length` bytes of `memory` from `offset`. */
export interface Segment {
  memory: Uint8Array;
  offset: number;
  length: number;
}

/** Segments in order; the first `count` entries are valid, the rest is storage to be used again. */
export interface SegmentList {
  count: number;
  readonly segments: Segment[];
}

/** Called once with the bytes read (0 at end of file) or a negative errno. */
export type IoDone = (result: number) => void;

/** The drivers there are. */
export type DriverName = 'sync' | 'libuv' | 'uring' | 'sqpoll';

/** What a driver does with a descriptor besides moving bytes; 0 or a negative errno each. */
export type ControlCall =
  /** Answers when the descriptor can be read. */
  | { readonly kind: 'readable' }
  | { readonly kind: 'fsync'; readonly dataOnly: boolean }
  /** fallocate(2). */
  | {
      readonly kind: 'fallocate';
      readonly mode: number;
      readonly position: number;
      readonly length: number;
    };

/**
 * Reads and writes files. All drivers give the same results: an error is its negative number, and
 * a short count means the end of the file, because what is short or interrupted is continued.
 */
export interface IoDriver {
  readonly name: DriverName;
  /** Present on a driver whose answers come when it is asked for them. */
  readonly pump?: Pump;
  /**
   * Reads from byte `position` of `fd` into the segments, in order; a short count means end of
   * file. `copied`: the bytes come out of the kernel's page cache, so that a large piece is better
   * copied by another thread.
   */
  read(fd: number, into: SegmentList, position: number, done: IoDone, copied?: boolean): void;
  /**
   * Writes the segments, in order, at byte `position` of `fd`; the memory must not change until
   * `done`.
   */
  write(fd: number, from: SegmentList, position: number, done: IoDone): void;
  /**
   * Waits for, or makes durable, or changes the room of a file without moving bytes; absent: the
   * driver cannot.
   */
  control?(call: ControlCall, fd: number, done: IoDone): void;
  /**
   * Gives up what the driver holds. What is under way is answered first, with -ECANCELED where the
   * kernel lets it be cancelled; nothing may be asked afterwards.
   */
  close(): void;
}

/** What is known of an open file: enough to see that it was replaced or changed. */
export interface FileStatus {
  readonly device: number;
  readonly inode: number;
  /** Bytes. */
  readonly size: number;
  /** Nanoseconds since 1970, as decimal text because it exceeds 2^53. */
  readonly mtime: string;
  /** Names that the file has; 0: it was deleted. */
  readonly links: number;
  readonly isFile: boolean;
  readonly isDirectory: boolean;
}

/**
 * Free and total space of a filesystem: bytes, and inodes (total 0 where it does not count them).
 */
export interface Space {
  readonly available: number;
  readonly total: number;
  readonly filesFree: number;
  readonly filesTotal: number;
  /** Unit of allocation, bytes. */
  readonly blockSize: number;
}

/** What is known of a file of a cache directory. */
export interface BackingStatus {
  /** Bytes, and those that take up space. */
  readonly size: number;
  readonly allocated: number;
  readonly isDirectory: boolean;
  readonly inode: number;
  /** When it was made, milliseconds since 1970; 0 where the filesystem does not keep that. */
  readonly born: number;
  /** Last use, milliseconds since 1970. */
  readonly usedAt: number;
  /** Number of the user who owns it. */
  readonly uid: number;
  /** Permissions, as in chmod(2). */
  readonly mode: number;
}

/** How a file of a cache directory is opened: for reading and writing unless `readOnly`. */
export interface OpenHow {
  readonly create: boolean;
  readonly direct: boolean;
  readonly readOnly?: boolean;
}

/**
 * The files of a cache directory. `DiskBacking` is the real one; tests put others in its place that
 * lose power or run full. Every function answers with a negative errno instead of throwing.
 */
export interface Backing {
  /** Reads and writes the descriptors that `open` gives. */
  readonly driver: IoDriver;
  /** Number of the user who makes files. */
  readonly uid: number;
  /** Makes a directory and those above it, mode 0700. */
  makeDirectory(directory: string): number;
  /** Names in a directory in byte order; none when it cannot be read. */
  names(directory: string): string[];
  /**
   * Opens for reading and writing; `create` makes the file and fails with -EEXIST if it is there.
   */
  open(file: string, how: OpenHow): number;
  close(fd: number): void;
  /** Takes an exclusive lock for the life of the descriptor; -EAGAIN when somebody else has it. */
  lock(fd: number): number;
  truncate(fd: number, size: number): number;
  /** Gives up the space of bytes [start, start + length), which then read as zeros. */
  punch(fd: number, start: number, length: number): number;
  /** Fills `target` from `position`: bytes read, fewer at the end of the file. */
  readAt(fd: number, target: Uint8Array, position: number): number;
  /** First byte of data at or after `position`; -ENXIO: there is none. */
  seekData(fd: number, position: number): number;
  /** First byte of a hole at or after `position`, the end of the file being one. */
  seekHole(fd: number, position: number): number;
  getXattr(fd: number, name: string): Buffer | number;
  setXattr(fd: number, name: string, value: Uint8Array): number;
  /** Notes that a file was used now: later than any other so far. */
  touch(fd: number): void;
  /** Removes a file; that it is not there is no error. */
  remove(file: string): number;
  /** Removes a directory that is empty; -ENOTEMPTY if it is not. */
  removeDirectory(directory: string): number;
  /** Renames a file, replacing what is there. */
  rename(from: string, to: string): number;
  readWhole(file: string): Buffer | number;
  /**
   * Writes `data` at byte `position` of a file that is there; at 0 it makes the file, or empties it
   * first. Not in one step, and nothing is durable yet.
   */
  writeAt(file: string, data: Uint8Array, position: number): number;
  /**
   * Overwrites the beginning of a file that is there; returns only when it and its name are
   * durable.
   */
  writeDurably(file: string, data: Uint8Array): number;
  /** Of the file with that path, a symbolic link itself, or of an open one. */
  status(file: string | number): BackingStatus | number;
  space(directory: string): Space | number;
  /**
   * Makes durable what these files hold now (of a directory: the names in it), and everything on
   * the filesystem of `directory` where that is cheaper. What is not there is no error. Answers
   * once, before it returns or later.
   */
  sync(directory: string, files: readonly string[], done: IoDone): void;
  /** As `sync`, one by one, before it returns: 0 or a negative errno. */
  syncNow(files: readonly string[]): number;
}
