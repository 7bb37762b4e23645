/**
 * A file of the AFS client: its versions, its pages when they are outdated, and what reading and
 * writing it means for its cookie. Kernel: the vnode's part of fs/afs/{write,inode}.c; made by
 * `client.ts`, used by the write side. Spec: BEHAVIOUR 5, 6.4.
 */
import { ENOBUFS, ESTALE } from '../../base/errno.js';
import { PAGE_SIZE } from '../../base/range.js';
import type { Cookie } from '../../fscache/cookie.js';
import type { AddressSpace } from '../../mm/address_space.js';
import { PG_DIRTY, PG_UPTODATE, PG_WRITEBACK } from '../../mm/folio.js';
import type { ServerFile, ServerStatus } from '../../server/types.js';
import { RwSemaphore } from '../../sim/rw_semaphore.js';
import type { MaybeTask, Task } from '../../sim/wait_queue.js';
import { type CookieFs, CookieInode } from '../cookie_fs.js';
import { type Callbacks, noCallback } from './callbacks.js';
import { AfsDirect } from './direct.js';
import type { AfsFetch } from './fetch.js';
import { AfsModify } from './modify.js';
import type { AfsParts, AfsVnode } from './types.js';

/** A file of the client. */
export class AfsInode extends CookieInode implements AfsVnode {
  newContent = false;
  deleted = false;
  /** Times that somebody else was found to have changed the file. */
  foreignChanges = 0;
  readonly callback = noCallback();
  readonly validateLock: RwSemaphore;
  readonly modify: AfsModify;
  readonly direct: AfsDirect | undefined;
  readonly traceName: string;
  /** Absent where files are validated only when they are opened. */
  readonly isValid: (() => boolean) | undefined;
  readonly #parts: AfsParts;
  readonly #callbacks: Callbacks;
  #stale = false;
  /** Pages that were dirty when the others were dropped are outdated around what was written. */
  #outdated = false;
  /** Opens for writing that keep the file out of the disk cache. */
  #keptOut = 0;

  constructor(
    client: CookieFs,
    mapping: AddressSpace,
    file: ServerFile,
    cookie: Cookie,
    parts: AfsParts,
    { callbacks, fetch }: { readonly callbacks: Callbacks; readonly fetch: AfsFetch },
    traceName: string,
  ) {
    super(client, mapping, file, cookie);
    const { behaviour, requests } = parts;
    this.#parts = parts;
    this.#callbacks = callbacks;
    this.traceName = traceName;
    this.validateLock = new RwSemaphore(`validate_lock of ${file.name}`);
    this.modify = new AfsModify(this, parts, this);
    this.direct = behaviour.directIo ? new AfsDirect(this, fetch, requests.stats.bytes) : undefined;
    this.isValid = behaviour.validates === 'use' ? () => this.#isPromised() : undefined;
  }

  #isPromised(): boolean {
    this.#callbacks.listenFor(this.file);
    return this.#callbacks.holds(this);
  }

  *validate(): Task<number> {
    return this.isValid === undefined ? 0 : yield* this.#callbacks.validate(this, this.file);
  }

  get isStale(): boolean {
    return this.#stale;
  }

  applyStatus(status: ServerStatus): void {
    if (status.version === this.version) return;
    this.modify.madeByOthers(status);
    this.foreignChanges++;
    this.#stale = true;
    this.cookie.invalidate(this.version, this.size);
  }

  applyOwn(status: ServerStatus): void {
    this.version = status.version;
    if (!this.#copiesBeside) this.cookie.update(this.version, this.size);
  }

  *zap(): Task {
    if (!this.#stale) return;
    const { version, mapping } = this;
    const { defects, behaviour, scheduler } = this.#parts;
    mapping.invalidate(0, Number.MAX_SAFE_INTEGER);
    for (const pfn of [...mapping.range(0, Number.MAX_SAFE_INTEGER)]) {
      // v5.13 leaves pages that are in use; repaired, they go as soon as they can.
      if (behaviour.validates === 'use') yield* this.#zapBusy(pfn);
      else if (defects === 'repaired') scheduler.startHere(this.#zapLater(pfn));
    }
    if (version !== this.version) return;
    this.#stale = false;
    // The kernel forgets that dirty pages stay; repaired, they go once they have been written.
    this.#outdated = defects === 'repaired' && mapping.isTagged;
  }

  /** The file has no dirty pages any more. */
  allWritten(): void {
    this.#outdated = false;
  }

  // What is copied into the cache is whole pages, of which only a part was written.
  get #keepsOutdated(): boolean {
    return this.#outdated || (this.#stale && this.#parts.defects === 'repaired');
  }

  *#zapLater(pfn: number): Task {
    // This context is a copy: whoever opens the file may be killed, and this has to go on.
    this.#parts.scheduler.context.killed = false;
    yield* this.#zapBusy(pfn);
  }

  // Also a page that another process is about to read, or that is on its way into the disk cache.
  *#zapBusy(pfn: number): Task {
    const { mapping } = this;
    const { folios } = mapping;
    // The list was made before others ran: the frame may hold another page by now.
    if (folios.mappingOf(pfn) !== mapping) return;
    folios.get(pfn);
    yield* folios.lock(pfn);
    if (this.#parts.defects === 'repaired' && !folios.test(pfn, PG_DIRTY | PG_WRITEBACK)) {
      folios.clear(pfn, PG_UPTODATE);
    }
    yield* folios.waitFscache(pfn);
    this.#drop(pfn);
    folios.unlock(pfn);
    folios.put(pfn);
  }

  // What is dirty or mapped is left, as the kernel leaves it.
  #drop(pfn: number): void {
    const { mapping } = this;
    const { folios } = mapping;
    if (folios.mappingOf(pfn) !== mapping || folios.test(pfn, PG_DIRTY | PG_WRITEBACK)) return;
    const mapped = mapping.isMapped(folios.indexOf(pfn), folios.pagesOf(pfn));
    if (mapped) return;
    mapping.ops.releaseFolio?.(mapping);
    folios.remove(pfn);
  }

  grow(end: number): void {
    if (end <= this.size) return;
    this.size = end;
    if (this.#copiesBeside) this.cookie.update(undefined, end);
  }

  /** The file is opened for writing, perhaps with O_DIRECT. */
  writingBegins(direct: boolean): void {
    if (this.#copiesBeside) this.cookie.willModify();
    else if (this.#keepsOut(direct) && this.#keptOut++ === 0) this.cookie.suspend();
  }

  /** An open for writing ends. */
  writingEnds(direct: boolean): void {
    if (this.#copiesBeside) this.wasWritten = true;
    else if (this.#keepsOut(direct) && --this.#keptOut === 0) {
      this.cookie.resume(this.version, this.size);
    }
  }

  /** The file has just been cut off or extended to `size` bytes. */
  resized(size: number): void {
    this.cookie.resize(size);
    if (!this.#copiesBeside) this.cookie.update(this.version);
  }

  get #copiesBeside(): boolean {
    return this.#parts.behaviour.copiesStores === 'beside';
  }

  #keepsOut(direct: boolean): boolean {
    return direct || this.#parts.options.cacheWrites === 'off';
  }

  override pinCache(): void {
    if (this.#parts.behaviour.pinsCookie) super.pinCache();
  }

  storing(first: number, last: number): MaybeTask {
    if (!this.#copiesBeside || !this.cookie.enabled) return;
    if (this.#keepsOutdated) {
      this.cookie.forgetRange(first * PAGE_SIZE, (last - first + 1) * PAGE_SIZE);
      return;
    }
    return this.#copy(first, last, (result, length) => {
      // There may be no room for it. What failed otherwise, or in part, is not to be believed.
      if (result >= length || result === -ENOBUFS) return;
      this.cookie.invalidate(this.version, this.size);
    });
  }

  stored(first: number, last: number): void {
    const { options, defects, scheduler } = this.#parts;
    const { cookie } = this;
    if (this.#outdated) {
      for (const pfn of this.mapping.range(first, last)) {
        scheduler.queueWork(() => this.#zapLater(pfn));
      }
    }
    if (this.#copiesBeside || defects === 'kernel') return;
    const start = first * PAGE_SIZE;
    const bytes = (last - first + 1) * PAGE_SIZE;
    const through = options.cacheWrites === 'through' && !this.#keepsOutdated;
    if (!through || !cookie.hasRoom(bytes)) {
      cookie.forgetRange(start, bytes);
      return;
    }
    const copying = this.#copy(first, last, (result, length) => {
      if (result < length && result !== -ESTALE) cookie.forgetRange(start, length);
    });
    if (copying !== undefined) scheduler.startHere(copying);
  }

  // The kernel leaves in the cache what never reached the server.
  storeFailed(): void {
    if (!this.#copiesBeside || this.#parts.defects === 'kernel') return;
    this.cookie.invalidate(this.version, this.size);
  }

  // `check` is told of the bytes written, or a negative errno, while the pages are still held.
  #copy(first: number, last: number, check: (result: number, length: number) => void): MaybeTask {
    const { cookie, mapping } = this;
    const { folios } = mapping;
    const length = (last - first + 1) * PAGE_SIZE;
    for (const pfn of mapping.range(first, last)) folios.startFscache(pfn);
    return cookie.writeToCache(mapping, first * PAGE_SIZE, length, (result) => {
      check(result, length);
      for (const pfn of [...mapping.range(first, last)]) folios.endFscache(pfn);
    });
  }
}
