/** A task for tests whose body does not sleep. */
import type { Task } from '../../../src/core/sim/wait_queue.js';

/** Runs `body` when the task first runs, and gives its result. */
export function* atOnce<T>(body: () => T): Task<T> {
  return body();
}
