/**
 * The page cache's folios: flags, references, lock and LRU, kept as a struct of arrays indexed by
 * the number of the first frame (`pfn`), so that a page costs no object. Plays
 * include/linux/page-flags.h, mm/filemap.c (locks and waits) and mm/vmscan.c.
 *
 * Differs: one LRU list, in which active folios get a second chance, instead of two; one thread, so
 * a lock is only ever contended across a sleep.
 */
import { assert } from '../base/assert.js';
import { EINTR, ENOMEM } from '../base/errno.js';
import { PAGE_SIZE } from '../base/range.js';
import type { Scheduler } from '../sim/scheduler.js';
import { type Task, WaitQueue } from '../sim/wait_queue.js';
import type { AddressSpace } from './address_space.js';
import { PageFrames } from './arena.js';
import { PageNodes } from './page_nodes.js';
import type { MmHooks } from './types.js';

/** Owned by whoever does I/O on the folio. */
export const PG_LOCKED = 1 << 0;
/** Was used once since it was read, or since it was last passed over by reclaim. */
export const PG_REFERENCED = 1 << 1;
/** The content is valid. */
export const PG_UPTODATE = 1 << 2;
/** Needs writing to the server. */
export const PG_DIRTY = 1 << 3;
/** Was used again: reclaim passes it over once. */
const PG_ACTIVE = 1 << 5;
/** Somebody sleeps until something of it changes. */
const PG_WAITERS = 1 << 7;
/** The last read of it failed; cleared before each readpage. */
export const PG_ERROR = 1 << 8;
/** The private word is meaningful (AFS: which bytes are dirty). Holds a reference. */
export const PG_PRIVATE = 1 << 13;
/** PG_fscache (PG_private_2): being written to the cache. Holds a reference. */
export const PG_FSCACHE = 1 << 14;
/** Being written to the server. */
export const PG_WRITEBACK = 1 << 15;
/** The folio spans several pages; without it the page is all there is of it. */
export const PG_HEAD = 1 << 6;
/** The marker that starts asynchronous readahead. */
export const PG_READAHEAD = 1 << 9;

/** What keeps a folio from being reclaimed or dropped. */
const PG_PINNED = PG_LOCKED | PG_DIRTY | PG_PRIVATE | PG_FSCACHE | PG_WRITEBACK;
/** Pages freed at once when memory is short (SWAP_CLUSTER_MAX). */
const RECLAIM_BATCH = 32;
/** Active folios that one reclaim passes over, so that its length has a bound. */
const SECOND_CHANCES = 65_536;
const NONE = -1;

/** All folios of one lab. */
export class Folios {
  readonly frames: PageFrames;
  /** Of the page indexes of all mappings. */
  readonly nodes = new PageNodes();
  readonly #scheduler: Scheduler;
  readonly #hooks: MmHooks;
  /** Small, so that much of it stays in the processor's cache beside the pages themselves. */
  readonly #flags: Uint16Array;
  readonly #refs: Int32Array;
  readonly #order: Uint8Array;
  readonly #index: Float64Array;
  readonly #mapping: Array<AddressSpace | undefined>;
  readonly #newer: Int32Array;
  readonly #older: Int32Array;
  /** The private words, each as its low and its high 32 bits. */
  readonly #private: Uint32Array;
  #dirty = 0;
  #underWriteback = 0;
  /** Folios that are locked, and those on their way into the cache: I/O on them will end. */
  #locked = 0;
  #underFscache = 0;
  /** Folios in mappings. */
  #listed = 0;
  /** Reclaim has looked at every folio and could drop none, and none has changed since. */
  #nothingDroppable = false;
  readonly #cleaned = new WaitQueue('dirty pages to be written back');
  #oldest = NONE;
  #newest = NONE;
  /** By folio; sparse, as few are ever waited for. */
  readonly #waiting: Array<WaitQueue | undefined>;
  readonly #memoryFreed = new WaitQueue('free memory');

  /** `bytes` of page frames; `huge`: asks for them in huge pages. */
  constructor(scheduler: Scheduler, bytes: number, hooks: MmHooks = {}, huge = false) {
    this.#scheduler = scheduler;
    this.#hooks = hooks;
    this.frames = new PageFrames(bytes, huge);
    const { count } = this.frames;
    this.#flags = new Uint16Array(count);
    this.#refs = new Int32Array(count);
    this.#order = new Uint8Array(count);
    this.#index = new Float64Array(count);
    this.#mapping = new Array(count);
    this.#newer = new Int32Array(count).fill(NONE);
    this.#older = new Int32Array(count).fill(NONE);
    this.#private = new Uint32Array(count * 2);
    this.#waiting = new Array(count);
  }

  /** True if any of the flags is set. */
  test(pfn: number, flags: number): boolean {
    return ((this.#flags[pfn] as number) & flags) !== 0;
  }

  /** All flags of a folio. */
  flagsOf(pfn: number): number {
    return this.#flags[pfn] as number;
  }

  set(pfn: number, flags: number): void {
    this.#flags[pfn] = (this.#flags[pfn] as number) | flags;
  }

  clear(pfn: number, flags: number): void {
    this.#flags[pfn] = (this.#flags[pfn] as number) & ~flags;
  }

  /** Index in its mapping of the folio's first page. */
  indexOf(pfn: number): number {
    return this.#index[pfn] as number;
  }

  /** The folio spans 2^order pages. */
  orderOf(pfn: number): number {
    return this.#order[pfn] as number;
  }

  /**
   * Index of the first page of the folio that holds page `index`. Of a single page this looks at
   * the flags alone, as each further array would be a line of memory to wait for.
   */
  startOf(pfn: number, index: number): number {
    return this.test(pfn, PG_HEAD) ? this.indexOf(pfn) : index;
  }

  /** Pages in the folio. */
  pagesOf(pfn: number): number {
    return this.test(pfn, PG_HEAD) ? 1 << (this.#order[pfn] as number) : 1;
  }

  /** Bytes in the folio. */
  sizeOf(pfn: number): number {
    return PAGE_SIZE * this.pagesOf(pfn);
  }

  /** The mapping that holds the folio, undefined once it was truncated or reclaimed. */
  mappingOf(pfn: number): AddressSpace | undefined {
    return this.#mapping[pfn];
  }

  refsOf(pfn: number): number {
    return this.#refs[pfn] as number;
  }

  /**
   * Allocates a folio and puts it into a mapping, locked, with one reference for the mapping and
   * one for the caller. -1 when no memory can be had without sleeping; the index must be absent.
   */
  addLocked(mapping: AddressSpace, index: number, order = 0): number {
    const pages = 1 << order;
    if (this.frames.free < pages) this.reclaim(Math.max(RECLAIM_BATCH, pages));
    const pfn = this.frames.allocateOrder(order);
    if (pfn < 0) return NONE;
    this.#flags[pfn] = order === 0 ? PG_LOCKED : PG_LOCKED | PG_HEAD;
    this.#locked++;
    this.#refs[pfn] = 2;
    this.#order[pfn] = order;
    this.#index[pfn] = index;
    this.#mapping[pfn] = mapping;
    mapping.insert(index, pfn, pages);
    this.#lruAppend(pfn);
    return pfn;
  }

  /** Takes a folio out of its mapping and drops the mapping's reference. */
  remove(pfn: number): void {
    const mapping = this.#mapping[pfn];
    assert(mapping !== undefined, 'folio # removed from no mapping', pfn);
    assert(!this.test(pfn, PG_DIRTY | PG_WRITEBACK), 'folio # removed before it was written', pfn);
    mapping.erase(this.#index[pfn] as number, this.pagesOf(pfn));
    this.#mapping[pfn] = undefined;
    this.#lruRemove(pfn);
    this.put(pfn);
    if (mapping.pages === 0) this.#hooks.mappingEmptied?.(mapping);
  }

  /**
   * Makes single pages of a large folio that the caller has locked and referenced, and that nobody
   * else uses: its first page stays locked and referenced, the others are neither. False if it is
   * used, or something is kept of it (split_folio).
   */
  split(pfn: number): boolean {
    const order = this.#order[pfn] as number;
    const mapping = this.#mapping[pfn];
    const busy = this.test(pfn, PG_DIRTY | PG_PRIVATE | PG_FSCACHE | PG_WRITEBACK | PG_WAITERS);
    if (order === 0 || mapping === undefined || busy || this.#refs[pfn] !== 2) return false;
    const index = this.#index[pfn] as number;
    const flags = (this.#flags[pfn] as number) & ~PG_HEAD;
    mapping.erase(index, 1 << order);
    for (let i = 0; i < 1 << order; i++) {
      this.#flags[pfn + i] = i === 0 ? flags : flags & ~(PG_LOCKED | PG_READAHEAD);
      this.#refs[pfn + i] = i === 0 ? 2 : 1;
      this.#order[pfn + i] = 0;
      this.#index[pfn + i] = index + i;
      this.#mapping[pfn + i] = mapping;
      mapping.insert(index + i, pfn + i, 1);
      if (i > 0) this.#lruAppend(pfn + i);
    }
    return true;
  }

  get(pfn: number): void {
    this.#refs[pfn] = (this.#refs[pfn] as number) + 1;
  }

  /** Drops a reference; the last one frees the frames. */
  put(pfn: number): void {
    const refs = (this.#refs[pfn] as number) - 1;
    assert(refs >= 0, 'reference count of folio # below zero', pfn);
    this.#refs[pfn] = refs;
    if (refs > 0) {
      if (refs === 1) this.#noteReclaimable(pfn);
      return;
    }
    assert(this.#mapping[pfn] === undefined, 'folio # freed while it is in a mapping', pfn);
    this.#flags[pfn] = 0;
    this.frames.release(pfn, this.#order[pfn] as number);
    this.#memoryFreed.wakeAll();
  }

  tryLock(pfn: number): boolean {
    if (this.test(pfn, PG_LOCKED)) return false;
    this.set(pfn, PG_LOCKED);
    this.#locked++;
    return true;
  }

  unlock(pfn: number): void {
    assert(this.test(pfn, PG_LOCKED), 'folio # unlocked twice', pfn);
    this.clear(pfn, PG_LOCKED);
    this.#locked--;
    this.#wake(pfn);
    this.#noteReclaimable(pfn);
    if (this.#locked === 0) this.#ioEnded();
  }

  /** What somebody sleeps on who waits for a folio to be unlocked, until it is: it is locked. */
  unlocking(pfn: number): WaitQueue {
    return this.#queue(pfn);
  }

  /**
   * Sleeps until the folio is unlocked: 0, or -EINTR on a fatal signal. The caller holds a
   * reference.
   */
  *waitUnlocked(pfn: number): Task<number> {
    while (this.test(pfn, PG_LOCKED)) {
      if (this.#scheduler.context.killed) return -EINTR;
      yield this.#queue(pfn);
    }
    return 0;
  }

  /** Sleeps until the folio is locked for the caller, who holds a reference. Not interruptible. */
  *lock(pfn: number): Task {
    while (!this.tryLock(pfn)) yield this.#queue(pfn);
  }

  /** Marks the folio as being written to the cache; it must not be already. Takes a reference. */
  startFscache(pfn: number): void {
    assert(!this.test(pfn, PG_FSCACHE), 'PG_fscache set twice on folio #', pfn);
    this.get(pfn);
    this.set(pfn, PG_FSCACHE);
    this.#underFscache++;
  }

  /** Ends the write to the cache: wakes waiters and drops the reference. */
  endFscache(pfn: number): void {
    assert(this.test(pfn, PG_FSCACHE), 'PG_fscache ended twice on folio #', pfn);
    this.clear(pfn, PG_FSCACHE);
    this.#underFscache--;
    this.#wake(pfn);
    this.put(pfn);
    if (this.#underFscache === 0) this.#ioEnded();
  }

  /** Sleeps until no write to the cache is in flight: 0; `killable`: -EINTR on a fatal signal. */
  *waitFscache(pfn: number, killable = false): Task<number> {
    while (this.test(pfn, PG_FSCACHE)) {
      if (killable && this.#scheduler.context.killed) return -EINTR;
      yield this.#queue(pfn);
    }
    return 0;
  }

  /** Pages that are dirty. */
  get dirtyPages(): number {
    return this.#dirty;
  }

  /** Pages that are being written to the server. */
  get writebackPages(): number {
    return this.#underWriteback;
  }

  /** Woken when writeback of a page ends. */
  get cleaned(): WaitQueue {
    return this.#cleaned;
  }

  /** Sleeps until the folio is locked: 0, or -EINTR on a fatal signal. A reference is held. */
  *lockKillable(pfn: number): Task<number> {
    while (!this.tryLock(pfn)) {
      const error = yield* this.waitUnlocked(pfn);
      if (error !== 0) return error;
    }
    return 0;
  }

  /** Sets the private word; the first time it takes a reference. */
  attachPrivate(pfn: number, low: number, high: number): void {
    if (!this.test(pfn, PG_PRIVATE)) {
      this.get(pfn);
      this.set(pfn, PG_PRIVATE);
    }
    this.#private[pfn * 2] = low;
    this.#private[pfn * 2 + 1] = high;
  }

  /** Ends the private word and drops its reference. */
  detachPrivate(pfn: number): void {
    assert(this.test(pfn, PG_PRIVATE), 'folio # has no private word', pfn);
    this.clear(pfn, PG_PRIVATE);
    this.put(pfn);
  }

  /** The low 32 bits of the private word. */
  privateLow(pfn: number): number {
    return this.#private[pfn * 2] as number;
  }

  /** The high 32 bits of the private word. */
  privateHigh(pfn: number): number {
    return this.#private[pfn * 2 + 1] as number;
  }

  /** Marks a folio of a mapping as needing to be written; true if it was not. */
  markDirty(pfn: number): boolean {
    if (this.test(pfn, PG_DIRTY)) return false;
    this.set(pfn, PG_DIRTY);
    this.#dirty += this.pagesOf(pfn);
    this.#tag(pfn, 1);
    return true;
  }

  /**
   * Ends being dirty, because the folio is about to be written or thrown away; true if it was.
   * Mappings of the page must ask again before they write to it.
   */
  clearDirty(pfn: number): boolean {
    if (!this.test(pfn, PG_DIRTY)) return false;
    const mapping = this.#mapping[pfn];
    for (const area of mapping?.areas ?? []) {
      area.writeProtect(this.#index[pfn] as number, this.pagesOf(pfn));
    }
    this.clear(pfn, PG_DIRTY);
    this.#dirty -= this.pagesOf(pfn);
    this.#tag(pfn, -1);
    return true;
  }

  /** Marks a folio as being written to the server; it must not be already. */
  startWriteback(pfn: number): void {
    assert(!this.test(pfn, PG_WRITEBACK), 'folio # is under writeback already', pfn);
    this.set(pfn, PG_WRITEBACK);
    this.#underWriteback += this.pagesOf(pfn);
    this.#tag(pfn, 1);
  }

  /** Ends writeback and wakes who waits for it. */
  endWriteback(pfn: number): void {
    assert(this.test(pfn, PG_WRITEBACK), 'writeback of folio # ended twice', pfn);
    this.clear(pfn, PG_WRITEBACK);
    this.#underWriteback -= this.pagesOf(pfn);
    this.#wake(pfn);
    this.#cleaned.wakeAll();
    this.#noteReclaimable(pfn);
    this.#tag(pfn, -1);
    if (this.#underWriteback === 0) this.#ioEnded();
  }

  /** Sleeps until the folio is not under writeback: 0; `killable`: -EINTR on a fatal signal. */
  *waitWriteback(pfn: number, killable = false): Task<number> {
    while (this.test(pfn, PG_WRITEBACK)) {
      if (killable && this.#scheduler.context.killed) return -EINTR;
      yield this.#queue(pfn);
    }
    return 0;
  }

  /**
   * Notes a use (mark_page_accessed): the first makes a folio referenced, the second active. The
   * list is left alone, so that a hit stores nothing outside of the folio's own flags.
   */
  touch(pfn: number): void {
    const flags = this.#flags[pfn] as number;
    if ((flags & PG_ACTIVE) !== 0) return;
    this.#flags[pfn] = flags | ((flags & PG_REFERENCED) === 0 ? PG_REFERENCED : PG_ACTIVE);
  }

  /**
   * Frees up to `pages` pages, oldest first. Active folios become the newest and ordinary. Folios
   * in use become the newest too, so that the next reclaim does not pass over them again. Returns
   * the number freed.
   */
  reclaim(pages: number): number {
    if (this.#nothingDroppable) return 0;
    let freed = 0;
    let chances = SECOND_CHANCES;
    // Everything is looked at once more behind active folios that have become ordinary.
    let left = this.#listed * 2;
    let pfn = this.#oldest;
    while (pfn !== NONE && freed < pages && left-- > 0) {
      const next = this.#newer[pfn] as number;
      const isActive = this.test(pfn, PG_ACTIVE) && chances-- > 0;
      if (!isActive && this.isDroppable(pfn)) {
        freed += this.pagesOf(pfn);
        const mapping = this.#mapping[pfn] as AddressSpace;
        mapping.ops.releaseFolio?.(mapping);
        this.remove(pfn);
        pfn = next;
        continue;
      }
      if (isActive) this.clear(pfn, PG_ACTIVE | PG_REFERENCED);
      this.#lruRemove(pfn);
      this.#lruAppend(pfn);
      pfn = next === NONE ? this.#oldest : next;
    }
    this.#nothingDroppable = freed === 0;
    return freed;
  }

  /** True for a clean, unlocked folio that nobody but its mapping refers to. */
  isDroppable(pfn: number): boolean {
    return !this.test(pfn, PG_PINNED) && this.#refs[pfn] === 1;
  }

  /**
   * Sleeps until a page can be allocated: 0, or -EINTR on a fatal signal. If only dirty pages are
   * in the way they are written, in one round; if that frees none, -ENOMEM.
   */
  *waitForMemory(): Task<number> {
    let asked = false;
    while (this.frames.free === 0 && this.reclaim(RECLAIM_BATCH) === 0) {
      if (this.#scheduler.context.killed) return -EINTR;
      const inFlight = this.#locked + this.#underWriteback + this.#underFscache;
      if (inFlight === 0 && this.#dirty > 0) {
        if (this.#hooks.flushing?.(!asked) !== true) return -ENOMEM;
        asked = true;
      }
      yield this.#memoryFreed;
    }
    return 0;
  }

  /** A round of writing back has ended: whoever waits for memory looks again. */
  writebackEnded(): void {
    this.#memoryFreed.wakeAll();
  }

  /** Every folio that is in a mapping, oldest first: for the checks at the end of a run. */
  *all(): Generator<number> {
    for (let pfn = this.#oldest; pfn !== NONE; pfn = this.#newer[pfn] as number) yield pfn;
  }

  /** Only for `AddressSpace`: it got its first folio to be written, or lost its last. */
  taggedChanged(mapping: AddressSpace): void {
    this.#hooks.taggedChanged?.(mapping);
  }

  #tag(pfn: number, change: 1 | -1): void {
    const mapping = this.#mapping[pfn];
    assert(mapping !== undefined, 'folio # is written but in no mapping', pfn);
    mapping.tag(this.#index[pfn] as number, change);
  }

  // Somebody waiting for memory can now have this folio's.
  #noteReclaimable(pfn: number): void {
    if (!this.#nothingDroppable && this.#memoryFreed.length === 0) return;
    if (!this.isDroppable(pfn)) return;
    this.#nothingDroppable = false;
    this.#memoryFreed.wakeAll();
  }

  // Nothing more of a kind is in flight: whoever waits for memory may wait in vain.
  #ioEnded(): void {
    if (this.#memoryFreed.length > 0) this.#memoryFreed.wakeAll();
  }

  #queue(pfn: number): WaitQueue {
    this.set(pfn, PG_WAITERS);
    this.#waiting[pfn] ??= new WaitQueue('folio', pfn);
    return this.#waiting[pfn];
  }

  #wake(pfn: number): void {
    if (!this.test(pfn, PG_WAITERS)) return;
    this.clear(pfn, PG_WAITERS);
    const queue = this.#waiting[pfn];
    this.#waiting[pfn] = undefined;
    queue?.wakeAll();
  }

  #lruAppend(pfn: number): void {
    this.#listed++;
    this.#older[pfn] = this.#newest;
    this.#newer[pfn] = NONE;
    if (this.#newest === NONE) this.#oldest = pfn;
    else this.#newer[this.#newest] = pfn;
    this.#newest = pfn;
  }

  #lruRemove(pfn: number): void {
    this.#listed--;
    const older = this.#older[pfn] as number;
    const newer = this.#newer[pfn] as number;
    if (older === NONE) this.#oldest = newer;
    else this.#newer[older] = newer;
    if (newer === NONE) this.#newest = older;
    else this.#older[newer] = older;
  }
}
