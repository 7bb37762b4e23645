/**
 * What reads found in the page cache: the bytes of each read that none of its own requests brought,
 * where they had come from, and whether a read had used them before. Called by `trace why`, beside
 * why.ts. The origins are those of docs/reference/accounting.md.
 */
import { sqlModule } from './sql_module.js';
import type { Analysis, Bound, Gathering, Row } from './types.js';
import { why } from './why.js';

/** What a row tells of (2 = a write). At the same moment a write comes first, a read last. */
const [READ, SLICE, ZEROED] = [0, 1, 3];

/** Sources by their names in the kernel. */
const SOURCES: Readonly<Record<string, string>> = { READ: 'cache', DOWN: 'server', ZERO: 'zero' };

/** A range of a file that somebody brought into memory: a slice or a write. */
interface Brought {
  readonly row: Row;
  readonly ns: number;
}

/**
 * What is in memory of a file, as far as the trace tells: who brought the bytes between two edges,
 * and whether a read has used them. All edges are known beforehand, so that nothing is moved in
 * millions of ranges.
 */
class Memory {
  /** Where something may begin or end, in order, each once. */
  readonly #edges: Float64Array;
  /** Who brought the bytes from an edge to the next: place in `#brought` and one; 0 = nobody. */
  readonly #owners: Int32Array;
  readonly #used: Uint8Array;
  readonly #brought: Brought[] = [];

  /** For rows of these ranges. */
  constructor(rows: readonly Row[]) {
    const edges = new Float64Array(2 * rows.length);
    for (const [i, row] of rows.entries()) {
      edges[2 * i] = Number(row.start);
      edges[2 * i + 1] = endOf(row);
    }
    edges.sort();
    this.#edges = edges.filter((edge, i) => i === 0 || edge !== edges[i - 1]);
    this.#owners = new Int32Array(this.#edges.length);
    this.#used = new Uint8Array(this.#edges.length);
  }

  /** Takes in what was brought last. */
  bring(row: Row): void {
    const [from, to] = this.#places(row);
    this.#owners.fill(this.#brought.push({ row, ns: Number(row.ns) }), from, to);
    this.#used.fill(0, from, to);
  }

  /**
   * Uses the bytes of a read; gives its pieces as they were before. Where it is only known what
   * the read asked for, zeros are left out: they may lie behind the end of the file.
   */
  use(row: Row): Piece[] {
    const [from, to] = this.#places(row);
    const pieces: Piece[] = [];
    for (let i = from; i < to; i++) {
      const [start, end] = [this.#edges[i] as number, this.#edges[i + 1] as number];
      const by = this.#brought[(this.#owners[i] as number) - 1] ?? null;
      const used = this.#used[i] === 1;
      if (!used && by !== null && row.known !== 1 && isZero(by)) continue;
      this.#used[i] = 1;
      const last = pieces.at(-1);
      if (last !== undefined && last.end === start && last.by === by && last.used === used)
        last.end = end;
      else pieces.push({ start, end, by, used });
    }
    return pieces;
  }

  /** The edges of a row, which are among those known. */
  #places(row: Row): [from: number, to: number] {
    return [this.#placeOf(Number(row.start)), this.#placeOf(endOf(row))];
  }

  #placeOf(edge: number): number {
    let [low, high] = [0, this.#edges.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#edges[middle] as number) < edge) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** A part of a read, half-open, of one origin. */
interface Piece {
  readonly start: number;
  end: number;
  readonly by: Brought | null;
  readonly used: boolean;
}

function endOf(row: Row): number {
  return Number(row.start) + Number(row.len);
}

/** One row per range of a read that others had brought into memory, or were bringing. */
export const pageCache: Analysis = {
  name: 'pageCache',
  doc: 'What reads found in the page cache, and who had brought it there.',
  needs: ['request', 'provenance', 'subrequest', 'op'],
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

/** What happened to a file: slices, writes and reads when they ended. */
class Timeline {
  readonly rows: Row[] = [];

  *found(op: number | string | null, from: number, to: number): Iterable<Row> {
    const memory = new Memory(this.rows);
    for (const row of this.rows) {
      if (row.what !== READ) {
        memory.bring(row);
        continue;
      }
      const pieces = memory.use(row);
      if (op !== null && row.op !== op) continue;
      for (const piece of pieces) {
        const start = Math.max(from, piece.start);
        const end = Math.min(to, piece.end);
        // The slices of the read itself are told by why.ts.
        if (start < end && !isOwn(row, piece)) yield found(row, { ...piece, start, end });
      }
    }
  }
}

function isZero({ row }: Brought): boolean {
  return row.what === ZEROED || row.source === 'ZERO';
}

function isOwn(read: Row, { by, used }: Piece): boolean {
  return !used && by !== null && by.row.what === SLICE && by.row.op === read.op;
}

function found(read: Row, { start, end, by, used }: Piece): Row {
  const slice = by !== null && by.row.what === SLICE ? by.row : null;
  const hex = (value: number) => value.toString(16);
  const late = by !== null && by.ns > Number(read.began);
  return {
    ...{ file: read.file ?? null, range: `${hex(start)}-${hex(end)}`, bytes: end - start },
    source: sourceOf(by, used, late),
    R: slice === null ? null : `${hex(Number(slice.rreq)).padStart(8, '0')}[${slice.index}]`,
    ...{ kind: slice?.kind ?? null, op: read.op ?? null, verdict: null, state: null },
    why: sentence(by, used, late),
  };
}

/** The origin of a piece, in the words of `trace why`. */
function sourceOf(by: Brought | null, used: boolean, late: boolean): string {
  if (by === null) return 'page cache';
  if (used) return late ? 'shared' : 'page cache';
  if (by.row.what === ZEROED) return 'zero';
  return by.row.what === SLICE ? (SOURCES[String(by.row.source)] as string) : 'written';
}

function sentence(by: Brought | null, used: boolean, late: boolean): string {
  if (by === null) return 'it was in memory; who brought it there is not in the trace';
  const { op, what, source } = by.row;
  const who = op === null ? '' : `op ${op}: `;
  const from = `${who}${source === 'ZERO' ? 'filled with zeros' : `read from ${SOURCES[String(source)]}`}`;
  const waited = late ? '; it was on its way and was waited for' : '';
  if (what === ZEROED) return `zeros since op ${op} ended the file here`;
  if (what !== SLICE) {
    return used ? `it was in memory since op ${op} wrote it` : `op ${op} wrote it; used first here`;
  }
  if (!used) return `it was read ahead by ${from}, and is used first here${waited}`;
  return late
    ? `others read it as well while it was on its way (${from})`
    : `it was in memory since ${from}`;
}
