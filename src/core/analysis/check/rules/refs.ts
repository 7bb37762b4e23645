/**
 * Rules about references, from what the *_ref events say is left after each get and put. Called
 * through the registry in index.ts.
 */

import { collectorEra, lawsOf } from '../laws.js';
import type { CheckEvent, Hooks, RequestSeen, Rule, SliceSeen } from '../types.js';
import { watchBalance, watchLeft, watchRefTurns } from './collected_refs.js';
import { everyEra, lawfulEra, NO_LAW } from './eras.js';

/** What a label does to a count: +1 for a get, -1 for a put, 0 for a look. */
function change(what: string): number {
  if (/^(GET|GQ|NEW)\b/.test(what)) return 1;
  return /^(PUT|PQ)\b/.test(what) ? -1 : 0;
}

const refJump: Rule = {
  id: 'ref-jump',
  severity: 'error',
  doc: 'Each get raises a count by one and each put lowers it by one.',
  explanation:
    'Somebody took or dropped a reference without the event that goes with it; a count that goes below what is held frees memory in use.',
  known: 'Launchpad #1774336, "a reference will be dropped before it is taken"',
  needs: ['netfs_rreq_ref'],
  holds: everyEra,
  watch(world, report) {
    if (collectorEra(world.era)) return watchBalance(world, report);
    const judge = (
      request: RequestSeen,
      known: number | null,
      event: CheckEvent,
      slice?: SliceSeen,
    ) => {
      const expected = known === null ? null : known + change(String(event.what));
      if (expected === null || expected === event.ref) return;
      const where = { request, slice: slice?.index, with: [slice?.last ?? request.last.id] };
      report(event, `${event.what} leaves ${event.ref}, expected ${expected}`, where);
    };
    return {
      requestRef: (request, event) => judge(request, request.ref, event),
      sliceRef: (request, slice, event) => judge(request, slice.ref, event, slice),
    };
  },
};

const refLeft: Rule = {
  id: 'ref-left',
  severity: 'error',
  doc: 'Nobody holds a reference of what is freed, and what nobody holds is freed.',
  explanation:
    "Freed while held: the holder uses memory that is somebody else's. Held and never freed: a leak, and a module that cannot be unloaded.",
  known: '"netfs: Fix ref leak on inserted extra subreq in write retry"',
  needs: ['netfs_rreq_ref', 'netfs_sreq_ref'],
  holds: everyEra,
  watch(world, report) {
    if (collectorEra(world.era)) return watchLeft(world, report);
    return {
      step(request, event) {
        if (event.step !== 'free' || request.shared || !request.whole) return;
        if (request.ref === 0 || !world.recorded('netfs_rreq_ref')) return;
        const left = request.ref === null ? 'with no put seen' : `with ${request.ref} held`;
        if (request.ref !== null || request.slices.size > 0) {
          report(event, `freed ${left}`, { request, with: [request.last.id] });
        }
      },
      slice(request, slice, event) {
        if (event.step !== 'free' || request.shared || slice.step === 'new') return;
        if (slice.ref === 0 || !world.recorded('netfs_sreq_ref') || !request.whole) return;
        const left = slice.ref === null ? 'with no put seen' : `with ${slice.ref} held`;
        report(event, `freed ${left}`, { request, slice: event.index, with: [slice.last] });
      },
      open(request) {
        for (const slice of request.slices.values()) {
          if (slice.ref !== 0 || slice.freed || request.shared) continue;
          report(request.last, `slice ${slice.index} is held by nobody and was not freed`, {
            request,
            slice: slice.index,
          });
        }
      },
    };
  },
};

const refTurn: Rule = {
  id: 'ref-turn',
  severity: 'error',
  doc: 'References are taken before what they are for, and dropped after it.',
  explanation:
    'For a moment somebody works on what nobody holds; a race away from a use after free.',
  known: null,
  needs: ['netfs_rreq_ref', 'netfs_sreq_ref', 'netfs_sreq'],
  holds: lawfulEra,
  elsewhere: NO_LAW,
  watch(world, report) {
    const laws = lawsOf(world.era);
    const collected: Hooks = collectorEra(world.era) ? watchRefTurns(world, report) : {};
    const inTurn = !collectorEra(world.era);
    let made = false;
    const early = (request: RequestSeen, event: CheckEvent, slice?: SliceSeen): void => {
      const steps = laws?.drops[event.step];
      if (steps === undefined || steps.includes(request.step) || request.step === 'new') return;
      if (!world.recorded('netfs_rreq')) return;
      const what = `${event.what} while the request is at ${request.step}`;
      report(event, what, { request, slice: slice?.index });
    };
    return {
      stray(event, why) {
        if (why === 'made again') report(event, 'NEW twice');
      },
      begin(request, event) {
        if (request.ref === null && event.step !== 'expanded' && made && !request.shared) {
          report(event, 'begins without NEW', { request });
        }
        made ||= request.ref !== null;
      },
      step: (request, event) => collected.step?.(request, event),
      late: (event) => collected.late?.(event),
      over: (last) => collected.over?.(last),
      slice(request, slice, event) {
        collected.slice?.(request, slice, event);
        const { gets, slices, shared, whole } = request;
        if (shared || !whole) return;
        if (slice.step === 'new' && gets < slices.size) {
          report(event, 'no reference to its request was taken', { request, slice: event.index });
        }
        if (event.step === 'write' && slice.ref !== null && slice.ref < 2) {
          report(event, 'stored without a reference', { request, slice: event.index });
        }
      },
      requestRef(request, event) {
        if (!request.whole) return;
        early(request, event);
        collected.requestRef?.(request, event);
        if (event.step !== 'put_subreq' || !inTurn) return;
        let freed = 0;
        for (const slice of request.slices.values()) if (slice.freed) freed++;
        if (request.puts >= freed) report(event, 'no slice was freed before', { request });
      },
      sliceRef(request, slice, event) {
        collected.sliceRef?.(request, slice, event);
        if (!inTurn) return;
        early(request, event, slice);
        const ended = slice.terminated;
        if (event.step !== 'put_terminated' && event.step !== 'put_consumed') return;
        if (ended === (event.step === 'put_terminated')) return;
        const when = ended ? 'after' : 'before';
        report(event, `${event.what} ${when} its end`, { request, slice: event.index });
      },
    };
  },
};

/** The rules about references. */
export const REF_RULES = {
  'ref-jump': refJump,
  'ref-left': refLeft,
  'ref-turn': refTurn,
} as const satisfies Record<string, Rule>;
