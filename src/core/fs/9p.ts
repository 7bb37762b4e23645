/**
 * The 9p client: a slice is read as the messages that it takes. Kernel: fs/9p/vfs_addr.c and
 * vfs_file.c; called by the helper. Writing is `9p_write.ts`. Spec: BEHAVIOUR 6.6.
 *
 * With cache=fscache and cache=loose nothing is revalidated: what is known of a file stays until
 * its inode is evicted. With cache=mmap and cache=none read(2) and write(2) are messages of their
 * own, only mappings have pages, and an inode goes with its last user.
 */
import type { Cookie } from '../fscache/cookie.js';
import type { AddressSpace } from '../mm/address_space.js';
import { IovIter } from '../mm/iov_iter.js';
import { SREQ_CLEAR_TAIL, type Subrequest } from '../netfs/objects.js';
import type { ServerFile } from '../server/types.js';
import type { Task } from '../sim/wait_queue.js';
import { NinepDirect } from './9p_direct.js';
import { NinepModify, NinepWrite, type NinepWriteParts } from './9p_write.js';
import { CookieFs, type CookieFsParts, CookieInode } from './cookie_fs.js';
import type { Vnode } from './types.js';

/** The mount option `cache=` of 9p. */
export const NINEP_CACHE_MODES = ['fscache', 'loose', 'mmap', 'none'] as const;
/** One of them. */
export type NinepCacheMode = (typeof NINEP_CACHE_MODES)[number];

/** True for a mode in which inodes, pages and cookies stay behind when a file is closed. */
export function keepsInodes(mode: NinepCacheMode): boolean {
  return mode === 'fscache' || mode === 'loose';
}

class NinepInode extends CookieInode {
  readonly modify: NinepModify;
  readonly direct: NinepDirect;
  readonly uncached: Vnode['uncached'];
  readonly #client: NinepClient;

  constructor(
    client: NinepClient,
    mapping: AddressSpace,
    file: ServerFile,
    cookie: Cookie,
    writing: NinepWriteParts,
  ) {
    super(client, mapping, file, cookie);
    this.#client = client;
    const { cacheMode } = client;
    const ignoresDirty = writing.defects === 'kernel';
    this.uncached = keepsInodes(cacheMode)
      ? undefined
      : { readOnlyMaps: cacheMode === 'none', ignoresDirty };
    this.modify = new NinepModify(this, writing);
    this.direct = new NinepDirect(this, writing);
  }

  override release(): void {
    super.release();
    this.#dropUnused();
  }

  override endRequest(): void {
    super.endRequest();
    this.#dropUnused();
  }

  // v9fs_drop_inode: attributes are to be those of the server when the file is opened again.
  #dropUnused(): void {
    if (this.uncached !== undefined && this.isIdle) this.#client.evictInodes();
  }
}

/** The client of one lab. */
export class NinepClient extends CookieFs {
  readonly #writing: NinepWriteParts;
  readonly cacheMode: NinepCacheMode;

  constructor(parts: CookieFsParts, writing: NinepWriteParts, cacheMode: NinepCacheMode) {
    super(parts, { makeWrite: (ops) => new NinepWrite(writing, ops) });
    this.#writing = writing;
    this.cacheMode = cacheMode;
  }

  protected override *lookedUp(inode: CookieInode, file: ServerFile): Task<number> {
    if (!keepsInodes(this.cacheMode)) inode.size = file.status.size;
    return 0;
  }

  protected override makeInode(
    mapping: AddressSpace,
    file: ServerFile,
    cookie: Cookie,
  ): CookieInode {
    return new NinepInode(this, mapping, file, cookie, this.#writing);
  }

  // However many messages the slice takes. An error wins over what had come before it.
  protected override *issueRead(subreq: Subrequest): Task {
    const { transport, helper } = this.#writing;
    const { mapping, inode } = subreq.rreq;
    const from = subreq.start + subreq.transferred;
    const count = subreq.len - subreq.transferred;
    const piece = (at: number, size: number): IovIter => new IovIter(mapping, at, size);
    const { bytes, error } = yield* transport.read((inode as CookieInode).file, from, count, piece);
    subreq.flags |= SREQ_CLEAR_TAIL;
    helper.subreqTerminated(subreq, error < 0 ? error : bytes, false);
  }
}
