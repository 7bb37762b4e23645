/**
 * I/O of a cache: choosing between cache and server, reading back, storing. Straight between page frames
 * and the object's file. Plays fs/cachefiles/io.c; the read helper calls it through `CacheOps`.
 * Spec: BEHAVIOUR 4.3 to 4.5, 4.10.
 */
import { crc32c } from '@node-rs/crc32';
import { EIO, ENXIO, ESTALE } from '../base/errno.js';
import { PAGE_SIZE, roundDown, roundUp } from '../base/range.js';
import type { CookieIdentity } from '../fscache/types.js';
import { makeSegmentList } from '../io/segments.js';
import { seekData, seekHole } from '../io/syscalls.js';
import type { IoDriver } from '../io/types.js';
import type { AddressSpace } from '../mm/address_space.js';
import { IovIter } from '../mm/iov_iter.js';
import { SREQ_WRITE_TO_CACHE, type Subrequest } from '../netfs/objects.js';
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
import type { Task } from '../sim/wait_queue.js';
import type { Cachefiles } from './cache.js';
import type { CachefilesObject } from './types.js';

/** What one request holds of the cache. */
export class OperationPriv {
  readonly object: CachefilesObject;
  readonly cookie: CookieIdentity;
  /** The cookie's count when the request began. */
  readonly invalCounter: number;
  readonly ended: () => void;

  constructor(object: CachefilesObject, cookie: CookieIdentity, ended: () => void) {
    this.object = object;
    this.cookie = cookie;
    this.invalCounter = cookie.invalCounter;
    this.ended = ended;
  }

  /** The content was invalidated since the request began. */
  get outdated(): boolean {
    return this.cookie.invalCounter !== this.invalCounter;
  }
}

const privOf = (cres: CacheResources): OperationPriv => cres.priv as OperationPriv;

/** The cache operations of one lab. */
export class CacheIo implements CacheOps {
  readonly #cache: Cachefiles;
  readonly #driver: IoDriver;
  readonly #scheduler: Scheduler;
  readonly #segments = makeSegmentList();
  /** Present only where granules are larger than a page, so that the kernel's events stay as they are. */
  readonly expandReadahead?: CacheOps['expandReadahead'];

  constructor(cache: Cachefiles, driver: IoDriver, scheduler: Scheduler) {
    this.#cache = cache;
    this.#driver = driver;
    this.#scheduler = scheduler;
    const { granule } = cache.options;
    if (granule > PAGE_SIZE) {
      this.expandReadahead = (_cres, range: ByteRange, iSize: number): void => {
        const end = roundUp(range.start + range.len, granule);
        range.start = roundDown(range.start, granule);
        range.len = Math.min(end, Math.max(roundUp(iSize, PAGE_SIZE), range.start + range.len)) - range.start;
      };
    }
  }

  endOperation(cres: CacheResources): void {
    privOf(cres).ended();
  }

  *prepareRead(subreq: Subrequest, iSize: number): Task<Source> {
    const { object } = privOf(subreq.rreq.cache);
    const { presence } = this.#cache.options;
    if (subreq.start >= iSize) return FILL_WITH_ZEROES;
    const { start, len } = subreq;
    const seek = presence === 'map' ? undefined : this.#seekVerdict(object.fd, start, len, iSize);
    const map = presence === 'seek' ? undefined : this.#mapVerdict(object, start, len);
    const verdict = map !== undefined && seek !== undefined ? this.#agree(map, seek) : (map ?? seek);
    if (verdict === undefined) return DOWNLOAD_FROM_SERVER;
    subreq.len = verdict.len;
    if (verdict.store) {
      if (this.#cache.hasSpace(subreq.len)) subreq.flags |= SREQ_WRITE_TO_CACHE;
      else this.#cache.counters.noSpace++;
    }
    return verdict.source;
  }

  read(
    cres: CacheResources,
    start: number,
    iter: IovIter,
    seekFirst: boolean,
    done: Terminated,
  ): void {
    const priv = privOf(cres);
    const { counters } = this.#cache;
    let skipped = 0;
    if (seekFirst) {
      const data = seekData(priv.object.fd, start);
      if (data < 0 && data !== -ENXIO) return done(data, false);
      const hole = data < 0 ? iter.count : Math.min(iter.count, data - start);
      if (hole > 0) iter.zero(hole);
      if (iter.count === 0) return done(hole, false);
      skipped = hole;
    }
    const position = start + skipped;
    const count = iter.count;
    counters.reads++;
    this.#perform((answer) => {
      iter.segments(this.#segments);
      this.#driver.read(priv.object.fd, this.#segments, position, answer);
    }, (result, wasAsync) => {
      if (result > 0) counters.readBytes += result;
      if (priv.outdated) return done(-ESTALE, wasAsync);
      if (result < 0) return done(result, wasAsync);
      if (!this.#verify(priv.object, iter.mapping, position, result)) return done(-EIO, wasAsync);
      return done(skipped + Math.min(result, count), wasAsync);
    });
  }

  *prepareWrite(subreq: Subrequest, _iSize: number): Task<number> {
    const down = subreq.start % PAGE_SIZE;
    subreq.start -= down;
    subreq.len = roundUp(subreq.len + down, PAGE_SIZE);
    return 0;
  }

  write(cres: CacheResources, start: number, iter: IovIter, done: Terminated): void {
    const priv = privOf(cres);
    const { object } = priv;
    const { counters } = this.#cache;
    const { count } = iter;
    if (priv.outdated) {
      counters.outdatedStores++;
      return done(-ESTALE, false);
    }
    const sums = this.#checksums(iter.mapping, start, count);
    for (let i = 0; i < sums.length; i++) object.map.clear(start / PAGE_SIZE + i);
    counters.writes++;
    this.#perform((answer) => {
      iter.segments(this.#segments);
      this.#driver.write(object.fd, this.#segments, start, answer);
    }, (result, wasAsync) => {
      if (priv.outdated) {
        counters.outdatedStores++;
      } else if (result === count) {
        counters.writtenBytes += result;
        for (let i = 0; i < sums.length; i++) {
          object.map.set(start / PAGE_SIZE + i, sums[i] as number);
        }
        object.dirty = true;
      }
      return done(result, wasAsync);
    });
  }

  // On the virtual clock an operation takes its modelled time; on the real one as long as it takes.
  #perform(start: (answer: (result: number) => void) => void, ended: Terminated): void {
    if (this.#driver.name === 'sync') {
      this.#scheduler.after(this.#cache.options.latencyNs, () =>
        start((result) => ended(result, true)),
      );
    } else {
      start(this.#scheduler.expect((result: number) => ended(result, true)));
    }
  }

  #mapVerdict({ map, identity }: CachefilesObject, start: number, len: number): Verdict {
    const end = start + len;
    const { size } = identity;
    const data = map.next(true, start, end, size);
    if (data > start) return { source: DOWNLOAD_FROM_SERVER, len: data - start, store: true };
    const hole = map.next(false, start, end, size);
    return { source: READ_FROM_CACHE, len: hole - start, store: false };
  }

  // The map decides, but what the filesystem no longer has cannot be read: it is downloaded again.
  #agree(map: Verdict, seek: Verdict): Verdict {
    const both = map.source === READ_FROM_CACHE && seek.source === READ_FROM_CACHE;
    if (both ? seek.len >= map.len : map.source === seek.source) return map;
    this.#cache.counters.disagreements++;
    if (both) return { ...map, len: seek.len };
    return map.source === READ_FROM_CACHE ? { ...seek, len: Math.min(seek.len, map.len) } : map;
  }

  // Rows 3 to 10 of the table in BEHAVIOUR 4.3.
  #seekVerdict(fd: number, start: number, len: number, iSize: number): Verdict {
    const end = start + len;
    const blockSize = this.#cache.blockSize;
    const data = seekData(fd, start);
    if (data === -ENXIO || data >= end) return { source: DOWNLOAD_FROM_SERVER, len, store: true };
    if (data < 0) return { source: DOWNLOAD_FROM_SERVER, len, store: false };
    if (data > start) {
      const shortened = roundUp(data, blockSize) - start;
      return { source: DOWNLOAD_FROM_SERVER, len: shortened, store: true };
    }
    const hole = seekHole(fd, start);
    if (hole < 0) return { source: DOWNLOAD_FROM_SERVER, len, store: false };
    if (hole >= end) return { source: READ_FROM_CACHE, len, store: false };
    const edge = end >= iSize ? roundUp(hole, blockSize) : roundDown(hole, blockSize);
    // A run of data shorter than a block gives nothing to read, which the kernel takes for invalid.
    if (edge <= start && !this.#cache.options.compat) {
      return { source: DOWNLOAD_FROM_SERVER, len, store: false };
    }
    return { source: READ_FROM_CACHE, len: edge - start, store: false };
  }

  #checksums(mapping: AddressSpace, start: number, count: number): Uint32Array {
    const sums = new Uint32Array(Math.ceil(count / PAGE_SIZE));
    for (let i = 0; i < sums.length; i++) {
      sums[i] = crc32c(pageBytes(mapping, start / PAGE_SIZE + i));
    }
    return sums;
  }

  // Compares every whole block that was read with its checksum; drops those that do not match.
  #verify(object: CachefilesObject, mapping: AddressSpace, start: number, count: number): boolean {
    const { options, counters } = this.#cache;
    if (!options.verify || options.presence === 'seek') return true;
    let good = true;
    const first = Math.ceil(start / PAGE_SIZE);
    const end = Math.floor((start + count) / PAGE_SIZE);
    for (let block = first; block < end; block++) {
      if (!object.map.has(block)) continue;
      if (crc32c(pageBytes(mapping, block)) === object.map.sum(block)) continue;
      counters.checksumFailures++;
      object.map.clear(block);
      object.dirty = true;
      good = false;
    }
    return good;
  }
}

interface Verdict {
  readonly source: Source;
  /** Length the slice becomes, bytes. */
  readonly len: number;
  /** What is downloaded may be stored. */
  readonly store: boolean;
}

function pageBytes(mapping: AddressSpace, index: number): Uint8Array {
  const { folios } = mapping;
  const pfn = mapping.find(index);
  const { frames } = folios;
  const offset = frames.offsetOf(pfn) + (index - folios.indexOf(pfn)) * PAGE_SIZE;
  return frames.memoryOf(pfn).subarray(offset, offset + PAGE_SIZE);
}
