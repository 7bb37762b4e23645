/**
 * Where a slice comes from: the filesystem, the content map, or both are asked what the cache has.
 * Called by `io.ts` when the read helper prepares a slice. Spec: BEHAVIOUR 4.3, 4.10.
 */
import { ENXIO, EOPNOTSUPP } from '../base/errno.js';
import { PAGE_SIZE, pageIndex, roundDown, roundUp } from '../base/range.js';
import type { Subrequest } from '../netfs/objects.js';
import {
  DOWNLOAD_FROM_SERVER,
  FILL_WITH_ZEROES,
  READ_FROM_CACHE,
  type Source,
} from '../netfs/types.js';
import { netfslabDisagreement, netfslabPresence } from '../trace/events/own.js';
import type { Cachefiles } from './cache.js';
import type { DataFile } from './data_file.js';
import { type Operation, operationOf } from './object.js';
import type { Reason } from './types.js';

/** On the real clock a filesystem is not asked twice within this where a hole begins, ns. */
const BELIEF_NS = 100e6;

/** What prepare_read decided. */
export interface Verdict {
  readonly source: Source;
  /** Length the slice becomes, bytes. */
  readonly len: number;
  /** What is downloaded may be stored. */
  readonly store: boolean;
  readonly why: Reason;
}

/** Chooses sources for one cache. */
export class SourceChooser {
  readonly #cache: Cachefiles;

  constructor(cache: Cachefiles) {
    this.#cache = cache;
  }

  /** True if the choice has to wait for the file of the object. */
  needsFile({ hasData, cookie }: Operation, start: number, iSize: number): boolean {
    return !hasData && start < iSize && !this.#holdsNothing(cookie);
  }

  /** Where a slice comes from, and why. */
  choose(operation: Operation, subreq: Subrequest, iSize: number): Verdict {
    const { start, len } = subreq;
    if (start >= iSize) {
      return { source: FILL_WITH_ZEROES, len, store: false, why: 'after_eof' };
    }
    if (this.#holdsNothing(operation.cookie)) return download(len, 'no_data');
    if (!operation.hasData) return { ...download(len, 'no_file'), store: false };
    const { data } = operation;
    switch (this.#cache.options.presence) {
      case 'seek':
        return this.#seekVerdict(data.fd, start, len, iSize);
      case 'map':
        return mapVerdict(data, start, len);
      case 'both':
        return this.#checkedVerdict(subreq, data);
    }
  }

  #holdsNothing({ noDataToRead }: Operation['cookie']): boolean {
    return noDataToRead && this.#cache.options.behaviour.noDataToRead;
  }

  // The map decides, but what the filesystem no longer has cannot be read: it is downloaded again.
  #checkedVerdict(subreq: Subrequest, data: DataFile): Verdict {
    const { backing } = this.#cache;
    const { start } = subreq;
    const verdict = mapVerdict(data, start, subreq.len);
    const end = start + verdict.len;
    if (verdict.source !== READ_FROM_CACHE) {
      const strange = this.#strangeBlock(data, start, end);
      if (strange >= 0) this.#disagree(subreq, 'disk', strange * PAGE_SIZE, PAGE_SIZE);
      return verdict;
    }
    const { clock } = this.#cache.scheduler;
    const hole = data.holeAfter(start, clock.now(), clock.kind === 'real' ? BELIEF_NS : 0);
    if (hole >= end || hole === -EOPNOTSUPP) return verdict;
    const kept = roundDown(Math.max(hole, start), PAGE_SIZE) - start;
    // The next slice begins with what was lost, and is the one that counts it.
    if (kept > 0) return { ...verdict, len: kept };
    const next = backing.seekData(data.fd, start);
    const lost = next < start ? end : Math.min(end, roundUp(Math.max(next, start + 1), PAGE_SIZE));
    this.#disagree(subreq, 'map', start, lost - start);
    return download(lost - start, 'found_hole');
  }

  #disagree(
    { rreq }: Subrequest,
    only: keyof typeof netfslabPresence.id,
    start: number,
    len: number,
  ): void {
    const { counters, tracer } = this.#cache;
    counters.disagreements++;
    const { object } = operationOf(rreq.cache);
    const who = netfslabPresence.id[only];
    netfslabDisagreement.emit(tracer, object.debugId, rreq.inode.ino, start, len, who);
  }

  // The first block in [start, end) with data that nobody stored, -1 if there is none: a filesystem
  // has bridged a gap, or a store failed half-way.
  #strangeBlock({ fd, map }: DataFile, start: number, end: number): number {
    const { backing } = this.#cache;
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
    const { backing, room, options } = this.#cache;
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
}

/** A slice is downloaded and stored. */
function download(len: number, why: Reason): Verdict {
  return { source: DOWNLOAD_FROM_SERVER, len, store: true, why };
}

function cached(len: number): Verdict {
  return { source: READ_FROM_CACHE, len, store: false, why: 'have_data' };
}

function mapVerdict({ map, identity }: DataFile, start: number, len: number): Verdict {
  const end = start + len;
  const { size } = identity;
  if (map.present === 0) return download(len, 'no_data');
  const data = map.next(true, start, end, size);
  if (data === end) return download(len, 'found_hole');
  if (data > start) return download(data - start, 'found_part');
  return cached(map.next(false, start, end, size) - start);
}
