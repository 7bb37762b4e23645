/**
 * Taking pages out of the page cache because the file got shorter, or because what they hold is not
 * to be believed. Plays mm/truncate.c; called by the filesystems and by `vfs/`.
 *
 * Differs: one pass that waits, where the kernel makes one that does not and one that does.
 */
import { PAGE_SIZE, pageIndex, pagesFor } from '../base/range.js';
import type { Task } from '../sim/wait_queue.js';
import type { AddressSpace } from './address_space.js';
import { PG_DIRTY, PG_WRITEBACK } from './folio.js';

/** Removes every page beyond byte `size` and zeroes the rest of the page that holds it. */
export function* truncatePages(mapping: AddressSpace, size: number): Task {
  const { folios } = mapping;
  for (const pfn of [...mapping.range(pageIndex(size), Number.MAX_SAFE_INTEGER)]) {
    if (!(yield* hold(mapping, pfn))) continue;
    const start = folios.indexOf(pfn) * PAGE_SIZE;
    const keep = Math.max(0, size - start);
    const length = folios.sizeOf(pfn) - keep;
    if (keep === 0) {
      yield* removeFolio(mapping, pfn);
    } else if (length > 0) {
      // Its way into the cache would take other bytes there than were summed up.
      yield* folios.waitFscache(pfn);
      zeroPart(mapping, pfn, keep, length);
      yield* invalidatePart(mapping, pfn, keep, length);
      if (folios.pagesOf(pfn) > 1) yield* cutLarge(mapping, pfn, pagesFor(keep));
    }
    folios.unlock(pfn);
    folios.put(pfn);
  }
}

// Of a large folio the pages behind the first `keep` go; all of it, where it cannot be split and
// holds nothing that is not on the server (truncate_inode_partial_folio).
function* cutLarge(mapping: AddressSpace, pfn: number, keep: number): Task {
  const { folios } = mapping;
  const pages = folios.pagesOf(pfn);
  if (folios.split(pfn)) for (let i = keep; i < pages; i++) folios.remove(pfn + i);
  else if (!folios.test(pfn, PG_DIRTY)) yield* removeFolio(mapping, pfn);
}

/** Removes the locked folio from its mapping, dirty or not (truncate_inode_page). */
export function* removeFolio(mapping: AddressSpace, pfn: number): Task {
  const { folios } = mapping;
  const index = folios.indexOf(pfn);
  for (const area of mapping.areas) area.unmap(index, folios.pagesOf(pfn));
  yield* invalidatePart(mapping, pfn, 0, folios.sizeOf(pfn));
  folios.clearDirty(pfn);
  folios.remove(pfn);
}

/**
 * Removes the pages [first, last], writing those that are dirty: 0, or the errno of a page that
 * could not be written and stays (invalidate_inode_pages2_range).
 */
export function* invalidateFolios(
  mapping: AddressSpace,
  first = 0,
  last = Number.MAX_SAFE_INTEGER,
): Task<number> {
  const { folios } = mapping;
  let result = 0;
  for (const pfn of [...mapping.range(first, last)]) {
    if (!(yield* hold(mapping, pfn))) continue;
    const index = folios.indexOf(pfn);
    if (index < first || index > last) {
      folios.unlock(pfn);
      folios.put(pfn);
      continue;
    }
    for (const area of mapping.areas) area.unmap(index, folios.pagesOf(pfn));
    const error = mapping.ops.write === undefined ? 0 : yield* mapping.ops.write.launderFolio(pfn);
    if (error !== 0) result = error;
    else if (!folios.test(pfn, PG_DIRTY | PG_WRITEBACK) && folios.mappingOf(pfn) === mapping) {
      yield* folios.waitFscache(pfn);
      folios.remove(pfn);
    }
    folios.unlock(pfn);
    folios.put(pfn);
  }
  return result;
}

/** Zeroes bytes [offset, offset + length) of a folio. */
export function zeroPart(mapping: AddressSpace, pfn: number, offset: number, length: number): void {
  const { frames } = mapping.folios;
  const at = frames.offsetOf(pfn) + offset;
  frames.memoryOf(pfn).fill(0, at, at + length);
}

// Takes a reference and the lock and waits for writeback; false if the folio has left the mapping.
function* hold(mapping: AddressSpace, pfn: number): Task<boolean> {
  const { folios } = mapping;
  // The list was made before others ran: the frame may hold another page by now, also of this file.
  if (folios.mappingOf(pfn) !== mapping) return false;
  folios.get(pfn);
  yield* folios.lock(pfn);
  yield* folios.waitWriteback(pfn);
  if (folios.mappingOf(pfn) === mapping) return true;
  folios.unlock(pfn);
  folios.put(pfn);
  return false;
}

function* invalidatePart(mapping: AddressSpace, pfn: number, offset: number, length: number): Task {
  const { write } = mapping.ops;
  if (write !== undefined) yield* write.invalidateFolio(pfn, offset, length);
  else yield* mapping.folios.waitFscache(pfn);
}
