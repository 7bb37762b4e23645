/**
 * The 9p client with cache=fscache or cache=loose: request operations, address-space operations and
 * inodes. Plays fs/9p/{vfs_addr,vfs_file,vfs_inode_dotl,cache}.c; called by `vfs/`, the helper and
 * the page cache. Spec: BEHAVIOUR 6.6.
 *
 * Nothing is revalidated: what is known of a file stays until its inode is evicted.
 */
import { assert } from '../base/assert.js';
import type { CookieRegistry, Volume } from '../fscache/registry.js';
import type { StateCookie } from '../fscache/state_cookie.js';
import { AddressSpace } from '../mm/address_space.js';
import type { Folios } from '../mm/folio.js';
import { IovIter } from '../mm/iov_iter.js';
import type { AddressSpaceOps, Inode } from '../mm/types.js';
import { type ReadRequest, SREQ_CLEAR_TAIL, type Subrequest } from '../netfs/objects.js';
import type { ReadHelper } from '../netfs/read_helper.js';
import type { RequestOps } from '../netfs/types.js';
import type { Transport } from '../server/transport.js';
import type { ServerFile } from '../server/types.js';
import type { Task } from '../sim/wait_queue.js';
import type { NetworkFs, OpenFailed, Vnode } from './types.js';

/** What the client is built from. */
export interface NinepParts {
  readonly transport: Transport;
  readonly helper: ReadHelper;
  readonly folios: Folios;
  readonly registry: CookieRegistry;
  /** Names the mount in a cache. */
  readonly volume: string;
}

class NinepInode implements Vnode {
  readonly ino: number;
  readonly key: string;
  readonly name: string;
  readonly mapping: AddressSpace;
  readonly cookie: StateCookie;
  size: number;
  version: string;
  uses = 0;
  readonly #client: NinepClient;
  #file: ServerFile | undefined;
  /** Opens that the cookie has been told of. */
  #opens = 0;
  #requests = 0;

  constructor(client: NinepClient, mapping: AddressSpace, file: ServerFile, cookie: StateCookie) {
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

  // A mapping holds its file open.
  release(): void {
    this.uses--;
    for (; this.#opens > this.uses; this.#opens--) this.cookie.unuse();
    this.#closeIdle();
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

/** The client of one lab. */
export class NinepClient implements NetworkFs {
  readonly #parts: NinepParts;
  readonly #inodes = new Map<string, NinepInode>();
  readonly #requestOps: RequestOps;
  readonly #spaceOps: AddressSpaceOps;
  #volume: Volume;

  constructor(parts: NinepParts) {
    this.#parts = parts;
    this.#volume = parts.registry.acquireVolume(parts.volume);
    this.#requestOps = this.#makeRequestOps();
    const { helper } = parts;
    this.#spaceOps = {
      readahead: (ractl) => helper.readahead(ractl, this.#requestOps),
      readpage: (file, pfn) => helper.readpage(file, pfn, this.#requestOps),
      releaseFolio: (mapping) => (mapping.host as NinepInode).cookie.notePageRelease(),
    };
  }

  get vnodes(): number {
    return this.#inodes.size;
  }

  open(name: string): Vnode | OpenFailed {
    const { transport, folios, registry } = this.#parts;
    const file = transport.server.open(name);
    if ('errno' in file) return file;
    let inode = this.#inodes.get(file.key);
    if (inode === undefined) {
      const { version, size } = file.status;
      const cookie = registry.acquire(this.#volume, file.key, file.name, version, size);
      inode = new NinepInode(this, new AddressSpace(folios, this.#spaceOps), file, cookie);
      this.#inodes.set(file.key, inode);
    }
    inode.open(file);
    return inode;
  }

  /** Ends the use of a file on the server. */
  close(file: ServerFile): void {
    this.#parts.transport.server.close(file);
  }

  evictInodes(): void {
    for (const inode of this.#inodes.values()) {
      if (!inode.isIdle) continue;
      inode.mapping.invalidate(0, Number.MAX_SAFE_INTEGER);
      if (inode.mapping.pages > 0) continue;
      this.#inodes.delete(inode.key);
      inode.cookie.relinquish(false);
    }
  }

  unmount(): void {
    this.evictInodes();
    this.#parts.registry.relinquishVolume(this.#volume);
  }

  mount(): void {
    this.#volume = this.#parts.registry.acquireVolume(this.#parts.volume);
  }

  #makeRequestOps(): RequestOps {
    const inodeOf = (inode: Inode): NinepInode => inode as NinepInode;
    return {
      isCacheEnabled: (inode) => inodeOf(inode).cookie.enabled,
      beginCacheOperation: (rreq: ReadRequest) =>
        inodeOf(rreq.inode).cookie.beginOperation(rreq.cache, 'begin_io_read'),
      initRreq: (rreq) => {
        inodeOf(rreq.inode).beginRequest();
        rreq.netfsPriv = rreq.inode;
      },
      cleanup: (_mapping, priv) => (priv as NinepInode).endRequest(),
      issueOp: (subreq) => this.#issueRead(subreq),
    };
  }

  // One slice, however long, in the caller's context; what is missing at the end is zeroed.
  *#issueRead(subreq: Subrequest): Task {
    const { transport, helper } = this.#parts;
    const { mapping, inode } = subreq.rreq;
    const from = subreq.start + subreq.transferred;
    const count = subreq.len - subreq.transferred;
    const piece = (at: number, size: number): IovIter => new IovIter(mapping, at, size);
    const result = yield* transport.read((inode as NinepInode).file, from, count, piece);
    subreq.flags |= SREQ_CLEAR_TAIL;
    helper.subreqTerminated(subreq, result, false);
  }
}
