/**
 * Which bytes of a page are dirty: a region kept in the page's private word, as AFS does. Plays the
 * afs_page_dirty_* helpers of fs/afs/internal.h. Spec: BEHAVIOUR 5.1; used by the AFS write side.
 *
 * The word's low half holds the first byte and, in its top bit, whether the page is written through
 * a mapping; the high half holds the last byte, included. Folios too large for a half are measured
 * in coarser units: the first byte is rounded down, the last up.
 */
import { PAGE_SHIFT } from '../../base/range.js';
import type { Folios } from '../../mm/folio.js';

/** Dirty bytes [from, to) of a folio; never empty. */
export interface DirtyRegion {
  readonly from: number;
  readonly to: number;
  /** Written through a mapping, which tells nobody of further stores. */
  readonly mapped: boolean;
}

/** Bits of half a word where words have 64 bits. */
const HALF_BITS = 32;

/** The unit of a region in a folio of 2^order pages is 2^this bytes. */
export function regionShift(order: number, halfBits = HALF_BITS): number {
  return Math.max(0, order + PAGE_SHIFT - (halfBits - 1));
}

/** The halves of the private word. */
export function encodeRegion(
  { from, to, mapped }: DirtyRegion,
  order: number,
  halfBits = HALF_BITS,
): { low: number; high: number } {
  const unit = 2 ** regionShift(order, halfBits);
  const low = Math.floor(from / unit) + (mapped ? 2 ** (halfBits - 1) : 0);
  return { low, high: Math.floor((to - 1) / unit) };
}

/** The region that the halves of a private word stand for. */
export function decodeRegion(
  low: number,
  high: number,
  order: number,
  halfBits = HALF_BITS,
): DirtyRegion {
  const unit = 2 ** regionShift(order, halfBits);
  const mappedBit = 2 ** (halfBits - 1);
  const mapped = low >= mappedBit;
  return { from: (mapped ? low - mappedBit : low) * unit, to: (high + 1) * unit, mapped };
}

/** The dirty region of a folio, which has one (PG_private). */
export function regionOf(folios: Folios, pfn: number): DirtyRegion {
  return decodeRegion(folios.privateLow(pfn), folios.privateHigh(pfn), folios.orderOf(pfn));
}

/** Gives a folio a dirty region in place of the one it may have. */
export function setRegion(folios: Folios, pfn: number, region: DirtyRegion): void {
  const { low, high } = encodeRegion(region, folios.orderOf(pfn));
  folios.attachPrivate(pfn, low, high);
}

/** The region that covers both, and what lies between them. */
export function joinRegions(a: DirtyRegion, b: DirtyRegion): DirtyRegion {
  return {
    from: Math.min(a.from, b.from),
    to: Math.max(a.to, b.to),
    mapped: a.mapped || b.mapped,
  };
}

/**
 * What is left of a region when [offset, offset + length) is thrown away (BEHAVIOUR 5.7): undefined
 * if nothing; the same region if the cut misses it, lies strictly inside it, or the page is mapped.
 */
export function cutRegion(
  region: DirtyRegion,
  offset: number,
  length: number,
): DirtyRegion | undefined {
  const { from, to, mapped } = region;
  const end = offset + length;
  if (mapped || offset >= to || end <= from || (from < offset && to > end)) return region;
  const rest = { from: from >= offset ? end : from, to: to > end ? to : offset, mapped };
  return rest.from < rest.to ? rest : undefined;
}
