/**
 * Watches the pages of every request while it runs, beside the events: locked and absent of content
 * at UNLOCK, after the walk valid exactly where the slices were good, no PG_fscache left at DONE
 * (BEHAVIOUR 3.13a, 4 to 6). Wraps the cache's share of the operations, through which it learns of
 * the requests.
 */
import { ENOBUFS, ESTALE } from '../../src/core/base/errno.js';
import type { AddressSpace } from '../../src/core/mm/address_space.js';
import { PG_FSCACHE, PG_LOCKED, PG_UPTODATE } from '../../src/core/mm/folio.js';
import type { ReadRequest } from '../../src/core/netfs/objects.js';
import type { CacheShare } from '../../src/core/netfs/types.js';
import { awaited } from '../../src/core/sim/wait_queue.js';
import type { Era } from '../../src/core/trace/eras.js';
import { type MemoryRow, MemorySink } from '../../src/core/trace/sink.js';
import {
  type RequestSeen,
  type SliceSeen,
  TraceChecker,
  type TraceConditions,
} from './check_trace.js';

const PAGE = 4096;

/** A sink that shows each event to a watcher at the moment it happens. */
class WatchedSink extends MemorySink {
  readonly #watch: (row: MemoryRow) => void;

  constructor(era: Era, watch: (row: MemoryRow) => void) {
    super(era);
    this.#watch = watch;
  }

  override append(words: Float64Array, count: number): void {
    const before = this.rows.length;
    super.append(words, count);
    for (const row of this.rows.slice(before)) this.#watch(row);
  }
}

/** Checks the trace and the pages of one lab while it runs. */
export class PageWatch {
  /** Lab options `sink` and `cache`. */
  readonly sink: MemorySink;
  readonly share: CacheShare;
  readonly #checker: TraceChecker;
  readonly #conditions: TraceConditions;
  readonly #mappings = new Map<number, AddressSpace>();

  constructor(era: Era, conditions: TraceConditions, inner: CacheShare = {}) {
    this.#conditions = conditions;
    this.#checker = new TraceChecker(conditions);
    this.sink = new WatchedSink(era, (row) => this.#event(row));
    const mappings = this.#mappings;
    this.share = {
      ...inner,
      *beginCacheOperation(rreq) {
        mappings.set(rreq.debugId, rreq.mapping);
        return yield* awaited(inner.beginCacheOperation?.(rreq) ?? noCache());
      },
      done: (rreq) => this.#unlocked(rreq),
    };
  }

  /** The violations, once everything is at rest; with those of the counters. */
  finish(stats: Parameters<TraceChecker['checkCounters']>[1]): string[] {
    this.#checker.end();
    this.#checker.checkCounters(this.sink.rows, stats);
    return this.#checker.problems;
  }

  #event(row: MemoryRow): void {
    this.#checker.event(row);
    if (row.event !== 'netfs_rreq') return;
    const request = this.#checker.requests.get(Number(row.rreq));
    if (request === undefined) return;
    if (row.what === 'UNLOCK') this.#beforeWalk(request);
    else if (row.what === 'DONE') this.#atRest(request);
  }

  // The kernel stores a page that memory left torn, though it can be read, and stored, again
  // meanwhile.
  get #storesApart(): boolean {
    return this.#conditions.defects === 'repaired' || !this.#conditions.allocationsFail;
  }

  #problem(request: RequestSeen, index: number, what: string): void {
    this.#checker.problems.push(`R${request.id.toString(16)}: page ${index} ${what}`);
  }

  #beforeWalk(request: RequestSeen): void {
    for (const [index, flags] of this.#pages(request)) {
      if (flags === undefined) this.#problem(request, index, 'is absent at UNLOCK');
      else if ((flags & PG_LOCKED) === 0)
        this.#problem(request, index, 'is unlocked before UNLOCK');
      else if ((flags & PG_UPTODATE) !== 0) this.#problem(request, index, 'is valid before UNLOCK');
      else if (this.#storesApart && (flags & PG_FSCACHE) !== 0) {
        this.#problem(request, index, 'is stored before UNLOCK');
      }
    }
  }

  #unlocked(rreq: ReadRequest): void {
    const request = this.#checker.requests.get(rreq.debugId);
    if (request === undefined) return;
    // That data became stale in a request that failed is in no event.
    for (const { debugIndex, error } of rreq.subrequests) {
      const slice = request.slices[debugIndex];
      if (slice?.source === 'READ' && error === -ESTALE) slice.error = error;
    }
    for (const [index, flags = 0] of this.#pages(request)) {
      const touching = request.slices.filter((slice) => overlaps(slice, index));
      const valid = this.#isValid(request, index);
      const stored = touching.some((slice) => this.#checker.isStored(request, slice));
      if ((flags & PG_LOCKED) !== 0) this.#problem(request, index, 'is locked after UNLOCK');
      if (((flags & PG_UPTODATE) !== 0) !== valid) {
        this.#problem(request, index, valid ? 'is not uptodate though read' : 'is uptodate unread');
      }
      if (this.#storesApart && ((flags & PG_FSCACHE) !== 0) !== stored) {
        this.#problem(request, index, stored ? 'lacks PG_fscache' : 'has PG_fscache');
      }
    }
  }

  // Valid: every byte lies in a good slice. The kernel takes short slices, and invalid ones, for
  // good.
  #isValid(request: RequestSeen, index: number): boolean {
    const kernel = this.#conditions.defects === 'kernel';
    const page = index * PAGE;
    let covered = page;
    for (const slice of request.slices) {
      if (!overlaps(slice, index)) continue;
      const invalid = slice.source === 'INVL' && !kernel;
      if (slice.error < 0 || invalid) return false;
      if (slice.transferred < slice.len && !kernel) return false;
      covered = Math.max(covered, slice.start + slice.len);
    }
    return covered >= page + PAGE;
  }

  // Pages that were stored are pinned until now, so whatever flag they have is this request's.
  #atRest(request: RequestSeen): void {
    for (const [index, flags = 0] of this.#pages(request)) {
      const stored = request.slices.some(
        (slice) => overlaps(slice, index) && this.#checker.isStored(request, slice),
      );
      if (stored && this.#storesApart && (flags & PG_FSCACHE) !== 0)
        this.#problem(request, index, 'stored after DONE');
    }
  }

  *#pages(request: RequestSeen): Generator<[index: number, flags: number | undefined]> {
    const mapping = this.#mappings.get(request.id);
    if (mapping === undefined) return;
    for (let at = request.start; at < request.start + request.len; at += PAGE) {
      const pfn = mapping.find(at / PAGE);
      yield [at / PAGE, pfn < 0 ? undefined : mapping.folios.flagsOf(pfn)];
    }
  }
}

function* noCache(): Generator<never, number> {
  return -ENOBUFS;
}

function overlaps({ rangeAtUnlock: [start, len] }: SliceSeen, index: number): boolean {
  return start < (index + 1) * PAGE && start + len > index * PAGE;
}
