/**
 * Changing a file of the AFS client: StoreData and setting the size, one at a time, with what they
 * mean for the version, the page cache and the disk cache. Plays fs/afs/fsclient.c (StoreData,
 * StoreStatus) and fs/afs/inode.c (setattr). Spec: BEHAVIOUR 5.5, 5.9; one per vnode.
 *
 * Differs: what is stored goes on into the disk cache, as from v5.17 on; v5.13 leaves the old
 * content there, and gives it out again (reproduced with the kernel's defects).
 */
import { PAGE_SIZE, pageIndex } from '../base/range.js';
import type { Cookie } from '../fscache/cookie.js';
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
import type { ClientOptions, VnodeChanges } from './types.js';

/** What changing a file needs of its vnode. */
export interface ChangedVnode extends AfsWritable {
  readonly name: string;
  readonly version: string;
  readonly file: ServerFile;
  readonly cookie: Cookie | undefined;
  readonly isStale: boolean;
  changed: number;
  applyStatus(status: ServerStatus): void;
  applyOwn(status: ServerStatus): void;
}

interface ChangeParts {
  readonly server: Server;
  readonly writeback: Writeback;
  readonly defects: Defects;
  readonly options: Pick<ClientOptions, 'cacheWrites'>;
}

/** The changes of one vnode. */
export class AfsChanges implements VnodeChanges {
  readonly lock: RwSemaphore;
  readonly #vnode: ChangedVnode;
  readonly #parts: ChangeParts;
  /** One operation on the server at a time, so that each knows the version before it (io_lock). */
  readonly #ioLock: RwSemaphore;
  #writers = 0;
  /** A change is with the server now. */
  underWay = false;

  constructor(vnode: ChangedVnode, parts: ChangeParts) {
    this.#vnode = vnode;
    this.#parts = parts;
    this.lock = new RwSemaphore('i_rwsem');
    this.#ioLock = new RwSemaphore('io_lock');
  }

  beginWriting(): number {
    const { server, options } = this.#parts;
    const error = server.makeWritable(this.#vnode.file);
    if (error < 0) return error;
    if (this.#writers++ === 0 && options.cacheWrites === 'off') this.#vnode.cookie?.suspend();
    return 0;
  }

  endWriting(): void {
    if (--this.#writers > 0) return;
    const { version, size, cookie } = this.#vnode;
    if (this.#parts.options.cacheWrites === 'off') cookie?.resume(version, size);
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
    const { mapping } = vnode;
    let error = yield* this.#parts.writeback.writeAndWait(mapping);
    if (error < 0) return error;
    yield* vnode.validateLock.write();
    error = yield* this.#change((done) => {
      this.#parts.server.setSize(vnode.file, size, done);
    });
    if (error === 0) {
      const before = vnode.size;
      if (size > before) clearBeyondEnd(vnode, this.#parts.defects === 'repaired');
      vnode.size = size;
      // A page that was mapped over the end has to be asked for again now that it is in the file.
      for (const area of mapping.areas) area.writeProtect(pageIndex(before), 1);
      if (size < before) yield* truncatePages(mapping, size);
      vnode.cookie?.resize(vnode.version, size);
    }
    vnode.validateLock.doneWriting();
    return error;
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

  /** Pages [first, last], under writeback still, have been stored on the server. */
  cacheStored(first: number, last: number): void {
    const { options, defects } = this.#parts;
    const { cookie, mapping, isStale } = this.#vnode;
    if (cookie === undefined || defects === 'kernel') return;
    const start = first * PAGE_SIZE;
    const length = (last - first + 1) * PAGE_SIZE;
    const through = options.cacheWrites === 'through' && !isStale;
    if (!through || !cookie.hasRoom(length)) {
      cookie.forgetRange(start, length);
      return;
    }
    const { folios } = mapping;
    const ended = (): void => {
      for (const pfn of [...mapping.range(first, last)]) folios.endFscache(pfn);
    };
    for (const pfn of mapping.range(first, last)) folios.startFscache(pfn);
    if (!cookie.write(mapping, start, length, ended)) ended();
  }

  *#change(issue: (done: (reply: ChangeReply) => void) => void): Task<number> {
    const vnode = this.#vnode;
    yield* this.#ioLock.write();
    const answered = new WaitQueue(`change of ${vnode.name} on the server`);
    let reply: ChangeReply | undefined;
    this.underWay = true;
    issue((answer) => {
      reply = answer;
      answered.wakeAll();
    });
    while (reply === undefined) yield answered;
    this.underWay = false;
    vnode.changed++;
    const { result, status, before } = reply;
    // After a failure nobody knows how much was written: as if somebody else had written it.
    if (status !== undefined && before === vnode.version && result === 0) vnode.applyOwn(status);
    else if (status !== undefined) vnode.applyStatus(status);
    this.#ioLock.doneWriting();
    return result;
  }
}
