/**
 * What a network filesystem client asks of a server. A server has files with a status and a
 * version, answers fetches in its own time, and counts what it was asked.
 */
import type { Attributes, Moment } from '../io/at_calls.js';
import type { SegmentList } from '../io/types.js';
import type { Task } from '../sim/wait_queue.js';
import type { CallbackTable } from './callbacks.js';

/** A file's status as a reply carries it. */
export interface ServerStatus {
  /** Bytes. */
  readonly size: number;
  /** Changes whenever the content may have changed (AFS: the data version). */
  readonly version: string;
  /** For how long the server will tell of a change, nanoseconds; absent or 0: it will not. */
  readonly promisedNs?: number;
}

/** A file opened on the server. */
export interface ServerFile {
  /** The same for every opening of the same file, different for different files. */
  readonly key: string;
  /** Inode number on the server. */
  readonly ino: number;
  readonly name: string;
  /** Status when it was opened. */
  readonly status: ServerStatus;
}

/** Why a file could not be opened: negative errno, and what to say about it. */
export interface OpenRefused {
  readonly errno: number;
  readonly why?: string;
}

/** The answer to a fetch. */
export interface FetchReply {
  /** Bytes sent (fewer than asked at the end of the file) or a negative errno. */
  readonly result: number;
  /** Status after the read; undefined when it could not be had. */
  readonly status: ServerStatus | undefined;
}

/** Memory a fetch reads into; asked for its pieces when the data arrives. */
export interface FetchTarget {
  /** Bytes wanted. */
  readonly count: number;
  segments(list: SegmentList): void;
}

/** A change made to a file by somebody else than the client. Positions and lengths are bytes. */
export interface ForeignChange {
  /** The length that the file is cut or extended to, before anything is written. */
  readonly size?: number;
  readonly position?: number;
  readonly bytes?: Uint8Array;
}

/** Memory that a store takes data from, under the same rules. */
export interface StoreSource extends FetchTarget {
  /** Goes past `bytes` bytes that have been taken. */
  advance(bytes: number): void;
}

/** The answer to an operation that changes a file. */
export interface ChangeReply {
  /** 0 or a negative errno. */
  readonly result: number;
  /** Status after the operation; undefined when it could not be had. */
  readonly status: ServerStatus | undefined;
  /**
   * Version before the operation. If it is not the client's, somebody else has changed the file
   * meanwhile (AFS: the version did not go up by one).
   */
  readonly before: string;
}

/** What was asked of a server since it was made. */
export interface ServerCounters {
  /** Fetches answered, failed ones included. */
  fetches: number;
  /** Bytes sent. */
  bytes: number;
  /** Stores answered, failed ones included, and bytes taken. */
  stores: number;
  storedBytes: number;
  /** Times that a file's status was asked for, each file of a question by itself. */
  statuses: number;
  /** Promises broken: a file was changed by somebody else than its client. */
  breaks: number;
  /** Most operations in service at once. */
  maxInService: number;
}

/** A server. */
export interface Server {
  /** Real path of the directory that is served; names the volume in a cache. */
  readonly root: string;
  readonly counters: ServerCounters;
  /** What it has promised to tell of. */
  readonly callbacks: CallbackTable;
  /** Opens a regular file by its name relative to the server's root. */
  open(name: string): ServerFile | OpenRefused;
  /**
   * Tells, in one reply, the status of each file, or a negative errno; -ENOENT: it has been
   * removed. Answers exactly once, before the call returns or later.
   */
  getStatus(
    files: readonly ServerFile[],
    done: (statuses: readonly (ServerStatus | number)[]) => void,
  ): void;
  /**
   * No operation: a chance for the server to notice that somebody else has changed the file, of
   * which a real one is told.
   */
  look(file: ServerFile): void;
  /** Reads from `position`; answers exactly once, before the call returns or later. */
  fetch(
    file: ServerFile,
    position: number,
    into: FetchTarget,
    done: (reply: FetchReply) => void,
  ): void;
  /** Makes a regular file, empty; -EEXIST: there is one already, -EROFS: nothing can be written. */
  create(name: string): ServerFile | OpenRefused;
  /**
   * Allows changes of an opened file from now on: 0, or -EROFS, -EACCES, ... Content and version
   * stay as they are.
   */
  makeWritable(file: ServerFile): number;
  /**
   * Writes at `position`; the file is then at least `size` bytes long. All or an error, after which
   * part of it may have been written. Answers exactly once, before the call returns or later. The
   * memory must not change until then.
   */
  store(
    file: ServerFile,
    position: number,
    from: StoreSource,
    size: number,
    done: (reply: ChangeReply) => void,
  ): void;
  /** Cuts the file off or extends it with zeros; answers as `store` does. */
  setSize(file: ServerFile, size: number, done: (reply: ChangeReply) => void): void;
  /** Makes what was stored durable: answers once with 0 or a negative errno. */
  sync(file: ServerFile, done: (result: number) => void): void;
  /** The status of an open file, whatever it is called now. */
  nodeStatus(file: ServerFile): NodeStatus | number;
  /** As `Namespace.change`, of an open file. */
  changeOpen(file: ServerFile, change: AttributeChange): number;
  /** lseek(2) with SEEK_DATA or SEEK_HOLE. */
  seek(file: ServerFile, position: number, what: 'data' | 'hole'): number;
  /** fallocate(2): answers as `store` does. */
  allocate(
    file: ServerFile,
    mode: number,
    position: number,
    length: number,
    done: (reply: ChangeReply) => void,
  ): void;
  /** The last name of a file was removed here: who has it open goes on with it. */
  unlinked(key: string): void;
  /** Ends the use of the server. */
  shutDown(): void;
  /** Ends the use of an opened file; no fetch of it is in service. */
  close(file: ServerFile): void;
  /** Changes a regular file as another client of the server would: 0, or a negative errno. */
  change(name: string, change: ForeignChange): number;
  /**
   * The regular files beneath a directory, in the order of their names; `skipped`
   * is told of unreadable directories and names that cannot be spelled.
   */
  list(under?: string, skipped?: (name: string, errno: number) => void): Iterable<ListedFile>;
  /**
   * The regular files right in a directory, in its own order; undefined: it has more than `most`
   * entries.
   */
  filesIn(directory: string, most: number): readonly ListedFile[] | undefined;
  /** Names, attributes and directories. */
  readonly namespace: Namespace;
  /** To be waited for before `makeWritable` of a file of this name: 0 or a negative errno. */
  prepareWriting(name: string): Task<number>;
}

/** A regular file as a listing tells it. */
export interface ListedFile {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** When it was last changed, milliseconds. */
  readonly modifiedMs: number;
}

/** How long a server takes. */
export interface ServiceOptions {
  /** Time from request to reply, nanoseconds. */
  readonly latencyNs: number;
  /** Up to this much more at random, nanoseconds. */
  readonly jitterNs: number;
  /** Bytes per second that all replies share; 0 = unlimited. */
  readonly bandwidth: number;
  /** Fetches in service at once; 0 = unlimited. */
  readonly maxConcurrent: number;
}

/** What a server is asked for when it is made. */
export interface ServerOptions extends ServiceOptions {
  /** What becomes of writes: kept in a directory over the served one, made in place, refused. */
  readonly writes: 'overlay' | 'direct' | 'refuse';
  /** Directory of the overlay; undefined: one that is removed at the end. */
  readonly overlay: string | undefined;
  /** How long a promise to tell of changes holds, nanoseconds; 0 = none is made. */
  readonly callbackNs: number;
}

/** A file of any kind that is to be made. */
export interface NewNode {
  /** Type (S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO, S_IFSOCK) and permissions. */
  readonly mode: number;
  /** Owner; undefined: the user of this process. */
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** Where a symbolic link leads, bytes. */
  readonly target?: Uint8Array;
}

/** What of a file's attributes is to be changed; what is undefined stays. */
export interface AttributeChange {
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  readonly mode?: number | undefined;
  readonly atime?: Moment | 'now' | undefined;
  readonly mtime?: Moment | 'now' | undefined;
  /** An owner that cannot be set is no error: of a copy made without the right to. */
  readonly lenient?: boolean;
}

/** A file of any kind as a server tells it. */
export interface NodeStatus extends Attributes {
  /** As of `ServerFile`: tells files apart, whatever they are called. */
  readonly key: string;
  /** st_ino: as `inode`, but kept when an overlay takes a file over. */
  readonly shownInode: number;
}

/** An entry of a directory. */
export interface DirectoryEntry {
  /** Where to go on behind it. */
  readonly cookie: bigint;
  readonly name: string;
  /** Type as d_type: st_mode >> 12; 0: not known. */
  readonly type: number;
  readonly inode: number;
}

/** An open directory. */
export interface OpenDirectory {
  /**
   * The next entries behind a cookie (0: from the beginning), `.` and `..` included; none at the
   * end. What is made or removed meanwhile may be told or not, everything else once.
   */
  read(cookie: bigint): DirectoryEntry[] | number;
  close(): void;
}

/** What renaming may do. */
export interface RenameHow {
  /** -EEXIST if the new name is taken. */
  readonly noReplace?: boolean;
  /** Both names are there and change places. */
  readonly exchange?: boolean;
}

/** What statfs(2) tells: blocks are of `blockSize` bytes. */
export interface FilesystemStatus {
  readonly blockSize: number;
  readonly blocks: number;
  readonly blocksFree: number;
  readonly blocksAvailable: number;
  readonly files: number;
  readonly filesFree: number;
  readonly nameMax: number;
}

/**
 * The names of a server. Paths are relative to its root, '' being the root itself; parts are never
 * followed when they are symbolic links, and nothing outside the root is reached (-ELOOP, -ENOTDIR,
 * -EXDEV). Every number below 0 is an errno. What may take long is a task.
 */
export interface Namespace {
  status(path: string): Task<NodeStatus | number>;
  /** The status of names in a directory: one operation, as FS.InlineBulkStatus. */
  statuses(directory: string, names: readonly string[]): Task<readonly (NodeStatus | number)[]>;
  /** Owner, permissions and times. The size is `Server.setSize`'s. */
  change(path: string, change: AttributeChange): Task<number>;
  make(path: string, node: NewNode): Task<NodeStatus | number>;
  /** Removes a file of any kind, or with `directory` a directory that is empty. */
  remove(path: string, directory: boolean): Task<number>;
  rename(from: string, to: string, how: RenameHow): Task<number>;
  link(from: string, to: string): Task<number>;
  readLink(path: string): Task<Uint8Array | number>;
  openDirectory(path: string): Task<OpenDirectory | number>;
  /** Makes the names in a directory durable. */
  syncDirectory(path: string): Task<number>;
  /** Values of at most 64 KiB; `how`: 0, or XATTR_CREATE 1, XATTR_REPLACE 2. */
  getXattr(path: string, name: string): Task<Uint8Array | number>;
  setXattr(path: string, name: string, value: Uint8Array, how: number): Task<number>;
  removeXattr(path: string, name: string): Task<number>;
  listXattr(path: string): Task<string[] | number>;
  /** Whatever has to be copied for the file to be changed in place is: 0 or a negative errno. */
  prepareWriting(path: string): Task<number>;
  filesystem(): FilesystemStatus | number;
  /** The version of a file with this status, as in `ServerStatus`. */
  version(status: NodeStatus): string;
}
