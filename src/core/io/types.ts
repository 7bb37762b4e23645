/**
 * The interface between the engine and the machine's files. Two drivers stand behind it: `sync` for
 * the virtual clock and `libuv` for the real one. Everything that touches a descriptor lives in
 * this folder.
 */

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

/**
 * Reads and writes files. A driver may answer before the call returns (`sync`) or later (`libuv`).
 */
export interface IoDriver {
  readonly name: 'sync' | 'libuv';
  /**
   * Reads from byte `position` of `fd` into the segments, in order; a short count means end of
   * file.
   */
  read(fd: number, into: SegmentList, position: number, done: IoDone): void;
  /**
   * Writes the segments, in order, at byte `position` of `fd`; the memory must not change until
   * `done`.
   */
  write(fd: number, from: SegmentList, position: number, done: IoDone): void;
}

/** What is known of an open file: enough to see that it was replaced or changed. */
export interface FileStatus {
  readonly device: number;
  readonly inode: number;
  /** Bytes. */
  readonly size: number;
  /** Nanoseconds since 1970, as decimal text because it exceeds 2^53. */
  readonly mtime: string;
  readonly isFile: boolean;
  readonly isDirectory: boolean;
}
