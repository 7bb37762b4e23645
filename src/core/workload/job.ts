/**
 * One job: performs a workload's operations through the VFS and measures them. Called by
 * `app/run/run.ts`, one task per job; knows nothing of the engine but the VFS.
 */
import { ErrnoError } from '../base/errors.js';
import type { ExecContext } from '../sim/context.js';
import type { Scheduler } from '../sim/scheduler.js';
import type { Task } from '../sim/wait_queue.js';
import type { FileAdvice, VfsFile, VfsSurface } from '../vfs/types.js';
import { LatencyHistogram } from './latency.js';
import { fillPattern } from './pattern.js';
import type { OpSource, Workload, WorkloadFile, WorkloadOp, WorkloadParams } from './types.js';

/** Files a job keeps open at once. */
const OPEN_FILES_MAX = 64;

/**
 * An operation that has ended; the same object is used again for the next. Times are nanoseconds
 * since the start of the capture.
 */
export interface EndedOp {
  id: number;
  file: WorkloadFile;
  /** Version of the file when it was opened. */
  version: string;
  offset: number;
  length: number;
  /** It wrote; else it read. */
  write: boolean;
  /** Bytes read or written, or a negative errno. */
  result: number;
  start: number;
  end: number;
  /** True if it needed neither I/O nor sleep. */
  hit: boolean;
  /** True if it went past the page cache. */
  direct: boolean;
  /** The bytes read or written are at the front of this. */
  readonly data: Uint8Array;
}

/** What a job is told. */
export interface JobSpec {
  readonly workload: Workload;
  readonly params: WorkloadParams;
  /** Passes; with `timeBased` as many as there is time for. */
  readonly loops: number;
  /** When to stop, ns since the start of the capture; undefined: when the passes are done. */
  readonly deadline: number | undefined;
  readonly timeBased: boolean;
  readonly advice: FileAdvice | undefined;
  /** Opens files with O_DIRECT. */
  readonly direct: boolean;
  /** fsync after every so many writes to a file; 0 = only when it is closed. */
  readonly fsync: number;
  /** The next number for an operation. */
  nextId(): number;
  /**
   * Optional. Told of every operation; what it throws ends the job. True if it did more than
   * count: the time it took is then not the next operation's.
   */
  readonly ended?: ((op: EndedOp) => boolean) | undefined;
}

/** What a job has done so far. */
class JobResult {
  ops = 0;
  /** Operations that needed neither I/O nor sleep. */
  hits = 0;
  bytes = 0;
  /** Latency of each operation, nanoseconds. */
  readonly latency = new LatencyHistogram();
  /** The same of writes; `ops`, `bytes` and `latency` are of reads. */
  readonly writes = { ops: 0, bytes: 0, latency: new LatencyHistogram() };
  /** What ended the job early. */
  error: unknown;
}

/** The error of a file that did not stay as it was when it was opened. */
export function changedWhileRead(name: string): ErrnoError {
  return new ErrnoError('ESTALE', 'read', name, {
    text: 'the file was changed while it was read',
    hint: 'what was read may mix two versions; run again when nobody writes to the file',
  });
}

interface OpenedFile {
  readonly file: VfsFile;
  readonly version: string;
  /** Writes since the last fsync. */
  unsynced: number;
}

/**
 * Why reads that hit have come to an end: an operation that misses, or is a write or of a file that
 * is not open; another task's turn; the end of the pass; the end of the time.
 */
type Next = 'missed' | 'other' | 'turn' | 'end' | 'stop';

/** Runs a job to its end, its deadline, its first error or a fatal signal. */
export class Job {
  readonly result = new JobResult();
  readonly #spec: JobSpec;
  readonly #scheduler: Scheduler;
  readonly #vfs: VfsSurface;
  /** By number, least recently used first: what is open cannot be culled from a disk cache. */
  readonly #open = new Map<number, OpenedFile>();
  /** What was looked up in it last; -1: nothing. */
  #lastFile = -1;
  #last: OpenedFile | undefined;
  readonly #deadline: number;
  readonly #buffer: Uint8Array;
  readonly #ended: EndedOp;

  constructor(spec: JobSpec, scheduler: Scheduler, vfs: VfsSurface) {
    this.#spec = spec;
    this.#scheduler = scheduler;
    this.#vfs = vfs;
    this.#deadline = spec.deadline ?? Number.POSITIVE_INFINITY;
    this.#buffer = vfs.takeBuffer(spec.params.bs);
    this.#ended = {
      id: 0,
      file: { name: '', size: 0 },
      version: '',
      offset: 0,
      length: 0,
      write: false,
      result: 0,
      start: 0,
      end: 0,
      hit: false,
      direct: false,
      data: this.#buffer,
    };
  }

  /** The body of the job's task. An error ends the job and is left in the result. */
  *run(): Task {
    try {
      yield* this.#passes(this.#scheduler.context);
    } catch (error) {
      this.result.error = error;
    }
    this.#scheduler.context.op = 0;
    this.#vfs.releaseBuffer(this.#buffer);
    for (const index of [...this.#open.keys()]) {
      try {
        yield* this.#close(index);
      } catch (error) {
        this.result.error ??= error;
      }
    }
  }

  *#passes(context: ExecContext): Task {
    const { workload, params, loops, timeBased } = this.#spec;
    for (let pass = 0; timeBased || pass < loops; pass++) {
      const before = this.#done;
      const source = workload.ops(params);
      for (;;) {
        const next = this.#readHits(source, context);
        if (next === 'stop') return;
        if (next === 'end') break;
        if (next !== 'turn') yield* this.#perform(source.op, next === 'missed');
        if (this.#scheduler.needResched(this.#ended.end)) yield* this.#scheduler.reschedule();
      }
      // Nothing to read, for ever: not what a time limit is for.
      if (this.#done === before) return;
    }
  }

  /**
   * Performs the operations that are reads of an open file and need not sleep; says why it stopped.
   * They cost no object, no promise and one reading of the clock each: the next begins when the one
   * before has ended.
   */
  #readHits(source: OpSource, context: ExecContext): Next {
    const { clock } = this.#scheduler;
    const ended = this.#ended;
    const { op } = source;
    let now = clock.now();
    for (;;) {
      if (context.killed || now >= this.#deadline) return 'stop';
      if (!source.next()) return 'end';
      this.#begin(op, context);
      const opened = op.file === this.#lastFile ? this.#last : this.#lookUp(op.file);
      if (opened === undefined || op.write) return 'other';
      ended.start = now;
      ended.result = opened.file.readNow(this.#buffer, 0, op.length, op.offset);
      if (ended.result < 0) return 'missed';
      now = ended.end = clock.now();
      ended.hit = true;
      ended.direct = false;
      if (this.#account(ended)) now = clock.now();
      if (ended.result < op.length) throw changedWhileRead(ended.file.name);
      if (this.#scheduler.needResched(now)) return 'turn';
    }
  }

  /** The open file of an operation, undefined if it is not open. */
  #lookUp(index: number): OpenedFile | undefined {
    const opened = this.#open.get(index);
    this.#lastFile = index;
    this.#last = opened;
    this.#ended.file = this.#spec.params.files[index] as WorkloadFile;
    if (opened !== undefined) {
      this.#ended.version = opened.version;
      this.#open.delete(index);
      this.#open.set(index, opened);
    }
    return opened;
  }

  #begin({ offset, length, write }: WorkloadOp, context: ExecContext): void {
    const ended = this.#ended;
    ended.id = context.op = this.#spec.nextId();
    ended.offset = offset;
    ended.length = length;
    ended.write = write;
  }

  /** Performs one operation, whatever it needs; `missed`: it is a read that has to wait. */
  *#perform(op: WorkloadOp, missed: boolean): Task {
    const { clock } = this.#scheduler;
    const ended = this.#ended;
    const opened = this.#open.get(op.file) ?? (yield* this.#openFile(op.file));
    const { file, version } = opened;
    ended.version = version;
    ended.direct = file.isUncached;
    if (op.write) fillPattern(this.#buffer.subarray(0, op.length), op.offset, ended.id);
    if (!missed) ended.start = clock.now();
    const waits = missed || op.write;
    ended.result = waits ? -1 : file.readNow(this.#buffer, 0, op.length, op.offset);
    ended.hit = ended.result >= 0;
    let error: unknown;
    try {
      if (op.write) ended.result = yield* this.#writeAll(file, op.length, op.offset);
      else if (!ended.hit) {
        ended.result = yield* file.readMissed(this.#buffer, 0, op.length, op.offset);
      }
    } catch (cause) {
      error = cause;
      ended.result = (cause as { errno?: number }).errno ?? 0;
    }
    ended.end = clock.now();
    this.#account(ended);
    if (error !== undefined) throw error;
    if (op.write) yield* this.#syncDue(opened);
    // Operations are planned by the size that was listed.
    else if (ended.result < op.length) throw changedWhileRead(ended.file.name);
  }

  get #done(): number {
    return this.result.ops + this.result.writes.ops;
  }

  *#syncDue(opened: OpenedFile): Task {
    const { fsync } = this.#spec;
    if (fsync === 0 || ++opened.unsynced < fsync) return;
    opened.unsynced = 0;
    yield* opened.file.fsync();
  }

  // A write that is short is ended by an error, which the next one is told.
  *#writeAll(file: VfsFile, length: number, offset: number): Task<number> {
    let done = 0;
    while (done < length) {
      done += yield* file.write(this.#buffer, done, length - done, offset + done);
    }
    return done;
  }

  #account(op: EndedOp): boolean {
    const { result } = this;
    const counts = op.write ? result.writes : result;
    counts.ops++;
    if (op.result > 0) counts.bytes += op.result;
    if (op.hit) result.hits++;
    counts.latency.record(Math.max(1, op.end - op.start));
    return this.#spec.ended?.(op) ?? false;
  }

  // Throws if the client has heard that the file is another than the one that was opened.
  *#close(index: number): Task {
    const { file, version } = this.#open.get(index) as OpenedFile;
    this.#open.delete(index);
    this.#lastFile = -1;
    const { writes } = this.#spec.workload;
    const changed = !writes && file.fstat().version !== version;
    try {
      if (writes) yield* file.flush();
    } finally {
      file.close();
    }
    if (changed) throw changedWhileRead(file.path);
  }

  *#openFile(index: number): Task<OpenedFile> {
    if (this.#open.size >= OPEN_FILES_MAX) {
      yield* this.#close(this.#open.keys().next().value as number);
    }
    const { params, advice, workload, direct } = this.#spec;
    const { name } = params.files[index] as WorkloadFile;
    const { writes, reads } = workload;
    const file = yield* this.#vfs.open(name, { write: writes, create: writes && !reads, direct });
    const opened = { file, version: file.fstat().version, unsynced: 0 };
    this.#open.set(index, opened);
    this.#lastFile = -1;
    if (advice !== undefined) yield* file.fadvise(advice);
    return opened;
  }
}
