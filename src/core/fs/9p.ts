/**
 * The 9p client with cache=fscache or cache=loose: a slice is read as the messages that it takes.
 * Plays fs/9p/vfs_addr.c; called by the helper. Writing is `9p_write.ts`. Spec: BEHAVIOUR 6.6.
 *
 * Nothing is revalidated: what is known of a file stays until its inode is evicted.
 */
import type { Cookie } from '../fscache/cookie.js';
import type { AddressSpace } from '../mm/address_space.js';
import { IovIter } from '../mm/iov_iter.js';
import type { ServerFile } from '../server/types.js';
import type { Task } from '../sim/wait_queue.js';
import { NinepDirect } from './9p_direct.js';
import { NinepChanges, NinepWrite, type NinepWriteParts } from './9p_write.js';
import { CookieFs, type CookieFsParts, CookieInode, type ReadReply } from './cookie_fs.js';

class NinepInode extends CookieInode {
  readonly changes: NinepChanges;
  readonly direct: NinepDirect;

  constructor(
    client: NinepClient,
    mapping: AddressSpace,
    file: ServerFile,
    cookie: Cookie,
    writing: NinepWriteParts,
  ) {
    super(client, mapping, file, cookie);
    this.changes = new NinepChanges(this, writing);
    this.direct = new NinepDirect(this, writing);
  }
}

/** The client of one lab. */
export class NinepClient extends CookieFs {
  readonly #writing: NinepWriteParts;

  constructor(parts: CookieFsParts, writing: NinepWriteParts) {
    super(parts, false, (ops) => new NinepWrite(writing, ops));
    this.#writing = writing;
  }

  protected override makeInode(
    mapping: AddressSpace,
    file: ServerFile,
    cookie: Cookie,
  ): CookieInode {
    return new NinepInode(this, mapping, file, cookie, this.#writing);
  }

  protected override *read(inode: CookieInode, position: number, count: number): Task<ReadReply> {
    const piece = (at: number, size: number): IovIter => new IovIter(inode.mapping, at, size);
    const { transport } = this.#writing;
    const { bytes, error } = yield* transport.read(inode.file, position, count, piece);
    return { result: error < 0 ? error : bytes, clearTail: true };
  }
}
