/**
 * fsx: random operations on one file, each checked against a copy in memory. Plays ltp/fsx.c of
 * xfstests; called by `app/run/fsx.ts` and the tests, one task per file, on the VFS alone.
 *
 * Others may read along meanwhile: each byte must be one that the file had since their read began.
 * What is written tells position and operation apart, so that data that is stale, torn or in the
 * wrong place is told from what is merely wrong.
 */
import type { Prng } from '../sim/prng.js';
import type { Task } from '../sim/wait_queue.js';
import type { VfsFile, VfsSurface } from '../vfs/types.js';
import { FSX_KINDS, type FsxKind, type FsxOp, printFsxOp } from './fsxops.js';

/** What an fsx run is told. */
export interface FsxSpec {
  readonly vfs: VfsSurface;
  /** File that is worked on; made or emptied first. */
  readonly name: string;
  /** Largest size of the file, bytes. */
  readonly most: number;
  /** Changes the file as somebody else would: bytes at a position inside it. */
  readonly foreign: (position: number, bytes: Uint8Array) => void;
  /**
   * True for errors that do not mean that the engine is wrong: they were injected. The operation
   * then counts as not done.
   */
  readonly tolerates: (error: unknown) => boolean;
  /** Reads and writes go past the page cache (O_DIRECT). */
  readonly direct?: boolean;
  /**
   * Operations at the beginning that are done to the copy only; what it holds then is written to
   * the file at once (fsx -b).
   */
  readonly simulated?: number;
  /** Told of every operation that is performed, as a line. */
  readonly told?: (line: string, number: number) => void;
}

/** What random operations are drawn from. Sizes are bytes, with fsx's letters. */
export interface FsxDraw {
  /** -o: longest operation; 0: as the kind has it. */
  readonly longest: number;
  /** -r, -w, -t: boundaries of reads, writes and truncations. */
  readonly readBoundary: number;
  readonly writeBoundary: number;
  readonly truncateBoundary: number;
  /** -c: the file is closed and opened again once in so many operations; 0: never. */
  readonly reopenOnceIn: number;
  /** Kinds that are left out. */
  readonly without: readonly FsxKind[];
}

/** As fsx draws without letters. */
export const FSX_DRAW: FsxDraw = {
  ...{ longest: 0, readBoundary: 1, writeBoundary: 1, truncateBoundary: 1, reopenOnceIn: 50 },
  without: ['copy_range', 'fallocate', 'punch_hole', 'zero_range'],
};

/** Where the file is not what it should be. */
export interface FsxFailure {
  /** Position of the operation in the list; the number of them: the last check. */
  readonly at: number;
  readonly what: string;
  /** Position of the first wrong byte, -1 when the size or something else is wrong. */
  readonly offset: number;
}

/** How often each kind is drawn. */
const WEIGHTS: Readonly<Record<FsxKind, number>> = {
  read: 20,
  write: 20,
  mapread: 12,
  mapwrite: 12,
  truncate: 10,
  copy_range: 6,
  fallocate: 5,
  punch_hole: 6,
  zero_range: 5,
  fsync: 4,
  invalidate: 4,
  drop: 4,
  foreign: 3,
};
const PAGE = 4096;

/** Random operations, fixed by the seed of `prng`. */
export function fsxOps(count: number, prng: Prng, most: number, draw: FsxDraw = FSX_DRAW): FsxOp[] {
  const kinds = FSX_KINDS.filter((kind) => !draw.without.includes(kind));
  const total = kinds.reduce((sum, kind) => sum + WEIGHTS[kind], 0);
  return Array.from({ length: count }, () => {
    const kind = drawKind(prng, kinds, total);
    const offset = aligned(prng.below(most), boundaryOf(kind, draw));
    const usual = prng.chance(0.5) ? 3 * PAGE : 16 * PAGE;
    const longest = Math.min(draw.longest > 0 ? draw.longest : usual, most - offset);
    const length = kind === 'truncate' ? offset : drawLength(prng, longest, kind, draw);
    const reopen = draw.reopenOnceIn > 0 && prng.chance(1 / draw.reopenOnceIn);
    const op = { kind, offset, length, reopen };
    const keeps = (kind === 'fallocate' || kind === 'zero_range') && prng.chance(0.5);
    if (keeps) return { ...op, keepSize: true };
    if (kind !== 'copy_range') return op;
    return { ...op, to: aligned(prng.below(most), draw.writeBoundary) };
  });
}

function drawKind(prng: Prng, kinds: readonly FsxKind[], total: number): FsxKind {
  let draw = prng.below(total);
  for (const kind of kinds) {
    draw -= WEIGHTS[kind];
    if (draw < 0) return kind;
  }
  return 'read';
}

// At least one byte; a multiple of the boundary where the kind has one.
function drawLength(prng: Prng, longest: number, kind: FsxKind, draw: FsxDraw): number {
  const boundary = boundaryOf(kind, draw);
  const length = 1 + prng.below(Math.max(1, longest));
  return boundary === 1 ? length : Math.max(boundary, aligned(length, boundary));
}

function boundaryOf(kind: FsxKind, draw: FsxDraw): number {
  if (kind === 'read' || kind === 'copy_range') return draw.readBoundary;
  if (kind === 'write') return draw.writeBoundary;
  return kind === 'truncate' ? draw.truncateBoundary : 1;
}

function aligned(value: number, boundary: number): number {
  return value - (value % boundary);
}

/** Bytes at a position of the file. */
interface Piece {
  readonly start: number;
  readonly bytes: Uint8Array;
}

/** A read beside the operations: what it may find. */
interface Glimpse extends Piece {
  /** What was there in the course of it besides. */
  readonly since: Piece[];
}

/** One file and its copy. */
export class Fsx {
  readonly #spec: FsxSpec;
  readonly #copy: Uint8Array;
  readonly #buffer: Uint8Array;
  #size = 0;
  #file: VfsFile | undefined;
  #at = 0;
  /** Operations performed, as lines. */
  readonly log: string[] = [];
  /** Why the check of an operation failed. */
  #failure: FsxFailure | undefined;
  /** What the operation under way does to the content, seen by readers before it has ended. */
  #coming: Piece[] = [];
  readonly #glimpses = new Set<Glimpse>();
  #ended = false;
  /** Reads that were checked while operations were performed. */
  readAlongs = 0;

  constructor(spec: FsxSpec) {
    this.#spec = spec;
    this.#copy = new Uint8Array(spec.most);
    this.#buffer = new Uint8Array(spec.most + PAGE);
  }

  /** Performs the operations until one fails; undefined when all is well. */
  *run(ops: readonly FsxOp[]): Task<FsxFailure | undefined> {
    const failure = yield* this.#runAll(ops);
    this.#ended = true;
    return failure;
  }

  /** Another process: opens, reads and checks until `run` ends; `pause` waits between two reads. */
  *readAlong(prng: Prng, pause: () => Task): Task {
    const buffer = new Uint8Array(this.#spec.most);
    for (;;) {
      yield* pause();
      if (this.#ended) return;
      if (this.#size === 0) continue;
      const start = prng.below(this.#size);
      const bytes = this.#copy.slice(start, start + 1 + prng.below(this.#size - start));
      const glimpse = { start, bytes, since: [...this.#coming] };
      this.#glimpses.add(glimpse);
      const file = yield* this.#spec.vfs.open(this.#spec.name);
      const got = yield* this.#tolerate(file.read(buffer, 0, bytes.length, start));
      file.close();
      this.#glimpses.delete(glimpse);
      this.#checkGlimpse(glimpse, buffer.subarray(0, got ?? 0));
      this.readAlongs++;
    }
  }

  #checkGlimpse({ start, bytes, since }: Glimpse, got: Uint8Array): void {
    if (Buffer.compare(got, bytes.subarray(0, got.length)) === 0) return;
    for (let i = 0; i < got.length; i++) {
      const at = start + i;
      const byte = got[i];
      if (byte === bytes[i]) continue;
      if (since.some((piece) => piece.bytes[at - piece.start] === byte)) continue;
      this.#fail(at, `another reader was given ${byte}, which the file has not held since`);
      return;
    }
  }

  *#runAll(ops: readonly FsxOp[]): Task<FsxFailure | undefined> {
    const { vfs, name, direct = false, simulated = 0 } = this.#spec;
    this.#file = yield* vfs.openTruncated(name, { create: true, direct });
    for (const op of ops) {
      if (this.#at < simulated) {
        this.#simulate(op);
        if (this.#at + 1 === Math.min(simulated, ops.length)) yield* this.#writeCopy();
      } else yield* this.#step(op);
      if (this.#failure !== undefined) return this.#failure;
      this.#at++;
    }
    yield* this.#tolerate(this.#open.fsync());
    yield* this.#step({ kind: 'drop', offset: 0, length: 1, reopen: false });
    yield* this.#step({ kind: 'read', offset: 0, length: this.#spec.most, reopen: false });
    yield* this.#tolerate(this.#open.flush());
    this.#open.close();
    return this.#failure;
  }

  /** What the file should hold. */
  get expected(): Uint8Array {
    return this.#copy.subarray(0, this.#size);
  }

  get #open(): VfsFile {
    return this.#file as VfsFile;
  }

  // Does an operation to the copy alone.
  #simulate(op: FsxOp): void {
    const { most } = this.#spec;
    const offset = op.offset % most;
    const count = Math.min(op.length, most - offset);
    if (op.kind === 'truncate') {
      const size = Math.min(op.length, most);
      if (size < this.#size) this.#copy.fill(0, size, this.#size);
      this.#size = size;
    } else if (op.kind === 'punch_hole' || op.kind === 'zero_range' || op.kind === 'fallocate') {
      const keeps = op.keepSize === true || op.kind === 'punch_hole';
      const end = keeps ? Math.min(this.#size, offset + count) : offset + count;
      if (op.kind !== 'fallocate' && end > offset) this.#copy.fill(0, offset, end);
      if (!keeps) this.#size = Math.max(this.#size, end);
    } else if (op.kind === 'write' || op.kind === 'mapwrite') {
      this.#put(offset, this.#pattern(offset, count));
    } else if (op.kind === 'copy_range' && this.#size > 0) {
      const from = op.offset % this.#size;
      const to = (op.to ?? 0) % most;
      const length = Math.min(op.length, this.#size - from, most - to);
      this.#put(to, this.#copy.slice(from, from + length));
    }
  }

  *#writeCopy(): Task {
    yield* this.#truncate(this.#size);
    for (let done = 0; done < this.#size; ) {
      const bytes = this.#copy.slice(done, this.#size);
      const got = yield* this.#tolerate(this.#open.write(bytes, 0, bytes.length, done));
      if (got === undefined) return;
      done += got;
    }
  }

  *#step(op: FsxOp): Task {
    const line = printFsxOp(op, this.#size);
    this.log.push(line);
    this.#spec.told?.(line, this.#at + 1);
    yield* this.#perform(op);
    this.#coming = [];
    const { size } = this.#open.fstat();
    if (size !== this.#size) this.#fail(-1, `size is ${size}, should be ${this.#size}`);
    if (op.reopen) yield* this.#reopen();
  }

  // Offsets and lengths are trimmed as fsx does when it replays.
  *#perform({ kind, offset, length, to = 0, keepSize = false }: FsxOp): Task {
    const { most } = this.#spec;
    const file = this.#open;
    const start = offset % (inside(kind) ? Math.max(1, this.#size) : most);
    const count = Math.min(length, (inside(kind) ? this.#size : most) - start);
    if (kind === 'read' && count > 0) yield* this.#read(start, count);
    else if (kind === 'mapread' && count > 0) yield* this.#mapRead(start, count);
    else if (kind === 'write') yield* this.#write(start, count);
    else if (kind === 'mapwrite') yield* this.#mapWrite(start, count);
    else if (kind === 'truncate') yield* this.#truncate(Math.min(length, most));
    else if (kind === 'copy_range' && count > 0) yield* this.#copyRange(start, count, to % most);
    else if (kind === 'fallocate' || kind === 'punch_hole' || kind === 'zero_range') {
      if (count > 0) yield* this.#allocate(kind, start, count, keepSize);
    } else if (kind === 'fsync') yield* this.#tolerate(file.fsync());
    else if (kind === 'invalidate') yield* this.#tolerate(file.invalidate());
    else if (kind === 'drop') yield* file.fadvise('dontneed');
    else if (kind === 'foreign' && count > 0) yield* this.#foreign(start, count);
  }

  *#read(start: number, count: number): Task {
    const got = yield* this.#tolerate(this.#open.read(this.#buffer, 0, count, start));
    if (got === undefined) return;
    if (got > count) this.#fail(-1, `read gave ${got} of ${count} bytes`);
    this.#compare(start, got);
    // A server that fails ends a read early; without one it is an error.
    if (got < count) yield* this.#readRest(start + got, count - got);
  }

  *#readRest(start: number, count: number): Task {
    const got = yield* this.#tolerate(this.#open.read(this.#buffer, 0, count, start));
    if (got === undefined) return;
    if (got === 0) this.#fail(start, 'the file ends early');
    this.#compare(start, got);
  }

  *#mapRead(start: number, count: number): Task {
    const area = this.#open.mmap(0, this.#spec.most);
    const got = yield* this.#tolerate(area.load(this.#buffer, start, count));
    if (got !== undefined) this.#compare(start, got);
    area.munmap();
  }

  *#write(start: number, count: number): Task {
    for (let done = 0; done < count; ) {
      const bytes = this.#pattern(start + done, count - done);
      this.#announce(start + done, bytes);
      const got = yield* this.#tolerate(this.#open.write(bytes, 0, bytes.length, start + done));
      if (got === undefined) return;
      this.#put(start + done, bytes.subarray(0, got));
      done += got;
    }
  }

  // Punched and zeroed ranges read as zeros; a range may lie behind the end of the file.
  *#allocate(kind: Allocating, start: number, count: number, keepSize: boolean): Task {
    const keeps = keepSize || kind === 'punch_hole';
    const mode = MODES[kind] | (keeps ? KEEP_SIZE : 0);
    const end = keeps ? Math.min(this.#size, start + count) : start + count;
    if (kind !== 'fallocate' && end > start) {
      this.#announce(start, new Uint8Array(end - start));
    }
    const { names } = this.#spec.vfs;
    const done = yield* this.#tolerate(allocated(names.allocate(this.#open, mode, start, count)));
    if (done === undefined) return;
    if (kind !== 'fallocate' && end > start) this.#copy.fill(0, start, end);
    if (!keeps) this.#size = Math.max(this.#size, end);
  }

  // copy_file_range(2) as the kernel does it where the filesystem cannot: read and written.
  *#copyRange(start: number, count: number, to: number): Task {
    const length = Math.min(count, this.#spec.most - to);
    const got = yield* this.#tolerate(this.#open.read(this.#buffer, 0, length, start));
    if (got === undefined) return;
    this.#compare(start, got);
    const bytes = this.#buffer.slice(0, got);
    for (let done = 0; done < got; ) {
      const rest = bytes.subarray(done);
      this.#announce(to + done, rest);
      const put = yield* this.#tolerate(this.#open.write(rest, 0, rest.length, to + done));
      if (put === undefined) return;
      this.#put(to + done, rest.subarray(0, put));
      done += put;
    }
  }

  // As fsx: a store beyond the end extends the file first.
  *#mapWrite(start: number, count: number): Task {
    if (start + count > this.#size) yield* this.#truncate(start + count);
    if (start + count > this.#size) return;
    const area = this.#open.mmap(0, this.#spec.most);
    // Page by page, so that a fault that fails leaves no doubt about what was stored.
    for (let at = start; at < start + count; ) {
      const length = Math.min(start + count - at, PAGE - (at % PAGE));
      const bytes = this.#pattern(at, length);
      this.#announce(at, bytes);
      const got = yield* this.#tolerate(area.store(bytes, 0, length, at));
      if (got === undefined) break;
      this.#put(at, bytes);
      at += length;
    }
    area.munmap();
  }

  *#truncate(size: number): Task {
    if (size < this.#size) this.#announce(size, new Uint8Array(this.#size - size));
    const done = yield* this.#tolerate(this.#truncated(size));
    if (done === undefined) return;
    if (size < this.#size) this.#copy.fill(0, size, this.#size);
    this.#size = size;
  }

  *#truncated(size: number): Task<true> {
    yield* this.#open.truncate(size);
    return true;
  }

  // What is dirty is written first, and the file is opened afresh: then the change must be seen.
  *#foreign(start: number, count: number): Task {
    const written = yield* this.#tolerate(this.#flushed());
    if (written === undefined) return;
    const bytes = this.#pattern(start, count);
    this.#announce(start, bytes);
    this.#spec.foreign(start, bytes);
    this.#put(start, bytes);
    yield* this.#reopen();
  }

  *#flushed(): Task<true> {
    yield* this.#open.fsync();
    return true;
  }

  *#reopen(): Task {
    yield* this.#tolerate(this.#open.flush());
    this.#open.close();
    const { direct = false } = this.#spec;
    this.#file = yield* this.#spec.vfs.open(this.#spec.name, { write: true, direct });
  }

  *#tolerate<T>(task: Task<T>): Task<T | undefined> {
    try {
      return yield* task;
    } catch (error) {
      if (this.#spec.tolerates(error)) return undefined;
      this.#fail(-1, `${error}`);
      return undefined;
    }
  }

  #announce(start: number, bytes: Uint8Array): void {
    const piece = { start, bytes };
    this.#coming.push(piece);
    for (const { since } of this.#glimpses) since.push(piece);
  }

  #put(start: number, bytes: Uint8Array): void {
    this.#copy.set(bytes, start);
    this.#size = Math.max(this.#size, start + bytes.length);
  }

  #pattern(start: number, count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    for (let i = 0; i < count; i++) bytes[i] = fsxByte(start + i, this.#at);
    return bytes;
  }

  #compare(start: number, count: number): void {
    const got = this.#buffer.subarray(0, count);
    if (Buffer.compare(got, this.#copy.subarray(start, start + count)) === 0) return;
    for (let i = 0; i < count; i++) {
      const good = this.#copy[start + i] as number;
      const bad = this.#buffer[i] as number;
      if (good === bad) continue;
      this.#fail(start + i, `byte is ${bad}, should be ${good}`);
      return;
    }
  }

  #fail(offset: number, what: string): void {
    this.#failure ??= { at: this.#at, what, offset };
  }
}

/** Operations on the room of the file. */
type Allocating = 'fallocate' | 'punch_hole' | 'zero_range';

const KEEP_SIZE = 1;
const MODES: Readonly<Record<Allocating, number>> = {
  fallocate: 0,
  punch_hole: 2,
  zero_range: 0x10,
};

function* allocated(task: Task): Task<true> {
  yield* task;
  return true;
}

/** The byte that operation `generation` writes at `position`; never 0. */
function fsxByte(position: number, generation: number): number {
  return 1 + ((generation * 37 + position * 131 + (position >> 8) * 7) % 255);
}

// Operations that stay inside the file.
function inside(kind: FsxKind): boolean {
  return ['read', 'mapread', 'foreign', 'copy_range', 'punch_hole'].includes(kind);
}
