/**
 * A lock that many readers or one writer hold across sleeps (struct rw_semaphore; with writers
 * alone, struct mutex). Used for i_rwsem, AFS's validate_lock and its io_lock.
 *
 * Differs: who comes first when it is given up is first, whatever it wants; not interruptible.
 */
import { assert } from '../base/assert.js';
import { type Task, WaitQueue } from './wait_queue.js';

/** A reader-writer lock. */
export class RwSemaphore {
  readonly #changed: WaitQueue;
  #readers = 0;
  #writing = false;

  /** `what` names the lock in a report of a deadlock. */
  constructor(what: string) {
    this.#changed = new WaitQueue(what);
  }

  /** Sleeps until it is held for reading. */
  *read(): Task {
    while (!this.tryRead()) yield this.#changed;
  }

  /** Holds it for reading if nobody writes. */
  tryRead(): boolean {
    if (this.#writing) return false;
    this.#readers++;
    return true;
  }

  /** Ends a reader's hold. */
  doneReading(): void {
    this.#readers--;
    assert(this.#readers >= 0, 'a read lock ended twice');
    this.#changed.wakeAll();
  }

  /** Holds it for writing while `body` runs, however that ends. */
  *exclusively<T>(body: () => Task<T>): Task<T> {
    yield* this.write();
    try {
      return yield* body();
    } finally {
      this.doneWriting();
    }
  }

  /** Sleeps until it is held for writing. */
  *write(): Task {
    while (this.#writing || this.#readers > 0) yield this.#changed;
    this.#writing = true;
  }

  /** Ends the writer's hold. */
  doneWriting(): void {
    assert(this.#writing, 'a write lock ended twice');
    this.#writing = false;
    this.#changed.wakeAll();
  }
}
