/**
 * A file of the AFS client as of v6.1: its versions, and what writing to it means for its cookie.
 * What is stored goes into the cache at the same time, whole pages of it. Plays the vnode's part of
 * fs/afs/{write,inode}.c; made by `kafs.ts`, used by the AFS write side. Spec: BEHAVIOUR 5, 6.4.
 *
 * Differs: repaired, what has been written behind the end and is not stored yet is not cut off when
 * somebody else changes the file.
 */
import { ENOBUFS } from '../base/errno.js';
import { PAGE_SIZE } from '../base/range.js';
import type { StateCookie } from '../fscache/state_cookie.js';
import type { AddressSpace } from '../mm/address_space.js';
import type { ServerFile, ServerStatus, StoreSource } from '../server/types.js';
import { RwSemaphore } from '../sim/rw_semaphore.js';
import type { Task } from '../sim/wait_queue.js';
import { AfsChanges, type ChangedVnode, type ChangeParts } from './afs_changes.js';
import { type CallbackState, noCallback, type PromisedFile } from './callbacks.js';
import { type CookieFs, CookieInode } from './cookie_fs.js';

/** A file of such a client. */
export class KafsInode extends CookieInode implements ChangedVnode, PromisedFile {
  newContent = false;
  deleted = false;
  readonly callback: CallbackState = noCallback();
  changed = 0;
  readonly validateLock: RwSemaphore;
  readonly changes: AfsChanges;
  /** How the file is called in afs_folio_dirty, in place of its address. */
  readonly traceName: string;
  readonly #keepsUnstored: boolean;

  constructor(
    client: CookieFs,
    mapping: AddressSpace,
    file: ServerFile,
    cookie: StateCookie,
    parts: ChangeParts,
    traceName: string,
  ) {
    super(client, mapping, file, cookie);
    this.traceName = traceName;
    this.validateLock = new RwSemaphore(`validate_lock of ${file.name}`);
    this.#keepsUnstored = parts.defects === 'repaired';
    this.changes = new AfsChanges(this, parts, {
      beginWriting: () => cookie.willModify(),
      endWriting: () => {
        this.wasWritten = true;
      },
      resized: (size) => cookie.resize(size),
    });
  }

  override applyStatus(status: ServerStatus): void {
    if (status.version === this.version) return;
    this.newContent = false;
    const keeps = this.#keepsUnstored && this.mapping.isTagged;
    const size = keeps ? Math.max(this.size, status.size) : status.size;
    super.applyStatus({ version: status.version, size });
  }

  applyOwn(status: ServerStatus): void {
    this.version = status.version;
  }

  grow(end: number): void {
    if (end <= this.size) return;
    this.size = end;
    this.cookie.update(undefined, end);
  }

  storeData(position: number, from: StoreSource): Task<number> {
    return this.changes.storeData(position, from);
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
    yield* cookie.writeToCache(mapping, first * PAGE_SIZE, length, ended);
  }

  // It has gone into the cache already.
  stored(): void {}
}
