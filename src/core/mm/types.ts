/** What the page cache needs to know of files, inodes and the filesystem behind them. */
import type { MaybeTask, Task } from '../sim/wait_queue.js';
import type { AddressSpace } from './address_space.js';
import type { FileRaState, ReadaheadControl } from './readahead.js';

/** The part of an inode that the page cache looks at. */
export interface Inode {
  /** Inode number, as printed in tracepoints. */
  readonly ino: number;
  /** i_size: bytes. Changes under readers; each decision samples it once. */
  size: number;
  readonly mapping: AddressSpace;
}

/** An open file, as readahead and the filesystem see it. */
export interface OpenFile {
  readonly inode: Inode;
  readonly mapping: AddressSpace;
  readonly ra: FileRaState;
  /** FMODE_RANDOM: set by fadvise(RANDOM). */
  randomMode: boolean;
}

/**
 * What a filesystem does for its pages (struct address_space_operations). The members that
 * are tasks are Required.
 */
export interface AddressSpaceOps {
  /** Reads the pages of the window; must take each page it wants from it. Reports no error. */
  readahead(ractl: ReadaheadControl): MaybeTask;
  /**
   * Reads one locked folio and unlocks it, also on failure. 0, a negative errno, or
   * AOP_TRUNCATED_PAGE: what was read is outdated, look the page up again.
   */
  readpage(file: OpenFile, pfn: number): Task<number>;
  /** Readahead may use folios of several pages (mapping_set_large_folios). */
  readonly largeFolios?: boolean;
  /** Optional. A page is about to be dropped or reclaimed (->release_folio). */
  releaseFolio?(mapping: AddressSpace): void;
  /** The write side; a filesystem without one is read-only. */
  readonly write?: WriteOps;
}

/** What a filesystem does for pages that are written. All members are Required and may sleep. */
export interface WriteOps {
  /**
   * Makes a folio ready to take [pos, pos + len), which does not go beyond one page: the folio,
   * locked and referenced, or a negative errno.
   */
  writeBegin(file: OpenFile, pos: number, len: number): Task<number>;
  /**
   * `copied` of the `len` bytes are in the folio of `writeBegin`: notes them as dirty, extends
   * i_size, unlocks and puts the folio. The bytes accepted: `copied`, or 0.
   */
  writeEnd(file: OpenFile, pos: number, len: number, copied: number, pfn: number): Task<number>;
  /** Writes dirty folios to the server as far as `wbc` goes: 0 or a negative errno. */
  writepages(mapping: AddressSpace, wbc: WritebackControl): Task<number>;
  /**
   * A page that is mapped is about to be written to by the processor; the folio is referenced. 0:
   * it is locked and noted as dirty; 1: look the page up again; or -EINTR.
   */
  pageMkwrite(file: OpenFile, pfn: number): Task<number>;
  /**
   * Bytes [offset, offset + length) of the locked folio are thrown away (->invalidatepage), all of
   * it or a part. Returns when no write of it to the cache is in flight.
   */
  invalidateFolio(pfn: number, offset: number, length: number): Task;
  /** Makes a locked folio clean by writing it if it is dirty: 0 or a negative errno. */
  launderFolio(pfn: number): Task<number>;
}

/** How much writeback is to do (struct writeback_control). */
export interface WritebackControl {
  /** Waits for locks and for writeback under way (WB_SYNC_ALL); else passes over what is busy. */
  readonly sync: boolean;
  /** Pages that may still be written; counted down. */
  nrToWrite: number;
  /** Goes on where it stopped the last time, and round, instead of the range. */
  readonly cyclic: boolean;
  /** Bytes [start, end]. */
  readonly start: number;
  readonly end: number;
}

/** The behaviours of the VM that changed between kernels: data of a profile. */
export interface MmBehaviour {
  /** filemap_read's batch may include the page just after the request (before 5956592c). */
  readonly batchLimitInclusive: boolean;
  /** filemap_read stops at i_size before touching a page (v5.16, 8c8387ee). */
  readonly eofCheckedFirst: boolean;
  /** Pages that ->readahead did not take are removed from the page cache (v5.18). */
  readonly leftoversRemoved: boolean;
}

/** What the memory manager needs of the world outside. */
export interface MmHooks {
  /** Called when the last page of a mapping has left the page cache. */
  mappingEmptied?(mapping: AddressSpace): void;
  /**
   * Memory is short: whether dirty pages are being written, so that some may become free. `start`:
   * a round begins if there are any.
   */
  flushing?(start: boolean): boolean;
  /** Called when a mapping gets its first folio to be written, and when it has no more of them. */
  taggedChanged?(mapping: AddressSpace): void;
}
