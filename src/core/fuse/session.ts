/**
 * A mounted filesystem: takes each request of the kernel, performs it as the process that asked,
 * and answers. Made by `app/`; the calls themselves are `file_calls.ts` and `name_calls.ts`.
 *
 * A read whose pages are there is answered inside the loop that reads requests; everything else is
 * a task of its own, so that as many are under way as the kernel asks for.
 */
import { EINTR, EIO, ENOSYS, ERESTARTSYS } from '../base/errno.js';
import { Bug, ErrnoError } from '../base/errors.js';
import type { ExecContext } from '../sim/context.js';
import type { Strand } from '../sim/scheduler.js';
import { type Task, WaitQueue } from '../sim/wait_queue.js';
import {
  ANSWERED,
  type Call,
  type CallParts,
  type SessionOptions,
  type SessionParts,
} from './calls.js';
import { Channel, MAX_TRANSFER } from './channel.js';
import { ControlDirectory } from './control.js';
import { FileCalls } from './file_calls.js';
import { NameCalls } from './name_calls.js';
import type { NodeTable } from './nodes.js';
import { Processes } from './processes.js';
import {
  FUSE_MAJOR,
  FUSE_MINOR,
  INIT_ASYNC_DIO,
  INIT_ASYNC_READ,
  INIT_AUTO_INVAL_DATA,
  INIT_BIG_WRITES,
  INIT_DIRECT_IO_ALLOW_MMAP,
  INIT_DO_READDIRPLUS,
  INIT_EXT,
  INIT_MAX_PAGES,
  INIT_PARALLEL_DIROPS,
  INIT_READDIRPLUS_AUTO,
  OPS,
  type OpName,
  OUT_HEADER,
  type Request,
} from './protocol.js';

/** Operations that are no calls of a program, or have no answer. */
const SILENT = new Set<number>([2, 36, 42]);

/** A mount. */
export class FuseSession {
  readonly #parts: CallParts;
  readonly #channel: Channel;
  readonly #processes = new Processes();
  readonly #files: FileCalls;
  readonly #names: NameCalls;
  readonly #calls: ReadonlyMap<number, Call>;
  /** Calls under way by the number of their request. */
  readonly #underWay = new Map<string, Strand>();
  readonly #changed = new WaitQueue('the kernel');
  #ended = false;
  /** The kernel lets files be mapped although it keeps no pages of them. */
  mapsDirect = false;
  /** What broke the engine; the mount ends with it. */
  failure: unknown;
  /** Calls answered. */
  served = 0;

  /** Takes over the descriptor of a mount that was just made. */
  constructor(fd: number, parts: SessionParts, options: SessionOptions, nodes: NodeTable) {
    const { driver, scheduler } = parts;
    this.#channel = new Channel(
      fd,
      driver,
      scheduler,
      (request) => this.#take(request),
      () => {
        this.#ended = true;
        this.#changed.wakeAll();
      },
    );
    this.#parts = {
      ...parts,
      options,
      nodes,
      channel: this.#channel,
      controls: new ControlDirectory(parts.control),
      isEnded: () => this.#ended,
      answer: (request, pieces) => {
        this.#channel.answer(request.uniqueLow, request.uniqueHigh, 0, 0, pieces);
      },
    };
    this.#files = new FileCalls(this.#parts);
    this.#names = new NameCalls(this.#parts, this.#files);
    this.#calls = this.#table();
  }

  #table(): ReadonlyMap<number, Call> {
    const calls = { ...this.#names.calls, ...this.#files.calls } as Partial<Record<OpName, Call>>;
    return new Map(
      Object.entries(OPS).flatMap(([number, name]) => {
        const call = calls[name];
        return call === undefined ? [] : [[Number(number), call] as const];
      }),
    );
  }

  /** Serves until the filesystem is unmounted, then closes every file. */
  *serve(): Task {
    this.#channel.start();
    while (!this.#ended || this.#underWay.size > 0) yield this.#changed;
    yield* this.#files.closeAll();
    this.#channel.close();
  }

  /** Ends the mount from here: what is under way ends first. */
  disconnect(): void {
    this.#ended = true;
    this.#changed.wakeAll();
  }

  #take(request: Request): void {
    const { opcode } = request;
    if (opcode === 15 && this.#readNow(request)) return;
    if (SILENT.has(opcode)) {
      this.#perform(request);
      this.#channel.release(request);
      return;
    }
    if (opcode === 26) {
      this.#init(request);
      this.#channel.release(request);
      return;
    }
    const call = this.#calls.get(opcode);
    if (call === undefined) {
      this.#channel.answer(request.uniqueLow, request.uniqueHigh, -ENOSYS);
      this.#channel.release(request);
      return;
    }
    this.#start(request, call);
  }

  #contextOf(request: Request): ExecContext {
    const { scheduler } = this.#parts;
    return this.#processes.context(request.pid, scheduler.clock.now());
  }

  // A read of pages that are there: no task, no copy.
  #readNow(request: Request): boolean {
    const { scheduler, tracer } = this.#parts;
    const before = scheduler.context;
    const start = tracer.enabled ? scheduler.clock.now() : 0;
    if (tracer.enabled) scheduler.context = this.#contextOf(request);
    try {
      const pieces = this.#files.readNow(request);
      if (pieces === undefined) return false;
      this.#channel.answer(request.uniqueLow, request.uniqueHigh, 0, 0, pieces);
      if (tracer.enabled) {
        const { context } = scheduler;
        context.op = this.#parts.nextOp();
        this.#log(request, context.op, start, 0);
        context.op = 0;
      }
    } catch (error) {
      this.#fail(request, error);
    } finally {
      scheduler.context = before;
    }
    this.served++;
    this.#channel.release(request);
    return true;
  }

  #start(request: Request, call: Call): void {
    const { scheduler, tracer } = this.#parts;
    const shared = this.#contextOf(request);
    const context = { ...shared, op: tracer.enabled ? this.#parts.nextOp() : 0, killed: false };
    const unique = `${request.uniqueHigh}:${request.uniqueLow}`;
    const strand = scheduler.startAs(context, this.#run(request, call, unique, context));
    if (shared.traceTask === 0) shared.traceTask = context.traceTask;
    if (!strand.done) this.#underWay.set(unique, strand);
  }

  *#run(request: Request, call: Call, unique: string, context: ExecContext): Task {
    const { scheduler } = this.#parts;
    const start = scheduler.clock.now();
    let errno = 0;
    request.begin();
    try {
      const payload = yield* call(request);
      if (payload !== ANSWERED) {
        const { uniqueLow, uniqueHigh } = request;
        const { undo } = request;
        if (this.#channel.answer(uniqueLow, uniqueHigh, 0, payload) !== 0) undo?.();
      }
    } catch (error) {
      errno = this.#fail(request, error);
    }
    this.#log(request, context.op, start, errno);
    this.served++;
    this.#underWay.delete(unique);
    this.#channel.release(request);
    if (this.#ended) this.#changed.wakeAll();
  }

  #fail(request: Request, error: unknown): number {
    let errno = -EIO;
    if (error instanceof ErrnoError) errno = -Math.abs(error.errno);
    else {
      this.failure ??= error instanceof Error ? error : new Bug(String(error));
      this.disconnect();
    }
    if (errno === -ERESTARTSYS) errno = -EINTR;
    this.#channel.answer(request.uniqueLow, request.uniqueHigh, errno);
    return errno;
  }

  #log(request: Request, op: number, start: number, errno: number): void {
    const { tracer, scheduler } = this.#parts;
    if (!tracer.enabled) return;
    const { opcode, file, offset, count, result } = request;
    tracer.op({
      op,
      kind: OPS[opcode as keyof typeof OPS],
      file,
      offset,
      len: count,
      result: errno < 0 ? errno : result,
      start,
      end: scheduler.clock.now(),
    });
  }

  #perform(request: Request): void {
    const { nodes, scheduler } = this.#parts;
    if (request.opcode === 2) nodes.forget(request.node, request.u64(0));
    else if (request.opcode === 42) {
      const count = request.u32(0);
      for (let i = 0; i < count; i++) {
        nodes.forget(request.u64(8 + 16 * i), request.u64(16 + 16 * i));
      }
    } else {
      const strand = this.#underWay.get(`${request.u32(4)}:${request.u32(0)}`);
      if (strand !== undefined) scheduler.kill(strand);
    }
  }

  #init(request: Request): void {
    const { reply } = this.#channel;
    const offered = request.u32(12) + (request.length >= 60 ? request.u32(16) : 0) * 2 ** 32;
    const wanted = [
      INIT_ASYNC_READ,
      INIT_BIG_WRITES,
      INIT_AUTO_INVAL_DATA,
      INIT_DO_READDIRPLUS,
      INIT_READDIRPLUS_AUTO,
      INIT_ASYNC_DIO,
      INIT_PARALLEL_DIROPS,
      INIT_MAX_PAGES,
      INIT_EXT,
      INIT_DIRECT_IO_ALLOW_MMAP,
    ].filter((bit) => Math.floor(offered / 2 ** bit) % 2 === 1);
    this.mapsDirect = wanted.includes(INIT_DIRECT_IO_ALLOW_MMAP);
    const bits = (from: number): number =>
      wanted
        .filter((bit) => bit >= from && bit < from + 32)
        .reduce((sum, bit) => sum + 2 ** (bit - from), 0);
    const at = OUT_HEADER;
    reply.zero(at, 64);
    reply.u32(at, FUSE_MAJOR);
    reply.u32(at + 4, Math.min(FUSE_MINOR, request.u32(4)));
    reply.u32(at + 8, request.u32(8));
    reply.u32(at + 12, bits(0));
    reply.u16(at + 16, 64);
    reply.u16(at + 18, 48);
    reply.u32(at + 20, MAX_TRANSFER);
    reply.u32(at + 24, 1);
    reply.u16(at + 28, MAX_TRANSFER >> 12);
    reply.u32(at + 32, bits(32));
    this.#channel.answer(request.uniqueLow, request.uniqueHigh, 0, 64);
  }
}
