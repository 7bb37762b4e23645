/**
 * Reads and writes of AFS files opened with O_DIRECT: one FetchData or StoreData each, between the
 * program's memory and the server. Called by `vfs/direct.ts`, which keeps the page cache right.
 *
 * Differs: the AFS client of v5.13 refuses O_DIRECT (EINVAL).
 */

import { addSegment } from '../io/segments.js';
import type { SegmentList } from '../io/types.js';
import type { FetchReply, Server, StoreSource } from '../server/types.js';
import { type Task, WaitQueue } from '../sim/wait_queue.js';
import type { AfsChanges, ChangedVnode } from './afs_changes.js';
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

/** The direct I/O of one vnode. */
export class AfsDirect implements DirectIo {
  readonly #vnode: ChangedVnode & { readonly changes: AfsChanges };
  readonly #server: Server;
  readonly #bytes: { direct: number };

  /** `bytes` counts what is read. */
  constructor(
    vnode: ChangedVnode & { readonly changes: AfsChanges },
    server: Server,
    bytes: { direct: number },
  ) {
    this.#vnode = vnode;
    this.#server = server;
    this.#bytes = bytes;
  }

  *read(target: Uint8Array, at: number, count: number, position: number): Task<number> {
    const vnode = this.#vnode;
    const { changed } = vnode;
    const answered = new WaitQueue(`direct read of ${vnode.name}`);
    let reply: FetchReply | undefined;
    const into = new UserMemory(target, at, count);
    this.#server.fetch(vnode.file, position, into, (answer) => {
      reply = answer;
      answered.wakeAll();
    });
    while (reply === undefined) yield answered;
    const { result, status } = reply as FetchReply;
    if (result > 0) this.#bytes.direct += result;
    // A change of ours meanwhile may or may not be in this status; its own reply tells.
    const unclear = vnode.changed !== changed || vnode.changes.underWay;
    if (status !== undefined && !unclear) vnode.applyStatus(status);
    return result;
  }

  *write(source: Uint8Array, at: number, count: number, position: number): Task<number> {
    const error = yield* this.#vnode.storeData(position, new UserMemory(source, at, count));
    return error < 0 ? error : count;
  }
}
