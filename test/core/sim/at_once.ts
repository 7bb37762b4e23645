/** A task for tests whose body does not sleep. */
import type { Task } from '../../../src/core/sim/wait_queue.js';

/** Runs `body` when the task first runs, and gives its result. */
// biome-ignore lint/correctness/useYield: a task may sleep and does not have to.
export function* atOnce<T>(body: () => T): Task<T> {
  return body();
}
