/**
 * Latencies of many operations, counted by how long they took: one counter for each duration up to
 * 2048 ns, then 1024 for each power of two, so that a percentile is at most a thousandth too high.
 * Filled by `job.ts` once an operation, which allocates nothing; asked by `app/run/run.ts`.
 */

/** Durations below this have a counter each. */
const EXACT = 2048;
/** Counters of each power of two from there on. */
const ROW = EXACT / 2;
const ROW_BITS = 10;
/** Durations from here on do not fit 32 bits. */
const LARGE = 2 ** 31;
const LARGE_BITS = 21;

/** Counts durations in nanoseconds, whole numbers below 2^53. */
export class LatencyHistogram {
  count = 0;
  max = 0;
  #min = Number.POSITIVE_INFINITY;
  #sum = 0;
  /** Durations below `EXACT`, then a row of `ROW` counters for each power of two that came. */
  readonly #exact = new Float64Array(EXACT);
  readonly #rows: (Float64Array | undefined)[] = [];

  /** The shortest; 0 if there was none. */
  get min(): number {
    return this.count === 0 ? 0 : this.#min;
  }

  /** NaN if there was none. */
  get mean(): number {
    return this.#sum / this.count;
  }

  /** Counts one. */
  record(ns: number): void {
    this.count++;
    this.#sum += ns;
    if (ns > this.max) this.max = ns;
    if (ns < this.#min) this.#min = ns;
    if (ns < EXACT) this.#exact[ns] = (this.#exact[ns] as number) + 1;
    else this.#recordLong(ns);
  }

  /** Counts all of another. */
  add(other: LatencyHistogram): void {
    this.count += other.count;
    this.#sum += other.#sum;
    this.max = Math.max(this.max, other.max);
    this.#min = Math.min(this.#min, other.#min);
    addTo(this.#exact, other.#exact);
    other.#rows.forEach((row, exponent) => {
      if (row !== undefined) addTo(this.#row(exponent), row);
    });
  }

  /** What `percent` percent of the durations do not exceed, at most a thousandth above it. */
  percentile(percent: number): number {
    let left = Math.max(1, Math.round((percent / 100) * this.count));
    for (let ns = 0; ns < EXACT; ns++) {
      left -= this.#exact[ns] as number;
      if (left <= 0) return ns;
    }
    for (let exponent = 1; exponent < this.#rows.length; exponent++) {
      const row = this.#rows[exponent];
      for (let i = 0; row !== undefined && i < ROW; i++) {
        left -= row[i] as number;
        if (left <= 0) return Math.min(this.max, (ROW + i + 1) * 2 ** exponent - 1);
      }
    }
    return this.max;
  }

  /** How many durations were at most `ns`; those in the counter that `ns` is in count too. */
  countUpTo(ns: number): number {
    let sum = 0;
    for (let i = 0; i <= Math.min(ns, EXACT - 1); i++) sum += this.#exact[i] as number;
    for (let exponent = 1; exponent < this.#rows.length; exponent++) {
      const row = this.#rows[exponent];
      for (let i = 0; row !== undefined && i < ROW; i++) {
        if ((ROW + i) * 2 ** exponent <= ns) sum += row[i] as number;
      }
    }
    return sum;
  }

  #recordLong(ns: number): void {
    const large = ns >= LARGE ? LARGE_BITS : 0;
    const small = large === 0 ? ns : Math.floor(ns / 2 ** large);
    const shift = 31 - Math.clz32(small) - ROW_BITS;
    const row = this.#row(large + shift);
    const i = (small >>> shift) - ROW;
    row[i] = (row[i] as number) + 1;
  }

  #row(exponent: number): Float64Array {
    let row = this.#rows[exponent];
    if (row === undefined) {
      row = new Float64Array(ROW);
      // Without holes: they are looked up more slowly.
      while (this.#rows.length < exponent) this.#rows.push(undefined);
      this.#rows[exponent] = row;
    }
    return row;
  }
}

function addTo(sums: Float64Array, counts: Float64Array): void {
  for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] as number) + (counts[i] as number);
}
