/**
 * The AFS client as of v6.1: a slice is one FetchData however long it is, what is cached is
 * validated before it is used, files are read in large folios. Plays fs/afs/{file,inode}.c; called
 * by the helper and by `vfs/`.
 *
 * Differs: the status of a file is asked for at each use instead of being promised by callbacks.
 */
import { IovIter } from '../mm/iov_iter.js';
import type { ServerHealth } from '../server/health.js';
import type { FetchReply, Server, ServerFile } from '../server/types.js';
import { type Task, WaitQueue } from '../sim/wait_queue.js';
import { CookieFs, type CookieFsParts, type CookieInode } from './cookie_fs.js';

/** The client of one lab. */
export class KafsClient extends CookieFs {
  readonly #server: Server;
  readonly #health: ServerHealth;

  constructor(parts: CookieFsParts, health: ServerHealth) {
    super(parts, true);
    this.#server = parts.server;
    this.#health = health;
  }

  override revalidate(inode: CookieInode): void {
    if (!this.#health.answers) return;
    const status = this.#server.getStatus(inode.file);
    if (typeof status !== 'number') inode.applyStatus(status);
  }

  protected override opened(inode: CookieInode, { status }: ServerFile): void {
    if (this.#health.answers) inode.applyStatus(status);
  }

  protected override *read(inode: CookieInode, position: number, count: number): Task<number> {
    const unreachable = yield* this.#health.reach();
    if (unreachable < 0) return unreachable;
    const answered = new WaitQueue(`FetchData of ${inode.name}`);
    let reply: FetchReply | undefined;
    const into = new IovIter(inode.mapping, position, count);
    this.#server.fetch(inode.file, position, into, (answer) => {
      reply = answer;
      answered.wakeAll();
    });
    while (reply === undefined) yield answered;
    if (reply.status !== undefined) inode.applyStatus(reply.status);
    return reply.result;
  }
}
