/**
 * The write side of the AFS client: what happens to a page when it is written to, mapped for
 * writing, cut or thrown away. Plays fs/afs/write.c and the invalidation in fs/afs/file.c as of
 * v5.13 and v6.1, which differ in what the vnode does; the page cache calls it through `WriteOps`.
 * Writing back is `afs_writeback.ts`. Spec: BEHAVIOUR 5.2 to 5.8.
 *
 * Differs: with the defects repaired a page that left the file while it was waited for is looked up
 * again, and laundering stores a region where it belongs. A page that cannot be laundered is dirty
 * again, where the kernel lets go of its data.
 */
import { EINTR, ESTALE } from '../../base/errno.js';
import { PAGE_SIZE } from '../../base/range.js';
import type { AddressSpace } from '../../mm/address_space.js';
import { PG_PRIVATE, PG_UPTODATE, PG_WRITEBACK } from '../../mm/folio.js';
import { zeroPart } from '../../mm/truncate.js';
import type { OpenFile, WriteOps } from '../../mm/types.js';
import type { RequestOps } from '../../netfs/types.js';
import { awaited, type Task } from '../../sim/wait_queue.js';
import { cutRegion, type DirtyRegion, joinRegions, regionOf, setRegion } from './dirty_region.js';
import { tracePageDirty } from './trace_dirty.js';
import type { AfsParts, AfsVnode } from './types.js';
import { AfsWriteback } from './writeback.js';

/** A page operation that found its page gone: look again. */
const RETRY = 1;

/** The write side of one client. */
export class AfsWrite implements WriteOps {
  readonly #parts: AfsParts;
  readonly #ops: RequestOps;
  readonly #writeback: AfsWriteback;

  constructor(parts: AfsParts, ops: RequestOps) {
    this.#parts = parts;
    this.#ops = { ...ops, checkWriteBegin };
    this.#writeback = new AfsWriteback(parts);
  }

  *writeBegin(file: OpenFile, pos: number, len: number): Task<number> {
    const { helper, folios } = this.#parts;
    const { mapping } = file;
    for (;;) {
      const pfn = yield* helper.writeBegin(file, pos, len, this.#ops);
      if (pfn < 0) return pfn;
      const from = pos - folios.indexOf(pfn) * PAGE_SIZE;
      const verdict = yield* this.#settleConflicts(mapping, pfn, from, from + len);
      if (verdict === 0) {
        if (pos + len > file.inode.size) this.#clearBeyond(file.inode as AfsVnode);
        return pfn;
      }
      folios.put(pfn);
      if (verdict < 0) return verdict;
    }
  }

  *writeEnd(file: OpenFile, pos: number, len: number, copied: number, pfn: number): Task<number> {
    const { folios } = this.#parts;
    let accepted = copied;
    if (!folios.test(pfn, PG_UPTODATE)) {
      // Nothing was read, so that the page is only whole with all the bytes.
      if (copied < len) accepted = 0;
      else folios.set(pfn, PG_UPTODATE);
    }
    if (accepted > 0) {
      const vnode = file.inode as AfsVnode;
      // Before the page is unlocked, so that who sees the size finds the data.
      vnode.grow(pos + accepted);
      const from = pos - folios.indexOf(pfn) * PAGE_SIZE;
      this.#note(vnode, pfn, { from, to: from + accepted, mapped: false });
      folios.markDirty(pfn);
      vnode.pinCache();
    }
    folios.unlock(pfn);
    folios.put(pfn);
    return accepted;
  }

  writepages(...args: Parameters<WriteOps['writepages']>): Task<number> {
    return this.#writeback.writepages(...args);
  }

  *pageMkwrite(file: OpenFile, pfn: number): Task<number> {
    const { freezer } = this.#parts;
    yield* awaited(freezer.start('pagefault'));
    let verdict = 0;
    try {
      verdict = yield* this.#makeWritable(file, pfn);
    } finally {
      if (verdict !== -EINTR || !laundersAtPageStart(this.#parts)) freezer.end('pagefault');
    }
    return verdict;
  }

  *#makeWritable(file: OpenFile, pfn: number): Task<number> {
    const { folios, defects } = this.#parts;
    if ((yield* folios.waitFscache(pfn, true)) < 0) return -EINTR;
    if ((yield* folios.waitWriteback(pfn, true)) < 0) return -EINTR;
    if ((yield* folios.lockKillable(pfn)) < 0) return -EINTR;
    yield* folios.waitWriteback(pfn);
    // What was under writeback may be on its way into the cache now.
    yield* folios.waitFscache(pfn);
    // The kernel does not look: the store then goes to a page that is no part of the file any more,
    // or is read anew behind it.
    const inFile = folios.mappingOf(pfn) === file.mapping;
    if (defects === 'repaired' && !(inFile && folios.test(pfn, PG_UPTODATE))) {
      const index = folios.indexOf(pfn);
      for (const area of inFile ? file.mapping.areas : []) area.unmap(index, folios.pagesOf(pfn));
      folios.unlock(pfn);
      return RETRY;
    }
    const why = folios.test(pfn, PG_PRIVATE) ? 'mkwrite+' : 'mkwrite';
    setRegion(folios, pfn, { from: 0, to: folios.sizeOf(pfn), mapped: true });
    const vnode = file.inode as AfsVnode;
    tracePageDirty(this.#parts.tracer, vnode, pfn, why);
    vnode.pinCache();
    return 0;
  }

  *invalidateFolio(pfn: number, offset: number, length: number): Task {
    const { folios, tracer } = this.#parts;
    const vnode = folios.mappingOf(pfn)?.host as AfsVnode;
    if (folios.test(pfn, PG_PRIVATE)) {
      const region = regionOf(folios, pfn);
      const whole = offset === 0 && length === folios.sizeOf(pfn);
      const rest = whole ? undefined : cutRegion(region, offset, length);
      if (rest === undefined) {
        if (!whole) tracePageDirty(tracer, vnode, pfn, 'undirty');
        folios.clearDirty(pfn);
        tracePageDirty(tracer, vnode, pfn, 'inval');
        folios.detachPrivate(pfn);
      } else if (rest !== region) {
        setRegion(folios, pfn, rest);
        tracePageDirty(tracer, vnode, pfn, 'trunc');
      }
    }
    yield* folios.waitFscache(pfn);
  }

  *launderFolio(pfn: number): Task<number> {
    const { folios, tracer, defects, behaviour } = this.#parts;
    const atPageStart = laundersAtPageStart(this.#parts);
    const mapping = folios.mappingOf(pfn) as AddressSpace;
    const vnode = mapping.host as AfsVnode;
    let error = 0;
    if (folios.clearDirty(pfn)) {
      const { from, to } = folios.test(pfn, PG_PRIVATE)
        ? regionOf(folios, pfn)
        : { from: 0, to: folios.sizeOf(pfn) };
      tracePageDirty(tracer, vnode, pfn, 'launder');
      const page = folios.indexOf(pfn) * PAGE_SIZE;
      // The kernel stores the region's bytes where the page begins, and those behind the end of the
      // file, which then grows on the server.
      const length = atPageStart ? to - from : Math.min(to, vnode.size - page) - from;
      const position = atPageStart ? page : page + from;
      const first = folios.indexOf(pfn);
      const last = first + folios.pagesOf(pfn) - 1;
      // The kernel (v6.1) leaves in the cache what was there.
      const beside = behaviour.copiesStores === 'beside';
      if (length > 0 && defects === 'repaired' && beside) {
        yield* folios.waitFscache(pfn);
        yield* awaited(vnode.storing(first, last));
      }
      if (length > 0) error = yield* vnode.modify.storePages(page + from, position, length);
      if (error < 0) {
        // Not to be lost: whoever wanted the page gone is told, and it stays.
        folios.markDirty(pfn);
        vnode.storeFailed();
        return error;
      }
      vnode.stored(first, last);
    }
    if (folios.test(pfn, PG_PRIVATE)) {
      tracePageDirty(tracer, vnode, pfn, 'laundered');
      folios.detachPrivate(pfn);
    }
    yield* folios.waitFscache(pfn);
    return error;
  }

  // The page is locked. 0: the write may go on; RETRY: the page is unlocked and not the file's any
  // more; negative: it is unlocked.
  *#settleConflicts(mapping: AddressSpace, pfn: number, from: number, to: number): Task<number> {
    const { folios } = this.#parts;
    const vnode = mapping.host as AfsVnode;
    while (folios.test(pfn, PG_PRIVATE)) {
      const region = regionOf(folios, pfn);
      if (folios.test(pfn, PG_WRITEBACK)) tracePageDirty(this.#parts.tracer, vnode, pfn, 'alrdy');
      // Regions that touch are one; what lies between others is not known to be the file's.
      else if (vnode.newContent || (to >= region.from && from <= region.to)) return 0;
      const error = yield* this.#writeback.writeOne(mapping, pfn);
      if (error < 0) return error;
      if ((yield* folios.lockKillable(pfn)) < 0) return -EINTR;
      if (folios.mappingOf(pfn) !== mapping || !folios.test(pfn, PG_UPTODATE)) {
        folios.unlock(pfn);
        return RETRY;
      }
      yield* folios.waitFscache(pfn);
    }
    return 0;
  }

  #note(vnode: AfsVnode, pfn: number, region: DirtyRegion): void {
    const { folios } = this.#parts;
    const merges = folios.test(pfn, PG_PRIVATE);
    setRegion(folios, pfn, merges ? joinRegions(regionOf(folios, pfn), region) : region);
    tracePageDirty(this.#parts.tracer, vnode, pfn, merges ? 'dirty+' : 'dirty');
  }

  // A store through a mapping may have left something behind the end of the file.
  #clearBeyond(vnode: AfsVnode): void {
    clearBeyondEnd(vnode, this.#parts.defects === 'repaired');
  }
}

// The defects of v5.13's write side.
function laundersAtPageStart({ behaviour, defects }: AfsParts): boolean {
  return behaviour.laundersAtPageStart && defects === 'kernel';
}

function* checkWriteBegin(file: OpenFile): Task<number> {
  return (file.inode as AfsVnode).deleted ? -ESTALE : 0;
}

/** Zeroes what the last page holds behind the end of the file, before the file grows over it. */
export function clearBeyondEnd(vnode: AfsVnode, repaired: boolean): void {
  const offset = vnode.size % PAGE_SIZE;
  if (offset === 0 || !repaired) return;
  const { mapping } = vnode;
  const pfn = mapping.find((vnode.size - offset) / PAGE_SIZE);
  if (pfn < 0) return;
  const inFolio = vnode.size - mapping.folios.indexOf(pfn) * PAGE_SIZE;
  zeroPart(mapping, pfn, inFolio, mapping.folios.sizeOf(pfn) - inFolio);
}
