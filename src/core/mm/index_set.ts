/**
 * An ordered set of whole numbers that finds the next member in a few steps however many there are:
 * which frames are free (`arena.ts`), which parts of a file have dirty pages (`address_space.ts`).
 * A tree of 32-way nodes kept in one array, as the marks of an xarray are (lib/xarray.c).
 */
import { assert } from '../base/assert.js';

const SHIFT = 5;
const SLOTS = 1 << SHIFT;
const SLOT_MASK = SLOTS - 1;
/** A node: which of its slots are in use, then what each holds. */
const STRIDE = SLOTS + 1;
const FIRST_NODES = 4;

/** Members are integers from 0 to 2^53 - 1. No operation makes an object; the array doubles. */
export class IndexSet {
  /**
   * A slot of a node of level 0 holds 32 members as a word of bits, one of a higher level the
   * number of the node below. Node 0 is the root.
   */
  #words = new Int32Array(FIRST_NODES * STRIDE);
  #made = 1;
  readonly #spare: number[] = [];
  #level = 0;
  #size = 0;

  /** Number of members. */
  get size(): number {
    return this.#size;
  }

  /** True if `member` is in the set. */
  has(member: number): boolean {
    let node = 0;
    for (let level = this.#level; ; level--) {
      const slot = this.#slotOf(member, level);
      if (slot < 0 || !this.#isUsed(node, slot)) return false;
      const held = this.#words[node * STRIDE + 1 + slot] as number;
      if (level === 0) return ((held >>> (member & SLOT_MASK)) & 1) === 1;
      node = held;
    }
  }

  /** Adds a member: true if it was not there. */
  add(member: number): boolean {
    while (this.#slotOf(member, this.#level) < 0) this.#grow();
    let node = 0;
    for (let level = this.#level; level > 0; level--) {
      const slot = this.#slotOf(member, level);
      if (!this.#isUsed(node, slot)) this.#use(node, slot, this.#take());
      node = this.#words[node * STRIDE + 1 + slot] as number;
    }
    const slot = this.#slotOf(member, 0);
    const bit = 1 << (member & SLOT_MASK);
    const bits = this.#isUsed(node, slot) ? (this.#words[node * STRIDE + 1 + slot] as number) : 0;
    if ((bits & bit) !== 0) return false;
    this.#use(node, slot, bits | bit);
    this.#size++;
    return true;
  }

  /** Removes a member: true if it was there. */
  delete(member: number): boolean {
    if (this.#slotOf(member, this.#level) < 0) return false;
    const before = this.#size;
    this.#deleteIn(0, this.#level, member);
    return this.#size < before;
  }

  /** The smallest member that is at least `from`, or -1. */
  next(from: number): number {
    if (this.#slotOf(from, this.#level) < 0) return -1;
    return this.#nextIn(0, this.#level, from);
  }

  /** Every member, in order; the set may change meanwhile. */
  *[Symbol.iterator](): Generator<number> {
    for (let at = this.next(0); at >= 0; at = this.next(at + 1)) yield at;
  }

  // Removes the member below a node: true if nothing is left of the node.
  #deleteIn(node: number, level: number, member: number): boolean {
    const slot = this.#slotOf(member, level);
    if (!this.#isUsed(node, slot)) return false;
    const at = node * STRIDE + 1 + slot;
    const held = this.#words[at] as number;
    if (level > 0) {
      if (!this.#deleteIn(held, level - 1, member)) return false;
      this.#spare.push(held);
    } else {
      const bits = held & ~(1 << (member & SLOT_MASK));
      if (bits !== held) this.#size--;
      this.#words[at] = bits;
      if (bits !== 0) return false;
    }
    const used = (this.#words[node * STRIDE] as number) & ~(1 << slot);
    this.#words[node * STRIDE] = used;
    return used === 0;
  }

  // The first member at or behind `from`, whose higher digits lead to this node; -1: none below it.
  #nextIn(node: number, level: number, from: number): number {
    const slot = this.#slotOf(from, level);
    if (this.#isUsed(node, slot)) {
      const found = this.#nextBelow(node, level, slot, from);
      if (found >= 0) return found;
    }
    const next = slot === SLOT_MASK ? -1 : nextBit(this.#words[node * STRIDE] as number, slot + 1);
    if (next < 0) return -1;
    const span = spanOf(level);
    const start = Math.floor(from / (span * SLOTS)) * span * SLOTS + next * span;
    return this.#nextBelow(node, level, next, start);
  }

  #nextBelow(node: number, level: number, slot: number, from: number): number {
    const held = this.#words[node * STRIDE + 1 + slot] as number;
    if (level > 0) return this.#nextIn(held, level - 1, from);
    const inWord = from & SLOT_MASK;
    const bit = nextBit(held, inWord);
    return bit < 0 ? -1 : from - inWord + bit;
  }

  // The slot of a node of this level that leads to a member; -1: it lies beyond the root's.
  #slotOf(member: number, level: number): number {
    const slot = Math.floor(member / spanOf(level));
    if (level < this.#level) return slot & SLOT_MASK;
    return slot < SLOTS ? slot : -1;
  }

  #isUsed(node: number, slot: number): boolean {
    return (((this.#words[node * STRIDE] as number) >>> slot) & 1) === 1;
  }

  #use(node: number, slot: number, held: number): void {
    this.#words[node * STRIDE] = (this.#words[node * STRIDE] as number) | (1 << slot);
    this.#words[node * STRIDE + 1 + slot] = held;
  }

  // One level more: what the root has becomes the first node below it.
  #grow(): void {
    assert(this.#level < SPANS.length - 1, 'a number of # levels in a set', this.#level);
    if (this.#words[0] !== 0) {
      const below = this.#take();
      this.#words.copyWithin(below * STRIDE, 0, STRIDE);
      this.#words.fill(0, 0, STRIDE);
      this.#use(0, 0, below);
    }
    this.#level++;
  }

  #take(): number {
    const node = this.#spare.pop() ?? this.#made++;
    if ((node + 1) * STRIDE > this.#words.length) {
      const words = new Int32Array(this.#words.length * 2);
      words.set(this.#words);
      this.#words = words;
    }
    return node;
  }
}

/** Members below one slot of a node, by its level. */
const SPANS = Array.from({ length: 10 }, (_, level) => SLOTS ** (level + 1));

function spanOf(level: number): number {
  return SPANS[level] as number;
}

// The first bit of a word that is set at or above `from`, below 32; -1: none.
function nextBit(word: number, from: number): number {
  const bits = word & (-1 << from);
  return bits === 0 ? -1 : 31 - Math.clz32(bits & -bits);
}
