/**
 * What clients have in common: inodes that hold a cookie and stay until they are evicted, opens and
 * requests that use the cookie, reads that end in the caller's context. Kernel: the like parts of
 * fs/9p and fs/afs; a client adds how it reads.
 */
import { assert } from '../base/assert.js';
import type { Cookie } from '../fscache/cookie.js';
import type { Fscache } from '../fscache/registry.js';
import type { Volume } from '../fscache/volume.js';
import { AddressSpace } from '../mm/address_space.js';
import type { Folios } from '../mm/folio.js';
import { truncatePages } from '../mm/truncate.js';
import type { AddressSpaceOps, Inode, WriteOps } from '../mm/types.js';
import type { ReadRequest, Subrequest } from '../netfs/objects.js';
import type { ByteRange, CacheShare, ReadHelper, RequestOps } from '../netfs/types.js';
import type { Server, ServerFile } from '../server/types.js';
import type { Scheduler } from '../sim/scheduler.js';
import type { MaybeTask, Task } from '../sim/wait_queue.js';
import type { ModifyOps, NetworkFs, OpenFailed, Vnode } from './types.js';

/** How often a client that is unmounted looks whether requests have ended, ns. */
const UNMOUNT_POLL_NS = 100_000;

/** What a client is built from. */
export interface CookieFsParts {
  readonly server: Server;
  readonly helper: ReadHelper;
  readonly scheduler: Scheduler;
  readonly folios: Folios;
  readonly fscache: Fscache;
  /** Names the mount in a cache. */
  readonly volume: string;
  /** Requests do without a cache: there is none, and the kernel does not ask its cookies. */
  readonly uncached?: boolean;
  /** Files that are remembered; beyond that idle ones go, those that were opened longest ago. */
  readonly inodesMax: number;
  /** A cache's share of the request operations, in place of the cookies'. */
  readonly share?: CacheShare | undefined;
}

/** What a client adds. */
export interface CookieFsAdds {
  /** Files are read in folios of several pages. */
  readonly largeFolios?: boolean;
  readonly makeWrite?: (ops: RequestOps) => WriteOps;
  readonly ops?: Partial<RequestOps>;
}

/** A file of such a client. */
export abstract class CookieInode implements Vnode {
  readonly ino: number;
  readonly key: string;
  name: string;
  readonly mapping: AddressSpace;
  readonly cookie: Cookie;
  size: number;
  version: string;
  uses = 0;
  /** It was written and has been closed by a writer since its cookie was last told. */
  wasWritten = false;
  abstract readonly modify: ModifyOps;
  readonly #client: CookieFs;
  #file: ServerFile | undefined;
  /** Opens that the cookie has been told of. */
  #opens = 0;
  #requests = 0;
  /** Dirty pages keep the cookie in use. */
  #pinned = false;

  constructor(client: CookieFs, mapping: AddressSpace, file: ServerFile, cookie: Cookie) {
    this.#client = client;
    this.mapping = mapping;
    this.cookie = cookie;
    this.ino = file.ino;
    this.key = file.key;
    this.name = file.name;
    this.size = file.status.size;
    this.version = file.status.version;
    mapping.attach(this);
  }

  /** The file on the server; only while the inode is in use. */
  get file(): ServerFile {
    assert(this.#file !== undefined, `${this.name} is not open on the server`);
    return this.#file;
  }

  /** Nobody uses it, and nothing is under way. */
  get isIdle(): boolean {
    return this.uses === 0 && this.#requests === 0;
  }

  /** Takes a newly opened file, or closes it when one is open already. */
  open(file: ServerFile): void {
    this.name = file.name;
    if (this.#file === undefined) this.#file = file;
    else this.#client.close(file);
    this.uses++;
    this.#opens++;
    this.cookie.use(false);
  }

  hold(): void {
    this.uses++;
  }

  // A mapping holds its file open.
  release(): void {
    this.uses--;
    for (; this.#opens > this.uses; this.#opens--) {
      if (this.wasWritten) this.cookie.unuse(this.version, this.size);
      else this.cookie.unuse();
      this.wasWritten = false;
    }
    this.#closeIdle();
  }

  occupancy(range: ByteRange): Task<ByteRange | number> {
    return this.cookie.occupancy(range);
  }

  forgetCached(): void {
    this.cookie.invalidate(this.version, this.size);
  }

  /**
   * There are dirty pages: the cookie stays in use, and the file open, until the inode has been
   * written, too.
   */
  pinCache(): void {
    if (this.#pinned) return;
    this.#pinned = true;
    this.#requests++;
    this.cookie.use(true);
  }

  unpinCache(): void {
    if (!this.#pinned) return;
    this.#pinned = false;
    this.cookie.unuse();
    this.endRequest();
  }

  /** A request in flight holds the file, not the inode's users. */
  beginRequest(): void {
    this.#requests++;
  }

  endRequest(): void {
    this.#requests--;
    this.#closeIdle();
  }

  #closeIdle(): void {
    if (!this.isIdle || this.#file === undefined) return;
    this.#client.close(this.#file);
    this.#file = undefined;
  }
}

/** A client of one lab. */
export abstract class CookieFs implements NetworkFs {
  readonly #parts: CookieFsParts;
  readonly #inodes = new Map<string, CookieInode>();
  readonly #requestOps: RequestOps;
  readonly #spaceOps: AddressSpaceOps;
  #volume: Volume;

  constructor(parts: CookieFsParts, { largeFolios = false, makeWrite, ops }: CookieFsAdds) {
    this.#parts = parts;
    this.#volume = parts.fscache.acquireVolume(parts.volume);
    this.#requestOps = { ...this.#makeRequestOps(), ...ops, ...parts.share };
    const { helper } = parts;
    this.#spaceOps = {
      largeFolios,
      ...(makeWrite && { write: makeWrite(this.#requestOps) }),
      readahead: (ractl) => helper.readahead(ractl, this.#requestOps),
      readpage: (file, pfn) => helper.readpage(file, pfn, this.#requestOps),
      releaseFolio: (mapping) => (mapping.host as CookieInode).cookie.notePageRelease(),
    };
  }

  get vnodes(): number {
    return this.#inodes.size;
  }

  *open(name: string): Task<Vnode | OpenFailed> {
    const file = this.#parts.server.open(name);
    return 'errno' in file ? file : yield* this.#opened(file, !this.#inodes.has(file.key));
  }

  *create(name: string): Task<Vnode | OpenFailed> {
    const file = this.#parts.server.create(name);
    return 'errno' in file ? file : yield* this.#opened(file, false);
  }

  *#opened(file: ServerFile, isNew: boolean): Task<Vnode | OpenFailed> {
    const inode = this.inodeOf(file);
    // Held, so that it is not evicted meanwhile.
    inode.beginRequest();
    let opened = false;
    try {
      const error = yield* this.lookedUp(inode, file, isNew);
      if (error !== 0) return { errno: error };
      inode.open(file);
      opened = true;
      return inode;
    } finally {
      if (!opened) this.close(file);
      inode.endRequest();
    }
  }

  /** The inode of a file, which gets one if it has none. */
  protected inodeOf(file: ServerFile): CookieInode {
    const { folios, fscache } = this.#parts;
    let inode = this.#inodes.get(file.key);
    if (inode === undefined) {
      const { version, size } = file.status;
      const cookie = fscache.acquire(this.#volume, file.key, file.name, version, size);
      inode = this.makeInode(new AddressSpace(folios, this.#spaceOps), file, cookie);
    }
    // The newest is the last.
    this.#inodes.delete(file.key);
    this.#inodes.set(file.key, inode);
    if (this.#inodes.size > this.#parts.inodesMax) this.#evictOldest();
    return inode;
  }

  // Looks at no more than a few: those that are in use are passed over, and are the newest then.
  #evictOldest(): void {
    let looked = 0;
    for (const inode of this.#inodes.values()) {
      if (this.#evict(inode, false) || ++looked === 8) return;
      this.#inodes.delete(inode.key);
      this.#inodes.set(inode.key, inode);
    }
  }

  /** Ends the use of a file on the server. */
  close(file: ServerFile): void {
    this.#parts.server.close(file);
  }

  evictInodes(): void {
    for (const inode of this.#inodes.values()) this.#evict(inode, false);
  }

  forgetFile(key: string): void {
    const inode = this.#inodes.get(key);
    if (inode !== undefined) this.#evict(inode, true);
  }

  #evict(inode: CookieInode, retire: boolean): boolean {
    if (!inode.isIdle) return false;
    inode.mapping.invalidate(0, Number.MAX_SAFE_INTEGER);
    if (inode.mapping.pages > 0) return false;
    this.#inodes.delete(inode.key);
    this.forgotten(inode);
    inode.cookie.relinquish(retire);
    return true;
  }

  inodesWritten(): void {
    for (const inode of this.#inodes.values()) if (!inode.mapping.isTagged) inode.unpinCache();
  }

  *unmount(): Task {
    this.inodesWritten();
    while (this.#inodes.size > 0) {
      // Pages may be on their way into the cache, and requests be about to be freed.
      for (const { mapping } of [...this.#inodes.values()]) yield* truncatePages(mapping, 0);
      this.evictInodes();
      if (this.#inodes.size > 0) yield* this.#parts.scheduler.sleep(UNMOUNT_POLL_NS);
    }
    this.#parts.fscache.relinquishVolume(this.#volume);
  }

  mount(): void {
    this.#volume = this.#parts.fscache.acquireVolume(this.#parts.volume);
  }

  /** The inode of a file that has none yet. */
  protected abstract makeInode(
    mapping: AddressSpace,
    file: ServerFile,
    cookie: Cookie,
  ): CookieInode;

  /**
   * A file was found by its name, for the first time if it `isNew`; before it is opened. 0, or the
   * errno with which opening it fails.
   */
  protected *lookedUp(_inode: CookieInode, _file: ServerFile, _isNew: boolean): Task<number> {
    return 0;
  }

  /** Nothing is known of a file any more. */
  protected forgotten(_inode: CookieInode): void {}

  /** The inode of this key, if it is known. */
  find(key: string): CookieInode | undefined {
    return this.#inodes.get(key);
  }

  /** Reads what the slice lacks from the server, and ends in `subreqTerminated`. */
  protected abstract issueRead(subreq: Subrequest): MaybeTask;

  #makeRequestOps(): RequestOps {
    const inodeOf = (inode: Inode): CookieInode => inode as CookieInode;
    const cached = this.#parts.uncached !== true;
    return {
      isCacheEnabled: (inode) => cached && inodeOf(inode).cookie.enabled,
      ...(cached && {
        beginCacheOperation: (rreq: ReadRequest) =>
          inodeOf(rreq.inode).cookie.beginOperation(rreq.cache, 'begin_io_read'),
      }),
      initRreq: (rreq) => {
        inodeOf(rreq.inode).beginRequest();
        rreq.netfsPriv = rreq.inode;
      },
      cleanup: (_mapping, priv) => (priv as CookieInode).endRequest(),
      issueOp: (subreq) => this.issueRead(subreq),
    };
  }
}
