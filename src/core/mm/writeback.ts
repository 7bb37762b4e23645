/**
 * Writing dirty pages back: on demand (fsync, close, truncate), in the background by amount and by
 * age, and slowing down who dirties pages faster than they are written. Plays mm/filemap.c (write
 * and wait), mm/page-writeback.c and fs/fs-writeback.c; called by `vfs/` and the filesystems.
 *
 * Differs: one flusher for the lab; a writer above the limit sleeps until writeback ends, without a
 * computed pause; limits are shares of the page cache. Where the flusher cannot get below the limit
 * a writer gets the error with which its own file cannot be written; the kernel's sleeps on.
 */
import { EINTR } from '../base/errno.js';
import { pageIndex } from '../base/range.js';
import type { Scheduler } from '../sim/scheduler.js';
import type { Task } from '../sim/wait_queue.js';
import type { AddressSpace } from './address_space.js';
import { type Folios, PG_DIRTY, PG_WRITEBACK } from './folio.js';
import type { WritebackControl } from './types.js';

/** When pages are written in the background (/proc/sys/vm/dirty_*). */
export interface DirtyLimits {
  /** Percent of the page cache that is dirty or under writeback when writers are held up. */
  readonly ratio: number;
  /** Percent that is dirty when the flusher begins. */
  readonly backgroundRatio: number;
  /** Age at which a dirty file is written, ns. */
  readonly expireNs: number;
  /** How often ages are looked at, ns. */
  readonly intervalNs: number;
}

/** Linux's defaults. */
export const DIRTY_LIMITS: DirtyLimits = {
  ratio: 20,
  backgroundRatio: 10,
  expireNs: 30e9,
  intervalNs: 5e9,
};

/** Pages that the flusher writes of one file before it looks at the next (MAX_WRITEBACK_PAGES). */
const CHUNK_PAGES = 1024;
const END = Number.MAX_SAFE_INTEGER;

/** All writing back of a lab. */
export class Writeback {
  readonly #folios: Folios;
  readonly #scheduler: Scheduler;
  readonly #limits: DirtyLimits;
  /** Files with pages to be written, and since when, ns; the oldest first. */
  readonly #files = new Map<AddressSpace, number>();
  /** Files that lost what was written to them, which nobody may have been told of. */
  readonly #lossy = new Set<AddressSpace>();
  #flushing = false;
  /** The round writes everything: memory is short. */
  #pressed = false;
  #armed = false;

  constructor(folios: Folios, scheduler: Scheduler, limits: DirtyLimits) {
    this.#folios = folios;
    this.#scheduler = scheduler;
    this.#limits = limits;
  }

  /** Called when a mapping gets its first page to be written, or has no more of them. */
  taggedChanged(mapping: AddressSpace): void {
    if (!mapping.isTagged) {
      this.#files.delete(mapping);
      if (mapping.errors.untold > 0) this.#lossy.add(mapping);
      return;
    }
    this.#files.set(mapping, this.#scheduler.clock.now());
    this.#arm();
  }

  /**
   * Writes the dirty pages of bytes [start, end] and waits for all writeback of them: 0 or what
   * ->writepages answers. What went wrong is also in the mapping's `errors`.
   */
  *writeAndWait(mapping: AddressSpace, start = 0, end = END): Task<number> {
    let error = 0;
    if (mapping.isTagged && mapping.ops.write !== undefined) {
      error = yield* mapping.ops.write.writepages(mapping, {
        sync: true,
        nrToWrite: END,
        cyclic: false,
        start,
        end,
      });
    }
    yield* this.wait(mapping, start, end);
    return error;
  }

  /** Waits for the writeback of bytes [start, end] that is under way. */
  *wait(mapping: AddressSpace, start = 0, end = END): Task {
    const { folios } = mapping;
    const last = pageIndex(end);
    for (let index = pageIndex(start); index <= last; ) {
      const pfn = mapping.nextTagged(index, last, PG_WRITEBACK);
      if (pfn < 0) return;
      index = folios.indexOf(pfn) + folios.pagesOf(pfn);
      folios.get(pfn);
      yield* folios.waitWriteback(pfn);
      folios.put(pfn);
    }
  }

  /** Writes everything of every file: what unmounting does. */
  *writeAll(): Task {
    for (const mapping of [...this.#files.keys()]) yield* this.writeAndWait(mapping);
  }

  /** Files that lost pages which could not be written, without anybody having been told. */
  losses(): AddressSpace[] {
    return [...this.#lossy].filter(({ errors }) => errors.untold > 0);
  }

  /** Files that have pages to be written. */
  unwritten(): AddressSpace[] {
    return [...this.#files.keys()];
  }

  /** Holds up a writer while too much is dirty (balance_dirty_pages); ends early when killed. */
  *balance(): Task {
    if (this.#aboveBackground) this.#flush();
    while (!this.#scheduler.context.killed && this.#flushing) {
      if (!this.#aboveLimit) return;
      yield this.#folios.cleaned;
    }
  }

  /**
   * Whether a writer may make another page of a file dirty: 0, -EINTR on a fatal signal, or the
   * errno of writing the file back. Where the flusher came to its end and too much is still dirty,
   * because it cannot be written, the file is written first.
   */
  *admit(mapping: AddressSpace): Task<number> {
    if (this.#scheduler.context.killed) return -EINTR;
    if (this.#flushing || !this.#aboveLimit) return 0;
    return yield* this.writeAndWait(mapping);
  }

  /** Memory is short: whether a round of writing back is under way; `start` begins one. */
  flushing(start: boolean): boolean {
    if (start && this.#folios.dirtyPages > 0) {
      this.#pressed = true;
      this.#flush();
    }
    return this.#flushing;
  }

  // Looks at the ages later; not for ever, because nothing else happens on a virtual clock at rest.
  #arm(): void {
    if (this.#armed || this.#files.size === 0) return;
    this.#armed = true;
    this.#scheduler.afterIdle(this.#limits.intervalNs, () => {
      this.#armed = false;
      const old = this.#scheduler.clock.now() - this.#limits.expireNs;
      const [since] = this.#files.values();
      if (since !== undefined && since <= old) this.#flush();
      this.#arm();
    });
  }

  #flush(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    // For no operation, whichever it was that made one page too many dirty.
    const { context } = this.#scheduler;
    const { op } = context;
    context.op = 0;
    this.#scheduler.queueWork(() => this.#flusher());
    context.op = op;
  }

  // One round over the files, the oldest first, as long as there is too much or too old.
  *#flusher(): Task {
    const { clock } = this.#scheduler;
    for (const [mapping, since] of [...this.#files]) {
      const expired = clock.now() - since >= this.#limits.expireNs;
      if (!expired && !this.#pressed && !this.#aboveBackground) continue;
      yield* this.#writeFile(mapping);
    }
    this.#flushing = this.#pressed = false;
    // Writers that are held up look again; with nothing more to be had they go on.
    this.#folios.cleaned.wakeAll();
    this.#folios.writebackEnded();
  }

  get #aboveLimit(): boolean {
    const { dirtyPages, writebackPages, frames } = this.#folios;
    return (dirtyPages + writebackPages) * 100 > this.#limits.ratio * frames.count;
  }

  get #aboveBackground(): boolean {
    const { dirtyPages, frames } = this.#folios;
    return dirtyPages * 100 > this.#limits.backgroundRatio * frames.count;
  }

  *#writeFile(mapping: AddressSpace): Task {
    const { write } = mapping.ops;
    while (write !== undefined && mapping.nextTagged(0, END, PG_DIRTY) >= 0) {
      const wbc: WritebackControl = {
        sync: false,
        nrToWrite: CHUNK_PAGES,
        cyclic: true,
        start: 0,
        end: END,
      };
      const error = yield* write.writepages(mapping, wbc);
      if (error < 0 || wbc.nrToWrite === CHUNK_PAGES) break;
      yield* this.#scheduler.reschedule();
    }
    // What is left, because it was busy or could not be written, is as if it had become dirty now.
    if (this.#files.delete(mapping) && mapping.isTagged) {
      this.#files.set(mapping, this.#scheduler.clock.now());
    }
  }
}
