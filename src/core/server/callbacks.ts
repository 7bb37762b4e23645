/**
 * What a server has promised to tell: that a file is no longer as it was when its client last heard
 * of it. Plays the callback table of an AFS file server for its one client. Made by the servers,
 * which say what they see of their files; told whom to call by `fs/callbacks.ts`.
 *
 * Differs: a promise that has run out is forgotten by the client alone.
 */
import type { ServerCounters } from './types.js';

/** The promises of one server. */
export class CallbackTable {
  readonly #counters: ServerCounters;
  readonly #lifetimeNs: number;
  /** The version that was told with the promise, by key of the file. */
  readonly #promised = new Map<string, string>();
  /** Files that the client itself is changing: nobody can tell who else does. */
  readonly #changing = new Set<string>();
  #tell: ((key: string | undefined) => void) | undefined;

  /** `lifetimeNs`: how long a promise holds, nanoseconds. */
  constructor(lifetimeNs: number, counters: ServerCounters) {
    this.#lifetimeNs = lifetimeNs;
    this.#counters = counters;
  }

  /**
   * Has `tell` called whenever a promise is broken, inside of whatever finds that out: with the
   * file's key, or undefined for all files. Nothing is promised before.
   */
  listen(tell: (key: string | undefined) => void): void {
    this.#tell = tell;
  }

  /** Promises to tell of changes of the file from `version` on: for how long, ns; 0: not at all. */
  promise(key: string, version: string): number {
    if (this.#tell === undefined || this.#changing.has(key)) return 0;
    this.#promised.set(key, version);
    return this.#lifetimeNs;
  }

  /** The file is seen to be of this version: if another was promised, its client is called. */
  seen(key: string, version: string): void {
    const promised = this.#promised.get(key);
    if (promised === undefined || promised === version || this.#changing.has(key)) return;
    this.#promised.delete(key);
    this.#counters.breaks++;
    this.#tell?.(key);
  }

  /** The client begins to change the file, which is of this version. */
  changing(key: string, version: string): void {
    this.seen(key, version);
    this.#changing.add(key);
  }

  /** The client has changed the file, into this version if that is known. */
  changed(key: string, version: string | undefined): void {
    this.#changing.delete(key);
    if (version !== undefined && this.#promised.has(key)) this.#promised.set(key, version);
  }

  /** The client wants to hear no more of the file. */
  giveUp(key: string): void {
    this.#promised.delete(key);
  }

  /** Keys of the files of which something is promised. */
  get promised(): readonly string[] {
    return [...this.#promised.keys()];
  }

  /** Nothing that was promised holds, as when a server was started anew. */
  breakAll(): void {
    this.#promised.clear();
    this.#counters.breaks++;
    this.#tell?.(undefined);
  }
}
