/**
 * Runs the engine: tasks (generators that sleep on wait queues), work queued to kernel workers,
 * timers, and completions of I/O. One thread, so nothing here needs a lock; what a task sees
 * between two of its sleeps is consistent.
 *
 * Virtual clock: when nothing is runnable the clock jumps to the next timer, so a run depends on
 * its seed alone. Real clock: when nothing is runnable the loop waits for I/O or a timer. Both give
 * signals and other Node.js work a turn at least every 10 ms.
 */
import TinyQueue from 'tinyqueue';
import { Bug } from '../base/errors.js';
import { type Clock, type VirtualClock, wallMs } from './clock.js';
import { type ExecContext, makeContext } from './context.js';
import type { Pump } from './types.js';
import { type Sleeper, type Task, WaitQueue } from './wait_queue.js';

const TURN_NS = 10e6;
/**
 * What was asked of the pump goes to the kernel at the latest after this, ns; earlier when it says
 * so: a disk that waits for a whole round of tasks is idle meanwhile.
 */
const PUMP_NS = 200_000;
/** Longest wait in the kernel while something else than the pump may have an answer, ns. */
const SHARED_WAIT_NS = 1_000_000;
/** How long a task may run before `needResched` asks it to let others run, ns. */
const SLICE_NS = 1_000_000;

interface Timer {
  readonly time: number;
  readonly seq: number;
  /** Nothing waits for it: it does not keep the loop busy. */
  readonly idle: boolean;
  readonly fn: () => void;
}

/** The pools of kernel workers: bound to the processor, or free to run on any. */
export type WorkPool = 'bound' | 'unbound';

/** Names and process numbers of the workers of each pool: `kworker/0:1`, `kworker/u2:1`. */
const POOLS = {
  bound: { comm: 'kworker/0', firstPid: 40 },
  unbound: { comm: 'kworker/u2', firstPid: 20 },
} as const satisfies Record<WorkPool, object>;

/** What waits for its turn. */
interface Runnable {
  readonly context: ExecContext;
  /** Runs until it sleeps or ends. */
  resume(): void;
}

/** A completion that the loop has not delivered yet. */
interface Completion {
  /** The operation on whose behalf it was expected. */
  readonly op: number;
  readonly fn: (answer: unknown) => void;
  readonly answer: unknown;
}

/** A task under way: its identity, where it sleeps, and its result once it has ended. */
export class Strand implements Sleeper, Runnable {
  readonly context: ExecContext;
  readonly #scheduler: Scheduler;
  readonly #task: Task<unknown>;
  readonly #onDone: ((result: unknown) => void) | undefined;
  waitingOn: WaitQueue | undefined;
  done = false;

  constructor(
    scheduler: Scheduler,
    context: ExecContext,
    task: Task<unknown>,
    onDone?: (result: unknown) => void,
  ) {
    this.#scheduler = scheduler;
    this.context = context;
    this.#task = task;
    this.#onDone = onDone;
  }

  wake(): void {
    this.waitingOn = undefined;
    this.#scheduler.makeReady(this);
  }

  /** Runs until the task sleeps or ends. */
  resume(): void {
    const step = this.#task.next();
    if (step.done) {
      this.done = true;
      this.#scheduler.strandEnded(this);
      this.#onDone?.(step.value);
      return;
    }
    this.waitingOn = step.value;
    step.value.add(this);
  }
}

/** Work for a kernel worker, which becomes a task only if it sleeps. */
class Work implements Runnable {
  readonly context: ExecContext;
  readonly pool: WorkPool;
  readonly #scheduler: Scheduler;
  readonly #body: () => Task<unknown> | undefined;

  constructor(
    scheduler: Scheduler,
    pool: WorkPool,
    context: ExecContext,
    body: () => Task<unknown> | undefined,
  ) {
    this.#scheduler = scheduler;
    this.pool = pool;
    this.context = context;
    this.#body = body;
  }

  resume(): void {
    this.#scheduler.workRan(this, this.#body());
  }
}

/** What a scheduler may be told. */
export interface SchedulerOptions {
  /** Where completions have to be fetched from, on the real clock. */
  readonly pump?: Pump | undefined;
  /** How ftrace marks what runs in interrupts: completions and timers. */
  readonly interruptFlags?: string;
}

/** The engine's only loop. */
export class Scheduler {
  readonly clock: Clock;
  /** Who is executing now. */
  context: ExecContext = makeContext(0, 'swapper/0');
  readonly #idle: ExecContext = this.context;
  readonly #interrupt: ExecContext;
  readonly #ready: Runnable[] = [];
  #readyHead = 0;
  readonly #strands = new Set<Strand>();
  readonly #completions: Completion[] = [];
  /** The last step was a completion. */
  #delivered = false;
  readonly #timers = new TinyQueue<Timer>([], (a, b) => a.time - b.time || a.seq - b.seq);
  #timerSeq = 0;
  readonly #idleWorkers: Record<WorkPool, ExecContext[]> = { bound: [], unbound: [] };
  readonly #workers: Record<WorkPool, number> = { bound: 0, unbound: 0 };
  #idleTimers = 0;
  #nextPid = 1000;
  #sliceStart = 0;
  #skipsDelays = false;
  /** Operations outside the loop (real I/O) whose completion is still to come. */
  #outstanding = 0;
  #kick: (() => void) | undefined;
  readonly #pump: Pump | undefined;
  /** The wall's time as it was last looked at, ns; on the real clock it is the clock's. */
  #wall = 0;
  /** When the pump was last polled, and when Node.js last had a turn. */
  #polled = 0;
  #turn = 0;
  /** A process has ended: whoever waits for its result may want to start another. */
  #turnDue = false;

  constructor(clock: Clock, { pump, interruptFlags = '..s.' }: SchedulerOptions = {}) {
    this.clock = clock;
    this.#pump = pump;
    this.#interrupt = makeContext(0, '<idle>', interruptFlags);
  }

  /** Starts a task of a new process; it first runs when the loop comes to it. */
  spawn(comm: string, body: (context: ExecContext) => Task<unknown>): Strand {
    const context = makeContext(this.#nextPid++, comm);
    const strand = new Strand(this, context, body(context), () => {
      this.#turnDue = true;
    });
    this.#strands.add(strand);
    this.makeReady(strand);
    return strand;
  }

  /** Runs `task` now, in the present context, until it first sleeps; it then goes on by itself. */
  startHere(task: Task<unknown>): Strand {
    const strand = new Strand(this, { ...this.context }, task);
    this.#strands.add(strand);
    this.#run(strand);
    return strand;
  }

  /** As `startHere`, in a process of this identity. */
  startAs(context: ExecContext, task: Task<unknown>): Strand {
    const strand = new Strand(this, context, task);
    this.#strands.add(strand);
    this.#run(strand);
    return strand;
  }

  /** Queues work to a kernel worker; it runs later, on behalf of the present operation. */
  queueWork(body: () => Task<unknown> | undefined, pool: WorkPool = 'bound'): void {
    let context = this.#idleWorkers[pool].pop();
    if (context === undefined) {
      const number = ++this.#workers[pool];
      const { comm, firstPid } = POOLS[pool];
      context = makeContext(firstPid + number, `${comm}:${number}`);
    }
    context.op = this.context.op;
    this.makeReady(new Work(this, pool, context, body));
  }

  /** Runs `fn` after `ns` nanoseconds, in interrupt context, for the present operation. */
  after(ns: number, fn: () => void): void {
    this.#addTimer(ns, fn, false);
  }

  /**
   * As `after`, for what nobody waits for: a loop that has nothing else to do comes to rest without
   * it.
   */
  afterIdle(ns: number, fn: () => void): void {
    this.#idleTimers++;
    this.#addTimer(ns, fn, true);
  }

  /** Announces real I/O; the function returned delivers its completion to the loop, once. */
  expect<A>(fn: (answer: A) => void): (answer: A) => void {
    const op = this.context.op;
    this.#outstanding++;
    return (answer) => {
      this.#outstanding--;
      this.#completions.push({ op, fn: fn as Completion['fn'], answer });
      this.#kick?.();
    };
  }

  /** Sleeps for `ns` nanoseconds; 0 lets every other runnable task go first. */
  *sleep(ns: number): Task {
    const queue = new WaitQueue('timer');
    let due = false;
    this.after(ns, () => {
      due = true;
      queue.wakeAll();
    });
    while (!due) yield queue;
  }

  /** True when the present task has run long enough that others should have a turn. */
  needResched(now = this.clock.now()): boolean {
    return now - this.#sliceStart >= SLICE_NS;
  }

  /** Lets every other runnable task and every due timer go first. */
  *reschedule(): Task {
    const queue = new WaitQueue('processor');
    this.#completions.push({ op: this.context.op, fn: () => queue.wakeAll(), answer: undefined });
    yield queue;
  }

  /** Delivers a fatal signal to a task: its killable waits return -EINTR. */
  kill(strand: Strand): void {
    strand.context.killed = true;
    const queue = strand.waitingOn;
    if (queue === undefined || strand.done) return;
    queue.remove(strand);
    strand.wake();
  }

  /** Ends every modelled delay, now and from now on: what is under way is to end soon. */
  skipDelays(): void {
    this.#skipsDelays = true;
    this.#kick?.();
  }

  /** Only for `Strand`: puts a woken task at the end of the line. */
  makeReady(runnable: Runnable): void {
    this.#ready.push(runnable);
    this.#kick?.();
  }

  /** Only for `Work`: it has ended or, with `rest`, sleeps and keeps its worker. */
  workRan({ context, pool }: Work, rest: Task<unknown> | undefined): void {
    const idle = this.#idleWorkers[pool];
    if (rest === undefined) {
      idle.push(context);
      return;
    }
    const strand = new Strand(this, context, rest, () => idle.push(context));
    this.#strands.add(strand);
    strand.resume();
  }

  /** Only for `Strand`: forgets a task that has ended. */
  strandEnded(strand: Strand): void {
    this.#strands.delete(strand);
  }

  /**
   * Runs until `done` holds. Throws what a task threw, and a `Bug` when nothing can ever run again
   * (a deadlock), naming what each task waits for.
   */
  async run(done: () => boolean): Promise<void> {
    this.#turn = this.#look();
    while (!done()) {
      const now = this.#look();
      if (now - this.#turn >= TURN_NS) await this.#giveTurn();
      else if (this.#step()) {
        if (this.#pump?.due === true || now - this.#polled >= PUMP_NS) this.#poll(0);
      } else if (!this.#waitInKernel()) await this.#waitForWork();
    }
  }

  // Once for each step: looking at a clock costs as much as many a step.
  #look(): number {
    this.#wall = this.clock.kind === 'real' ? this.clock.now() : wallMs() * 1e6;
    return this.#wall;
  }

  // The clock's time when the present step began.
  get #stepTime(): number {
    return this.clock.kind === 'real' ? this.#wall : this.clock.now();
  }

  /** Runs until nothing is runnable, due or outstanding: all readahead and stores have ended. */
  async drain(): Promise<void> {
    await this.run(() => this.#isQuiet());
  }

  #isQuiet(): boolean {
    return (
      this.#readyHead === this.#ready.length &&
      this.#completions.length === 0 &&
      this.#timers.length === this.#idleTimers &&
      this.#outstanding === 0
    );
  }

  // Who was woken by a completion goes before the next one: it may have work for the disk, which
  // would wait for it while answers that came together are looked at.
  #step(): boolean {
    const turnOfReady = this.#delivered && this.#readyHead < this.#ready.length;
    const completion = turnOfReady ? undefined : this.#completions.shift();
    if (completion !== undefined) {
      this.#delivered = true;
      this.#inInterrupt(completion.op, completion.fn, completion.answer);
      this.context = this.#idle;
      return true;
    }
    const hurried = this.#skipsDelays && this.#timers.length > this.#idleTimers;
    if (this.#timers.length > 0) {
      if (this.#fireDueTimer(hurried ? Number.POSITIVE_INFINITY : this.#stepTime)) return true;
    }
    if (this.#readyHead < this.#ready.length) {
      this.#delivered = false;
      const next = this.#ready[this.#readyHead++] as Runnable;
      if (this.#readyHead > 1024 && this.#readyHead * 2 > this.#ready.length) {
        this.#ready.splice(0, this.#readyHead);
        this.#readyHead = 0;
      }
      this.#run(next);
      return true;
    }
    // Housekeeping never wakes who sleeps; with it alone a deadlock would go on for ever.
    if (this.clock.kind === 'real' || this.#timers.length === this.#idleTimers) return false;
    return this.#fireDueTimer(Number.POSITIVE_INFINITY);
  }

  #fireDueTimer(now: number): boolean {
    const next = this.#timers.peek();
    if (next === undefined || next.time > now) return false;
    this.#timers.pop();
    if (next.idle) this.#idleTimers--;
    // Housekeeping that starts itself again would never let anything else have a turn.
    if (!next.idle || !this.#skipsDelays) this.#fire(next);
    return true;
  }

  #fire(next: Timer): void {
    if (this.clock.kind === 'virtual') (this.clock as VirtualClock).advanceTo(next.time);
    next.fn();
  }

  #addTimer(ns: number, fn: () => void, idle: boolean): void {
    const op = this.context.op;
    const time = this.clock.now() + ns;
    this.#timers.push({
      time,
      seq: this.#timerSeq++,
      idle,
      fn: () => this.#inInterrupt(op, fn, undefined),
    });
  }

  #run(next: Runnable): void {
    const before = this.context;
    this.context = next.context;
    if (before === this.#idle) this.#sliceStart = this.#stepTime;
    try {
      next.resume();
    } finally {
      this.context = before;
    }
  }

  #inInterrupt<A>(op: number, fn: (answer: A) => void, answer: A): void {
    const before = this.context;
    this.context = this.#interrupt;
    this.context.op = op;
    try {
      fn(answer);
    } finally {
      this.context = before;
    }
  }

  async #giveTurn(): Promise<void> {
    this.#turnDue = false;
    await new Promise(setImmediate);
    this.#turn = this.#look();
  }

  #poll(waitNs: number): void {
    const pump = this.#pump;
    if (pump === undefined || (pump.pending === 0 && waitNs === 0)) return;
    pump.poll(waitNs);
    this.#polled = this.#look();
  }

  // Nothing can run: fetches what has ended, or waits in the kernel for it or for the next timer.
  // False when Node.js has to be waited for, or must have its turn first.
  #waitInKernel(): boolean {
    const pump = this.#pump;
    if (pump === undefined || this.#turnDue || this.#skipsDelays) return false;
    const others = this.#outstanding - pump.pending;
    const timers = this.#timers.length - this.#idleTimers;
    if (pump.pending === 0 && (others > 0 || timers === 0)) return false;
    const turn = TURN_NS - (this.#wall - this.#turn);
    const next = this.#timers.peek();
    const timer = next === undefined ? Number.POSITIVE_INFINITY : next.time - this.#stepTime;
    const shared = others > 0 ? SHARED_WAIT_NS : turn;
    this.#poll(Math.max(0, Math.min(turn, timer, shared)));
    if (others > 0 && this.#completions.length === 0) this.#turn = Number.NEGATIVE_INFINITY;
    return true;
  }

  async #waitForWork(): Promise<void> {
    const next = this.#timers.peek();
    if (this.#timers.length === this.#idleTimers && this.#outstanding === 0) this.#deadlocked();
    if (this.#turnDue || (this.#pump?.pending ?? 0) > 0) return this.#giveTurn();
    const ms = next === undefined ? TURN_NS / 1e6 : (next.time - this.clock.now()) / 1e6;
    // A timer of Node.js is no finer than a millisecond: shorter waits poll instead.
    if (ms < 1.5) return this.#giveTurn();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(TURN_NS / 1e6, Math.floor(ms)));
      this.#kick = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#kick = undefined;
    this.#turn = this.#look();
  }

  #deadlocked(): never {
    const waiting = [...this.#strands].map(
      ({ context, waitingOn }) => `${context.comm}-${context.pid} on ${waitingOn?.what ?? '?'}`,
    );
    throw new Bug(`deadlock: ${waiting.join(', ') || 'nothing is left to run'}`);
  }
}
