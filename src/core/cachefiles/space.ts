/**
 * Whether there is room in the cache. Plays cachefiles_has_space of fs/cachefiles/daemon.c: limits
 * are absolute numbers computed at bind from percentages of all blocks and inodes. Of the
 * filesystem nothing is reserved, but stores under way are counted, as v5.17 and later do. Spec:
 * BEHAVIOUR 4.6.
 *
 * Differs: a cache may have a size of its own, whose free part is held to the same percentages, and
 * which is never exceeded: the ledger counts what is promised, too.
 */
import type { Backing, Space } from '../io/types.js';
import { type Ledger, OBJECT_MARGIN } from './ledger.js';
import type { CacheOptions, SpaceLimits } from './types.js';

/** Inodes of an ext4 that nobody has filled, with the two directories of a cache. */
const INODES_TAKEN = 13;
/** Directories of a volume: its own, and those that objects are spread over. */
const VOLUME_DIRECTORIES = 257;

interface Level {
  /** Bytes of the filesystem, bytes of the cache's own size, and inodes that must be free. */
  readonly disk: number;
  readonly own: number;
  readonly files: number;
}

/** The room of one cache. */
export class Room {
  /** Unit of I/O of the filesystem, bytes: at most a page. */
  readonly blockSize: number;
  /** Bytes of stores under way. */
  inFlight = 0;
  /** Fault injection: something else has taken all the room. */
  filled = false;
  /** Room is short, and objects should be removed. */
  culling = false;
  /** Culling is not for want of bytes, but of inodes alone. */
  wantsFiles = false;
  /** The directories of a volume fit into the inodes of the modelled disk. */
  readonly hasVolume: boolean;
  readonly #ledger: Ledger;
  readonly #backing: Backing;
  readonly #root: string;
  readonly #size: number;
  readonly #taken: number;
  readonly #levels: Readonly<Record<keyof SpaceLimits, Level>>;

  /**
   * `size` bytes at most, of which `taken` are not for objects; 0 = as many as the filesystem has.
   */
  constructor(
    backing: Backing,
    root: string,
    ledger: Ledger,
    { size, taken, limits, inodes }: Pick<CacheOptions, 'size' | 'taken' | 'limits' | 'inodes'>,
  ) {
    this.#backing = backing;
    this.#ledger = ledger;
    this.#root = root;
    this.#size = size;
    this.#taken = taken;
    const space = backing.space(root);
    const known = typeof space === 'number' ? undefined : space;
    this.blockSize = Math.min(4096, known?.blockSize ?? 4096);
    const level = (percent: number): Level => ({
      disk: Math.floor((known?.total ?? 0) / 100) * percent,
      own: Math.floor(size / 100) * percent,
      files: Math.floor((known?.filesTotal ?? 0) / 100) * percent,
    });
    const stop = Math.floor(inodes / 100) * limits.stop;
    this.hasVolume = inodes === 0 || inodes - INODES_TAKEN - VOLUME_DIRECTORIES >= stop;
    this.#levels = { run: level(limits.run), cull: level(limits.cull), stop: level(limits.stop) };
  }

  /** True if `files` and `bytes` more may be stored. Turns culling on and off. */
  has(files: number, bytes: number): boolean {
    const space = this.#backing.space(this.#root);
    if (typeof space === 'number' || this.filled) return false;
    const { run, cull, stop } = this.#levels;
    if (this.#lacks(stop, space, files, bytes)) {
      this.#cull(stop, space, files, bytes);
      return false;
    }
    if (this.#lacks(cull, space, files, bytes)) this.#cull(cull, space, files, bytes);
    else if (this.culling && !this.#lacks(run, space, files, bytes)) this.culling = false;
    return true;
  }

  /** True if `bytes` more fit into the cache's own size. */
  fits(bytes: number): boolean {
    return !this.#lacksOwn(this.#levels.stop, 0, bytes);
  }

  /** A store begins, or, with a negative number, ends: of `bytes`. */
  store(bytes: number): void {
    this.inFlight += bytes;
    this.#ledger.promise(Math.sign(bytes) * this.#ledger.storeMost(Math.abs(bytes)));
  }

  #cull(level: Level, space: Space, files: number, bytes: number): void {
    this.culling = true;
    this.wantsFiles = !this.#lacksDisk(level, space, bytes) && !this.#lacksOwn(level, files, bytes);
  }

  #lacks(level: Level, space: Space, files: number, bytes: number): boolean {
    return (
      (space.filesTotal > 0 && space.filesFree - files < level.files) ||
      this.#lacksDisk(level, space, bytes) ||
      this.#lacksOwn(level, files, bytes)
    );
  }

  #lacksDisk(level: Level, space: Space, bytes: number): boolean {
    return space.available - bytes - this.inFlight < level.disk;
  }

  #lacksOwn(level: Level, files: number, bytes: number): boolean {
    if (this.#size === 0) return false;
    const most = (bytes > 0 ? this.#ledger.storeMost(bytes) : 0) + files * OBJECT_MARGIN;
    return this.#size - this.#taken - this.#ledger.total - most < level.own;
  }
}
