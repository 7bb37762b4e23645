/**
 * A cookie as a state machine (v5.17 and later): the look-up of its object, its invalidation and
 * its committal are work of kernel workers, which requests may overtake. Plays
 * fs/fscache/{cookie,io}.c; made by `registry.ts`, used by `fs/`. Spec: BEHAVIOUR 6.4.
 *
 * Differs: one thread, so the locks and the flags that bridge them are left out.
 */
import { assert } from '../base/assert.js';
import { ENOBUFS } from '../base/errno.js';
import type { AddressSpace } from '../mm/address_space.js';
import { IovIter } from '../mm/iov_iter.js';
import type { ByteRange, CacheResources } from '../netfs/types.js';
import { type Task, WaitQueue } from '../sim/wait_queue.js';
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
import { askOccupancy } from './occupancy.js';
import { Operation } from './operation.js';
import type { CookieRegistry, Volume } from './registry.js';
import type { CacheObject, ObjectBackend, ObjectCookie } from './types.js';

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

/** A file's handle on the cache. */
export class StateCookie implements ObjectCookie {
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
  readonly registry: CookieRegistry;
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

  constructor(
    registry: CookieRegistry,
    volume: Volume,
    debugId: number,
    key: string,
    name: string,
    aux: string,
    size: number,
  ) {
    this.registry = registry;
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

  get state(): State {
    return this.#state;
  }

  /**
   * True if data of the file can be cached (the library's test from v5.18 on). An object that is
   * being looked up counts: the worker has usually begun by the time that somebody asks.
   */
  get enabled(): boolean {
    return this.#isCaching && !this.#relinquished;
  }

  /** For the registry: the cookie is there. */
  traceAcquired(): void {
    const { debugId, owner, registry } = this;
    fscacheAcquire.emit(registry.tracer, debugId, owner.debugId, owner.refs, owner.cookies);
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

  /**
   * Writes bytes of the pages that have been written to the server into the cache, too (whole
   * pages); `ended` is told once.
   */
  *writeToCache(
    mapping: AddressSpace,
    start: number,
    length: number,
    ended: (result: number) => void,
  ): Task {
    const cres: CacheResources = { ops: undefined, priv: undefined, debugId: 0 };
    const { backend } = this.owner;
    let error = yield* this.beginOperation(cres, 'begin_io_writ');
    const { ops } = cres;
    if (error === 0 && (ops === undefined || backend === undefined)) error = -ENOBUFS;
    if (error === 0) {
      error = yield* (backend as ObjectBackend).prepareWrite(cres, start, length);
      if (error < 0) ops?.endOperation(cres);
    }
    if (error < 0) {
      ended(error);
      return;
    }
    ops?.write(cres, start, new IovIter(mapping, start, length), (result) => {
      ended(result);
      ops.endOperation(cres);
    });
  }

  /** The file is closed; with `aux` or `size` the cookie is updated. */
  unuse(aux?: string, size?: number): void {
    if (aux !== undefined || size !== undefined) this.update(aux, size);
    this.#users--;
    assert(this.#users >= 0, `cookie ${this.key} unused too often`);
    this.#traceActive('unuse');
    if (this.#users > 0 || !this.#isCaching) return;
    this.unusedAt = this.registry.scheduler.clock.now();
    if (this.registry.addToLru(this)) this.#get('get_lru');
  }

  /** The file's version or size is another; the content is not. */
  update(aux?: string, size?: number): void {
    this.registry.stats.updates++;
    this.#setIdentity(aux, size);
    this.needsUpdate = true;
  }

  /** The file was cut or grown. */
  resize(size: number): void {
    const { stats, tracer } = this.registry;
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
    this.registry.stats.invalidates++;
    if (this.#relinquished) return;
    this.noDataToRead = true;
    this.#setIdentity(aux, size);
    this.needsUpdate = true;
    this.invalCounter++;
    fscacheInvalidate.emit(this.registry.tracer, this.debugId, size);
    if (this.#state === 'looking_up' || this.#state === 'creating') this.#invalidateAsked = true;
    if (this.#state !== 'active' || !this.beginAccess('begin_inval')) return;
    this.#setState('invalidating');
    this.#queue('gq_inval');
  }

  /** Pages of the file have left memory: from now on what was stored may be wanted. */
  notePageRelease(): void {
    if (this.haveData) this.noDataToRead = false;
  }

  /** The filesystem forgets the file; with `retire` the cache does too. Nobody uses the cookie. */
  relinquish(retire: boolean): void {
    const { stats, tracer } = this.registry;
    stats.relinquishes++;
    if (retire) stats.retired++;
    this.#relinquished = true;
    this.retired = retire;
    const { debugId, owner } = this;
    const retires = retire ? 1 : 0;
    fscacheRelinquish.emit(
      ...([tracer, debugId, owner.debugId, this.#refs, this.#users, this.#flags, retires] as const),
    );
    if (this.#isCaching) {
      this.#asked.add('relinquish');
      if (this.registry.dropFromLru(this)) this.#put('put_lru');
      this.#unpin();
    } else {
      this.#setState('dropped');
    }
    this.#put('put_relnq');
  }

  /** The cache is being unbound, or all is to be committed: gives up the object. */
  withdraw(): void {
    if (!this.#isCaching || this.#asked.has('withdraw')) return;
    this.#asked.add('withdraw');
    if (this.registry.dropFromLru(this)) this.#put('put_lru');
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
  *beginOperation(cres: CacheResources, why: 'begin_io_read' | 'begin_io_writ'): Task<number> {
    cres.debugId = this.debugId;
    const operation = new Operation(this);
    if (!this.beginAccess(why)) return -ENOBUFS;
    if (!(yield* this.waitUntilKnown())) {
      this.endAccess('end_io_notl');
      return -ENOBUFS;
    }
    this.owner.backend?.beginOperation(operation, cres);
    return 0;
  }

  /** What is cached in `range`: as `askOccupancy`. */
  *occupancy(range: ByteRange): Task<ByteRange | number> {
    const cres: CacheResources = { ops: undefined, priv: undefined, debugId: 0 };
    const refused = yield* this.beginOperation(cres, 'begin_io_read');
    return refused < 0 ? refused : askOccupancy(cres, range);
  }

  /** Sleeps until the object is there or being made; false when there is none. */
  *waitUntilKnown(): Task<boolean> {
    const unknown: readonly State[] = ['looking_up', 'lru_discarding', 'invalidating'];
    if (unknown.includes(this.#state)) this.#traceAccess('wait_io');
    while (unknown.includes(this.#state)) yield this.#stateChanged;
    return this.#state === 'active' || this.#state === 'creating';
  }

  /** Sleeps until the object is there; false when there is none. */
  *waitUntilActive(): Task<boolean> {
    while (yield* this.waitUntilKnown()) {
      if (this.#state === 'active') return true;
      yield this.#stateChanged;
    }
    return false;
  }

  /** Counts an access if the cookie is cached. */
  beginAccess(why: AccessTrace): boolean {
    if (!this.#isCaching) return false;
    this.accesses++;
    this.#traceAccess(why);
    return true;
  }

  /** Ends an access; the last one lets the state machine go on. */
  endAccess(why: AccessTrace): void {
    this.accesses--;
    assert(this.accesses >= 0, `access of cookie ${this.key} ended too often`);
    this.#traceAccess(why);
    if (this.accesses === 0 && !this.#pinned) this.#queue('gq_endac');
  }

  lookupNegative(): void {
    this.noDataToRead = true;
    if (this.#state === 'looking_up') this.#setState('creating');
  }

  resumeAfterInvalidation(): void {
    if (this.#state === 'invalidating') this.#setState('active');
  }

  holdForObject(): void {
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
    if (this.owner.backend === undefined) return false;
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

  // The state machine is work of a worker; each piece of work holds a reference.
  #queue(why: 'gq_use' | 'gq_inval' | 'gq_endac'): void {
    this.#get(why);
    this.registry.scheduler.queueWork(() => this.#work(), 'unbound');
  }

  *#work(): Task {
    this.#trace('work');
    while (yield* this.#step());
    this.#put('pq_work');
  }

  // One transition; true if there may be another one to make.
  *#step(): Task<boolean> {
    switch (this.#state) {
      case 'looking_up':
        if (this.#pinned) return false;
        this.#pinned = true;
        this.#traceAccess('pin_cache');
        yield* this.#lookup();
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
    const backend = this.owner.backend as ObjectBackend;
    const { object, usable } = yield* backend.lookup(this);
    this.object = object;
    const failed = !usable;
    if (failed) {
      this.#isCaching = false;
      this.#setState('failed');
      this.#trace('failed');
      this.#asked.add('withdraw');
    } else {
      this.#trace('activ');
      this.#setState('active');
    }
    const why = failed ? 'end_lookupf' : 'end_lookup';
    this.endAccess(why);
    if (failed) this.#unpin();
    this.owner.accesses--;
    this.#traceVolume(why);
  }

  *#invalidateObject(): Task {
    const { object } = this;
    const backend = this.owner.backend as ObjectBackend;
    if (object !== undefined && !(yield* backend.invalidate(object))) {
      this.#isCaching = false;
      this.#setState('failed');
      this.#trace('failed');
      this.#asked.add('withdraw');
    }
    this.endAccess('end_inval');
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
    for (const each of ['withdraw', 'lru_discard', 'prep_to_write'] as const) {
      this.#asked.delete(each);
    }
    this.#setState('quiescent');
    return true;
  }

  #unpin(): void {
    if (this.#pinned) {
      this.#pinned = false;
      this.#traceAccess('unpin_cache');
    }
    if (this.accesses === 0) this.#queue('gq_endac');
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
    if (this.#refs === 0) this.registry.freed(this);
  }

  #trace(why: CookieTrace): void {
    const { tracer } = this.registry;
    fscacheCookie.emit(tracer, this.debugId, fscacheCookieTraces.id[why], this.#refs);
  }

  #traceActive(why: keyof typeof fscacheActiveTraces.id): void {
    fscacheActive.emit(
      this.registry.tracer,
      this.debugId,
      fscacheActiveTraces.id[why],
      this.#refs,
      this.accesses,
      this.#users,
    );
  }

  #traceAccess(why: AccessTrace): void {
    const what = fscacheAccessTraces.id[why];
    fscacheAccess.emit(this.registry.tracer, this.debugId, what, this.#refs, this.accesses);
  }

  #traceVolume(why: 'begin_lookup' | 'end_lookup' | 'end_lookupf'): void {
    const { tracer } = this.registry;
    const { debugId, refs, accesses } = this.owner;
    const what = fscacheAccessTraces.id[why];
    fscacheAccessVolume.emit(tracer, debugId, this.debugId, what, refs, accesses);
  }
}
