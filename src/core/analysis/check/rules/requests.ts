/**
 * Rules about the life of a request: the order of its steps, its begin and its end. Called through
 * the registry in index.ts.
 */
import { formatNs } from '../../../base/units.js';
import { flagMask } from '../../../trace/flag_bits.js';
import { collectorEra, sideLaws } from '../laws.js';
import type { RequestSeen, Rule, World } from '../types.js';
import { isCollected } from './collected_slices.js';
import { everyEra, lawfulEra, NO_LAW } from './eras.js';
import { STUCK_NS } from './stuck_after.js';

const requestOrder: Rule = {
  id: 'request-order',
  severity: 'error',
  doc: 'The steps of a request follow each other as the kernel takes them.',
  explanation:
    'A step came that cannot follow the one before: two threads worked on the request at once, or events are missing.',
  known: null,
  needs: ['netfs_rreq', 'netfs_read'],
  holds: lawfulEra,
  elsewhere: NO_LAW,
  watch(world, report) {
    return {
      begin(request, event) {
        if (event.step === 'expanded' && request.step !== 'begun') {
          report(event, `EXPANDED after ${request.step}`, { request });
        }
      },
      step(request, event) {
        const laws = sideLaws(world.era, request);
        if (laws === null || laws.floating.includes(event.step)) return;
        const before = request.step;
        if (before === 'new' && !request.whole) return;
        const next = laws.requests[before];
        if (next !== undefined && !next.includes(event.step)) {
          report(event, `${event.what} after ${before}`, { request, with: [request.last.id] });
        }
      },
    };
  },
};

const requestUnbegun: Rule = {
  id: 'request-unbegun',
  severity: 'error',
  doc: 'A request whose number is new begins with netfs_read or netfs_write.',
  explanation:
    'Requests are numbered as they are made, so this one was made while the trace ran; its begin is missing.',
  known: null,
  needs: ['netfs_read'],
  holds: everyEra,
  watch(world, report) {
    let seen = false;
    return {
      begin() {
        seen = true;
      },
      stray(event, why) {
        if (why !== 'unbegun' || !seen) return;
        // When the cache refuses to begin, the request is freed before its begin is told.
        if (event.step === 'free' && event.event === 'netfs_rreq') return;
        const begin = ['upload', 'write'].includes(event.from) ? 'netfs_write' : 'netfs_read';
        if (world.present(begin)) report(event, `${event.event} before any begin`);
      },
    };
  },
};

const afterFree: Rule = {
  id: 'after-free',
  severity: 'error',
  doc: 'Nothing happens to a request after its FREE.',
  explanation: 'Memory that was given back is still in use: expect corruption or an oops.',
  known: 'series "netfs, cifs: Fixes to retry-related code", July 2025: double put of a request',
  needs: ['netfs_rreq'],
  sure: true,
  holds: everyEra,
  watch(_world, report) {
    return {
      stray(event, why) {
        if (why === 'freed') report(event, `${event.event} after the FREE of its request`);
      },
    };
  },
};

const requestOpen: Rule = {
  id: 'request-open',
  severity: 'note',
  doc: 'Every request is freed before the trace ends.',
  explanation:
    'Its end is not in the trace. If nothing has happened to it for a second, it counts as stuck; trace stuck says on what.',
  known: null,
  needs: ['netfs_rreq'],
  holds: everyEra,
  watch(world, report) {
    return {
      open(request) {
        const silent = world.endNs - request.last.ts;
        const stuck = silent >= STUCK_NS;
        const since = stuck ? `, silent for ${formatNs(silent)}` : '';
        report(request.last, `not freed, last step ${request.step}${since}`, {
          request,
          severity: stuck ? 'warning' : 'note',
        });
      },
    };
  },
};

function collected(request: RequestSeen): boolean {
  const slices = [...request.slices.values()];
  return (
    slices.length > 0 &&
    slices.every(({ reading, terminated, freed }) => {
      return freed || (terminated && !reading);
    })
  );
}

/** True if all is queued and has ended, and nothing happened for long. */
function uncollected(request: RequestSeen, world: World): boolean {
  const { slices, gets, returns, kind } = request;
  if (world.endNs - request.last.ts < STUCK_NS || !collected(request)) return false;
  // A slice may tell nothing before it ends, and the submitter may not be through.
  if (isCollected(request) || gets > slices.size) return false;
  return returns > 0 || request.seen.has('wait_ip') || kind === 'copy_to_cache';
}

const neverCollected: Rule = {
  id: 'never-collected',
  severity: 'error',
  doc: 'When every slice of a request has ended and somebody was woken, its results are collected.',
  explanation:
    'The last event is a wake-up, and nobody collected what had come: the request, and whoever waits for it, hangs.',
  known: 'M. Kellermann, 2025-07-09, "the write() always gets stuck" (copy to cache, v6.15)',
  needs: ['netfs_rreq', 'netfs_sreq'],
  holds: everyEra,
  watch(world, report) {
    const collects = collectorEra(world.era);
    return {
      open(request) {
        const { step } = request.last;
        const woken = step === 'wake_queue' || step === 'wake_ip';
        const silent = world.endNs - request.last.ts >= STUCK_NS;
        // Its submitter collects what it waits for; a copy to the cache has nobody who does.
        const sure = !collects || silent || request.last.origin === '2C';
        if (woken && sure && request.last.event === 'netfs_rreq' && collected(request)) {
          report(request.last, 'all slices have ended, it was woken, and nothing came after', {
            request,
          });
        } else if (collects && uncollected(request, world)) {
          report(request.last, 'all slices have ended, and nobody collected them since', {
            request,
          });
        }
      },
    };
  },
};

/** True if a paused request is not the one to blame: a slice is in flight, or it just happened. */
function waitsForSlices(request: RequestSeen, world: World): boolean {
  if (!collectorEra(world.era)) return false;
  if (isCollected(request) || world.endNs - request.last.ts < STUCK_NS) return true;
  return [...request.slices.values()].some(({ reading, freed }) => reading && !freed);
}

const pausedForEver: Rule = {
  id: 'paused-for-ever',
  severity: 'error',
  doc: 'A request that is paused goes on before it ends.',
  explanation:
    'PAUSE stops the issuing of slices until the collector has dealt with what came; a producer that collects only after it has issued everything waits for itself.',
  known: '"netfs: Fix hang in synchronous read due to failed subreq", D. Howells, 2024-11-29',
  needs: ['netfs_rreq'],
  holds: (era) => flagMask(era, 'rreq', 'PAUSE') !== 0,
  elsewhere: 'requests are paused since v6.10',
  watch(world, report) {
    const pause = flagMask(world.era, 'rreq', 'PAUSE');
    const paused = new Map<RequestSeen, number>();
    return {
      step(request, event) {
        if (event.step === 'set_pause') paused.set(request, event.id);
        else if (event.step === 'unpause') paused.delete(request);
        else if (event.step !== 'wait_pause' && (event.flags & pause) === 0) paused.delete(request);
      },
      open(request) {
        const since = paused.get(request);
        if (since === undefined || waitsForSlices(request, world)) return;
        report(request.last, 'paused and never let go on', { request, with: [since] });
      },
    };
  },
};

/** The rules about the life of a request. */
export const REQUEST_RULES = {
  'request-order': requestOrder,
  'request-unbegun': requestUnbegun,
  'after-free': afterFree,
  'request-open': requestOpen,
  'never-collected': neverCollected,
  'paused-for-ever': pausedForEver,
} as const satisfies Record<string, Rule>;
