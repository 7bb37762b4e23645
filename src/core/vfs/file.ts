/**
 * An open file: read, fadvise, readahead, mmap, mincore. Plays fs/read_write.c, mm/fadvise.c and
 * mm/mincore.c over the page cache; made by `syscalls.ts`. Here, and only here, a negative errno
 * becomes a thrown `ErrnoError`.
 */
import { EAGAIN, EFAULT, EINTR, EINVAL, ERESTARTSYS, type ErrnoName } from '../base/errno.js';
import { ErrnoError } from '../base/errors.js';
import { PAGE_SIZE, pageIndex, pagesFor } from '../base/range.js';
import type { ModifyOps, Vnode } from '../fs/types.js';
import type { SegmentList } from '../io/types.js';
import type { AddressSpace } from '../mm/address_space.js';
import type { ReaderBuffers } from '../mm/arena.js';
import { Area, type FaultHandler } from '../mm/fault.js';
import type { Filemap } from '../mm/filemap.js';
import { PG_UPTODATE } from '../mm/folio.js';
import type { Freezer } from '../mm/freeze.js';
import { type BackingDevice, FileRaState, ReadaheadControl } from '../mm/readahead.js';
import { invalidateFolios } from '../mm/truncate.js';
import type { OpenFile } from '../mm/types.js';
import type { Writeback } from '../mm/writeback.js';
import type { Server } from '../server/types.js';
import type { Clock } from '../sim/clock.js';
import { isTask, type Task } from '../sim/wait_queue.js';
import { CallsInProgress } from './calls.js';
import { directRead, directWrite, uncachedRead, uncachedWrite } from './direct.js';
import type {
  CachedRange,
  FileAdvice,
  FileStat,
  MappingHandle,
  Mount,
  OpenFlags,
  PageRun,
  VfsFile,
} from './types.js';
import { performWrite } from './write.js';

/** Processor time charged to the virtual clock: a system call, and a byte copied to the reader. */
const SYSCALL_NS = 300;
const COPY_NS_PER_BYTE = 0.12;

/** What open files share. */
export interface VfsParts {
  readonly buffers: ReaderBuffers;
  readonly filemap: Filemap;
  readonly faults: FaultHandler;
  readonly device: BackingDevice;
  readonly clock: Clock;
  readonly writeback: Writeback;
  readonly freezer: Freezer;
  /** Bytes given to readers, and taken from writers, since the lab was opened. */
  readonly delivered: { bytes: number };
  readonly accepted: { bytes: number };
  readonly mount: Mount;
  readonly server: Server;
}

/** An open file. */
export class File implements VfsFile, OpenFile {
  readonly path: string;
  readonly inode: Vnode;
  readonly mapping: AddressSpace;
  readonly ra: FileRaState;
  randomMode = false;
  readonly #parts: VfsParts;
  readonly #flags: OpenFlags;
  /** Errors of writeback that this file has been told of. */
  #errorsSeen: number;
  #open = true;
  /** Reads and writes go past the page cache. */
  readonly #bypasses: boolean;
  readonly #calls: CallsInProgress;

  /** Takes over a use of the vnode and, with `write`, one of its opens for writing. */
  constructor(parts: VfsParts, path: string, vnode: Vnode, flags: OpenFlags = {}) {
    this.#parts = parts;
    this.#flags = flags;
    this.#errorsSeen = vnode.mapping.errors.mark;
    this.path = path;
    this.inode = vnode;
    this.mapping = vnode.mapping;
    this.ra = new FileRaState(parts.device);
    this.#bypasses = flags.direct === true || vnode.uncached !== undefined;
    parts.mount.users++;
    this.#calls = new CallsInProgress(() => this.#release());
  }

  readNow(target: Uint8Array, at: number, count: number, position: number): number {
    this.#check('read', target, at, count, position);
    return this.#readNow(target, at, count, position);
  }

  #readNow(target: Uint8Array, at: number, count: number, position: number): number {
    if (this.inode.isValid?.() === false || this.#bypasses) return -1;
    const got = this.#parts.filemap.hit(this, target, at, count, position);
    if (got >= 0) this.#charge(got);
    return got;
  }

  read(target: Uint8Array, at: number, count: number, position: number): Task<number> {
    this.#check('read', target, at, count, position);
    return this.#calls.during(this.#read(target, at, count, position));
  }

  *#read(target: Uint8Array, at: number, count: number, position: number): Task<number> {
    const now = this.#readNow(target, at, count, position);
    return now >= 0 ? now : yield* this.readMissed(target, at, count, position);
  }

  *readMissed(target: Uint8Array, at: number, count: number, position: number): Task<number> {
    // Not `during`, and all in one: a task within a task is felt in random reads.
    this.#calls.enter();
    try {
      yield* this.#mustBeValid('read');
      const { filemap } = this.#parts;
      let got = -1;
      if (this.inode.uncached !== undefined) {
        got = yield* uncachedRead(this.#parts.writeback, this.inode, target, at, count, position);
      } else if (this.#bypasses) {
        got = yield* directRead(this.#parts, this, target, at, count, position);
      } else {
        const found = filemap.startPage(this, count, position);
        const pfn = isTask(found) ? yield* found : found;
        if (pfn >= 0) {
          while (filemap.isBusy(pfn)) yield filemap.untilDone(pfn);
          got = filemap.endPage(this, pfn, target, at, count, position);
        }
        if (got < 0) got = yield* filemap.read(this, target, at, count, position);
      }
      // To be restarted is the kernel's affair; the application sees an interrupted call.
      if (got < 0) throw new ErrnoError(got === -ERESTARTSYS ? -EINTR : got, 'read', this.path);
      this.#charge(got);
      return got;
    } finally {
      this.#calls.leave();
    }
  }

  /**
   * As `readNow`, telling where the bytes lie: valid until anything else of the lab runs. -1:
   * `readPieces` must do it.
   */
  readPiecesNow(list: SegmentList, count: number, position: number): number {
    this.#checkRange('read', position, count);
    if (this.inode.isValid?.() === false) return -1;
    const got = this.#parts.filemap.hitPieces(this, list, count, position);
    if (got >= 0) this.#charge(got);
    return got;
  }

  /** Reads and writes go past the page cache: there is nothing that could lie anywhere. */
  get isUncached(): boolean {
    return this.#flags.direct === true || this.inode.uncached !== undefined;
  }

  /** As `read`, telling where the bytes lie; what is `held` is to be given to `releasePieces`. */
  readPieces(list: SegmentList, held: number[], count: number, position: number): Task<number> {
    this.#checkRange('read', position, count);
    return this.#calls.during(this.#readPieces(list, held, count, position));
  }

  *#readPieces(list: SegmentList, held: number[], count: number, position: number): Task<number> {
    yield* this.#mustBeValid('read');
    const got = yield* this.#parts.filemap.readPieces(this, list, held, count, position);
    if (got < 0) throw new ErrnoError(got === -ERESTARTSYS ? -EINTR : got, 'read', this.path);
    this.#charge(got);
    return got;
  }

  /** The bytes of `readPieces` have been used. */
  releasePieces(held: number[]): void {
    this.#parts.filemap.release(held);
  }

  write(source: Uint8Array, at: number, count: number, position: number): Task<number> {
    this.#check('write', source, at, count, position);
    const modify = this.#modifying('write', 'EBADF');
    const to = this.#flags.append === true ? undefined : position;
    return this.#calls.during(this.#write(modify, source, at, count, to));
  }

  /** As `write`, of pages that were mapped elsewhere: at `position` also with O_APPEND. */
  writeMapped(source: Uint8Array, at: number, count: number, position: number): Task<number> {
    this.#check('write', source, at, count, position);
    const modify = this.#modifying('write', 'EBADF');
    return this.#calls.during(this.#write(modify, source, at, count, position));
  }

  *#write(
    { lock }: ModifyOps,
    source: Uint8Array,
    at: number,
    count: number,
    position: number | undefined,
  ): Task<number> {
    yield* this.#mustBeValid('write');
    const { writeback } = this.#parts;
    const uncached = this.inode.uncached !== undefined;
    const done = yield* this.#parts.freezer.during('write', () =>
      lock.exclusively(() => {
        const to = position ?? this.inode.size;
        if (uncached) return uncachedWrite(writeback, this.inode, source, at, count, to);
        return this.#flags.direct === true
          ? directWrite(writeback, this.inode, source, at, count, to)
          : performWrite(this.#parts, this, source, at, count, to);
      }),
    );
    if (done < 0) throw new ErrnoError(done, 'write', this.path);
    this.#parts.accepted.bytes += done;
    this.#parts.clock.charge(SYSCALL_NS + Math.round(done * COPY_NS_PER_BYTE));
    return done;
  }

  truncate(size: number): Task {
    this.#checkRange('ftruncate', size, 0);
    const modify = this.#modifying('ftruncate', 'EINVAL');
    return this.#calls.during(this.#truncate(modify, size));
  }

  *#truncate(modify: ModifyOps, size: number): Task {
    const error = yield* this.#parts.freezer.during('write', () =>
      modify.lock.exclusively(() => modify.setSize(size)),
    );
    if (error < 0) throw new ErrnoError(error, 'ftruncate', this.path);
  }

  /** O_TRUNC, right after the file was opened: what is written from now on is all there is. */
  *makeEmpty(): Task {
    yield* this.truncate(0);
    this.inode.modify?.startAnew();
  }

  flush(): Task {
    this.#checkOpen('close');
    return this.#calls.during(this.#flush());
  }

  *#flush(): Task {
    yield* this.#parts.writeback.writeAndWait(this.mapping);
    this.#throwErrors('close');
  }

  fsync(): Task {
    this.#checkOpen('fsync');
    const modify = this.#flags.write === true ? this.#modifying('fsync', 'EBADF') : undefined;
    return this.#calls.during(this.#fsync(modify));
  }

  *#fsync(modify: ModifyOps | undefined): Task {
    yield* this.#parts.writeback.writeAndWait(this.mapping);
    this.#throwErrors('fsync');
    const error = modify === undefined ? 0 : yield* modify.sync();
    if (error < 0) throw new ErrnoError(error, 'fsync', this.path);
  }

  invalidate(): Task {
    this.#checkOpen('invalidate');
    return this.#calls.during(this.#invalidate());
  }

  *#invalidate(): Task {
    const error = yield* invalidateFolios(this.mapping);
    if (error < 0) throw new ErrnoError(error, 'invalidate', this.path);
  }

  /** msync(2): writes bytes [start, end] and tells of errors. */
  *syncRange(start: number, end: number): Task {
    yield* this.#parts.writeback.writeAndWait(this.mapping, start, end);
    this.#throwErrors('msync');
  }

  /**
   * Makes sure that what is cached is still the file's, if the filesystem asks at each use: 0 or a
   * negative errno. A page fault does not mind; it maps what there is.
   */
  *validate(): Task<number> {
    const { inode } = this;
    if (inode.validate === undefined || inode.isValid?.() === true) return 0;
    return yield* inode.validate();
  }

  /** True if a shared mapping of the file may be stored into. */
  get isWritable(): boolean {
    return this.#flags.write === true;
  }

  fadvise(advice: FileAdvice, offset = 0, length = 0): Task {
    this.#checkRange('fadvise', offset, length);
    return this.#calls.during(this.#fadvise(advice, offset, length));
  }

  *#fadvise(advice: FileAdvice, offset: number, length: number): Task {
    const { ra } = this;
    if (advice === 'normal' || advice === 'sequential') {
      ra.raPages = ra.device.raPages * (advice === 'sequential' ? 2 : 1);
      this.randomMode = false;
    } else if (advice === 'random') {
      this.randomMode = true;
    } else if (advice === 'willneed') {
      yield* this.#willNeed(offset, length);
    } else if (advice === 'dontneed') {
      this.#dontNeed(offset, length === 0 ? Number.MAX_SAFE_INTEGER : offset + length - 1);
    } else if (advice !== 'noreuse') {
      throw new ErrnoError('EINVAL', 'fadvise', this.path);
    }
  }

  readahead(offset: number, count: number): Task {
    this.#checkRange('readahead', offset, count);
    return this.#calls.during(this.#willNeed(offset, count));
  }

  mmap(offset: number, length: number): MappingHandle {
    this.#checkOpen('mmap');
    if (!(offset >= 0 && length > 0) || offset % PAGE_SIZE !== 0)
      throw new ErrnoError(EINVAL, 'mmap', this.path);
    if (this.isWritable && this.inode.uncached?.readOnlyMaps === true) {
      const text = 'a mount with cache=none has no writable shared mappings';
      throw new ErrnoError(EINVAL, 'mmap', this.path, { text });
    }
    this.inode.hold();
    const area = new Area(this, offset / PAGE_SIZE, pagesFor(length));
    return new Mapping(this.#parts, this, area);
  }

  cached(offset: number, count: number): Task<CachedRange | null> {
    this.#checkRange('cached', offset, count);
    return this.#calls.during(this.#cached(offset, count));
  }

  *#cached(offset: number, count: number): Task<CachedRange | null> {
    const asked = this.inode.occupancy?.({ start: offset, len: count });
    const found = asked === undefined ? null : yield* asked;
    return typeof found === 'number' ? null : found;
  }

  mincore(): PageRun[] {
    this.#checkOpen('mincore');
    const runs: Array<{ first: number; last: number }> = [];
    const { folios } = this.mapping;
    for (const pfn of this.mapping.range(0, Number.MAX_SAFE_INTEGER)) {
      if (!folios.test(pfn, PG_UPTODATE)) continue;
      const first = folios.indexOf(pfn);
      const last = first + folios.pagesOf(pfn) - 1;
      const run = runs.at(-1);
      if (run !== undefined && run.last + 1 === first) run.last = last;
      else runs.push({ first, last });
    }
    return runs;
  }

  stat(): Task<FileStat> {
    this.#checkOpen('fstat');
    return this.#calls.during(this.#stat());
  }

  *#stat(): Task<FileStat> {
    yield* this.#mustBeValid('fstat');
    const { ino, size, version } = this.inode;
    return { ino, size, version };
  }

  fstat(): FileStat {
    this.#checkOpen('fstat');
    const { ino, size, version } = this.inode;
    return { ino, size, version };
  }

  close(): void {
    this.#checkOpen('close');
    this.#open = false;
    this.#calls.close();
  }

  #release(): void {
    this.#parts.mount.users--;
    if (this.#flags.write === true) this.inode.modify?.endWriting(this.#flags.direct === true);
    this.inode.release();
  }

  *#mustBeValid(syscall: string): Task {
    const error = yield* this.validate();
    if (error < 0) throw new ErrnoError(error, syscall, this.path);
  }

  // Each error of writeback is told to each open file once.
  #throwErrors(syscall: string): void {
    const { errors } = this.mapping;
    const error = errors.since(this.#errorsSeen);
    this.#errorsSeen = errors.mark;
    if (error === 0) return;
    errors.untold = 0;
    throw new ErrnoError(error, syscall, this.path);
  }

  #modifying(syscall: string, refusal: ErrnoName): ModifyOps {
    this.#checkOpen(syscall);
    const modify = this.inode.modify;
    if (this.#flags.write === true && modify !== undefined) return modify;
    throw new ErrnoError(refusal, syscall, this.path);
  }

  #charge(bytes: number): void {
    this.#parts.delivered.bytes += bytes;
    this.#parts.clock.charge(SYSCALL_NS + Math.round(bytes * COPY_NS_PER_BYTE));
  }

  *#willNeed(offset: number, length: number): Task {
    const last = length === 0 ? Number.MAX_SAFE_INTEGER : offset + length - 1;
    const first = pageIndex(offset);
    const ractl = new ReadaheadControl(this, this.mapping, this.ra, first);
    yield* this.#parts.filemap.readahead.forced(ractl, pageIndex(last) - first + 1);
  }

  // Only whole pages go: a page at the end counts when the range ends with it or with the file.
  #dontNeed(offset: number, end: number): void {
    const first = Math.ceil(offset / PAGE_SIZE);
    let last = pageIndex(end);
    const endsPage = (end + 1) % PAGE_SIZE === 0;
    if (!endsPage && end !== this.inode.size - 1 && end !== Number.MAX_SAFE_INTEGER) last--;
    if (last >= first) this.mapping.invalidate(first, last);
  }

  #checkOpen(syscall: string): void {
    if (!this.#open) throw new ErrnoError('EBADF', syscall, this.path);
  }

  #checkRange(syscall: string, offset: number, length: number): void {
    this.#checkOpen(syscall);
    if (!(offset >= 0 && length >= 0)) throw new ErrnoError(EINVAL, syscall, this.path);
  }

  #check(syscall: string, target: Uint8Array, at: number, count: number, position: number): void {
    if (!this.#open) throw new ErrnoError('EBADF', syscall, this.path);
    const sane = count >= 0 && at >= 0 && position >= 0 && Number.isSafeInteger(position + count);
    if (!sane) throw new ErrnoError('EINVAL', syscall, this.path);
    if (at + count > target.byteLength) throw new ErrnoError('EFAULT', syscall, this.path);
  }
}

class Mapping implements MappingHandle {
  readonly #parts: VfsParts;
  readonly #file: File;
  readonly #area: Area;
  #mapped = true;
  readonly #calls: CallsInProgress;

  constructor(parts: VfsParts, file: File, area: Area) {
    this.#parts = parts;
    this.#file = file;
    this.#area = area;
    parts.mount.users++;
    this.#calls = new CallsInProgress(() => {
      parts.mount.users--;
      file.inode.release();
    });
  }

  advise(advice: 'normal' | 'random' | 'sequential'): void {
    this.#area.advice = advice;
  }

  load(target: Uint8Array, position: number, count: number): Task<number> {
    return this.#calls.during(this.#load(target, position, count));
  }

  *#load(target: Uint8Array, position: number, count: number): Task<number> {
    const { mapping } = this.#file;
    const { folios } = mapping;
    yield* this.#file.validate();
    for (let done = 0; done < count; ) {
      const index = pageIndex(position + done);
      yield* this.#faultIn(index);
      const pfn = mapping.find(index);
      folios.touch(pfn);
      const offset = position + done - folios.indexOf(pfn) * PAGE_SIZE;
      const length = Math.min(count - done, folios.sizeOf(pfn) - offset);
      const from = folios.frames.offsetOf(pfn) + offset;
      target.set(folios.frames.memoryOf(pfn).subarray(from, from + length), done);
      done += length;
    }
    this.#parts.delivered.bytes += count;
    this.#parts.clock.charge(Math.round(count * COPY_NS_PER_BYTE));
    return count;
  }

  store(source: Uint8Array, at: number, count: number, position: number): Task<number> {
    if (!this.#file.isWritable) throw new ErrnoError('EACCES', 'mmap', this.#file.path);
    return this.#calls.during(this.#store(source, at, count, position));
  }

  *#store(source: Uint8Array, at: number, count: number, position: number): Task<number> {
    const { folios } = this.#file.mapping;
    yield* this.#file.validate();
    for (let done = 0; done < count; ) {
      const refused = yield* this.#parts.writeback.admit(this.#file.mapping);
      if (refused < 0) throw new ErrnoError(refused, 'page fault', this.#file.path);
      const pfn = yield* this.#writablePage(pageIndex(position + done));
      const offset = position + done - folios.indexOf(pfn) * PAGE_SIZE;
      const length = Math.min(count - done, folios.sizeOf(pfn) - offset);
      const to = folios.frames.offsetOf(pfn) + offset;
      const bytes = source.subarray(at + done, at + done + length);
      folios.frames.memoryOf(pfn).set(bytes, to);
      done += length;
      yield* this.#parts.writeback.balance();
    }
    this.#parts.accepted.bytes += count;
    this.#parts.clock.charge(Math.round(count * COPY_NS_PER_BYTE));
    return count;
  }

  msync(): Task {
    const start = this.#area.firstPage * PAGE_SIZE;
    const end = start + this.#area.pages * PAGE_SIZE - 1;
    return this.#calls.during(this.#file.syncRange(start, end));
  }

  // The page to store into, at once, before anybody else runs.
  *#writablePage(index: number): Task<number> {
    const area = this.#area;
    for (;;) {
      yield* this.#faultIn(index);
      if (area.isWritable(index)) return this.#file.mapping.find(index);
      const made = yield* this.#parts.faults.makeWritable(area, index);
      if (made >= 0) return made;
      if (made !== -EAGAIN) throw new ErrnoError(made, 'page fault', this.#file.path);
    }
  }

  *#faultIn(index: number): Task {
    if (!this.#mapped) this.#bus();
    const inside = index >= this.#area.firstPage;
    if (!inside || index >= this.#area.firstPage + this.#area.pages) this.#bus();
    while (!this.#area.isMapped(index, 1)) {
      const error = yield* this.#parts.faults.fault(this.#area, index);
      if (error === -EFAULT) this.#bus();
      if (error < 0) throw new ErrnoError(error, 'page fault', this.#file.path);
      // The access is made again, and finds nothing there.
      if (!this.#mapped) this.#bus();
    }
  }

  munmap(): void {
    if (!this.#mapped) return;
    this.#mapped = false;
    this.#area.close();
    this.#calls.close();
  }

  #bus(): never {
    throw new ErrnoError(EFAULT, 'page fault', this.#file.path, {
      text: 'bad address (SIGBUS)',
    });
  }
}
