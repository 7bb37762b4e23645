/**
 * The mapping of a file: a sparse array from page index to folio (`i_pages`). Plays the parts of
 * lib/xarray.c and mm/filemap.c that look pages up. Entries are kept in nodes of 64, as an xarray's
 * are (`page_nodes.ts`); every page of a large folio has an entry that names its first frame.
 *
 * Differs: no shadow entries; an evicted page is simply absent.
 */
import { assert } from '../base/assert.js';
import { roundUpPowerOfTwo } from '../base/range.js';
import type { Folios } from './folio.js';
import { IndexSet } from './index_set.js';
import { NODE_SLOTS, type PageNodes } from './page_nodes.js';
import type { AddressSpaceOps, Inode } from './types.js';

/** What ->readpage answers when the page it has read is outdated already: look it up again. */
export const AOP_TRUNCATED_PAGE = 0x80001;

/** Instead of a node: there is none. */
const NONE = -1;
const SLOT_MASK = NODE_SLOTS - 1;
/** Nodes that are found without a map, and of which it is known whether their frames lie in a row:
 * those of the first 16 GiB. */
const NEAR_MAX = 2 ** 16;

/** A memory mapping that must hear of pages leaving the page cache. */
export interface MappedArea {
  /** Pages [index, index + pages) leave the page cache. */
  unmap(index: number, pages: number): void;
  /** True if any page of [index, index + pages) is mapped. */
  isMapped(index: number, pages: number): boolean;
  /** Pages [index, index + pages) are about to be written: a store into them faults again. */
  writeProtect(index: number, pages: number): void;
}

/**
 * The errors of writeback of a file (errseq_t): each open file is told of an error once, at its
 * next fsync or close, however many came since.
 */
class WritebackErrors {
  #last = 0;
  #count = 0;
  /** Bytes of pages that were thrown away since somebody was last told of an error. */
  untold = 0;

  /** Notes a negative errno, and how much was thrown away for it, bytes. */
  set(errno: number, dropped: number): void {
    this.#last = errno;
    this.#count++;
    this.untold += dropped;
  }

  /** What an open file remembers, to be handed to `since`. */
  get mark(): number {
    return this.#count;
  }

  /** The last error if there was one after `mark`, else 0. */
  since(mark: number): number {
    return mark === this.#count ? 0 : this.#last;
  }
}

/** The pages of one inode. */
export class AddressSpace {
  readonly folios: Folios;
  readonly ops: AddressSpaceOps;
  /** Numbers of the nodes, by page index / 64, each plus one; 0 where there is none. */
  #near = new Int32Array(0);
  /** The same of those that lie behind them. */
  readonly #far = new Map<number, number>();
  readonly #farKeys = new IndexSet();
  readonly #entries: PageNodes;
  /** Areas that map this file (i_mmap). */
  readonly areas = new Set<MappedArea>();
  /** Nodes with folios that are dirty or under writeback, in order, and how often each counts. */
  readonly #tagged = new IndexSet();
  readonly #tags = new Map<number, number>();
  /** Where cyclic writeback goes on, pages. */
  writebackIndex = 0;
  /** Errors of writeback. */
  readonly errors = new WritebackErrors();
  #pages = 0;
  #host: Inode | undefined;
  /**
   * By node: its first entry if it is full and its frames lie in a row, else 0. A word for 64 pages
   * stays in the processor's cache where a word for each would not.
   */
  #rows = new Int32Array(0);
  // The last node looked at: neighbouring look-ups find it without the map.
  #lastKey = -1;
  #lastNode = NONE;

  constructor(folios: Folios, ops: AddressSpaceOps) {
    this.folios = folios;
    this.#entries = folios.nodes;
    this.ops = ops;
  }

  /** Pages present. */
  get pages(): number {
    return this.#pages;
  }

  /** The inode whose data this is. */
  get host(): Inode {
    assert(this.#host !== undefined, 'a mapping without an inode was used');
    return this.#host;
  }

  /** Ties the mapping to its inode, once, when both have been made. */
  attach(host: Inode): void {
    this.#host = host;
  }

  /** The folio that holds a page, or -1 when the page is absent. */
  find(index: number): number {
    const row = this.#rows[Math.floor(index / NODE_SLOTS)] ?? 0;
    if (row > 0) return row + (index & SLOT_MASK) - 1;
    const node = this.#node(index);
    return node === NONE ? -1 : this.#entries.get(node, index & SLOT_MASK) - 1;
  }

  /** Enters a folio of `pages` pages; every index must be absent. Only `Folios` calls this. */
  insert(index: number, pfn: number, pages: number): void {
    for (let i = index; i < index + pages; i++) {
      let node = this.#node(i);
      if (node === NONE) {
        node = this.#entries.take();
        this.#lastNode = node;
        this.#enter(this.#lastKey, node);
      }
      assert(this.#entries.get(node, i & SLOT_MASK) === 0, 'page # entered twice', i);
      const full = this.#entries.set(node, i & SLOT_MASK, pfn + 1);
      if (full) this.#noteRow(this.#entries.row(node));
    }
    this.#pages += pages;
  }

  /** Removes the entries of a folio. Only `Folios` calls this. */
  erase(index: number, pages: number): void {
    for (const area of this.areas) area.unmap(index, pages);
    for (let i = index; i < index + pages; i++) {
      const node = this.#node(i);
      assert(
        node !== NONE && this.#entries.get(node, i & SLOT_MASK) !== 0,
        'page # erased but absent',
        i,
      );
      this.#noteRow(0);
      if (this.#entries.clear(node, i & SLOT_MASK)) {
        this.#enter(this.#lastKey, NONE);
        this.#lastNode = NONE;
      }
    }
    this.#pages -= pages;
  }

  /** The first absent index in [index, index + max), or -1 when all of them are present. */
  nextMiss(index: number, max: number): number {
    for (let i = index; i < index + max; i++) if (this.find(i) < 0) return i;
    return -1;
  }

  /** How many consecutive pages just below `index` are present, looking at `max` at most. */
  presentBelow(index: number, max: number): number {
    let n = 0;
    while (n < max && index - 1 - n >= 0 && this.find(index - 1 - n) >= 0) n++;
    return n;
  }

  /** True if the page is mapped into memory by any area. */
  isMapped(index: number, pages: number): boolean {
    for (const area of this.areas) if (area.isMapped(index, pages)) return true;
    return false;
  }

  /** The folios present in the page range [first, last], each once, in order. */
  *range(first: number, last: number): Generator<number> {
    let before = -1;
    for (const key of this.#keys(Math.floor(first / NODE_SLOTS), Math.floor(last / NODE_SLOTS))) {
      for (let slot = 0; slot < NODE_SLOTS; slot++) {
        const index = key * NODE_SLOTS + slot;
        if (index < first || index > last) continue;
        const pfn = this.find(index);
        if (pfn >= 0 && pfn !== before) yield pfn;
        before = pfn;
      }
    }
  }

  /** Folios that are dirty or under writeback. */
  get isTagged(): boolean {
    return this.#tagged.size > 0;
  }

  /** A folio became, or ceased to be, dirty or under writeback. Only `Folios` calls this. */
  tag(index: number, change: 1 | -1): void {
    const before = this.isTagged;
    const key = Math.floor(index / NODE_SLOTS);
    const count = (this.#tags.get(key) ?? 0) + change;
    if (count === 0) {
      this.#tags.delete(key);
      this.#tagged.delete(key);
    } else {
      this.#tags.set(key, count);
      if (count === change) this.#tagged.add(key);
    }
    if (this.isTagged !== before) this.folios.taggedChanged(this);
  }

  /** The first folio in the page range [first, last] that has any of the flags, or -1. */
  nextTagged(first: number, last: number, flags: number): number {
    const head = this.find(first);
    if (head >= 0 && this.folios.test(head, flags)) return head;
    const stop = Math.floor(last / NODE_SLOTS);
    let key = this.#tagged.next(Math.floor(first / NODE_SLOTS));
    for (; key >= 0 && key <= stop; key = this.#tagged.next(key + 1)) {
      const end = Math.min(last, (key + 1) * NODE_SLOTS - 1);
      for (let index = Math.max(first, key * NODE_SLOTS); index <= end; index++) {
        const pfn = this.find(index);
        if (pfn >= 0 && this.folios.test(pfn, flags)) return pfn;
      }
    }
    return -1;
  }

  /**
   * Drops the clean, unlocked, unmapped folios that lie in [first, last]
   * (invalidate_mapping_pages). Returns the number of pages dropped.
   */
  invalidate(first: number, last: number): number {
    let dropped = 0;
    for (const pfn of this.range(first, last)) {
      const index = this.folios.indexOf(pfn);
      const pages = this.folios.pagesOf(pfn);
      if (index < first || index + pages - 1 > last) continue;
      if (!this.folios.isDroppable(pfn) || this.isMapped(index, pages)) continue;
      this.ops.releaseFolio?.(this);
      this.folios.remove(pfn);
      dropped += pages;
    }
    return dropped;
  }

  // Keys of the nodes there are in [first, last], in order.
  *#keys(first: number, last: number): Generator<number> {
    const stop = Math.min(last + 1, this.#near.length);
    for (let key = first; key < stop; key++) if (this.#near[key] !== 0) yield key;
    let key = this.#farKeys.next(first);
    for (; key >= 0 && key <= last; key = this.#farKeys.next(key + 1)) yield key;
  }

  // The number of a key's node, or that there is none any more.
  #enter(key: number, node: number): void {
    if (key < NEAR_MAX) {
      if (key >= this.#near.length) this.#near = grown(this.#near, key);
      this.#near[key] = node + 1;
    } else if (node === NONE) {
      this.#far.delete(key);
      this.#farKeys.delete(key);
    } else {
      this.#far.set(key, node);
      this.#farKeys.add(key);
    }
  }

  // For the node looked at last.
  #noteRow(first: number): void {
    const key = this.#lastKey;
    if (key < this.#rows.length) this.#rows[key] = first;
    else if (first > 0 && key < NEAR_MAX) {
      this.#rows = grown(this.#rows, key);
      this.#rows[key] = first;
    }
  }

  // The number of the node that has a page's entry; afterwards `#lastKey` is its key.
  #node(index: number): number {
    const key = Math.floor(index / NODE_SLOTS);
    if (key === this.#lastKey) return this.#lastNode;
    this.#lastKey = key;
    if (key < this.#near.length) this.#lastNode = (this.#near[key] as number) - 1;
    else this.#lastNode = this.#far.get(key) ?? NONE;
    return this.#lastNode;
  }
}

// The same words in an array that has one at `key`.
function grown(words: Int32Array, key: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.min(NEAR_MAX, roundUpPowerOfTwo(key + 1)));
  larger.set(words);
  return larger;
}
