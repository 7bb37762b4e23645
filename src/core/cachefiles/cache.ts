/**
 * A cache directory: binding it, finding and making the objects of cookies, space, and publishing what has
 * been stored. Plays fs/cachefiles/{daemon,interface,namei,xattr}.c; called by fscache through
 * `CacheBackend`. Spec: BEHAVIOUR 4.2, 4.6 to 4.10.
 *
 * Differs: each object has a content map beside its file. What is stored becomes findable when its map is
 * published, after the data itself has been made durable; a stop at any moment before loses downloads,
 * never correctness.
 */
import path from 'node:path';
import { EAGAIN, ENOBUFS } from '../base/errno.js';
import { ErrnoError } from '../base/errors.js';
import { PAGE_SIZE, roundUp } from '../base/range.js';
import type { CacheBackend, CacheObject, CookieIdentity } from '../fscache/types.js';
import {
  allowsDirect,
  makeDirectory,
  openBacking,
  readWhole,
  removeFile,
  renameFile,
  replaceFile,
  type Space,
  spaceOf,
  truncateFd,
} from '../io/backing.js';
import { closeFd } from '../io/files.js';
import { getXattr, lockFile, setXattr, syncFilesystem } from '../io/syscalls.js';
import type { CacheResources } from '../netfs/types.js';
import { ContentMap } from './content_map.js';
import { type CacheIo, OperationPriv } from './io.js';
import { encodeKey, fanOut } from './key.js';
import { CacheCounters, type CacheOptions, type CachefilesObject } from './types.js';

const XATTR = 'user.CacheFiles.cache';
/** Stop storing below this share of free blocks and inodes (bstop, fstop; the usual 3 %). */
const STOP = 0.03;

/** The cache in one directory. */
export class Cachefiles implements CacheBackend {
  readonly options: CacheOptions;
  readonly counters = new CacheCounters();
  /** False where the filesystem does not allow O_DIRECT, or it was not wanted. */
  readonly direct: boolean;
  readonly #root: string;
  readonly #lockFd: number;
  readonly #io: CacheIo;
  /** Objects by path: open ones, and closed ones whose map is still to be published. */
  readonly #objects = new Map<string, CachefilesObject>();
  #lastId = 0;
  #buried = 0;

  /**
   * Binds a directory, making it if need be. Throws `ErrnoError`: EBUSY when another process uses it,
   * EACCES, ENOSPC, ... when it cannot be used.
   */
  constructor(options: CacheOptions, io: (cache: Cachefiles) => CacheIo) {
    this.options = options;
    this.#root = path.resolve(options.dir);
    for (const directory of [this.#cacheDir, this.#graveyard]) {
      const error = makeDirectory(directory);
      if (error < 0) this.#fail(error, 'mkdir', 'name a directory that can be written to');
    }
    this.#lockFd = this.#lock();
    this.direct = options.direct && allowsDirect(this.#root);
    this.#io = io(this);
  }

  get #cacheDir(): string {
    return path.join(this.#root, 'cache');
  }

  get #graveyard(): string {
    return path.join(this.#root, 'graveyard');
  }

  lookup(cookie: CookieIdentity): CachefilesObject | number {
    const directory = path.join(
      this.#cacheDir,
      `I${encodeKey(cookie.volume)}`,
      fanOut(cookie.key),
    );
    const file = path.join(directory, encodeKey(cookie.key));
    const pending = this.#objects.get(file);
    if (pending !== undefined) this.#publish(pending);
    const found = this.#openExisting(file, cookie);
    if (found !== undefined) return this.#keep(found);
    const refused = this.hasSpace(0) ? makeDirectory(directory) : -ENOBUFS;
    if (refused < 0) return refused;
    const made = this.#create(file, cookie);
    return typeof made === 'number' ? made : this.#keep(made);
  }

  beginOperation(
    object: CacheObject,
    cookie: CookieIdentity,
    cres: CacheResources,
    ended: () => void,
  ): void {
    cres.ops = this.#io;
    cres.debugId = object.debugId;
    cres.priv = new OperationPriv(object as CachefilesObject, cookie, ended);
  }

  invalidate(object: CacheObject, cookie: CookieIdentity): void {
    const own = object as CachefilesObject;
    // The published map goes first: nothing of the old content may be found again.
    removeFile(mapPath(own.path));
    own.map.clearAll();
    own.identity = identityOf(cookie);
    truncateFd(own.fd, 0);
    truncateFd(own.fd, roundUp(cookie.size, PAGE_SIZE));
    setXattr(own.fd, XATTR, coherency(cookie));
    own.dirty = true;
  }

  release(object: CacheObject, retire: boolean): void {
    const own = object as CachefilesObject;
    closeFd(own.fd);
    own.fd = -1;
    if (retire) {
      this.#bury(own.path);
      this.#objects.delete(own.path);
    } else if (!own.dirty) {
      this.#objects.delete(own.path);
    }
  }

  checkpoint(): void {
    const dirty = [...this.#objects.values()].filter((object) => object.dirty);
    if (dirty.length === 0) return;
    // One sync of the filesystem covers the data of every object; then the maps may say so.
    syncFilesystem(this.#lockFd);
    for (const object of dirty) this.#publish(object);
  }

  close(): void {
    this.checkpoint();
    closeFd(this.#lockFd);
  }

  /** True if `bytes` more may be stored without falling below the limit. */
  hasSpace(bytes: number): boolean {
    const space = spaceOf(this.#root);
    if (typeof space === 'number') return false;
    return above(space, bytes);
  }

  /** Block size of the filesystem, at most a page. */
  get blockSize(): number {
    const space = spaceOf(this.#root);
    return typeof space === 'number' ? PAGE_SIZE : Math.min(PAGE_SIZE, space.blockSize);
  }

  #lock(): number {
    const file = path.join(this.#root, 'lock');
    let fd = openBacking(file, true, false);
    if (fd < 0) fd = openBacking(file, false, false);
    if (fd < 0) this.#fail(fd, 'open', 'name a directory that can be written to');
    const error = lockFile(fd);
    if (error === 0) return fd;
    closeFd(fd);
    const busy = error === -EAGAIN;
    const hint = busy ? 'end the other netfslab or name another --cache' : undefined;
    throw new ErrnoError(busy ? 'EBUSY' : error, 'lock', this.#root, {
      ...(busy && { text: 'another process uses this cache' }),
      ...(hint !== undefined && { hint }),
    });
  }

  #openExisting(file: string, cookie: CookieIdentity): CachefilesObject | undefined {
    const fd = openBacking(file, false, this.direct);
    if (fd < 0) return undefined;
    const xattr = getXattr(fd, XATTR);
    const coherent = typeof xattr === 'number' ? undefined : xattr.equals(coherency(cookie));
    const map = this.#readMap(file, cookie);
    // Without extended attributes the map alone says which version this is.
    const trusted = this.options.presence === 'seek' ? coherent === true : map !== undefined;
    if (coherent === false || (!trusted && coherent === undefined)) {
      this.counters.stale++;
      closeFd(fd);
      this.#bury(file);
      return undefined;
    }
    this.counters.found++;
    return this.#object(file, fd, map ?? new ContentMap(this.options.granule), cookie);
  }

  #readMap(file: string, cookie: CookieIdentity): ContentMap | undefined {
    const data = readWhole(mapPath(file));
    if (typeof data === 'number') return undefined;
    return ContentMap.decode(data, identityOf(cookie), this.options.granule);
  }

  #create(file: string, cookie: CookieIdentity): CachefilesObject | number {
    removeFile(mapPath(file));
    const fd = openBacking(file, true, this.direct);
    if (fd < 0) return fd;
    const error = truncateFd(fd, roundUp(cookie.size, PAGE_SIZE));
    if (error < 0) {
      closeFd(fd);
      return error;
    }
    setXattr(fd, XATTR, coherency(cookie));
    this.counters.created++;
    const object = this.#object(file, fd, new ContentMap(this.options.granule), cookie);
    object.dirty = true;
    return object;
  }

  #object(file: string, fd: number, map: ContentMap, cookie: CookieIdentity): CachefilesObject {
    const debugId = ++this.#lastId;
    return { debugId, path: file, fd, map, identity: identityOf(cookie), dirty: false };
  }

  #keep(object: CachefilesObject): CachefilesObject {
    this.#objects.set(object.path, object);
    return object;
  }

  #publish(object: CachefilesObject): void {
    object.dirty = false;
    replaceFile(mapPath(object.path), object.map.encode(object.identity));
    if (object.fd < 0) this.#objects.delete(object.path);
  }

  // The map goes first, so that no moment shows a map without its own data.
  #bury(file: string): void {
    removeFile(mapPath(file));
    const grave = path.join(this.#graveyard, `${process.pid}-${this.#buried++}`);
    if (renameFile(file, grave) === 0) removeFile(grave);
  }

  #fail(errno: number, syscall: string, hint: string): never {
    throw new ErrnoError(errno, syscall, this.#root, { hint });
  }
}

function above({ available, total, filesFree, filesTotal }: Space, bytes: number): boolean {
  const filesLow = filesTotal > 0 && filesFree < filesTotal * STOP;
  return !filesLow && available - bytes >= total * STOP;
}

function identityOf({ volume, key, aux, size }: CookieIdentity): CachefilesObject['identity'] {
  return { volume, key, aux, size };
}

// A type byte, the size and the filesystem's own coherency data.
function coherency({ aux, size }: Pick<CookieIdentity, 'aux' | 'size'>): Buffer {
  const head = Buffer.alloc(9);
  head.writeUInt8(1);
  head.writeBigUInt64BE(BigInt(size), 1);
  return Buffer.concat([head, Buffer.from(aux)]);
}

/** Where the content map of a data file is. */
export function mapPath(file: string): string {
  return `${file}.map`;
}
