/**
 * What a task sleeps on. Any code that can sleep is a generator that yields a wait queue; the
 * scheduler parks the task there and `wakeAll` makes it runnable again. A woken task re-checks its
 * condition, as in the kernel: being woken says "look again", not "it is true".
 */

/** A computation that may sleep: yields the wait queue it sleeps on, returns its result. */
export type Task<T = void> = Generator<WaitQueue, T, void>;

// biome-ignore lint/suspicious/noConfusingVoidType: a task without a result is a Task<void>.
type Plain = number | boolean | void;

/**
 * The result of a function that seldom sleeps, or the task that ends with it. A task costs an
 * object for each function it is in, so a request that needs no sleep is made of plain calls.
 */
export type MaybeTask<T extends Plain = void> = T | Task<T>;

/** True for what is still to come. */
export function isTask<T extends Plain>(given: MaybeTask<T>): given is Task<T> {
  return typeof given === 'object';
}

/** Goes on with a result: at once if it is there, else when its task has ended. */
export function andThen<A extends Plain, B extends Plain>(
  given: MaybeTask<A>,
  next: (result: A) => MaybeTask<B>,
): MaybeTask<B> {
  return isTask(given) ? goOn(given, next) : next(given);
}

function* goOn<A extends Plain, B extends Plain>(
  given: Task<A>,
  next: (result: A) => MaybeTask<B>,
): Task<B> {
  const rest = next(yield* given);
  return isTask(rest) ? yield* rest : rest;
}

/** For a caller that is a task itself: `yield* awaited(f())`. */
export function* awaited<T extends Plain>(given: MaybeTask<T>): Task<T> {
  return isTask(given) ? yield* given : given;
}

/** The parked side of a task, as the scheduler sees it. */
export interface Sleeper {
  wake(): void;
}

/**
 * Tasks waiting for one condition, woken in the order in which they came. Nearly always there is
 * one, for which no list is made.
 */
export class WaitQueue {
  readonly #what: string;
  readonly #number: number | undefined;
  #first: Sleeper | undefined;
  #others: Sleeper[] | undefined;

  /** `what` names the condition, in a report of a deadlock with `number` in hexadecimal. */
  constructor(what: string, number?: number) {
    this.#what = what;
    this.#number = number;
  }

  /** What is waited for, in words. */
  get what(): string {
    return this.#number === undefined ? this.#what : `${this.#what} ${this.#number.toString(16)}`;
  }

  get length(): number {
    return this.#first === undefined ? 0 : 1 + (this.#others?.length ?? 0);
  }

  /** Parks a task. Only the scheduler calls this. */
  add(sleeper: Sleeper): void {
    if (this.#first === undefined) this.#first = sleeper;
    else if (this.#others === undefined) this.#others = [sleeper];
    else this.#others.push(sleeper);
  }

  /** Takes one task out without waking it, for a fatal signal. */
  remove(sleeper: Sleeper): void {
    if (this.#first === sleeper) {
      this.#first = this.#others?.shift();
      return;
    }
    const at = this.#others?.indexOf(sleeper) ?? -1;
    if (at >= 0) this.#others?.splice(at, 1);
  }

  /** Makes every waiting task runnable. */
  wakeAll(): void {
    const first = this.#first;
    if (first === undefined) return;
    const others = this.#others;
    this.#first = this.#others = undefined;
    first.wake();
    if (others !== undefined) for (const sleeper of others) sleeper.wake();
  }
}
