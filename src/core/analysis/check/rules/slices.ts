/**
 * Rules about slices: that they cover their request, go through their steps once and in order, and
 * end with what they were asked for. Called through the registry in index.ts.
 */

import { roundUp } from '../../../base/range.js';
import { coveredTo, rangeOf } from '../coverage.js';
import { collectorEra, lawsOf, sideLaws } from '../laws.js';
import type { CheckEvent, RequestSeen, Rule, SliceSeen, World } from '../types.js';
import {
  movesCollected,
  stepFault,
  watchFailures,
  watchLateChanges,
  watchSettled,
  watchShort,
  watchSource,
  watchTiling,
  watchTurns,
} from './collected_slices.js';
import { everyEra, lawfulEra, NO_LAW } from './eras.js';

const PAGE = 4096;

const hex = (value: number): string => value.toString(16);

const sliceOrder: Rule = {
  id: 'slice-order',
  severity: 'error',
  doc: 'A slice is prepared, submitted, ended and freed, in this order and once.',
  explanation:
    'A step came that cannot follow the one before: it was ended twice, retried without need, or events are missing.',
  known: 'series "netfs, cifs: Fixes to retry-related code", July 2025',
  needs: ['netfs_sreq'],
  holds: lawfulEra,
  elsewhere: NO_LAW,
  watch(world, report) {
    const collected = collectorEra(world.era);
    const adds = lawsOf(world.era)?.adds ?? [];
    return {
      slice(request, slice, event) {
        if ((slice.step === 'new' && !request.whole) || event.step === 'wait_for') return;
        if (endsUnasked(slice, event, world)) {
          report(event, 'ended twice, and was not handed out again', {
            request,
            slice: event.index,
            with: [slice.last],
          });
        }
        const fault = collected ? stepFault(request, slice, event, adds) : null;
        if (fault !== null && request.whole) {
          report(event, `${event.what}, and ${fault}`, { request, slice: event.index });
          return;
        }
        const next = sideLaws(world.era, request)?.slices[slice.step];
        if (next === undefined || next.includes(event.step)) return;
        const after = slice.step === 'new' ? 'as its first event' : `after ${slice.step}`;
        report(event, `${event.what} ${after}`, {
          request,
          slice: event.index,
          with: slice.step === 'new' ? [] : [slice.last],
        });
      },
    };
  },
};

/** True for an end more than a slice was handed out, as far as references tell. */
function endsUnasked(slice: SliceSeen, event: CheckEvent, world: World): boolean {
  if (event.step !== 'terminated' || slice.terms === 0 || !collectorEra(world.era)) return false;
  return !slice.again && world.recorded('netfs_sreq_ref');
}

const sliceTurn: Rule = {
  id: 'slice-turn',
  severity: 'error',
  doc: 'Each event of a slice comes while its request is at the step where it belongs.',
  explanation: 'Work on a slice before its request reached, or after it left, that stage.',
  known: null,
  needs: ['netfs_sreq', 'netfs_rreq'],
  holds: (era) => lawsOf(era)?.slicing === 'in turn' || collectorEra(era),
  elsewhere: 'in v6.12 slices begin, end and are unlocked while others of the request are issued',
  watch(world, report) {
    if (collectorEra(world.era)) return watchTurns(world, report);
    const turns: Readonly<Record<string, readonly string[]>> = {
      prepare: ['begun'],
      submit: ['begun'],
      terminated: ['begun', 'resubmit', 'assess'],
      resubmit_short: ['resubmit'],
      download_instead: ['resubmit'],
      write: ['write'],
      write_skip: ['write'],
      write_term: ['write'],
      free: ['write', 'done', 'unmark'],
    };
    return {
      slice(request, slice, event) {
        if (!request.whole || request.step === 'new') return;
        if (event.step === 'free' && !slice.terminated) return;
        const allowed = turns[event.step];
        if (allowed === undefined || allowed.includes(request.step)) return;
        report(event, `${event.what} while its request is at ${request.step}`, {
          request,
          slice: event.index,
        });
      },
    };
  },
};

const sliceTiling: Rule = {
  id: 'slice-tiling',
  severity: 'error',
  doc: 'The slices of a read cover its range in order, without gap or overlap.',
  explanation:
    'Bytes that no slice covers reach the reader as whatever was in the page; bytes covered twice are read twice.',
  known: null,
  needs: ['netfs_read', 'netfs_sreq'],
  holds: lawfulEra,
  elsewhere: NO_LAW,
  watch(world, report) {
    if (collectorEra(world.era)) return watchTiling(world, report);
    const inTurn = lawsOf(world.era)?.slicing === 'in turn';
    return inTurn ? tilingInTurn(report) : tilingRestFirst(report);
  },
};

type Told = Parameters<Rule['watch']>[1];

function tilingInTurn(report: Told): ReturnType<Rule['watch']> {
  return {
    slice(request, slice, event) {
      if (!request.whole || event.step !== 'prepare' || slice.step !== 'new') return;
      if (request.step !== 'begun') return;
      const where = { request, slice: event.index };
      const [, end] = rangeOf(request);
      const expected = coveredTo(request);
      if (event.index !== request.slices.size - 1) report(event, 'an index was skipped', where);
      if (event.start !== expected) {
        const what = event.start > expected ? 'leaves a gap from' : 'overlaps up to';
        report(event, `begins at ${hex(event.start)}, ${what} ${hex(expected)}`, where);
      } else if (event.start + event.len > end) {
        report(event, `ends at ${hex(event.start + event.len)}, beyond ${hex(end)}`, where);
      }
    },
    step(request, event) {
      if (!request.whole || event.step !== 'unlock' || request.step === 'new') return;
      const slices = [...request.slices.values()];
      const stopped = slices.some(({ error, source }) => error < 0 || source === 'invalid');
      const [, end] = rangeOf(request);
      const covered = coveredTo(request);
      if (stopped || covered === end) return;
      const what = `slices end at ${hex(covered)}, the request at ${hex(end)}: memory was short`;
      report(event, what, { request, severity: 'warning' });
    },
  };
}

function tilingRestFirst(report: Told): ReturnType<Rule['watch']> {
  return {
    slice(request, slice, event) {
      if (!request.whole || event.step !== 'added' || slice.step !== 'new') return;
      if (request.step !== 'begun' || request.side !== 'read') return;
      const [start, end] = rangeOf(request);
      const where = { request, slice: event.index };
      const before = request.slices.get(event.index - 1);
      if (event.index !== request.slices.size) report(event, 'an index was skipped', where);
      if (event.start + event.len !== end) {
        const is = hex(event.start + event.len);
        report(event, `its rest ends at ${is}, the request at ${hex(end)}`, where);
      } else if (before === undefined ? event.start !== start : event.start <= before.firstStart) {
        report(event, `begins at ${hex(event.start)}, which is not in turn`, where);
      }
    },
    step(request, event) {
      if (!request.whole || event.step !== 'assess' || request.side !== 'read') return;
      if (request.step === 'new') return;
      const gap = gapOf(request);
      if (gap !== null) report(event, `no slice ends up with ${gap}`, { request });
    },
  };
}

/** The first place that the slices, as they are now, do not tile; null if they do. */
function gapOf(request: RequestSeen): string | null {
  const slices = [...request.slices.values()].filter(({ len }) => len > 0);
  slices.sort((a, b) => a.start - b.start);
  let [at, end] = rangeOf(request);
  for (const slice of slices) {
    if (slice.start !== at) return `${hex(Math.min(at, slice.start))}-${hex(slice.start)}`;
    at = slice.start + slice.len;
  }
  return at === end ? null : `${hex(at)}-${hex(end)}`;
}

/** Steps after which the range may be another one than before. */
const MOVES: Readonly<Record<string, readonly string[]>> = {
  'in turn': ['write', 'write_skip', 'free'],
  'rest first': [
    ...['prepare', 'submit', 'add_donations', 'donate_to_prev', 'donate_to_next', 'clear'],
    ...['retry', 'split'],
  ],
};

const sliceMoved: Rule = {
  id: 'slice-moved',
  severity: 'error',
  doc: 'A slice keeps its range, but where it is cut, merged, rounded or given away.',
  explanation: 'What is read or stored is not the range that was prepared.',
  known: null,
  needs: ['netfs_sreq'],
  holds: lawfulEra,
  elsewhere: NO_LAW,
  watch(world, report) {
    const collected = collectorEra(world.era);
    const inTurn = lawsOf(world.era)?.slicing === 'in turn';
    const moves = MOVES[inTurn ? 'in turn' : 'rest first'] as readonly string[];
    return {
      slice(request, slice, event) {
        if (slice.step === 'new') return;
        const moved = movedHow(slice, event);
        if (moved === null) return;
        if (collected && movesCollected(request, slice, event)) return;
        if (!collected && allowsMove(inTurn, moves, request, slice, event)) return;
        report(event, `its ${moved} changed without a reason at ${event.what}`, {
          request,
          slice: event.index,
          with: [slice.last],
        });
      },
    };
  },
};

function movedHow(slice: SliceSeen, event: CheckEvent): string | null {
  if (slice.start !== event.start) return 'start';
  return slice.len === event.len ? null : 'length';
}

function allowsMove(
  inTurn: boolean,
  moves: readonly string[],
  request: RequestSeen,
  slice: SliceSeen,
  event: CheckEvent,
): boolean {
  if (inTurn) return allowsMoveInTurn(request, slice, event, moves);
  if (request.side === 'write') return allowsWriteMove(slice, event);
  // The first event shows the rest of the request; what follows shows what was made of it.
  if (slice.step === 'added') {
    const within = event.start >= slice.start && event.len <= slice.len;
    if (['submit', 'prepare', 'progress', 'terminated'].includes(event.step)) {
      return event.start === slice.start && within;
    }
    return moves.includes(event.step);
  }
  if (event.step === 'submit' || event.step === 'prepare') {
    return event.start === slice.start && event.len <= slice.len;
  }
  // What was given away is gone at the end.
  if (event.step === 'terminated') return takesDonations(slice, event);
  if (event.step === 'clear') return false;
  return moves.includes(event.step);
}

/** A write is prepared empty and may be rounded up to whole pages by the cache. */
function allowsWriteMove(slice: SliceSeen, event: CheckEvent): boolean {
  if (event.start !== slice.start) return false;
  if (event.step === 'submit') return slice.len === 0;
  return event.step === 'terminated' && event.len === roundUp(slice.len, PAGE);
}

function takesDonations(slice: SliceSeen, event: CheckEvent): boolean {
  const shrunk = slice.step === 'donate_to_next' && event.len <= slice.len;
  const grown = event.start <= slice.start && event.len >= slice.len;
  return shrunk || (slice.step === 'submit' && grown && event.transferred === event.len);
}

function allowsMoveInTurn(
  request: RequestSeen,
  slice: SliceSeen,
  event: CheckEvent,
  moves: readonly string[],
): boolean {
  if (!moves.includes(event.step) || request.step === 'begun') return false;
  // Storing widens to whole blocks and joins neighbours; the FREE shows what was stored.
  const wider = event.start <= slice.start && event.start + event.len >= slice.start + slice.len;
  return wider && event.step !== 'free';
}

const overrun: Rule = {
  id: 'slice-overrun',
  severity: 'error',
  doc: 'A slice gets at most what it asked for, and never less than it had.',
  explanation:
    'More bytes than there is room for means memory was overwritten; fewer than before means an account is wrong.',
  known: null,
  needs: ['netfs_sreq'],
  sure: true,
  holds: everyEra,
  watch(world, report) {
    const collected = collectorEra(world.era);
    return {
      slice(request, slice, event) {
        if (event.transferred > event.len && (collected || request.side === 'read')) {
          report(event, `got ${hex(event.transferred)} of ${hex(event.len)}`, {
            request,
            slice: slice.index,
            with: [slice.last],
          });
        } else if (slice.step !== 'new' && lostBytes(slice, event)) {
          const now = hex(event.transferred);
          report(event, `had ${hex(slice.transferred)} and now ${now} bytes`, {
            request,
            slice: slice.index,
            with: [slice.last],
          });
        }
      },
    };
  },
};

const GIVES = new Set(['donate_to_next', 'donate_to_prev', 'retry', 'download_instead', 'split']);

function lostBytes(slice: SliceSeen, event: CheckEvent): boolean {
  if (event.transferred >= slice.transferred) return false;
  return !GIVES.has(event.step) && !GIVES.has(slice.step);
}

const FREE_STEPS = new Set(['free', 'write', 'write_term', 'write_skip']);

const changedLate: Rule = {
  id: 'slice-changed-late',
  severity: 'error',
  doc: 'What a slice got, and its error, do not change but by reading.',
  explanation: 'Somebody wrote to the slice after it had ended.',
  known: null,
  needs: ['netfs_sreq'],
  holds: everyEra,
  watch(world, report) {
    if (collectorEra(world.era)) return watchLateChanges(world, report);
    return {
      slice(request, slice, event) {
        const where = { request, slice: event.index, with: [slice.last] };
        if (BEFORE_IO.has(event.step) && (event.transferred !== 0 || event.error !== 0)) {
          report(event, 'has bytes or an error before it was read', where);
        }
        if (slice.step === 'new') return;
        const idle = FREE_STEPS.has(event.step) && slice.terminated;
        if (idle && event.transferred !== slice.transferred) {
          report(event, 'the bytes it got changed after its end', where);
        } else if (idle && event.error !== slice.error) {
          report(event, 'its error changed after its end', where);
        } else if (slice.error < 0 && event.error !== slice.error && !RESUBMITS.has(event.step)) {
          report(event, `its error ${slice.error} was forgotten at ${event.what}`, where);
        }
      },
    };
  },
};

const BEFORE_IO = new Set(['prepare', 'submit', 'added']);

const settled: Rule = {
  id: 'slice-in-flight',
  severity: 'error',
  doc: 'A request goes on only when all its slices have ended, and is freed after them.',
  explanation:
    'Pages were unlocked, or the request freed, while data was still to come: readers see what is not there.',
  known: null,
  needs: ['netfs_sreq', 'netfs_rreq'],
  holds: lawfulEra,
  elsewhere: NO_LAW,
  watch(world, report) {
    if (collectorEra(world.era)) return watchSettled(world, report);
    return {
      step(request, event) {
        const laws = sideLaws(world.era, request);
        if (laws === null || !laws.settled.includes(event.step)) return;
        for (const slice of request.slices.values()) {
          const how = unsettled(slice, event.step);
          if (how === null) continue;
          report(event, `${event.what} while slice ${slice.index} ${how}`, {
            request,
            slice: slice.index,
            with: [slice.last],
          });
        }
      },
      slice(request, slice, event) {
        if (event.step !== 'free' || slice.step === 'new') return;
        const storing = slice.step === 'write';
        if (!storing && (!slice.reading || request.side === 'write')) return;
        report(event, 'freed in flight', { request, slice: event.index, with: [slice.last] });
      },
    };
  },
};

/** What a slice still has to do when its request goes on to a step; null = nothing. */
function unsettled(slice: SliceSeen, step: string): string | null {
  if (step === 'free') return slice.freed ? null : 'was not freed';
  if (slice.reading) return 'is in flight';
  // The pages are marked until then.
  return step === 'done' && slice.step === 'write' ? 'is being stored' : null;
}

const shortTransfer: Rule = {
  id: 'short-transfer',
  severity: 'error',
  doc: 'A slice that ends without an error has all its bytes, or says that it is short.',
  explanation:
    'The rest of the slice is handed to the reader as it was in memory: zeros at best, old data at worst.',
  known: null,
  needs: ['netfs_sreq'],
  sure: true,
  holds: everyEra,
  watch(world, report) {
    if (collectorEra(world.era)) return watchShort(world, report);
    return {
      slice(request, slice, event) {
        const silent = event.step === 'terminated' && event.error === 0;
        if (!silent || request.side === 'write' || event.transferred >= event.len) return;
        if (slice.step === 'short' || (event.flags & SHORT_OK) !== 0) return;
        const what = `${hex(event.transferred)} of ${hex(event.len)} bytes`;
        report(event, `ended with ${what} and no error`, { request, slice: event.index });
      },
    };
  },
};

/** SHORT_READ or SHORT_IO, NEED_RETRY: bits 2 and 9 in every era that has them. */
const SHORT_OK = (1 << 2) | (1 << 9);

const sourceChanged: Rule = {
  id: 'source-changed',
  severity: 'error',
  doc: 'The source of a slice stays, but that a failed cache read goes to the server.',
  explanation: 'The slice got its bytes from somewhere else than was decided.',
  known: null,
  needs: ['netfs_sreq'],
  sure: true,
  holds: everyEra,
  watch(world, report) {
    if (collectorEra(world.era)) return watchSource(world, report);
    return {
      slice(request, slice, event) {
        if (slice.step === 'new') {
          if (event.step === 'added' && event.from !== 'unknown') {
            report(event, 'has a source before one was chosen', { request, slice: event.index });
          }
          return;
        }
        if (slice.source === event.from) return;
        if (slice.source === 'unknown' && slice.step === 'added') return;
        const cacheToServer = slice.source === 'read' && event.from === 'down';
        if (cacheToServer && ['download_instead', 'retry'].includes(event.step)) return;
        report(event, `${slice.source} became ${event.from} at ${event.what}`, {
          request,
          slice: event.index,
          with: [slice.last],
        });
      },
    };
  },
};

const RESUBMITS = new Set(['download_instead', 'resubmit_short', 'retry']);

const failureTold: Rule = {
  id: 'failure-told',
  severity: 'error',
  doc: 'Every slice that ends with an error has a netfs_failure of that error, and only those.',
  explanation: 'An error was swallowed, or told where there was none.',
  known: null,
  needs: ['netfs_failure', 'netfs_sreq'],
  holds: (era) => lawsOf(era) !== null && era !== 'E0',
  elsewhere: NO_LAW,
  watch(world, report) {
    if (collectorEra(world.era)) {
      return watchFailures(world, report, lawsOf(world.era)?.quietRetry === true);
    }
    // Where errors have no failure at all, failures were not recorded.
    const failures = world.present('netfs_failure');
    const judge = (request: RequestSeen, slice: SliceSeen, event: CheckEvent): void => {
      const told = slice.failure;
      const where = { request, slice: slice.index, with: [slice.last] };
      if (!failures) return;
      if (slice.error < 0 && slice.error !== NO_DATA && told?.error !== slice.error) {
        report(event, `ended with ${slice.error} and no failure of that error`, where);
      } else if (slice.error === 0 && told !== null && READ_FAILURES.has(told.step)) {
        report(event, `a failure ${told.error} was told, and it ended without`, where);
      }
      slice.failure = null;
    };
    return {
      slice(request, slice, event) {
        const over = event.step === 'free' || RESUBMITS.has(event.step);
        if (over && slice.terminated) judge(request, slice, event);
      },
      failure(request, slice, event) {
        if (slice === undefined || slice.failure === null) return;
        report(event, 'told twice', {
          request,
          slice: slice.index,
          with: [slice.failure.id],
        });
      },
    };
  },
};

const READ_FAILURES = new Set(['read', 'write']);
/** ENODATA of a cache read that only looked ahead is not told. */
const NO_DATA = -61;

/** The rules about slices. */
export const SLICE_RULES = {
  'slice-order': sliceOrder,
  'slice-turn': sliceTurn,
  'slice-tiling': sliceTiling,
  'slice-moved': sliceMoved,
  'slice-overrun': overrun,
  'slice-changed-late': changedLate,
  'slice-in-flight': settled,
  'short-transfer': shortTransfer,
  'source-changed': sourceChanged,
  'failure-told': failureTold,
} as const satisfies Record<string, Rule>;
