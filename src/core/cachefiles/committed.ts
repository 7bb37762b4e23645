/**
 * Objects as v5.17 and later keep them: a new file has no name until it is committed, an object is
 * committed when its cookie has been unused for a while or is given up, and a file that we write
 * is marked so. Plays fs/cachefiles/{interface,namei,xattr}.c over the directory of a `Cachefiles`;
 * called by the cookies of `fscache/`. Spec: BEHAVIOUR 6.4.
 *
 * Differs: a file without a name is one in the graveyard, which the next bind empties.
 */
import path from 'node:path';
import { PAGE_SIZE, roundUp } from '../base/range.js';
import type {
  CacheIoCounts,
  CacheOperation,
  CookieIdentity,
  ObjectBackend,
  ObjectCookie,
} from '../fscache/types.js';
import type { CacheResources } from '../netfs/types.js';
import type { Scheduler } from '../sim/scheduler.js';
import type { Task } from '../sim/wait_queue.js';
import {
  cachefilesCoherency,
  cachefilesCoherencyTraces,
  cachefilesLink,
  cachefilesLookup,
  cachefilesMarkActive,
  cachefilesMarkFailed,
  cachefilesMarkInactive,
  cachefilesObjKillTraces,
  cachefilesObjRefTraces,
  cachefilesRef,
  cachefilesTmpfile,
  cachefilesTrunc,
  cachefilesTruncTraces,
  cachefilesUnlink,
} from '../trace/events/cachefiles.js';
import type { Tracer } from '../trace/tracer.js';
import type { Cachefiles } from './cache.js';
import { CommittedIo, CommittedPriv } from './committed_io.js';
import { backingSize, type Content, writeDirty } from './content.js';
import type { CachefilesObject } from './types.js';

const ENOENT = 2;
/** What the attribute of a file that we write says of its content. */
const CONTENT_DIRTY = 3;

/** An object: the file behind a cookie. */
export class CommittedObject implements CachefilesObject {
  readonly debugId: number;
  readonly path: string;
  readonly cookie: ObjectCookie;
  content: Content | undefined;
  /** Number of the inode of its file; 0 while there is none. */
  inode = 0;
  readonly #tracer: Tracer;
  #refs = 1;

  constructor(debugId: number, path: string, cookie: ObjectCookie, tracer: Tracer) {
    this.debugId = debugId;
    this.path = path;
    this.cookie = cookie;
    this.#tracer = tracer;
    cookie.holdForObject();
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

/** The objects of a cache directory. */
export class CommittedCache implements ObjectBackend {
  readonly io: CacheIoCounts = {
    reads: 0,
    writes: 0,
    noWriteSpace: 0,
    noCreateSpace: 0,
    culled: 0,
  };
  readonly #files: Cachefiles;
  readonly #scheduler: Scheduler;
  readonly #ops: CommittedIo;
  #lastId = 0;

  /** Keeps its objects in the directory of `files`. */
  constructor(files: Cachefiles, scheduler: Scheduler) {
    this.#files = files;
    this.#scheduler = scheduler;
    this.#ops = new CommittedIo(files, scheduler, this.io);
  }

  *lookup(cookie: ObjectCookie): Task<{ object: CommittedObject; usable: boolean }> {
    const file = this.#files.objectFile(cookie);
    const object = new CommittedObject(++this.#lastId, file, cookie, this.#files.tracer);
    yield* this.#step();
    const usable = yield* this.#lookUp(object);
    if (usable) object.see('see_lookup_cookie');
    else object.see('see_lookup_failed');
    return { object, usable };
  }

  beginOperation(operation: CacheOperation, cres: CacheResources): void {
    cres.ops = this.#ops;
    cres.priv = new CommittedPriv(operation);
  }

  prepareWrite(cres: CacheResources, start: number, length: number): Task<number> {
    return this.#ops.prepareWriteThrough(cres, start, length);
  }

  *invalidate(object: CommittedObject): Task<boolean> {
    const { content: old, inode, cookie } = object;
    if (old === undefined) return true;
    if (!(yield* this.#makeFile(object))) return false;
    cookie.resumeAfterInvalidation();
    const named = old.temporary === undefined;
    if (named) this.#traceUnlink(object, inode, 'inval');
    this.#files.discard(old);
    old.put();
    return true;
  }

  prepareToWrite({ content, debugId, inode }: CommittedObject): void {
    // What has no name yet is not met again.
    if (content === undefined || content.temporary !== undefined) return;
    const error = writeDirty(this.#files.backing, content.fd, content.identity);
    const why = cachefilesCoherencyTraces.id[error < 0 ? 'set_fail' : 'set_ok'];
    cachefilesCoherency.emit(this.#files.tracer, debugId, why, inode, CONTENT_DIRTY);
  }

  resize(object: CommittedObject, size: number): void {
    const { content, debugId, inode } = object;
    if (content === undefined) return;
    const { backing, tracer } = this.#files;
    const from = object.cookie.size;
    const to = backingSize(size);
    cachefilesTrunc.emit(tracer, debugId, inode, cachefilesTruncTraces.id.shrink, from, size);
    backing.truncate(content.fd, size);
    const last = Math.ceil(from / PAGE_SIZE);
    for (let block = Math.floor(size / PAGE_SIZE); block < last; block++) content.map.clear(block);
    if (to <= size) return;
    cachefilesTrunc.emit(tracer, debugId, inode, cachefilesTruncTraces.id.dioadj, size, to);
    backing.truncate(content.fd, to);
  }

  withdraw(object: CommittedObject): void {
    object.see('see_withdraw_cookie');
    const { content, cookie } = object;
    if (content !== undefined) {
      object.see('see_withdrawal');
      if (cookie.retired) this.#throwAway(object, content);
      else this.#commit(object, content);
      this.#files.backing.touch(content.fd);
      this.#release(object);
      content.put();
      object.content = undefined;
    }
    object.put('put_detach');
  }

  onPressure(give: () => void): void {
    this.#files.onPressure(give);
  }

  checkpoint(): void {
    this.#files.checkpoint();
  }

  close(): void {
    this.#files.close();
  }

  *#lookUp(object: CommittedObject): Task<boolean> {
    const { cookie, path: file, debugId } = object;
    const found = this.#files.find(file, cookie);
    const { tracer } = this.#files;
    const directory = tracer.enabled ? this.#files.inodeOf(path.dirname(file)) : 0;
    const error = found.inode === 0 ? -ENOENT : 0;
    cachefilesLookup.emit(tracer, debugId, directory, found.inode, error);
    if (found.inode === 0) return yield* this.#makeNewFile(object);
    object.inode = found.inode;
    if (this.#files.inUse.has(file)) {
      cachefilesMarkFailed.emit(tracer, debugId, found.inode);
      found.content?.put();
      return false;
    }
    this.#hold(object);
    this.#traceCoherency(object, found.why, 0);
    if (found.content !== undefined) {
      this.#files.counters.found++;
      this.#files.backing.touch(found.content.fd);
      cookie.noDataToRead = false;
      object.content = found.content;
      return true;
    }
    this.#files.counters.stale++;
    this.#release(object);
    return yield* this.#makeNewFile(object);
  }

  // Requests need not wait for a file in which there can be nothing.
  *#makeNewFile(object: CommittedObject): Task<boolean> {
    if (!this.#files.hasRoom(1, 0)) {
      this.io.noCreateSpace++;
      return false;
    }
    object.cookie.lookupNegative();
    return yield* this.#makeFile(object);
  }

  // A new file without a name, as large as it is going to be.
  *#makeFile(object: CommittedObject): Task<boolean> {
    const { cookie, debugId } = object;
    yield* this.#step();
    const made = this.#files.create(object.path, cookie, true);
    if (typeof made === 'number') return false;
    cookie.needsUpdate = true;
    object.content = made;
    object.inode = this.#files.inodeOf(made.temporary ?? made.path);
    const { tracer } = this.#files;
    cachefilesTmpfile.emit(tracer, debugId, object.inode);
    this.#hold(object);
    if (cookie.size > 0) {
      const why = cachefilesTruncTraces.id.exptmp;
      const size = roundUp(cookie.size, PAGE_SIZE);
      cachefilesTrunc.emit(tracer, debugId, object.inode, why, 0, size);
    }
    return true;
  }

  #commit(object: CommittedObject, content: Content): void {
    const { cookie, debugId, inode } = object;
    object.see('see_clean_commit');
    const update = cookie.localWrite || cookie.needsUpdate;
    cookie.localWrite = false;
    cookie.needsUpdate = false;
    if (update) this.#traceCoherency(object, 'set_ok', 0);
    const unnamed = content.temporary !== undefined;
    const replaced = unnamed ? this.#files.inodeOf(content.path) : 0;
    const error = this.#files.commit(content, identityOf(cookie), update);
    if (error < 0) {
      this.#files.discard(content);
      return;
    }
    if (replaced > 0) this.#traceUnlink(object, replaced, 'stale');
    if (unnamed) cachefilesLink.emit(this.#files.tracer, debugId, inode);
  }

  #throwAway(object: CommittedObject, content: Content): void {
    const named = content.temporary === undefined;
    object.see(named ? 'see_clean_delete' : 'see_clean_drop_tmp');
    if (named) this.#traceUnlink(object, object.inode, 'was_retired');
    this.#files.discard(content);
  }

  #hold({ path, debugId, inode }: CommittedObject): void {
    this.#files.inUse.add(path);
    cachefilesMarkActive.emit(this.#files.tracer, debugId, inode);
  }

  #release({ path, debugId, inode }: CommittedObject): void {
    this.#files.leftUse(path);
    cachefilesMarkInactive.emit(this.#files.tracer, debugId, inode);
  }

  // A step of work on the cache's filesystem takes its modelled time on the virtual clock.
  *#step(): Task {
    const { latencyNs } = this.#files.options;
    if (this.#scheduler.clock.kind === 'virtual') yield* this.#scheduler.sleep(latencyNs);
  }

  #traceCoherency(
    { debugId, inode }: CommittedObject,
    why: keyof typeof cachefilesCoherencyTraces.id,
    content: number,
  ): void {
    const what = cachefilesCoherencyTraces.id[why];
    cachefilesCoherency.emit(this.#files.tracer, debugId, what, inode, content);
  }

  #traceUnlink(
    { debugId }: CommittedObject,
    inode: number,
    why: 'stale' | 'inval' | 'was_retired',
  ): void {
    cachefilesUnlink.emit(this.#files.tracer, debugId, inode, cachefilesObjKillTraces.id[why]);
  }
}

function identityOf({ volume, key, aux, size, name }: ObjectCookie): CookieIdentity {
  return { volume, key, aux, size, name };
}
