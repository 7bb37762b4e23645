/**
 * Where each byte of a file in the page cache came from, and whether a read has used it since: the
 * one definition of a page-cache hit. Called by app/run/cache_use.ts while a workload runs and by
 * analysis/hits.ts over a capture. docs/reference/accounting.md has the definitions.
 *
 * Kept per page where a page has one origin, and per range where it has several, as the last page
 * of a file does.
 */
import { PAGE_SIZE, pageIndex } from './range.js';

/** How bytes came into the page cache. */
export const ORIGIN = { server: 1, cache: 2, zero: 3, written: 4 } as const;

/** One of `ORIGIN`. */
export type Origin = (typeof ORIGIN)[keyof typeof ORIGIN];

/** Bytes that an application read, by where they came from. They add up to what it read. */
export interface BytesRead {
  /** In the page cache, and used by an earlier read or there before anything was recorded. */
  memory: number;
  /** Used by an earlier read, but on its way when this one began: it waited for somebody else's. */
  shared: number;
  /** First use of what came from the disk cache. */
  cache: number;
  /** First use of what came from the server. */
  server: number;
  /** First use of what was filled with zeros: a hole of the file. */
  zero: number;
  /** First use of what a local write put there. */
  written: number;
}

/** Nothing read. */
export function nothingRead(): BytesRead {
  return { memory: 0, shared: 0, cache: 0, server: 0, zero: 0, written: 0 };
}

const USED = 5;
/** The page has pieces. */
const PIECES = 6;

/** By state; 0 = was there before anything was recorded. */
const FIRST_USE: readonly (keyof BytesRead | null)[] = [
  ...(['memory', 'server', 'cache', 'zero', 'written'] as const),
  null,
];

/** Pages of a chunk: a large sparse file costs memory only where it is read. */
const CHUNK = 512;

class Chunk {
  readonly state = new Uint8Array(CHUNK);
  /** When the bytes of a page came, nanoseconds. */
  readonly came = new Float64Array(CHUNK);
}

/** A half-open range within a page. */
interface Piece {
  readonly start: number;
  readonly end: number;
  readonly state: number;
  readonly came: number;
}

/** The bytes of one file. */
export class ByteOrigins {
  readonly #chunks = new Map<number, Chunk>();
  readonly #pieces = new Map<number, readonly Piece[]>();

  /**
   * Bytes [start, end) come in at `ns`. Returns how many of those they replace were brought from
   * the server or the disk cache and never used.
   */
  bring(start: number, end: number, origin: Origin, ns: number): number {
    let unused = 0;
    for (let at = start; at < end; ) {
      const index = pageIndex(at);
      const stop = Math.min(end, (index + 1) * PAGE_SIZE);
      unused += this.#put(index, { start: at, end: stop, state: origin, came: ns });
      at = stop;
    }
    return unused;
  }

  /**
   * An application has read bytes [start, end) by an operation that began at `began`. Without
   * `result` it is only known what it asked for: zeros may lie behind the end of the file, and are
   * not counted.
   */
  read(start: number, end: number, began: number, to: BytesRead, result = true): void {
    for (let at = start; at < end; ) {
      const index = pageIndex(at);
      const chunk = this.#chunk(index);
      const stop = Math.min(end, (index + 1) * PAGE_SIZE);
      const state = chunk.state[index % CHUNK] as number;
      if (state === USED) {
        count(to, USED, chunk.came[index % CHUNK] as number, began, stop - at);
      } else {
        this.#use(index, at, stop, began, to, result);
      }
      at = stop;
    }
  }

  /** Bytes brought from the server or the disk cache that no read has used. */
  unused(): number {
    let sum = 0;
    for (const { state } of this.#chunks.values()) {
      for (const each of state) if (isFetched(each)) sum += PAGE_SIZE;
    }
    for (const pieces of this.#pieces.values()) {
      for (const { start, end, state } of pieces) if (isFetched(state)) sum += end - start;
    }
    return sum;
  }

  #use(
    ...[index, start, end, began, to, result]: [number, number, number, number, BytesRead, boolean]
  ): void {
    for (const piece of this.#piecesOf(index)) {
      const [from, until] = [Math.max(start, piece.start), Math.min(end, piece.end)];
      if (from >= until || (piece.state === ORIGIN.zero && !result)) continue;
      count(to, piece.state, piece.came, began, until - from);
      this.#put(index, { start: from, end: until, state: USED, came: piece.came });
    }
  }

  /** Puts a piece into a page; returns how many unused bytes it replaces. */
  #put(index: number, piece: Piece): number {
    const chunk = this.#chunk(index);
    const place = index % CHUNK;
    const before = chunk.state[place] as number;
    if (piece.end - piece.start === PAGE_SIZE && before !== PIECES) {
      chunk.state[place] = piece.state;
      chunk.came[place] = piece.came;
      return piece.state !== USED && isFetched(before) ? PAGE_SIZE : 0;
    }
    let unused = 0;
    const pieces: Piece[] = [];
    for (const each of this.#piecesOf(index)) {
      const [from, until] = [Math.max(piece.start, each.start), Math.min(piece.end, each.end)];
      if (from >= until) {
        add(pieces, each);
        continue;
      }
      if (piece.state !== USED && isFetched(each.state)) unused += until - from;
      if (each.start < from) add(pieces, { ...each, end: from });
      add(pieces, { ...piece, start: from, end: until });
      if (until < each.end) add(pieces, { ...each, start: until });
    }
    this.#keep(index, chunk, pieces);
    return unused;
  }

  #keep(index: number, chunk: Chunk, pieces: readonly Piece[]): void {
    const [only] = pieces;
    if (pieces.length === 1 && only !== undefined) {
      this.#pieces.delete(index);
      chunk.state[index % CHUNK] = only.state;
      chunk.came[index % CHUNK] = only.came;
    } else {
      this.#pieces.set(index, pieces);
      chunk.state[index % CHUNK] = PIECES;
    }
  }

  /** The pieces of a page, in order and without gaps. */
  #piecesOf(index: number): readonly Piece[] {
    const pieces = this.#pieces.get(index);
    if (pieces !== undefined) return pieces;
    const { state, came } = this.#chunk(index);
    const place = index % CHUNK;
    const start = index * PAGE_SIZE;
    const end = start + PAGE_SIZE;
    return [{ start, end, state: state[place] as number, came: came[place] as number }];
  }

  #chunk(index: number): Chunk {
    const number = Math.floor(index / CHUNK);
    let chunk = this.#chunks.get(number);
    if (chunk === undefined) {
      chunk = new Chunk();
      this.#chunks.set(number, chunk);
    }
    return chunk;
  }
}

function isFetched(state: number): boolean {
  return state === ORIGIN.server || state === ORIGIN.cache;
}

function count(to: BytesRead, state: number, came: number, began: number, bytes: number): void {
  const kind = FIRST_USE[state];
  if (kind != null) to[kind] += bytes;
  else if (came > began) to.shared += bytes;
  else to.memory += bytes;
}

/** Adds a piece, joined with the last one where they are alike. */
function add(pieces: Piece[], piece: Piece): void {
  const last = pieces.at(-1);
  if (last?.end === piece.start && last.state === piece.state && last.came === piece.came) {
    pieces[pieces.length - 1] = { ...last, end: piece.end };
  } else pieces.push(piece);
}
