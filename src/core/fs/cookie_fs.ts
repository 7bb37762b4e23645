/**
 * What clients have in common whose files hold cookies that are state machines (v5.17 and later):
 * inodes that stay until they are evicted, opens and requests that use the cookie, reads that end
 * in the caller's context. Plays the like parts of fs/9p and fs/afs; a client adds how it reads.
 */
import { assert } from '../base/assert.js';
import type { CookieRegistry, Volume } from '../fscache/registry.js';
import type { StateCookie } from '../fscache/state_cookie.js';
import { AddressSpace } from '../mm/address_space.js';
import { type Folios, PG_DIRTY, PG_WRITEBACK } from '../mm/folio.js';
import type { AddressSpaceOps, Inode, WriteOps } from '../mm/types.js';
import { type ReadRequest, SREQ_CLEAR_TAIL, type Subrequest } from '../netfs/objects.js';
import type { ReadHelper } from '../netfs/read_helper.js';
import type { ByteRange, RequestOps } from '../netfs/types.js';
import type { Server, ServerFile, ServerStatus } from '../server/types.js';
import type { Task } from '../sim/wait_queue.js';
import type { NetworkFs, OpenFailed, Vnode, VnodeChanges } from './types.js';

/** What a client is built from. */
export interface CookieFsParts {
  readonly server: Server;
  readonly helper: ReadHelper;
  readonly folios: Folios;
  readonly registry: CookieRegistry;
  /** Names the mount in a cache. */
  readonly volume: string;
}

/** A file of such a client. */
export abstract class CookieInode implements Vnode {
  readonly ino: number;
  readonly key: string;
  readonly name: string;
  readonly mapping: AddressSpace;
  readonly cookie: StateCookie;
  size: number;
  version: string;
  uses = 0;
  /** It was written and has been closed by a writer since its cookie was last told. */
  wasWritten = false;
  abstract readonly changes: VnodeChanges;
  readonly #client: CookieFs;
  #file: ServerFile | undefined;
  /** Opens that the cookie has been told of. */
  #opens = 0;
  #requests = 0;
  /** Dirty pages keep the cookie in use. */
  #pinned = false;
  /** Pages of a version that is gone are left. */
  #outdated = false;

  constructor(client: CookieFs, mapping: AddressSpace, file: ServerFile, cookie: StateCookie) {
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
    if (this.#file === undefined) this.#file = file;
    else this.#client.close(file);
    this.uses++;
    this.#opens++;
    this.cookie.use(false);
  }

  hold(): void {
    this.uses++;
  }

  revalidate(): boolean {
    this.#client.revalidate(this);
    this.#zap();
    return !this.#outdated;
  }

  *settle(): Task {
    if (!this.#outdated) return;
    const { version } = this;
    const { folios } = this.mapping;
    for (const pfn of [...this.mapping.range(0, Number.MAX_SAFE_INTEGER)]) {
      // The list was made before others ran: the frame may hold another page by now.
      if (folios.mappingOf(pfn) !== this.mapping) continue;
      folios.get(pfn);
      yield* folios.lock(pfn);
      yield* folios.waitFscache(pfn);
      this.#drop(pfn);
      folios.unlock(pfn);
      folios.put(pfn);
    }
    if (version === this.version) this.#outdated = false;
  }

  // Also of a page that another process is about to read. What is dirty or mapped is left, as the
  // kernel leaves it.
  #drop(pfn: number): void {
    const { mapping } = this;
    const { folios } = mapping;
    if (folios.mappingOf(pfn) !== mapping || folios.test(pfn, PG_DIRTY | PG_WRITEBACK)) return;
    if (mapping.isMapped(folios.indexOf(pfn), folios.pagesOf(pfn))) return;
    mapping.ops.releaseFolio?.(mapping);
    folios.remove(pfn);
  }

  /**
   * Applies what the server says: another version than ours means that somebody changed the file,
   * and nothing that is kept of it may be believed.
   */
  applyStatus({ version, size }: ServerStatus): void {
    if (version === this.version) return;
    this.version = version;
    this.size = size;
    this.cookie.invalidate(version, size);
    this.#outdated = true;
    this.#zap();
  }

  #zap(): void {
    if (!this.#outdated) return;
    this.mapping.invalidate(0, Number.MAX_SAFE_INTEGER);
    this.#outdated = this.mapping.pages > 0;
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

/** How a read ended. */
export interface ReadReply {
  /** Bytes read or a negative errno. */
  readonly result: number;
  /** What is missing of the slice is zeroed. */
  readonly clearTail: boolean;
}

/** A client of one lab. */
export abstract class CookieFs implements NetworkFs {
  readonly #parts: CookieFsParts;
  readonly #inodes = new Map<string, CookieInode>();
  readonly #requestOps: RequestOps;
  readonly #spaceOps: AddressSpaceOps;
  #volume: Volume;

  constructor(
    parts: CookieFsParts,
    largeFolios: boolean,
    makeWrite?: (ops: RequestOps) => WriteOps,
  ) {
    this.#parts = parts;
    this.#volume = parts.registry.acquireVolume(parts.volume);
    this.#requestOps = this.#makeRequestOps();
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

  open(name: string): Vnode | OpenFailed {
    const { server } = this.#parts;
    const file = server.open(name);
    if ('errno' in file) return file;
    const known = this.#inodes.has(file.key);
    const inode = this.#opened(file);
    for (const other of known ? [] : this.lookedUpWith(name)) {
      const neighbour = server.open(other);
      if ('errno' in neighbour) continue;
      this.lookedUp(this.#inodeOf(neighbour), neighbour);
      server.close(neighbour);
    }
    return inode;
  }

  create(name: string): Vnode | OpenFailed {
    const file = this.#parts.server.create(name);
    return 'errno' in file ? file : this.#opened(file);
  }

  #opened(file: ServerFile): Vnode {
    const inode = this.#inodeOf(file);
    this.lookedUp(inode, file);
    inode.open(file);
    return inode;
  }

  #inodeOf(file: ServerFile): CookieInode {
    const { folios, registry } = this.#parts;
    let inode = this.#inodes.get(file.key);
    if (inode === undefined) {
      const { version, size } = file.status;
      const cookie = registry.acquire(this.#volume, file.key, file.name, version, size);
      inode = this.makeInode(new AddressSpace(folios, this.#spaceOps), file, cookie);
      this.#inodes.set(file.key, inode);
    }
    return inode;
  }

  /** Ends the use of a file on the server. */
  close(file: ServerFile): void {
    this.#parts.server.close(file);
  }

  evictInodes(): void {
    for (const inode of this.#inodes.values()) {
      if (!inode.isIdle) continue;
      inode.mapping.invalidate(0, Number.MAX_SAFE_INTEGER);
      if (inode.mapping.pages > 0) continue;
      this.#inodes.delete(inode.key);
      this.forgotten(inode);
      inode.cookie.relinquish(false);
    }
  }

  inodesWritten(): void {
    for (const inode of this.#inodes.values()) if (!inode.mapping.isTagged) inode.unpinCache();
  }

  unmount(): void {
    this.inodesWritten();
    this.evictInodes();
    this.#parts.registry.relinquishVolume(this.#volume);
  }

  mount(): void {
    this.#volume = this.#parts.registry.acquireVolume(this.#parts.volume);
  }

  /** The inode of a file that has none yet. */
  protected abstract makeInode(
    mapping: AddressSpace,
    file: ServerFile,
    cookie: StateCookie,
  ): CookieInode;

  /** Files that get an inode together with `name`, which had none. */
  protected lookedUpWith(_name: string): Iterable<string> {
    return [];
  }

  /** A file was found by its name. */
  protected lookedUp(_inode: CookieInode, _file: ServerFile): void {}

  /** Nothing is known of a file any more. */
  protected forgotten(_inode: CookieInode): void {}

  /** The inode of this key, if it is known. */
  protected find(key: string): CookieInode | undefined {
    return this.#inodes.get(key);
  }

  /** Called before what is cached of a file is used. */
  revalidate(_inode: CookieInode): void {}

  /** Reads `count` bytes at `position` into the pages. */
  protected abstract read(inode: CookieInode, position: number, count: number): Task<ReadReply>;

  #makeRequestOps(): RequestOps {
    const inodeOf = (inode: Inode): CookieInode => inode as CookieInode;
    return {
      isCacheEnabled: (inode) => inodeOf(inode).cookie.enabled,
      beginCacheOperation: (rreq: ReadRequest) =>
        inodeOf(rreq.inode).cookie.beginOperation(rreq.cache, 'begin_io_read'),
      initRreq: (rreq) => {
        inodeOf(rreq.inode).beginRequest();
        rreq.netfsPriv = rreq.inode;
      },
      cleanup: (_mapping, priv) => (priv as CookieInode).endRequest(),
      issueOp: (subreq) => this.#issueRead(subreq),
    };
  }

  // However long the slice is. An error keeps the rest.
  *#issueRead(subreq: Subrequest): Task {
    const from = subreq.start + subreq.transferred;
    const count = subreq.len - subreq.transferred;
    const inode = subreq.rreq.inode as CookieInode;
    const { result, clearTail } = yield* this.read(inode, from, count);
    if (clearTail) subreq.flags |= SREQ_CLEAR_TAIL;
    this.#parts.helper.subreqTerminated(subreq, result, false);
  }
}
