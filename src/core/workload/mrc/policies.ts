/**
 * Misses of one cache size, page by page: CLOCK (second chance) and the optimum (Belady's MIN,
 * which evicts what is used again last). Unlike LRU, CLOCK has no order that serves all sizes.
 */

/** Misses of CLOCK with room for `size` pages; `pages` is above every number in `references`. */
export function clockMisses(references: Int32Array, pages: number, size: number): number {
  if (size <= 0) return references.length;
  /** Frame of each page; -1: not in the cache. */
  const frameOf = new Int32Array(pages).fill(-1);
  const pageIn = new Int32Array(size).fill(-1);
  const used = new Uint8Array(size);
  let misses = 0;
  let hand = 0;
  for (const page of references) {
    const frame = frameOf[page] as number;
    if (frame >= 0) {
      used[frame] = 1;
      continue;
    }
    misses++;
    while (used[hand] === 1) {
      used[hand] = 0;
      if (++hand === size) hand = 0;
    }
    const evicted = pageIn[hand] as number;
    if (evicted >= 0) frameOf[evicted] = -1;
    pageIn[hand] = page;
    frameOf[page] = hand;
    used[hand] = 1;
    if (++hand === size) hand = 0;
  }
  return misses;
}

/** When each reference's page is used next: its position, or `references.length` for never. */
export function nextUses(references: Int32Array, pages: number): Int32Array<ArrayBuffer> {
  const next = new Int32Array(references.length);
  const seen = new Int32Array(pages).fill(references.length);
  for (let i = references.length - 1; i >= 0; i--) {
    const page = references[i] as number;
    next[i] = seen[page] as number;
    seen[page] = i;
  }
  return next;
}

/** Misses of the optimum with room for `size` pages; `next` is of `nextUses`. */
export function optimalMisses(
  references: Int32Array,
  next: Int32Array,
  pages: number,
  size: number,
): number {
  if (size <= 0) return references.length;
  const heap = new FurthestFirst(size);
  /** Next use of each page in the cache; -1: not in it. */
  const useOf = new Int32Array(pages).fill(-1);
  let inside = 0;
  let misses = 0;
  for (let i = 0; i < references.length; i++) {
    const page = references[i] as number;
    if ((useOf[page] as number) < 0) {
      misses++;
      if (inside === size) {
        useOf[heap.pop(useOf)] = -1;
        inside--;
      }
      inside++;
    }
    useOf[page] = next[i] as number;
    heap.push(next[i] as number, page, useOf);
  }
  return misses;
}

/** Pages by next use, the furthest on top; entries that no longer hold are passed over. */
class FurthestFirst {
  #uses: Int32Array<ArrayBuffer>;
  #pages: Int32Array<ArrayBuffer>;
  #count = 0;
  readonly #limit: number;

  constructor(size: number) {
    // Old entries stay until there are too many of them.
    this.#limit = size * 4 + 1024;
    this.#uses = new Int32Array(this.#limit + 1);
    this.#pages = new Int32Array(this.#limit + 1);
  }

  push(use: number, page: number, useOf: Int32Array): void {
    if (this.#count === this.#limit) this.#sweep(useOf);
    this.#sink(this.#count++, use, page);
  }

  /** The page that is used again last. */
  pop(useOf: Int32Array): number {
    for (;;) {
      const [use, page] = [this.#uses[0] as number, this.#pages[0] as number];
      this.#removeTop();
      if (useOf[page] === use) return page;
    }
  }

  // Moves an entry up from a free place.
  #sink(from: number, use: number, page: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((this.#uses[parent] as number) >= use) break;
      this.#uses[at] = this.#uses[parent] as number;
      this.#pages[at] = this.#pages[parent] as number;
      at = parent;
    }
    this.#uses[at] = use;
    this.#pages[at] = page;
  }

  #removeTop(): void {
    const last = --this.#count;
    const [use, page] = [this.#uses[last] as number, this.#pages[last] as number];
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= last) break;
      const right = child + 1;
      if (right < last && (this.#uses[right] as number) > (this.#uses[child] as number))
        child = right;
      if ((this.#uses[child] as number) <= use) break;
      this.#uses[at] = this.#uses[child] as number;
      this.#pages[at] = this.#pages[child] as number;
      at = child;
    }
    this.#uses[at] = use;
    this.#pages[at] = page;
  }

  #sweep(useOf: Int32Array): void {
    const before = this.#count;
    this.#count = 0;
    for (let i = 0; i < before; i++) {
      const [use, page] = [this.#uses[i] as number, this.#pages[i] as number];
      if (useOf[page] === use) this.#sink(this.#count++, use, page);
    }
  }
}
