/**
 * The cache in one directory: finding, making, invalidating and culling the objects of cookies.
 * Plays fs/cachefiles/{interface,namei,xattr}.c; called by fscache through `CacheBackend`. Spec:
 * BEHAVIOUR 4.2, 4.6 to 4.10.
 *
 * Differs: each object has a content map beside its file, and a file is never used for a second
 * version of what it holds.
 */
import path from 'node:path';
import { EBUSY, ENOBUFS, ENOENT } from '../base/errno.js';
import { PAGE_SIZE, roundDown } from '../base/range.js';
import type { CacheBackend, CacheObject, CookieIdentity } from '../fscache/types.js';
import type { Backing } from '../io/types.js';
import type { CacheResources } from '../netfs/types.js';
import type { Scheduler } from '../sim/scheduler.js';
import { netfslabCull } from '../trace/events/own.js';
import type { Tracer } from '../trace/tracer.js';
import { Binding, objectPath, objectsDirectory } from './binding.js';
import { Checkpointer } from './checkpoint.js';
import {
  backingSize,
  type Coherency,
  Content,
  checkCoherency,
  incarnationByInode,
  mapPath,
  readIncarnation,
  writeCoherency,
  writeDirty,
} from './content.js';
import { ContentMap, type MapIdentity } from './content_map.js';
import { cullObjects, type ObjectFile } from './cull.js';
import { CacheIo, OperationPriv } from './io.js';
import { Ledger, newAccount } from './ledger.js';
import { Room } from './space.js';
import { CacheCounters, type CachefilesObject, type CacheOptions } from './types.js';

/** What was found under the name of an object. */
export interface FoundContent {
  readonly content: Content | undefined;
  readonly why: Coherency;
  /** Number of the file's inode, 0 without a file. */
  readonly inode: number;
}

/** The cache of one lab. */
export class Cachefiles implements CacheBackend {
  readonly options: CacheOptions;
  readonly counters = new CacheCounters();
  readonly ledger: Ledger;
  readonly room: Room;
  readonly checkpointer: Checkpointer;
  readonly backing: Backing;
  readonly tracer: Tracer;
  /** What is not as it was asked for, in sentences. */
  readonly warnings: string[] = [];
  /** Fault injection: the device fails every read and write at once. */
  broken = false;
  readonly #binding: Binding;
  readonly #scheduler: Scheduler;
  readonly #io: CacheIo;
  readonly #direct: boolean;
  readonly #xattr: boolean;
  /** Paths of the objects that are open. */
  readonly inUse = new Set<string>();
  /** What is left is in use: looking for objects to cull is of no use until one is given up. */
  #exhausted = false;
  #giveUnused: () => void = () => {};
  #culling = false;
  #lastId = 0;

  /** Binds the directory; throws as `Binding` does. */
  constructor(options: CacheOptions, backing: Backing, scheduler: Scheduler, tracer: Tracer) {
    this.options = options;
    this.tracer = tracer;
    this.backing = backing;
    this.#scheduler = scheduler;
    const binding = new Binding(backing, options.dir);
    const { root } = binding;
    this.#binding = binding;
    this.#direct = options.direct && binding.direct;
    this.#xattr = options.xattr && binding.xattr;
    this.ledger = new Ledger(backing, root, options.size > 0);
    this.room = new Room(backing, root, this.ledger, options);
    this.checkpointer = new Checkpointer(this, root, scheduler, options.checkpointNs);
    this.#io = new CacheIo(this, scheduler);
    this.#warn();
  }

  lookup(cookie: CookieIdentity): CachefilesObject | number {
    const file = this.objectFile(cookie);
    // One object a name: a second would take the first one's file for a stranger's.
    if (this.inUse.has(file)) return -EBUSY;
    const content = this.#revive(file, cookie) ?? this.#openExisting(file, cookie);
    const found = content ?? this.create(file, cookie, false);
    if (typeof found === 'number') return found;
    if (content !== undefined) this.counters.found++;
    this.backing.touch(found.fd);
    this.inUse.add(file);
    return { debugId: ++this.#lastId, path: file, content: found };
  }

  beginOperation(object: CacheObject, cres: CacheResources, ended: () => void): number {
    const own = object as CachefilesObject;
    if (own.content === undefined) return -ENOBUFS;
    cres.ops = this.#io;
    cres.debugId = object.debugId;
    cres.priv = new OperationPriv(own, own.content.get(), ended);
    return 0;
  }

  invalidate(object: CacheObject, cookie: CookieIdentity): void {
    const own = object as CachefilesObject;
    if (own.content !== undefined) {
      this.discard(own.content);
      own.content.put();
    }
    const made = this.create(own.path, cookie, false);
    own.content = typeof made === 'number' ? undefined : made;
  }

  update(object: CacheObject, cookie: CookieIdentity): void {
    const { content } = object as CachefilesObject;
    if (content === undefined) return;
    content.identity = identityOf(cookie, content.identity.incarnation);
    this.#markModified(content);
    this.checkpointer.changed(content, 0);
  }

  resize(object: CacheObject, size: number): void {
    const { content } = object as CachefilesObject;
    if (content === undefined) return;
    const kept = roundDown(size, PAGE_SIZE);
    for (const { first, last } of [...content.map.runs()]) {
      for (let block = Math.max(first, kept / PAGE_SIZE); block <= last; block++) {
        content.map.clear(block);
      }
    }
    // For those who ask the filesystem what is there, too.
    this.backing.truncate(content.fd, kept);
    this.backing.truncate(content.fd, backingSize(size));
    content.changed();
    this.checkpointer.changed(content, 0);
  }

  forget(object: CacheObject, start: number, length: number): void {
    const { content } = object as CachefilesObject;
    if (content === undefined) return;
    for (let at = start; at < start + length; at += PAGE_SIZE) content.map.clear(at / PAGE_SIZE);
    this.backing.punch(content.fd, start, length);
    content.changed();
    this.checkpointer.changed(content, 0);
  }

  settle(object: CacheObject): void {
    const { content } = object as CachefilesObject;
    if (content !== undefined) this.#settleModified(content);
  }

  release(object: CacheObject, retire: boolean): void {
    const { path: file, content } = object as CachefilesObject;
    this.leftUse(file);
    if (content === undefined) return;
    if (retire) this.discard(content);
    else {
      this.#settleModified(content);
      this.backing.touch(content.fd);
    }
    content.put();
  }

  onPressure(give: () => void): void {
    this.#giveUnused = give;
  }

  checkpoint(): void {
    this.checkpointer.begin();
  }

  close(): void {
    this.#binding.release();
  }

  /** True if `files` and `bytes` more may be stored; when room gets short, culling begins. */
  hasRoom(files: number, bytes: number): boolean {
    const enough = this.room.has(files, bytes);
    if (this.room.culling && !this.#culling && !this.#exhausted) {
      this.#culling = true;
      this.#scheduler.queueWork(() => this.#cull());
    }
    return enough;
  }

  // The daemon's part: objects go, least recently used first, until there is room again.
  *#cull() {
    this.#giveUnused();
    yield* this.#scheduler.reschedule();
    const { root } = this.#binding;
    this.#exhausted = true;
    this.ledger.recount();
    for (const victim of cullObjects(this.backing, root, (file) => this.inUse.has(file))) {
      this.room.has(0, 0);
      if (!this.room.culling) {
        this.#exhausted = false;
        break;
      }
      // It may have been opened since the list was made, or give nothing that is wanted.
      if (this.inUse.has(victim.file) || !(victim.allocated > 0 || this.room.wantsFiles)) continue;
      if (!this.#removeClosed(victim)) continue;
      this.counters.culled++;
      this.#traceCull(victim);
      yield* this.#scheduler.reschedule();
    }
    this.#culling = false;
  }

  /** An object has been given up, and may be culled. */
  leftUse(file: string): void {
    this.inUse.delete(file);
    this.#exhausted = false;
  }

  #removeClosed({ file, allocated }: ObjectFile): boolean {
    const pending = this.checkpointer.find(file);
    if (pending !== undefined) this.checkpointer.forget(pending);
    if (this.#binding.cull(file) < 0) return false;
    this.ledger.namesChanged(file);
    if (pending === undefined) this.ledger.culled(allocated);
    else pending.removed();
    return true;
  }

  #traceCull({ file, allocated }: ObjectFile): void {
    const { tracer } = this;
    if (!tracer.enabled) return;
    const name = path.relative(objectsDirectory(this.#binding.root), file);
    netfslabCull.emit(tracer, allocated, tracer.string(name));
  }

  /** Where the data file of a cookie is. */
  objectFile({ volume, key }: CookieIdentity): string {
    return objectPath(this.#binding.root, volume, key);
  }

  /**
   * The content that stands under a name, if it is the cookie's; else how it differs. Leaves a
   * file that is not the cookie's where it is. The inode number is 0 where there is no file.
   */
  find(file: string, cookie: CookieIdentity): FoundContent {
    const inode = this.inodeOf(file);
    const pending = this.checkpointer.find(file);
    if (pending !== undefined && isSame(pending.identity, cookie)) {
      if (pending.fd >= 0) return { content: pending.get(), why: 'ok', inode };
      const fd = this.backing.open(file, { create: false, direct: this.#direct });
      if (fd >= 0) return { content: pending.reopen(fd), why: 'ok', inode };
    }
    const fd = this.backing.open(file, { create: false, direct: this.#direct });
    if (fd < 0) return { content: undefined, why: 'bad_xatt', inode: 0 };
    const content = this.#contentOf(file, fd, cookie);
    if (content !== undefined) return { content, why: 'ok', inode };
    const { why } = checkCoherency(this.backing, fd, cookie);
    this.backing.close(fd);
    return { content: undefined, why: why === 'ok' ? 'bad_xatt' : why, inode };
  }

  /** Gives a file that has none its name; what had it is removed. Takes its identity anew. */
  commit(content: Content, cookie: CookieIdentity, rewrite: boolean): number {
    const { backing } = this;
    content.identity = identityOf(cookie, content.identity.incarnation);
    let error = rewrite && this.#xattr ? writeCoherency(backing, content.fd, content.identity) : 0;
    const { temporary } = content;
    if (error === 0 && temporary !== undefined) {
      const before = this.checkpointer.find(content.path);
      if (before !== undefined) this.discard(before);
      error = backing.makeDirectory(path.dirname(content.path));
      if (error === 0) error = this.#buryStranger(content.path);
      if (error === 0) error = backing.rename(temporary, content.path);
      if (error === 0) {
        content.temporary = undefined;
        this.ledger.namesChanged(content.path);
      }
    }
    if (error === 0) this.checkpointer.changed(content, 0);
    return error;
  }

  /** The number of a file's inode, 0 when there is none. */
  inodeOf(file: string): number {
    const status = this.backing.status(file);
    return typeof status === 'number' ? 0 : status.inode;
  }

  // An object that was closed before its map was published: the map is still in memory.
  #revive(file: string, cookie: CookieIdentity): Content | undefined {
    const pending = this.checkpointer.find(file);
    if (pending === undefined) return undefined;
    const { identity, fd: open } = pending;
    const same = isSame(identity, cookie);
    if (same && open >= 0) return pending.get();
    const fd = same ? this.backing.open(file, { create: false, direct: this.#direct }) : -1;
    if (fd >= 0) return pending.reopen(fd);
    this.discard(pending);
    return undefined;
  }

  #openExisting(file: string, cookie: CookieIdentity): Content | undefined {
    const fd = this.backing.open(file, { create: false, direct: this.#direct });
    if (fd < 0) return undefined;
    const content = this.#contentOf(file, fd, cookie);
    if (content !== undefined) return content;
    this.counters.stale++;
    this.backing.close(fd);
    this.#buryStranger(file);
    return undefined;
  }

  // While we change the file ourselves the data file says of no version that it is one: after a
  // crash it is stale, and only that.
  #markModified(content: Content): void {
    if (content.modified || !this.#xattr) return;
    content.modified = true;
    writeDirty(this.backing, content.fd, content.identity);
  }

  #settleModified(content: Content): void {
    if (!content.modified) return;
    content.modified = false;
    writeCoherency(this.backing, content.fd, content.identity);
  }

  // What the file holds of this version, by the file's own account and its map's.
  #contentOf(file: string, fd: number, cookie: CookieIdentity): Content | undefined {
    const incarnation = this.#xattr
      ? readIncarnation(this.backing, fd, cookie)
      : this.#incarnationByInode(file);
    if (incarnation === undefined) return undefined;
    const identity = identityOf(cookie, incarnation);
    const data = this.backing.readWhole(mapPath(file));
    const known = typeof data !== 'number';
    const map = known ? ContentMap.decode(data, identity, this.options.granule) : undefined;
    if (map !== undefined) return this.#knownContent(file, fd, identity, map, cookie);
    // The kernel has no map: the filesystem is asked what is there.
    if (this.options.presence !== 'seek' || !this.#xattr) return undefined;
    const nothing = new ContentMap(this.options.granule);
    return this.#knownContent(file, fd, identity, nothing, cookie);
  }

  /**
   * Makes an empty content for a cookie: under its name, or, if `temporary`, without one. Negative
   * errno when there is no room or the filesystem fails.
   */
  create(file: string, cookie: CookieIdentity, temporary: boolean): Content | number {
    const { backing } = this;
    if (!this.hasRoom(1, 0)) {
      this.counters.noSpaceToCreate++;
      return -ENOBUFS;
    }
    const how = { create: true, direct: this.#direct };
    const at = temporary ? this.#binding.temporary() : file;
    let fd = backing.open(at, how);
    if (fd < 0) {
      // Its directory is missing, or something that could not be removed is in its place.
      const error = backing.makeDirectory(path.dirname(at));
      if (error < 0) return error;
      fd = backing.open(at, how);
      if (fd < 0) return fd;
    }
    // A map without its file, which a power cut can leave, must not meet a new file.
    this.ledger.namesChanged(at);
    let error = temporary ? 0 : backing.remove(mapPath(file));
    if (error === 0) error = backing.truncate(fd, backingSize(cookie.size));
    const incarnation = this.#xattr
      ? this.#binding.nextIncarnation()
      : (this.#incarnationByInode(at) ?? '');
    const identity = identityOf(cookie, incarnation);
    if (error === 0 && this.#xattr && !temporary) error = writeCoherency(backing, fd, identity);
    if (error < 0) {
      backing.close(fd);
      this.#buryStranger(at);
      return error;
    }
    this.counters.created++;
    const map = new ContentMap(this.options.granule);
    const content = this.#content(file, fd, identity, map, cookie);
    if (temporary) content.temporary = at;
    // Of an empty file all is stored; else the map of what has its name waits for something to say.
    const whole = cookie.size === 0;
    content.changed(temporary || whole);
    if (whole) this.checkpointer.changed(content, 0);
    return content;
  }

  // Of a file that was here before.
  #knownContent(
    file: string,
    fd: number,
    identity: MapIdentity,
    map: ContentMap,
    cookie: CookieIdentity,
  ): Content {
    const content = this.#content(file, fd, identity, map, cookie);
    this.ledger.opened(content.account, content.path, mapPath(content.path));
    return content;
  }

  #content(
    file: string,
    fd: number,
    identity: MapIdentity,
    map: ContentMap,
    cookie: CookieIdentity,
  ): Content {
    const content = new Content(this, file, fd, identity, map);
    content.name = cookie.name;
    return content;
  }

  #incarnationByInode(file: string): string | undefined {
    const status = this.backing.status(file);
    return typeof status === 'number' ? undefined : incarnationByInode(status);
  }

  /** Removes a content and its file. */
  discard(content: Content): void {
    this.checkpointer.forget(content);
    if (this.#bury(content.temporary ?? content.path) === 0) content.removed();
  }

  // Removes a file of which nothing is known.
  #buryStranger(file: string): number {
    const account = newAccount();
    this.ledger.opened(account, file, mapPath(file));
    const error = this.#bury(file);
    if (error === 0) this.ledger.removed(account, false);
    return error;
  }

  #bury(file: string): number {
    const error = this.#binding.bury(file);
    return error === -ENOENT ? 0 : error;
  }

  #warn(): void {
    const { options, warnings } = this;
    const { root, seek } = this.#binding;
    warnings.push(...this.#binding.warnings);
    if (options.presence !== 'map' && !seek) {
      const instead = options.presence === 'seek' ? 'nothing is cached' : 'the content maps decide';
      warnings.push(`no SEEK_DATA in ${root}: ${instead}`);
    }
    if (options.direct && !this.#direct) {
      warnings.push(`no O_DIRECT in ${root}: cache I/O goes through the kernel's page cache`);
    }
    if (options.xattr && !this.#xattr) {
      warnings.push(`no user xattrs in ${root}: coherency data is kept in the content maps alone`);
    }
  }
}

function isSame(identity: MapIdentity, cookie: CookieIdentity): boolean {
  return identity.aux === cookie.aux && identity.size === cookie.size;
}

function identityOf({ volume, key, aux, size }: CookieIdentity, incarnation: string): MapIdentity {
  return { volume, key, aux, size, incarnation };
}
