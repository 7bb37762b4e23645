/**
 * The 9p client with cache=fscache or cache=loose: a slice is read as the messages that it takes.
 * Plays fs/9p/vfs_addr.c; called by the helper. Spec: BEHAVIOUR 6.6.
 *
 * Nothing is revalidated: what is known of a file stays until its inode is evicted.
 */
import { IovIter } from '../mm/iov_iter.js';
import type { Transport } from '../server/transport.js';
import type { Task } from '../sim/wait_queue.js';
import { CookieFs, type CookieFsParts, type CookieInode } from './cookie_fs.js';

/** The client of one lab. */
export class NinepClient extends CookieFs {
  readonly #transport: Transport;

  constructor(parts: CookieFsParts, transport: Transport) {
    super(parts, false);
    this.#transport = transport;
  }

  protected override read(inode: CookieInode, position: number, count: number): Task<number> {
    const piece = (at: number, size: number): IovIter => new IovIter(inode.mapping, at, size);
    return this.#transport.read(inode.file, position, count, piece);
  }
}
