/**
 * Callbacks as an AFS client sees them: the server's promise to tell of the next change of a file,
 * for as long as which nothing need be asked. Plays fs/afs/callback.c and afs_validate(). Spec:
 * BEHAVIOUR 5.9.
 *
 * Differs: one server and one volume, so that one counter stands for what the kernel compares of
 * both; a call from the server arrives at once.
 */
import { ENOENT, ESTALE } from '../../base/errno.js';
import type { ServerFile, ServerStatus } from '../../server/types.js';
import { type Task, WaitQueue } from '../../sim/wait_queue.js';
import { afsCbBreak } from '../../trace/events/afs.js';
import type { AfsParts, AfsVnode, CallbackState } from './types.js';

/** A promise is not believed in the last of its time, ns. */
const MARGIN_NS = 10e9;

/** The volume as the trace has it. */
const VOLUME = 0x20000000;

/** A file, and what it is open as on the server. */
export interface AskedFile {
  readonly file: AfsVnode;
  readonly opened: ServerFile;
}

/** How things stood when the server was asked something about a file. */
export interface Asked {
  /** Modifications of ours that had ended. */
  readonly modifications: number;
  /** Promises that had been broken. */
  readonly breaks: number;
}

/** Nothing promised, nothing broken. */
export function noCallback(): CallbackState {
  return { expires: 0, breaks: 0, serverBreaks: 0 };
}

/** The callbacks of one client. */
export class Callbacks {
  readonly #parts: AfsParts;
  readonly #find: (key: string) => AfsVnode | undefined;
  /** Times that all promises were broken. */
  #serverBreaks = 0;

  /** `find`: the file of a key, if it is known. */
  constructor(parts: AfsParts, find: (key: string) => AfsVnode | undefined) {
    this.#parts = parts;
    this.#find = find;
    parts.server.callbacks.listen((key) => this.#broken(key));
  }

  /** True if nothing need be asked or dropped: the server would have told of a change. */
  holds({ callback, deleted, isStale }: AfsVnode): boolean {
    if (deleted) return true;
    if (isStale) return false;
    const now = this.#parts.scheduler.clock.now();
    return callback.serverBreaks === this.#serverBreaks && callback.expires - MARGIN_NS > now;
  }

  /** To be called before an operation, and given to `answered` with its reply. */
  asking({ callback, modify }: AfsVnode): Asked {
    return { modifications: modify.ended, breaks: callback.breaks + this.#serverBreaks };
  }

  /**
   * Applies the status of a reply, and the promise that comes with it unless the server has called
   * meanwhile. A change of ours meanwhile may or may not be in it; its own reply tells.
   */
  answered(file: AfsVnode, status: ServerStatus, asked: Asked): void {
    const { modify, callback } = file;
    if (modify.underWay || modify.ended !== asked.modifications) return;
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
  *validate(file: AfsVnode, opened: ServerFile): Task<number> {
    this.listenFor(opened);
    if (this.holds(file)) return 0;
    return yield* file.validateLock.exclusively(() => this.#validateLocked(file, opened));
  }

  *#validateLocked(file: AfsVnode, opened: ServerFile): Task<number> {
    let error = 0;
    // Another may have asked while the lock was waited for.
    if (!this.holds(file)) {
      error = yield* file.modify.ioLock.exclusively(() => this.fetchStatus([{ file, opened }]));
    }
    if (error === 0) yield* file.zap();
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
    const file = this.#find(key);
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
