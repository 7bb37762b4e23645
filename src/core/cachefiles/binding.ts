/**
 * A bound cache directory: its layout, its lock, what its filesystem can do, and the removal of
 * files. Plays fs/cachefiles/daemon.c (bind) and the burying of fs/cachefiles/namei.c. Used by the
 * cache and by the commands that look after one.
 *
 *   DIR/lock                        locked by the process that uses the cache; counts the binds,
 *                                   and says in which format the maps are
 *   DIR/cache/I<volume>/@hh/<key>   data file; .map beside it is its content map
 *   DIR/graveyard/                  files on their way out
 */
import path from 'node:path';
import { EAGAIN, ENOENT, EOPNOTSUPP } from '../base/errno.js';
import { ErrnoError, UsageError } from '../base/errors.js';
import type { Backing } from '../io/types.js';
import { mapPath } from './data_file.js';
import { encodeKey, fanOut } from './key.js';

/** Format of the content maps: what a cache of another one holds is not believed. */
const FORMAT = 2;
/** Who else may write to a file: its group, and everybody. */
const OTHERS_WRITE = 0o022;

/** The directory of the objects of a cache. */
export function objectsDirectory(root: string): string {
  return path.join(root, 'cache');
}

/** The data file of a cookie. */
export function objectPath(root: string, volume: string, key: string): string {
  return path.join(objectsDirectory(root), `I${encodeKey(volume)}`, fanOut(key), encodeKey(key));
}

/** A cache directory. */
export interface CacheDirectory {
  readonly root: string;
  readonly backing: Backing;
}

/** A cache directory that nobody else uses meanwhile, and of which nothing is changed. */
export class Inspection implements CacheDirectory {
  readonly root: string;
  readonly backing: Backing;
  readonly #lock: Lock;

  /** Throws `ErrnoError`: EBUSY when another process uses it, else why it cannot be opened. */
  constructor(backing: Backing, directory: string) {
    this.backing = backing;
    this.root = path.resolve(directory);
    const fd = backing.open(lockFile(this.root), { create: false, direct: false, readOnly: true });
    this.#lock = takeLock(this, fd);
  }

  /** What a user must know if the directory could not be locked. */
  get warnings(): string[] {
    return lockWarnings(this.root, this.#lock);
  }

  /** Ends the use. */
  release(): void {
    this.backing.close(this.#lock.fd);
  }
}

/** The exclusive use of a cache directory. */
export class Binding implements CacheDirectory {
  readonly root: string;
  /** Whether files can be opened with O_DIRECT, take attributes, and say where their data is. */
  readonly direct: boolean;
  readonly xattr: boolean;
  readonly seek: boolean;
  readonly backing: Backing;
  /** What a user must know of it. */
  readonly warnings: string[] = [];
  /** Counts the binds of the directory. */
  readonly number: number;
  readonly #lock: Lock;
  #made = 0;
  #buried = 0;

  /**
   * Binds a directory, making it if need be. Throws `ErrnoError`: EBUSY when another process uses
   * it, EACCES, ENOSPC, ... when it cannot be used; `UsageError` when others could change what is
   * in it, unless `anyOwner`.
   */
  constructor(backing: Backing, directory: string, anyOwner = false) {
    this.backing = backing;
    this.root = path.resolve(directory);
    if (!anyOwner) this.#refuseOfOthers();
    for (const needed of [objectsDirectory(this.root), this.#graveyard]) {
      const error = backing.makeDirectory(needed);
      if (error < 0) fail(error, 'mkdir', this.root);
    }
    this.#lock = takeLock(this, this.#openLock());
    this.warnings.push(...lockWarnings(this.root, this.#lock));
    this.number = this.#countBind();
    this.#emptyGraveyard();
    this.direct = this.#probe(true, () => 0);
    this.xattr = this.#probe(false, (fd) => backing.setXattr(fd, 'user.probe', Buffer.from('1')));
    this.seek = this.#probe(false, (fd) => (backing.seekHole(fd, 0) === -EOPNOTSUPP ? -1 : 0));
  }

  /** A name for a new data file that no other has or had. */
  nextIncarnation(): string {
    return `${this.number}.${++this.#made}`;
  }

  /** A path for a file that has no name yet; what is left there is removed at the next bind. */
  temporary(): string {
    return path.join(this.#graveyard, `tmp-${this.number}-${this.#buried++}`);
  }

  /** Removes an object. The map goes first, so that no moment shows one without its own data. */
  bury(file: string): number {
    const { backing } = this;
    const error = backing.remove(mapPath(file));
    if (error < 0) return error;
    const grave = path.join(this.#graveyard, `${this.number}-${this.#buried++}`);
    const renamed = backing.rename(file, grave);
    return renamed < 0 ? renamed : backing.remove(grave);
  }

  /** Removes an object for good, and its directory if that is empty then: it takes room, too. */
  cull(file: string): number {
    const error = this.bury(file);
    if (error === 0) this.backing.removeDirectory(path.dirname(file));
    return error;
  }

  /** Ends the use. */
  release(): void {
    this.backing.close(this.#lock.fd);
  }

  get #graveyard(): string {
    return path.join(this.root, 'graveyard');
  }

  #openLock(): number {
    const { backing } = this;
    const file = lockFile(this.root);
    const fd = backing.open(file, { create: true, direct: false });
    return fd >= 0 ? fd : backing.open(file, { create: false, direct: false });
  }

  // Who can write to it can forge what is read from it.
  #refuseOfOthers(): void {
    for (const directory of [this.root, objectsDirectory(this.root), this.#graveyard]) {
      const status = this.backing.status(directory);
      if (status === -ENOENT) continue;
      if (typeof status === 'number') fail(status, 'stat', directory);
      const isOurs = status.uid === this.backing.uid;
      if (isOurs && (status.mode & OTHERS_WRITE) === 0) continue;
      const whose = isOurs ? 'others may write to it' : `user ${status.uid} owns it`;
      const repair = `chown -R "$(id -u)" ${this.root} && chmod -R go-w ${this.root}`;
      throw new UsageError(
        '--cache',
        `${directory}: ${whose}, and could forge what is read from it`,
        `${repair}; or insist with --cache-owner any`,
      );
    }
  }

  // Durable before anything is named by it: a power cut must not have two files of the same name.
  #countBind(): number {
    const text = this.backing.readWhole(lockFile(this.root));
    const words = typeof text === 'number' ? [] : text.toString().split(/\s+/).map(Number);
    const [before = 0, format = 1] = words.filter((word) => word > 0);
    if (before > 0 && format !== FORMAT) {
      this.warnings.push(
        `${this.root} was filled by another version of netfslab: its files are downloaded again`,
      );
    }
    const count = Buffer.from(`${before + 1} ${FORMAT}\n`);
    const error = this.backing.writeDurably(lockFile(this.root), count);
    if (error < 0) {
      this.release();
      fail(error, 'write', this.root);
    }
    return before + 1;
  }

  // What a process that was killed left on its way out.
  #emptyGraveyard(): void {
    for (const name of this.backing.names(this.#graveyard)) {
      this.backing.remove(path.join(this.#graveyard, name));
    }
  }

  // True if a file can be made that way and `use` does not fail on it.
  #probe(direct: boolean, use: (fd: number) => number): boolean {
    const { backing } = this;
    const file = path.join(this.#graveyard, 'probe');
    const fd = backing.open(file, { create: true, direct });
    if (fd < 0) return false;
    const result = use(fd);
    backing.close(fd);
    backing.remove(file);
    return result >= 0;
  }
}

/** The lock of a cache directory, for the life of a descriptor. */
interface Lock {
  readonly fd: number;
  /** False where there is no way to lock a directory against other processes. */
  readonly locked: boolean;
}

function lockFile(root: string): string {
  return path.join(root, 'lock');
}

function takeLock({ root, backing }: CacheDirectory, fd: number): Lock {
  if (fd < 0) fail(fd, 'open', root);
  const error = backing.lock(fd);
  if (error === 0 || error === -EOPNOTSUPP) return { fd, locked: error === 0 };
  backing.close(fd);
  if (error !== -EAGAIN) fail(error, 'lock', root);
  throw new ErrnoError('EBUSY', 'lock', root, {
    text: 'another process uses this cache',
    hint: 'end the other netfslab or name another --cache',
  });
}

function lockWarnings(root: string, { locked }: Lock): string[] {
  if (locked) return [];
  return [`${root} cannot be locked here: see that no other process uses it meanwhile`];
}

function fail(errno: number, syscall: string, root: string): never {
  throw new ErrnoError(errno, syscall, root, { hint: 'name a directory that can be written to' });
}
