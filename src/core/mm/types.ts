/** What the page cache needs to know of files, inodes and the filesystem behind them. */
import type { Task } from '../sim/wait_queue.js';
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
  readahead(ractl: ReadaheadControl): Task;
  /**
   * Reads one locked folio and unlocks it, also on failure. 0, a negative errno, or
   * AOP_TRUNCATED_PAGE: what was read is outdated, look the page up again.
   */
  readpage(file: OpenFile, pfn: number): Task<number>;
  /** Optional. A page is about to be dropped or reclaimed (->release_folio). */
  releaseFolio?(mapping: AddressSpace): void;
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
}
