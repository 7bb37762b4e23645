/**
 * System calls in progress on something that can be closed: what they use is released by the last
 * of them, not by close(2). Kernel: fdget and fput in fs/file.c; used by `file.ts`.
 */
import type { Task } from '../sim/wait_queue.js';

/** Who still uses an open file or a mapping. */
export class CallsInProgress {
  #release: (() => void) | undefined;
  #calls = 0;
  #closed = false;

  /** `release` is called once: when it is closed and no call is in progress any more. */
  constructor(release: () => void) {
    this.#release = release;
  }

  /** A call begins; `leave` is to follow on every way out. */
  enter(): void {
    this.#calls++;
  }

  /** A call has ended. */
  leave(): void {
    this.#calls--;
    this.#end();
  }

  /** A call that begins here and ends with `body`. */
  during<T>(body: Task<T>): Task<T> {
    this.enter();
    return this.#run(body);
  }

  /** No call begins any more. */
  close(): void {
    this.#closed = true;
    this.#end();
  }

  // A call that begins on what is closed already fails, and ends nothing.
  #end(): void {
    if (this.#calls > 0 || !this.#closed) return;
    const release = this.#release;
    this.#release = undefined;
    release?.();
  }

  *#run<T>(body: Task<T>): Task<T> {
    try {
      return yield* body;
    } finally {
      this.leave();
    }
  }
}
