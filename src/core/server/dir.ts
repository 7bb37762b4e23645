/**
 * The local-directory server: serves what lies beneath a directory, and nothing outside it. Called
 * by the network filesystem clients and by `vfs/`; reads and writes through the lab's I/O driver.
 * Where things are and where changes go is a tree's affair (`tree.ts`, `overlay_tree.ts`).
 *
 * A file's version is its modification time, size and inode: what can be known of a local file
 * without reading it. A change that keeps all three is not seen; the server's own changes always
 * move the time on.
 */
import fs from 'node:fs';
import os from 'node:os';
import { posix } from 'node:path';
import {
  EEXIST,
  EILSEQ,
  EINVAL,
  EIO,
  EISDIR,
  ELOOP,
  ENODEV,
  ENOENT,
  ENOTDIR,
  EXDEV,
  errnoFromNode,
} from '../base/errno.js';
import { ErrnoError } from '../base/errors.js';
import { nameOfBytes } from '../base/names.js';
import {
  allocateLater,
  allocateNow,
  attributesAt,
  chownAt,
  closeAt,
  type Moment,
  O_NONBLOCK,
  O_RDONLY,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  setTimesOf,
} from '../io/at_calls.js';
import {
  changeFd,
  makeScratch,
  O_RDWR,
  removeTree,
  setFdSize,
  showChange,
  syncFd,
} from '../io/changes.js';
import { closeFd, resolveRoot, statFd } from '../io/files.js';
import { makeSegmentList } from '../io/segments.js';
import { seekData, seekHole } from '../io/syscalls.js';
import type { FileStatus, IoDriver } from '../io/types.js';
import type { Prng } from '../sim/prng.js';
import type { Scheduler } from '../sim/scheduler.js';
import type { Task } from '../sim/wait_queue.js';
import { CallbackTable } from './callbacks.js';
import { DirNamespace } from './dir_namespace.js';
import { entriesOf, isDirectoryEntry } from './disk_directory.js';
import { join, parentOf } from './layer.js';
import { OverlayTree } from './overlay_tree.js';
import { ServiceQueue } from './service_queue.js';
import { DirectTree, ReadOnlyTree, type Tree } from './tree.js';
import type {
  AttributeChange,
  ChangeReply,
  FetchReply,
  FetchTarget,
  ForeignChange,
  ListedFile,
  Namespace,
  NodeStatus,
  OpenRefused,
  Server,
  ServerCounters,
  ServerFile,
  ServerOptions,
  ServerStatus,
  StoreSource,
} from './types.js';

/** Symbolic links that a name may lead through. */
const LINKS_MAX = 40;
/** Of a name that is not UTF-8. */
const LONE = /\p{Surrogate}/u;

interface DirFile extends ServerFile {
  /** What it is called now, without links on the way; follows renames made here. */
  path: string;
  /** Changes when the file becomes writable. */
  fd: number;
  /** Descriptors from before: a fetch may still be reading through them. */
  readonly former: number[];
  writable: boolean;
  /** Its last name was removed here, which is no reason to refuse anything. */
  unlinked: boolean;
}

/** A file of the overlay that stands for a served one and has not been changed yet. */
interface Alias {
  /** Versions of the copy and of what was copied. */
  readonly copy: string;
  readonly original: string;
}

/** The time of a file as its version has it. */
function versionTime({ s, ns }: Moment): string {
  return String(BigInt(s) * 1_000_000_000n + BigInt(ns));
}

/** The version of a file with this status. */
export function versionOf({ size, mtime, inode }: FileStatus): string {
  return `${mtime}.${size}.${inode}`;
}

/** Serves a directory. */
export class DirServer implements Server {
  /** The real path of the directory. */
  readonly root: string;
  readonly counters: ServerCounters = {
    fetches: 0,
    bytes: 0,
    stores: 0,
    storedBytes: 0,
    statuses: 0,
    breaks: 0,
    maxInService: 0,
  };
  readonly callbacks: CallbackTable;
  readonly #driver: IoDriver;
  readonly #scheduler: Scheduler;
  readonly #queue: ServiceQueue;
  readonly #segments = makeSegmentList();
  readonly #tree: Tree;
  /** The overlay, if it is one that is removed at the end. */
  #scratch: string | undefined;
  #shut = false;
  readonly namespace: Namespace;
  /** By device and inode of the copy. */
  readonly #aliases = new Map<string, Alias>();
  /** Files in use, by key. */
  readonly #open = new Set<DirFile>();

  /** Throws an `ErrnoError` when the directory cannot be served. */
  constructor(
    directory: string,
    driver: IoDriver,
    scheduler: Scheduler,
    prng: Prng,
    options: ServerOptions,
  ) {
    this.root = resolveRoot(directory);
    this.#driver = driver;
    this.#scheduler = scheduler;
    this.callbacks = new CallbackTable(options.callbackNs, this.counters);
    this.#queue = new ServiceQueue(scheduler, prng, options, this.counters);
    this.#tree = this.#makeTree(options);
    this.namespace = new DirNamespace({
      tree: this.#tree,
      queue: this.#queue,
      ...(driver.name !== 'sync' && { scheduler }),
      copied: (before, after, path) => this.#copied(before, after, path),
      renamed: (from, to, exchanged) => this.#renamed(from, to, exchanged),
      changing: (key, status) => this.callbacks.changing(key, this.#versionOf(status)),
      changed: (key, status) => this.callbacks.changed(key, status && this.#versionOf(status)),
      version: (status) => this.#versionOf(status),
    });
  }

  open(name: string): DirFile | OpenRefused {
    const path = this.#resolve(name);
    if (typeof path === 'number') return refused(path);
    const found = this.#tree.status(path);
    if (typeof found === 'number') return { errno: found };
    const type = found.mode & S_IFMT;
    if (type === S_IFDIR) return { errno: -EISDIR };
    if (type !== S_IFREG) return refused(-ENODEV);
    const fd = this.#tree.open(path, O_RDONLY | O_NONBLOCK);
    if (fd < 0) return { errno: fd };
    const status = statFd(fd);
    if (typeof status === 'number') {
      closeAt(fd);
      return { errno: status };
    }
    const file = {
      key: found.key,
      ino: found.shownInode,
      name,
      path,
      fd,
      former: [],
      writable: false,
      unlinked: false,
      status: this.#toStatus(status),
    };
    this.#open.add(file);
    return file;
  }

  // The path of a name without links on the way; an errno if it leads out, or nowhere.
  #resolve(name: string): string | number {
    if (name.includes('\0')) return -EINVAL;
    let rest = this.#beneath('', name);
    let links = 0;
    for (let done = ''; typeof rest === 'string'; ) {
      const found = this.#tree.status(rest);
      if (typeof found !== 'number' && (found.mode & S_IFMT) !== S_IFLNK) return rest;
      if (found !== -ELOOP && found !== -ENOTDIR && typeof found === 'number') return found;
      // The first part of it that is a link.
      const parts: string[] = rest.split('/');
      done = '';
      let next: string | number = typeof found === 'number' ? found : -ELOOP;
      for (const [i, part] of parts.entries()) {
        const at: string = join(done, part);
        const status = this.#tree.status(at);
        if (typeof status === 'number') return status;
        if ((status.mode & S_IFMT) === S_IFLNK) {
          if (++links > LINKS_MAX) return -ELOOP;
          const target = this.#tree.readLink(at);
          if (typeof target === 'number') return target;
          next = this.#beneath(done, nameOfBytes(target), parts.slice(i + 1));
          break;
        }
        done = at;
      }
      rest = next;
    }
    return rest;
  }

  // A path as the text has it, which must not lead out.
  #beneath(directory: string, target: string, rest: readonly string[] = []): string | number {
    let to = target;
    if (target.startsWith('/')) {
      const inside = target === this.root || target.startsWith(`${this.root}/`);
      if (!inside) return -EXDEV;
      to = target.slice(this.root.length + 1);
    }
    const base = target.startsWith('/') ? '' : directory;
    const path = posix.normalize(
      [base, to, ...rest].filter((part) => part !== '').join('/') || '.',
    );
    if (path === '..' || path.startsWith('../')) return -EXDEV;
    return path === '.' ? '' : path.replace(/\/$/, '');
  }

  create(name: string): DirFile | OpenRefused {
    const directory = this.#makeParents(parentOf(posix.normalize(name)));
    if (typeof directory === 'number') return refused(directory);
    const path = join(directory, posix.basename(name));
    const mode = S_IFREG | (0o666 & ~process.umask());
    const error = this.#tree.make(path, { mode });
    return error < 0 ? { errno: error } : this.open(path);
  }

  #makeParents(directory: string): string | number {
    if (directory === '.' || directory === '') return '';
    const found = this.#resolve(directory);
    if (found !== -ENOENT) return found;
    const above = this.#makeParents(parentOf(directory));
    if (typeof above === 'number') return above;
    const path = join(above, posix.basename(directory));
    const error = this.#tree.make(path, { mode: S_IFDIR | (0o777 & ~process.umask()) });
    return error < 0 && error !== -EEXIST ? error : path;
  }

  makeWritable(file: ServerFile): number {
    const own = file as DirFile;
    if (own.writable) return 0;
    const before = statFd(own.fd);
    if (typeof before === 'number') return before;
    if (before.links === 0 && !own.unlinked) return -ENOENT;
    const found = this.#tree.status(own.path);
    const error = this.#tree.prepareNow(own.path);
    if (error < 0) return error;
    const after = this.#tree.status(own.path);
    if (typeof found !== 'number' && typeof after !== 'number') {
      this.#copied(found, after, own.path);
    }
    const fd = reopen(own.fd);
    if (fd < 0) return fd;
    own.former.push(own.fd);
    own.fd = fd;
    own.writable = true;
    return 0;
  }

  // A copy has taken the place of a file: who has it open goes on with the copy, which is called
  // the same as long as nobody can tell them apart.
  #copied(before: NodeStatus, after: NodeStatus, path: string): void {
    if (before.inode === after.inode && before.device === after.device) return;
    this.#aliases.set(`${after.device}:${after.inode}`, {
      copy: this.#ownVersion(after),
      original: this.#versionOf(before),
    });
    for (const file of this.#open) {
      if (file.key !== before.key || (before.links > 1 && file.path !== path)) continue;
      const fd = this.#tree.open(path, O_RDONLY | O_NONBLOCK);
      if (fd < 0) continue;
      file.former.push(file.fd);
      file.fd = fd;
    }
  }

  #renamed(from: string, to: string, exchanged: boolean): void {
    const moved = (path: string, old: string, next: string): string | undefined => {
      if (path === old) return next;
      return path.startsWith(`${old}/`) ? next + path.slice(old.length) : undefined;
    };
    for (const file of this.#open) {
      file.path =
        moved(file.path, from, to) ??
        (exchanged ? moved(file.path, to, from) : undefined) ??
        file.path;
    }
  }

  getStatus(
    files: readonly ServerFile[],
    done: (statuses: readonly (ServerStatus | number)[]) => void,
  ): void {
    this.#queue.submit(0, (ended) => {
      this.counters.statuses += files.length;
      const statuses = files.map((file) => this.#statusOf(file));
      ended();
      done(statuses);
    });
  }

  look(file: ServerFile): void {
    const status = statFd((file as DirFile).fd);
    if (typeof status !== 'number') this.callbacks.seen(file.key, this.#toStatus(status).version);
  }

  store(
    file: ServerFile,
    position: number,
    from: StoreSource,
    size: number,
    done: (reply: ChangeReply) => void,
  ): void {
    const { count } = from;
    this.#change(file as DirFile, count, done, (fd, before, finish) => {
      const end = position + count;
      this.#write(fd, position, from, (error) => {
        this.counters.stores++;
        if (error === 0) this.counters.storedBytes += count;
        const grows = error === 0 && size > Math.max(end, before.size);
        finish(grows ? setFdSize(fd, size) : error);
      });
    });
  }

  setSize(file: ServerFile, size: number, done: (reply: ChangeReply) => void): void {
    this.#change(file as DirFile, 0, done, (fd, _before, finish) => finish(setFdSize(fd, size)));
  }

  sync(file: ServerFile, done: (result: number) => void): void {
    const { fd } = file as DirFile;
    const now = this.#driver.name === 'sync';
    const answer = now ? done : this.#scheduler.expect(done);
    if (this.#driver.control === undefined) syncFd(fd, now, answer);
    else this.#driver.control({ kind: 'fsync', dataOnly: true }, fd, answer);
  }

  nodeStatus(file: ServerFile): NodeStatus | number {
    const attributes = attributesAt((file as DirFile).fd);
    return typeof attributes === 'number' ? attributes : this.#tree.told(attributes);
  }

  changeOpen(file: ServerFile, { uid, gid, mode, atime, mtime }: AttributeChange): number {
    const { fd } = file as DirFile;
    try {
      if (uid !== undefined || gid !== undefined) {
        const error = chownAt(fd, uid ?? -1, gid ?? -1);
        if (error < 0) return error;
      }
      if (mode !== undefined) fs.fchmodSync(fd, mode & 0o7777);
      return atime === undefined && mtime === undefined ? 0 : setTimesOf(fd, atime, mtime);
    } catch (error) {
      return errnoFromNode(error);
    }
  }

  seek(file: ServerFile, position: number, what: 'data' | 'hole'): number {
    const { fd } = file as DirFile;
    return what === 'data' ? seekData(fd, position) : seekHole(fd, position);
  }

  allocate(
    file: ServerFile,
    mode: number,
    position: number,
    length: number,
    done: (reply: ChangeReply) => void,
  ): void {
    this.#change(file as DirFile, 0, done, (fd, _before, finish) => {
      const now = this.#driver.name === 'sync';
      const answer = now ? finish : this.#scheduler.expect(finish);
      const call = { kind: 'fallocate', mode, position, length } as const;
      if (now) answer(allocateNow(fd, mode, position, length));
      else if (this.#driver.control !== undefined) this.#driver.control(call, fd, answer);
      else allocateLater(fd, mode, position, length, answer);
    });
  }

  unlinked(key: string): void {
    for (const file of this.#open) if (file.key === key) file.unlinked = true;
  }

  fetch(
    file: ServerFile,
    position: number,
    into: FetchTarget,
    done: (reply: FetchReply) => void,
  ): void {
    this.#queue.submit(into.count, (ended) => {
      const finish = (result: number): void => {
        this.counters.fetches++;
        if (result > 0) this.counters.bytes += result;
        const status = statFd((file as DirFile).fd);
        ended();
        const told = typeof status === 'number' ? undefined : this.#tellStatus(file, status);
        done({ result, status: told });
      };
      into.segments(this.#segments);
      const answer = this.#driver.name === 'sync' ? finish : this.#scheduler.expect(finish);
      this.#driver.read((file as DirFile).fd, this.#segments, position, answer, true);
    });
  }

  close(file: ServerFile): void {
    this.#open.delete(file as DirFile);
    for (const fd of [(file as DirFile).fd, ...(file as DirFile).former]) closeFd(fd);
  }

  shutDown(): void {
    if (this.#shut) return;
    this.#shut = true;
    this.#tree.close();
    if (this.#scratch !== undefined) removeTree(this.#scratch);
  }

  #makeTree({ writes, overlay }: ServerOptions): Tree {
    if (writes === 'direct') return new DirectTree(this.root);
    if (writes === 'refuse') return new ReadOnlyTree(this.root);
    const expect = <A>(fn: (answer: A) => void) => this.#scheduler.expect(fn);
    return new OverlayTree(
      this.root,
      overlay === undefined ? undefined : resolveRoot(overlay),
      () => this.#makeScratch(),
      this.#driver.name === 'sync' ? undefined : { expect },
    );
  }

  #makeScratch(): string {
    const made = makeScratch(os.tmpdir(), 'netfslab-overlay');
    if (typeof made === 'number') {
      throw new ErrnoError(made, 'mkdtemp', os.tmpdir(), {
        hint: 'name a directory for what is written with --server-overlay DIR',
      });
    }
    this.#scratch = made;
    return made;
  }

  change(name: string, { size, position = 0, bytes }: ForeignChange): number {
    const file = this.open(name);
    if ('errno' in file) return file.errno;
    let error = this.makeWritable(file);
    const before = statFd(file.fd);
    if (error === 0 && typeof before !== 'number') {
      error = changeFd(file.fd, size, bytes, position);
      showChange(file.fd, before);
      this.look(file);
    }
    this.close(file);
    return error;
  }

  list(under = '', skipped?: (name: string, errno: number) => void): Iterable<ListedFile> {
    return this.#list(under, skipped);
  }

  *#list(under: string, skipped?: (name: string, errno: number) => void): Generator<ListedFile> {
    const directory = this.#tree.openDirectory(under);
    if (typeof directory === 'number') {
      skipped?.(under, directory);
      return;
    }
    const entries = [...entriesOf(directory)].sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const name = join(under, entry.name);
      // What cannot be spelled on a command line is left to programs.
      if (LONE.test(entry.name)) skipped?.(name, -EILSEQ);
      else if (isDirectoryEntry(entry)) yield* this.#list(name, skipped);
      else yield* this.#listed(name);
    }
  }

  // It may have gone since the directory was read.
  *#listed(name: string): Generator<ListedFile> {
    const status = this.#tree.status(name);
    if (typeof status === 'number' || (status.mode & S_IFMT) !== S_IFREG) return;
    const { s, ns } = status.mtime;
    yield { name, size: status.size, modifiedMs: s * 1000 + ns / 1e6 };
  }

  filesIn(directory: string, most: number): readonly ListedFile[] | undefined {
    const opened = this.#tree.openDirectory(directory);
    if (typeof opened === 'number') return [];
    const names: string[] = [];
    for (const { name } of entriesOf(opened)) {
      if (names.length === most) return undefined;
      names.push(name);
    }
    return names.flatMap((name) => [...this.#listed(join(directory, name))]);
  }

  prepareWriting(name: string): Task<number> {
    const path = this.#resolve(name);
    return this.namespace.prepareWriting(typeof path === 'number' ? name : path);
  }

  #statusOf(file: ServerFile): ServerStatus | number {
    const status = statFd((file as DirFile).fd);
    if (typeof status === 'number') return status;
    const gone = status.links === 0 && !(file as DirFile).unlinked;
    return gone ? -ENOENT : this.#tellStatus(file, status);
  }

  #toStatus(status: FileStatus): ServerStatus {
    return { size: status.size, version: this.#told(status, versionOf(status)) };
  }

  // A copy that nobody has changed is of its original's version.
  #told({ device, inode }: { device: number; inode: number }, version: string): string {
    const alias = this.#aliases.get(`${device}:${inode}`);
    return alias?.copy === version ? alias.original : version;
  }

  #ownVersion({ mtime, size, inode }: NodeStatus): string {
    return `${versionTime(mtime)}.${size}.${inode}`;
  }

  #versionOf(status: NodeStatus): string {
    return this.#told(status, this.#ownVersion(status));
  }

  // The status as a reply carries it, with the promise to tell of changes.
  #tellStatus({ key }: ServerFile, status: FileStatus): ServerStatus {
    const told = this.#toStatus(status);
    this.callbacks.seen(key, told.version);
    const promisedNs = this.callbacks.promise(key, told.version);
    return promisedNs === 0 ? told : { ...told, promisedNs };
  }

  // Runs one operation that changes a file, between two looks at its status.
  #change(
    file: DirFile,
    bytes: number,
    done: (reply: ChangeReply) => void,
    perform: (fd: number, before: FileStatus, finish: (result: number) => void) => void,
  ): void {
    this.#queue.submit(bytes, (ended) => {
      const before = statFd(file.fd);
      const version = typeof before === 'number' ? '' : this.#toStatus(before).version;
      const answer = (result: number, status?: ServerStatus): void => {
        ended();
        this.callbacks.changed(file.key, status?.version);
        done({ result, status, before: version });
      };
      if (typeof before === 'number') answer(before);
      else if (before.links === 0 && !file.unlinked) answer(-ENOENT);
      else {
        this.callbacks.changing(file.key, version);
        perform(file.fd, before, (result) => {
          const after = showChange(file.fd, before);
          if (typeof after === 'number') answer(result < 0 ? result : after);
          else answer(result, this.#toStatus(after));
        });
      }
    });
  }

  #write(fd: number, position: number, from: StoreSource, done: (error: number) => void): void {
    if (from.count === 0) {
      done(0);
      return;
    }
    const next = (written: number): void => {
      if (written <= 0) {
        done(written < 0 ? written : -EIO);
        return;
      }
      from.advance(written);
      this.#write(fd, position + written, from, done);
    };
    from.segments(this.#segments);
    const answer = this.#driver.name === 'sync' ? next : this.#scheduler.expect(next);
    this.#driver.write(fd, this.#segments, position, answer);
  }
}

function refused(errno: number): OpenRefused {
  if (errno === -EXDEV) return { errno, why: 'the path leads out of the served directory' };
  if (errno === -ENODEV) return { errno, why: 'not a regular file' };
  return { errno };
}

// The same file, for writing: whatever it is called now.
function reopen(fd: number): number {
  try {
    return fs.openSync(`/proc/self/fd/${fd}`, O_RDWR);
  } catch (error) {
    return errnoFromNode(error);
  }
}
