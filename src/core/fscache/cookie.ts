/**
 * A cookie: what a network filesystem holds of a cache for one of its files. A state machine: the
 * look-up of its object, its invalidation and its committal are transitions that requests may
 * overtake; the profile says whether the caller or a worker makes them. Plays
 * fs/fscache/{cookie,io}.c; made by `registry.ts`, used by `fs/`. Spec: BEHAVIOUR 4.1, 6.4.
 *
 * Differs: one thread, so the locks and the flags that bridge them are left out.
 */
import { assert } from '../base/assert.js';
import { ENOBUFS } from '../base/errno.js';
import { PAGE_SIZE } from '../base/range.js';
import type { AddressSpace } from '../mm/address_space.js';
import { IovIter } from '../mm/iov_iter.js';
import type { ByteRange, CacheResources } from '../netfs/types.js';
import type { Scheduler } from '../sim/scheduler.js';
import { andThen, awaited, type MaybeTask, type Task, WaitQueue } from '../sim/wait_queue.js';
import {
  fscacheAccess,
  fscacheAccessTraces,
  fscacheAccessVolume,
  fscacheAcquire,
  fscacheActive,
  fscacheActiveTraces,
  fscacheCookie,
  fscacheCookieTraces,
  fscacheInvalidate,
  fscacheRelinquish,
  fscacheResize,
} from '../trace/events/fscache.js';
import type { Tracer } from '../trace/tracer.js';
import type { FscacheStats } from './stats.js';
import type { CacheBackend, CacheCookie, CacheObject, FscacheBehaviour } from './types.js';
import type { Volume } from './volume.js';

type State =
  | 'quiescent'
  | 'looking_up'
  | 'creating'
  | 'active'
  | 'invalidating'
  | 'failed'
  | 'lru_discarding'
  | 'withdrawing'
  | 'relinquishing'
  | 'dropped';

type CookieTrace = keyof typeof fscacheCookieTraces.id;
type AccessTrace = keyof typeof fscacheAccessTraces.id;

/** Bits of the flags that fscache_relinquish prints. */
const F_RELINQUISHED = 1 << 0;
const F_RETIRED = 1 << 1;
const F_IS_CACHING = 1 << 2;
const F_NO_DATA = 1 << 3;
const F_NEEDS_UPDATE = 1 << 4;
const F_HAS_BEEN_CACHED = 1 << 5;
const F_LOCAL_WRITE = 1 << 7;

/** What a cookie knows of all the others. */
export interface CookieHome {
  readonly stats: FscacheStats;
  readonly scheduler: Scheduler;
  readonly tracer: Tracer;
  readonly behaviour: FscacheBehaviour;
  /** Nobody uses the cookie any more; true if it was not on the list of those yet. */
  addToLru(cookie: Cookie): boolean;
  /** True if it was on the list. */
  dropFromLru(cookie: Cookie): boolean;
  /** Its last reference has gone. */
  freed(cookie: Cookie): void;
}

/** A file's handle on the cache. */
export class Cookie implements CacheCookie {
  readonly debugId: number;
  readonly owner: Volume;
  readonly key: string;
  readonly name: string;
  aux: string;
  size: number;
  noDataToRead = true;
  haveData = false;
  needsUpdate = false;
  localWrite = false;
  retired = false;
  invalCounter = 0;
  /** When its last user left, ns. */
  unusedAt = 0;
  /** Accesses under way. */
  accesses = 0;
  object: CacheObject | undefined;
  readonly #home: CookieHome;
  readonly #stateChanged: WaitQueue;
  #state: State = 'quiescent';
  #refs = 1;
  #users = 0;
  #isCaching = false;
  #hasBeenCached = false;
  #relinquished = false;
  /** While set, the end of the last access does not wake the state machine. */
  #pinned = false;
  /** What the state machine has been asked to do. */
  readonly #asked = new Set<'relinquish' | 'withdraw' | 'lru_discard' | 'prep_to_write'>();
  #invalidateAsked = false;
  /** Nobody uses the cookie, and its object has not been committed since. */
  #commitAsked = false;
  /** Transitions are being made, and more work waits for their end. */
  #running = false;
  #workWaits = false;
  /** Nothing is to be cached while somebody writes to the file. */
  #suspended = false;
  /** There is no object; to be looked up again when there is room. */
  #wantsRoom = false;

  constructor(
    home: CookieHome,
    volume: Volume,
    debugId: number,
    { key, name, aux, size }: Pick<Cookie, 'key' | 'name' | 'aux' | 'size'>,
  ) {
    this.#home = home;
    this.owner = volume;
    this.debugId = debugId;
    this.key = key;
    this.name = name;
    this.aux = aux;
    this.size = size;
    this.#stateChanged = new WaitQueue(`cookie ${debugId}`);
    this.#trace('new_acq');
  }

  get volume(): string {
    return this.owner.key;
  }

  /** True while anybody has the file open. */
  get inUse(): boolean {
    return this.#users > 0;
  }

  /**
   * True if data of the file can be cached (the library's test from v5.18 on). An object that is
   * being looked up counts: the worker has usually begun by the time that somebody asks.
   */
  get enabled(): boolean {
    return this.#isCaching && !this.#relinquished && !this.#suspended;
  }

  /** For the registry: the cookie is there. */
  traceAcquired(): void {
    const { debugId, owner } = this;
    fscacheAcquire.emit(this.#home.tracer, debugId, owner.debugId, owner.refs, owner.cookies);
  }

  /** The file is opened, perhaps to be written: has the object looked up. */
  use(willModify: boolean): void {
    this.#users++;
    this.#traceActive(willModify ? 'use_m' : 'use');
    if (this.#state === 'quiescent') {
      if (this.#beginLookup(willModify)) this.#queue('gq_use');
    } else if (this.#state === 'looking_up' || this.#state === 'creating') {
      if (willModify) this.localWrite = true;
    } else if (this.#state === 'active' || this.#state === 'invalidating') {
      this.#asked.delete('lru_discard');
      if (willModify) this.willModify();
    }
  }

  /** The file is going to be written: what is cached of it is marked so, once. */
  willModify(): void {
    if (this.localWrite || this.#state === 'quiescent') return;
    this.localWrite = true;
    if (this.#state !== 'active' && this.#state !== 'invalidating') return;
    this.#asked.add('prep_to_write');
    this.#queue('gq_use');
  }

  /** True if `bytes` more may be stored. */
  hasRoom(bytes: number): boolean {
    return this.owner.backend?.hasRoom(0, bytes) ?? false;
  }

  /**
   * Writes bytes of the pages that have been written to the server into the cache, too (whole
   * pages, fscache_write_to_cache). They must stay as they are until `ended` is called, once, with
   * the bytes written or a negative errno; perhaps before this returns.
   */
  writeToCache(
    mapping: AddressSpace,
    start: number,
    length: number,
    ended: (result: number) => void,
  ): MaybeTask {
    const cres: CacheResources = { ops: undefined, priv: undefined, debugId: 0 };
    const { backend } = this.owner;
    if (backend === undefined) return ended(-ENOBUFS);
    return andThen(this.beginOperation(cres, 'begin_io_writ'), (refused) => {
      if (refused < 0) return ended(refused);
      return andThen(backend.prepareWrite(cres, start, length), (error) => {
        const end = (result: number): void => {
          ended(result);
          cres.ops?.endOperation(cres);
        };
        if (error < 0) end(error);
        else cres.ops?.write(cres, start, new IovIter(mapping, start, length), end);
      });
    });
  }

  /** The file is closed; with `aux` or `size` the cookie is updated. */
  unuse(aux?: string, size?: number): void {
    if (aux !== undefined || size !== undefined) this.update(aux, size);
    this.#users--;
    assert(this.#users >= 0, `cookie ${this.key} unused too often`);
    this.#traceActive('unuse');
    if (this.#users > 0 || !this.#isCaching) return;
    this.unusedAt = this.#home.scheduler.clock.now();
    if (this.#home.behaviour.commits === 'unused') this.#askToCommit();
    if (this.#home.addToLru(this)) this.#get('get_lru');
  }

  /** The file's version or size is another; the content is not. */
  update(aux?: string, size?: number): void {
    this.#home.stats.updates++;
    this.#setIdentity(aux, size);
    this.needsUpdate = true;
    if (this.object !== undefined) this.owner.backend?.update(this.object);
  }

  /** The file was cut or grown. */
  resize(size: number): void {
    const { stats, tracer } = this.#home;
    fscacheResize.emit(tracer, this.debugId, this.size, size);
    stats.resizes++;
    if (size < this.size && this.object !== undefined) {
      this.owner.backend?.resize(this.object, size);
    } else {
      stats.resizesNull++;
    }
    this.#setIdentity(undefined, size);
    this.needsUpdate = true;
  }

  /** The content has changed: nothing that is cached or being cached may be believed. */
  invalidate(aux: string, size: number): void {
    const { stats, tracer } = this.#home;
    stats.invalidates++;
    if (this.object !== undefined) stats.invalidatesRun++;
    if (this.#relinquished) return;
    this.noDataToRead = true;
    this.#setIdentity(aux, size);
    this.needsUpdate = true;
    this.invalCounter++;
    fscacheInvalidate.emit(tracer, this.debugId, size);
    if (this.#state === 'looking_up' || this.#state === 'creating') this.#invalidateAsked = true;
    if (this.#state !== 'active' || !this.beginAccess('begin_inval')) return;
    this.#setState('invalidating');
    this.#queue('gq_inval');
  }

  /** Bytes [start, start + length), whole pages, are not what is cached of them. */
  forgetRange(start: number, length: number): void {
    if (this.object !== undefined) this.owner.backend?.forget(this.object, start, length);
    else if (this.#isCaching) this.invalidate(this.aux, this.size);
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

  /** Pages of the file have left memory: from now on what was stored may be wanted. */
  notePageRelease(): void {
    if (this.haveData) this.noDataToRead = false;
  }

  /** The filesystem forgets the file; with `retire` the cache does too. Nobody uses the cookie. */
  relinquish(retire: boolean): void {
    const { stats, tracer } = this.#home;
    stats.relinquishes++;
    if (retire) stats.retired++;
    this.#relinquished = true;
    this.retired = retire;
    const { debugId, owner } = this;
    const retires = retire ? 1 : 0;
    fscacheRelinquish.emit(
      ...([tracer, debugId, owner.debugId, this.#refs, this.#users, this.#flags, retires] as const),
    );
    if (this.#isCaching || this.object !== undefined) {
      this.#asked.add('relinquish');
      if (this.#home.dropFromLru(this)) this.#put('put_lru');
      this.#unpin();
    } else {
      this.#setState('dropped');
    }
    this.#put('put_relnq');
  }

  /** The cache is being unbound, or all is to be committed: gives up the object. */
  withdraw(): void {
    this.#wantsRoom = false;
    if (!this.#isCaching || this.#asked.has('withdraw')) return;
    this.#asked.add('withdraw');
    if (this.#home.dropFromLru(this)) this.#put('put_lru');
    this.#unpin();
  }

  /** For the registry: its time on the list is over; false if it was used meanwhile. */
  expire(): boolean {
    this.#trace('lrudo');
    const expired = this.#state === 'active' && this.#users === 0;
    if (expired) {
      this.#asked.add('lru_discard');
      this.#unpin();
    }
    this.#put('put_lru');
    return expired;
  }

  /**
   * Sets up the cache for a request or a write: 0, or -ENOBUFS when it must go on without. Sleeps
   * while it is not known whether there is an object.
   */
  beginOperation(cres: CacheResources, why: 'begin_io_read' | 'begin_io_writ'): MaybeTask<number> {
    cres.debugId = this.debugId;
    if (this.#wantsRoom && this.#users > 0 && this.#state === 'quiescent' && this.#hasRoomAgain()) {
      if (this.#beginLookup(false)) this.#queue('gq_use');
    }
    if (this.#suspended || !this.beginAccess(why)) return -ENOBUFS;
    if (this.#state === 'active' || this.#state === 'creating') return this.#begun(cres, true);
    return this.#beginWhenKnown(cres);
  }

  *#beginWhenKnown(cres: CacheResources): Task<number> {
    return this.#begun(cres, yield* this.#waitUntilKnown());
  }

  #begun(cres: CacheResources, known: boolean): number {
    if (known) this.owner.backend?.beginOperation(this, cres);
    else this.#endAccess('end_io_notl');
    return known ? 0 : -ENOBUFS;
  }

  /**
   * The first stretch of cached data in `range`, in whole pages (fscache_query_occupancy);
   * -ENODATA: there is none, -ENOBUFS: it cannot be told.
   */
  *occupancy(range: ByteRange): Task<ByteRange | number> {
    const cres: CacheResources = { ops: undefined, priv: undefined, debugId: 0 };
    const refused = yield* awaited(this.beginOperation(cres, 'begin_io_read'));
    if (refused < 0) return refused;
    const found = cres.ops?.queryOccupancy?.(cres, range, PAGE_SIZE) ?? -ENOBUFS;
    cres.ops?.endOperation(cres);
    return found;
  }

  // Sleeps until the object is there or being made; false when there is none.
  *#waitUntilKnown(): Task<boolean> {
    const unknown: readonly State[] = ['looking_up', 'lru_discarding', 'invalidating'];
    if (unknown.includes(this.#state)) this.#traceAccess('wait_io');
    while (unknown.includes(this.#state)) yield this.#stateChanged;
    return this.#state === 'active' || this.#state === 'creating';
  }

  *waitForObject(): Task<CacheObject | undefined> {
    while (yield* this.#waitUntilKnown()) {
      if (this.#state === 'active') return this.object;
      yield this.#stateChanged;
    }
    return undefined;
  }

  endOperation(): void {
    this.#endAccess('end_io');
  }

  /** Counts an access if the cookie is cached. */
  beginAccess(why: AccessTrace): boolean {
    if (!this.#isCaching) return false;
    this.accesses++;
    this.#traceAccess(why);
    return true;
  }

  // The last one lets the state machine go on.
  #endAccess(why: AccessTrace): void {
    this.accesses--;
    assert(this.accesses >= 0, `access of cookie ${this.key} ended too often`);
    this.#traceAccess(why);
    if (this.accesses === 0 && (!this.#pinned || this.#commitAsked)) this.#queue('gq_endac');
  }

  lookupNegative(): void {
    this.noDataToRead = true;
    if (this.#state === 'looking_up') this.#setState('creating');
  }

  resumeAfterInvalidation(): void {
    if (this.#state === 'invalidating') this.#setState('active');
  }

  getForObject(): void {
    this.#get('get_attch');
  }

  putForObject(): void {
    this.#put('put_obj');
  }

  get #flags(): number {
    return (
      (this.#relinquished ? F_RELINQUISHED : 0) |
      (this.retired ? F_RETIRED : 0) |
      (this.#isCaching ? F_IS_CACHING : 0) |
      (this.noDataToRead ? F_NO_DATA : 0) |
      (this.needsUpdate ? F_NEEDS_UPDATE : 0) |
      (this.#hasBeenCached ? F_HAS_BEEN_CACHED : 0) |
      (this.localWrite ? F_LOCAL_WRITE : 0)
    );
  }

  #setIdentity(aux: string | undefined, size: number | undefined): void {
    if (aux !== undefined) this.aux = aux;
    if (size !== undefined) this.size = size;
  }

  #beginLookup(willModify: boolean): boolean {
    if (this.owner.backend === undefined || !this.owner.isBound) return false;
    this.owner.accesses++;
    this.#traceVolume('begin_lookup');
    this.accesses++;
    this.#traceAccess('begin_lookup');
    this.#setState('looking_up');
    this.#isCaching = true;
    this.#hasBeenCached = true;
    if (willModify) {
      this.localWrite = true;
      this.#asked.add('prep_to_write');
    }
    return true;
  }

  // Transitions are made by a worker, or here and now. Each piece of work holds a reference.
  #queue(why: 'gq_use' | 'gq_inval' | 'gq_endac'): void {
    const { behaviour, scheduler } = this.#home;
    if (behaviour.transitions === 'worker') {
      this.#get(why);
      scheduler.queueWork(() => this.#work(), 'unbound');
    } else if (!this.#running) {
      this.#get(why);
      const { done } = this.#work().next();
      assert(done === true, `cookie ${this.key}: a transition of the caller sleeps`);
    }
  }

  // One at a time: a transition that sleeps is not made twice.
  *#work(): Task {
    while (this.#running) {
      this.#workWaits = true;
      yield this.#stateChanged;
    }
    this.#running = true;
    this.#trace('work');
    try {
      while (yield* this.#step());
    } finally {
      this.#running = false;
      if (this.#workWaits) this.#stateChanged.wakeAll();
      this.#workWaits = false;
    }
    this.#put('pq_work');
  }

  // One transition; true if there may be another one to make.
  *#step(): Task<boolean> {
    switch (this.#state) {
      case 'looking_up':
        this.#pinned = false;
        this.#notePinned(true);
        yield* this.#lookup();
        // Asked to go meanwhile: the last access lets it.
        if (this.#asked.has('withdraw') || this.#asked.has('relinquish')) this.#notePinned(false);
        return true;
      case 'invalidating':
        yield* this.#invalidateObject();
        return true;
      case 'active':
        return this.#stepActive();
      case 'failed':
        return this.#stepIdle();
      case 'lru_discarding':
      case 'withdrawing':
      case 'relinquishing':
        return this.#giveUpObject();
      default:
        return false;
    }
  }

  #stepActive(): boolean {
    if (this.#invalidateAsked) {
      this.#invalidateAsked = false;
      this.accesses++;
      this.#traceAccess('begin_inval');
      this.#setState('invalidating');
      return true;
    }
    if (this.#asked.delete('prep_to_write') && this.object !== undefined) {
      this.owner.backend?.prepareToWrite(this.object);
    }
    if (this.#commitAsked && this.accesses === 0) {
      this.#commitAsked = false;
      if (this.#users === 0 && this.object !== undefined) this.owner.backend?.commit(this.object);
    }
    if (this.#asked.has('lru_discard') && this.accesses === 0) {
      this.#setState('lru_discarding');
      return true;
    }
    return this.#stepIdle();
  }

  #stepIdle(): boolean {
    if (this.accesses > 0) return false;
    if (this.#asked.has('relinquish')) this.#setState('relinquishing');
    else if (this.#asked.has('withdraw')) this.#setState('withdrawing');
    else return false;
    return true;
  }

  *#lookup(): Task {
    const { stats } = this.#home;
    const backend = this.owner.backend as CacheBackend;
    stats.lookups++;
    const found = yield* backend.lookup(this);
    const usable = found?.usable === true;
    this.object = found?.object;
    if (found === undefined) {
      // Stays cached in name, and looks again when it is next used.
      stats.lookupsFailed++;
      this.#setState('quiescent');
    } else if (usable) {
      this.#trace('activ');
      this.#setState('active');
    } else {
      stats.lookupsFailed++;
      this.#fail();
    }
    const why = usable ? 'end_lookup' : 'end_lookupf';
    this.#endAccess(why);
    if (found !== undefined && !usable) this.#unpin();
    this.owner.accesses--;
    this.#traceVolume(why);
  }

  *#invalidateObject(): Task {
    const { object } = this;
    const backend = this.owner.backend as CacheBackend;
    const failed = object !== undefined && !(yield* backend.invalidate(object));
    if (failed) this.#fail();
    else this.resumeAfterInvalidation();
    this.#endAccess('end_inval');
    if (failed) this.#unpin();
  }

  // Goes on without an object, as soon as the accesses under way have ended.
  #fail(): void {
    this.#isCaching = false;
    this.#wantsRoom = this.#home.behaviour.retriesLookup;
    this.#setState('failed');
    this.#trace('failed');
    this.#asked.add('withdraw');
  }

  #giveUpObject(): boolean {
    const { object } = this;
    this.object = undefined;
    if (object !== undefined) this.owner.backend?.withdraw(object);
    const state = this.#state;
    if (state === 'relinquishing') {
      this.#trace('x_rlq');
      this.#setState('dropped');
      return false;
    }
    this.#trace(state === 'withdrawing' ? 'x_wth' : 'x_lru');
    this.needsUpdate = false;
    this.noDataToRead = true;
    this.#isCaching = false;
    this.#invalidateAsked = false;
    this.#commitAsked = false;
    for (const each of ['withdraw', 'lru_discard', 'prep_to_write'] as const) {
      this.#asked.delete(each);
    }
    this.#setState('quiescent');
    return true;
  }

  #askToCommit(): void {
    this.#commitAsked = true;
    if (this.accesses === 0) this.#queue('gq_endac');
  }

  #hasRoomAgain(): boolean {
    return !this.#suspended && this.owner.backend?.hasRoom(1, 0) === true;
  }

  #unpin(): void {
    this.#notePinned(false);
    if (this.accesses === 0) this.#queue('gq_endac');
  }

  #notePinned(pinned: boolean): void {
    if (this.#pinned === pinned) return;
    this.#pinned = pinned;
    this.#traceAccess(pinned ? 'pin_cache' : 'unpin_cache');
  }

  #setState(state: State): void {
    this.#state = state;
    this.#stateChanged.wakeAll();
  }

  #get(why: CookieTrace): void {
    this.#refs++;
    this.#trace(why);
  }

  #put(why: CookieTrace): void {
    this.#refs--;
    assert(this.#refs >= 0, `cookie ${this.key} put too often`);
    this.#trace(why);
    if (this.#refs === 0) this.#home.freed(this);
  }

  #trace(why: CookieTrace): void {
    const { tracer } = this.#home;
    fscacheCookie.emit(tracer, this.debugId, fscacheCookieTraces.id[why], this.#refs);
  }

  #traceActive(why: keyof typeof fscacheActiveTraces.id): void {
    fscacheActive.emit(
      this.#home.tracer,
      this.debugId,
      fscacheActiveTraces.id[why],
      this.#refs,
      this.accesses,
      this.#users,
    );
  }

  #traceAccess(why: AccessTrace): void {
    const what = fscacheAccessTraces.id[why];
    fscacheAccess.emit(this.#home.tracer, this.debugId, what, this.#refs, this.accesses);
  }

  #traceVolume(why: 'begin_lookup' | 'end_lookup' | 'end_lookupf'): void {
    const { tracer } = this.#home;
    const { debugId, refs, accesses } = this.owner;
    const what = fscacheAccessTraces.id[why];
    fscacheAccessVolume.emit(tracer, debugId, this.debugId, what, refs, accesses);
  }
}
