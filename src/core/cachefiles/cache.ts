/**
 * The data files of a cache directory: finding, making, naming, discarding and culling them. Plays
 * fs/cachefiles/namei.c and the culling of daemon.c; called by the objects of `interface.ts`. Spec:
 * BEHAVIOUR 4.2, 4.6 to 4.10.
 *
 * Differs: each data file has a content map beside it, and is never used for a second version of
 * what it holds, but for changes of our own.
 */
import path from 'node:path';
import { ENOBUFS, ENOENT } from '../base/errno.js';
import type { CookieIdentity } from '../fscache/types.js';
import type { Backing } from '../io/types.js';
import type { Scheduler } from '../sim/scheduler.js';
import { type Task, WaitQueue } from '../sim/wait_queue.js';
import { netfslabCull } from '../trace/events/own.js';
import type { Tracer } from '../trace/tracer.js';
import { Binding, objectPath, objectsDirectory } from './binding.js';
import { Checkpointer } from './checkpoint.js';
import { ContentMap } from './content_map.js';
import { CullTable, type ObjectFile, objectFile, objectFiles } from './cull.js';
import { backingSize, DataFile, mapPath } from './data_file.js';
import { Ledger, newAccount } from './ledger.js';
import { isMapOf, MapFile, type MapIdentity, type ReadMap, readMap } from './map_file.js';
import { Room } from './space.js';
import { CacheCounters, type CacheOptions } from './types.js';
import { type Coherency, checkCoherency, incarnationByInode, writeCoherency } from './xattr.js';

/** Objects of which a scan of the cache is remembered to be the least recently used. */
const CULL_TABLE = 4096;

/** What was found under the name of an object. */
export interface FoundFile {
  readonly data: DataFile | undefined;
  readonly why: Coherency;
  /** Number of the file's inode, 0 without a file. */
  readonly inode: number;
}

/** The cache directory of one lab. */
export class Cachefiles {
  readonly options: CacheOptions;
  readonly counters = new CacheCounters();
  readonly ledger: Ledger;
  readonly room: Room;
  readonly checkpointer: Checkpointer;
  readonly backing: Backing;
  /** Takes the events of netfslab's own. */
  readonly tracer: Tracer;
  readonly scheduler: Scheduler;
  /** What is not as it was asked for, in sentences. */
  readonly warnings: string[] = [];
  /** Fault injection: the device fails every read and write at once. */
  broken = false;
  /** Where those sleep who wait for the end of a store. */
  readonly stored = new WaitQueue('stores under way in the cache');
  readonly #binding: Binding;
  readonly #direct: boolean;
  readonly #xattr: boolean;
  /** Paths of the objects that are open. */
  readonly inUse = new Set<string>();
  /** What is left is in use: looking for objects to cull is of no use until one is given up. */
  #exhausted = false;
  #giveUnused: () => void = () => {};
  #culling = false;
  /** What the last scan found, most recently used first. */
  #victims: ObjectFile[] = [];

  /** Binds the directory; throws as `Binding` does. */
  constructor(options: CacheOptions, backing: Backing, scheduler: Scheduler, tracer: Tracer) {
    this.options = options;
    this.tracer = tracer;
    this.backing = backing;
    this.scheduler = scheduler;
    const binding = new Binding(backing, options.dir, options.anyOwner);
    const { root } = binding;
    this.#binding = binding;
    this.#direct = options.direct && binding.direct;
    this.#xattr = options.xattr && binding.xattr;
    this.ledger = new Ledger(backing, root, options.size > 0);
    this.room = new Room(backing, root, this.ledger, options);
    this.checkpointer = new Checkpointer(this, binding, scheduler, options.checkpointNs);
    this.#warn();
  }

  /** Has `give` called when objects that nobody uses should be given up, to be culled. */
  onPressure(give: () => void): void {
    this.#giveUnused = give;
  }

  /** Ends the use of the directory; nothing is under way. */
  close(): void {
    this.#binding.release();
  }

  /** Sleeps until no store is under way, as sync(2) does for the disk of the cache. */
  *storesEnded(): Task {
    while (this.room.inFlight > 0) yield this.stored;
  }

  /** True if `files` and `bytes` more may be stored; when room gets short, culling begins. */
  hasRoom(files: number, bytes: number): boolean {
    const enough = this.room.has(files, bytes);
    if (this.room.culling && !this.#culling && !this.#exhausted) {
      this.#culling = true;
      this.scheduler.queueWork(() => this.#cull());
    }
    return enough;
  }

  // The daemon's part: objects go, least recently used first, until there is room again.
  *#cull(): Task {
    this.#giveUnused();
    yield* this.scheduler.reschedule();
    let scanned = false;
    for (;;) {
      this.room.has(0, 0);
      if (!this.room.culling) break;
      const victim = this.#victims.pop();
      if (victim === undefined) {
        // A scan after which nothing could be removed is not repeated.
        this.#exhausted = scanned;
        if (scanned) break;
        yield* this.#scan();
        scanned = true;
      } else if (this.#removeVictim(victim)) {
        scanned = false;
        yield* this.scheduler.reschedule();
      }
    }
    this.#culling = false;
  }

  *#scan(): Task {
    const table = new CullTable(CULL_TABLE);
    for (const object of objectFiles(this.backing, this.#binding.root)) {
      if (!this.inUse.has(object.file)) table.add(object);
      if (this.scheduler.needResched()) yield* this.scheduler.reschedule();
    }
    this.#victims = table.take();
  }

  // It may have been used since the scan, or give nothing that is wanted.
  #removeVictim(found: ObjectFile): boolean {
    const { file } = found;
    const victim = this.inUse.has(file) ? undefined : objectFile(this.backing, file);
    if (victim === undefined || victim.usedAt > found.usedAt) return false;
    if (victim.allocated === 0 && !this.room.wantsFiles) return false;
    if (!this.#removeClosed(victim)) return false;
    this.counters.culled++;
    this.#traceCull(victim);
    return true;
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
   * The data file that stands under a name, if it is the cookie's; else how it differs. Leaves a
   * file that is not the cookie's where it is. The inode number is 0 where there is no file.
   */
  find(file: string, cookie: CookieIdentity): FoundFile {
    const inode = this.inodeOf(file);
    const pending = this.checkpointer.find(file);
    // Its map in memory says more than the one on disk.
    const same = pending !== undefined && isSame(pending.identity, cookie);
    if (same && pending.fd >= 0) return { data: pending.get(), why: 'ok', inode };
    const fd = this.backing.open(file, { create: false, direct: this.#direct });
    if (fd < 0) return { data: undefined, why: 'bad_xatt', inode: 0 };
    const data = same ? pending.reopen(fd) : this.#knownFile(file, fd, cookie);
    if (data !== undefined) return { data, why: 'ok', inode };
    const { why } = checkCoherency(this.backing, fd, cookie);
    this.backing.close(fd);
    return { data: undefined, why: why === 'ok' ? 'bad_xatt' : why, inode };
  }

  /**
   * What was changed in a file is whole; one that has no name gets it, and what had it is removed.
   * Takes the cookie's identity. 0 or a negative errno, and then the file is not to be believed.
   */
  commit(data: DataFile, cookie: CookieIdentity, rewrite: boolean): number {
    const { backing } = this;
    const changed = data.modified || data.map.changed || data.temporary !== undefined;
    data.identity = identityOf(cookie, data.identity.incarnation);
    data.modified = false;
    let error = rewrite && this.#xattr ? writeCoherency(backing, data.fd, data.identity) : 0;
    const { temporary } = data;
    if (error === 0 && temporary !== undefined) {
      const before = this.checkpointer.find(data.path);
      if (before !== undefined) this.discard(before);
      error = backing.makeDirectory(path.dirname(data.path));
      if (error === 0) error = this.#buryStranger(data.path);
      if (error === 0) error = backing.rename(temporary, data.path);
      if (error === 0) {
        data.temporary = undefined;
        this.ledger.namesChanged(data.path);
      }
    }
    if (error === 0 && changed) this.checkpointer.changed(data, 0);
    return error;
  }

  /** The number of a file's inode, 0 when there is none. */
  inodeOf(file: string): number {
    const status = this.backing.status(file);
    return typeof status === 'number' ? 0 : status.inode;
  }

  // The file if it is of this version, by its own account and its map's.
  #knownFile(file: string, fd: number, cookie: CookieIdentity): DataFile | undefined {
    const status = this.backing.status(fd);
    const coherency = this.#xattr ? checkCoherency(this.backing, fd, cookie) : undefined;
    if (typeof status === 'number' || (coherency !== undefined && coherency.why !== 'ok')) {
      return undefined;
    }
    const incarnation = coherency?.incarnation ?? incarnationByInode(status);
    const identity = identityOf(cookie, incarnation);
    const data = this.backing.readWhole(mapPath(file));
    const read = typeof data === 'number' ? undefined : readMap(data, this.options.granule);
    const found = read !== undefined && isMapOf(read.header, identity) ? read : undefined;
    // The kernel has no map: the filesystem is asked what is there.
    if (found === undefined && !(this.options.presence === 'seek' && this.#xattr)) return undefined;
    const known = this.#dataFile(file, fd, identity, cookie, found);
    this.ledger.opened(known.account, known.path, mapPath(known.path));
    return known;
  }

  /**
   * Makes an empty data file for a cookie: under its name, in place of what is there, or without a
   * name. Negative errno when there is no room or the filesystem fails.
   */
  create(file: string, cookie: CookieIdentity): DataFile | number {
    const { backing } = this;
    if (!this.hasRoom(1, 0)) {
      this.counters.noSpaceToCreate++;
      return -ENOBUFS;
    }
    const temporary = this.options.behaviour.named === 'committed';
    const at = temporary ? this.#binding.temporary() : file;
    const fd = this.#createFile(at, temporary);
    if (fd < 0) return fd;
    this.ledger.namesChanged(at);
    let error = backing.truncate(fd, backingSize(cookie.size));
    const incarnation = this.#xattr ? this.#binding.nextIncarnation() : this.#inodeName(fd);
    const identity = identityOf(cookie, incarnation);
    if (error === 0 && this.#xattr && !temporary) error = writeCoherency(backing, fd, identity);
    if (error < 0) {
      backing.close(fd);
      this.#buryStranger(at);
      return error;
    }
    this.counters.created++;
    const data = this.#dataFile(file, fd, identity, cookie);
    if (temporary) data.temporary = at;
    // Of an empty file all is stored; else the map of what has its name waits for something to say.
    const whole = cookie.size === 0;
    data.changed(temporary || whole);
    if (whole) this.checkpointer.changed(data, 0);
    return data;
  }

  // A new file; under a final name nothing of an older one is left, which a power cut could show.
  #createFile(at: string, temporary: boolean): number {
    const { backing } = this;
    const how = { create: true, direct: this.#direct };
    if (!temporary) {
      const before = this.checkpointer.find(at);
      if (before !== undefined) this.discard(before);
      const error = this.#buryStranger(at);
      if (error < 0) return error;
    }
    const fd = backing.open(at, how);
    if (fd !== -ENOENT) return fd;
    const error = backing.makeDirectory(path.dirname(at));
    return error < 0 ? error : backing.open(at, how);
  }

  #dataFile(
    file: string,
    fd: number,
    identity: MapIdentity,
    { name }: CookieIdentity,
    found?: ReadMap,
  ): DataFile {
    const mapFile = new MapFile(this.backing, mapPath(file), this.#binding.number, found);
    const map = found?.map ?? new ContentMap(this.options.granule);
    return new DataFile(this, file, fd, { identity, map, name, mapFile });
  }

  #inodeName(fd: number): string {
    const status = this.backing.status(fd);
    return typeof status === 'number' ? '' : incarnationByInode(status);
  }

  /** Removes a data file. */
  discard(data: DataFile): void {
    this.checkpointer.forget(data);
    if (this.#bury(data.temporary ?? data.path) === 0) data.removed();
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
