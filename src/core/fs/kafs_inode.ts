/**
 * A file of the AFS client as of v6.1: its versions, and what writing to it means for its cookie.
 * What is stored goes into the cache at the same time, whole pages of it. Plays the vnode's part of
 * fs/afs/{write,inode}.c; made by `kafs.ts`, used by the AFS write side. Spec: BEHAVIOUR 5, 6.4.
 */
import { ENOBUFS } from '../base/errno.js';
import { PAGE_SIZE } from '../base/range.js';
import type { Cookie } from '../fscache/cookie.js';
import type { AddressSpace } from '../mm/address_space.js';
import { PG_DIRTY, PG_WRITEBACK } from '../mm/folio.js';
import type { ServerFile, ServerStatus } from '../server/types.js';
import { RwSemaphore } from '../sim/rw_semaphore.js';
import { awaited, type Task } from '../sim/wait_queue.js';
import { AfsChanges, type ChangedVnode, type ChangeParts } from './afs_changes.js';
import { type CallbackState, type Callbacks, noCallback, type PromisedFile } from './callbacks.js';
import { type CookieFs, CookieInode } from './cookie_fs.js';

/** A file of such a client. */
export class KafsInode extends CookieInode implements ChangedVnode, PromisedFile {
  newContent = false;
  deleted = false;
  readonly callback: CallbackState = noCallback();
  readonly validateLock: RwSemaphore;
  readonly changes: AfsChanges;
  /** How the file is called in afs_folio_dirty, in place of its address. */
  readonly traceName: string;
  readonly #callbacks: Callbacks;
  #stale = false;

  constructor(
    client: CookieFs,
    mapping: AddressSpace,
    file: ServerFile,
    cookie: Cookie,
    parts: ChangeParts & { readonly callbacks: Callbacks },
    traceName: string,
  ) {
    super(client, mapping, file, cookie);
    this.traceName = traceName;
    this.#callbacks = parts.callbacks;
    this.validateLock = new RwSemaphore(`validate_lock of ${file.name}`);
    this.changes = new AfsChanges(this, parts, {
      beginWriting: () => cookie.willModify(),
      endWriting: () => {
        this.wasWritten = true;
      },
      resized: (size) => cookie.resize(size),
    });
  }

  isValid(): boolean {
    this.#callbacks.listenFor(this.file);
    return this.#callbacks.holds(this);
  }

  validate(): Task<number> {
    return this.#callbacks.validate(this, this.file);
  }

  /** Pages of a version that is gone may be left. */
  get isStale(): boolean {
    return this.#stale;
  }

  /**
   * Applies what the server says: another version than ours means that somebody changed the file,
   * and nothing that is kept of it may be believed.
   */
  applyStatus(status: ServerStatus): void {
    if (status.version === this.version) return;
    this.changes.madeByOthers(status);
    this.#stale = true;
    this.cookie.invalidate(this.version, this.size);
  }

  *zap(): Task {
    if (!this.#stale) return;
    const { version, mapping } = this;
    const { folios } = mapping;
    mapping.invalidate(0, Number.MAX_SAFE_INTEGER);
    for (const pfn of [...mapping.range(0, Number.MAX_SAFE_INTEGER)]) {
      // The list was made before others ran: the frame may hold another page by now.
      if (folios.mappingOf(pfn) !== mapping) continue;
      folios.get(pfn);
      yield* folios.lock(pfn);
      yield* folios.waitFscache(pfn);
      this.#drop(pfn);
      folios.unlock(pfn);
      folios.put(pfn);
    }
    if (version === this.version) this.#stale = false;
  }

  // Also a page that another process is about to read. What is dirty or mapped is left, as the
  // kernel leaves it.
  #drop(pfn: number): void {
    const { mapping } = this;
    const { folios } = mapping;
    if (folios.mappingOf(pfn) !== mapping || folios.test(pfn, PG_DIRTY | PG_WRITEBACK)) return;
    if (mapping.isMapped(folios.indexOf(pfn), folios.pagesOf(pfn))) return;
    mapping.ops.releaseFolio?.(mapping);
    folios.remove(pfn);
  }

  applyOwn(status: ServerStatus): void {
    this.version = status.version;
  }

  grow(end: number): void {
    if (end <= this.size) return;
    this.size = end;
    this.cookie.update(undefined, end);
  }

  *storing(first: number, last: number): Task {
    const { cookie, mapping } = this;
    if (!cookie.enabled) return;
    const { folios } = mapping;
    for (const pfn of mapping.range(first, last)) folios.startFscache(pfn);
    const length = (last - first + 1) * PAGE_SIZE;
    const ended = (result: number): void => {
      for (const pfn of [...mapping.range(first, last)]) folios.endFscache(pfn);
      // There may be no room for it. What failed otherwise, or in part, is not to be believed.
      const failed = result < length && result !== -ENOBUFS;
      if (failed) cookie.invalidate(this.version, this.size);
    };
    yield* awaited(cookie.writeToCache(mapping, first * PAGE_SIZE, length, ended));
  }

  // It has gone into the cache already.
  stored(): void {}
}
