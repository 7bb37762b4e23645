/** The interface between the VFS and the network filesystem clients. */
import type { AddressSpace } from '../mm/address_space.js';
import type { Inode } from '../mm/types.js';
import type { ByteRange } from '../netfs/types.js';
import type { ServerFile, ServerStatus } from '../server/types.js';
import type { RwSemaphore } from '../sim/rw_semaphore.js';
import type { Task } from '../sim/wait_queue.js';

/** A file of a network filesystem as the VFS holds it: an inode with users. */
export interface Vnode extends Inode {
  /** Name under which it was last opened, relative to the server's root. */
  readonly name: string;
  /** Version of the content, as the server last told it. */
  readonly version: string;
  /** Takes a use: an open file, a mapping or a request in flight. */
  hold(): void;
  /** Ends a use; the last one closes the file on the server. Pages stay. */
  release(): void;
  /**
   * Whether what is cached of the file may be used without asking the server, before each use of
   * it. False: `validate` must be waited for first.
   */
  isValid?(): boolean;
  /**
   * Asks the server whether what is cached is still its file's, and drops what is not: 0 or a
   * negative errno.
   */
  validate?(): Task<number>;
  /**
   * The first stretch of a range that the disk cache has, in whole pages; -ENODATA: nothing of it,
   * -ENOBUFS: it cannot be told.
   */
  occupancy?(range: ByteRange): Task<ByteRange | number>;
  /** Uses now. */
  readonly uses: number;
  /** The file on the server; only while the vnode is in use. */
  readonly file?: ServerFile;
  /** Applies the status after a change of our own, which is no reason to drop anything. */
  applyOwn?(status: ServerStatus): void;
  /** What the disk cache has of the file is not believed any more. */
  forgetCached?(): void;
  /** Modifies the file; a filesystem that is read-only has none of it. */
  readonly modify?: ModifyOps;
  /** I/O past the page cache; a filesystem without it refuses O_DIRECT. */
  readonly direct?: DirectIo;
  /**
   * The mount keeps no pages for read(2) and write(2), which use `direct`; only mappings have
   * pages. `readOnlyMaps`: nor may a shared mapping be writable. `ignoresDirty`: what mappings
   * have not written yet is neither read nor written before others write there.
   */
  readonly uncached?:
    | { readonly readOnlyMaps: boolean; readonly ignoresDirty: boolean }
    | undefined;
}

/** Moves bytes between a program's memory and the server: bytes moved, or a negative errno. */
export interface DirectIo {
  /** Fewer than asked for at the end of what the server has, or where it failed. */
  read(target: Uint8Array, at: number, count: number, position: number): Task<number>;
  /** Called with the lock for changes held. */
  write(source: Uint8Array, at: number, count: number, position: number): Task<number>;
}

/** Modifying a file. Every answer is 0 or a negative errno. */
export interface ModifyOps {
  /** Held by who writes to the file or changes its size, one at a time (i_rwsem). */
  readonly lock: RwSemaphore;
  /**
   * The file is opened for writing, `direct`: with O_DIRECT, which keeps it out of the disk cache;
   * end it with `endWriting` unless it fails.
   */
  beginWriting(direct: boolean): number;
  /** An open for writing ends. */
  endWriting(direct: boolean): void;
  /** Writes what is dirty, then cuts the file off or extends it with zeros; `lock` is held. */
  setSize(size: number): Task<number>;
  /** The file has just been made empty: all it will hold is written here (NEW_CONTENT). */
  startAnew(): void;
  /** Makes durable what the server has. */
  sync(): Task<number>;
}

/** Why an open failed: negative errno, and what to say about it. */
export interface OpenFailed {
  readonly errno: number;
  readonly why?: string;
}

/** A network filesystem client. */
export interface NetworkFs {
  /** Opens a file by name and revalidates what is cached of it. The vnode comes held once. */
  open(name: string): Task<Vnode | OpenFailed>;
  /** Makes an empty file and opens it; -EEXIST when there is one. */
  create?(name: string): Task<Vnode | OpenFailed>;
  /** Vnodes known now. */
  readonly vnodes: number;
  /** A mapping lost its last page. */
  mappingEmptied?(mapping: AddressSpace): void;
  /** A mapping has pages to be written, so that its file stays in use; or has no more of them. */
  taggedChanged?(mapping: AddressSpace): void;
  /** The vnode of the file that the server knows by this key, if there is one. */
  find?(key: string): Vnode | undefined;
  /** The file of this key is gone, and with it all that is known of it, unless it is in use. */
  forgetFile?(key: string): void;
  /** Forgets the files that nobody uses and nothing is under way on (drop_caches 2). */
  evictInodes?(): void;
  /** All that was dirty has been written: what files kept for that is given up. */
  inodesWritten?(): void;
  /** Forgets all files, which nobody uses and of which nothing is dirty; `mount` comes back. */
  unmount?(): Task;
  mount?(): void;
}

/** The client's choices that are options of a lab. */
export interface ClientOptions {
  /** Most bytes of one server operation; 0 = a slice is fetched whole. */
  readonly rsize: number;
  /** Windows are widened to multiples of this, bytes; 0 = not. */
  readonly stripeUnit: number;
  /** Zero what a short reply leaves out. */
  readonly clearTail: boolean;
  /** Whether a server operation ends inside the call that issued it. */
  readonly completion: 'sync' | 'async';
  /**
   * What a local write is to the disk cache: stored in it after the server has it, dropped from it,
   * or a reason to keep the file out of it while it is open for writing.
   */
  readonly cacheWrites: 'through' | 'invalidate' | 'off';
}
