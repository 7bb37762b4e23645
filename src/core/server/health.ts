/**
 * Whether the server can be reached: fault injection for clients that ask before each operation.
 * Changed by the lab, asked by `fs/`.
 */
import { ECONNREFUSED } from '../base/errno.js';
import type { Scheduler } from '../sim/scheduler.js';
import { type Task, WaitQueue } from '../sim/wait_queue.js';

/** A server that can be paused and killed. */
export class ServerHealth {
  readonly #scheduler: Scheduler;
  readonly #changed = new WaitQueue('a server that does not answer');
  /** Time up to which it does not answer, ns. */
  #silentUntil = 0;
  #dead = false;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** True if it would answer now. */
  get answers(): boolean {
    return !this.#dead && this.#scheduler.clock.now() >= this.#silentUntil;
  }

  /** It does not answer for `ns` nanoseconds. */
  pause(ns: number): void {
    this.#silentUntil = this.#scheduler.clock.now() + ns;
    this.#scheduler.after(ns, () => this.#changed.wakeAll());
  }

  /** It does not answer for `ns` nanoseconds and is dead from then on. */
  kill(ns: number): void {
    this.#silentUntil = this.#scheduler.clock.now() + ns;
    this.#scheduler.after(ns, () => {
      this.#dead = true;
      this.#changed.wakeAll();
    });
  }

  /** Sleeps until it answers or is dead: 0 or -ECONNREFUSED. */
  *reach(): Task<number> {
    while (!this.answers && !this.#dead) yield this.#changed;
    return this.#dead ? -ECONNREFUSED : 0;
  }
}
