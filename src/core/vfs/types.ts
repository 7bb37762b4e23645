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
  /**
   * Stores `count` bytes of `source` from `at` on at `position` of the file, as the processor would
   * (MAP_SHARED). EACCES unless the file is open for reading and writing.
   */
  store(source: Uint8Array, at: number, count: number, position: number): Task<number>;
  /** msync(2) with MS_SYNC, for the whole area. */
  msync(): Task;
  munmap(): void;
}

/** How a file is opened. */
export interface OpenFlags {
  /** O_RDWR; without it O_RDONLY. */
  readonly write?: boolean;
  /** O_CREAT. */
  readonly create?: boolean;
  /** O_EXCL, with `create`. */
  readonly exclusive?: boolean;
  /** O_APPEND. */
  readonly append?: boolean;
  /** O_DIRECT: reads and writes go past the page cache and the disk cache, at any alignment. */
  readonly direct?: boolean;
}

/** Bytes [start, start + len) of a file. */
export interface CachedRange {
  readonly start: number;
  readonly len: number;
}

/** An open file. Positions and counts are bytes. Failures are thrown as `ErrnoError`. */
export interface VfsFile {
  readonly path: string;
  /** Reads and writes go past the page cache: O_DIRECT, or a filesystem that caches nothing. */
  readonly isUncached: boolean;
  /**
   * pread(2) if it needs no I/O and no sleep: the bytes read, or -1 when `read` must do it.
   * Allocates nothing if `target` is from `takeBuffer`, else a view per run of neighbouring frames.
   */
  readNow(target: Uint8Array, at: number, count: number, position: number): number;
  /**
   * pread(2): reads up to `count` bytes at `position` into `target` at `at`; 0 at the end of the
   * file.
   */
  read(target: Uint8Array, at: number, count: number, position: number): Task<number>;
  /** As `read`, right after `readNow` has given -1. */
  readMissed(target: Uint8Array, at: number, count: number, position: number): Task<number>;
  /**
   * pwrite(2): writes `count` bytes of `source` from `at` on at `position`, at the end of the file
   * with O_APPEND. Fewer only when an error ended it, which the next call tells.
   */
  write(source: Uint8Array, at: number, count: number, position: number): Task<number>;
  /** ftruncate(2). */
  truncate(size: number): Task;
  /** fsync(2): everything written is on the server, durably; or the error is thrown, once. */
  fsync(): Task;
  /** sync_file_range(2) for all of it: as fsync, without asking the server to make it durable. */
  flush(): Task;
  /** Writes what is dirty and drops every page (invalidate_inode_pages2). */
  invalidate(): Task;
  /** posix_fadvise(2); a length of 0 means to the end. */
  fadvise(advice: FileAdvice, offset?: number, length?: number): Task;
  /** readahead(2): the same as the advice 'willneed'. */
  readahead(offset: number, count: number): Task;
  /** mmap(2) of [offset, offset + length), shared; `offset` a multiple of the page size. */
  mmap(offset: number, length: number): MappingHandle;
  /**
   * The first stretch of [offset, offset + count) that the disk cache has, in whole pages; null: it
   * has nothing of it, or there is none.
   */
  cached(offset: number, count: number): Task<CachedRange | null>;
  /** mincore(2): the pages that are resident and valid. */
  mincore(): PageRun[];
  /** fstat(2), which asks the server where it has not promised to tell. */
  stat(): Task<FileStat>;
  /** What fstat(2) would tell, as far as the client has heard. */
  fstat(): FileStat;
  /**
   * close(2) without what it waits for: of a file that was written to, `flush` first, else what is
   * dirty is written later and nobody is told of errors.
   */
  close(): void;
}

/** Names of files, and what is done to the room that files take. Failures are thrown. */
export interface NamesSurface {
  /** mkdir(2) and mknod(2): `mode` has the type and the permissions. */
  make(path: string, node: { readonly mode: number }): Task<unknown>;
  /** fallocate(2). EOPNOTSUPP: the server cannot. */
  allocate(file: VfsFile, mode: number, position: number, length: number): Task;
  /** copy_file_range(2): bytes copied, fewer at the end of the source. */
  copyRange(from: VfsFile, at: number, to: VfsFile, position: number, count: number): Task<number>;
}

/** Opens files. */
export interface VfsSurface {
  readonly names: NamesSurface;
  open(path: string, flags?: OpenFlags): Task<VfsFile>;
  /** open(2) with O_TRUNC. */
  openTruncated(path: string, flags?: OpenFlags): Task<VfsFile>;
  /**
   * Memory of `bytes` bytes, of any content, that files are read into fastest. Whoever took it
   * gives it back.
   */
  takeBuffer(bytes: number): Uint8Array;
  releaseBuffer(buffer: Uint8Array): void;
}

/** The mount of a lab. */
export interface Mount {
  /** Open files, mappings and calls in progress, which keep it mounted. */
  users: number;
  /** Only in a filesystem that is mounted files are found. */
  state: 'mounted' | 'unmounting' | 'unmounted';
}
