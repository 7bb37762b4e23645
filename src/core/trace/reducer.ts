/**
 * Makes requests and subrequests of events. The one reducer: live runs and imports feed it the same
 * records, in order; the store writes what it gives.
 *
 * Looks at the label numbers of records, so it does not depend on what an era prints.
 */
import type { Era } from './eras.js';
import { cachefilesPrepRead } from './events/cachefiles.js';
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
  netfsSreqSources,
  netfsSreqTraces,
} from './events/netfs.js';
import { netfslabPrepRead, netfslabVerdicts } from './events/own.js';
import { flagMask } from './flag_bits.js';
import { RAW_LABEL } from './record.js';
import { HEADER_WORDS } from './tracepoint.js';

/** Why a read request was made; `write_begin` is also what v6.8 and later call PREFETCHW. */
export type RequestKind =
  | 'readahead'
  | 'readpage'
  | 'write_begin'
  | 'direct'
  | 'read_gaps'
  | 'read_single';

/** Which way the bytes of a request go; what is copied to the cache is written. */
export type RequestSide = 'read' | 'write';

/** How a request ended; `open` = its end is not in the capture. */
export type RequestOutcome = 'ok' | 'failed' | 'open';

/** One request. Times are nanoseconds since the start of the capture, null = not seen. */
export interface RequestRow {
  readonly request_uid: number;
  readonly rreq: number;
  kind: RequestKind | null;
  readonly side: RequestSide;
  direct: 0 | 1;
  op: number | null;
  task: number | null;
  cookie: number | null;
  netfs_inode: number | null;
  start: number | null;
  len: number | null;
  expanded_start: number | null;
  expanded_len: number | null;
  begin_ns: number | null;
  expanded_ns: number | null;
  submit_ns: number | null;
  term_ns: number | null;
  assess_ns: number | null;
  unlock_ns: number | null;
  write_ns: number | null;
  done_ns: number | null;
  free_ns: number | null;
  slices: number;
  zero_bytes: number;
  server_bytes: number;
  cache_bytes: number;
  stored_bytes: number;
  short_reads: number;
  cache_fallbacks: number;
  refused_stores: number;
  failed_slices: number;
  failed: 0 | 1;
  error: number;
  flags: number | null;
  outcome: RequestOutcome;
}

/** One subrequest. Times are nanoseconds since the start of the capture, null = not seen. */
export interface SubrequestRow {
  /** `request_uid` of its request. */
  readonly request_uid: number;
  readonly index: number;
  first_source: number;
  source: number;
  start: number;
  len: number;
  final_len: number;
  transferred: number;
  error: number;
  flags: number;
  prep_ns: number | null;
  submit_ns: number | null;
  term_ns: number | null;
  write_ns: number | null;
  wterm_ns: number | null;
  free_ns: number | null;
  short_reads: number;
  cache_fallbacks: number;
  stored: 0 | 1;
  store_refused: 0 | 1;
  verdict: string | null;
  cache_bytes_kept: number;
}

/** Takes what the reducer has finished; subrequests of a request come after it, in index order. */
export interface ReducerOutput {
  request(row: RequestRow): void;
  subrequest(row: SubrequestRow): void;
}

/** What a cache said of a slice whose next event is still to come. */
interface Choice {
  readonly start: number;
  readonly verdict: string;
}

const NO_REQUESTS: Readonly<Record<RequestSide, number>> = { read: 0, write: 0 };

interface Live {
  readonly row: RequestRow;
  /** By index: a damaged trace may give any number. */
  readonly slices: Map<number, SubrequestRow>;
}

const READ = netfsReadTraces.id;
const ORIGIN = netfsRreqOrigins.id;
const STAGE = netfsRreqTraces.id;
const SLICE = netfsSreqTraces.id;
const SOURCE = netfsSreqSources.id;
const FAILURE = netfsFailures.id;
const BIRTH = netfsRreqRefTraces.id.get_subreq;

/** First events of a slice that is not under way yet, or tells by itself that it is. */
const SPEAKS_FIRST: ReadonlySet<number | undefined> = new Set([
  ...[SLICE.added, SLICE.prepare, SLICE.limited, SLICE.submit, SLICE.split, SLICE.retry],
]);

const KIND_OF_READ = new Map<number, RequestKind>([
  [READ.readahead, 'readahead'],
  [READ.readpage, 'readpage'],
  [READ.write_begin, 'write_begin'],
  [READ.prefetch_for_write, 'write_begin'],
  [READ.dio_read, 'direct'],
  [READ.read_gaps, 'read_gaps'],
  [READ.read_single, 'read_single'],
]);
const KIND_OF_ORIGIN = new Map<number, RequestKind>([
  [ORIGIN.readahead, 'readahead'],
  [ORIGIN.readpage, 'readpage'],
  [ORIGIN.read_for_write, 'write_begin'],
  [ORIGIN.dio_read, 'direct'],
  [ORIGIN.unbuffered_read, 'direct'],
  [ORIGIN.read_gaps, 'read_gaps'],
  [ORIGIN.read_single, 'read_single'],
]);

/** Origins of requests that write, and sources of their slices. */
const WRITE_ORIGINS: ReadonlySet<number | undefined> = new Set([
  ORIGIN.copy_to_cache,
  ORIGIN.writeback,
  ORIGIN.writeback_single,
  ORIGIN.writethrough,
  ORIGIN.launder_write,
  ORIGIN.unbuffered_write,
  ORIGIN.dio_write,
  ORIGIN.pgpriv2_copy_to_cache,
]);
const DIRECT_ORIGINS: ReadonlySet<number | undefined> = new Set([
  ORIGIN.dio_read,
  ORIGIN.unbuffered_read,
  ORIGIN.unbuffered_write,
  ORIGIN.dio_write,
]);
const WRITE_SOURCES: ReadonlySet<number | undefined> = new Set([
  SOURCE.upload,
  SOURCE.write,
  SOURCE.invalid_write,
]);

/**
 * What a request is known by while it lives: since v6.8 a read and a write can be alive under the
 * same number.
 */
function keyOf(rreq: number, writes: boolean): number {
  return writes ? -1 - rreq : rreq;
}

/** Turns events into requests. */
export class Reducer {
  readonly #output: ReducerOutput;
  readonly #failedFlag: number;
  readonly #live = new Map<number, Live>();
  /** Requests begun by operation, until the operation ends. */
  readonly #counts = new Map<number, Record<RequestSide, number>>();
  /** By task: the verdict comes right before the slice's own event, by the same task. */
  readonly #choices = new Map<number, Choice>();
  /** By task: the slice it has added and not chosen a source for; v6.12 asks the cache then. */
  readonly #added = new Map<number, SubrequestRow>();
  /** By request: when its last slice was born, which may tell nothing else before it ends. */
  readonly #births = new Map<number, number>();
  /** True for kernels with one collector per request (v6.14 and later). */
  readonly #collects: boolean;
  #uids = 0;

  constructor(era: Era, output: ReducerOutput) {
    this.#collects = flagMask(era, 'rreq', 'OFFLOAD_COLLECTION') !== 0;
    this.#output = output;
    this.#failedFlag = flagMask(era, 'rreq', 'FAILED');
  }

  /** Takes the event at `words[at]`; events it does not know are left alone. */
  event(record: number, words: Float64Array, at: number): void {
    const a = at + HEADER_WORDS;
    switch (record) {
      case netfsSreq.record:
        this.#slice(words, at, a);
        break;
      case netfsRreq.record:
        this.#stage(words, at, a);
        break;
      case netfsRead.record:
        this.#read(words, at, a);
        break;
      case netfsFailure.record:
        this.#failure(words, a);
        break;
      case netfsRreqRef.record:
        if (this.#collects && words[a + 1] === BIRTH) {
          this.#births.set(words[a] as number, words[at + 1] as number);
        }
        break;
      case netfslabPrepRead.record:
        this.#choice(words, at, words[a + 4]);
        break;
      case cachefilesPrepRead.record:
        // Kernels from v6.2 on print the object instead of the slice.
        this.#choice(words, at, words[a + 5]);
        break;
    }
  }

  /** How many requests operation `op` has begun; forgets it, so ask once, when it has ended. */
  takeRequestCounts(op: number): Readonly<Record<RequestSide, number>> {
    const counts = this.#counts.get(op) ?? NO_REQUESTS;
    this.#counts.delete(op);
    return counts;
  }

  /** Gives out the requests whose end was not seen. */
  finish(): void {
    for (const live of this.#live.values()) this.#emit(live);
    this.#live.clear();
  }

  #read(words: Float64Array, at: number, a: number): void {
    const rreq = words[a] as number;
    const ts = words[at + 1] as number;
    if (words[a + 1] === READ.expanded) {
      const { row } = this.#of(rreq, rreq, words, at);
      row.expanded_ns = ts;
      row.expanded_start = words[a + 4] as number;
      row.expanded_len = words[a + 5] as number;
      return;
    }
    // A number that begins again is another request: the module was loaded anew.
    const old = this.#live.get(rreq);
    if (old !== undefined) this.#retire(rreq, old);
    const { row } = this.#of(rreq, rreq, words, at);
    row.kind = KIND_OF_READ.get(words[a + 1] as number) ?? null;
    if (row.kind === 'direct') row.direct = 1;
    row.begin_ns = ts;
    row.cookie = number(words[a + 2]);
    row.netfs_inode = number(words[a + 3]);
    row.start = number(words[a + 4]);
    row.len = number(words[a + 5]);
  }

  #stage(words: Float64Array, at: number, a: number): void {
    const rreq = words[a] as number;
    const key = keyOf(rreq, WRITE_ORIGINS.has(words[a + 1]));
    const live = this.#of(key, rreq, words, at);
    const { row } = live;
    const ts = words[at + 1] as number;
    row.kind ??= KIND_OF_ORIGIN.get(words[a + 1] as number) ?? null;
    if (DIRECT_ORIGINS.has(words[a + 1])) row.direct = 1;
    row.flags = words[a + 3] as number;
    if (row.flags & this.#failedFlag) row.failed = 1;
    switch (words[a + 2]) {
      case STAGE.assess:
        row.assess_ns ??= ts;
        break;
      case STAGE.unlock:
        row.unlock_ns = ts;
        break;
      // From v6.10 on folios are unlocked one by one; this is when those go on who wait for all.
      case STAGE.wake_ip:
        row.unlock_ns ??= ts;
        break;
      case STAGE.write:
        row.write_ns = ts;
        break;
      case STAGE.done:
        row.done_ns = ts;
        break;
      case STAGE.free:
        row.free_ns = ts;
        this.#retire(key, live);
        break;
    }
  }

  #choice(words: Float64Array, at: number, start: number | undefined): void {
    const why = words[at + HEADER_WORDS + 3] as number;
    if (why >= RAW_LABEL) return;
    const verdict = netfslabVerdicts.text('E0', why);
    const task = words[at + 2] as number;
    const added = this.#added.get(task);
    if (added !== undefined && added.start === start) {
      added.verdict = verdict;
      this.#added.delete(task);
    } else {
      this.#choices.set(task, { start: start as number, verdict });
    }
  }

  #verdictOf(slice: SubrequestRow, task: number): string | null {
    const choice = this.#choices.get(task);
    if (choice === undefined) return null;
    this.#choices.delete(task);
    return choice.start === slice.start ? choice.verdict : null;
  }

  #slice(words: Float64Array, at: number, a: number): void {
    const rreq = words[a] as number;
    const live = this.#of(keyOf(rreq, WRITE_SOURCES.has(words[a + 2])), rreq, words, at);
    const ts = words[at + 1] as number;
    const slice = this.#sliceOf(live, words, a);
    slice.source = words[a + 2] as number;
    if (slice.first_source === SOURCE.unknown) slice.first_source = slice.source;
    slice.flags = words[a + 4] as number;
    if (this.#choices.size > 0) slice.verdict ??= this.#verdictOf(slice, words[at + 2] as number);
    switch (words[a + 3]) {
      case SLICE.prepare:
        slice.prep_ns = ts;
        break;
      // From v6.12 on a slice is added with all that is left; not every client submits it as well.
      case SLICE.added:
      case SLICE.submit:
        slice.submit_ns = ts;
        slice.len = words[a + 7] as number;
        live.row.submit_ns ??= ts;
        // Which of both it is shows in its source.
        if (slice.source === SOURCE.unknown) this.#added.set(words[at + 2] as number, slice);
        break;
      case SLICE.retry:
        if (slice.first_source === SOURCE.read && slice.source === SOURCE.down) {
          slice.cache_fallbacks = 1;
          slice.cache_bytes_kept = Math.max(slice.cache_bytes_kept, words[a + 6] as number);
        }
        break;
      case SLICE.terminated:
        slice.term_ns = ts;
        // 9p does not tell that it submits: it reads where the slice is prepared.
        if (this.#collects) slice.submit_ns ??= slice.prep_ns;
        live.row.submit_ns ??= slice.submit_ns;
        slice.start = words[a + 5] as number;
        slice.len = words[a + 7] as number;
        slice.transferred = words[a + 6] as number;
        slice.error = words[a + 8] as number;
        live.row.term_ns = ts;
        break;
      case SLICE.resubmit_short:
        slice.short_reads++;
        break;
      case SLICE.download_instead:
        slice.cache_fallbacks++;
        slice.cache_bytes_kept = Math.max(slice.cache_bytes_kept, words[a + 6] as number);
        break;
      case SLICE.write:
        slice.write_ns = ts;
        slice.stored = 1;
        slice.final_len = words[a + 7] as number;
        break;
      case SLICE.write_skip:
        slice.store_refused = 1;
        break;
      case SLICE.write_term:
        slice.wterm_ns = ts;
        break;
      case SLICE.free:
        slice.free_ns = ts;
        break;
    }
  }

  #failure(words: Float64Array, a: number): void {
    const live = this.#live.get(keyOf(words[a] as number, WRITE_SOURCES.has(words[a + 2])));
    if (live === undefined) return;
    const what = words[a + 7];
    const slice = live.slices.get(words[a + 1] as number);
    if (what === FAILURE.copy_to_cache && slice !== undefined) slice.stored = 0;
    if (what === FAILURE.short_readpage || what === FAILURE.short_write_begin) live.row.failed = 1;
  }

  #of(key: number, rreq: number, words: Float64Array, at: number): Live {
    let live = this.#live.get(key);
    if (live === undefined) {
      live = { row: newRequest(++this.#uids, rreq, key < 0 ? 'write' : 'read'), slices: new Map() };
      live.row.task = words[at + 2] || null;
      const op = words[at + 4] as number;
      if (op > 0) {
        live.row.op = op;
        let counts = this.#counts.get(op);
        if (counts === undefined) {
          counts = { read: 0, write: 0 };
          this.#counts.set(op, counts);
        }
        counts[live.row.side]++;
      }
      this.#live.set(key, live);
    }
    return live;
  }

  #sliceOf(live: Live, words: Float64Array, a: number): SubrequestRow {
    const index = words[a + 1] as number;
    let slice = live.slices.get(index);
    if (slice === undefined) {
      slice = newSubrequest(live.row.request_uid, index, words, a);
      if (this.#collects && !SPEAKS_FIRST.has(words[a + 3])) {
        slice.submit_ns = this.#births.get(live.row.rreq) ?? null;
      }
      live.slices.set(index, slice);
    }
    return slice;
  }

  #retire(key: number, live: Live): void {
    this.#live.delete(key);
    this.#births.delete(live.row.rreq);
    this.#emit(live);
  }

  #emit({ row, slices }: Live): void {
    const inOrder = [...slices.values()];
    if (inOrder.length > 1) inOrder.sort((a, b) => a.index - b.index);
    for (const slice of inOrder) account(row, slice);
    if (row.free_ns !== null || row.done_ns !== null) row.outcome = row.failed ? 'failed' : 'ok';
    this.#output.request(row);
    for (const slice of inOrder) this.#output.subrequest(slice);
  }
}

/** Adds a slice to the sums of its request. */
function account(row: RequestRow, slice: SubrequestRow): void {
  // No flag of a write says that it failed; what the cache refuses fails nobody's write.
  if (slice.error < 0 && slice.source === SOURCE.upload) row.failed = 1;
  row.slices++;
  row.short_reads += slice.short_reads;
  row.cache_fallbacks += slice.cache_fallbacks;
  row.refused_stores += slice.store_refused;
  if (slice.error < 0) {
    row.failed_slices++;
    row.error = slice.error;
  }
  if (slice.source === SOURCE.zero) row.zero_bytes += slice.transferred;
  if (slice.source === SOURCE.down) {
    const kept = Math.min(slice.cache_bytes_kept, slice.transferred);
    row.server_bytes += slice.transferred - kept;
    row.cache_bytes += kept;
  }
  if (slice.source === SOURCE.read) row.cache_bytes += slice.transferred;
  if (slice.stored) row.stored_bytes += slice.final_len;
}

function number(word: number | undefined): number | null {
  return word === undefined || Number.isNaN(word) ? null : word;
}

function newRequest(request_uid: number, rreq: number, side: RequestSide): RequestRow {
  return {
    request_uid,
    rreq,
    kind: null,
    side,
    direct: 0,
    op: null,
    task: null,
    cookie: null,
    netfs_inode: null,
    start: null,
    len: null,
    expanded_start: null,
    expanded_len: null,
    begin_ns: null,
    expanded_ns: null,
    submit_ns: null,
    term_ns: null,
    assess_ns: null,
    unlock_ns: null,
    write_ns: null,
    done_ns: null,
    free_ns: null,
    slices: 0,
    zero_bytes: 0,
    server_bytes: 0,
    cache_bytes: 0,
    stored_bytes: 0,
    short_reads: 0,
    cache_fallbacks: 0,
    refused_stores: 0,
    failed_slices: 0,
    failed: 0,
    error: 0,
    flags: null,
    outcome: 'open',
  };
}

function newSubrequest(
  request_uid: number,
  index: number,
  words: Float64Array,
  a: number,
): SubrequestRow {
  return {
    request_uid,
    index,
    first_source: words[a + 2] as number,
    source: words[a + 2] as number,
    start: words[a + 5] as number,
    len: words[a + 7] as number,
    final_len: words[a + 7] as number,
    transferred: words[a + 6] as number,
    error: words[a + 8] as number,
    flags: words[a + 4] as number,
    prep_ns: null,
    submit_ns: null,
    term_ns: null,
    write_ns: null,
    wterm_ns: null,
    free_ns: null,
    short_reads: 0,
    cache_fallbacks: 0,
    stored: 0,
    store_refused: 0,
    verdict: null,
    cache_bytes_kept: 0,
  };
}
