/**
 * The AFS client: the request operations the read helper needs, the address-space operations the VM
 * needs, and the vnodes. Plays fs/afs/file.c and the read side of fs/afs/fsclient.c; called by
 * `vfs/`, the helper and the page cache. Spec: BEHAVIOUR 5.9, 5.10.
 */
import { assert } from '../base/assert.js';
import { ENOBUFS } from '../base/errno.js';
import { pageIndex, pagesFor, roundDown, roundUp } from '../base/range.js';
import type { Cookie } from '../fscache/cookie.js';
import type { Fscache } from '../fscache/registry.js';
import type { Volume } from '../fscache/volume.js';
import { AddressSpace, AOP_TRUNCATED_PAGE } from '../mm/address_space.js';
import { type Folios, PG_DIRTY, PG_UPTODATE, PG_WRITEBACK } from '../mm/folio.js';
import type { Freezer } from '../mm/freeze.js';
import { IovIter } from '../mm/iov_iter.js';
import type { AddressSpaceOps, Inode, OpenFile } from '../mm/types.js';
import type { Writeback } from '../mm/writeback.js';
import { type ReadRequest, SREQ_CLEAR_TAIL, type Subrequest } from '../netfs/objects.js';
import type { Requests } from '../netfs/requests.js';
import type { ByteRange, CacheShare, Defects, ReadHelper, RequestOps } from '../netfs/types.js';
import type { ServerHealth } from '../server/health.js';
import type { Server, ServerFile, ServerStatus } from '../server/types.js';
import { RwSemaphore } from '../sim/rw_semaphore.js';
import type { Scheduler } from '../sim/scheduler.js';
import type { MaybeTask, Task } from '../sim/wait_queue.js';
import { AfsCached } from './afs_cached.js';
import { AfsChanges } from './afs_changes.js';
import { AfsDirect } from './afs_direct.js';
import { AfsFetch, type Fetched } from './afs_fetch.js';
import { AfsWrite } from './afs_write.js';
import type { AfsWritable } from './afs_writeback.js';
import { type CallbackState, Callbacks, noCallback, type PromisedFile } from './callbacks.js';
import { traceNameOf, tracePageDirty } from './trace_dirty.js';
import type { ClientOptions, NetworkFs, OpenFailed, Vnode } from './types.js';

/** What the client is built from. */
export interface AfsParts {
  readonly server: Server;
  readonly health: ServerHealth;
  readonly helper: ReadHelper;
  readonly requests: Requests;
  readonly writeback: Writeback;
  readonly folios: Folios;
  readonly scheduler: Scheduler;
  readonly freezer: Freezer;
  readonly options: ClientOptions;
  readonly defects: Defects;
  /** The cache's share of the request operations, when there is a cache. */
  readonly cache?: CacheShare | undefined;
  /** The cookies of a cache directory, and the volume that the server is in it. */
  readonly fscache?: { readonly cookies: Fscache; readonly volume: Volume } | undefined;
}

class AfsVnode implements Vnode, AfsWritable, PromisedFile {
  readonly ino: number;
  readonly key: string;
  readonly mapping: AddressSpace;
  name: string;
  size: number;
  version: string;
  uses = 0;
  /** Times that the pages were found outdated. */
  zaps = 0;
  /** Times that somebody else was found to have changed the file. */
  foreignChanges = 0;
  newContent = false;
  deleted = false;
  readonly callback: CallbackState = noCallback();
  readonly validateLock: RwSemaphore;
  /** How the file is called in afs_page_dirty, in place of its address. */
  readonly traceName: string;
  readonly changes: AfsChanges;
  readonly #cached: AfsCached;
  readonly direct: AfsDirect;
  readonly #client: AfsClient;
  #file: ServerFile | undefined;
  /** Somebody else changed the file: its pages go at the next validation (ZAP_DATA). */
  #zapData = false;

  /** The file's handle on the cache. */
  readonly cookie: Cookie | undefined;

  constructor(
    client: AfsClient,
    mapping: AddressSpace,
    file: ServerFile,
    cookie: Cookie | undefined,
  ) {
    this.#client = client;
    this.cookie = cookie;
    this.mapping = mapping;
    this.ino = file.ino;
    this.key = file.key;
    this.name = file.name;
    this.size = file.status.size;
    this.version = file.status.version;
    this.validateLock = new RwSemaphore(`validate_lock of ${file.name}`);
    this.traceName = client.nextTraceName();
    this.#cached = new AfsCached(this, client.parts);
    this.changes = new AfsChanges(this, client.parts, this.#cached);
    this.direct = new AfsDirect(this, client.fetch, client.parts.requests.stats.bytes);
    mapping.attach(this);
  }

  *occupancy(range: ByteRange): Task<ByteRange | number> {
    return this.cookie === undefined ? -ENOBUFS : yield* this.cookie.occupancy(range);
  }

  forgetCached(): void {
    this.cookie?.invalidate(this.version, this.size);
  }

  /** The file on the server; only while the vnode is in use. */
  get file(): ServerFile {
    assert(this.#file !== undefined, `vnode ${this.name} is not open on the server`);
    return this.#file;
  }

  /** Takes over a newly opened server file of a valid vnode, or closes it if one is open. */
  adopt(file: ServerFile, server: Server): void {
    this.name = file.name;
    if (this.#file === undefined) {
      this.#file = file;
      const { cookie, version, size } = this;
      if (cookie?.aux !== version || cookie.size !== size) cookie?.invalidate(version, size);
      cookie?.use(false);
    } else {
      server.close(file);
    }
  }

  /** The vnode is held, so that it outlives its last page. */
  zap(): void {
    if (!this.#zapData) return;
    // Dirty pages stay, outdated around what was written: they go when they are clean.
    this.#zapData = this.mapping.isTagged;
    this.zaps++;
    this.mapping.invalidate(0, Number.MAX_SAFE_INTEGER);
    this.#client.zapPinned(this.mapping);
  }

  /** Pages are outdated and have not all been dropped yet. */
  get isStale(): boolean {
    return this.#zapData;
  }

  /**
   * Applies the status of a reply: another version than ours means that somebody changed the file.
   */
  applyStatus(status: ServerStatus): void {
    if (status.version === this.version) return;
    this.changes.madeByOthers(status);
    this.foreignChanges++;
    this.#zapData = true;
    if (this.#file !== undefined) this.cookie?.invalidate(this.version, this.size);
  }

  /** Applies the status after a change of ours, which is no reason to drop anything. */
  applyOwn(status: ServerStatus): void {
    this.version = status.version;
    this.cookie?.update(this.version, this.size);
  }

  grow(end: number): void {
    this.size = Math.max(this.size, end);
  }

  stored(first: number, last: number): void {
    this.#cached.stored(first, last);
  }

  hold(): void {
    this.uses++;
  }

  release(): void {
    this.uses--;
    if (this.uses > 0) return;
    // An open that failed has not come to use it.
    if (this.#file !== undefined) this.cookie?.unuse();
    this.#client.closed(this, this.#file);
    this.#file = undefined;
  }
}

/** What a request holds of its vnode. */
interface RequestPriv {
  readonly vnode: AfsVnode;
  /** The vnode's counts when the request began. */
  readonly zaps: number;
  readonly foreignChanges: number;
}

/** The client of one lab. */
export class AfsClient implements NetworkFs {
  readonly parts: AfsParts;
  readonly #vnodes = new Map<string, AfsVnode>();
  readonly #requestOps: RequestOps;
  readonly #spaceOps: AddressSpaceOps;
  readonly callbacks: Callbacks;
  readonly fetch: AfsFetch;
  #named = 0;

  constructor(parts: AfsParts) {
    this.parts = parts;
    const { tracer } = parts.requests;
    this.callbacks = new Callbacks({ ...parts, tracer, find: (key) => this.#vnodes.get(key) });
    this.fetch = new AfsFetch({ ...parts, callbacks: this.callbacks });
    this.#requestOps = this.#makeRequestOps();
    const { helper } = parts;
    const write = new AfsWrite({
      ...parts,
      ops: this.#requestOps,
      as513: parts.defects === 'kernel',
      trace: (vnode, pfn, why) =>
        tracePageDirty(parts.requests.tracer, vnode as AfsVnode, pfn, why),
    });
    this.#spaceOps = {
      readahead: (ractl) => helper.readahead(ractl, this.#requestOps),
      readpage: (file, pfn) => this.#readpage(file, pfn),
      write,
    };
  }

  get vnodes(): number {
    return this.#vnodes.size;
  }

  find(key: string): AfsVnode | undefined {
    return this.#vnodes.get(key);
  }

  forgetFile(key: string): void {
    const vnode = this.#vnodes.get(key);
    if (vnode === undefined || vnode.uses > 0) return;
    vnode.mapping.invalidate(0, Number.MAX_SAFE_INTEGER);
  }

  *open(name: string): Task<Vnode | OpenFailed> {
    const { server } = this.parts;
    const file = server.open(name);
    if ('errno' in file) return file;
    const vnode = this.#vnodeOf(file);
    vnode.hold();
    let error = 0;
    let adopted = false;
    try {
      error = yield* this.callbacks.validate(vnode, file);
      if (error === 0) {
        vnode.adopt(file, server);
        adopted = true;
      }
    } finally {
      if (!adopted) {
        server.close(file);
        vnode.release();
      }
    }
    return adopted ? vnode : { errno: error };
  }

  #vnodeOf(file: ServerFile): AfsVnode {
    const { folios, fscache } = this.parts;
    let vnode = this.#vnodes.get(file.key);
    if (vnode === undefined) {
      const cookie = fscache?.cookies.acquire(
        fscache.volume,
        file.key,
        file.name,
        file.status.version,
        file.status.size,
      );
      vnode = new AfsVnode(this, new AddressSpace(folios, this.#spaceOps), file, cookie);
      this.#vnodes.set(file.key, vnode);
    }
    return vnode;
  }

  *create(name: string): Task<Vnode | OpenFailed> {
    const made = this.parts.server.create(name);
    if ('errno' in made) return made;
    this.parts.server.close(made);
    const vnode = yield* this.open(name);
    if (!('errno' in vnode)) (vnode as AfsVnode).newContent = true;
    return vnode;
  }

  /** A name for the next vnode in the trace. */
  nextTraceName(): string {
    return traceNameOf(++this.#named);
  }

  /** A mapping has pages to be written, so that its vnode is in use, or has no more of them. */
  taggedChanged(mapping: AddressSpace): void {
    const vnode = mapping.host as AfsVnode;
    if (mapping.isTagged) vnode.hold();
    else vnode.release();
  }

  /** The last use of a vnode has ended. */
  closed(vnode: AfsVnode, file: ServerFile | undefined): void {
    if (file !== undefined) this.parts.server.close(file);
    if (vnode.mapping.pages === 0) this.#forget(vnode);
  }

  /** A mapping lost its last page: its vnode goes too if nobody uses it. */
  mappingEmptied(mapping: AddressSpace): void {
    const vnode = mapping.host as AfsVnode;
    if (vnode.uses === 0) this.#forget(vnode);
  }

  /**
   * Pages that cannot be dropped, because they are in use or being stored, would go on to be read
   * with their old content: they are made to be read anew. Those that are being read are left to
   * `#readOutdated`. The kernel leaves them all.
   */
  zapPinned(mapping: AddressSpace, first = 0, last = Number.MAX_SAFE_INTEGER): void {
    const { scheduler, folios, defects } = this.parts;
    if (defects === 'kernel') return;
    for (const pfn of [...mapping.range(first, last)]) {
      // What was written is not to be lost.
      if (folios.test(pfn, PG_DIRTY | PG_WRITEBACK)) continue;
      if (folios.tryLock(pfn)) scheduler.startHere(this.#expire(mapping, pfn));
    }
  }

  // The page is locked. It stays so until it is stored, because it must not be stored twice at
  // once.
  *#expire(mapping: AddressSpace, pfn: number): Task {
    const { scheduler, folios } = this.parts;
    // This context is a copy: whoever opens the file may be killed, and this has to go on.
    scheduler.context.killed = false;
    const index = folios.indexOf(pfn);
    folios.get(pfn);
    folios.clear(pfn, PG_UPTODATE);
    yield* folios.waitFscache(pfn);
    folios.unlock(pfn);
    folios.put(pfn);
    mapping.invalidate(index, index);
  }

  *#readpage(file: OpenFile, pfn: number): Task<number> {
    const vnode = file.inode as AfsVnode;
    const { zaps } = vnode;
    const error = yield* this.parts.helper.readpage(file, pfn, this.#requestOps);
    const outdated = vnode.zaps !== zaps && !this.parts.folios.test(pfn, PG_UPTODATE);
    return error === 0 && outdated ? AOP_TRUNCATED_PAGE : error;
  }

  // What was asked for before the file was found changed may be old. Its pages have been unlocked
  // just now, and nobody else has run since.
  #readOutdated(rreq: ReadRequest): void {
    const { vnode, zaps } = rreq.netfsPriv as RequestPriv;
    if (vnode.zaps === zaps) return;
    const end = pagesFor(rreq.start + rreq.len);
    this.zapPinned(rreq.mapping, pageIndex(rreq.start), end - 1);
  }

  #forget(vnode: AfsVnode): void {
    this.#vnodes.delete(vnode.key);
    this.callbacks.giveUp(vnode.key);
    vnode.cookie?.relinquish(false);
  }

  #makeRequestOps(): RequestOps {
    const { options, cache, fscache, defects } = this.parts;
    const { rsize, stripeUnit } = options;
    const privOf = (rreq: ReadRequest): RequestPriv => rreq.netfsPriv as RequestPriv;
    return {
      isCacheEnabled: () => false,
      ...(fscache !== undefined && {
        isCacheEnabled: (inode: Inode) => (inode as AfsVnode).cookie?.enabled ?? false,
        beginCacheOperation: (rreq: ReadRequest) =>
          (rreq.inode as AfsVnode).cookie?.beginOperation(rreq.cache, 'begin_io_read') ?? 0,
      }),
      // Not of the kernel's AFS: what the cache gave is older than what the server sends now.
      ...(defects === 'repaired' && {
        isStillValid: (rreq: ReadRequest) =>
          privOf(rreq).vnode.foreignChanges === privOf(rreq).foreignChanges,
      }),
      ...cache,
      initRreq: (rreq) => {
        const vnode = rreq.inode as AfsVnode;
        vnode.hold();
        const { zaps, foreignChanges } = vnode;
        rreq.netfsPriv = { vnode, zaps, foreignChanges } satisfies RequestPriv;
      },
      done: (rreq) => {
        this.#readOutdated(rreq);
        cache?.done?.(rreq);
      },
      cleanup: (_mapping, priv) => (priv as RequestPriv).vnode.release(),
      issueOp: (subreq) => this.#issueOp(subreq),
      ...(rsize > 0 && {
        clampLength: (subreq: Subrequest) => {
          subreq.len = Math.min(subreq.len, rsize);
          return true;
        },
      }),
      ...(stripeUnit > 0 && {
        expandReadahead: (_rreq: ReadRequest, range: ByteRange) => {
          const end = roundUp(range.start + range.len, stripeUnit);
          range.start = roundDown(range.start, stripeUnit);
          range.len = end - range.start;
        },
      }),
    };
  }

  // FetchData: one operation for all that the slice still lacks.
  #issueOp(subreq: Subrequest): MaybeTask {
    const { scheduler, options } = this.parts;
    const vnode = subreq.rreq.inode as AfsVnode;
    const from = subreq.start + subreq.transferred;
    const into = new IovIter(subreq.rreq.mapping, from, subreq.len - subreq.transferred);
    if (options.completion === 'sync') return this.#fetchAndWait(subreq, from, into);
    // Never inside this call, however quick the server is.
    scheduler.after(0, () =>
      this.fetch.start(vnode, from, into, (fetched) => this.#fetched(subreq, fetched, true)),
    );
  }

  *#fetchAndWait(subreq: Subrequest, from: number, into: IovIter): Task {
    const vnode = subreq.rreq.inode as AfsVnode;
    this.#fetched(subreq, yield* this.fetch.perform(vnode, from, into), false);
  }

  #fetched(subreq: Subrequest, { result, clearTail }: Fetched, wasAsync: boolean): void {
    const { helper, options } = this.parts;
    if (options.clearTail && clearTail) subreq.flags |= SREQ_CLEAR_TAIL;
    helper.subreqTerminated(subreq, result, wasAsync);
  }
}
