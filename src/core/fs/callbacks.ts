/**
 * Callbacks as an AFS client sees them: the server's promise to tell of the next change of a file,
 * for as long as which nothing need be asked. Plays fs/afs/callback.c and afs_validate(); the same
 * for `afs.ts` (v5.13) and `kafs.ts` (v6.1). Spec: BEHAVIOUR 5.9.
 *
 * Differs: one server and one volume, so that one counter stands for what the kernel compares of
 * both; a call from the server arrives at once.
 */
import { ENOENT, ESTALE } from '../base/errno.js';
import type { ServerHealth } from '../server/health.js';
import type { Server, ServerFile, ServerStatus } from '../server/types.js';
import type { RwSemaphore } from '../sim/rw_semaphore.js';
import type { Scheduler } from '../sim/scheduler.js';
import { awaited, type MaybeTask, type Task, WaitQueue } from '../sim/wait_queue.js';
import { afsCbBreak } from '../trace/events/afs.js';
import type { Tracer } from '../trace/tracer.js';

/** A promise is not believed in the last of its time, ns. */
const MARGIN_NS = 10e9;

/** The volume as the trace has it. */
const VOLUME = 0x20000000;

/** What is promised about one file. */
export interface CallbackState {
  /** Up to when, ns; 0: nothing is promised. */
  expires: number;
  /** Times that a promise about this file was broken (cb_break). */
  breaks: number;
  /** Breaks of all promises at once that were known when it was given (cb_s_break). */
  serverBreaks: number;
}

/** What callbacks need of a file. */
export interface PromisedFile {
  readonly ino: number;
  readonly name: string;
  readonly callback: CallbackState;
  /** The file has been removed on the server (AFS_VNODE_DELETED). */
  deleted: boolean;
  /** What this client takes the file for is all written by itself; a break ends that. */
  newContent: boolean;
  /** Pages of an outdated version may be left (AFS_VNODE_ZAP_DATA). */
  readonly isStale: boolean;
  /** Held exclusively while the file is validated. */
  readonly validateLock: RwSemaphore;
  readonly changes: {
    /** One that changes the file is with the server now. */
    readonly underWay: boolean;
    /** Those that have ended. */
    readonly ended: number;
    /** Held by who has one operation on the server follow the other. */
    readonly ioLock: RwSemaphore;
  };
  applyStatus(status: ServerStatus): void;
  /** Drops the pages of an outdated version. */
  zap(): MaybeTask;
}

/** A file, and what it is open as on the server. */
export interface AskedFile {
  readonly file: PromisedFile;
  readonly opened: ServerFile;
}

/** How things stood when the server was asked something about a file. */
export interface Asked {
  /** Changes of ours that had ended. */
  readonly changes: number;
  /** Promises that had been broken. */
  readonly breaks: number;
}

/** Nothing promised, nothing broken. */
export function noCallback(): CallbackState {
  return { expires: 0, breaks: 0, serverBreaks: 0 };
}

/** What callbacks are built from. */
export interface CallbackParts {
  readonly server: Server;
  readonly health: ServerHealth;
  readonly scheduler: Scheduler;
  readonly tracer: Tracer;
  /** The file of this key, if it is known. */
  readonly find: (key: string) => PromisedFile | undefined;
}

/** The callbacks of one client. */
export class Callbacks {
  readonly #parts: CallbackParts;
  /** Times that all promises were broken. */
  #serverBreaks = 0;

  constructor(parts: CallbackParts) {
    this.#parts = parts;
    parts.server.callbacks.listen((key) => this.#broken(key));
  }

  /** True if nothing need be asked or dropped: the server would have told of a change. */
  holds({ callback, deleted, isStale }: PromisedFile): boolean {
    if (deleted) return true;
    if (isStale) return false;
    const now = this.#parts.scheduler.clock.now();
    return callback.serverBreaks === this.#serverBreaks && callback.expires - MARGIN_NS > now;
  }

  /** To be called before an operation, and given to `answered` with its reply. */
  asking({ callback, changes }: PromisedFile): Asked {
    return { changes: changes.ended, breaks: callback.breaks + this.#serverBreaks };
  }

  /**
   * Applies the status of a reply, and the promise that comes with it unless the server has called
   * meanwhile. A change of ours meanwhile may or may not be in it; its own reply tells.
   */
  answered(file: PromisedFile, status: ServerStatus, asked: Asked): void {
    const { changes, callback } = file;
    if (changes.underWay || changes.ended !== asked.changes) return;
    file.applyStatus(status);
    const { promisedNs = 0 } = status;
    if (promisedNs === 0 || callback.breaks + this.#serverBreaks !== asked.breaks) return;
    callback.serverBreaks = this.#serverBreaks;
    callback.expires = this.#parts.scheduler.clock.now() + promisedNs;
  }

  /** Lets the server, if it can be heard, tell of a change before a file is used. */
  listenFor(opened: ServerFile): void {
    if (this.#parts.health.answers) this.#parts.server.look(opened);
  }

  /**
   * Makes sure that what is cached of a file is still the file's, asking the server unless it has
   * promised to tell (afs_validate). 0, or a negative errno: -ESTALE when the file is found
   * removed, -ECONNREFUSED when the server is dead.
   */
  *validate(file: PromisedFile, opened: ServerFile): Task<number> {
    this.listenFor(opened);
    if (this.holds(file)) return 0;
    return yield* file.validateLock.exclusively(() => this.#validateLocked(file, opened));
  }

  *#validateLocked(file: PromisedFile, opened: ServerFile): Task<number> {
    let error = 0;
    // Another may have asked while the lock was waited for.
    if (!this.holds(file)) {
      error = yield* file.changes.ioLock.exclusively(() => this.fetchStatus([{ file, opened }]));
    }
    if (error === 0) yield* awaited(file.zap());
    return error;
  }

  /** Asks for the status of files in one operation, and applies it: 0, or errno of the first. */
  *fetchStatus(files: readonly AskedFile[]): Task<number> {
    const { server, health } = this.#parts;
    const unreachable = yield* health.reach();
    if (unreachable < 0) return unreachable;
    const asked = files.map(({ file }) => this.asking(file));
    const opened = files.map((each) => each.opened);
    const answered = new WaitQueue(`the status of ${files[0]?.file.name}`);
    let statuses: readonly (ServerStatus | number)[] | undefined;
    server.getStatus(opened, (answer) => {
      statuses = answer;
      answered.wakeAll();
    });
    while (statuses === undefined) yield answered;
    const errors = statuses.map((status, i) => {
      const { file } = files[i] as AskedFile;
      if (typeof status !== 'number') this.answered(file, status, asked[i] as Asked);
      else if (status === -ENOENT) file.deleted = true;
      return typeof status !== 'number' ? 0 : status === -ENOENT ? -ESTALE : status;
    });
    return errors[0] ?? 0;
  }

  /** What is kept of a file is forgotten. */
  giveUp(key: string): void {
    this.#parts.server.callbacks.giveUp(key);
  }

  #broken(key: string | undefined): void {
    if (key === undefined) {
      this.#serverBreaks++;
      return;
    }
    const file = this.#parts.find(key);
    if (file === undefined) return;
    const { callback, ino } = file;
    const promised = callback.expires > 0;
    file.newContent = false;
    callback.expires = 0;
    if (promised) callback.breaks++;
    const { tracer } = this.#parts;
    if (!tracer.enabled) return;
    const why = tracer.string('break-cb');
    afsCbBreak.emit(tracer, VOLUME, ino, 0, callback.breaks, Number(promised), why);
  }
}
