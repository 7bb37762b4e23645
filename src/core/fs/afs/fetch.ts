/**
 * FetchData: one operation that reads a stretch of a file however long it is, and what its reply
 * tells of the file; for slices and for direct reads. Kernel: afs_fetch_data() of fs/afs/file.c and
 * the replies of fs/afs/fsclient.c. Spec: BEHAVIOUR 5.10.
 *
 * Differs: repaired, only what a short reply leaves out behind the end of the file is zeros; the
 * kernel zeroes behind any short reply, silently.
 */
import type { FetchReply, FetchTarget } from '../../server/types.js';
import { type Task, WaitQueue } from '../../sim/wait_queue.js';
import type { Asked, Callbacks } from './callbacks.js';
import type { AfsParts, AfsVnode } from './types.js';

/** How a FetchData ended. */
export interface Fetched {
  /** Bytes sent or a negative errno. */
  readonly result: number;
  /** What was asked for and not sent is zeros. */
  readonly clearTail: boolean;
}

/** All fetching of one client. */
export class AfsFetch {
  readonly #parts: AfsParts;
  readonly #callbacks: Callbacks;

  constructor(parts: AfsParts, callbacks: Callbacks) {
    this.#parts = parts;
    this.#callbacks = callbacks;
  }

  /** Fetches at `position`, waiting for the answer; -ECONNREFUSED when the server is dead. */
  *perform(vnode: AfsVnode, position: number, into: FetchTarget): Task<Fetched> {
    const unreachable = yield* this.#parts.health.reach();
    if (unreachable < 0) return { result: unreachable, clearTail: true };
    const answered = new WaitQueue(`FetchData of ${vnode.name}`);
    let fetched: Fetched | undefined;
    this.start(vnode, position, into, (answer) => {
      fetched = answer;
      answered.wakeAll();
    });
    while (fetched === undefined) yield answered;
    return fetched;
  }

  /** Fetches at `position`; tells once, before the call returns or later, how it ended. */
  start(
    vnode: AfsVnode,
    position: number,
    into: FetchTarget,
    done: (fetched: Fetched) => void,
  ): void {
    const { server } = this.#parts;
    const asked = this.#callbacks.asking(vnode);
    const wanted = { position, count: into.count };
    server.fetch(vnode.file, position, into, (reply) =>
      done(this.#ended(vnode, wanted, asked, reply)),
    );
  }

  #ended(
    vnode: AfsVnode,
    { position, count }: { position: number; count: number },
    asked: Asked,
    { result, status }: FetchReply,
  ): Fetched {
    const { defects } = this.#parts;
    if (status !== undefined) this.#callbacks.answered(vnode, status, asked);
    const reachedEnd = position + Math.max(0, result) >= (status?.size ?? vnode.size);
    const clearTail = defects === 'kernel' || result < 0 || result >= count || reachedEnd;
    return { result, clearTail };
  }
}
