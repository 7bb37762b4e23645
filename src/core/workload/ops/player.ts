/**
 * Plays an op list: performs each operation through the VFS and tells what it returned. One task
 * on behalf of one process; called by `app/`.
 */
import { createHash } from 'node:crypto';
import { EBADF, EINVAL } from '../../base/errno.js';
import { ErrnoError } from '../../base/errors.js';
import type { Task } from '../../sim/wait_queue.js';
import type { MappingHandle, PageRun, VfsFile } from '../../vfs/types.js';
import { writtenContent } from './content.js';
import { FALLOC_MODES, type Op, type OpenFlag, type OpOf, printOp } from './language.js';
import type { OpResult } from './result.js';
import type { FileOpKind, Machine, MachineOp } from './types.js';

/** Largest read or write, bytes. */
const LENGTH_MAX = 1 << 30;
/** Largest buffer that is kept for the next read, bytes. */
const KEPT_MAX = 16 << 20;
/** Length of a mapping that is made for an operation: more than any file has. */
const MAPPED_MAX = 2 ** 42;

type Outcome = Partial<Pick<OpResult, 'ret' | 'md5' | 'residency'>>;

/** Told of every operation: before it begins, and what it returned. */
export interface PlayWatch {
  /** Asked before each operation: true ends the play. */
  stop?(): boolean;
  /** Lets time pass before the operation. */
  pace?(op: Op, number: number): Task;
  begin?(op: Op, number: number): void;
  /** `direct`: a read or write that went past the page cache; undefined for anything else. */
  ended?(op: Op, result: OpResult, file: string, direct: boolean | undefined): void;
  /** What an operation writes, instead of bytes made from its seed. */
  content?(number: number): Uint8Array | undefined;
  /** Receives what an operation has read, valid during the call. */
  got?(number: number, bytes: Uint8Array): void;
  /** False: md5s are not computed. */
  readonly md5?: boolean;
}

type WritingKind = 'write' | 'truncate' | 'fsync' | 'poke' | 'msync' | 'store';

type Handlers = { readonly [K in FileOpKind]: (op: OpOf<K>) => Task<Outcome> };

/** Plays operations in order, from 0; a failing one is a result like any other. */
export class OpPlayer {
  readonly #machine: Machine;
  readonly #files = new Map<number, VfsFile>();
  readonly #mappings = new Map<number, MappingHandle>();
  /** Slots whose mapping was made for an operation: it goes with the file. */
  readonly #made = new Set<number>();
  /** Files opened for writing: closing them waits for what is dirty. */
  readonly #written = new Set<VfsFile>();
  readonly #handlers: Handlers;
  #watch: PlayWatch = {};
  #number = 0;
  #buffer: Uint8Array = Buffer.alloc(0);

  constructor(machine: Machine) {
    this.#machine = machine;
    this.#handlers = this.#makeHandlers();
  }

  /** Plays the list. What is no `ErrnoError` is thrown on. */
  *play(ops: readonly Op[], watch: PlayWatch = {}): Task {
    this.#watch = watch;
    for (const [number, op] of ops.entries()) {
      if (watch.stop?.()) return;
      this.#number = number;
      if (watch.pace !== undefined) yield* watch.pace(op, number);
      watch.begin?.(op, number);
      const file = 'slot' in op ? this.#files.get(op.slot) : undefined;
      const result = yield* this.#result(op, number);
      const direct = op.kind === 'read' || op.kind === 'write' ? file?.isUncached : undefined;
      watch.ended?.(op, result, file?.path ?? (op.kind === 'open' ? op.path : ''), direct);
    }
  }

  /** Closes what the list left open. */
  closeAll(): void {
    for (const mapping of this.#mappings.values()) mapping.munmap();
    for (const file of this.#files.values()) file.close();
    this.#mappings.clear();
    this.#files.clear();
  }

  *#result(op: Op, number: number): Task<OpResult> {
    const result = { op: number, text: printOp(op), ret: 0, errno: 0, md5: '', residency: null };
    try {
      return { ...result, ...(yield* this.#perform(op)) };
    } catch (error) {
      if (!(error instanceof ErrnoError)) throw error;
      return { ...result, ret: -1, errno: -error.errno };
    }
  }

  #perform(op: Op): Task<Outcome> {
    if (op.kind in this.#handlers) {
      const handlers = this.#handlers as Record<string, (op: Op) => Task<Outcome>>;
      return handlers[op.kind]!(op);
    }
    return this.#machineOp(op as MachineOp);
  }

  *#machineOp(op: MachineOp): Task<Outcome> {
    const result = yield* this.#machine.perform(op);
    // What is written to drop_caches is one byte.
    return { ret: op.kind === 'drop' ? 1 : (result ?? 0) };
  }

  #makeHandlers(): Handlers {
    const file = (slot: number): VfsFile => this.#file(slot);
    const mapping = (slot: number): MappingHandle => this.#mapping(slot);
    return {
      open: (op) => this.#open(op),
      close: ({ slot }) => this.#close(slot),
      read: (op) => this.#read(op),
      *fstat({ slot }) {
        return { ret: (yield* file(slot).stat()).size };
      },
      *fadvise({ slot, advice, offset, length }) {
        yield* file(slot).fadvise(advice, offset, length);
        return {};
      },
      *readahead({ slot, offset, length }) {
        yield* file(slot).readahead(offset, length);
        return {};
      },
      *mincore({ slot }) {
        const { size } = file(slot).fstat();
        return { ret: Number.NaN, residency: { size, pages: printRuns(file(slot).mincore()) } };
      },
      mmap: (op) => this.#mmap(op),
      *touch({ slot, offset }) {
        const byte = new Uint8Array(1);
        yield* mapping(slot).load(byte, offset, 1);
        return { ret: byte[0] as number };
      },
      munmap: (op) => this.#munmap(op),
      load: (op) => this.#load(op),
      fallocate: (op) => this.#fallocate(op),
      copy: (op) => this.#copy(op),
      ...this.#makeWriters(),
    };
  }

  *#fallocate({ slot, falloc, offset, length }: OpOf<'fallocate'>): Task<Outcome> {
    const bits = falloc.reduce((sum, each) => sum | FALLOC_MODES[each], 0);
    yield* this.#machine.vfs.names.allocate(this.#file(slot), bits, offset, length);
    return {};
  }

  *#copy({ slot, offset, target, position, length }: OpOf<'copy'>): Task<Outcome> {
    const { names } = this.#machine.vfs;
    const [from, to] = [this.#file(slot), this.#file(target)];
    if (length > LENGTH_MAX) throw new ErrnoError(EINVAL, 'copy_file_range', from.path);
    return { ret: yield* names.copyRange(from, offset, to, position, length) };
  }

  #makeWriters(): Pick<Handlers, WritingKind> {
    const player = this;
    return {
      *write({ slot, offset, length, seed }) {
        const file = player.#file(slot);
        if (length > LENGTH_MAX) throw new ErrnoError(EINVAL, 'write', file.path);
        const source = player.#content(offset, length, seed);
        return { ret: yield* file.write(source, 0, length, offset) };
      },
      *truncate({ slot, length }) {
        yield* player.#file(slot).truncate(length);
        return {};
      },
      *fsync({ slot }) {
        yield* player.#file(slot).fsync();
        return {};
      },
      *poke({ slot, offset, value }) {
        yield* player.#mapping(slot).store(Uint8Array.of(value), 0, 1, offset);
        return {};
      },
      *store({ slot, offset, length, seed }) {
        const mapping = player.#wholeMapping(slot);
        const count = player.#within(slot, offset, length, 'store');
        if (count === 0) return { ret: 0 };
        const source = player.#content(offset, count, seed);
        return { ret: yield* mapping.store(source, 0, count, offset) };
      },
      *msync({ slot }) {
        yield* player.#mapping(slot).msync();
        return {};
      },
    };
  }

  *#open({ slot, flags, path }: OpOf<'open'>): Task<Outcome> {
    if (this.#files.has(slot)) throw new ErrnoError(EINVAL, 'open', path);
    const has = (flag: OpenFlag): boolean => flags.includes(flag);
    const write = has('rdwr') || has('wronly');
    const how = {
      write,
      create: has('creat'),
      exclusive: has('excl'),
      append: has('append'),
      direct: has('direct'),
    };
    const { vfs } = this.#machine;
    const file = has('trunc') ? yield* vfs.openTruncated(path, how) : yield* vfs.open(path, how);
    this.#files.set(slot, file);
    if (write) this.#written.add(file);
    return {};
  }

  *#close(slot: number): Task<Outcome> {
    const file = this.#file(slot);
    this.#files.delete(slot);
    if (this.#made.delete(slot)) {
      this.#mappings.get(slot)?.munmap();
      this.#mappings.delete(slot);
    }
    try {
      if (this.#written.delete(file)) yield* file.flush();
    } finally {
      file.close();
    }
    return {};
  }

  *#read({ slot, offset, length }: OpOf<'read'>): Task<Outcome> {
    const file = this.#file(slot);
    if (length > LENGTH_MAX) throw new ErrnoError(EINVAL, 'read', file.path);
    const target = this.#room(length);
    const ret = yield* file.read(target, 0, length, offset);
    return this.#outcome(target.subarray(0, ret));
  }

  *#load({ slot, offset, length }: OpOf<'load'>): Task<Outcome> {
    const mapping = this.#wholeMapping(slot);
    const count = this.#within(slot, offset, length, 'load');
    const target = this.#room(count);
    if (count > 0) yield* mapping.load(target, offset, count);
    return this.#outcome(target.subarray(0, count));
  }

  #outcome(bytes: Uint8Array): Outcome {
    this.#watch.got?.(this.#number, bytes);
    if (this.#watch.md5 === false) return { ret: bytes.length };
    return { ret: bytes.length, md5: createHash('md5').update(bytes).digest('hex') };
  }

  // Nobody keeps what was read: one buffer serves all reads that are not huge.
  #room(length: number): Uint8Array {
    if (length > KEPT_MAX) return Buffer.alloc(length);
    if (this.#buffer.length < length) this.#buffer = Buffer.alloc(Math.max(length, 64 << 10));
    return this.#buffer.subarray(0, length);
  }

  #content(offset: number, length: number, seed: number): Uint8Array {
    const given = this.#watch.content?.(this.#number);
    return given?.length === length ? given : writtenContent(offset, length, seed);
  }

  // How much of a range is in the file: beyond its last page the processor would deliver SIGBUS.
  #within(slot: number, offset: number, length: number, call: string): number {
    const file = this.#file(slot);
    if (length > LENGTH_MAX) throw new ErrnoError(EINVAL, call, file.path);
    return Math.max(0, Math.min(length, file.fstat().size - offset));
  }

  *#mmap({ slot, length, random }: OpOf<'mmap'>): Task<Outcome> {
    const file = this.#file(slot);
    if (this.#mappings.has(slot)) throw new ErrnoError(EINVAL, 'mmap', file.path);
    const mapping = file.mmap(0, length);
    if (random) mapping.advise('random');
    this.#mappings.set(slot, mapping);
    return {};
  }

  *#munmap({ slot }: OpOf<'munmap'>): Task<Outcome> {
    this.#mapping(slot).munmap();
    this.#mappings.delete(slot);
    return {};
  }

  #file(slot: number): VfsFile {
    const file = this.#files.get(slot);
    if (file === undefined) throw new ErrnoError(EBADF, 'slot', String(slot));
    return file;
  }

  #wholeMapping(slot: number): MappingHandle {
    const there = this.#mappings.get(slot);
    if (there !== undefined) return there;
    const mapping = this.#file(slot).mmap(0, MAPPED_MAX);
    this.#mappings.set(slot, mapping);
    this.#made.add(slot);
    return mapping;
  }

  #mapping(slot: number): MappingHandle {
    const mapping = this.#mappings.get(slot);
    if (mapping === undefined) throw new ErrnoError(EINVAL, 'mapping', this.#file(slot).path);
    return mapping;
  }
}

function printRuns(runs: readonly PageRun[]): string {
  if (runs.length === 0) return 'none';
  return runs.map(({ first, last }) => `${first}-${last}`).join(',');
}
