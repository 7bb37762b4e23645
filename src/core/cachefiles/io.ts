/**
 * I/O of a cache: choosing between cache and server, reading back, storing. Straight between page
 * frames and the object's file. Plays fs/cachefiles/io.c; the read helper calls it through
 * `CacheOps`. Spec: BEHAVIOUR 4.3 to 4.5, 4.10.
 */
import { EIO, ENOBUFS, ENODATA, ENXIO, EOPNOTSUPP, ESTALE } from '../base/errno.js';
import { PAGE_SIZE, pageIndex, roundDown, roundUp } from '../base/range.js';
import { makeSegmentList } from '../io/segments.js';
import type { AddressSpace } from '../mm/address_space.js';
import type { IovIter } from '../mm/iov_iter.js';
import { SREQ_COPY_TO_CACHE, type Subrequest } from '../netfs/objects.js';
import { SOURCE_LABELS } from '../netfs/requests.js';
import {
  type ByteRange,
  type CacheOps,
  type CacheResources,
  DOWNLOAD_FROM_SERVER,
  FILL_WITH_ZEROES,
  READ_FROM_CACHE,
  type Source,
  type Terminated,
} from '../netfs/types.js';
import type { Scheduler } from '../sim/scheduler.js';
import { type MaybeTask, type Task, WaitQueue } from '../sim/wait_queue.js';
import {
  netfslabDisagreement,
  netfslabPrepRead,
  netfslabPresence,
  netfslabVerdicts,
} from '../trace/events/own.js';
import type { Cachefiles } from './cache.js';
import { checksums, PageVerifier } from './checksums.js';
import type { Content } from './content.js';
import type { CachefilesObject, Reason } from './types.js';

/**
 * Stores under way at which readers wait. Each holds a file of the server and one of the cache
 * open: a disk that is slower than the server must not use up the descriptors.
 */
const STORES_MAX = 32;

/** On the real clock a filesystem is not asked twice within this where a hole begins, ns. */
const BELIEF_NS = 100e6;

/** What an operation on the cache needs to know of what it works on. */
export interface IoPriv {
  readonly object: CachefilesObject;
  /** What is read or written. */
  readonly content: Content;
  /** The content was invalidated since the operation began. */
  readonly outdated: boolean;
}

/** What one request holds of the cache. */
export class OperationPriv implements IoPriv {
  readonly object: CachefilesObject;
  /** What the object held when the request began. */
  readonly content: Content;
  readonly ended: () => void;

  /** Takes over a hold of the content. */
  constructor(object: CachefilesObject, content: Content, ended: () => void) {
    this.object = object;
    this.content = content;
    this.ended = ended;
  }

  /** The content was invalidated since the request began. */
  get outdated(): boolean {
    return this.object.content !== this.content;
  }
}

const privOf = (cres: CacheResources): IoPriv => cres.priv as IoPriv;

/** What is done with a cache file. */
export type IoKind = 'read' | 'write';

/** The cache operations of one lab. */
export class CacheIo implements CacheOps {
  protected readonly cache: Cachefiles;
  protected readonly scheduler: Scheduler;
  readonly #segments = makeSegmentList();
  readonly #verifier: PageVerifier;
  #storing = 0;
  readonly #stored = new WaitQueue('stores under way in the cache');
  /**
   * Present only where granules are larger than a page, so that the kernel's events stay as they
   * are.
   */
  readonly expandReadahead?: CacheOps['expandReadahead'];

  constructor(cache: Cachefiles, scheduler: Scheduler) {
    this.cache = cache;
    this.scheduler = scheduler;
    const { granule, verify } = cache.options;
    this.#verifier = new PageVerifier(verify, cache.room.blockSize);
    if (granule > PAGE_SIZE) {
      this.expandReadahead = (_cres, range, iSize) => expandToGranules(range, granule, iSize);
    }
  }

  endOperation(cres: CacheResources): void {
    const { content, ended } = cres.priv as OperationPriv;
    content.put();
    ended();
    this.cache.checkpointer.tick();
  }

  prepareRead(subreq: Subrequest, iSize: number): MaybeTask<Source> {
    return this.#storing < STORES_MAX ? this.#choose(subreq, iSize) : this.#wait(subreq, iSize);
  }

  *#wait(subreq: Subrequest, iSize: number): Task<Source> {
    while (this.#storing >= STORES_MAX) yield this.#stored;
    return this.#choose(subreq, iSize);
  }

  #choose(subreq: Subrequest, iSize: number): Source {
    const verdict = this.verdict(subreq, iSize);
    subreq.len = verdict.len;
    this.traceVerdict(subreq, verdict);
    if (verdict.store) {
      if (this.cache.hasRoom(0, subreq.len)) subreq.flags |= SREQ_COPY_TO_CACHE;
      else this.cache.counters.noSpace++;
    }
    return verdict.source;
  }

  /** Counts and records why a source was chosen. */
  protected traceVerdict(subreq: Subrequest, { source, why, len }: Verdict): void {
    const { counters, tracer } = this.cache;
    counters.reasons[why] = (counters.reasons[why] ?? 0) + 1;
    const { rreq, debugIndex, start } = subreq;
    const id = netfslabVerdicts.id[why];
    const label = SOURCE_LABELS[source];
    netfslabPrepRead.emit(tracer, rreq.debugId, debugIndex, label, id, start, len);
  }

  /** An I/O of the cache begins and ends; a kernel that has events for it emits them. */
  protected began(_kind: IoKind, _priv: IoPriv, _start: number, _count: number): void {}
  protected ended(_kind: IoKind, _priv: IoPriv): void {}
  /** The filesystem of the cache answered an I/O with an error. */
  protected failed(_kind: IoKind, _priv: IoPriv, _error: number): void {}
  /** Hands the end of an I/O to whoever deals with it: here the interrupt itself. */
  protected deliver(_kind: IoKind, _priv: IoPriv, end: () => void): void {
    end();
  }
  /** What is stored belongs to a version that is gone, and need not be written. */
  protected isInVain(priv: IoPriv): boolean {
    return priv.outdated;
  }

  read(
    cres: CacheResources,
    start: number,
    iter: IovIter,
    seekFirst: boolean,
    done: Terminated,
  ): void {
    const priv = privOf(cres);
    const { counters, backing } = this.cache;
    const skipped = seekFirst ? this.#zeroHole(priv.content.fd, start, iter) : 0;
    if (skipped < 0 || iter.count === 0) {
      done(skipped, false);
      return;
    }
    const { count, position, mapping } = iter;
    counters.reads++;
    this.began('read', priv, start + skipped, count);
    this.#perform(
      'read',
      priv,
      (answer) => {
        iter.segments(this.#segments);
        backing.driver.read(priv.content.fd, this.#segments, start + skipped, answer);
      },
      (result, wasAsync) => {
        if (result > 0) counters.readBytes += Math.min(result, count);
        let outcome = skipped + Math.min(result, count);
        if (result < 0) this.failed('read', priv, result);
        if (priv.outdated) outcome = -ESTALE;
        else if (result < 0) outcome = result;
        else if (!this.#verify(priv.content, mapping, position, result, count)) outcome = -EIO;
        done(outcome, wasAsync);
        this.ended('read', priv);
      },
    );
  }

  // Zeroes the hole in front of the next data: bytes zeroed, or a negative errno.
  #zeroHole(fd: number, start: number, iter: IovIter): number {
    const data = this.cache.backing.seekData(fd, start);
    if (data < 0 && data !== -ENXIO) return data;
    const hole = data < 0 ? iter.count : Math.min(iter.count, data - start);
    if (hole > 0) iter.zero(hole);
    return hole;
  }

  queryOccupancy(cres: CacheResources, range: ByteRange, granularity: number): ByteRange | number {
    const { options, room } = this.cache;
    const { content } = privOf(cres);
    // A new object may not have its file yet.
    if (content === undefined) return -ENODATA;
    const unit = Math.max(granularity, room.blockSize);
    const end = range.start + range.len;
    const found = this.#extent(content, range.start, end);
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
    { fd, map, identity }: Content,
    start: number,
    end: number,
  ): { from: number; to: number } | number {
    const { backing, options } = this.cache;
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

  /** As the kernel's in v5.13; only that one never refuses. */
  *prepareWrite(subreq: Subrequest, _iSize: number): Task<number> {
    roundToPages(subreq);
    if (this.cache.options.compat || this.cache.hasRoom(0, subreq.len)) return 0;
    this.cache.counters.noSpace++;
    return -ENOBUFS;
  }

  write(cres: CacheResources, start: number, iter: IovIter, done: Terminated): void {
    const priv = privOf(cres);
    const { content } = priv;
    const { counters, backing, checkpointer, room } = this.cache;
    const { count } = iter;
    if (this.isInVain(priv)) {
      counters.outdatedStores++;
      done(-ESTALE, false);
      return;
    }
    const first = start / PAGE_SIZE;
    const known = content.map.present;
    for (let i = 0; i < count / PAGE_SIZE; i++) content.map.clear(first + i);
    if (content.map.present < known) checkpointer.changed(content, 0);
    if (!this.#mayStore(content, start, count)) {
      done(-ENOBUFS, false);
      return;
    }
    const sums = checksums(iter.mapping, start, count);
    counters.writes++;
    room.store(count);
    this.#storing++;
    this.began('write', priv, start, count);
    this.#perform(
      'write',
      priv,
      (answer) => {
        iter.segments(this.#segments);
        backing.driver.write(content.fd, this.#segments, start, answer);
      },
      (result, wasAsync) => {
        room.store(-count);
        content.changed();
        this.#storing--;
        this.#stored.wakeAll();
        if (result < 0) this.failed('write', priv, result);
        if (priv.outdated) {
          counters.outdatedStores++;
          const { size } = content.identity;
          if (result > 0)
            counters.outdatedBytes += Math.max(0, Math.min(start + result, size) - start);
        } else if (result === count) {
          counters.writtenBytes += result;
          for (let i = 0; i < sums.length; i++) content.map.set(first + i, sums[i] as number);
          checkpointer.changed(content, result);
        }
        done(result, wasAsync);
        this.ended('write', priv);
      },
    );
  }

  // Room may have gone since a store was prepared. What has its blocks needs no more.
  #mayStore({ fd }: Content, start: number, count: number): boolean {
    const { room, backing } = this.cache;
    if (room.fits(count)) return true;
    return backing.seekData(fd, start) === start && backing.seekHole(fd, start) >= start + count;
  }

  // On the virtual clock an operation takes its modelled time; on the real one as long as it takes,
  // which with the sync driver is over before the loop goes on.
  #perform(
    kind: IoKind,
    priv: IoPriv,
    start: (answer: (result: number) => void) => void,
    terminated: Terminated,
  ): void {
    const { scheduler } = this;
    if (this.cache.broken) {
      terminated(-EIO, false);
      return;
    }
    const ended = (result: number): void =>
      this.deliver(kind, priv, () => terminated(result, true));
    if (this.cache.backing.driver.name !== 'sync') {
      start(scheduler.expect(ended));
      return;
    }
    const ns = scheduler.clock.kind === 'virtual' ? this.cache.options.latencyNs : 0;
    scheduler.after(ns, () => start(ended));
  }

  /** Where a slice comes from, and why. */
  protected verdict(subreq: Subrequest, iSize: number): Verdict {
    const { start, len } = subreq;
    if (start >= iSize) {
      return { source: FILL_WITH_ZEROES, len, store: false, why: 'after_eof' };
    }
    const { content } = privOf(subreq.rreq.cache);
    switch (this.cache.options.presence) {
      case 'seek':
        return this.#seekVerdict(content.fd, start, len, iSize);
      case 'map':
        return mapVerdict(content, start, len);
      case 'both':
        return this.#checkedVerdict(subreq, content);
    }
  }

  // The map decides, but what the filesystem no longer has cannot be read: it is downloaded again.
  #checkedVerdict(subreq: Subrequest, content: Content): Verdict {
    const { backing } = this.cache;
    const { start } = subreq;
    const verdict = mapVerdict(content, start, subreq.len);
    const end = start + verdict.len;
    if (verdict.source !== READ_FROM_CACHE) {
      const strange = this.#strangeBlock(content, start, end);
      if (strange >= 0) this.#disagree(subreq, 'disk', strange * PAGE_SIZE, PAGE_SIZE);
      return verdict;
    }
    const { clock } = this.scheduler;
    const hole = content.holeAfter(start, clock.now(), clock.kind === 'real' ? BELIEF_NS : 0);
    if (hole >= end || hole === -EOPNOTSUPP) return verdict;
    const kept = roundDown(Math.max(hole, start), PAGE_SIZE) - start;
    // The next slice begins with what was lost, and is the one that counts it.
    if (kept > 0) return { ...verdict, len: kept };
    const data = backing.seekData(content.fd, start);
    const lost = data < start ? end : Math.min(end, roundUp(Math.max(data, start + 1), PAGE_SIZE));
    this.#disagree(subreq, 'map', start, lost - start);
    return download(lost - start, 'found_hole');
  }

  #disagree(
    { rreq }: Subrequest,
    only: keyof typeof netfslabPresence.id,
    start: number,
    len: number,
  ): void {
    const { counters, tracer } = this.cache;
    counters.disagreements++;
    const { object } = privOf(rreq.cache);
    const who = netfslabPresence.id[only];
    netfslabDisagreement.emit(tracer, object.debugId, rreq.inode.ino, start, len, who);
  }

  // The first block in [start, end) with data that nobody stored, -1 if there is none: a filesystem
  // has bridged a gap, or a store failed half-way.
  #strangeBlock({ fd, map }: Content, start: number, end: number): number {
    const { backing } = this.cache;
    for (let at = backing.seekData(fd, start); at >= 0 && at < end; ) {
      const hole = backing.seekHole(fd, at);
      const stop = Math.min(end, hole < 0 ? end : hole);
      for (let block = pageIndex(at); block * PAGE_SIZE < stop; block++) {
        if (!map.has(block)) return block;
      }
      at = stop >= end ? end : backing.seekData(fd, stop);
    }
    return -1;
  }

  // Rows 3 to 10 of the table in BEHAVIOUR 4.3.
  #seekVerdict(fd: number, start: number, len: number, iSize: number): Verdict {
    const { backing, room, options } = this.cache;
    const { blockSize } = room;
    const end = start + len;
    const data = backing.seekData(fd, start);
    if (data === -ENXIO) return download(len, 'seek_enxio');
    if (data < 0) return { ...download(len, 'seek_error'), store: false };
    if (data >= end) return download(len, 'found_hole');
    if (data > start) return download(roundUp(data, blockSize) - start, 'found_part');
    const hole = backing.seekHole(fd, start);
    if (hole < 0) return { ...download(len, 'seek_error'), store: false };
    if (hole >= end) return cached(len);
    const edge = end >= iSize ? roundUp(hole, blockSize) : roundDown(hole, blockSize);
    // A run of data shorter than a block gives nothing to read, which the kernel takes for invalid.
    if (edge <= start && !options.compat) {
      return { ...download(len, 'found_part'), store: false };
    }
    return cached(edge - start);
  }

  // Compares every block that was read with its checksum; those that are wrong or missing are
  // dropped.
  #verify(
    content: Content,
    mapping: AddressSpace,
    start: number,
    got: number,
    wanted: number,
  ): boolean {
    const { options, counters, checkpointer } = this.cache;
    // The kernel's way: what the filesystem calls data is taken for data, and what is short is
    // asked again.
    if (options.presence === 'seek') return true;
    const end = Math.ceil((start + wanted) / PAGE_SIZE);
    const { map } = content;
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
    checkpointer.changed(content, 0);
    return false;
  }
}

/** What prepare_read decided. */
export interface Verdict {
  readonly source: Source;
  /** Length the slice becomes, bytes. */
  readonly len: number;
  /** What is downloaded may be stored. */
  readonly store: boolean;
  readonly why: Reason;
}

/** A slice is downloaded and stored. */
export function download(len: number, why: Reason): Verdict {
  return { source: DOWNLOAD_FROM_SERVER, len, store: true, why };
}

function cached(len: number): Verdict {
  return { source: READ_FROM_CACHE, len, store: false, why: 'have_data' };
}

function mapVerdict({ map, identity }: Content, start: number, len: number): Verdict {
  const end = start + len;
  const { size } = identity;
  if (map.present === 0) return download(len, 'no_data');
  const data = map.next(true, start, end, size);
  if (data === end) return download(len, 'found_hole');
  if (data > start) return download(data - start, 'found_part');
  return cached(map.next(false, start, end, size) - start);
}

/** Widens a slice to whole pages. */
export function roundToPages(subreq: Subrequest): void {
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
