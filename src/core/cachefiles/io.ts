/**
 * I/O of a cache: choosing between cache and server, reading back, storing. Straight between page
 * frames and the object's file. Plays fs/cachefiles/io.c; the read helper calls it through
 * `CacheOps`. Spec: BEHAVIOUR 4.3 to 4.5, 4.10.
 */
import { EIO, ENOBUFS, ENODATA, ENXIO, EOPNOTSUPP, ESTALE } from '../base/errno.js';
import { PAGE_SIZE, roundDown, roundUp } from '../base/range.js';
import { makeSegmentList } from '../io/segments.js';
import type { AddressSpace } from '../mm/address_space.js';
import type { IovIter } from '../mm/iov_iter.js';
import { SREQ_COPY_TO_CACHE, type Subrequest } from '../netfs/objects.js';
import { SOURCE_LABELS } from '../netfs/requests.js';
import type { ByteRange, CacheOps, CacheResources, Source, Terminated } from '../netfs/types.js';
import type { MaybeTask, Task } from '../sim/wait_queue.js';
import {
  cachefilesErrorTraces,
  cachefilesIoError,
  cachefilesPrepareReadTraces,
  cachefilesPrepRead,
  cachefilesRead,
  cachefilesWrite,
} from '../trace/events/cachefiles.js';
import { netfslabPrepRead, netfslabVerdicts } from '../trace/events/own.js';
import type { Tracer } from '../trace/tracer.js';
import type { Cachefiles } from './cache.js';
import { checksums, PageVerifier } from './checksums.js';
import type { DataFile } from './data_file.js';
import { type CachefilesObject, type Operation, operationOf } from './object.js';
import { SourceChooser, type Verdict } from './verdict.js';

/**
 * Stores under way at which readers wait. Each holds a file of the server and one of the cache
 * open: a disk that is slower than the server must not use up the descriptors.
 */
const STORES_MAX = 32;

/** The cache operations of one lab. */
export class CacheIo implements CacheOps {
  readonly #cache: Cachefiles;
  readonly #tracer: Tracer;
  readonly #chooser: SourceChooser;
  readonly #segments = makeSegmentList();
  readonly #verifier: PageVerifier;
  #storing = 0;
  /**
   * Present only where granules are larger than a page, so that the kernel's events stay as they
   * are.
   */
  readonly expandReadahead?: CacheOps['expandReadahead'];

  /** `tracer` takes the events of cachefiles. */
  constructor(cache: Cachefiles, tracer: Tracer) {
    this.#cache = cache;
    this.#tracer = tracer;
    this.#chooser = new SourceChooser(cache);
    const { granule, verify } = cache.options;
    this.#verifier = new PageVerifier(verify, cache.room.blockSize);
    if (granule > PAGE_SIZE) {
      this.expandReadahead = (_cres, range, iSize) => expandToGranules(range, granule, iSize);
    }
  }

  endOperation(cres: CacheResources): void {
    operationOf(cres).end();
    this.#cache.checkpointer.tick();
  }

  prepareRead(subreq: Subrequest, iSize: number): MaybeTask<Source> {
    const operation = operationOf(subreq.rreq.cache);
    const waits = this.#chooser.needsFile(operation, subreq.start, iSize);
    if (waits || this.#storing >= STORES_MAX) return this.#chooseLater(operation, subreq, iSize);
    return this.#choose(operation, subreq, iSize);
  }

  *#chooseLater(operation: Operation, subreq: Subrequest, iSize: number): Task<Source> {
    while (this.#storing >= STORES_MAX) yield this.#cache.stored;
    if (this.#chooser.needsFile(operation, subreq.start, iSize)) yield* operation.waitForData();
    return this.#choose(operation, subreq, iSize);
  }

  #choose(operation: Operation, subreq: Subrequest, iSize: number): Source {
    const verdict = this.#chooser.choose(operation, subreq, iSize);
    subreq.len = verdict.len;
    const asks = this.#cache.options.behaviour.roomAskedBy === 'prepare_read';
    if (verdict.store && (!asks || this.#hasRoom(verdict.len))) subreq.flags |= SREQ_COPY_TO_CACHE;
    this.#traceVerdict(operation, subreq, verdict);
    return verdict.source;
  }

  // Counts and records why a source was chosen.
  #traceVerdict(operation: Operation, subreq: Subrequest, { source, why, len }: Verdict): void {
    const { counters, tracer, options } = this.#cache;
    counters.reasons[why] = (counters.reasons[why] ?? 0) + 1;
    const { rreq, debugIndex, start, flags } = subreq;
    const label = SOURCE_LABELS[source];
    if (!options.behaviour.events) {
      const id = netfslabVerdicts.id[why];
      netfslabPrepRead.emit(tracer, rreq.debugId, debugIndex, label, id, start, len);
      return;
    }
    cachefilesPrepRead.emit(
      this.#tracer,
      rreq.debugId,
      debugIndex,
      label,
      cachefilesPrepareReadTraces.id[why],
      flags,
      start,
      len,
      rreq.inode.ino,
      operation.inode,
    );
  }

  // Counts a refusal for want of room.
  #hasRoom(bytes: number): boolean {
    if (this.#cache.hasRoom(0, bytes)) return true;
    this.#cache.counters.noSpace++;
    return false;
  }

  read(
    cres: CacheResources,
    start: number,
    iter: IovIter,
    seekFirst: boolean,
    done: Terminated,
  ): void {
    const operation = operationOf(cres);
    const { data } = operation;
    const { counters, backing } = this.#cache;
    const skipped = seekFirst ? this.#zeroHole(data.fd, start, iter) : 0;
    if (skipped < 0 || iter.count === 0) {
      done(skipped, false);
      return;
    }
    const { count, position, mapping } = iter;
    counters.reads++;
    this.#began(operation.object, 'read', start + skipped, count);
    this.#perform(
      'read',
      operation,
      (answer) => {
        iter.segments(this.#segments);
        backing.driver.read(data.fd, this.#segments, start + skipped, answer);
      },
      (result, wasAsync) => {
        if (result > 0) counters.readBytes += Math.min(result, count);
        let outcome = skipped + Math.min(result, count);
        if (result < 0) this.#failed(operation.object, 'read', result);
        if (operation.outdated) outcome = -ESTALE;
        else if (result < 0) outcome = result;
        else if (!this.#verify(data, mapping, position, result, count)) outcome = -EIO;
        done(outcome, wasAsync);
        operation.object.put('put_ioreq');
      },
    );
  }

  // Zeroes the hole in front of the next data: bytes zeroed, or a negative errno.
  #zeroHole(fd: number, start: number, iter: IovIter): number {
    const data = this.#cache.backing.seekData(fd, start);
    if (data < 0 && data !== -ENXIO) return data;
    const hole = data < 0 ? iter.count : Math.min(iter.count, data - start);
    if (hole > 0) iter.zero(hole);
    return hole;
  }

  queryOccupancy(cres: CacheResources, range: ByteRange, granularity: number): ByteRange | number {
    const { options, room } = this.#cache;
    const operation = operationOf(cres);
    // A new object may not have its file yet.
    if (!operation.hasData) return -ENODATA;
    const unit = Math.max(granularity, room.blockSize);
    const end = range.start + range.len;
    const found = this.#extent(operation.data, range.start, end);
    if (typeof found === 'number') return found;
    const from = roundUp(found.from, unit);
    const to = roundDown(found.to, unit);
    if (from >= end || to <= from) return -ENODATA;
    if (to <= end) return { start: from, len: to - from };
    // The kernel gives the length that was asked for even if the data begins later.
    return { start: from, len: options.compat ? range.len : end - from };
  }

  // The first stretch of data from `start` on, which may reach beyond `end`.
  #extent(
    { fd, map, identity }: DataFile,
    start: number,
    end: number,
  ): { from: number; to: number } | number {
    const { backing, options } = this.#cache;
    const seek = options.presence === 'seek';
    const { size } = identity;
    const from = seek ? backing.seekData(fd, start) : map.next(true, start, end, size);
    if (from === -ENXIO || from >= end) return -ENODATA;
    if (from < 0) return -ENOBUFS;
    const hole = options.presence === 'map' ? size : backing.seekHole(fd, from);
    const unknown = !seek && hole === -EOPNOTSUPP;
    if (hole < 0 && !unknown) return hole === -ENXIO ? -ENODATA : -ENOBUFS;
    if (seek) return { from, to: hole };
    const absent = map.next(false, from, roundUp(size, PAGE_SIZE), size);
    return { from, to: options.presence === 'map' || unknown ? absent : Math.min(hole, absent) };
  }

  // The disk is asked how much room there is, which takes its time where a worker does it: a store
  // that began before has usually ended meanwhile.
  *prepareWrite(subreq: Subrequest, _iSize: number): Task<number> {
    roundToPages(subreq);
    const { options, scheduler } = this.#cache;
    if (!(yield* operationOf(subreq.rreq.cache).waitForData())) return -ENOBUFS;
    if (options.behaviour.onWorker && scheduler.clock.kind === 'virtual') {
      yield* scheduler.sleep(options.latencyNs * 1.5);
    }
    // v5.13 asks before the download only.
    const asked = options.compat && options.behaviour.roomAskedBy === 'prepare_read';
    return asked || this.#hasRoom(subreq.len) ? 0 : -ENOBUFS;
  }

  /** Whether whole pages may be written: what has its space already needs no room. */
  prepareWriteThrough(cres: CacheResources, start: number, length: number): MaybeTask<number> {
    const operation = operationOf(cres);
    if (operation.hasData) return this.#mayOverwrite(operation.data, start, length);
    return this.#overwriteLater(operation, start, length);
  }

  *#overwriteLater(operation: Operation, start: number, length: number): Task<number> {
    const made = yield* operation.waitForData();
    return made ? this.#mayOverwrite(operation.data, start, length) : -ENOBUFS;
  }

  #mayOverwrite(data: DataFile, start: number, length: number): number {
    const { backing } = this.#cache;
    const from = backing.seekData(data.fd, start);
    if (from < 0 && from !== -ENXIO && from !== -EOPNOTSUPP) return from;
    if (from < 0 || from >= start + length) return this.#hasRoom(length) ? 0 : -ENOBUFS;
    if (this.#cache.hasRoom(0, length)) return 0;
    if (backing.seekHole(data.fd, from) >= start + length) return 0;
    this.#cache.counters.noSpace++;
    return this.#giveUp(data, start, length);
  }

  // What cannot be overwritten is not kept either: 0 or a negative errno.
  #giveUp(data: DataFile, start: number, length: number): number {
    const { backing, checkpointer } = this.#cache;
    const first = start / PAGE_SIZE;
    const end = first + length / PAGE_SIZE;
    for (let block = first; block < end; block++) data.map.clear(block);
    const error = checkpointer.unpublishNow(data, first, end);
    return error < 0 ? error : backing.punch(data.fd, start, length);
  }

  write(cres: CacheResources, start: number, iter: IovIter, done: Terminated): void {
    const operation = operationOf(cres);
    const { data } = operation;
    const { checkpointer, room } = this.#cache;
    const { count } = iter;
    const first = start / PAGE_SIZE;
    const end = first + count / PAGE_SIZE;
    if (!this.#mayStore(data, start, count)) {
      this.#giveUp(data, start, count);
      checkpointer.changed(data, 0);
      data.changed();
      done(-ENOBUFS, false);
      return;
    }
    for (let block = first; block < end; block++) data.map.clear(block);
    room.store(count);
    this.#storing++;
    if (data.waiting === undefined && !data.map.isPublished(first, end)) {
      this.#store(operation, start, iter, done);
      return;
    }
    checkpointer.unpublish(data, first, end, (error) => {
      if (error === 0) this.#store(operation, start, iter, done);
      else {
        this.#storeEnded(data, count);
        done(error, true);
      }
    });
  }

  // No map on disk says anything of the blocks.
  #store(operation: Operation, start: number, iter: IovIter, done: Terminated): void {
    const { object, data } = operation;
    const { counters, backing, checkpointer } = this.#cache;
    const { count } = iter;
    const first = start / PAGE_SIZE;
    const sums = checksums(iter.mapping, start, count);
    counters.writes++;
    this.#began(object, 'write', start, count);
    this.#perform(
      'write',
      operation,
      (answer) => {
        iter.segments(this.#segments);
        backing.driver.write(data.fd, this.#segments, start, answer);
      },
      (result, wasAsync) => {
        this.#storeEnded(data, count);
        if (result < 0) this.#failed(object, 'write', result);
        if (operation.outdated) {
          counters.outdatedStores++;
          const within = Math.min(start + result, data.identity.size) - start;
          counters.outdatedBytes += Math.max(0, within);
        } else if (result === count) {
          counters.writtenBytes += result;
          for (let i = 0; i < sums.length; i++) data.map.set(first + i, sums[i] as number);
          checkpointer.changed(data, result);
        }
        done(result, wasAsync);
        object.put('put_ioreq');
      },
    );
  }

  #storeEnded(data: DataFile, count: number): void {
    this.#cache.room.store(-count);
    data.changed();
    this.#storing--;
    this.#cache.stored.wakeAll();
  }

  // Room may have gone since a store was prepared. What has its blocks needs no more.
  #mayStore({ fd }: DataFile, start: number, count: number): boolean {
    const { room, backing } = this.#cache;
    if (room.fits(count)) return true;
    return backing.seekData(fd, start) === start && backing.seekHole(fd, start) >= start + count;
  }

  // An I/O of the cache begins.
  #began(object: CachefilesObject, kind: 'read' | 'write', start: number, count: number): void {
    object.get('get_ioreq');
    const event = kind === 'read' ? cachefilesRead : cachefilesWrite;
    event.emit(this.#tracer, object.debugId, object.inode, start, count);
  }

  // The filesystem of the cache answered an I/O with an error.
  #failed({ debugId, inode }: CachefilesObject, kind: 'read' | 'write', error: number): void {
    cachefilesIoError.emit(this.#tracer, debugId, inode, cachefilesErrorTraces.id[kind], error);
  }

  // On the virtual clock an operation takes its modelled time; on the real one as long as it takes,
  // which with the sync driver is over before the loop goes on.
  #perform(
    kind: 'read' | 'write',
    operation: Operation,
    start: (answer: (result: number) => void) => void,
    terminated: Terminated,
  ): void {
    const { scheduler, backing, options, broken } = this.#cache;
    if (broken) {
      terminated(-EIO, false);
      return;
    }
    const ended = (result: number): void => {
      if (kind === 'read' || !options.behaviour.onWorker) {
        if (kind === 'write') operation.cookie.haveData = true;
        terminated(result, true);
        return;
      }
      // Direct writes to a file end in a worker of their own, reads in the interrupt.
      scheduler.queueWork(function* () {
        operation.cookie.haveData = true;
        terminated(result, true);
      });
    };
    if (backing.driver.name !== 'sync') {
      start(scheduler.expect(ended));
      return;
    }
    const ns = scheduler.clock.kind === 'virtual' ? options.latencyNs : 0;
    scheduler.after(ns, () => start(ended));
  }

  // Compares every block that was read with its checksum; those that are wrong or missing are
  // dropped.
  #verify(
    data: DataFile,
    mapping: AddressSpace,
    start: number,
    got: number,
    wanted: number,
  ): boolean {
    const { options, counters, checkpointer } = this.#cache;
    // The kernel's way: what the filesystem calls data is taken for data, and what is short is
    // asked again.
    if (options.presence === 'seek') return true;
    const end = Math.ceil((start + wanted) / PAGE_SIZE);
    const { map } = data;
    if (got >= wanted && this.#verifier.areRight(mapping, start / PAGE_SIZE, end, map)) return true;
    let wrong = 0;
    for (let at = start; at < start + wanted; at += PAGE_SIZE) {
      const block = at / PAGE_SIZE;
      const missing = at + PAGE_SIZE > start + got;
      if (!missing && this.#verifier.isRight(mapping, block, map.sum(block))) continue;
      map.clear(block);
      wrong++;
    }
    if (wrong === 0) return true;
    counters.checksumFailures += wrong;
    checkpointer.changed(data, 0);
    return false;
  }
}

/** Widens a slice to whole pages. */
function roundToPages(subreq: Subrequest): void {
  const down = subreq.start % PAGE_SIZE;
  subreq.start -= down;
  subreq.len = roundUp(subreq.len + down, PAGE_SIZE);
}

function expandToGranules(range: ByteRange, granule: number, iSize: number): void {
  const asked = range.start + range.len;
  // Nothing is stored beyond the end of the file, so a granule there need not be whole.
  const end = Math.min(roundUp(asked, granule), Math.max(asked, roundUp(iSize, PAGE_SIZE)));
  range.start = roundDown(range.start, granule);
  range.len = end - range.start;
}
