/**
 * Stack distances of LRU (Mattson, Gecsei, Slutz, Traiger 1970): how many other pages were used
 * since a page was used last. A Fenwick tree counts the pages by when they were last used; it is
 * packed when it is full, so that it is never more than twice as long as there are pages.
 */

/** Distances of a stream of page numbers. */
export class StackDistances {
  /** References with each distance: position d is how many had d other pages between. */
  #histogram = new Float64Array(1 << 10);
  /** References to pages that came first. */
  cold = 0;
  references = 0;
  /** When each page was used last, position in the tree; 0: never. */
  #last = new Int32Array(1 << 10);
  #tree = new Int32Array(1 << 11);
  #now = 0;
  #pages = 0;

  /** One reference; the distance, -1 for the first one to a page. */
  add(page: number): number {
    this.references++;
    if (page >= this.#last.length) this.#last = grown(this.#last, page + 1);
    if (this.#now + 1 >= this.#tree.length) this.#pack();
    const before = this.#last[page] as number;
    const at = ++this.#now;
    let distance = -1;
    if (before === 0) {
      this.cold++;
      this.#pages++;
    } else {
      distance = this.#pages - this.#countUpTo(before);
      this.#change(before, -1);
      if (distance >= this.#histogram.length) {
        this.#histogram = grownFloat(this.#histogram, distance + 1);
      }
      this.#histogram[distance] = (this.#histogram[distance] as number) + 1;
    }
    this.#last[page] = at;
    this.#change(at, 1);
    return distance;
  }

  /** Pages that came. */
  get pages(): number {
    return this.#pages;
  }

  /** How many references had each distance. */
  get histogram(): Float64Array {
    return this.#histogram.subarray(0, Math.max(1, this.#pages));
  }

  #change(position: number, by: number): void {
    const tree = this.#tree;
    for (let at = position; at < tree.length; at += at & -at) tree[at] = (tree[at] as number) + by;
  }

  #countUpTo(position: number): number {
    const tree = this.#tree;
    let sum = 0;
    for (let at = position; at > 0; at -= at & -at) sum += tree[at] as number;
    return sum;
  }

  // Numbers the pages anew in the order of their last use.
  #pack(): void {
    const last = this.#last;
    const order = new Int32Array(this.#now + 1).fill(-1);
    for (let page = 0; page < last.length; page++) {
      if ((last[page] as number) > 0) order[last[page] as number] = page;
    }
    const wanted = Math.max(1 << 11, 2 ** Math.ceil(Math.log2(this.#pages * 2 + 2)));
    const tree = new Int32Array(wanted);
    let now = 0;
    for (const page of order) {
      if (page < 0) continue;
      last[page] = ++now;
      tree[now] = 1;
    }
    for (let at = 1; at < tree.length; at++) {
      const parent = at + (at & -at);
      if (parent < tree.length) tree[parent] = (tree[parent] as number) + (tree[at] as number);
    }
    this.#tree = tree;
    this.#now = now;
  }
}

function grown(array: Int32Array, least: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.max(least, array.length * 2));
  larger.set(array);
  return larger;
}

function grownFloat(array: Float64Array, least: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(Math.max(least, array.length * 2));
  larger.set(array);
  return larger;
}
