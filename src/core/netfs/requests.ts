/**
 * Making, tracing, counting and freeing requests and slices: what every phase of a request's life
 * uses, in either flavour. Kernel: fs/netfs/objects.c (read_helper.c until v5.17). Spec: BEHAVIOUR
 * 3.1, 3.11.
 */
import { assert } from '../base/assert.js';
import type { OpenFile } from '../mm/types.js';
import type { Scheduler } from '../sim/scheduler.js';
import type { Task } from '../sim/wait_queue.js';
import {
  netfsFailure,
  netfsFailures,
  netfsRead,
  netfsReadTraces,
  netfsRreq,
  netfsRreqOrigins,
  netfsRreqRef,
  netfsRreqRefTraces,
  netfsRreqTraces,
  netfsSreq,
  netfsSreqRef,
  netfsSreqRefTraces,
  netfsSreqSources,
  netfsSreqTraces,
} from '../trace/events/netfs.js';
import type { Tracer } from '../trace/tracer.js';
import { type ReadRequest, Subrequest } from './objects.js';
import type { NetfsStats } from './stats.js';
import type { Defects, NetfsBehaviour } from './types.js';
import { DOWNLOAD_FROM_SERVER, FILL_WITH_ZEROES, READ_FROM_CACHE } from './types.js';

/** What the helper is built from. */
export interface NetfsParts {
  readonly tracer: Tracer;
  readonly stats: NetfsStats;
  readonly scheduler: Scheduler;
  readonly behaviour: NetfsBehaviour;
  readonly defects: Defects;
  /** Decides whether an allocation fails; never, when absent. */
  readonly failAllocation?: ((what: 'rreq' | 'sreq') => boolean) | undefined;
  /** Told of each request whose pages have just been unlocked. */
  readonly obtained?: ((rreq: ReadRequest) => void) | undefined;
}

/** The trace's numbers of the sources, by `Source`. */
export const SOURCE_LABELS = [
  netfsSreqSources.id.zero,
  netfsSreqSources.id.down,
  netfsSreqSources.id.read,
  netfsSreqSources.id.invalid,
] as const;

/** Why a reference of a request is taken or dropped, in the words of the trace. */
export type RequestRef = keyof typeof netfsRreqRefTraces.id;
/** The same of a slice. */
export type SliceRef = keyof typeof netfsSreqRefTraces.id;

/** All requests of a lab. */
export class Requests {
  readonly tracer: Tracer;
  readonly stats: NetfsStats;
  readonly scheduler: Scheduler;
  readonly defects: Defects;
  readonly behaviour: NetfsBehaviour;
  readonly #failAllocation: ((what: 'rreq' | 'sreq') => boolean) | undefined;
  readonly #obtained: ((rreq: ReadRequest) => void) | undefined;
  #lastId = 0;

  constructor(parts: NetfsParts) {
    this.tracer = parts.tracer;
    this.stats = parts.stats;
    this.scheduler = parts.scheduler;
    this.defects = parts.defects;
    this.behaviour = parts.behaviour;
    this.#failAllocation = parts.failAllocation;
    this.#obtained = parts.obtained;
  }

  /** Defects of the kernel are repaired. */
  get repaired(): boolean {
    return this.defects === 'repaired';
  }

  /** The number of the request about to be made; 0 when memory is short. */
  nextId(): number {
    return this.#failAllocation?.('rreq') === true ? 0 : ++this.#lastId;
  }

  /** Has the filesystem set up a request just made, and counts it as alive. */
  begin(rreq: ReadRequest, file: OpenFile | undefined): void {
    rreq.ops.initRreq(rreq, file);
    this.stats.netfs_n_rh_rreq++;
  }

  /**
   * A new slice at the end of what is sliced, on the request's list; undefined when memory is
   * short.
   */
  allocateSlice(rreq: ReadRequest): Subrequest | undefined {
    if (this.#failAllocation?.('sreq')) return undefined;
    const subreq = new Subrequest(rreq);
    this.hold(rreq, 'get_subreq');
    this.stats.netfs_n_rh_sreq++;
    rreq.subrequests.push(subreq);
    return subreq;
  }

  /** Takes a reference of a request. */
  hold(rreq: ReadRequest, why: RequestRef): void {
    rreq.usage++;
    this.#traceRequestRef(rreq, why);
  }

  /** Takes a reference of a slice. */
  holdSlice(subreq: Subrequest, why: SliceRef): void {
    subreq.usage++;
    this.#traceSliceRef(subreq, why);
  }

  /** Drops a reference of a slice; the last one frees it. */
  putSlice(subreq: Subrequest, wasAsync: boolean, why: SliceRef): void {
    subreq.usage--;
    assert(subreq.usage >= 0, 'slice # put too often', subreq.debugIndex);
    this.#traceSliceRef(subreq, why);
    if (subreq.usage > 0) return;
    this.traceSlice(subreq, 'free');
    this.stats.netfs_n_rh_sreq--;
    this.put(subreq.rreq, wasAsync, 'put_subreq');
  }

  /** Drops a reference of a request; the last one frees it, on a worker when `wasAsync`. */
  put(rreq: ReadRequest, wasAsync: boolean, why: RequestRef): void {
    rreq.usage--;
    assert(rreq.usage >= 0, 'request # put too often', rreq.debugId);
    this.#traceRequestRef(rreq, why);
    if (rreq.usage > 0) return;
    if (!wasAsync) {
      this.#free(rreq);
      return;
    }
    this.queueWork(() => {
      this.#free(rreq);
      return undefined;
    });
  }

  /** Leaves a phase of a request to a worker (system_unbound_wq); a task if it may sleep. */
  queueWork(body: () => Task<unknown> | undefined): void {
    this.scheduler.queueWork(body, 'unbound');
  }

  /** Takes every slice off the list and drops the list's references. */
  clearSlices(rreq: ReadRequest, wasAsync: boolean): void {
    const slices = rreq.subrequests;
    rreq.subrequests = [];
    for (const subreq of slices) this.putSlice(subreq, wasAsync, 'put_clear');
  }

  /** The end of a request that ran: accounts its bytes and drops the reference it ran with. */
  complete(rreq: ReadRequest, wasAsync: boolean): void {
    this.traceRequest(rreq, 'done');
    this.clearSlices(rreq, wasAsync);
    this.put(rreq, wasAsync, 'put_complete');
  }

  /** Adds what each slice obtained to the bytes by source, before stores rewrite the slices; tells
   * who follows requests. */
  accountBytes(rreq: ReadRequest): void {
    const { bytes } = this.stats;
    for (const { source, transferred, cached } of rreq.subrequests) {
      if (source === FILL_WITH_ZEROES) bytes.zero += transferred;
      else if (source === DOWNLOAD_FROM_SERVER) {
        bytes.down += transferred - cached;
        bytes.read += cached;
      } else if (source === READ_FROM_CACHE) bytes.read += transferred;
    }
    this.#obtained?.(rreq);
  }

  /** Emits netfs_read. */
  traceRead(
    rreq: ReadRequest,
    what: keyof typeof netfsReadTraces.id,
    start: number,
    len: number,
  ): void {
    if (!this.tracer.enabled) return;
    netfsRead.emit(
      this.tracer,
      rreq.debugId,
      netfsReadTraces.id[what],
      rreq.cache.debugId,
      rreq.inode.ino,
      start,
      len,
    );
  }

  /** Emits netfs_rreq. */
  traceRequest(rreq: ReadRequest, what: keyof typeof netfsRreqTraces.id): void {
    if (!this.tracer.enabled) return;
    const origin = netfsRreqOrigins.id[rreq.origin];
    netfsRreq.emit(this.tracer, rreq.debugId, origin, netfsRreqTraces.id[what], rreq.flags);
  }

  /** Emits netfs_sreq. */
  traceSlice(subreq: Subrequest, what: keyof typeof netfsSreqTraces.id): void {
    if (!this.tracer.enabled) return;
    netfsSreq.emit(
      this.tracer,
      subreq.rreq.debugId,
      subreq.debugIndex,
      SOURCE_LABELS[subreq.source],
      netfsSreqTraces.id[what],
      subreq.flags,
      subreq.start,
      subreq.transferred,
      subreq.len,
      subreq.error,
    );
  }

  /** Emits netfs_failure, for a slice or (without one) for the whole request, if there is one. */
  traceFailure(
    rreq: ReadRequest | undefined,
    subreq: Subrequest | undefined,
    error: number,
    what: keyof typeof netfsFailures.id,
  ): void {
    if (!this.tracer.enabled) return;
    const { index, showsLength } = this.behaviour.failureWithoutSubreq;
    netfsFailure.emit(
      this.tracer,
      rreq?.debugId ?? 0,
      subreq?.debugIndex ?? index,
      subreq === undefined ? netfsSreqSources.id.invalid : SOURCE_LABELS[subreq.source],
      subreq?.flags ?? 0,
      subreq?.start ?? 0,
      subreq?.transferred ?? 0,
      subreq?.len ?? (showsLength ? (rreq?.len ?? 0) : 0),
      netfsFailures.id[what],
      error,
    );
  }

  #traceRequestRef(rreq: ReadRequest, why: RequestRef): void {
    if (!this.tracer.enabled) return;
    netfsRreqRef.emit(this.tracer, rreq.debugId, netfsRreqRefTraces.id[why], rreq.usage);
  }

  #traceSliceRef({ rreq, debugIndex, usage }: Subrequest, why: SliceRef): void {
    if (!this.tracer.enabled) return;
    const what = netfsSreqRefTraces.id[why];
    netfsSreqRef.emit(this.tracer, rreq.debugId, debugIndex, what, usage);
  }

  #free(rreq: ReadRequest): void {
    const { freeFirst } = this.behaviour;
    if (freeFirst) this.traceRequest(rreq, 'free');
    this.clearSlices(rreq, false);
    if (rreq.netfsPriv !== undefined) rreq.ops.cleanup?.(rreq.mapping, rreq.netfsPriv);
    if (!freeFirst) this.traceRequest(rreq, 'free');
    rreq.cache.ops?.endOperation(rreq.cache);
    this.stats.netfs_n_rh_rreq--;
  }
}
