/**
 * Callbacks as an AFS client sees them: the server's promise to tell of the next change of a file,
 * for as long as which nothing need be asked. Plays fs/afs/callback.c and the first half of
 * afs_validate(); the same for `afs.ts` (v5.13) and `kafs.ts` (v6.1). Spec: BEHAVIOUR 5.9.
 *
 * Differs: one server and one volume, so that one counter stands for what the kernel compares of
 * both; a call from the server arrives at once.
 */
import { ENOENT, ESTALE } from '../base/errno.js';
import type { Server, ServerFile, ServerStatus } from '../server/types.js';
import type { Scheduler } from '../sim/scheduler.js';
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
  readonly callback: CallbackState;
  /** The file has been removed on the server (AFS_VNODE_DELETED). */
  deleted: boolean;
  /** What this client takes the file for is all written by itself; a break ends that. */
  newContent: boolean;
  /** A change of ours is under way. */
  readonly changes: { readonly underWay: boolean };
  applyStatus(status: ServerStatus): void;
}

/** Nothing promised, nothing broken. */
export function noCallback(): CallbackState {
  return { expires: 0, breaks: 0, serverBreaks: 0 };
}

/** What callbacks are built from. */
export interface CallbackParts {
  readonly server: Server;
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

  /** True if nothing need be asked: the server would have told of a change. */
  holds({ callback, deleted }: PromisedFile): boolean {
    if (deleted) return true;
    const now = this.#parts.scheduler.clock.now();
    return callback.serverBreaks === this.#serverBreaks && callback.expires - MARGIN_NS > now;
  }

  /** To be asked for before an operation, and given to `granted` with its reply. */
  mark({ callback }: PromisedFile): number {
    return callback.breaks + this.#serverBreaks;
  }

  /** A reply with a promise; it is worth nothing if the server has called since `mark`. */
  granted(file: PromisedFile, { promisedNs = 0 }: ServerStatus, mark: number): void {
    if (promisedNs === 0 || mark !== this.mark(file)) return;
    file.callback.serverBreaks = this.#serverBreaks;
    file.callback.expires = this.#parts.scheduler.clock.now() + promisedNs;
  }

  /**
   * Asks for the file's status unless the promise holds, and applies it: 0, or a negative errno;
   * -ESTALE when the file is found removed. What is outdated then is the caller's affair. A change
   * of ours that is under way may or may not be in a status; its own reply tells.
   */
  validate(file: PromisedFile, opened: ServerFile): number {
    const { server } = this.#parts;
    if (file.changes.underWay) return 0;
    server.look(opened);
    if (this.holds(file)) return 0;
    const mark = this.mark(file);
    const status = server.getStatus(opened);
    if (typeof status === 'number') {
      if (status === -ENOENT) file.deleted = true;
      return status === -ENOENT ? -ESTALE : status;
    }
    file.applyStatus(status);
    this.granted(file, status, mark);
    return 0;
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
