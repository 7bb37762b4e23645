/**
 * Freezing a filesystem, so that nothing in it changes while it is copied: who writes or has a page
 * made writable says so by a section, and waits while the filesystem is frozen. Plays freeze_super
 * and thaw_super in fs/super.c and the sections of include/linux/fs.h; `vfs/` and `fs/` hold
 * sections, a lab freezes.
 *
 * Differs: no section for the filesystem's own transactions, which network filesystems do not have.
 */
import { EBUSY, EINVAL } from '../base/errno.js';
import { awaited, type MaybeTask, type Task, WaitQueue } from '../sim/wait_queue.js';

/** What waits for a frozen filesystem, in the order in which it is kept out. */
const SECTIONS = ['write', 'pagefault'] as const;

/** A write or a change of a file; a page fault that makes a page writable. */
export type FreezeSection = (typeof SECTIONS)[number];

/** Whether a filesystem is frozen, and what keeps it from being so (struct super_block). */
export class Freezer {
  readonly #thawed = new WaitQueue('a frozen filesystem');
  readonly #ended = new WaitQueue('the writes and page faults of a filesystem that is to freeze');
  readonly #open: Record<FreezeSection, number> = { write: 0, pagefault: 0 };
  /** Sections that are kept out. */
  readonly #frozen = new Set<FreezeSection>();
  #complete = false;
  #unmounting = false;

  /** Begins a section; sleeps while the filesystem is frozen, deaf to signals. */
  start(section: FreezeSection): MaybeTask {
    if (this.#frozen.has(section)) return this.#startLater(section);
    this.#open[section]++;
  }

  /** A section as long as `body`, however that ends. */
  *during<T>(section: FreezeSection, body: () => Task<T>): Task<T> {
    yield* awaited(this.start(section));
    try {
      return yield* body();
    } finally {
      this.end(section);
    }
  }

  /** Ends a section. */
  end(section: FreezeSection): void {
    this.#open[section]--;
    this.#ended.wakeAll();
  }

  /**
   * Keeps new sections out, waits for those that are open, and writes what is dirty with `sync`. 0,
   * or -EBUSY: it is frozen already, or about to be. What `sync` throws leaves it thawed.
   */
  *freeze(sync: () => Task): Task<number> {
    if (this.#frozen.size > 0 || this.#unmounting) return -EBUSY;
    try {
      for (const section of SECTIONS) {
        this.#frozen.add(section);
        while (this.#open[section] > 0) yield this.#ended;
        if (this.#unmounting) return -EBUSY;
      }
      yield* sync();
      this.#complete = true;
    } finally {
      if (!this.#complete) this.#unfreeze();
    }
    return 0;
  }

  /** Lets who waits go on: 0, or -EINVAL when it is not frozen, or not yet. */
  thaw(): number {
    if (!this.#complete) return -EINVAL;
    this.#complete = false;
    this.#unfreeze();
    return 0;
  }

  /** The filesystem is about to go: lets who waits go on, and is not frozen any more. */
  unmounting(): void {
    this.#unmounting = true;
    this.#complete = false;
    this.#unfreeze();
  }

  #unfreeze(): void {
    this.#frozen.clear();
    this.#thawed.wakeAll();
  }

  *#startLater(section: FreezeSection): Task {
    while (this.#frozen.has(section)) yield this.#thawed;
    this.#open[section]++;
  }
}
