/**
 * The local-directory server: serves the regular files beneath a directory, and nothing outside it.
 * Called by the network filesystem clients; reads and writes through the lab's I/O driver. Where
 * writes go is `overlay.ts`'s affair.
 *
 * A file's version is its modification time, size and inode: what can be known of a local file
 * without reading it. A change that keeps all three is not seen; the server's own changes always
 * move the time on.
 */
import { EIO, ENOENT } from '../base/errno.js';
import { changeFd, setFdSize, showChange, syncFd } from '../io/changes.js';
import { closeFd, resolveRoot, statFd, walkFiles } from '../io/files.js';
import { makeSegmentList } from '../io/segments.js';
import type { FileStatus, IoDriver } from '../io/types.js';
import type { Prng } from '../sim/prng.js';
import type { Scheduler } from '../sim/scheduler.js';
import { CallbackTable } from './callbacks.js';
import { type Placement, placementOf } from './overlay.js';
import { ServiceQueue } from './service_queue.js';
import type {
  ChangeReply,
  FetchReply,
  FetchTarget,
  ForeignChange,
  ListedFile,
  OpenRefused,
  Server,
  ServerCounters,
  ServerFile,
  ServerOptions,
  ServerStatus,
  StoreSource,
} from './types.js';

interface DirFile extends ServerFile {
  /** Changes when the file becomes writable. */
  fd: number;
  /** Descriptors from before: a fetch may still be reading through them. */
  readonly former: number[];
  writable: boolean;
}

/** A file of the overlay that stands for a served one and has not been changed yet. */
interface Alias {
  /** Versions of the copy and of what was copied. */
  readonly copy: string;
  readonly original: string;
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
  readonly #placement: Placement;
  /** By key of the copy: what it is called as long as nobody can tell it from the original. */
  readonly #aliases = new Map<string, Alias & { readonly key: string }>();
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
    this.#placement = placementOf(options.writes, this.root, options.overlay);
    this.#queue = new ServiceQueue(scheduler, prng, options, this.counters);
  }

  open(name: string): DirFile | OpenRefused {
    const opened = this.#placement.open(name);
    if ('errno' in opened) return opened;
    const { fd, status } = opened;
    const own = `${status.device}:${status.inode}`;
    const file = {
      key: this.#aliases.get(own)?.key ?? own,
      ino: status.inode,
      name,
      fd,
      former: [],
      writable: false,
      status: this.#toStatus(status),
    };
    this.#open.add(file);
    return file;
  }

  create(name: string): DirFile | OpenRefused {
    const error = this.#placement.create(name);
    return error < 0 ? { errno: error } : this.open(name);
  }

  makeWritable(file: ServerFile): number {
    const own = file as DirFile;
    if (own.writable) return 0;
    const before = statFd(own.fd);
    if (typeof before === 'number') return before;
    if (before.links === 0) return -ENOENT;
    const opened = this.#placement.openForWriting(own.name, own.fd);
    if ('errno' in opened) return opened.errno;
    const { fd, status } = opened;
    if (status.inode !== before.inode || status.device !== before.device) {
      this.#aliases.set(`${status.device}:${status.inode}`, {
        key: own.key,
        copy: versionOf(status),
        original: this.#toStatus(before).version,
      });
      this.#moveReaders(own);
    }
    own.former.push(own.fd);
    own.fd = fd;
    own.writable = true;
    return 0;
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
    const now = this.#driver.name === 'sync';
    syncFd((file as DirFile).fd, now, now ? done : this.#scheduler.expect(done));
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
    this.#placement.close();
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

  // A copy in the overlay hides its original.
  *#list(under: string, skipped?: (name: string, errno: number) => void) {
    const [first, ...others] = this.#placement.roots;
    const hidden = new Set<string>();
    for (const root of others.length === 0 ? [] : [first as string]) {
      for (const entry of walkFiles(root, undefined, undefined, under)) {
        hidden.add(entry.name);
        yield entry;
      }
    }
    yield* walkFiles(this.root, (name) => hidden.has(name), skipped, under);
  }

  #statusOf(file: ServerFile): ServerStatus | number {
    const status = statFd((file as DirFile).fd);
    if (typeof status === 'number') return status;
    return status.links === 0 ? -ENOENT : this.#tellStatus(file, status);
  }

  #toStatus(status: FileStatus): ServerStatus {
    const version = versionOf(status);
    const alias = this.#aliases.get(`${status.device}:${status.inode}`);
    return { size: status.size, version: alias?.copy === version ? alias.original : version };
  }

  // The status as a reply carries it, with the promise to tell of changes.
  #tellStatus({ key }: ServerFile, status: FileStatus): ServerStatus {
    const told = this.#toStatus(status);
    this.callbacks.seen(key, told.version);
    const promisedNs = this.callbacks.promise(key, told.version);
    return promisedNs === 0 ? told : { ...told, promisedNs };
  }

  // Who has the original open goes on with the copy.
  #moveReaders(own: DirFile): void {
    for (const other of this.#open) {
      if (other === own || other.key !== own.key) continue;
      const opened = this.#placement.open(other.name);
      if ('errno' in opened) continue;
      other.former.push(other.fd);
      other.fd = opened.fd;
    }
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
      else if (before.links === 0) answer(-ENOENT);
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
