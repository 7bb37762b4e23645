/**
 * An object: a name in the cache and the file behind it. Plays struct cachefiles_object; made by
 * `interface.ts`, used by the I/O.
 */
import type { CacheCookie, CacheObject } from '../fscache/types.js';
import type { CacheResources } from '../netfs/types.js';
import type { Task } from '../sim/wait_queue.js';
import { cachefilesObjRefTraces, cachefilesRef } from '../trace/events/cachefiles.js';
import type { Tracer } from '../trace/tracer.js';
import type { DataFile } from './data_file.js';

/** An object of one cookie. */
export class CachefilesObject implements CacheObject {
  readonly debugId: number;
  /** Path that its data file has or will have. */
  readonly path: string;
  readonly cookie: CacheCookie;
  /** Replaced when it is invalidated; undefined when no file for it can be made. */
  data: DataFile | undefined;
  /** Number of the inode of its file; 0 while there is none. */
  inode = 0;
  /** Its path is in use by it. */
  isActive = false;
  readonly #tracer: Tracer;
  #refs = 1;

  constructor(debugId: number, path: string, cookie: CacheCookie, tracer: Tracer) {
    this.debugId = debugId;
    this.path = path;
    this.cookie = cookie;
    this.#tracer = tracer;
    cookie.getForObject();
    this.see('new_obj');
  }

  /** Takes a reference. */
  get(why: 'get_ioreq'): void {
    this.see(why);
    this.#refs++;
  }

  /** Drops a reference; with the last one the cookie loses its object. */
  put(why: 'put_ioreq' | 'put_detach'): void {
    this.see(why);
    this.#refs--;
    if (this.#refs === 0) this.cookie.putForObject();
  }

  /** Records where the object is in its life. */
  see(why: keyof typeof cachefilesObjRefTraces.id): void {
    const what = cachefilesObjRefTraces.id[why];
    cachefilesRef.emit(this.#tracer, this.cookie.debugId, this.debugId, this.#refs, what);
  }
}

/** What one request or write holds of the cache; it may have begun before there was a file. */
export class Operation {
  readonly cookie: CacheCookie;
  readonly #invalCounter: number;
  #object: CachefilesObject | undefined;
  #data: DataFile | undefined;

  constructor(cookie: CacheCookie) {
    this.cookie = cookie;
    this.#invalCounter = cookie.invalCounter;
    this.#take(cookie.object as CachefilesObject | undefined);
  }

  /** The object; there is a file. */
  get object(): CachefilesObject {
    return this.#object as CachefilesObject;
  }

  /** What is read or written; there is a file. */
  get data(): DataFile {
    return this.#data as DataFile;
  }

  /** False while there is no file. */
  get hasData(): boolean {
    return this.#data !== undefined;
  }

  /** Number of the file's inode, 0 while there is none. */
  get inode(): number {
    return this.#object?.inode ?? 0;
  }

  /** The content was invalidated or lost since the operation began. */
  get outdated(): boolean {
    const lost = this.#data !== undefined && this.#object?.data !== this.#data;
    return lost || this.cookie.invalCounter !== this.#invalCounter;
  }

  /** Sleeps until there is a file; false when there will be none. */
  *waitForData(): Task<boolean> {
    if (this.#data === undefined) {
      const object = yield* this.cookie.waitForObject();
      // A file that was made after an invalidation is not for what began before it.
      if (!this.outdated) this.#take(object as CachefilesObject | undefined);
    }
    return this.#data !== undefined;
  }

  /** Ends the operation. */
  end(): void {
    this.#data?.put();
    this.cookie.endOperation();
  }

  // The file is held, so that it outlives an invalidation.
  #take(object: CachefilesObject | undefined): void {
    if (object?.data === undefined) return;
    this.#object = object;
    this.#data = object.data.get();
  }
}

/** The operation that `cres` stands for. */
export function operationOf(cres: CacheResources): Operation {
  return cres.priv as Operation;
}
