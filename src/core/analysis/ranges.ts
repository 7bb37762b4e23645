/** Sets and maps of half-open byte ranges, kept sorted. Called by analyses that follow files. */

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

/** Values of half-open ranges of one file: the last one that was set for a byte counts. */
export class RangeMap<T> {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  readonly #values: T[] = [];

  /** Sets the value of [start, end). */
  set(start: number, end: number, value: T): void {
    if (end <= start) return;
    const from = this.#firstEndingAfter(start);
    let to = from;
    const before: [number, number, T][] = [];
    const after: [number, number, T][] = [];
    for (; to < this.#starts.length && (this.#starts[to] as number) < end; to++) {
      const [s, e, v] = this.#at(to);
      if (s < start) before.push([s, start, v]);
      if (e > end) after.push([end, e, v]);
    }
    const pieces: [number, number, T][] = [...before, [start, end, value], ...after];
    this.#starts.splice(from, to - from, ...pieces.map(([s]) => s));
    this.#ends.splice(from, to - from, ...pieces.map(([, e]) => e));
    this.#values.splice(from, to - from, ...pieces.map(([, , v]) => v));
  }

  /** The parts of [start, end) that have a value, in order. */
  *pieces(start: number, end: number): Iterable<readonly [start: number, end: number, value: T]> {
    for (let i = this.#firstEndingAfter(start); i < this.#starts.length; i++) {
      const [s, e, value] = this.#at(i);
      if (s >= end) return;
      yield [Math.max(s, start), Math.min(e, end), value];
    }
  }

  #at(i: number): [number, number, T] {
    return [this.#starts[i] as number, this.#ends[i] as number, this.#values[i] as T];
  }

  #firstEndingAfter(place: number): number {
    let [low, high] = [0, this.#ends.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ends[middle] as number) <= place) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
