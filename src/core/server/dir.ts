/**
 * The local-directory server: serves the regular files beneath a directory, and nothing outside it.
 * Called by the network filesystem clients; reads through the lab's I/O driver.
 *
 * A file's version is its modification time, size and inode: what can be known of a local file
 * without reading it. A change that keeps all three is not seen.
 */
import {
  changeBeneath,
  closeFd,
  openBeneath,
  resolveRoot,
  statFd,
  walkFiles,
} from '../io/files.js';
import { makeSegmentList } from '../io/segments.js';
import type { FileStatus, IoDriver } from '../io/types.js';
import type { Prng } from '../sim/prng.js';
import type { Scheduler } from '../sim/scheduler.js';
import { ServiceQueue } from './service_queue.js';
import type {
  FetchReply,
  FetchTarget,
  ForeignChange,
  OpenRefused,
  Server,
  ServerCounters,
  ServerFile,
  ServerStatus,
  ServiceOptions,
} from './types.js';

interface DirFile extends ServerFile {
  readonly fd: number;
}

/** The version of a file with this status. */
export function versionOf({ size, mtime, inode }: FileStatus): string {
  return `${mtime}.${size}.${inode}`;
}

function toStatus(status: FileStatus): ServerStatus {
  return { size: status.size, version: versionOf(status) };
}

/** Serves a directory. */
export class DirServer implements Server {
  /** The real path of the directory. */
  readonly root: string;
  readonly counters: ServerCounters = { fetches: 0, bytes: 0, maxInService: 0 };
  readonly #driver: IoDriver;
  readonly #scheduler: Scheduler;
  readonly #queue: ServiceQueue;
  readonly #segments = makeSegmentList();

  /** Throws an `ErrnoError` when the directory cannot be served. */
  constructor(
    directory: string,
    driver: IoDriver,
    scheduler: Scheduler,
    prng: Prng,
    options: ServiceOptions,
  ) {
    this.root = resolveRoot(directory);
    this.#driver = driver;
    this.#scheduler = scheduler;
    this.#queue = new ServiceQueue(scheduler, prng, options, this.counters);
  }

  open(name: string): DirFile | OpenRefused {
    const opened = openBeneath(this.root, name);
    if ('errno' in opened) return opened;
    const { fd, status } = opened;
    return {
      key: `${status.device}:${status.inode}`,
      ino: status.inode,
      name,
      fd,
      status: toStatus(status),
    };
  }

  getStatus(file: ServerFile): ServerStatus | number {
    const status = statFd((file as DirFile).fd);
    return typeof status === 'number' ? status : toStatus(status);
  }

  fetch(
    file: ServerFile,
    position: number,
    into: FetchTarget,
    done: (reply: FetchReply) => void,
  ): void {
    this.#queue.submit(into.count, (ended) => {
      const finish = (result: number): void => {
        if (result > 0) this.counters.bytes += result;
        const status = this.getStatus(file);
        ended();
        done({ result, status: typeof status === 'number' ? undefined : status });
      };
      into.segments(this.#segments);
      const answer = this.#driver.name === 'sync' ? finish : this.#scheduler.expect(finish);
      this.#driver.read((file as DirFile).fd, this.#segments, position, answer);
    });
  }

  close(file: ServerFile): void {
    closeFd((file as DirFile).fd);
  }

  change(name: string, { size, position = 0, bytes }: ForeignChange): number {
    return changeBeneath(this.root, name, size, bytes, position);
  }

  list(
    under = '',
    skipped?: (name: string, errno: number) => void,
  ): Iterable<{ name: string; size: number }> {
    return walkFiles(this.root, undefined, skipped, under);
  }
}
