/**
 * The I/O drivers. `sync` answers inside the call, which makes a run on the virtual clock a pure
 * function of its inputs; `libuv` hands reads to the thread pool and answers later; `uring` is
 * Linux's io_uring, and `sqpoll` the same with a thread of the kernel's that takes operations over.
 * The lab opens one for its life.
 */
import fs from 'node:fs';
import { EINTR, EINVAL, errnoFromNode } from '../base/errno.js';
import { ErrnoError } from '../base/errors.js';
import type { DriverName, IoDone, IoDriver, SegmentList } from './types.js';
import { UringDriver } from './uring.js';

/** readv(2) takes at most this many pieces (IOV_MAX). */
const IOV_MAX = 1024;

/** What an operation still has to do. */
class Rest {
  position: number;
  moved = 0;
  #views: Uint8Array[];

  /** The list is the caller's to use again at once, so all of it is turned into views here. */
  constructor({ count, segments }: SegmentList, position: number) {
    this.position = position;
    this.#views = segments
      .slice(0, count)
      .map(({ memory, offset, length }) => memory.subarray(offset, offset + length));
  }

  /** What one system call can take of it; undefined when there is nothing left. */
  get batch(): Uint8Array[] | undefined {
    const views = this.#views;
    if (views.length === 0) return undefined;
    return views.length <= IOV_MAX ? views : views.slice(0, IOV_MAX);
  }

  /** Takes the result of a system call: that of the operation, or undefined if it goes on. */
  after(result: number): number | undefined {
    if (result === -EINTR) return undefined;
    if (result > 0) return this.#advance(result);
    // Direct I/O that goes on at an odd end of a file.
    const atEnd = result === 0 || (result === -EINVAL && this.moved > 0);
    return atEnd ? this.moved : result;
  }

  #advance(bytes: number): number | undefined {
    this.moved += bytes;
    this.position += bytes;
    let left = bytes;
    let whole = 0;
    while (whole < this.#views.length) {
      const { byteLength } = this.#views[whole] as Uint8Array;
      if (byteLength > left) break;
      left -= byteLength;
      whole++;
    }
    if (whole === this.#views.length) return this.moved;
    this.#views = this.#views.slice(whole);
    this.#views[0] = (this.#views[0] as Uint8Array).subarray(left);
    return undefined;
  }
}

/** preadv(2) or pwritev(2): bytes moved; throws as Node.js does. */
export type Vector = (fd: number, batch: Uint8Array[], position: number) => number;

/** An operation that is performed inside the call. */
export function insideCall(vector: Vector): IoDriver['read'] {
  const attempt = (fd: number, batch: Uint8Array[], position: number): number => {
    try {
      return vector(fd, batch, position);
    } catch (error) {
      return errnoFromNode(error);
    }
  };
  return (fd, list, position, done) => {
    const rest = new Rest(list, position);
    for (;;) {
      const { batch } = rest;
      const result = rest.after(batch === undefined ? 0 : attempt(fd, batch, rest.position));
      if (result !== undefined) return done(result);
    }
  };
}

/** As `Vector`, answered later. */
export type AsyncVector = (
  fd: number,
  batch: Uint8Array[],
  position: number,
  callback: (error: NodeJS.ErrnoException | null, moved: number) => void,
) => void;

/** An operation that is performed elsewhere and answered later. */
export function onThreads(vector: AsyncVector): IoDriver['read'] {
  return (fd: number, list: SegmentList, position: number, done: IoDone): void => {
    const rest = new Rest(list, position);
    const next = (): void => {
      const { batch } = rest;
      if (batch === undefined) {
        setImmediate(done, rest.moved);
        return;
      }
      vector(fd, batch, rest.position, (error, moved) => {
        const result = rest.after(error === null ? moved : errnoFromNode(error));
        if (result === undefined) next();
        else done(result);
      });
    };
    next();
  };
}

function readBatch(fd: number, batch: Uint8Array[], position: number): number {
  const [only] = batch;
  // Node.js takes longer over a list of one.
  if (batch.length === 1 && only !== undefined)
    return fs.readSync(fd, only, 0, only.byteLength, position);
  return fs.readvSync(fd, batch, position);
}

/** Reads and writes inside the call. */
export const syncDriver: IoDriver = {
  name: 'sync',
  read: insideCall(readBatch),
  write: insideCall((fd, batch, position) => fs.writevSync(fd, batch, position)),
  close: () => {},
};

/** Reads and writes on libuv's thread pool. */
export const libuvDriver: IoDriver = {
  name: 'libuv',
  read: onThreads((fd, batch, position, callback) => {
    fs.readv(fd, batch, position, callback);
  }),
  write: onThreads((fd, batch, position, callback) => {
    fs.writev(fd, batch, position, callback);
  }),
  close: () => {},
};

/** Every driver, one row each; opening one throws an `ErrnoError` where it cannot be had. */
export const DRIVERS = {
  sync: () => syncDriver,
  libuv: () => libuvDriver,
  uring: () => new UringDriver('uring'),
  sqpoll: () => new UringDriver('sqpoll'),
} as const satisfies Record<DriverName, () => IoDriver>;

/** What `--io` can say. */
export type IoChoice = DriverName | 'auto';

/** A driver, and what has to be said about it. */
export interface OpenedDriver {
  readonly driver: IoDriver;
  readonly warning: string | undefined;
}

/**
 * Opens the driver asked for; `auto` is `sync` on the virtual clock, else `uring`, and `libuv` with
 * a warning where io_uring cannot be had. Throws an `ErrnoError` when it was asked for by name.
 */
export function openDriver(
  choice: IoChoice,
  clock: 'virtual' | 'real',
  drivers: Record<DriverName, () => IoDriver> = DRIVERS,
): OpenedDriver {
  if (choice === 'auto' && clock === 'virtual') {
    return { driver: drivers.sync(), warning: undefined };
  }
  try {
    return { driver: drivers[choice === 'auto' ? 'uring' : choice](), warning: undefined };
  } catch (cause) {
    const { code, syscall, errno } = cause as ErrnoError;
    if (choice === 'auto') {
      const warning = `no io_uring here (${code}, ${syscall}): libuv's threads are used, slower`;
      return { driver: drivers.libuv(), warning };
    }
    throw new ErrnoError(errno, syscall, undefined, { cause, hint: 'ask for --io libuv' });
  }
}
