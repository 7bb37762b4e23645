/**
 * What reads found in the page cache: the bytes of each read that none of its own requests brought,
 * and who had brought them. Called by `trace why`, beside why.ts.
 */
import { sqlModule } from './sql_module.js';
import type { Analysis, Bound, Gathering, Row } from './types.js';
import { sourceOf, why } from './why.js';

/** What a row tells of (2 = a write). At the same moment a write comes first, a read last. */
const [READ, SLICE] = [0, 1];

/** A range of a file, half-open, that somebody brought into memory. */
interface Brought {
  readonly start: number;
  readonly end: number;
  /** null = a write. */
  readonly slice: Row | null;
  readonly op: number | null;
  readonly ns: number;
}

/**
 * What is in memory of a file, as far as the trace tells: who brought the bytes between two edges.
 * All edges are known beforehand, so that nothing is moved in millions of ranges.
 */
class Memory {
  /** Where something may begin or end, in order, each once. */
  readonly #edges: Float64Array;
  /** Who brought the bytes from an edge to the next: place in `#brought` and one; 0 = nobody. */
  readonly #owners: Int32Array;
  readonly #brought: Brought[] = [];

  /** For what may be brought. */
  constructor(ranges: readonly Brought[]) {
    const sorted = new Float64Array(ranges.flatMap(({ start, end }) => [start, end])).sort();
    this.#edges = sorted.filter((edge, i) => i === 0 || edge !== sorted[i - 1]);
    this.#owners = new Int32Array(this.#edges.length);
  }

  /** Takes in what was brought last. */
  bring(next: Brought): void {
    const owner = this.#brought.push(next);
    this.#owners.fill(owner, this.#edgeAt(next.start), this.#edgeAt(next.end));
  }

  /** The pieces of [start, end), those that nobody is known to have brought included. */
  *pieces(start: number, end: number): Iterable<[number, number, Brought | null]> {
    const [edges, owners] = [this.#edges, this.#owners];
    let at = start;
    let edge = this.#edgeAt(start);
    while (at < end) {
      const owner = owners[edge] ?? 0;
      do edge++;
      while (edge < edges.length && (edges[edge] as number) < end && owners[edge] === owner);
      const until = Math.min(end, edges[edge] ?? end);
      yield [at, until, this.#brought[owner - 1] ?? null];
      at = until;
    }
  }

  /** The last edge at or before a place, -1 if there is none. */
  #edgeAt(place: number): number {
    let [low, high] = [0, this.#edges.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#edges[middle] as number) <= place) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/** One row per range of a read that was in memory, or on its way there for somebody else. */
export const pageCache: Analysis = {
  name: 'pageCache',
  doc: 'What reads found in the page cache, and who had brought it there.',
  needs: ['request', 'subrequest', 'op'],
  columns: why.columns,
  params: why.params,
  sql: sqlModule('page_cache'),
  gather: (given) => new Files(given),
};

/** The timelines of the files, and what is asked of them. */
class Files implements Gathering {
  readonly #given: Bound;
  readonly #files = new Map<string, Timeline>();

  constructor(given: Bound) {
    this.#given = given;
  }

  take(row: Row): void {
    const name = String(row.file);
    let file = this.#files.get(name);
    if (file === undefined) {
      file = new Timeline();
      this.#files.set(name, file);
    }
    file.rows.push(row);
  }

  *rows(): Iterable<Row> {
    const { op, from, to } = this.#given;
    for (const file of this.#files.values()) {
      yield* file.found(op ?? null, Number(from), Number(to));
    }
  }
}

/** What happened to a file: slices when they ended, operations when they began. */
class Timeline {
  readonly rows: Row[] = [];

  *found(op: number | string | null, from: number, to: number): Iterable<Row> {
    const brought = this.rows.map((row) => (row.what === READ ? null : broughtBy(row)));
    const memory = new Memory(brought.filter((each) => each !== null));
    for (const [i, row] of this.rows.entries()) {
      const next = brought[i] as Brought | null;
      if (next !== null) {
        memory.bring(next);
        continue;
      }
      if (op !== null && row.op !== op) continue;
      const late = this.#during(row, i);
      const own = late.filter((each) => each.op === row.op);
      const others = late.filter((each) => each.op !== row.op);
      const start = Math.max(from, Number(row.start));
      const end = Math.min(to, Number(row.start) + Number(row.len));
      for (const [at, until] of gaps(start, end, own)) {
        yield* pieces(row, at, until, memory, others);
      }
    }
  }

  /** The slices that ended while a read was under way, or on its behalf. */
  #during(read: Row, at: number): Row[] {
    const found: Row[] = [];
    for (let i = at + 1; i < this.rows.length; i++) {
      const row = this.rows[i] as Row;
      if (Number(row.ns) > Number(read.end_ns)) break;
      if (row.what === SLICE) found.push(row);
    }
    return found;
  }
}

function broughtBy(row: Row): Brought {
  const start = Number(row.start);
  const end = start + Number(row.len);
  const slice = row.what === SLICE ? row : null;
  return { start, end, slice, op: row.op as number | null, ns: Number(row.ns) };
}

/** The parts of [start, end) that none of these slices covers. */
function gaps(start: number, end: number, slices: readonly Row[]): [number, number][] {
  let left: [number, number][] = start < end ? [[start, end]] : [];
  for (const slice of slices) {
    const { start: from, end: to } = broughtBy(slice);
    left = left.flatMap(([a, b]): [number, number][] => [
      ...(a < Math.min(b, from) ? [[a, Math.min(b, from)] as [number, number]] : []),
      ...(Math.max(a, to) < b ? [[Math.max(a, to), b] as [number, number]] : []),
    ]);
  }
  return left;
}

/** What was found in a part of a read: what others were bringing, then what was there. */
function* pieces(
  read: Row,
  start: number,
  end: number,
  memory: Memory,
  others: readonly Row[],
): Iterable<Row> {
  const late = others.map(broughtBy);
  const coming = new Memory(late);
  for (const each of late) coming.bring(each);
  for (const [at, until, by] of coming.pieces(start, end)) {
    if (by !== null) yield found(read, at, until, by, 'it was on its way and was waited for');
    else {
      for (const [a, b, was] of memory.pieces(at, until)) yield found(read, a, b, was, null);
    }
  }
}

function found(read: Row, start: number, end: number, by: Brought | null, how: string | null): Row {
  const slice = by?.slice ?? null;
  const hex = (value: number) => value.toString(16);
  return {
    ...{ file: read.file ?? null, range: `${hex(start)}-${hex(end)}`, bytes: end - start },
    source: 'page cache',
    R: slice === null ? null : `${hex(Number(slice.rreq)).padStart(8, '0')}[${slice.index}]`,
    ...{ kind: slice?.kind ?? null, op: read.op ?? null, verdict: null, state: null },
    why: how ?? sentence(by, slice),
  };
}

function sentence(by: Brought | null, slice: Row | null): string {
  if (by === null) return 'it was in memory; who brought it there is not in the trace';
  const op = by.op === null ? '' : `op ${by.op}: `;
  if (slice === null) return `it was in memory since op ${by.op} wrote it`;
  return `it was in memory since ${op}read from ${sourceOf(slice)}`;
}
