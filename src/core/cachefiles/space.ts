/**
 * Whether there is room in the cache. Plays cachefiles_has_space of fs/cachefiles/daemon.c: limits
 * are absolute numbers computed at bind from percentages of all blocks and inodes. The answer is
 * advice; nothing is reserved, but stores under way are counted, as v5.17 and later do. Spec:
 * BEHAVIOUR 4.6.
 *
 * Differs: a cache may have a size of its own, whose free part is held to the same percentages.
 */
import type { Backing, Space } from '../io/types.js';
import type { SpaceLimits } from './types.js';

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
  /** Bytes that objects take up; kept only for a cache with a size of its own. */
  used = 0;
  /** Bytes of stores under way. */
  inFlight = 0;
  /** Fault injection: something else has taken all the room. */
  filled = false;
  /** Room is short, and objects should be removed. */
  culling = false;
  readonly #backing: Backing;
  readonly #root: string;
  readonly #size: number;
  readonly #taken: number;
  readonly #levels: Readonly<Record<keyof SpaceLimits, Level>>;

  /**
   * `size` bytes at most, of which `taken` are not for objects; 0 = as many as the filesystem has.
   */
  constructor(backing: Backing, root: string, size: number, taken: number, limits: SpaceLimits) {
    this.#backing = backing;
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
    this.#levels = { run: level(limits.run), cull: level(limits.cull), stop: level(limits.stop) };
  }

  /** True if `files` and `bytes` more may be stored. Turns culling on and off. */
  has(files: number, bytes: number): boolean {
    const space = this.#backing.space(this.#root);
    if (typeof space === 'number' || this.filled) return false;
    const { run, cull, stop } = this.#levels;
    const wanted = bytes + this.inFlight;
    if (this.#below(stop, space, files, wanted)) {
      this.culling = true;
      return false;
    }
    if (this.#below(cull, space, files, wanted)) this.culling = true;
    else if (this.culling && !this.#below(run, space, files, wanted)) this.culling = false;
    return true;
  }

  #below(level: Level, space: Space, files: number, bytes: number): boolean {
    const counted = space.filesTotal > 0;
    return (
      space.available - bytes < level.disk ||
      (counted && space.filesFree - files < level.files) ||
      (this.#size > 0 && this.#size - this.#taken - this.used - bytes < level.own)
    );
  }
}
