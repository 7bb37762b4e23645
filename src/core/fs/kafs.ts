/**
 * The AFS client as of v6.1: a slice is one FetchData however long it is, what is cached is
 * validated before it is used, files are read in large folios and written back in runs of pages.
 * Plays fs/afs/{file,inode,dir}.c; called by the helper and by `vfs/`. Writing is `afs_write.ts`.
 *
 * Differs: a directory lists its files from the oldest to the newest, as they were when it was
 * first read.
 */
import { posix } from 'node:path';
import type { StateCookie } from '../fscache/state_cookie.js';
import type { AddressSpace } from '../mm/address_space.js';
import type { Freezer } from '../mm/freeze.js';
import { IovIter } from '../mm/iov_iter.js';
import type { Requests } from '../netfs/requests.js';
import type { ServerHealth } from '../server/health.js';
import type { FetchReply, Server, ServerFile } from '../server/types.js';
import type { Scheduler } from '../sim/scheduler.js';
import { type Task, WaitQueue } from '../sim/wait_queue.js';
import type { Tracer } from '../trace/tracer.js';
import type { ChangeParts } from './afs_changes.js';
import { AfsWrite } from './afs_write.js';
import { Callbacks } from './callbacks.js';
import { CookieFs, type CookieFsParts, type CookieInode, type ReadReply } from './cookie_fs.js';
import { KafsInode } from './kafs_inode.js';
import { traceNameOf, tracePageDirty } from './trace_dirty.js';
import type { OpenFailed, Vnode } from './types.js';

/** Most files whose status is asked for at once when one of them is looked up. */
const LOOKUP_MAX = 50;

/** What the client is built from besides what all of its kind have. */
export interface KafsParts extends ChangeParts {
  readonly requests: Requests;
  readonly scheduler: Scheduler;
  readonly tracer: Tracer;
  readonly health: ServerHealth;
  readonly freezer: Freezer;
}

/** The client of one lab. */
export class KafsClient extends CookieFs {
  readonly #server: Server;
  readonly #parts: KafsParts;
  /** Names of the files in directories that were looked into, in their order. */
  readonly #directories = new Map<string, readonly string[]>();
  readonly #callbacks: Callbacks;
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
  }

  override create(name: string): Vnode | OpenFailed {
    const inode = super.create(name);
    if ('errno' in inode) return inode;
    (inode as KafsInode).newContent = true;
    return inode;
  }

  override revalidate(inode: CookieInode): void {
    this.#validate(inode, inode.file);
  }

  // A server that is silent calls nobody, and what it promised is believed.
  #validate(inode: CookieInode, opened: ServerFile): void {
    if (this.#parts.health.answers) this.#callbacks.validate(inode as KafsInode, opened);
  }

  protected override makeInode(
    mapping: AddressSpace,
    file: ServerFile,
    cookie: StateCookie,
  ): CookieInode {
    return new KafsInode(this, mapping, file, cookie, this.#parts, traceNameOf(++this.#named));
  }

  // FS.InlineBulkStatus is asked about the files behind it in the directory, too.
  protected override lookedUpWith(name: string): Iterable<string> {
    const names = this.#namesBeside(name);
    const behind = names.indexOf(name) + 1;
    return names.slice(behind, behind + LOOKUP_MAX - 1);
  }

  // A file keeps its place; those that are new follow.
  #namesBeside(name: string): readonly string[] {
    const directory = posix.dirname(name);
    const known = this.#directories.get(directory) ?? [];
    if (known.includes(name)) return known;
    const found = [...this.#server.list(directory === '.' ? '' : directory)]
      .filter((file) => posix.dirname(file.name) === directory)
      .toSorted((a, b) => a.modifiedMs - b.modifiedMs);
    const names = [...new Set([...known, ...found.map((file) => file.name)])];
    this.#directories.set(directory, names);
    return names;
  }

  protected override lookedUp(inode: CookieInode, file: ServerFile): void {
    this.#validate(inode, file);
  }

  protected override forgotten({ key }: CookieInode): void {
    this.#callbacks.giveUp(key);
  }

  protected override *read(inode: CookieInode, position: number, count: number): Task<ReadReply> {
    const { health, defects } = this.#parts;
    const unreachable = yield* health.reach();
    if (unreachable < 0) return { result: unreachable, clearTail: true };
    const own = inode as KafsInode;
    const { changed } = own;
    const mark = this.#callbacks.mark(own);
    const answered = new WaitQueue(`FetchData of ${inode.name}`);
    let reply: FetchReply | undefined;
    const into = new IovIter(inode.mapping, position, count);
    this.#server.fetch(inode.file, position, into, (answer) => {
      reply = answer;
      answered.wakeAll();
    });
    while (reply === undefined) yield answered;
    const unclear = own.changed !== changed || own.changes.underWay;
    const { result, status } = reply;
    if (status !== undefined && !unclear) {
      inode.applyStatus(status);
      this.#callbacks.granted(own, status, mark);
    }
    // The kernel zeroes behind any short reply, also in the middle of a file: silent zeros there.
    const end = position + Math.max(0, result);
    const whole = result < 0 || result === count || end >= (status?.size ?? own.size);
    const clearTail = whole || defects === 'kernel';
    return { result, clearTail };
  }
}
