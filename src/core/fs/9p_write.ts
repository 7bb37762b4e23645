/**
 * The write side of the 9p client: a page that is written to is read first where something of it
 * stays, and is written back by itself, to the server and then into the cache. Plays the write half
 * of fs/9p/vfs_addr.c and the size changes of vfs_inode_dotl.c as of v6.1; the page cache and
 * `vfs/` call it. Spec: BEHAVIOUR 6.6.
 */
import { EINTR, ENOBUFS } from '../base/errno.js';
import { PAGE_SIZE, pageIndex, roundDown, roundUp } from '../base/range.js';
import type { AddressSpace } from '../mm/address_space.js';
import { type Folios, PG_DIRTY, PG_UPTODATE } from '../mm/folio.js';
import { IovIter } from '../mm/iov_iter.js';
import { truncatePages, zeroPart } from '../mm/truncate.js';
import type { OpenFile, WritebackControl, WriteOps } from '../mm/types.js';
import type { Writeback } from '../mm/writeback.js';
import type { Requests } from '../netfs/requests.js';
import type { Defects, ReadHelper, RequestOps } from '../netfs/types.js';
import type { Transport } from '../server/transport.js';
import { RwSemaphore } from '../sim/rw_semaphore.js';
import { awaited, type Task } from '../sim/wait_queue.js';
import type { CookieInode } from './cookie_fs.js';
import type { ModifyOps } from './types.js';

/** What the write side is built from. */
export interface NinepWriteParts {
  readonly folios: Folios;
  readonly requests: Requests;
  readonly helper: ReadHelper;
  readonly writeback: Writeback;
  readonly transport: Transport;
  readonly defects: Defects;
}

/** The write side of one client. */
export class NinepWrite implements WriteOps {
  readonly #parts: NinepWriteParts;
  readonly #ops: RequestOps;

  constructor(parts: NinepWriteParts, ops: RequestOps) {
    this.#parts = parts;
    this.#ops = ops;
  }

  writeBegin(file: OpenFile, pos: number, len: number): Task<number> {
    const { helper } = this.#parts;
    return helper.writeBegin(file, pos, len, this.#ops);
  }

  *writeEnd(file: OpenFile, pos: number, len: number, copied: number, pfn: number): Task<number> {
    const { folios } = this.#parts;
    const inode = file.inode as CookieInode;
    const whole = folios.test(pfn, PG_UPTODATE);
    // Nothing was read, so that the page is only whole with all the bytes.
    const accepted = whole || copied === len ? copied : 0;
    if (accepted > 0) {
      folios.set(pfn, PG_UPTODATE);
      if (pos + accepted > inode.size) {
        inode.size = pos + accepted;
        inode.cookie.update(undefined, inode.size);
      }
      this.#dirty(inode, pfn);
    }
    folios.unlock(pfn);
    folios.put(pfn);
    return accepted;
  }

  *writepages(mapping: AddressSpace, wbc: WritebackControl): Task<number> {
    const { folios } = this.#parts;
    const inode = mapping.host as CookieInode;
    let result = 0;
    let at = wbc.cyclic ? 0 : pageIndex(wbc.start);
    const last = wbc.cyclic ? Number.MAX_SAFE_INTEGER : pageIndex(wbc.end);
    while (wbc.nrToWrite > 0) {
      const pfn = mapping.nextTagged(at, last, PG_DIRTY);
      if (pfn < 0) break;
      at = folios.indexOf(pfn) + 1;
      folios.get(pfn);
      yield* folios.lock(pfn);
      if (folios.mappingOf(pfn) === mapping && folios.test(pfn, PG_DIRTY)) {
        yield* folios.waitWriteback(pfn);
        const error = yield* this.#writePage(inode, pfn);
        if (error < 0) result = error;
        wbc.nrToWrite--;
      } else {
        folios.unlock(pfn);
      }
      folios.put(pfn);
    }
    // The flusher writes the inode, too; fsync does not.
    if (!wbc.sync && !mapping.isTagged) inode.unpinCache();
    return result;
  }

  *pageMkwrite(file: OpenFile, pfn: number): Task<number> {
    const { folios } = this.#parts;
    if ((yield* folios.waitFscache(pfn, true)) < 0) return -EINTR;
    if ((yield* folios.lockKillable(pfn)) < 0) return -EINTR;
    if (folios.mappingOf(pfn) !== file.mapping) {
      folios.unlock(pfn);
      return 1;
    }
    yield* folios.waitWriteback(pfn);
    yield* folios.waitFscache(pfn);
    this.#dirty(file.inode as CookieInode, pfn);
    return 0;
  }

  *invalidateFolio(pfn: number, offset: number, length: number): Task {
    const { folios } = this.#parts;
    if (offset === 0 && length === folios.sizeOf(pfn)) folios.clearDirty(pfn);
    yield* folios.waitFscache(pfn);
  }

  *launderFolio(pfn: number): Task<number> {
    const { folios } = this.#parts;
    const inode = folios.mappingOf(pfn)?.host as CookieInode;
    let error = 0;
    if (folios.clearDirty(pfn)) error = yield* this.#store(inode, pfn);
    if (error < 0) folios.markDirty(pfn);
    yield* folios.waitFscache(pfn);
    return error;
  }

  #dirty(inode: CookieInode, pfn: number): void {
    this.#parts.folios.markDirty(pfn);
    inode.pinCache();
  }

  // The page is locked, and unlocked when it returns.
  *#writePage(inode: CookieInode, pfn: number): Task<number> {
    const { folios } = this.#parts;
    yield* folios.waitFscache(pfn);
    folios.clearDirty(pfn);
    folios.startWriteback(pfn);
    const error = yield* this.#store(inode, pfn);
    if (error < 0) inode.mapping.errors.set(error, folios.sizeOf(pfn));
    else if (inode.cookie.enabled) yield* this.#writeThrough(inode, pfn);
    folios.endWriteback(pfn);
    folios.unlock(pfn);
    return error;
  }

  *#store(inode: CookieInode, pfn: number): Task<number> {
    const { folios, transport } = this.#parts;
    const { sizeLock } = inode.modify as NinepModify;
    const start = folios.indexOf(pfn) * PAGE_SIZE;
    const piece = (at: number, size: number): IovIter => new IovIter(inode.mapping, at, size);
    yield* sizeLock.read();
    try {
      const count = Math.min(folios.sizeOf(pfn), inode.size - start);
      return count <= 0 ? 0 : (yield* transport.write(inode.file, start, count, piece)).error;
    } finally {
      sizeLock.doneReading();
    }
  }

  // What has been written to the server goes on into the cache, which may have no room for it.
  *#writeThrough(inode: CookieInode, pfn: number): Task {
    const { folios } = this.#parts;
    const start = folios.indexOf(pfn) * PAGE_SIZE;
    folios.startFscache(pfn);
    const ended = (result: number): void => {
      folios.endFscache(pfn);
      if (result < 0 && result !== -ENOBUFS) inode.cookie.invalidate(inode.version, inode.size);
    };
    const { cookie, mapping } = inode;
    yield* awaited(cookie.writeToCache(mapping, start, folios.sizeOf(pfn), ended));
  }
}

/** Modifying one file. */
export class NinepModify implements ModifyOps {
  readonly lock = new RwSemaphore('i_rwsem');
  /** Held shared by stores, exclusively by changes of the size, which a store could undo. */
  readonly sizeLock = new RwSemaphore('size');
  readonly #inode: CookieInode;
  readonly #parts: NinepWriteParts;

  constructor(inode: CookieInode, parts: NinepWriteParts) {
    this.#inode = inode;
    this.#parts = parts;
  }

  beginWriting(): number {
    const error = this.#parts.transport.server.makeWritable(this.#inode.file);
    if (error === 0) this.#inode.cookie.willModify();
    return error;
  }

  endWriting(): void {
    this.#inode.wasWritten = true;
  }

  *setSize(size: number): Task<number> {
    const inode = this.#inode;
    const { mapping } = inode;
    let error = yield* this.#parts.writeback.writeAndWait(mapping);
    if (error < 0) return error;
    const before = inode.size;
    error = yield* this.sizeLock.exclusively(() => this.#setSizeLocked(size));
    if (error < 0 || size >= before) return error;
    yield* truncatePages(mapping, size);
    // The kernel does not tell the cookie, whose object later gives out what was cut off.
    if (this.#parts.defects === 'repaired') {
      const start = roundDown(size, PAGE_SIZE);
      inode.cookie.forgetRange(start, roundUp(before, PAGE_SIZE) - start);
    }
    return 0;
  }

  *#setSizeLocked(size: number): Task<number> {
    const inode = this.#inode;
    const { mapping } = inode;
    const error = yield* this.#parts.transport.setSize(inode.file, size);
    if (error < 0) return error;
    const before = inode.size;
    const pfn = mapping.find(pageIndex(before));
    const inPage = before % PAGE_SIZE;
    if (size > before && pfn >= 0 && inPage > 0) {
      const folioStart = roundDown(before, PAGE_SIZE);
      zeroPart(mapping, pfn, before - folioStart, PAGE_SIZE - inPage);
    }
    inode.size = size;
    return 0;
  }

  startAnew(): void {}

  sync(): Task<number> {
    return this.#parts.transport.sync(this.#inode.file);
  }
}
