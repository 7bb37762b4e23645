/**
 * The AFS client as of v6.1: a slice is one FetchData however long it is, what is cached is
 * validated before it is used, files are read in large folios and written back in runs of pages.
 * Plays fs/afs/{file,inode,dir}.c; called by the helper and by `vfs/`. Writing is `afs_write.ts`.
 *
 * Differs: a directory lists its files from the oldest to the newest, as they were when it was
 * first read; in a large directory a file is asked about by itself.
 */
import { posix } from 'node:path';
import type { Cookie } from '../fscache/cookie.js';
import type { AddressSpace } from '../mm/address_space.js';
import type { Freezer } from '../mm/freeze.js';
import { IovIter } from '../mm/iov_iter.js';
import type { Requests } from '../netfs/requests.js';
import type { ServerHealth } from '../server/health.js';
import type { Server, ServerFile } from '../server/types.js';
import type { Scheduler } from '../sim/scheduler.js';
import type { Task } from '../sim/wait_queue.js';
import type { Tracer } from '../trace/tracer.js';
import type { ChangeParts } from './afs_changes.js';
import { AfsFetch } from './afs_fetch.js';
import { AfsWrite } from './afs_write.js';
import { Callbacks } from './callbacks.js';
import { CookieFs, type CookieFsParts, type CookieInode, type ReadReply } from './cookie_fs.js';
import { KafsInode } from './kafs_inode.js';
import { traceNameOf, tracePageDirty } from './trace_dirty.js';
import type { OpenFailed, Vnode } from './types.js';

/** Most files whose status is asked for at once when one of them is looked up. */
const LOOKUP_MAX = 50;
/** Entries of a directory up to which files beside the one that is looked up are asked about. */
const DIRECTORY_MAX = 1000;

/** What the client is built from besides what all of its kind have. */
export interface KafsParts extends ChangeParts {
  readonly requests: Requests;
  readonly scheduler: Scheduler;
  readonly tracer: Tracer;
  readonly health: ServerHealth;
  readonly freezer: Freezer;
}

/** A file that is looked up: what is known of it, and what it is open as on the server. */
interface Looked {
  readonly file: KafsInode;
  readonly opened: ServerFile;
}

/** The client of one lab. */
export class KafsClient extends CookieFs {
  readonly #server: Server;
  readonly #parts: KafsParts;
  /** Names of the files in directories that were looked into, in their order. */
  readonly #directories = new Map<string, readonly string[]>();
  readonly #callbacks: Callbacks;
  readonly #fetch: AfsFetch;
  #named = 0;

  constructor(parts: CookieFsParts, own: KafsParts) {
    const write = { ...parts, ...own, as513: false };
    const trace = (vnode: object, pfn: number, why: string): void =>
      tracePageDirty(own.tracer, vnode as KafsInode, pfn, why);
    super(parts, true, (ops) => new AfsWrite({ ...write, ops, trace }));
    this.#server = parts.server;
    this.#parts = own;
    const find = (key: string): KafsInode | undefined => this.find(key) as KafsInode | undefined;
    this.#callbacks = new Callbacks({ ...own, find });
    this.#fetch = new AfsFetch({ ...own, callbacks: this.#callbacks });
  }

  override *create(name: string): Task<Vnode | OpenFailed> {
    const inode = yield* super.create(name);
    if (!('errno' in inode)) (inode as KafsInode).newContent = true;
    return inode;
  }

  protected override makeInode(
    mapping: AddressSpace,
    file: ServerFile,
    cookie: Cookie,
  ): CookieInode {
    const parts = { ...this.#parts, callbacks: this.#callbacks };
    return new KafsInode(this, mapping, file, cookie, parts, traceNameOf(++this.#named));
  }

  protected override *lookedUp(inode: CookieInode, file: ServerFile, isNew: boolean): Task<number> {
    if (isNew) yield* this.#lookUpTogether({ file: inode as KafsInode, opened: file });
    return yield* this.#callbacks.validate(inode as KafsInode, file);
  }

  // FS.InlineBulkStatus is asked about the files behind it in the directory, too.
  *#lookUpTogether(found: Looked): Task {
    const callbacks = this.#callbacks;
    const names = this.#namesBeside(found.opened.name);
    const behind = names.indexOf(found.opened.name) + 1;
    const beside = names.slice(behind, behind + LOOKUP_MAX - 1).flatMap((name): Looked[] => {
      const opened = this.#server.open(name);
      return 'errno' in opened ? [] : [{ file: this.inodeOf(opened) as KafsInode, opened }];
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
        this.#server.close(opened);
        file.endRequest();
      }
    }
  }

  // A file keeps its place; those that are new follow.
  #namesBeside(name: string): readonly string[] {
    const directory = posix.dirname(name);
    const known = this.#directories.get(directory) ?? [];
    if (known.includes(name)) return known;
    const listed = this.#server.filesIn(directory === '.' ? '' : directory, DIRECTORY_MAX);
    const found = (listed ?? []).toSorted((a, b) => a.modifiedMs - b.modifiedMs || byName(a, b));
    const names = [...new Set([...known, ...found.map((file) => file.name)])];
    this.#directories.set(directory, names);
    return names;
  }

  protected override forgotten({ key }: CookieInode): void {
    this.#callbacks.giveUp(key);
  }

  protected override read(inode: CookieInode, position: number, count: number): Task<ReadReply> {
    const into = new IovIter(inode.mapping, position, count);
    return this.#fetch.perform(inode as KafsInode, position, into);
  }
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}
