/**
 * What the rules about slices watch where requests have a collector (v6.14 and later). A slice is
 * born with the rest of its request, is cut when its source is chosen, may end more than once if it
 * is retried, and is taken off its stream by the collector. Called by slices.ts.
 */
import { roundUp } from '../../../base/range.js';
import { flagMask } from '../../../trace/flag_bits.js';
import { sideLaws } from '../laws.js';
import type { CheckEvent, Hooks, Report, RequestSeen, SliceSeen, World } from '../types.js';

const PAGE = 4096;
const hex = (value: number): string => value.toString(16);

/** A slice and its last event; made only where something is wrong. */
const whereOf = (request: RequestSeen, slice: SliceSeen) => ({
  ...{ request, slice: slice.index, with: [slice.last] },
});

/** Steps of a request after which its collector takes no more slices. */
const COLLECTED = new Set([
  ...['complete', 'ki_complete', 'dirty', 'wake_ip', 'done', 'end_copy_to_cache', 'write_done'],
]);

/** True once the collector of a request has ended it. */
export function isCollected({ step }: RequestSeen): boolean {
  return COLLECTED.has(step);
}

/** Steps by which the collector takes a slice. */
const TAKEN = new Set(['consumed', 'abandoned', 'clear']);

/** A slice is taken between COLLECT and COMPLET; what begins or ends later is another rule's. */
export function watchTurns(_world: World, report: Report): Hooks {
  return {
    slice(request, slice, event) {
      if (!request.whole || !TAKEN.has(event.step)) return;
      if (request.step !== 'begun' && !isCollected(request)) return;
      report(event, `${event.what} while its request is at ${request.step}`, {
        request,
        slice: slice.index,
      });
    },
  };
}

/** Kinds of reads of which pinning the user's pages may leave less than was asked for. */
const PINNED = new Set(['dio_read']);

/** The slices of a request cover it from its start on, once they are all there. */
export function watchTiling(world: World, report: Report): Hooks {
  const failed = flagMask(world.era, 'rreq', 'FAILED');
  return {
    slice(request, slice, event) {
      if (!request.whole || slice.step !== 'new') return;
      const where = { request, slice: event.index };
      if (event.index !== request.slices.size) report(event, 'an index was skipped', where);
      const end = request.start + request.len;
      if (request.side === 'read' && request.kind !== '' && event.start + event.len > end) {
        report(event, `ends at ${hex(event.start + event.len)}, beyond ${hex(end)}`, where);
      }
      const before = request.side === 'write' ? lastOf(request, slice) : null;
      if (before !== null && event.start < before.start + before.len) {
        report(event, `begins at ${hex(event.start)}, inside [${before.index}]`, where);
      }
    },
    step(request, event) {
      if (!request.whole || request.slices.size === 0) return;
      if (event.step === 'write_done' && request.kind.endsWith('write')) {
        const gap = gapOf(request, true);
        if (gap !== null) report(event, `no slice covers ${gap}`, { request });
      }
      if (event.step !== 'complete') return;
      const open = PINNED.has(request.kind) || (event.flags & failed) !== 0;
      const gap = gapOf(request, open);
      if (gap !== null) report(event, `no slice covers ${gap}`, { request });
    },
  };
}

/** The slice of the same stream before a new one, in the order of their making. */
function lastOf({ slices }: RequestSeen, slice: SliceSeen): SliceSeen | null {
  for (let index = slice.index - 1; index > 0; index--) {
    const before = slices.get(index);
    if (before === undefined) return null;
    if (before.source === slice.source) return before.len > 0 ? before : null;
  }
  return null;
}

/** The first place that not exactly one slice covers; `open` = they need not reach the end. */
function gapOf(request: RequestSeen, open: boolean): string | null {
  const slices = [...request.slices.values()].filter(
    ({ len, step }) => len > 0 && step !== 'superfluous' && step !== 'discard' && step !== 'new',
  );
  slices.sort((a, b) => a.start - b.start);
  const direct = request.side === 'write';
  let at = direct ? (slices[0]?.start ?? 0) : request.start;
  for (const slice of slices) {
    if (slice.start !== at) {
      return `${hex(Math.min(at, slice.start))}-${hex(Math.max(at, slice.start))} once`;
    }
    at = slice.start + slice.len;
  }
  const end = request.start + request.len;
  return open || at === end ? null : `${hex(at)}-${hex(end)}`;
}

/** Steps before which the length of a slice of a read is not final. */
const UNCUT = new Set(['added', 'prepare', 'limited', 'retry', 'reprep_failed']);

/** The range of a slice stays, but that it is cut while it is issued. */
export function movesCollected(request: RequestSeen, slice: SliceSeen, event: CheckEvent): boolean {
  if (event.step === 'retry' || event.step === 'split') return true;
  // A write goes on where it came to, which not every step of a retry shows.
  if (slice.again && request.side === 'write') return true;
  if (event.start !== slice.start) return false;
  if (request.side === 'read') return UNCUT.has(slice.step) && event.len <= slice.len;
  if (slice.step === 'prepare' || slice.step === 'prep_failed') return slice.len === 0;
  // The cache writes whole blocks: the last one of the file whole, others as far as they are.
  if (event.from !== 'write' || slice.step !== 'submit') return false;
  return event.len === roundUp(slice.len, PAGE) || event.len === slice.len - (slice.len % PAGE);
}

/** Steps before a slice has got anything. */
const BEFORE_IO = new Set([
  ...['prepare', 'submit', 'added', 'limited', 'cache_prepare', 'cache_write'],
]);
/** Steps that only announce how a slice ends. */
const ANNOUNCES = new Set(['hit_eof', 'need_clear', 'need_retry', 'partial_read', 'short']);
/** Steps that show what the end will show. */
const FORETELLS = new Set(['hit_eof', 'need_clear', 'need_retry', 'partial_read', 'io_progress']);
/** Steps at which what a slice got is the same as before. */
const KEEPS = new Set(['consumed', 'free', 'cache_nowrite', 'superfluous', 'discard']);

/** What a slice got, and its error, change only while it is in flight. */
export function watchLateChanges(_world: World, report: Report): Hooks {
  return {
    slice(request, slice, event) {
      const early = BEFORE_IO.has(event.step) && slice.terms === 0 && !slice.again;
      if (early && (event.transferred !== 0 || event.error !== 0)) {
        report(event, 'has bytes or an error before it was read', whereOf(request, slice));
      }
      if (slice.step === 'new') return;
      if (request.side === 'read' && (event.step === 'retry' || slice.step === 'retry')) {
        const forgot = event.error !== slice.error && (event.step === 'retry' || event.error !== 0);
        const issued = !slice.reading || event.step === 'submit' || event.step === 'retry';
        if (issued && event.transferred !== slice.transferred) {
          report(event, `the bytes it got changed at ${event.what}`, whereOf(request, slice));
        } else if (issued && forgot)
          report(event, `its error changed at ${event.what}`, whereOf(request, slice));
      }
      if (slice.again || event.step === 'retry') return;
      // The client of a write tells that it went well before it tells how far.
      const foretold = FORETELLS.has(slice.step) && request.side === 'read';
      const same = KEEPS.has(event.step) || foretold;
      if (same && event.transferred !== slice.transferred) {
        report(event, `the bytes it got changed at ${event.what}`, whereOf(request, slice));
      } else if (foretold && event.error !== slice.error) {
        report(event, `its error changed at ${event.what}`, whereOf(request, slice));
      } else if (slice.terms > 0 && event.step !== 'clear' && event.step !== 'abandoned') {
        if (event.error !== slice.error) {
          report(event, `its error changed at ${event.what}`, whereOf(request, slice));
        }
      } else if (event.step === 'clear' && event.transferred !== event.len) {
        report(event, 'was cleared, and has not all its bytes', whereOf(request, slice));
      } else if (event.step === 'abandoned') {
        const filled = event.transferred === event.len || event.transferred === slice.transferred;
        if (!filled)
          report(event, `the bytes it got changed at ${event.what}`, whereOf(request, slice));
      }
    },
  };
}

/** A request ends after its slices, and each is freed after it was collected. */
export function watchSettled(world: World, report: Report): Hooks {
  return {
    step(request, event) {
      const laws = sideLaws(world.era, request);
      if (laws === null || !laws.settled.includes(event.step)) return;
      const ends = laws.collected?.includes(event.step) === true;
      for (const slice of request.slices.values()) {
        const how = unsettled(request, slice, event, ends);
        if (how === null) continue;
        const where = { request, slice: slice.index, with: [slice.last] };
        report(event, `${event.what} while slice ${slice.index} ${how}`, where);
      }
    },
    slice(request, slice, event) {
      if (slice.step === 'new' || !slice.reading) return;
      const taken = TAKEN.has(event.step) || event.step === 'free';
      // A failed preparation is put twice and never ends (v6.19 and before).
      if (!taken || (event.step === 'free' && slice.listPuts > 1)) return;
      const where = { request, slice: event.index, with: [slice.last] };
      report(event, `${event.what} in flight`, where);
    },
  };
}

/** Steps of a slice of a read that the collector has dealt with. */
const DEALT_WITH = new Set(['consumed', 'abandoned', 'superfluous', 'discard', 'free']);

function unsettled(
  request: RequestSeen,
  slice: SliceSeen,
  event: CheckEvent,
  ends: boolean,
): string | null {
  if (event.step === 'free') return slice.freed ? null : 'was not freed';
  if (slice.reading) return slice.listPuts > 1 ? null : 'is in flight';
  if (!ends || !request.whole || request.side === 'write') return null;
  return DEALT_WITH.has(slice.step) ? null : 'was not collected';
}

/** A slice that ends with less than it asked for says why. */
export function watchShort(world: World, report: Report): Hooks {
  const flags = (...names: string[]) =>
    names.reduce((sum, name) => sum | flagMask(world.era, 'sreq', name), 0);
  const retry = flags('NEED_RETRY');
  const excused = flags('NEED_RETRY', 'HIT_EOF', 'CLEAR_TAIL', 'FAILED');
  return {
    slice(request, slice, event) {
      const silent = event.step === 'terminated' && event.error === 0;
      if (!silent || event.transferred >= event.len) return;
      if (ANNOUNCES.has(slice.step)) return;
      // What came before the trace may have said why.
      const unseen = !request.whole || slice.step === 'new';
      const excuse = request.side === 'read' && unseen ? excused : retry;
      if ((event.flags & excuse) !== 0) return;
      const what = `${hex(event.transferred)} of ${hex(event.len)} bytes`;
      report(event, `ended with ${what} and no error`, { request, slice: event.index });
    },
  };
}

/** The source of a slice is chosen once, and changes only when a cache read is retried. */
export function watchSource(_world: World, report: Report): Hooks {
  return {
    slice(request, slice, event) {
      if (slice.step === 'new' || slice.source === event.from) return;
      if (slice.source === 'unknown' && (slice.step === 'added' || slice.step === 'prepare'))
        return;
      const retried = event.step === 'retry' || slice.again;
      if (slice.source === 'read' && event.from === 'down' && retried) return;
      report(event, `${slice.source} became ${event.from} at ${event.what}`, {
        request,
        slice: event.index,
        with: [slice.last],
      });
    },
  };
}

/**
 * Where a slice may not come from: the step before it is missing, or one too many. Null if it may.
 */
export function stepFault(
  request: RequestSeen,
  slice: SliceSeen,
  event: CheckEvent,
  adds: readonly string[],
): string | null {
  const { step, from } = event;
  const first = slice.step === 'new';
  if (request.side === 'write') {
    const empty = event.len === 0 && event.transferred === 0 && (event.flags & 0xffff) === 0;
    return first && step === 'prepare' && !empty ? 'it is not empty' : null;
  }
  if (first && adds.includes(request.kind) && step !== 'added') return 'it was not added before';
  if (step === 'prepare' && slice.step === 'prepare' && slice.source !== 'unknown') {
    return 'it has been prepared already';
  }
  const unsent = first || UNSENT.has(slice.step);
  const told = from === 'read' || from === 'zero';
  return told && unsent && ENDING_STEPS.has(step) ? 'it was not submitted before' : null;
}

const UNSENT = new Set(['added', 'prepare', 'limited']);
const ENDING_STEPS = new Set([...ANNOUNCES, 'terminated', 'progress']);

/** A slice that ends with an error says so first, unless its client only wants a retry. */
export function watchFailures(world: World, report: Report, quiet: boolean): Hooks {
  const wants = flagMask(world.era, 'sreq', 'NEED_RETRY');
  const failed = flagMask(world.era, 'sreq', 'FAILED');
  /** PAUSE lines of each task of which the end of a slice is still to come. */
  const paused = new Map<number | null, number>();
  const bad = new WeakMap<RequestSeen, number>();
  // Where errors have no failure at all, failures were not recorded.
  const failures = world.present('netfs_failure');
  const steps = world.recorded('netfs_rreq');
  return {
    step(request, event) {
      if (event.step === 'set_pause') paused.set(event.task, (paused.get(event.task) ?? 0) + 1);
      if (event.step !== 'free' || !request.whole) return;
      const pauses = request.seen.get('set_pause') ?? 0;
      const most = bad.get(request) ?? 0;
      if (pauses > most)
        report(event, `PAUSE came ${pauses} times, for ${most} slices`, { request });
    },
    slice(request, slice, event) {
      if (event.step !== 'terminated') return;
      if (event.error < 0 || (event.flags & (wants | failed)) !== 0) {
        bad.set(request, (bad.get(request) ?? 0) + 1);
        const left = paused.get(event.task) ?? 0;
        if (left > 0) paused.set(event.task, left - 1);
        else if (event.error < 0 && request.whole && steps) {
          report(event, 'ended with an error and no PAUSE before', { request, slice: slice.index });
        }
      }
      const told = slice.failure;
      slice.failure = null;
      const where = { request, slice: slice.index, with: told === null ? [] : [told.id] };
      if (event.error === 0) {
        if (told !== null && ENDING.has(told.step)) {
          report(event, `a failure ${told.error} was told, and it ended without`, where);
        }
        return;
      }
      if ((event.flags & (wants | failed)) === 0) {
        report(event, `ended with ${event.error} and neither failed nor is retried`, where);
      }
      // What came before the trace may have said it.
      if (told?.error === event.error || !request.whole || !failures) return;
      const asked = quiet && told === null && (event.flags & wants) !== 0;
      if (asked && event.from !== 'read' && event.from !== 'write') return;
      report(event, `ended with ${event.error} and no failure of that error`, where);
    },
    failure(request, slice, event) {
      if (slice === undefined || slice.failure === null) return;
      report(event, 'told twice', { request, slice: slice.index, with: [slice.failure.id] });
    },
  };
}

/** Failures of a slice's I/O. */
const ENDING = new Set(['read', 'write']);
