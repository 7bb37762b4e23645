/**
 * Reads and writes of AFS files opened with O_DIRECT: one FetchData or StoreData each, between the
 * program's memory and the server. Called by `vfs/direct.ts`, which keeps the page cache right.
 *
 * Differs: the AFS client of v5.13 refuses O_DIRECT (EINVAL).
 */
import type { Task } from '../../sim/wait_queue.js';
import type { DirectIo } from '../types.js';
import { UserMemory } from '../user_memory.js';
import type { AfsFetch } from './fetch.js';
import type { AfsVnode } from './types.js';

/** The direct I/O of one vnode. */
export class AfsDirect implements DirectIo {
  readonly #vnode: AfsVnode;
  readonly #fetch: AfsFetch;
  readonly #bytes: { direct: number };

  /** `bytes` counts what is read. */
  constructor(vnode: AfsVnode, fetch: AfsFetch, bytes: { direct: number }) {
    this.#vnode = vnode;
    this.#fetch = fetch;
    this.#bytes = bytes;
  }

  *read(target: Uint8Array, at: number, count: number, position: number): Task<number> {
    const into = new UserMemory(target, at, count);
    const { result } = yield* this.#fetch.perform(this.#vnode, position, into);
    if (result > 0) this.#bytes.direct += result;
    return result;
  }

  *write(source: Uint8Array, at: number, count: number, position: number): Task<number> {
    const from = new UserMemory(source, at, count);
    const error = yield* this.#vnode.modify.storeData(position, from);
    return error < 0 ? error : count;
  }
}
