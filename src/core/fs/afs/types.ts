/** What the parts of the AFS client know of a file and of the lab they run in. */
import type { Folios } from '../../mm/folio.js';
import type { Freezer } from '../../mm/freeze.js';
import type { Inode } from '../../mm/types.js';
import type { Writeback } from '../../mm/writeback.js';
import type { Requests } from '../../netfs/requests.js';
import type { Defects, ReadHelper } from '../../netfs/types.js';
import type { ServerHealth } from '../../server/health.js';
import type { Server, ServerFile, ServerStatus, StoreSource } from '../../server/types.js';
import type { RwSemaphore } from '../../sim/rw_semaphore.js';
import type { Scheduler } from '../../sim/scheduler.js';
import type { MaybeTask, Task } from '../../sim/wait_queue.js';
import type { Tracer } from '../../trace/tracer.js';
import type { ClientOptions } from '../types.js';

/** What differs between the AFS clients of the kernels: data of a profile. */
export interface AfsBehaviour {
  /** Files are read in folios of several pages. */
  readonly largeFolios: boolean;
  /** What is cached of a file is validated when it is opened, or before each use (v5.15). */
  readonly validates: 'open' | 'use';
  /** FS.InlineBulkStatus asks about the files behind the one that is looked up, too. */
  readonly bulkStatus: boolean;
  /**
   * What is stored on the server goes into the disk cache beside it (v5.17), or afterwards: of our
   * own for v5.13, which leaves the old content there and gives it out again (with its defects).
   */
  readonly copiesStores: 'beside' | 'after';
  /** Dirty pages keep the cookie in use until their inode has been written (v5.17). */
  readonly pinsCookie: boolean;
  /** Files can be opened with O_DIRECT: of our own for v5.13, which refuses it. */
  readonly directIo: boolean;
  /**
   * Laundering stores a region where its page begins, and a page fault that is interrupted never
   * ends its freeze section; with the kernel's defects.
   */
  readonly laundersAtPageStart: boolean;
}

/** What the client is built from. */
export interface AfsParts {
  readonly server: Server;
  readonly health: ServerHealth;
  readonly scheduler: Scheduler;
  readonly tracer: Tracer;
  readonly folios: Folios;
  readonly writeback: Writeback;
  readonly freezer: Freezer;
  readonly requests: Requests;
  readonly helper: ReadHelper;
  readonly defects: Defects;
  readonly options: ClientOptions;
  readonly behaviour: AfsBehaviour;
}

/** The server's promise to tell of changes of a file. */
export interface CallbackState {
  /** Up to when, ns; 0: nothing is promised. */
  expires: number;
  /** Times that a promise about this file was broken (cb_break). */
  breaks: number;
  /** Breaks of all promises at once that were known when it was given (cb_s_break). */
  serverBreaks: number;
}

/** A file (struct afs_vnode). */
export interface AfsVnode extends Inode {
  readonly key: string;
  readonly name: string;
  version: string;
  /** What it is open as on the server; only while it is in use. */
  readonly file: ServerFile;
  /** Everything in the file was written here since it was empty: gaps in a page are its zeros. */
  newContent: boolean;
  /** It has been removed on the server: nothing more can be written to it (AFS_VNODE_DELETED). */
  deleted: boolean;
  readonly callback: CallbackState;
  /** Pages of an outdated version may be left (AFS_VNODE_ZAP_DATA). */
  readonly isStale: boolean;
  /** Held shared by writeback, exclusively by what changes the size or throws pages away. */
  readonly validateLock: RwSemaphore;
  readonly modify: AfsModifications;
  /** How the file is called in afs_page_dirty and afs_folio_dirty, in place of its address. */
  readonly traceName: string;
  /** Applies a status: another version than ours means that somebody else changed the file. */
  applyStatus(status: ServerStatus): void;
  /** Applies the status after a modification of ours, which is no reason to drop anything. */
  applyOwn(status: ServerStatus): void;
  /** Drops the pages of an outdated version. */
  zap(): Task;
  /** Something was written up to byte `end`: the file is at least that long from now on. */
  grow(end: number): void;
  /** A page has become dirty. */
  pinCache(): void;
  /** The flusher has written the inode, which has no dirty pages. */
  unpinCache(): void;
  /** Pages [first, last], under writeback, are about to be stored on the server. */
  storing(first: number, last: number): MaybeTask;
  /**
   * Pages [first, last] have been stored and are held under writeback or locked. If their way into
   * the disk cache begins, PG_fscache is set on them.
   */
  stored(first: number, last: number): void;
  /** The store of which `storing` was told has failed. */
  storeFailed(): void;
}

/** The modifications of one file on the server. */
export interface AfsModifications {
  /** One is with the server now. */
  readonly underWay: boolean;
  /** Those that have ended. */
  readonly ended: number;
  /** One operation on the server at a time, so that each knows the version before it (io_lock). */
  readonly ioLock: RwSemaphore;
  /** StoreData: 0 or a negative errno. The version afterwards is the vnode's affair. */
  storeData(position: number, from: StoreSource): Task<number>;
  /**
   * StoreData of bytes [start, start + length) of the mapping: 0 or a negative errno. What is cut
   * off before it begins is as good as stored.
   */
  storePages(start: number, position: number, length: number): Task<number>;
}
