/**
 * The portable I/O drivers. `sync` answers inside the call, which makes a run on the virtual clock
 * a pure function of its inputs; `libuv` hands reads to the thread pool and answers later.
 */
import fs from 'node:fs';
import { errnoFromNode } from '../base/errno.js';
import type { IoDone, IoDriver, SegmentList } from './types.js';

/** readv(2) takes at most this many pieces (IOV_MAX). */
const IOV_MAX = 1024;

function views(into: SegmentList, from: number): Uint8Array[] {
  const list: Uint8Array[] = [];
  for (let i = from; i < Math.min(into.count, from + IOV_MAX); i++) {
    const { memory, offset, length } = into.segments[i] as SegmentList['segments'][number];
    list.push(memory.subarray(offset, offset + length));
  }
  return list;
}

function byteLength(list: readonly Uint8Array[]): number {
  return list.reduce((sum, view) => sum + view.byteLength, 0);
}

type Vector = (fd: number, batch: Uint8Array[], position: number) => number;

function inside(vector: Vector) {
  return (fd: number, list: SegmentList, position: number, done: IoDone): void => {
    let total = 0;
    try {
      for (let i = 0; i < list.count; i += IOV_MAX) {
        const batch = views(list, i);
        const moved = vector(fd, batch, position + total);
        total += moved;
        if (moved < byteLength(batch)) break;
      }
    } catch (error) {
      done(errnoFromNode(error));
      return;
    }
    done(total);
  };
}

type AsyncVector = (
  fd: number,
  batch: Uint8Array[],
  position: number,
  callback: (error: NodeJS.ErrnoException | null, moved: number) => void,
) => void;

function onThreads(vector: AsyncVector) {
  return (fd: number, list: SegmentList, position: number, done: IoDone): void => {
    // The list is the caller's to use again at once, so all of it is turned into views now.
    const batches: Uint8Array[][] = [];
    for (let i = 0; i < list.count; i += IOV_MAX) batches.push(views(list, i));
    let total = 0;
    const next = (at: number): void => {
      const batch = batches[at];
      if (batch === undefined) {
        done(total);
        return;
      }
      vector(fd, batch, position + total, (error, moved) => {
        if (error !== null) {
          done(errnoFromNode(error));
          return;
        }
        total += moved;
        if (moved < byteLength(batch)) done(total);
        else next(at + 1);
      });
    };
    next(0);
  };
}

/** Reads and writes inside the call. */
export const syncDriver: IoDriver = {
  name: 'sync',
  read: inside((fd, batch, position) => fs.readvSync(fd, batch, position)),
  write: inside((fd, batch, position) => fs.writevSync(fd, batch, position)),
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
};
