/**
 * The objects of a cache: their look-up, invalidation, committal and withdrawal, as cookies ask for
 * them. Plays fs/cachefiles/{interface,namei}.c over the data files of `cache.ts`; called by the
 * cookies of `fscache/`. Spec: BEHAVIOUR 4.8, 6.4.
 *
 * Differs: a file without a name is one in the graveyard, which the next bind empties.
 */
import path from 'node:path';
import { ENOENT } from '../base/errno.js';
import { PAGE_SIZE, roundUp } from '../base/range.js';
import type { BackendCounters, CacheBackend, CacheCookie, LookedUp } from '../fscache/types.js';
import type { CacheResources } from '../netfs/types.js';
import type { MaybeTask, Task } from '../sim/wait_queue.js';
import {
  cachefilesCoherency,
  cachefilesCoherencyTraces,
  cachefilesLink,
  cachefilesLookup,
  cachefilesMarkActive,
  cachefilesMarkFailed,
  cachefilesMarkInactive,
  cachefilesObjKillTraces,
  cachefilesTmpfile,
  cachefilesTrunc,
  cachefilesTruncTraces,
  cachefilesUnlink,
} from '../trace/events/cachefiles.js';
import type { Tracer } from '../trace/tracer.js';
import type { Cachefiles } from './cache.js';
import { backingSize, type DataFile } from './data_file.js';
import { CacheIo } from './io.js';
import { CachefilesObject, Operation } from './object.js';
import { writeDirty } from './xattr.js';

/** What the attribute of a file that we write says of its content. */
const CONTENT_DIRTY = 3;

/** The objects of a cache directory. */
export class CachefilesBackend implements CacheBackend {
  readonly #cache: Cachefiles;
  readonly #tracer: Tracer;
  readonly #io: CacheIo;
  #lastId = 0;

  /** Keeps its objects in the directory of `cache`; `tracer` takes the events of cachefiles. */
  constructor(cache: Cachefiles, tracer: Tracer) {
    this.#cache = cache;
    this.#tracer = tracer;
    this.#io = new CacheIo(cache, tracer);
  }

  get counters(): BackendCounters {
    return this.#cache.counters;
  }

  *lookup(cookie: CacheCookie): Task<LookedUp | undefined> {
    if (!this.#cache.room.hasVolume) {
      this.#cache.counters.noSpaceToCreate++;
      yield* this.#step();
      return undefined;
    }
    const file = this.#cache.objectFile(cookie);
    const object = new CachefilesObject(++this.#lastId, file, cookie, this.#tracer);
    yield* this.#step();
    const usable = yield* this.#lookUp(object);
    object.see(usable ? 'see_lookup_cookie' : 'see_lookup_failed');
    return { object, usable };
  }

  beginOperation(cookie: CacheCookie, cres: CacheResources): void {
    cres.ops = this.#io;
    cres.priv = new Operation(cookie);
  }

  prepareWrite(cres: CacheResources, start: number, length: number): MaybeTask<number> {
    return this.#io.prepareWriteThrough(cres, start, length);
  }

  *invalidate(object: CachefilesObject): Task<boolean> {
    const { data: old, inode } = object;
    const cache = this.#cache;
    const keepsName = cache.options.behaviour.named === 'committed';
    // Its name is free before the new file takes it.
    if (old !== undefined && !keepsName) cache.discard(old);
    const made = yield* this.#makeFile(object);
    if (made) object.cookie.resumeAfterInvalidation();
    else object.data = undefined;
    if (old === undefined) return made;
    if (old.temporary === undefined) this.#traceUnlink(object, inode, 'inval');
    if (keepsName) cache.discard(old);
    old.put();
    return made;
  }

  prepareToWrite({ data, debugId, inode }: CachefilesObject): void {
    if (data === undefined) return;
    data.modified = true;
    // What has no name yet is not met again.
    if (data.temporary !== undefined) return;
    const error = writeDirty(this.#cache.backing, data.fd, data.identity);
    const why = cachefilesCoherencyTraces.id[error < 0 ? 'set_fail' : 'set_ok'];
    cachefilesCoherency.emit(this.#tracer, debugId, why, inode, CONTENT_DIRTY);
  }

  update({ data, cookie }: CachefilesObject): void {
    if (data === undefined) return;
    if (!data.modified && !cookie.localWrite && data.temporary === undefined) {
      writeDirty(this.#cache.backing, data.fd, data.identity);
    }
    data.modified = true;
    data.identity = { ...data.identity, aux: cookie.aux, size: cookie.size };
  }

  resize(object: CachefilesObject, size: number): void {
    const { data, debugId, inode, cookie } = object;
    if (data === undefined) return;
    const { backing, checkpointer } = this.#cache;
    const { shrink, dioadj } = cachefilesTruncTraces.id;
    const to = backingSize(size);
    const first = Math.floor(size / PAGE_SIZE);
    data.map.clearFrom(first);
    data.modified = true;
    cachefilesTrunc.emit(this.#tracer, debugId, inode, shrink, cookie.size, size);
    let error = checkpointer.unpublishNow(data, first, Math.ceil(cookie.size / PAGE_SIZE));
    // The map has nothing of the block that the file ends in, and so has the file.
    if (error === 0) error = backing.truncate(data.fd, first * PAGE_SIZE);
    if (to > size) cachefilesTrunc.emit(this.#tracer, debugId, inode, dioadj, size, to);
    if (error === 0 && to > first * PAGE_SIZE) error = backing.truncate(data.fd, to);
    if (error < 0) this.#lose(object, data);
    else data.changed();
  }

  forget(object: CachefilesObject, start: number, length: number): void {
    const { data } = object;
    if (data === undefined) return;
    const first = start / PAGE_SIZE;
    const end = first + length / PAGE_SIZE;
    for (let block = first; block < end; block++) data.map.clear(block);
    data.modified = true;
    let error = this.#cache.checkpointer.unpublishNow(data, first, end);
    // For those who ask the filesystem what is there.
    if (error === 0) error = this.#cache.backing.punch(data.fd, start, length);
    if (error < 0 && this.#cache.options.presence === 'seek') this.#lose(object, data);
    else data.changed();
  }

  commit(object: CachefilesObject): void {
    const { data } = object;
    if (data?.modified === true) this.#commit(object, data);
  }

  withdraw(object: CachefilesObject): void {
    object.see('see_withdraw_cookie');
    const { data, cookie } = object;
    if (data !== undefined) {
      object.see('see_withdrawal');
      if (cookie.retired) this.#throwAway(object, data);
      else this.#commit(object, data);
      this.#cache.backing.touch(data.fd);
    }
    if (object.isActive) this.#release(object);
    object.data?.put();
    object.data = undefined;
    object.put('put_detach');
  }

  hasRoom(files: number, bytes: number): boolean {
    return this.#cache.hasRoom(files, bytes);
  }

  onPressure(give: () => void): void {
    this.#cache.onPressure(give);
  }

  checkpoint(): void {
    this.#cache.checkpointer.begin();
  }

  close(): void {
    this.#cache.close();
  }

  *#lookUp(object: CachefilesObject): Task<boolean> {
    const { cookie, path: file, debugId } = object;
    const cache = this.#cache;
    const tracer = this.#tracer;
    const found = cache.find(file, cookie);
    const directory = tracer.enabled ? cache.inodeOf(path.dirname(file)) : 0;
    const error = found.inode === 0 ? -ENOENT : 0;
    cachefilesLookup.emit(tracer, debugId, directory, found.inode, error);
    // One object a name: a second would take the first one's file for a stranger's.
    if (cache.inUse.has(file)) {
      cachefilesMarkFailed.emit(tracer, debugId, found.inode);
      found.data?.put();
      return false;
    }
    if (found.inode === 0) return yield* this.#makeNewFile(object);
    object.inode = found.inode;
    this.#hold(object);
    this.#traceCoherency(object, found.why, 0);
    if (found.data !== undefined) {
      cache.counters.found++;
      cache.backing.touch(found.data.fd);
      cookie.noDataToRead = false;
      object.data = found.data;
      return true;
    }
    cache.counters.stale++;
    this.#release(object);
    return yield* this.#makeNewFile(object);
  }

  // Requests need not wait for a file in which there can be nothing.
  *#makeNewFile(object: CachefilesObject): Task<boolean> {
    if (!this.#cache.hasRoom(1, 0)) {
      this.#cache.counters.noSpaceToCreate++;
      return false;
    }
    object.cookie.lookupNegative();
    return yield* this.#makeFile(object);
  }

  // A new file, as large as it is going to be.
  *#makeFile(object: CachefilesObject): Task<boolean> {
    const { cookie, debugId } = object;
    yield* this.#step();
    const made = this.#cache.create(object.path, cookie);
    if (typeof made === 'number') return false;
    cookie.needsUpdate = made.temporary !== undefined;
    object.data = made;
    object.inode = this.#cache.inodeOf(made.temporary ?? made.path);
    cachefilesTmpfile.emit(this.#tracer, debugId, object.inode);
    this.#hold(object);
    if (cookie.size > 0) {
      const why = cachefilesTruncTraces.id.exptmp;
      const size = roundUp(cookie.size, PAGE_SIZE);
      cachefilesTrunc.emit(this.#tracer, debugId, object.inode, why, 0, size);
    }
    return true;
  }

  #commit(object: CachefilesObject, data: DataFile): void {
    const { cookie, debugId, inode } = object;
    object.see('see_clean_commit');
    const update = cookie.localWrite || cookie.needsUpdate || data.modified;
    cookie.localWrite = false;
    cookie.needsUpdate = false;
    if (update) this.#traceCoherency(object, 'set_ok', 0);
    const unnamed = data.temporary !== undefined;
    const replaced = unnamed ? this.#cache.inodeOf(data.path) : 0;
    if (this.#cache.commit(data, cookie, update) < 0) {
      this.#lose(object, data);
      return;
    }
    if (replaced > 0) this.#traceUnlink(object, replaced, 'stale');
    if (unnamed) cachefilesLink.emit(this.#tracer, debugId, inode);
  }

  #throwAway(object: CachefilesObject, data: DataFile): void {
    const named = data.temporary === undefined;
    object.see(named ? 'see_clean_delete' : 'see_clean_drop_tmp');
    if (named) this.#traceUnlink(object, object.inode, 'was_retired');
    this.#cache.discard(data);
  }

  // A step has failed after which the content is not to be believed: the object has none.
  #lose(object: CachefilesObject, data: DataFile): void {
    this.#cache.discard(data);
    object.data = undefined;
    data.put();
  }

  #hold(object: CachefilesObject): void {
    object.isActive = true;
    this.#cache.inUse.add(object.path);
    cachefilesMarkActive.emit(this.#tracer, object.debugId, object.inode);
  }

  #release(object: CachefilesObject): void {
    object.isActive = false;
    this.#cache.leftUse(object.path);
    cachefilesMarkInactive.emit(this.#tracer, object.debugId, object.inode);
  }

  // A step of a worker on the cache's filesystem takes its modelled time on the virtual clock.
  *#step(): Task {
    const { options, scheduler } = this.#cache;
    if (options.behaviour.onWorker && scheduler.clock.kind === 'virtual') {
      yield* scheduler.sleep(options.latencyNs);
    }
  }

  #traceCoherency(
    { debugId, inode }: CachefilesObject,
    why: keyof typeof cachefilesCoherencyTraces.id,
    content: number,
  ): void {
    const what = cachefilesCoherencyTraces.id[why];
    cachefilesCoherency.emit(this.#tracer, debugId, what, inode, content);
  }

  #traceUnlink(
    { debugId }: CachefilesObject,
    inode: number,
    why: 'stale' | 'inval' | 'was_retired',
  ): void {
    cachefilesUnlink.emit(this.#tracer, debugId, inode, cachefilesObjKillTraces.id[why]);
  }
}
