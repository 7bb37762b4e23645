/**
 * Reads and writes of AFS files opened with O_DIRECT: one FetchData or StoreData each, between the
 * program's memory and the server. Called by `vfs/direct.ts`, which keeps the page cache right.
 *
 * Differs: the AFS client of v5.13 refuses O_DIRECT (EINVAL).
 */
import { addSegment } from '../io/segments.js';
import type { SegmentList } from '../io/types.js';
import type { StoreSource } from '../server/types.js';
import type { Task } from '../sim/wait_queue.js';
import type { AfsChanges } from './afs_changes.js';
import type { AfsFetch, FetchedFile } from './afs_fetch.js';
import type { DirectIo } from './types.js';

/** A piece of a program's memory as what is read into, or stored from. */
class UserMemory implements StoreSource {
  readonly #memory: Uint8Array;
  #at: number;
  count: number;

  constructor(memory: Uint8Array, at: number, count: number) {
    this.#memory = memory;
    this.#at = at;
    this.count = count;
  }

  segments(list: SegmentList): void {
    list.count = 0;
    addSegment(list, this.#memory, this.#at, this.count);
  }

  advance(bytes: number): void {
    this.#at += bytes;
    this.count -= bytes;
  }
}

type DirectVnode = FetchedFile & { readonly changes: AfsChanges };

/** The direct I/O of one vnode. */
export class AfsDirect implements DirectIo {
  readonly #vnode: DirectVnode;
  readonly #fetch: AfsFetch;
  readonly #bytes: { direct: number };

  /** `bytes` counts what is read. */
  constructor(vnode: DirectVnode, fetch: AfsFetch, bytes: { direct: number }) {
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
    const error = yield* this.#vnode.changes.storeData(position, from);
    return error < 0 ? error : count;
  }
}
