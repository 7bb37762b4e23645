/**
 * Cookies: what a network filesystem holds of a cache for each of its files. Plays
 * fs/fscache/cookie.c and io.c in the 5.17 shape (volume and cookie, no index objects); called by
 * `fs/`, calls a backend. Spec: BEHAVIOUR 4.1, 4.8, 6.4.
 *
 * Differs: a look-up is done when the cookie is first used, in the caller's context; unused cookies
 * keep their object open up to a number of them instead of for a time.
 */
import { assert } from '../base/assert.js';
import { ENOBUFS, ESTALE } from '../base/errno.js';
import type { AddressSpace } from '../mm/address_space.js';
import { IovIter } from '../mm/iov_iter.js';
import type { ByteRange, CacheResources } from '../netfs/types.js';
import type { FscacheValues } from '../trace/fscache_stats.js';
import { askOccupancy } from './occupancy.js';
import { FscacheStats, fscacheValues } from './stats.js';
import type { CacheBackend, CacheObject, CookieIdentity } from './types.js';

/** Objects kept open for cookies that nobody uses. */
const UNUSED_MAX = 64;

/** All cookies of a lab. */
export class Fscache {
  readonly stats = new FscacheStats();
  readonly backend: CacheBackend;
  /** Cookies with an open object and no user, oldest first. */
  readonly #unused = new Set<Cookie>();

  constructor(backend: CacheBackend) {
    this.backend = backend;
    backend.onPressure(() => this.evictUnused());
  }

  /** A cookie for a file; relinquish it when the file is forgotten. */
  acquire(volume: string, key: string, name: string): Cookie {
    this.stats.acquires++;
    this.stats.cookies++;
    return new Cookie(this, volume, key, name);
  }

  /** The statistics by `label.key`. */
  statValues(): FscacheValues {
    return fscacheValues(this.stats, this.backend.counters);
  }

  /** Gives up every unused object. */
  quiesce(): void {
    this.evictUnused();
  }

  /** Begins to publish all that is stored. */
  publish(): void {
    this.backend.checkpoint();
  }

  /** Closes the cache; nothing is under way, and `publish` has been called and has ended. */
  close(): void {
    this.evictUnused();
    this.backend.close();
  }

  /** Gives up the objects of cookies that nobody uses. */
  evictUnused(): void {
    for (const cookie of [...this.#unused]) cookie.evict();
  }

  /** Only for `Cookie`: nobody uses it any more. */
  becameUnused(cookie: Cookie): void {
    this.#unused.add(cookie);
    this.stats.unused = this.#unused.size;
    if (this.#unused.size <= UNUSED_MAX) return;
    const [oldest] = this.#unused;
    oldest?.evict();
  }

  /** Only for `Cookie`: it is used again or has lost its object. */
  leftUnused(cookie: Cookie): void {
    this.#unused.delete(cookie);
    this.stats.unused = this.#unused.size;
  }
}

/** A file's handle on the cache. */
export class Cookie implements CookieIdentity {
  readonly volume: string;
  readonly key: string;
  readonly name: string;
  aux = '';
  size = 0;
  readonly #fscache: Fscache;
  #object: CacheObject | undefined;
  /** There is no object only because there was no room for one. */
  #wantsRoom = false;
  /** Opens of the file, and requests that use the object. */
  #users = 0;
  #accesses = 0;
  /** Nothing is to be cached while somebody writes to the file. */
  #suspended = false;
  /**
   * What becomes of the object once the last operation has ended; undefined while the file lives.
   */
  #farewell: 'keep' | 'retire' | undefined;

  constructor(fscache: Fscache, volume: string, key: string, name: string) {
    this.#fscache = fscache;
    this.name = name;
    this.volume = volume;
    this.key = key;
  }

  /** True if data of the file can be cached. */
  get enabled(): boolean {
    return this.#object !== undefined && !this.#suspended;
  }

  /** The file is opened: finds the object, which must hold this version of the content. */
  use(aux: string, size: number): void {
    this.#users++;
    this.#fscache.leftUnused(this);
    if (this.#object !== undefined && (aux !== this.aux || size !== this.size)) {
      this.invalidate(aux, size);
    }
    this.aux = aux;
    this.size = size;
    if (this.#object === undefined) this.#lookup();
  }

  /** The file is closed. */
  unuse(): void {
    this.#users--;
    assert(this.#users >= 0, `cookie ${this.key} unused too often`);
    this.#settle();
  }

  /** The content has changed: nothing that is cached or being cached may be believed. */
  invalidate(aux: string, size: number): void {
    this.#fscache.stats.invalidations++;
    this.aux = aux;
    this.size = size;
    if (this.#object === undefined) return;
    this.#fscache.stats.invalidationsRun++;
    this.#fscache.backend.invalidate(this.#object, this);
  }

  /**
   * The filesystem has changed the file itself (fscache_update_cookie): what is cached stays, but
   * for what it says with `forgetRange`, `write` and `resize`.
   */
  update(aux: string, size: number): void {
    this.aux = aux;
    this.size = size;
    if (this.#object !== undefined) this.#fscache.backend.update(this.#object, this);
  }

  /** The file was cut off or extended: nothing from the new end on is what is cached there. */
  resize(aux: string, size: number): void {
    this.update(aux, size);
    if (this.#object !== undefined) this.#fscache.backend.resize(this.#object, size);
  }

  /** Bytes [start, start + length), whole pages, are not what is cached of them. */
  forgetRange(start: number, length: number): void {
    if (this.#object !== undefined) this.#fscache.backend.forget(this.#object, start, length);
  }

  /** True if `bytes` more may be stored. */
  hasRoom(bytes: number): boolean {
    return this.#fscache.backend.hasRoom(0, bytes);
  }

  /**
   * Stores the pages of bytes [start, start + length) (fscache_write_to_cache); they must stay as
   * they are until `ended`. False: there is no cache for it, and `ended` is not called.
   */
  write(mapping: AddressSpace, start: number, length: number, ended: () => void): boolean {
    const cres: CacheResources = { ops: undefined, priv: undefined, debugId: 0 };
    if (!this.enabled || this.beginOperation(cres) < 0) {
      this.forgetRange(start, length);
      return false;
    }
    cres.ops?.write(cres, start, new IovIter(mapping, start, length), (result) => {
      if (result < 0 && result !== -ESTALE) this.forgetRange(start, length);
      ended();
      cres.ops?.endOperation(cres);
    });
    return true;
  }

  /** Caches nothing of the file until `resume`, and forgets what is cached. */
  suspend(): void {
    this.#suspended = true;
    this.invalidate(this.aux, this.size);
  }

  /** Ends `suspend`. */
  resume(aux: string, size: number): void {
    this.#suspended = false;
    this.invalidate(aux, size);
  }

  /** The filesystem forgets the file; with `retire` the cache does too. Nobody uses the cookie. */
  relinquish(retire: boolean): void {
    const { stats } = this.#fscache;
    stats.relinquishes++;
    if (retire) stats.retired++;
    stats.cookies--;
    this.#farewell = retire ? 'retire' : 'keep';
    this.#settle();
  }

  /** Sets up the cache for a request: 0, or -ENOBUFS when it must go on without. */
  beginOperation(cres: CacheResources): number {
    const { stats, backend } = this.#fscache;
    stats.begins++;
    // There was no room for it when the file was opened; objects may have gone since.
    if (this.#wantsRoom && !this.#suspended && backend.hasRoom(1, 0)) this.#lookup();
    const refused =
      this.#object === undefined || this.#suspended
        ? -ENOBUFS
        : backend.beginOperation(this.#object, cres, () => {
            this.#accesses--;
            this.#settle();
          });
    if (refused < 0) stats.beginsRefused++;
    else this.#accesses++;
    return refused;
  }

  /** What is cached in `range`: as `askOccupancy`. */
  occupancy(range: ByteRange): ByteRange | number {
    const cres: CacheResources = { ops: undefined, priv: undefined, debugId: 0 };
    const refused = this.beginOperation(cres);
    return refused < 0 ? refused : askOccupancy(cres, range);
  }

  #lookup(): void {
    const { stats, backend } = this.#fscache;
    stats.lookups++;
    const found = backend.lookup(this);
    this.#wantsRoom = found === -ENOBUFS;
    if (typeof found === 'number') stats.lookupsFailed++;
    else this.#object = found;
  }

  /** Only for `Fscache`: gives up the object of an unused cookie. */
  evict(): void {
    this.#drop(false);
  }

  #settle(): void {
    if (this.#users > 0 || this.#accesses > 0 || this.#object === undefined) return;
    if (this.#farewell === undefined) {
      this.#fscache.backend.settle(this.#object);
      this.#fscache.becameUnused(this);
    } else this.#drop(this.#farewell === 'retire');
  }

  #drop(retire: boolean): void {
    this.#fscache.leftUnused(this);
    if (this.#object === undefined) return;
    assert(this.#accesses === 0, `object of cookie ${this.key} dropped under an operation`);
    this.#fscache.backend.release(this.#object, retire);
    this.#object = undefined;
  }
}
