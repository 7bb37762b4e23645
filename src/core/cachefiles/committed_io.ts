/**
 * I/O of a cache as v5.17 and later do it: an object may still be looked up when a request begins,
 * a new object is known to hold nothing, stores are refused where there is no room, and everything
 * is traced. Plays fs/cachefiles/io.c; made by `committed.ts`. Spec: BEHAVIOUR 6.4.
 */
import { ENOBUFS, ENXIO } from '../base/errno.js';
import type { CacheIoCounts, CacheOperation } from '../fscache/types.js';
import { SREQ_COPY_TO_CACHE, type Subrequest } from '../netfs/objects.js';
import { SOURCE_LABELS } from '../netfs/requests.js';
import { type CacheResources, DOWNLOAD_FROM_SERVER, type Source } from '../netfs/types.js';
import type { Scheduler } from '../sim/scheduler.js';
import type { Task } from '../sim/wait_queue.js';
import {
  cachefilesErrorTraces,
  cachefilesIoError,
  cachefilesPrepareReadTraces,
  cachefilesPrepRead,
  cachefilesRead,
  cachefilesWrite,
} from '../trace/events/cachefiles.js';
import type { Cachefiles } from './cache.js';
import type { CommittedObject } from './committed.js';
import type { Content } from './content.js';
import { CacheIo, download, type IoKind, type IoPriv, roundToPages, type Verdict } from './io.js';

/** What one request or write holds of the cache; it may have begun before there was a file. */
export class CommittedPriv implements IoPriv {
  readonly operation: CacheOperation;
  #content: Content | undefined;
  #object: CommittedObject | undefined;

  constructor(operation: CacheOperation) {
    this.operation = operation;
    this.#take(operation.object as CommittedObject | undefined);
  }

  get object(): CommittedObject {
    return this.#object as CommittedObject;
  }

  get content(): Content {
    return this.#content as Content;
  }

  get outdated(): boolean {
    return this.operation.cookie.invalCounter !== this.operation.invalCounter;
  }

  /** Number of the cache file's inode, 0 while there is none. */
  get inode(): number {
    return this.#object?.inode ?? 0;
  }

  /** Sleeps until there is a file; false when there will be none. */
  *waitForContent(): Task<boolean> {
    if (this.#content === undefined) {
      const object = yield* this.operation.waitForObject();
      // A file that was made after an invalidation is not for what began before it.
      if (!this.outdated) this.#take(object as CommittedObject | undefined);
    }
    return this.#content !== undefined;
  }

  /** Ends the operation. */
  end(): void {
    this.#content?.put();
    this.operation.end();
  }

  // The file is held, so that it outlives an invalidation.
  #take(object: CommittedObject | undefined): void {
    if (object?.content === undefined) return;
    this.#object = object;
    this.#content = object.content.get();
  }
}

const privOf = (cres: CacheResources): CommittedPriv => cres.priv as CommittedPriv;

/** The cache operations of one lab. */
export class CommittedIo extends CacheIo {
  readonly #counts: CacheIoCounts;

  constructor(cache: Cachefiles, scheduler: Scheduler, counts: CacheIoCounts) {
    super(cache, scheduler);
    this.#counts = counts;
  }

  override endOperation(cres: CacheResources): void {
    privOf(cres).end();
    this.cache.checkpointer.tick();
  }

  override *prepareRead(subreq: Subrequest, iSize: number): Task<Source> {
    const verdict = yield* this.#choose(subreq, iSize);
    subreq.len = verdict.len;
    if (verdict.store) subreq.flags |= SREQ_COPY_TO_CACHE;
    this.traceVerdict(subreq, verdict);
    return verdict.source;
  }

  // The disk is asked how much room there is, which takes its time: a store that began before has
  // usually ended meanwhile.
  override *prepareWrite(subreq: Subrequest): Task<number> {
    roundToPages(subreq);
    if (!(yield* privOf(subreq.rreq.cache).waitForContent())) return -ENOBUFS;
    const { latencyNs } = this.cache.options;
    if (this.scheduler.clock.kind === 'virtual') yield* this.scheduler.sleep(latencyNs * 1.5);
    return this.hasRoom(subreq.len) ? 0 : -ENOBUFS;
  }

  /** Whether whole pages may be written: what has its space already needs no room. */
  *prepareWriteThrough(cres: CacheResources, start: number, length: number): Task<number> {
    const priv = privOf(cres);
    if (!(yield* priv.waitForContent())) return -ENOBUFS;
    const { fd } = priv.content;
    const { backing } = this.cache;
    const data = backing.seekData(fd, start);
    if (data < 0 && data !== -ENXIO) return data;
    if (data < 0 || data >= start + length) return this.hasRoom(length) ? 0 : -ENOBUFS;
    if (this.cache.hasRoom(0, length)) return 0;
    const hole = backing.seekHole(fd, start);
    if (hole >= start + length) return 0;
    this.#counts.noWriteSpace++;
    return backing.punch(fd, start, length);
  }

  /** True if `bytes` more may be stored; counts it if not. */
  protected hasRoom(bytes: number): boolean {
    if (this.cache.hasRoom(0, bytes)) return true;
    this.#counts.noWriteSpace++;
    this.cache.counters.noSpace++;
    return false;
  }

  protected override traceVerdict(subreq: Subrequest, verdict: Verdict): void {
    const { counters, tracer } = this.cache;
    const { source, why, len } = verdict;
    counters.reasons[why] = (counters.reasons[why] ?? 0) + 1;
    const { rreq, debugIndex, flags, start } = subreq;
    cachefilesPrepRead.emit(
      tracer,
      rreq.debugId,
      debugIndex,
      SOURCE_LABELS[source],
      cachefilesPrepareReadTraces.id[why],
      flags,
      start,
      len,
      rreq.inode.ino,
      privOf(rreq.cache).inode,
    );
  }

  protected override began(kind: IoKind, priv: IoPriv, start: number, count: number): void {
    const object = priv.object as CommittedObject;
    if (kind === 'read') this.#counts.reads++;
    else this.#counts.writes++;
    object.get('get_ioreq');
    const event = kind === 'read' ? cachefilesRead : cachefilesWrite;
    event.emit(this.cache.tracer, object.debugId, object.inode, start, count);
  }

  protected override ended(_kind: IoKind, priv: IoPriv): void {
    (priv.object as CommittedObject).put('put_ioreq');
  }

  protected override failed(kind: IoKind, priv: IoPriv, error: number): void {
    const { debugId, inode } = priv.object as CommittedObject;
    const where = cachefilesErrorTraces.id[kind];
    cachefilesIoError.emit(this.cache.tracer, debugId, inode, where, error);
  }

  // Direct writes to a file end in a worker of their own, reads in the interrupt.
  protected override deliver(kind: IoKind, priv: IoPriv, end: () => void): void {
    if (kind === 'read') {
      end();
      return;
    }
    this.scheduler.queueWork(function* () {
      (priv as CommittedPriv).operation.cookie.haveData = true;
      end();
    });
  }

  // The file of the old content is still there, and harmless.
  protected override isInVain(): boolean {
    return false;
  }

  *#choose(subreq: Subrequest, iSize: number): Task<Verdict> {
    const { start, len } = subreq;
    const priv = privOf(subreq.rreq.cache);
    if (start >= iSize) return this.verdict(subreq, iSize);
    if (priv.operation.cookie.noDataToRead) return download(len, 'no_data');
    if (yield* priv.waitForContent()) return this.verdict(subreq, iSize);
    return { source: DOWNLOAD_FROM_SERVER, len, store: false, why: 'no_file' };
  }
}
