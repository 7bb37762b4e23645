/**
 * What a task sleeps on. Any code that can sleep is a generator that yields a wait queue; the
 * scheduler parks the task there and `wakeAll` makes it runnable again. A woken task re-checks its
 * condition, as in the kernel: being woken says "look again", not "it is true".
 */

/** A computation that may sleep: yields the wait queue it sleeps on, returns its result. */
export type Task<T = void> = Generator<WaitQueue, T, void>;

/** The parked side of a task, as the scheduler sees it. */
export interface Sleeper {
  wake(): void;
}

/** Tasks waiting for one condition, woken in the order in which they came. */
export class WaitQueue {
  readonly what: string;
  #sleepers: Sleeper[] = [];

  /** `what` names the condition in a report of a deadlock. */
  constructor(what: string) {
    this.what = what;
  }

  get length(): number {
    return this.#sleepers.length;
  }

  /** Parks a task. Only the scheduler calls this. */
  add(sleeper: Sleeper): void {
    this.#sleepers.push(sleeper);
  }

  /** Takes one task out without waking it, for a fatal signal. */
  remove(sleeper: Sleeper): void {
    const at = this.#sleepers.indexOf(sleeper);
    if (at >= 0) this.#sleepers.splice(at, 1);
  }

  /** Makes every waiting task runnable. */
  wakeAll(): void {
    if (this.#sleepers.length === 0) return;
    const sleepers = this.#sleepers;
    this.#sleepers = [];
    for (const sleeper of sleepers) sleeper.wake();
  }
}
