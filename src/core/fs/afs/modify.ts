/**
 * Modifying a file on the server: StoreData and setting the size, one at a time, with what they
 * mean for the version and the page cache; the disk cache is the inode's affair. Kernel:
 * fs/afs/fsclient.c (StoreData, StoreStatus) and fs/afs/inode.c (setattr). Spec: BEHAVIOUR 5.5,
 * 5.9; one per file.
 *
 * Differs: repaired, what has been written behind the end and is not stored yet is not cut off when
 * somebody else changes the file.
 */
import { ENOENT } from '../../base/errno.js';
import { pageIndex } from '../../base/range.js';
import { IovIter } from '../../mm/iov_iter.js';
import { truncatePages } from '../../mm/truncate.js';
import type { ChangeReply, ServerStatus, StoreSource } from '../../server/types.js';
import { RwSemaphore } from '../../sim/rw_semaphore.js';
import { type Task, WaitQueue } from '../../sim/wait_queue.js';
import type { ModifyOps } from '../types.js';
import type { AfsModifications, AfsParts, AfsVnode } from './types.js';
import { clearBeyondEnd } from './write.js';

/** What modifications of a file mean for the disk cache. */
interface CachedFile {
  writingBegins(direct: boolean): void;
  writingEnds(direct: boolean): void;
  resized(size: number): void;
}

/** The modifications of one file. */
export class AfsModify implements ModifyOps, AfsModifications {
  readonly lock: RwSemaphore;
  readonly #vnode: AfsVnode;
  readonly #parts: AfsParts;
  readonly #cached: CachedFile;
  /** One operation on the server at a time, so that each knows the version before it (io_lock). */
  readonly ioLock: RwSemaphore;
  /** One is with the server now. */
  underWay = false;
  /** Those that have ended. */
  ended = 0;

  constructor(vnode: AfsVnode, parts: AfsParts, cached: CachedFile) {
    this.#vnode = vnode;
    this.#cached = cached;
    this.#parts = parts;
    this.lock = new RwSemaphore('i_rwsem');
    this.ioLock = new RwSemaphore('io_lock');
  }

  beginWriting(direct: boolean): number {
    const error = this.#parts.server.makeWritable(this.#vnode.file);
    if (error === 0) this.#cached.writingBegins(direct);
    return error;
  }

  endWriting(direct: boolean): void {
    this.#cached.writingEnds(direct);
  }

  /** StoreData: stores the bytes at `position` of the file. */
  storeData(position: number, from: StoreSource): Task<number> {
    return this.#change((done) => {
      // As it is now that the lock is held: the file may have been cut off while it was waited for.
      const size = Math.max(position + from.count, this.#vnode.size);
      this.#parts.server.store(this.#vnode.file, position, from, size, done);
    });
  }

  storePages(start: number, position: number, length: number): Task<number> {
    return this.ioLock.exclusively(() => this.#storePagesLocked(start, position, length));
  }

  *#storePagesLocked(start: number, position: number, length: number): Task<number> {
    const { file, mapping, size } = this.#vnode;
    // The kernel knows the size from before it waited, and extends the file again.
    const keeps = this.#parts.defects === 'repaired' ? size - position : length;
    const count = Math.min(length, keeps);
    if (count <= 0) return 0;
    const from = new IovIter(mapping, start, count);
    const whole = Math.max(position + count, size);
    return yield* this.#changeLocked((done) => {
      this.#parts.server.store(file, position, from, whole, done);
    });
  }

  *setSize(size: number): Task<number> {
    const vnode = this.#vnode;
    const error = yield* this.#parts.writeback.writeAndWait(vnode.mapping);
    if (error < 0) return error;
    return yield* vnode.validateLock.exclusively(() => this.#setSizeLocked(size));
  }

  *#setSizeLocked(size: number): Task<number> {
    const vnode = this.#vnode;
    const { mapping } = vnode;
    const error = yield* this.#change((done) => {
      this.#parts.server.setSize(vnode.file, size, done);
    });
    if (error !== 0) return error;
    const before = vnode.size;
    if (size > before) clearBeyondEnd(vnode, this.#parts.defects === 'repaired');
    vnode.size = size;
    // A page that was mapped over the end has to be asked for again now that it is in the file.
    for (const area of mapping.areas) area.writeProtect(pageIndex(before), 1);
    if (size < before) yield* truncatePages(mapping, size);
    this.#cached.resized(size);
    return 0;
  }

  /** Applies the status of a file that somebody else has changed. */
  madeByOthers({ version, size }: ServerStatus): void {
    const vnode = this.#vnode;
    // What was written behind the end and is not stored yet is not cut off.
    const keeps = this.#parts.defects === 'repaired' && vnode.mapping.isTagged;
    vnode.version = version;
    vnode.size = keeps ? Math.max(vnode.size, size) : size;
    vnode.newContent = false;
  }

  startAnew(): void {
    this.#vnode.newContent = true;
  }

  *sync(): Task<number> {
    const answered = new WaitQueue(`fsync of ${this.#vnode.name}`);
    let result: number | undefined;
    this.#parts.server.sync(this.#vnode.file, (answer) => {
      result = answer;
      answered.wakeAll();
    });
    while (result === undefined) yield answered;
    return result;
  }

  #change(issue: (done: (reply: ChangeReply) => void) => void): Task<number> {
    return this.ioLock.exclusively(() => this.#changeLocked(issue));
  }

  *#changeLocked(issue: (done: (reply: ChangeReply) => void) => void): Task<number> {
    const vnode = this.#vnode;
    const answered = new WaitQueue(`change of ${vnode.name} on the server`);
    let reply: ChangeReply | undefined;
    this.underWay = true;
    try {
      issue((answer) => {
        reply = answer;
        answered.wakeAll();
      });
      while (reply === undefined) yield answered;
    } finally {
      this.underWay = false;
      this.ended++;
    }
    const { result, status, before } = reply;
    if (result === -ENOENT) vnode.deleted = true;
    // After a failure nobody knows how much was written: as if somebody else had written it.
    if (status !== undefined && before === vnode.version && result === 0) vnode.applyOwn(status);
    else if (status !== undefined) vnode.applyStatus(status);
    return result;
  }
}
