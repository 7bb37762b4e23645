/**
 * A lab for programs: the engine behind promises. Made by `src/index.ts`; each call runs as a task
 * of its own, so several may be under way at once.
 */
import { createRequire } from 'node:module';
import { ErrnoError, UsageError } from '../../base/errors.js';
import { bytesOfName, nameOfBytes } from '../../base/names.js';
import { closest } from '../../base/suggest.js';
import { Lab } from '../../lab/lab.js';
import { LAB_DEFAULTS, type LabOptions } from '../../lab/options.js';
import { entriesOf } from '../../server/disk_directory.js';
import type { RenameHow } from '../../server/types.js';
import type { Task } from '../../sim/wait_queue.js';
import { printStats } from '../../trace/stats_layout.js';
import type { FinishReport } from '../../trace/types.js';
import type {
  CachedRange,
  FileAdvice,
  FileStat,
  OpenFlags,
  PageRun,
  VfsFile,
} from '../../vfs/types.js';
import { traceSink } from './trace_sink.js';
import { lossError } from './unwritten.js';

/** Options of a lab. Sizes are bytes, times nanoseconds. */
export interface OpenLabOptions
  extends Partial<
    Omit<LabOptions, 'server' | 'sink' | 'cache' | 'failAllocation' | 'mm' | 'wrapServer'>
  > {
  /** Directory that is served. */
  readonly server: string;
  /** Database to write the trace to; it must not exist. Without it nothing is traced. */
  readonly trace?: string;
}

/** An open file. Positions and counts are bytes; failures reject with `ErrnoError`. */
export interface LabFile {
  readonly path: string;
  /**
   * pread(2): up to `count` bytes at `position` into `target` at `at`; 0 at the end of the file.
   */
  read(target: Uint8Array, at: number, count: number, position: number): Promise<number>;
  /** The same if it needs no I/O and no sleep, else -1. */
  readNow(target: Uint8Array, at: number, count: number, position: number): number;
  /** pwrite(2), at the end of the file when it was opened with `append`: bytes written. */
  write(source: Uint8Array, at: number, count: number, position: number): Promise<number>;
  /** ftruncate(2). */
  truncate(size: number): Promise<void>;
  /** fsync(2): resolves when everything written is on the server, durably. */
  fsync(): Promise<void>;
  /** Writes what is dirty; do so before `close`, or errors are told to nobody. */
  flush(): Promise<void>;
  /** posix_fadvise(2); a length of 0 means to the end. */
  fadvise(advice: FileAdvice, offset?: number, length?: number): Promise<void>;
  /** readahead(2). */
  readahead(offset: number, count: number): Promise<void>;
  /** The first stretch of a range that the disk cache has, in whole pages; null: nothing of it. */
  cached(offset: number, count: number): Promise<CachedRange | null>;
  /** mincore(2): runs of resident pages. */
  mincore(): PageRun[];
  /** fstat(2), which asks the server where it has not promised to tell. */
  stat(): Promise<FileStat>;
  /** What fstat(2) would tell, as far as the client has heard. */
  fstat(): FileStat;
  close(): void;
}

/** What lstat(2) tells. */
export interface LabStat {
  readonly ino: number;
  /** Type and permissions. */
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes. */
  readonly size: number;
  readonly mtimeMs: number;
}

/**
 * The namespace, by paths relative to the server, which are not followed when they are symbolic
 * links. Failures reject with `ErrnoError`.
 */
export interface LabNames {
  /** lstat(2). */
  stat(path: string): Promise<LabStat>;
  /** The names in a directory, `.` and `..` left out. */
  readdir(path: string): Promise<string[]>;
  mkdir(path: string, mode?: number): Promise<void>;
  rmdir(path: string): Promise<void>;
  /** unlink(2): who has the file open goes on with it. */
  unlink(path: string): Promise<void>;
  rename(from: string, to: string, how?: RenameHow): Promise<void>;
  /** link(2): another name for a file. */
  link(from: string, to: string): Promise<void>;
  symlink(target: string, path: string): Promise<void>;
  readlink(path: string): Promise<string>;
  chmod(path: string, mode: number): Promise<void>;
  /** truncate(2). */
  truncate(path: string, size: number): Promise<void>;
}

/** An open lab. */
export interface PublicLab {
  /** open(2) by name relative to the server, for reading unless `flags` say more. */
  open(path: string, flags?: OpenFlags): Promise<LabFile>;
  /** Names, attributes and directories. */
  readonly names: LabNames;
  /** The statistics as the profile's kernel prints them in /proc. */
  stats(): string;
  /**
   * FIFREEZE: resolves when what is dirty has been written and nobody writes; who would then waits
   * for `thaw`. Rejects with EBUSY when the filesystem is frozen already.
   */
  freeze(): Promise<void>;
  /** FITHAW. Throws `ErrnoError` EINVAL when the filesystem is not frozen. */
  thaw(): void;
  /** What is not as it was asked for, and how the lab does without: sentences. */
  readonly warnings: readonly string[];
  /**
   * Writes what is dirty, lets everything in flight end and finishes the trace; rejects if any of
   * it fails, with the first file whose bytes are lost.
   */
  close(): Promise<FinishReport>;
}

/**
 * Opens a lab, on the real clock unless another is asked for. Rejects with `UsageError` or
 * `ErrnoError`.
 */
export async function openLab({ trace, ...given }: OpenLabOptions): Promise<PublicLab> {
  const options = { ...given, clock: given.clock ?? 'real' } as const;
  checkNames(options);
  // First without a trace, so that a lab that cannot be opened leaves no capture behind.
  if (trace !== undefined) await new Lab(options).close();
  const sink = trace === undefined ? undefined : traceSink(targetOf(trace), 'api', options);
  const lab = new Lab({ ...options, sink });
  let closed = false;
  // While it is frozen, who waits for the thaw waits for the program: that is no deadlock.
  let thawed: ((answer: unknown) => void) | undefined;
  const awaitThaw = (): void => {
    thawed ??= lab.scheduler.expect(() => undefined);
  };
  const tellThawed = (): void => {
    thawed?.(undefined);
    thawed = undefined;
  };
  return {
    async open(path, flags) {
      if (closed) throw new UsageError('lab', 'was closed', 'open another with openLab()');
      return wrap(lab, await lab.run('api', () => lab.vfs.open(path, flags)));
    },
    names: namesOf(lab),
    stats: () => printStats(lab.statistics()),
    async freeze() {
      check('freeze', await lab.run('api', () => lab.freeze()));
      awaitThaw();
    },
    thaw() {
      check('thaw', lab.freezer.thaw());
      tellThawed();
    },
    warnings: lab.warnings,
    async close() {
      closed = true;
      tellThawed();
      const report = await lab.close();
      if (report.error !== null) throw report.error;
      const [lost] = lab.unwritten;
      if (lost !== undefined) throw lossError(lost);
      return report;
    },
  };
}

function namesOf(lab: Lab): LabNames {
  const { names } = lab.vfs;
  const call = <T>(body: () => Task<T>): Promise<T> => lab.run('api', body);
  const quiet = async (body: () => Task<unknown>): Promise<void> => {
    await call(body);
  };
  return {
    async stat(path) {
      const {
        shownInode: ino,
        mode,
        links: nlink,
        uid,
        gid,
        size,
        mtime,
      } = await call(() => names.status(path));
      return { ino, mode, nlink, uid, gid, size, mtimeMs: mtime.s * 1000 + mtime.ns / 1e6 };
    },
    async readdir(path) {
      const directory = await call(() => names.openDirectory(path));
      return [...entriesOf(directory)].map(({ name }) => name);
    },
    mkdir: (path, mode = 0o777) => quiet(() => names.make(path, { mode: S_IFDIR | mode })),
    rmdir: (path) => quiet(() => names.rmdir(path)),
    unlink: (path) => quiet(() => names.unlink(path)),
    rename: (from, to, how) => quiet(() => names.rename(from, to, how)),
    link: (from, to) => quiet(() => names.link(from, to)),
    symlink: (target, path) =>
      quiet(() => names.make(path, { mode: S_IFLNK | 0o777, target: bytesOfName(target) })),
    readlink: async (path) => nameOfBytes(await call(() => names.readLink(path))),
    chmod: (path, mode) => quiet(() => names.change(path, { mode })),
    truncate: (path, size) => quiet(() => names.truncate(path, size)),
  };
}

/** Types of st_mode. */
const S_IFDIR = 0o040000;
const S_IFLNK = 0o120000;

function check(call: string, error: number): void {
  if (error < 0) throw new ErrnoError(error, call);
}

function checkNames(options: OpenLabOptions): void {
  if (typeof options.server !== 'string') {
    throw new UsageError('server', 'expected the name of a directory');
  }
  const known = ['server', ...Object.keys(LAB_DEFAULTS)];
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const near = closest(name, known);
    throw new UsageError(name, 'no such option', near === undefined ? undefined : near);
  }
}

function targetOf(out: string) {
  const require = createRequire(import.meta.url);
  const { version } = require('netfslab/package.json') as { version: string };
  return { out, commandLine: process.argv.join(' '), toolVersion: version };
}

function wrap(lab: Lab, file: VfsFile): LabFile {
  return {
    path: file.path,
    async read(target, at, count, position) {
      const now = file.readNow(target, at, count, position);
      if (now >= 0) return now;
      return lab.run('api', () => file.read(target, at, count, position));
    },
    readNow: (target, at, count, position) => file.readNow(target, at, count, position),
    write: (source, at, count, position) =>
      lab.run('api', () => file.write(source, at, count, position)),
    truncate: (size) => lab.run('api', () => file.truncate(size)),
    fsync: () => lab.run('api', () => file.fsync()),
    flush: () => lab.run('api', () => file.flush()),
    fadvise: (advice, offset, length) => lab.run('api', () => file.fadvise(advice, offset, length)),
    readahead: (offset, count) => lab.run('api', () => file.readahead(offset, count)),
    cached: (offset, count) => lab.run('api', () => file.cached(offset, count)),
    mincore: () => file.mincore(),
    stat: () => lab.run('api', () => file.stat()),
    fstat: () => file.fstat(),
    close: () => file.close(),
  };
}
