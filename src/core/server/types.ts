/**
 * What a network filesystem client asks of a server. A server has files with a status and a
 * version, answers fetches in its own time, and counts what it was asked.
 */
import type { SegmentList } from '../io/types.js';

/** A file's status as a reply carries it. */
export interface ServerStatus {
  /** Bytes. */
  readonly size: number;
  /** Changes whenever the content may have changed (AFS: the data version). */
  readonly version: string;
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

/** What was asked of a server since it was made. */
export interface ServerCounters {
  /** Fetches answered, failed ones included. */
  fetches: number;
  /** Bytes sent. */
  bytes: number;
  /** Most fetches in service at once. */
  maxInService: number;
}

/** A server. */
export interface Server {
  /** Real path of the directory that is served; names the volume in a cache. */
  readonly root: string;
  readonly counters: ServerCounters;
  /** Opens a regular file by its name relative to the server's root. */
  open(name: string): ServerFile | OpenRefused;
  /** The file's status now, or a negative errno. */
  getStatus(file: ServerFile): ServerStatus | number;
  /** Reads from `position`; answers exactly once, before the call returns or later. */
  fetch(
    file: ServerFile,
    position: number,
    into: FetchTarget,
    done: (reply: FetchReply) => void,
  ): void;
  /** Ends the use of an opened file; no fetch of it is in service. */
  close(file: ServerFile): void;
  /** Changes a regular file as another client of the server would: 0, or a negative errno. */
  change(name: string, change: ForeignChange): number;
  /**
   * Names and sizes (bytes) of the regular files beneath a directory, in a fixed order; `skipped`
   * is told of unreadable directories and names that cannot be spelled.
   */
  list(
    under?: string,
    skipped?: (name: string, errno: number) => void,
  ): Iterable<{ name: string; size: number }>;
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
