/**
 * How long the stages of all requests of a capture took, as exact percentiles: what `trace latency`
 * shows unless it is asked for a file. Collected by writer.ts while rows pass, as sorting them in
 * SQL takes seconds in a large capture.
 */
import type { RequestRow, SubrequestRow } from '../trace/reducer.js';
import type { SqlValue } from './types.js';

/** Durations that are held in one piece. */
const PIECE_MAX = 2 ** 16;

/** Durations of one stage, of requests or slices of one kind and source. */
class Durations {
  /** Pieces that are full; growing one array would need three times its size. */
  readonly #full: Float64Array[] = [];
  #ns = new Float64Array(64);
  #count = 0;

  add(ns: number): void {
    if (this.#count === this.#ns.length) {
      this.#full.push(this.#ns);
      this.#ns = new Float64Array(Math.min(2 * this.#count, PIECE_MAX));
      this.#count = 0;
    }
    this.#ns[this.#count++] = ns;
  }

  /** Count, shortest, 50th, 90th and 99th percentile by nearest rank, longest. */
  figures(): number[] {
    const pieces = [...this.#full, this.#ns.subarray(0, this.#count)];
    const sorted = new Float64Array(pieces.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const piece of pieces) {
      sorted.set(piece, at);
      at += piece.length;
    }
    sorted.sort();
    const rank = (p: number): number => sorted[Math.ceil((at * p) / 100) - 1] as number;
    return [at, sorted[0] as number, rank(50), rank(90), rank(99), rank(100)];
  }
}

const newKinds = () => new Map<RequestRow['kind'], Map<string | null, Durations>>();

/** Collects the durations of a capture. */
export class LatencySummary {
  /** By stage, kind and source. */
  readonly #stages = { wait: newKinds(), life: newKinds(), io: newKinds() };
  /** Kind of the last request; its slices come after it. */
  #kind: RequestRow['kind'] = null;

  /** Takes a request that is over, before its slices. */
  request(row: RequestRow): void {
    this.#kind = row.kind;
    const source = sourceOf(row);
    this.#add('wait', source, row.begin_ns, row.unlock_ns);
    this.#add('life', source, row.begin_ns, row.free_ns);
  }

  /** Takes a slice of the last request, with the word of its source. */
  subrequest(row: SubrequestRow, source: string | null): void {
    this.#add('io', source, row.submit_ns, row.term_ns);
  }

  /** Rows of the table `latency`. */
  rows(): SqlValue[][] {
    return Object.entries(this.#stages).flatMap(([stage, kinds]) =>
      [...kinds].flatMap(([kind, sources]) =>
        [...sources].map(([source, each]) => [stage, kind, source, ...each.figures()]),
      ),
    );
  }

  #add(
    stage: 'wait' | 'life' | 'io',
    source: string | null,
    from: number | null,
    to: number | null,
  ): void {
    if (from === null || to === null) return;
    let sources = this.#stages[stage].get(this.#kind);
    if (sources === undefined) {
      sources = new Map();
      this.#stages[stage].set(this.#kind, sources);
    }
    let durations = sources.get(source);
    if (durations === undefined) {
      durations = new Durations();
      sources.set(source, durations);
    }
    durations.add(to - from);
  }
}

function sourceOf({ server_bytes, cache_bytes, zero_bytes }: RequestRow): string | null {
  if (server_bytes > 0) return cache_bytes > 0 ? 'mixed' : 'DOWN';
  if (cache_bytes > 0) return 'READ';
  return zero_bytes > 0 ? 'ZERO' : null;
}
