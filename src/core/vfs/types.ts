/** What workloads see of the VFS; the only surface they call. */
import type { Task } from '../sim/wait_queue.js';

/** Advice of posix_fadvise(2). */
export type FileAdvice = 'normal' | 'random' | 'sequential' | 'willneed' | 'dontneed' | 'noreuse';

/** What fstat(2) tells. */
export interface FileStat {
  readonly ino: number;
  /** Bytes. */
  readonly size: number;
  /** Changes whenever the content may have changed, as far as the client has heard. */
  readonly version: string;
}

/** Pages [first, last] of a file, both included: a run of resident pages. */
export interface PageRun {
  readonly first: number;
  readonly last: number;
}

/** A memory mapping. */
export interface MappingHandle {
  /** madvise(2) for the whole area. */
  advise(advice: 'normal' | 'random' | 'sequential'): void;
  /**
   * Loads `count` bytes at `position` of the file into `target`, faulting pages in. Throws
   * `ErrnoError` EFAULT where the processor would deliver SIGBUS.
   */
  load(target: Uint8Array, position: number, count: number): Task<number>;
  munmap(): void;
}

/** An open file. Positions and counts are bytes. Failures are thrown as `ErrnoError`. */
export interface VfsFile {
  readonly path: string;
  /**
   * pread(2) if it needs no I/O and no sleep: the bytes read, or -1 when `read` must do it.
   * Allocates no more than a view per run of neighbouring frames.
   */
  readNow(target: Uint8Array, at: number, count: number, position: number): number;
  /**
   * pread(2): reads up to `count` bytes at `position` into `target` at `at`; 0 at the end of the
   * file.
   */
  read(target: Uint8Array, at: number, count: number, position: number): Task<number>;
  /** posix_fadvise(2); a length of 0 means to the end. */
  fadvise(advice: FileAdvice, offset?: number, length?: number): Task;
  /** readahead(2): the same as the advice 'willneed'. */
  readahead(offset: number, count: number): Task;
  /** mmap(2) of [offset, offset + length), read only; `offset` a multiple of the page size. */
  mmap(offset: number, length: number): MappingHandle;
  /** mincore(2): the pages that are resident and valid. */
  mincore(): PageRun[];
  fstat(): FileStat;
  close(): void;
}

/** Opens files. */
export interface VfsSurface {
  open(path: string): VfsFile;
}
