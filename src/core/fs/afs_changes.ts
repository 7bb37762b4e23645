/**
 * Changing a file of an AFS client: StoreData and setting the size, one at a time, with what they
 * mean for the version and the page cache; what they mean for the disk cache is a strategy. Plays
 * fs/afs/fsclient.c (StoreData, StoreStatus) and fs/afs/inode.c (setattr). Spec: BEHAVIOUR 5.5,
 * 5.9; one per vnode.
 *
 * Differs: repaired, what has been written behind the end and is not stored yet is not cut off when
 * somebody else changes the file.
 */
import { ENOENT } from '../base/errno.js';
import { pageIndex } from '../base/range.js';
import { truncatePages } from '../mm/truncate.js';
import type { Writeback } from '../mm/writeback.js';
import type { Defects } from '../netfs/types.js';
import type {
  ChangeReply,
  Server,
  ServerFile,
  ServerStatus,
  StoreSource,
} from '../server/types.js';
import { RwSemaphore } from '../sim/rw_semaphore.js';
import { type Task, WaitQueue } from '../sim/wait_queue.js';
import { clearBeyondEnd } from './afs_write.js';
import type { AfsWritable } from './afs_writeback.js';
import type { VnodeChanges } from './types.js';

/** What changing a file needs of its vnode. */
export interface ChangedVnode extends AfsWritable {
  readonly name: string;
  version: string;
  readonly file: ServerFile;
  deleted: boolean;
  applyStatus(status: ServerStatus): void;
  applyOwn(status: ServerStatus): void;
}

/** What changes of a file mean for the disk cache. */
export interface CachedChanges {
  /** It is opened for writing, perhaps with O_DIRECT. */
  beginWriting(direct: boolean): void;
  /** An open for writing ends. */
  endWriting(direct: boolean): void;
  /** It is `size` bytes long now. */
  resized(size: number): void;
}

/** What changing files is built from. */
export interface ChangeParts {
  readonly server: Server;
  readonly writeback: Writeback;
  readonly defects: Defects;
}

/** The changes of one vnode. */
export class AfsChanges implements VnodeChanges {
  readonly lock: RwSemaphore;
  readonly #vnode: ChangedVnode;
  readonly #parts: ChangeParts;
  readonly #cached: CachedChanges;
  /** One operation on the server at a time, so that each knows the version before it (io_lock). */
  readonly ioLock: RwSemaphore;
  /** A change is with the server now. */
  underWay = false;
  /** Changes that have ended. */
  ended = 0;

  constructor(vnode: ChangedVnode, parts: ChangeParts, cached: CachedChanges) {
    this.#vnode = vnode;
    this.#cached = cached;
    this.#parts = parts;
    this.lock = new RwSemaphore('i_rwsem');
    this.ioLock = new RwSemaphore('io_lock');
  }

  beginWriting(direct: boolean): number {
    const error = this.#parts.server.makeWritable(this.#vnode.file);
    if (error === 0) this.#cached.beginWriting(direct);
    return error;
  }

  endWriting(direct: boolean): void {
    this.#cached.endWriting(direct);
  }

  /** StoreData: stores the bytes at `position` of the file. */
  storeData(position: number, from: StoreSource): Task<number> {
    const size = Math.max(position + from.count, this.#vnode.size);
    return this.#change((done) => {
      this.#parts.server.store(this.#vnode.file, position, from, size, done);
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
