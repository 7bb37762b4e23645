/**
 * What a cache directory takes up on its disk, for a cache with a size of its own: the blocks of
 * every file and directory in it, as du(1) counts them, those of files that were removed while
 * open, and what has been promised to stores and maps on their way. Kept by the cache; `Room` asks
 * it. The kernel has none: its limits are those of the filesystem.
 *
 * Blocks are measured, not computed: what a store takes depends on what was there, and a filesystem
 * may need blocks for extents. All sizes are bytes.
 */
import path from 'node:path';
import { PAGE_SIZE, roundUp } from '../base/range.js';
import type { Backing } from '../io/types.js';

/** Blocks that the filesystem may need besides those of the data: for extents, and for a map. */
const STORE_MARGIN = 2 * PAGE_SIZE;
/** And for a new object: its directories, an extended attribute, the map. */
export const OBJECT_MARGIN = 4 * PAGE_SIZE;

/** What one object takes up: its files' blocks as last measured, and what its next map may need. */
export interface Account {
  data: number;
  map: number;
  promised: number;
}

/** The account of an object of which nothing is known yet. */
export function newAccount(): Account {
  return { data: 0, map: 0, promised: 0 };
}

/** The books of one cache directory. */
export class Ledger {
  /** False for a cache without a size of its own: then nothing is measured, and all is 0. */
  readonly kept: boolean;
  readonly #backing: Backing;
  readonly #root: string;
  readonly #directories = new Map<string, number>();
  #used = 0;
  /** Of these, files without a name that somebody has open. */
  #nameless = 0;
  #promised = 0;

  constructor(backing: Backing, root: string, kept: boolean) {
    this.#backing = backing;
    this.#root = root;
    this.kept = kept;
    this.recount();
  }

  /** Taken up, or promised. */
  get total(): number {
    return this.#used + this.#promised;
  }

  /** Measures everything anew: other programs, and filesystems that allocate late, may differ. */
  recount(): void {
    if (!this.kept) return;
    this.#directories.clear();
    this.#used = this.#nameless + this.#walk(this.#root);
  }

  /** What a store of so many bytes may take at most. */
  storeMost(bytes: number): number {
    // A checksum is 4 bytes of a map for each page.
    return this.kept ? bytes + STORE_MARGIN + roundUp(bytes / 1024, PAGE_SIZE) : bytes;
  }

  /** Promises bytes to a store; `promise` the negative once it has ended and is measured. */
  promise(bytes: number): void {
    this.#promised += bytes;
  }

  /** An object's file has been opened, which was here before. */
  opened(account: Account, file: string, map: string): void {
    account.data = this.#measure(file);
    account.map = this.#measure(map);
  }

  /** A file has been given its name, or has lost it: its directories may take up more or less. */
  namesChanged(file: string): void {
    if (!this.kept) return;
    const root = path.dirname(this.#root);
    for (let at = path.dirname(file); at !== root && at.length > 1; at = path.dirname(at)) {
      const now = this.#measure(at);
      this.#used += now - (this.#directories.get(at) ?? 0);
      this.#directories.set(at, now);
    }
  }

  /** What is in a file (`fd` -1: closed) has changed, and so its next map: at most `mapBytes`. */
  changed(account: Account, fd: number, mapBytes: number): void {
    if (!this.kept) return;
    const data = fd < 0 ? account.data : this.#measure(fd);
    this.#used += data - account.data;
    account.data = data;
    this.#setPromise(account, roundUp(mapBytes, PAGE_SIZE));
  }

  /** The maps of an object on disk have changed. */
  mapsChanged(account: Account, files: readonly string[]): void {
    const now = files.reduce((sum, file) => sum + this.#measure(file), 0);
    this.#used += now - account.map;
    account.map = now;
  }

  /** No map of the object is going to be written until it changes again. */
  mapSettled(account: Account): void {
    this.#setPromise(account, 0);
  }

  /** An object's files have been removed; while `open` the data file keeps its blocks. */
  removed(account: Account, open: boolean): void {
    this.#used -= account.map;
    account.map = 0;
    this.#setPromise(account, 0);
    if (open) this.#nameless += account.data;
    else this.#used -= account.data;
    if (!open) account.data = 0;
  }

  /** A removed file has been closed by the last who had it open. */
  closed(account: Account): void {
    this.#nameless -= account.data;
    this.#used -= account.data;
    account.data = 0;
  }

  /** An object that nobody has open has been removed, which took up so much. */
  culled(bytes: number): void {
    if (this.kept) this.#used -= bytes;
  }

  #setPromise(account: Account, bytes: number): void {
    this.#promised += bytes - account.promised;
    account.promised = bytes;
  }

  #walk(file: string): number {
    const status = this.#backing.status(file);
    if (typeof status === 'number') return 0;
    let sum = status.allocated;
    if (!status.isDirectory) return sum;
    this.#directories.set(file, sum);
    for (const name of this.#backing.names(file)) sum += this.#walk(path.join(file, name));
    return sum;
  }

  #measure(file: string | number): number {
    if (!this.kept) return 0;
    const status = this.#backing.status(file);
    return typeof status === 'number' ? 0 : status.allocated;
  }
}
