/** Sets of half-open byte ranges, kept sorted and joined. Called by analyses that follow files. */

/** A set of bytes of one file. */
export class RangeSet {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  /** Adds [start, end); returns how many of its bytes were in the set before. */
  add(start: number, end: number): number {
    if (end <= start) return 0;
    const from = this.#firstEndingAtOrAfter(start);
    let to = from;
    let known = 0;
    let [low, high] = [start, end];
    while (to < this.#starts.length && (this.#starts[to] as number) <= end) {
      const [s, e] = [this.#starts[to] as number, this.#ends[to] as number];
      known += Math.max(0, Math.min(e, end) - Math.max(s, start));
      low = Math.min(low, s);
      high = Math.max(high, e);
      to++;
    }
    if (to - from === 1) {
      // What stands in the middle of many is not moved.
      this.#starts[from] = low;
      this.#ends[from] = high;
      return known;
    }
    this.#starts.splice(from, to - from, low);
    this.#ends.splice(from, to - from, high);
    return known;
  }

  /** How many bytes of [start, end) are in the set. */
  overlap(start: number, end: number): number {
    let known = 0;
    for (let i = this.#firstEndingAtOrAfter(start); i < this.#starts.length; i++) {
      const from = Math.max(this.#starts[i] as number, start);
      if (from >= end) break;
      known += Math.max(0, Math.min(this.#ends[i] as number, end) - from);
    }
    return known;
  }

  /** Its ranges in order, half-open. */
  *ranges(): Iterable<readonly [start: number, end: number]> {
    for (const [i, start] of this.#starts.entries()) yield [start, this.#ends[i] as number];
  }

  /** Bytes in the set. */
  get bytes(): number {
    return this.#ends.reduce((sum, end, i) => sum + end - (this.#starts[i] as number), 0);
  }

  /** Empties the set from `start` on. */
  cut(start: number): void {
    const from = this.#firstEndingAtOrAfter(start);
    this.#starts.length = Math.min(this.#starts.length, from + 1);
    this.#ends.length = this.#starts.length;
    if (from >= this.#starts.length) return;
    if ((this.#starts[from] as number) >= start) {
      this.#starts.length = from;
      this.#ends.length = from;
    } else {
      this.#ends[from] = Math.min(this.#ends[from] as number, start);
    }
  }

  #firstEndingAtOrAfter(place: number): number {
    let [low, high] = [0, this.#ends.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ends[middle] as number) < place) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
