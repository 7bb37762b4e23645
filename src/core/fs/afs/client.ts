/**
 * The AFS client: finds files by name, reads slices of them with one FetchData each, and hands the
 * page cache the write side. Kernel: fs/afs/{file,dir,inode}.c of v5.13 and v6.1, which differ in
 * what `AfsBehaviour` says; called by the helper and by `vfs/`. Spec: BEHAVIOUR 5.9, 5.10.
 *
 * Differs: a directory lists its files from the oldest to the newest, as they were when it was
 * first read; in a large directory a file is asked about by itself.
 */
import { posix } from 'node:path';
import { roundDown, roundUp } from '../../base/range.js';
import type { Cookie } from '../../fscache/cookie.js';
import type { AddressSpace } from '../../mm/address_space.js';
import { IovIter } from '../../mm/iov_iter.js';
import { SREQ_CLEAR_TAIL, type Subrequest } from '../../netfs/objects.js';
import type { RequestOps } from '../../netfs/types.js';
import type { ServerFile } from '../../server/types.js';
import type { MaybeTask, Task } from '../../sim/wait_queue.js';
import { CookieFs, type CookieFsParts, type CookieInode } from '../cookie_fs.js';
import type { OpenFailed, Vnode } from '../types.js';
import { Callbacks } from './callbacks.js';
import { AfsFetch, type Fetched } from './fetch.js';
import { AfsInode } from './inode.js';
import { traceNameOf } from './trace_dirty.js';
import type { AfsParts } from './types.js';
import { AfsWrite } from './write.js';

/** Most files whose status is asked for at once when one of them is looked up. */
const LOOKUP_MAX = 50;
/** Entries of a directory up to which files beside the one that is looked up are asked about. */
const DIRECTORY_MAX = 1000;

/** A file that is looked up: what is known of it, and what it is open as on the server. */
interface Looked {
  readonly file: AfsInode;
  readonly opened: ServerFile;
}

/** The client of one lab. */
export class AfsClient extends CookieFs {
  readonly #parts: AfsParts;
  /** Names of the files in directories that were looked into, in their order. */
  readonly #directories = new Map<string, Set<string>>();
  readonly #callbacks: Callbacks;
  readonly #fetch: AfsFetch;
  #named = 0;

  constructor(common: CookieFsParts, parts: AfsParts) {
    super(common, {
      largeFolios: parts.behaviour.largeFolios,
      makeWrite: (ops) => new AfsWrite(parts, ops),
      ops: requestOps(parts),
    });
    this.#parts = parts;
    this.#callbacks = new Callbacks(parts, (key) => this.find(key) as AfsInode | undefined);
    this.#fetch = new AfsFetch(parts, this.#callbacks);
  }

  override *create(name: string): Task<Vnode | OpenFailed> {
    const inode = yield* super.create(name);
    if (!('errno' in inode)) (inode as AfsInode).newContent = true;
    return inode;
  }

  /** Where cookies are not pinned, dirty pages themselves keep their file open. */
  taggedChanged(mapping: AddressSpace): void {
    const inode = mapping.host as AfsInode;
    if (!mapping.isTagged) inode.allWritten();
    if (this.#parts.behaviour.pinsCookie) return;
    if (mapping.isTagged) inode.beginRequest();
    else inode.endRequest();
  }

  protected override makeInode(
    mapping: AddressSpace,
    file: ServerFile,
    cookie: Cookie,
  ): CookieInode {
    const remote = { callbacks: this.#callbacks, fetch: this.#fetch };
    const traceName = traceNameOf(++this.#named);
    return new AfsInode(this, mapping, file, cookie, this.#parts, remote, traceName);
  }

  protected override *lookedUp(found: CookieInode, opened: ServerFile, isNew: boolean) {
    const file = found as AfsInode;
    if (isNew && this.#parts.behaviour.bulkStatus) yield* this.#lookUpTogether({ file, opened });
    return yield* this.#callbacks.validate(file, opened);
  }

  // FS.InlineBulkStatus is asked about the files behind it in the directory, too.
  *#lookUpTogether(found: Looked): Task {
    const callbacks = this.#callbacks;
    const { server } = this.#parts;
    const names = this.#namesBeside(found.opened.name);
    const behind = names.indexOf(found.opened.name) + 1;
    const beside = names.slice(behind, behind + LOOKUP_MAX - 1).flatMap((name): Looked[] => {
      const opened = server.open(name);
      return 'errno' in opened ? [] : [{ file: this.inodeOf(opened) as AfsInode, opened }];
    });
    for (const { file } of beside) file.beginRequest();
    try {
      const unknown = [found, ...beside].filter(({ file, opened }) => {
        callbacks.listenFor(opened);
        return !callbacks.holds(file);
      });
      // Who looks the name up meanwhile waits. What could not be told now is asked for again.
      yield* found.file.validateLock.exclusively(() => callbacks.fetchStatus(unknown));
    } finally {
      for (const { file, opened } of beside) {
        server.close(opened);
        file.endRequest();
      }
    }
  }

  // A file keeps its place; those that are new follow.
  #namesBeside(name: string): readonly string[] {
    const directory = posix.dirname(name);
    const known = this.#directories.get(directory) ?? this.#list(directory);
    // Those that come later follow; more of them nobody remembers.
    if (!known.has(name) && known.size < 2 * DIRECTORY_MAX) known.add(name);
    return [...known];
  }

  #list(directory: string): Set<string> {
    const { server } = this.#parts;
    const listed = server.filesIn(directory === '.' ? '' : directory, DIRECTORY_MAX) ?? [];
    const found = listed.toSorted(
      (a, b) => a.modifiedMs - b.modifiedMs || (a.name < b.name ? -1 : 1),
    );
    const names = new Set(found.map((file) => file.name));
    this.#directories.set(directory, names);
    return names;
  }

  protected override forgotten({ key }: CookieInode): void {
    this.#callbacks.giveUp(key);
  }

  // FetchData: one operation for all that the slice still lacks.
  protected override issueRead(subreq: Subrequest): MaybeTask {
    const { scheduler, options } = this.#parts;
    const inode = subreq.rreq.inode as AfsInode;
    const from = subreq.start + subreq.transferred;
    const into = new IovIter(subreq.rreq.mapping, from, subreq.len - subreq.transferred);
    if (options.completion === 'sync') return this.#fetchAndWait(subreq, from, into);
    // Never inside this call, however quick the server is.
    scheduler.after(0, () =>
      this.#fetch.start(inode, from, into, (fetched) => this.#fetched(subreq, fetched, true)),
    );
  }

  *#fetchAndWait(subreq: Subrequest, from: number, into: IovIter): Task {
    const inode = subreq.rreq.inode as AfsInode;
    this.#fetched(subreq, yield* this.#fetch.perform(inode, from, into), false);
  }

  #fetched(subreq: Subrequest, { result, clearTail }: Fetched, wasAsync: boolean): void {
    const { helper, options } = this.#parts;
    if (options.clearTail && clearTail) subreq.flags |= SREQ_CLEAR_TAIL;
    helper.subreqTerminated(subreq, result, wasAsync);
  }
}

/** What a request holds of its file. */
interface RequestPriv {
  readonly inode: AfsInode;
  /** Times that somebody else had changed the file when the request began. */
  readonly foreignChanges: number;
}

// What AFS adds to the operations of all clients: options of a lab, and a repair.
function requestOps({ options, defects }: AfsParts): Partial<RequestOps> {
  const { rsize, stripeUnit } = options;
  return {
    initRreq: (rreq) => {
      const inode = rreq.inode as AfsInode;
      inode.beginRequest();
      rreq.netfsPriv = { inode, foreignChanges: inode.foreignChanges } satisfies RequestPriv;
    },
    cleanup: (_mapping, priv) => (priv as RequestPriv).inode.endRequest(),
    // Not of the kernel's AFS: what the cache gave is older than what the server sends now.
    ...(defects === 'repaired' && {
      isStillValid: ({ netfsPriv }) => {
        const { inode, foreignChanges } = netfsPriv as RequestPriv;
        return inode.foreignChanges === foreignChanges;
      },
    }),
    ...(rsize > 0 && {
      clampLength: (subreq) => {
        subreq.len = Math.min(subreq.len, rsize);
        return true;
      },
    }),
    ...(stripeUnit > 0 && {
      expandReadahead: (_rreq, range) => {
        const end = roundUp(range.start + range.len, stripeUnit);
        range.start = roundDown(range.start, stripeUnit);
        range.len = end - range.start;
      },
    }),
  };
}
