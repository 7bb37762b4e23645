/**
 * What is known of the requests while a trace is walked: who is alive, how far each slice is. It
 * judges nothing; rules look at it before each event changes it. Called by walk.ts.
 */

import type { Capture } from '../../store/types.js';
import type { Era } from '../../trace/eras.js';
import { TRACEPOINTS } from '../../trace/index.js';
import { isTimed } from '../span.js';
import { collectorEra, type Laws, lawsOf } from './laws.js';
import type { CheckEvent, RequestSeen, Side, SliceSeen, World } from './types.js';

const WRITE_SOURCES = new Set(['upload', 'write', 'invalid_write']);
const READ_ORIGINS = new Set(['RA', 'RP', 'RG', 'R1', 'RW', 'UR', 'DR']);

/** Events that make a request known to be recorded whole: with these, all of `netfs` was. */
const WHOLE_SYSTEM = ['netfs_rreq', 'netfs_sreq', 'netfs_rreq_ref', 'netfs_sreq_ref'];

/** The state of a walk. */
export class Walked implements World {
  readonly era: Era;
  readonly capture: Capture;
  readonly endNs: number;
  /** True for lines that somebody pasted without their times: some may be left out. */
  readonly excerpt: boolean;
  readonly #laws: Laws | null;
  readonly #collects: boolean;
  readonly #present: ReadonlySet<string>;
  readonly #live: Record<Side, Map<number, RequestSeen>> = { read: new Map(), write: new Map() };
  /** NEW was seen; the side is not known yet. */
  readonly #unsided = new Map<number, CheckEvent>();
  readonly #freed: Record<Side, Set<number>> = { read: new Set(), write: new Set() };
  readonly #highest: Record<Side, number> = { read: -1, write: -1 };

  constructor(capture: Capture, present: ReadonlySet<string>, endNs: number) {
    this.capture = capture;
    this.era = capture.info.era;
    this.#laws = lawsOf(this.era);
    this.#collects = collectorEra(this.era);
    this.#present = present;
    this.excerpt = !isTimed(capture);
    this.endNs = endNs;
  }

  reading(rreq: number): RequestSeen | undefined {
    return this.#live.read.get(rreq);
  }

  /** The live requests. */
  *requests(): Iterable<RequestSeen> {
    yield* this.#live.read.values();
    yield* this.#live.write.values();
  }

  recorded(event: string): boolean {
    if (this.#present.has(event)) return true;
    const tracepoint = TRACEPOINTS.find(({ name }) => name === event);
    if (tracepoint === undefined || tracepoint.format(this.era) === null) return false;
    if (this.capture.info.source === 'run' && tracepoint.system === 'netfs') return true;
    return tracepoint.system === 'netfs' && WHOLE_SYSTEM.every((name) => this.#present.has(name));
  }

  present(event: string): boolean {
    return this.#present.has(event);
  }

  /** The request that a reference event is about; null if it may be one of two, or none. */
  referred(event: CheckEvent): RequestSeen | null {
    const read = this.#live.read.get(event.rreq);
    const write = this.#live.write.get(event.rreq);
    const fresh = this.#unsided.has(event.rreq);
    if (read !== undefined && write === undefined && !fresh) return read;
    if (write !== undefined && read === undefined && !fresh) return write;
    this.#share(event.rreq);
    return null;
  }

  /** From now on references of this number may be of either of two requests. */
  #share(rreq: number): void {
    for (const live of [this.#live.read, this.#live.write]) {
      const request = live.get(rreq);
      if (request !== undefined) request.shared = true;
    }
  }

  /** The live request of an event, if there is one. */
  find(event: CheckEvent): RequestSeen | undefined {
    const side = sideOf(event);
    const found = this.#live[side].get(event.rreq);
    if (found !== undefined || !this.#collects) return found;
    // Both sides are numbered together, and a failure may print no source.
    return this.#live[side === 'read' ? 'write' : 'read'].get(event.rreq);
  }

  /** The live request of a number, whatever its side; undefined if it may be one of two. */
  live(rreq: number): RequestSeen | undefined {
    const read = this.#live.read.get(rreq);
    const write = this.#live.write.get(rreq);
    return read === undefined || write === undefined ? (read ?? write) : undefined;
  }

  /** Live requests that cover a page of an inode, or those whose inode is not known. */
  covering(ino: string | number | null, page: number): RequestSeen[] {
    const found: RequestSeen[] = [];
    for (const request of this.#live.read.values()) {
      const known = request.ino !== null && request.ino === ino;
      const from = Math.floor(request.start / 4096);
      const to = Math.ceil((request.start + request.len) / 4096);
      if (known && page >= from && page < to) found.push(request);
    }
    return found;
  }

  /** True if the last request of a number was freed. */
  isFreed(rreq: number): boolean {
    return this.#freed.read.has(rreq) || this.#freed.write.has(rreq);
  }

  /** Why an event has no live request. */
  strayed(event: CheckEvent): 'freed' | 'unbegun' | 'before' {
    const side = sideOf(event);
    if (this.#freed[side].has(event.rreq)) return 'freed';
    const { read, write } = this.#highest;
    // Both sides are numbered together where requests have a collector.
    const highest = this.#collects ? Math.max(read, write) : this.#highest[side];
    return this.#unsided.has(event.rreq) || event.rreq > highest ? 'unbegun' : 'before';
  }

  /** NEW of a request whose side is not known yet; false if one of that number is waited for. */
  expect(event: CheckEvent): boolean {
    const again = this.#unsided.has(event.rreq);
    this.#share(event.rreq);
    this.#unsided.set(event.rreq, event);
    return !again;
  }

  /** Begins a request with its first event. */
  begin(event: CheckEvent, whole: boolean): RequestSeen {
    const side = sideOf(event);
    const made = this.#unsided.get(event.rreq);
    this.#unsided.delete(event.rreq);
    const other = this.#live[side === 'read' ? 'write' : 'read'].get(event.rreq);
    const request: RequestSeen = {
      rreq: event.rreq,
      side,
      kind: '',
      start: 0,
      len: 0,
      cookie: 0,
      ino: null,
      whole,
      step: 'new',
      lastStep: 'new',
      stepped: false,
      seen: new Map(),
      flags: 0,
      shared: other !== undefined,
      ref: made?.ref ?? (whole ? this.#laws?.requestRefs : null) ?? null,
      gets: 0,
      puts: 0,
      freed: 0,
      returns: 0,
      workPuts: 0,
      zeroed: false,
      slices: new Map(),
      unlocked: [],
      ends: null,
      first: made ?? event,
      last: event,
    };
    this.#live[side].set(event.rreq, request);
    this.#freed[side].delete(event.rreq);
    if (event.rreq > this.#highest[side]) this.#highest[side] = event.rreq;
    return request;
  }

  /** Takes over what a begin tells. */
  begun(request: RequestSeen, event: CheckEvent): void {
    if (event.step !== 'expanded') request.kind = event.step;
    request.step = 'begun';
    request.lastStep = 'begun';
    request.cookie = event.cookie as number;
    request.start = event.start;
    if (event.event === 'netfs_read') {
      request.len = event.len;
      request.ino = (event.netfs_inode as string | number | null) ?? null;
    } else {
      request.ino = (event.ino as string | number | null) ?? null;
    }
    request.last = event;
  }

  /** Takes over what a step of the request tells. */
  stepped(request: RequestSeen, event: CheckEvent, floating: boolean): void {
    if (!floating) request.step = event.step;
    request.stepped = true;
    request.lastStep = event.step;
    if (event.step === 'complete' || event.step === 'write_done') request.ends = event;
    request.seen.set(event.step, (request.seen.get(event.step) ?? 0) + 1);
    request.flags = event.flags;
    request.last = event;
    if (event.step !== 'free') return;
    this.#live[request.side].delete(request.rreq);
    this.#freed[request.side].add(request.rreq);
  }

  /** The slice of an event, made if this is its first. */
  slice(request: RequestSeen, event: CheckEvent): SliceSeen {
    const known = request.slices.get(event.index);
    if (known !== undefined) return known;
    const slice: SliceSeen = {
      index: event.index,
      step: 'new',
      source: event.from,
      start: event.start,
      len: event.len,
      transferred: 0,
      error: 0,
      flags: 0,
      firstStart: event.start,
      firstLen: event.len,
      reading: false,
      terminated: false,
      failure: null,
      ref: request.whole ? (this.#laws?.sliceRefs ?? null) : null,
      again: false,
      terms: 0,
      reissues: 0,
      termPuts: 0,
      listPuts: 0,
      zeroed: false,
      last: event.id,
      freed: false,
    };
    request.slices.set(event.index, slice);
    return slice;
  }

  /** Takes over what an event of a slice tells. */
  sliced(request: RequestSeen, slice: SliceSeen, event: CheckEvent): void {
    const { step } = event;
    slice.step = step;
    slice.source = event.from;
    slice.start = event.start;
    slice.len = event.len;
    slice.transferred = event.transferred;
    slice.error = event.error;
    slice.flags = event.flags;
    slice.last = event.id;
    if (this.#collects ? step !== 'wait_for' && !(slice.terms > 0) : BEGINS_READING.has(step)) {
      slice.reading = true;
    }
    if (step === 'retry') slice.again = slice.reading = true;
    if (step === 'terminated') {
      slice.reading = slice.again = false;
      slice.terminated = true;
      slice.terms++;
    }
    if (ENDS_READING.has(step)) slice.reading = false;
    if (step === 'free') {
      slice.freed = true;
      request.freed++;
    }
    request.last = event;
  }
}

const BEGINS_READING = new Set([
  ...['added', 'submit', 'resubmit_short', 'download_instead', 'retry'],
]);

/** Takes over what a reference event of the request tells. */
export function countRef(request: RequestSeen, { step, ref }: CheckEvent): void {
  request.ref = ref;
  if (step === 'get_subreq') request.gets++;
  else if (step === 'put_subreq') request.puts++;
  else if (step === 'put_return') request.returns++;
  else if (step === 'put_work_ip' || step === 'put_complete') request.workPuts++;
  if (ref === 0 && step.startsWith('put')) request.zeroed = true;
}

/** Takes over what a reference event of the slice tells. */
export function countSliceRef(slice: SliceSeen, { step, ref }: CheckEvent): void {
  slice.ref = ref;
  if (step === 'put_terminated') slice.termPuts++;
  else if (LIST_PUTS.has(step)) slice.listPuts++;
  if (step === 'get_resubmit') {
    slice.reissues++;
    slice.again = slice.reading = true;
  }
  if (ref === 0) slice.zeroed = true;
}

/** Puts of the reference that the list of slices has. */
const LIST_PUTS = new Set(['put_done', 'put_abandon', 'put_cancel', 'put_clear']);

/** Steps of slices that nobody reads any more. */
const ENDS_READING = new Set(['superfluous', 'discard', 'consumed', 'abandoned', 'free']);

/** The side an event is about. */
function sideOf(event: CheckEvent): Side {
  switch (event.event) {
    case 'netfs_write':
      return 'write';
    case 'netfs_rreq':
      return event.origin === null || READ_ORIGINS.has(event.origin) ? 'read' : 'write';
    case 'netfs_sreq':
    case 'netfs_failure':
      return WRITE_SOURCES.has(event.from) ? 'write' : 'read';
    default:
      return 'read';
  }
}
