/**
 * One clone of a fio job: performs its operations through the VFS, `iodepth` at once, at the rate
 * and in the time that its options say, and measures them. Called by `app/run/fio_run.ts`.
 */
import { VerificationError } from '../../base/errors.js';
import type { Scheduler } from '../../sim/scheduler.js';
import { type Task, WaitQueue } from '../../sim/wait_queue.js';
import type { MappingHandle, VfsFile, VfsSurface } from '../../vfs/types.js';
import { LatencyHistogram } from '../latency.js';
import { fillPattern } from '../pattern.js';
import type { FioFile } from './files.js';
import type { FioJob } from './job.js';
import type { FioStep, FioSteps } from './source.js';
import { fillVerified, verifyProblem } from './verify.js';

/** Length of a mapping of a whole file: more than any has. */
const MAPPED_MAX = 2 ** 42;
/** Width of a sample of bandwidth, nanoseconds. */
const SAMPLE_NS = 500e6;

/** What one direction of a job came to. Nanoseconds and bytes. */
export class FioCounts {
  ios = 0;
  bytes = 0;
  shortIos = 0;
  /** Sum of squares, for the deviation. */
  squares = 0;
  readonly latency = new LatencyHistogram();
  /** Bytes of each half second. */
  readonly samples: number[] = [];

  /** Counts one. */
  record(bytes: number, asked: number, ns: number, atNs: number): void {
    this.ios++;
    this.bytes += bytes;
    if (bytes < asked) this.shortIos++;
    this.latency.record(Math.max(1, ns));
    this.squares += ns * ns;
    const sample = Math.floor(atNs / SAMPLE_NS);
    while (this.samples.length <= sample && this.samples.length < 100_000) this.samples.push(0);
    if (sample < this.samples.length)
      this.samples[sample] = (this.samples[sample] as number) + bytes;
  }

  /** Forgets all: what came before was a ramp. */
  reset(): FioCounts {
    return new FioCounts();
  }
}

/** An operation that has ended. */
export interface FioEnded {
  readonly id: number;
  readonly kind: FioStep['kind'];
  readonly file: FioFile;
  readonly offset: number;
  readonly length: number;
  /** Bytes, or a negative errno. */
  readonly result: number;
  readonly start: number;
  readonly end: number;
  /** It neither waited nor slept. */
  readonly hit: boolean;
  /** It went past the page cache. */
  readonly direct: boolean;
}

/** What a clone needs beside its options. */
export interface FioRunSpec {
  readonly job: FioJob;
  /** Clone of the job, from 0. */
  readonly number: number;
  readonly files: readonly FioFile[];
  readonly source: FioSteps;
  readonly scheduler: Scheduler;
  readonly vfs: VfsSurface;
  nextId(): number;
  /** Told of every operation. */
  ended(op: FioEnded): void;
  /** Lines of `write_iolog`: microseconds since the start, file and what is done to it. */
  readonly log?: ((ns: number, file: string, action: string) => void) | undefined;
}

interface OpenFile {
  readonly file: VfsFile;
  mapping: MappingHandle | undefined;
}

/** A block that was written and is to be read again. */
interface Written {
  readonly file: number;
  readonly offset: number;
  readonly length: number;
}

/** One clone at work. */
export class FioRun {
  readonly spec: FioRunSpec;
  read = new FioCounts();
  write = new FioCounts();
  sync = new FioCounts();
  /** Reads of the verify phase. */
  readonly verified = { ops: 0, bytes: 0 };
  /** When it began and ended to measure, on the run's clock. */
  startNs = 0;
  endNs = 0;
  /** What ended it early. */
  error: unknown;
  /** True once it has ended. */
  done = false;
  /** Who waits for its end. */
  readonly ended = new WaitQueue('the end of a fio job');
  readonly #open = new Map<number, OpenFile>();
  readonly #written = new Map<string, Written>();
  /** Blocks of a job without overlaps, in their order. */
  readonly #inOrder: Written[] = [];
  #deadline = Number.POSITIVE_INFINITY;
  #rampEnd = 0;
  #began = 0;
  #stopped = false;
  /** Tasks that perform operations. */
  #busy = 0;
  readonly #idle = new WaitQueue('operations of a fio job');
  #sinceThought = 0;
  /** When the next operation of each direction may begin. */
  readonly #due = { read: 0, write: 0 };

  constructor(spec: FioRunSpec) {
    this.spec = spec;
  }

  /** Ends it before its next operation. */
  stop(): void {
    this.#stopped = true;
  }

  /** The body of its task. An error ends it and is left in `error`. */
  *run(spawn: (name: string, body: () => Task<unknown>) => { readonly done: boolean }): Task {
    const { job, scheduler } = this.spec;
    const { clock } = scheduler;
    try {
      if (job.startDelay > 0) yield* scheduler.sleep(job.startDelay);
      this.#began = this.startNs = clock.now();
      this.#rampEnd = this.#began + job.rampTime;
      if (job.runtime !== undefined) this.#deadline = this.#rampEnd + job.runtime;
      if (job.preRead) yield* this.#preRead();
      if (!job.createOnly) yield* this.#all(spawn);
    } catch (error) {
      this.error = error;
    }
    this.endNs = clock.now();
    yield* this.#finish();
    scheduler.context.op = 0;
    this.done = true;
    this.ended.wakeAll();
  }

  *#all(spawn: Parameters<FioRun['run']>[0]): Task {
    const { job, scheduler } = this.spec;
    const workers = Array.from({ length: job.iodepth - 1 }, (_, i) =>
      spawn(`${job.name}/${this.spec.number}.${i + 1}`, () => this.#worker()),
    );
    yield* this.#worker();
    while (this.#busy > 0 || workers.some(({ done }) => !done)) {
      if (this.#busy > 0) yield this.#idle;
      else yield* scheduler.reschedule();
    }
    if (this.error !== undefined) throw this.error;
    this.endNs = scheduler.clock.now();
    if (job.verify !== undefined && job.doVerify && job.writes) yield* this.#verifyPhase();
  }

  *#worker(): Task {
    const { job, source, scheduler, vfs } = this.spec;
    const room = Math.max(job.bs.read.max, job.bs.write.max, this.#longest());
    let buffer = vfs.takeBuffer(room);
    this.#busy++;
    try {
      while (!this.#isOver() && source.next()) {
        const step = { ...source.step };
        if (step.length > buffer.length) {
          vfs.releaseBuffer(buffer);
          buffer = vfs.takeBuffer(step.length);
        }
        if (step.atNs > 0) yield* this.#until(this.#began + step.atNs);
        yield* this.#pace(step);
        if (this.#isOver()) break;
        yield* this.#perform(step, buffer);
        if (scheduler.needResched(scheduler.clock.now())) yield* scheduler.reschedule();
        yield* this.#think();
      }
    } catch (error) {
      this.error ??= error;
      this.#stopped = true;
    } finally {
      if (--this.#busy === 0) this.#idle.wakeAll();
      vfs.releaseBuffer(buffer);
    }
  }

  #longest(): number {
    return this.spec.job.readIolog === undefined ? 0 : 1 << 20;
  }

  #isOver(): boolean {
    const { scheduler } = this.spec;
    const killed = scheduler.context.killed;
    return this.#stopped || killed || scheduler.clock.now() >= this.#deadline;
  }

  *#until(ns: number): Task {
    const { scheduler } = this.spec;
    const left = Math.min(ns, this.#deadline) - scheduler.clock.now();
    if (left > 0) yield* scheduler.sleep(left);
  }

  // Each operation moves on the time at which the next one may begin.
  *#pace({ kind, length }: FioStep): Task {
    if (kind !== 'read' && kind !== 'write') return;
    const { job, scheduler } = this.spec;
    const rate = job.rate[kind];
    const iops = job.rateIops[kind];
    if (rate === 0 && iops === 0) return;
    const now = scheduler.clock.now();
    const due = Math.max(this.#due[kind], this.#began);
    const cost = iops > 0 ? 1e9 / iops : (length * 1e9) / rate;
    this.#due[kind] = due + cost;
    if (due > now) yield* this.#until(due);
  }

  *#think(): Task {
    const { thinkTime, thinkBlocks } = this.spec.job;
    if (thinkTime === 0 || ++this.#sinceThought < thinkBlocks) return;
    this.#sinceThought = 0;
    yield* this.#until(this.spec.scheduler.clock.now() + thinkTime);
  }

  *#perform(step: FioStep, buffer: Uint8Array): Task {
    const { job, scheduler, files } = this.spec;
    const { clock } = scheduler;
    const opened = this.#open.get(step.file) ?? (yield* this.#openFile(step.file));
    const id = this.spec.nextId();
    scheduler.context.op = id;
    const { kind, offset, length } = step;
    this.#tell(step);
    if (kind === 'write') this.#fill(buffer.subarray(0, length), offset, id);
    const start = clock.now();
    let result = 0;
    let hit = false;
    let failure: unknown;
    try {
      if (kind === 'read') {
        result = job.mapping ? -1 : opened.file.readNow(buffer, 0, length, offset);
        hit = result >= 0;
        if (!hit) result = yield* this.#readFrom(opened, buffer, length, offset);
      } else if (kind === 'write') result = yield* this.#writeTo(opened, buffer, length, offset);
      else yield* opened.file.fsync();
      if (kind === 'write' && job.sync) yield* opened.file.fsync();
    } catch (error) {
      failure = error;
      result = (error as { errno?: number }).errno ?? 0;
    }
    const end = clock.now();
    this.#count(step, result, start, end);
    const file = files[step.file] as FioFile;
    const direct = opened.file.isUncached && !job.mapping;
    this.spec.ended({ id, kind, file, offset, length, result, start, end, hit, direct });
    if (failure !== undefined) throw failure;
    if (kind === 'write' && job.verify !== undefined) this.#remember(step);
    const checks = kind === 'read' && job.verify !== undefined && !job.writes;
    if (checks) this.#check(buffer.subarray(0, result), step);
  }

  *#readFrom(opened: OpenFile, buffer: Uint8Array, length: number, offset: number): Task<number> {
    if (!this.spec.job.mapping) return yield* opened.file.readMissed(buffer, 0, length, offset);
    const count = Math.max(0, Math.min(length, opened.file.fstat().size - offset));
    return count === 0 ? 0 : yield* this.#mapped(opened).load(buffer, offset, count);
  }

  *#writeTo(opened: OpenFile, buffer: Uint8Array, length: number, offset: number): Task<number> {
    if (this.spec.job.mapping) return yield* this.#mapped(opened).store(buffer, 0, length, offset);
    let done = 0;
    while (done < length) {
      done += yield* opened.file.write(buffer, done, length - done, offset + done);
    }
    return done;
  }

  #mapped(opened: OpenFile): MappingHandle {
    opened.mapping ??= opened.file.mmap(0, MAPPED_MAX);
    return opened.mapping;
  }

  #fill(block: Uint8Array, offset: number, id: number): void {
    const { verify } = this.spec.job;
    if (verify === undefined) fillPattern(block, offset, id);
    else fillVerified(block, offset, id, verify);
  }

  #count({ kind, length }: FioStep, result: number, start: number, end: number): void {
    const ramp = end < this.#rampEnd;
    if (ramp || result < 0) return;
    if (this.startNs < this.#rampEnd) this.startNs = this.#rampEnd;
    const counts = kind === 'read' ? this.read : kind === 'write' ? this.write : this.sync;
    counts.record(result, length, end - start, end - this.startNs);
  }

  #remember({ file, offset, length }: FioStep): void {
    const { random, randomMap } = this.spec.job;
    if (!random || randomMap) this.#inOrder.push({ file, offset, length });
    else this.#written.set(`${file}:${offset}`, { file, offset, length });
  }

  // Reads what was written: in its order, or where blocks may have been written again, by place.
  *#verifyPhase(): Task {
    const { vfs, scheduler } = this.spec;
    yield* this.#closeAll();
    const sorted = [...this.#written.values()].sort(
      (a, b) => a.file - b.file || a.offset - b.offset,
    );
    const buffer = vfs.takeBuffer(this.spec.job.bs.write.max);
    try {
      for (const { file, offset, length } of [...this.#inOrder, ...sorted]) {
        if (scheduler.context.killed) return;
        const step = { kind: 'read', file, offset, length, atNs: 0 } as const;
        const opened = this.#open.get(file) ?? (yield* this.#openFile(file));
        this.#tell(step);
        scheduler.context.op = this.spec.nextId();
        const got = yield* opened.file.read(buffer, 0, length, offset);
        this.#check(buffer.subarray(0, got), step);
        if (scheduler.needResched(scheduler.clock.now())) yield* scheduler.reschedule();
      }
    } finally {
      vfs.releaseBuffer(buffer);
    }
  }

  #check(block: Uint8Array, { file, offset, length }: FioStep): void {
    const { job, files } = this.spec;
    const problem =
      block.length < length
        ? `only ${block.length} of ${length} bytes`
        : verifyProblem(block, offset, job.verify!);
    this.verified.ops++;
    this.verified.bytes += block.length;
    if (problem === undefined) return;
    const { name } = files[file] as FioFile;
    throw new VerificationError(name, offset, `job ${job.name}: ${problem}`);
  }

  #tell({ kind, file, offset, length }: FioStep): void {
    const { log, files, scheduler } = this.spec;
    if (log === undefined) return;
    const action =
      kind === 'read' || kind === 'write' ? `${kind} ${offset} ${length}` : `${kind} 0 0`;
    log(scheduler.clock.now() - this.#began, (files[file] as FioFile).name, action);
  }

  *#openFile(index: number): Task<OpenFile> {
    const { job, vfs, files, log, scheduler } = this.spec;
    const { name, offset, ioSize } = files[index] as FioFile;
    const { direct, writes } = job;
    const create = job.createOnOpen;
    const write = writes || job.readIolog !== undefined || create;
    const file = yield* vfs.open(name, { write, create, direct: direct && !job.mapping });
    const there = this.#open.get(index);
    if (there !== undefined) {
      // Another operation in flight has opened it meanwhile.
      file.close();
      return there;
    }
    const opened: OpenFile = { file, mapping: undefined };
    this.#open.set(index, opened);
    log?.(scheduler.clock.now() - this.#began, name, 'open');
    if (job.invalidate) yield* file.fadvise('dontneed', offset, ioSize);
    if (job.fadvise !== undefined) yield* file.fadvise(job.fadvise);
    return opened;
  }

  *#preRead(): Task {
    const { files, vfs } = this.spec;
    const buffer = vfs.takeBuffer(1 << 20);
    for (const [index, { offset, ioSize }] of files.entries()) {
      const { file } = this.#open.get(index) ?? (yield* this.#openFile(index));
      for (let at = 0; at < ioSize; at += buffer.length) {
        yield* file.read(buffer, 0, Math.min(buffer.length, ioSize - at), offset + at);
      }
    }
    vfs.releaseBuffer(buffer);
  }

  *#finish(): Task {
    const { job } = this.spec;
    try {
      if (job.endFsync && job.writes) {
        for (const [index, { file }] of this.#open) {
          this.#tell({ kind: 'sync', file: index, offset: 0, length: 0, atNs: 0 });
          yield* file.fsync();
        }
      }
      yield* this.#closeAll();
    } catch (error) {
      this.error ??= error;
    }
  }

  *#closeAll(): Task {
    const { job, files, log, scheduler } = this.spec;
    let failure: unknown;
    for (const [index, { file, mapping }] of [...this.#open]) {
      this.#open.delete(index);
      try {
        if (job.writes) yield* job.fsyncOnClose ? file.fsync() : file.flush();
        const synced = job.writes && job.fsyncOnClose && !job.endFsync;
        if (synced) this.#tell({ kind: 'sync', file: index, offset: 0, length: 0, atNs: 0 });
      } catch (error) {
        failure ??= error;
      }
      mapping?.munmap();
      file.close();
      const { name } = files[index] as FioFile;
      log?.(scheduler.clock.now() - this.#began, name, 'close');
    }
    if (failure !== undefined) throw failure;
  }
}
