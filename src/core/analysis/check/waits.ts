/**
 * Who waits for whom: from the last thing that is known of an open request, who of its issuer, its
 * collector and the reader waits, and for what. Called by stuck.ts.
 *
 * For kernels with one collector per request (v6.14 and later) this is the table of the behaviour
 * specification ("Who waits for whom"); before, a request waits for what is in flight.
 */
import type { Capture } from '../../store/types.js';
import { flagMask } from '../../trace/flag_bits.js';
import { collectorEra } from './laws.js';
import { isCollected } from './rules/collected_slices.js';
import type { RequestSeen, SliceSeen } from './types.js';

/** Who waits, and for what. */
export interface Waits {
  /** issuer, collector, reader, writer, nobody. */
  readonly who: string;
  readonly waits: string;
}

/** What the whole capture says that a single request does not. */
export interface Setting {
  readonly capture: Capture;
  /** True where the client tells that it submits downloads, as AFS and CIFS do and 9p does not. */
  readonly tellsSubmit: boolean;
}

const hex = (value: number): string => value.toString(16);
const named = ({ index, start, len, transferred }: SliceSeen): string => {
  const got = transferred > 0 && transferred < len ? `, ${hex(transferred)} of it came` : '';
  return `[${index}] ${hex(start)}-${hex(start + len)}${got}`;
};

/** What is known of the whole capture. */
export function settingOf(capture: Capture): Setting {
  const sql = `SELECT 1 FROM "netfs_sreq" WHERE "source" = 'DOWN' AND "what" = 'SUBMT' LIMIT 1`;
  return { capture, tellsSubmit: capture.get(sql) !== undefined };
}

/** Who waits in a request that is open, and for what. */
export function waitsOf(request: RequestSeen, setting: Setting): Waits {
  if (!collectorEra(setting.capture.info.era)) {
    const slices = [...request.slices.values()].filter(({ freed }) => !freed);
    return { who: 'reader', waits: classicWait(request, slices) };
  }
  return lost(request) ?? ended(request) ?? flying(request, setting) ?? held(request, setting);
}

/** A slice that ended, or began, after its request was ended: nobody will collect it. */
function lost(request: RequestSeen): Waits | null {
  if (!isCollected(request)) return null;
  const left = [...request.slices.values()].find(
    ({ step, freed }) => !freed && !TAKEN.has(step) && request.side === 'read',
  );
  if (left === undefined) return null;
  const end = request.seen.has('done') ? 'DONE' : 'COMPLET';
  const what = left.reading ? `is in flight after ${end}` : `ended after ${end}`;
  const waits = `a collector, and nobody collects any more: [${left.index}] ${what}`;
  return { who: 'nobody', waits };
}

const TAKEN = new Set(['consumed', 'abandoned', 'superfluous', 'discard', 'free']);

/** The work is done: only references are left. */
function ended(request: RequestSeen): Waits | null {
  if (!isCollected(request)) return null;
  const { seen, returns, ref, slices } = request;
  if (seen.has('wait_ip') && !seen.has('waited_ip')) {
    return { who: 'issuer', waits: 'its wake-up: the work is done, and WAIT-IP was not left' };
  }
  const held = [...slices.values()].find(
    ({ freed, terms, termPuts }) => !freed && termPuts < terms,
  );
  if (held !== undefined) return { who: 'nobody', waits: `the put of [${held.index}] (PUT TERM)` };
  if (returns === 0 && request.gets > 0) {
    return { who: 'nobody', waits: 'its issuer, which has not let go of it (PUT RETURN)' };
  }
  if (ref !== null && ref > 0)
    return { who: 'nobody', waits: `whoever holds its ${ref} references` };
  return { who: 'nobody', waits: 'whoever holds it: the work is done' };
}

/** Slices that are not off their streams, in the order of the file, of each stream. */
function fronts({ slices }: RequestSeen): SliceSeen[] {
  const open = [...slices.values()].filter(
    ({ freed, step, listPuts }) => !freed && listPuts === 0 && !TAKEN.has(step) && step !== 'new',
  );
  open.sort((a, b) => a.start - b.start || a.index - b.index);
  const streams = new Map<string, SliceSeen>();
  for (const slice of open) {
    const stream = slice.source === 'write' ? 'write' : 'other';
    if (!streams.has(stream)) streams.set(stream, slice);
  }
  return [...streams.values()];
}

/** The front slice of a stream is in flight. */
function flying(request: RequestSeen, setting: Setting): Waits | null {
  const first = fronts(request);
  const slice = first.find(({ reading }) => reading);
  if (slice === undefined) return null;
  const { lastStep, seen } = request;
  const what = target(request, slice, setting);
  if (lastStep === 'wait_quiesce' || (seen.has('wait_quiesce') && !seen.has('waited_quiesce'))) {
    return { who: 'collector', waits: `quiesce, before it retries: ${what}` };
  }
  if (request.side === 'write' && slice.step === 'prepare' && request.returns === 0) {
    return { who: 'issuer', waits: what };
  }
  const behind = [...request.slices.values()].filter((each) => {
    return !each.reading && !each.freed && each.terms > 0 && each.start > slice.start;
  });
  const rest = behind.length === 0 ? '' : `; ${behind.length} slices behind it have ended`;
  return { who: whoWaits(request, slice, setting), waits: `${what}${rest}` };
}

function whoWaits(
  { lastStep, returns, gets, kind, side }: RequestSeen,
  slice: SliceSeen,
  setting: Setting,
): string {
  if (lastStep === 'wait_ip') return 'issuer, in WAIT-IP';
  if (lastStep === 'wait_pause') return 'issuer, paused';
  if (slice.again) return setting.tellsSubmit ? 'collector' : 'collector, inside its retry';
  // Nobody waits for the request itself, but for its folios.
  if (returns > 0) return side === 'read' ? 'readers of its folios' : 'fsync, for its folios';
  if (kind === 'readahead' && setting.tellsSubmit) return 'readers of its folios';
  // 9p reads in the task that issues.
  return gets > 0 || !setting.tellsSubmit ? 'issuer' : 'collector';
}

/** What a slice in flight waits for. */
function target(request: RequestSeen, slice: SliceSeen, setting: Setting): string {
  const { step, source } = slice;
  const which = named(slice);
  if (source === 'upload') {
    const credits = step === 'prepare' || step === 'retry';
    if (credits) return `its client, to send ${which}: credits, a file handle, or more pages`;
    return `the server: upload ${which}`;
  }
  if (source === 'write') {
    if (step === 'cache_write') return `the cache device: write ${which}`;
    if (step === 'submit' || step === 'cache_prepare') return `the cache: room for ${which}`;
    return `more pages, or the cache object, for ${which}`;
  }
  if (source === 'read') return cacheRead(request, slice, setting);
  if (source === 'zero') return `zeroing of ${which}`;
  const sent = step === 'submit' || slice.terms > 0 || slice.transferred > 0;
  if (!sent && setting.tellsSubmit && (step === 'prepare' || step === 'retry')) {
    return `its client, to send ${which}: credits, or a file handle`;
  }
  if (source === 'unknown' && step === 'added') return `the verdict of the cache on ${which}`;
  const retry = slice.again ? 'download again' : 'download';
  return `the server: ${retry} ${which}`;
}

function cacheRead(request: RequestSeen, slice: SliceSeen, { capture }: Setting): string {
  const which = named(slice);
  const sql = `SELECT 1 FROM "cachefiles_read" WHERE "id" > ? LIMIT 1`;
  if (capture.get(sql, [slice.last]) !== undefined) return `the cache device: read ${which}`;
  const some = capture.get('SELECT 1 FROM "cachefiles_read" LIMIT 1') !== undefined;
  if (!some) return `the cache: read ${which}`;
  return `the cache object of c=${hex(request.cookie)}, to read ${which}`;
}

/** Nothing that is known of is in flight. */
function held(request: RequestSeen, setting: Setting): Waits {
  const { lastStep, seen, slices, gets, cookie } = request;
  if (gets > slices.size) {
    const next = `[${slices.size + 1}]`;
    if (cookie > 0 && request.side === 'read') {
      return { who: 'issuer', waits: `the verdict of the cache on ${next}, or its object` };
    }
    return { who: 'issuer', waits: `the server: ${next}, of which nothing is told before it ends` };
  }
  if (lastStep === 'wait_put_ra_refs') {
    const waits = 'its issuer, to drop the references of its window (RA-PUT)';
    return { who: 'collector', waits };
  }
  const [front] = fronts(request);
  if (front === undefined) {
    if (slices.size === 0) return { who: 'issuer', waits: firstSlice(request, setting) };
    if (request.returns === 0) return { who: 'collector', waits: 'its issuer, for more slices' };
    return { who: 'nobody', waits: 'its collector, which has not ended it' };
  }
  const which = `[${front.index}] has ended`;
  const paused = flagMask(setting.capture.info.era, 'rreq', 'PAUSE');
  if (lastStep === 'wait_quiesce') return { who: 'collector', waits: 'quiesce, before it retries' };
  if (lastStep === 'set_pause' || lastStep === 'wait_pause') {
    return { who: 'issuer', waits: `its collector, to let it go on: paused, and ${which}` };
  }
  if (lastStep === 'wake_queue') {
    return { who: 'issuer', waits: 'its collector, which was woken and did not run' };
  }
  const still = paused !== 0 && (request.flags & paused) !== 0 ? ', paused' : '';
  const slept = seen.has('wait_ip') && !seen.has('waited_ip');
  return {
    who: slept ? `issuer, in WAIT-IP${still}` : `reader${still}`,
    waits: `its collector: ${which}`,
  };
}

function firstSlice({ cookie, first }: RequestSeen, { capture }: Setting): string {
  const sql = `SELECT 1 FROM "fscache_access" WHERE "cookie" = ? AND "id" >= ? AND "why" LIKE 'WAIT%'`;
  const waits = cookie > 0 && capture.get(sql, [cookie, first.id]) !== undefined;
  return waits ? `the lookup or invalidation of c=${hex(cookie)} (WAIT io)` : 'its first slice';
}

/** Before v6.14: what is in flight, else the step that is next. */
function classicWait(request: RequestSeen, slices: readonly SliceSeen[]): string {
  const open = slices.filter(({ terminated, step }) => !terminated && step !== 'new');
  const source = (from: string) => open.filter((slice) => slice.source === from).length;
  if (source('down') > 0) return `the server: ${source('down')} downloads`;
  if (source('read') > 0) return `the cache: ${source('read')} reads`;
  if (source('upload') > 0) return `the server: ${source('upload')} uploads`;
  const storing = slices.filter(({ step }) => step === 'write').length + source('write');
  if (storing > 0) return `the cache: ${storing} stores`;
  if (request.lastStep === 'set_pause') return 'itself: it is paused';
  if (request.lastStep === 'wake_queue') return 'its collector, which was woken and did not run';
  if (request.step === 'unlock') return 'a worker, to store what came';
  if (request.step === 'done') return 'whoever holds it: the work is done';
  if (slices.length > 0) return 'its collector: all slices have ended';
  return 'its first slice';
}
