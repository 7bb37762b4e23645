/**
 * The portable I/O drivers. `sync` answers inside the call, which makes a run on the virtual clock a pure
 * function of its inputs; `libuv` hands reads to the thread pool and answers later.
 */
import fs from 'node:fs';
import { errnoFromNode } from '../base/errno.js';
import type { IoDriver, SegmentList } from './types.js';

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

/** Reads inside the call. */
export const syncDriver: IoDriver = {
  name: 'sync',
  read(fd, into, position, done) {
    let total = 0;
    try {
      for (let i = 0; i < into.count; i += IOV_MAX) {
        const batch = views(into, i);
        const got = fs.readvSync(fd, batch, position + total);
        total += got;
        if (got < byteLength(batch)) break;
      }
    } catch (error) {
      done(errnoFromNode(error));
      return;
    }
    done(total);
  },
};

/** Reads on libuv's thread pool. */
export const libuvDriver: IoDriver = {
  name: 'libuv',
  read(fd, into, position, done) {
    // The list is the caller's to use again at once, so all of it is turned into views now.
    const batches: Uint8Array[][] = [];
    for (let i = 0; i < into.count; i += IOV_MAX) batches.push(views(into, i));
    let total = 0;
    const next = (at: number): void => {
      const batch = batches[at];
      if (batch === undefined) {
        done(total);
        return;
      }
      fs.readv(fd, batch, position + total, (error, got) => {
        if (error !== null) {
          done(errnoFromNode(error));
          return;
        }
        total += got;
        if (got < byteLength(batch)) done(total);
        else next(at + 1);
      });
    };
    next(0);
  },
};
