/**
 * What the rules about flags watch where requests have a collector (v6.14 and later): flags that
 * are set on the way and stay, flags that come and go between two events, and what each step of a
 * slice may set. Called by flags.ts.
 */

import type { Era } from '../../../trace/eras.js';
import { type FlagSet, flagMask, flagNames } from '../../../trace/flag_bits.js';
import { lawsOf, sideLaws } from '../laws.js';
import type { CheckEvent, Hooks, Report, RequestSeen, SliceSeen, World } from '../types.js';

function maskOf(era: Era, set: FlagSet, names: readonly string[]): number {
  return names.reduce((sum, name) => (sum | flagMask(era, set, name)) >>> 0, 0);
}

/** The bits that have a name; what a bit without one does is not known. */
function knownBits(era: Era, set: FlagSet): number {
  let bits = 0;
  for (let bit = 0; bit < 32; bit++) {
    const mask = 2 ** bit;
    if (flagNames(era, set, mask)[0] !== `bit${bit}`) bits += mask;
  }
  return bits >>> 0;
}

/** A request and its last event; made only where something is wrong. */
const whereOf = (request: RequestSeen) => ({ request, with: [request.last.id] });

interface SideMasks {
  readonly fixed: number;
  readonly sticky: number;
  readonly known: number;
}

/** Bits that stay, bits that stay once they are set, and bits that are set between two steps. */
export function watchRequestFlags(world: World, report: Report): Hooks {
  const { era } = world;
  const masks = new Map<unknown, SideMasks>();
  const known = knownBits(era, 'rreq');
  const of = (request: RequestSeen): SideMasks | null => {
    const laws = sideLaws(era, request);
    if (laws === null) return null;
    let found = masks.get(laws);
    if (found === undefined) {
      const sticky = maskOf(era, 'rreq', laws.sticky ?? []);
      const changing = maskOf(era, 'rreq', laws.changing);
      found = { sticky, known, fixed: (known & ~sticky & ~changing) >>> 0 };
      masks.set(laws, found);
    }
    return found;
  };
  const named = (bits: number) => flagNames(era, 'rreq', bits >>> 0).join(' ');
  const between = transients(era);
  const firstClear = lawsOf(era)?.clearsFirst === true;
  const pause = firstClear ? flagMask(era, 'rreq', 'PAUSE') : 0;
  const pausedBy = new Map<RequestSeen, number | null>();
  return {
    step(request, event) {
      const bits = of(request);
      if (bits === null) return;
      if (request.step !== 'new' && request.stepped) {
        const { flags } = request;
        const changed = (flags ^ event.flags) & bits.fixed;
        const lost = flags & ~event.flags & bits.sticky;
        if (changed !== 0)
          report(event, `${named(changed)} changed at ${event.what}`, whereOf(request));
        if (lost !== 0) report(event, `${named(lost)} was lost at ${event.what}`, whereOf(request));
      }
      if (!request.whole) return;
      for (const { mask, name, begins } of between) {
        if (mask === 0 || (event.flags & mask) === 0 || request.seen.has(begins)) continue;
        if (event.step === begins && begins !== 'set_pause') continue;
        report(event, `${name} at ${event.what}, and nothing set it`, whereOf(request));
      }
      const fault = pauseFault(request, event, pause);
      if (fault !== null) report(event, fault, whereOf(request));
      if (event.step === 'set_pause') pausedBy.set(request, event.task);
      else if (event.step === 'unpause') pausedBy.delete(request);
      else if (pausedBy.get(request) === event.task && (event.flags & pause) === 0) {
        if (firstClear)
          report(event, `${event.what} without PAUSE, which its task set`, whereOf(request));
        pausedBy.delete(request);
      }
    },
  };
}

/** What is wrong with how often a request was paused and let go on; null if nothing is. */
function pauseFault(request: RequestSeen, event: CheckEvent, pause: number): string | null {
  if (pause === 0) return null;
  const { seen } = request;
  const pauses = seen.get('set_pause') ?? 0;
  const goes = seen.get('unpause') ?? 0;
  if (event.step === 'unpause') {
    if ((event.flags & pause) !== 0) return 'UNPAUSE with PAUSE';
    return goes < pauses ? null : `UNPAUSE for the ${goes + 1}. time, PAUSE came ${pauses} times`;
  }
  const collected = seen.has('collect') || request.side === 'read';
  const over = event.step === 'complete' || (event.step === 'write_done' && collected);
  return over && pauses > 0 && goes === 0 ? `${event.what}, and it was never let go on` : null;
}

/** Flags that one step sets, and which step that is. */
function transients(era: Era): { mask: number; name: string; begins: string }[] {
  const rows = [
    ['PAUSE', 'set_pause'],
    ['RETRYING', 'waited_quiesce'],
  ] as const;
  return rows.map(([name, begins]) => ({ mask: flagMask(era, 'rreq', name), name, begins }));
}

/** ALL_QUEUED is set when the collector ends a request. */
export function watchQueued(world: World, report: Report): Hooks {
  const queued = flagMask(world.era, 'rreq', 'ALL_QUEUED');
  const told = lawsOf(world.era)?.clearsFirst === true;
  const offload = told ? flagMask(world.era, 'rreq', 'OFFLOAD_COLLECTION') : 0;
  return {
    step(request, event) {
      if (event.step === 'free') {
        const fault = world.recorded('netfs_read') ? waitFault(request, event, offload) : null;
        if (fault !== null) report(event, fault, { request });
      }
      const laws = sideLaws(world.era, request);
      if (laws?.queued?.includes(event.step) !== true || (event.flags & queued) !== 0) return;
      report(event, `${event.what} before all slices were queued`, { request });
    },
  };
}

/** Who made a request that no worker collects waits for it, and goes on once; null = it is so. */
function waitFault({ whole, side, seen }: RequestSeen, event: CheckEvent, offload: number) {
  if (!whole || side === 'write' || offload === 0 || !seen.has('wake_ip')) return null;
  const times = seen.get('waited_ip') ?? 0;
  const expected = (event.flags & offload) === 0 ? 1 : 0;
  const again = seen.get('recollect') ?? 0;
  if (again > 1) return `RECLLCT came ${again} times`;
  return times === expected ? null : `DONE-IP came ${times} times, and ${expected} were to`;
}

/** A read has FAILED exactly when the collector took a slice that had. */
export function watchFailed(world: World, report: Report): Hooks {
  const { era } = world;
  const failed = flagMask(era, 'rreq', 'FAILED');
  const lost = flagMask(era, 'sreq', 'FAILED');
  return {
    step(request, event) {
      if (!request.whole || request.side === 'write' || request.slices.size === 0) return;
      const says = (event.flags & failed) !== 0;
      if (!says && event.step !== 'complete') return;
      const slices = [...request.slices.values()];
      const any = slices.some(({ flags, error }) => (flags & lost) !== 0 || error < 0);
      if (says === any) return;
      const what = says ? 'FAILED, and no slice failed' : 'a slice failed, and it is not FAILED';
      report(event, what, { request });
    },
  };
}

/** Which flags of a slice each of its steps may set, and which it may take away; by name. */
const SETS: Readonly<Record<string, readonly string[]>> = {
  added: ['CLEAR_TAIL', 'IN_PROGRESS', 'ONDEMAND', 'BOUNDARY'],
  prepare: ['CLEAR_TAIL', 'IN_PROGRESS', 'ONDEMAND', 'BOUNDARY'],
  limited: ['CLEAR_TAIL', 'IN_PROGRESS', 'BOUNDARY'],
  prep_failed: ['FAILED', 'IN_PROGRESS'],
  submit: ['CLEAR_TAIL', 'IN_PROGRESS', 'BOUNDARY'],
  progress: ['MADE_PROGRESS', 'IN_PROGRESS'],
  cache_prepare: ['IN_PROGRESS'],
  abandoned: ['FAILED'],
};
const AT_END = [
  ...['CLEAR_TAIL', 'MADE_PROGRESS', 'HIT_EOF', 'IN_PROGRESS', 'NEED_RETRY', 'FAILED'],
];
/** What the steps of a slice of a write may set. */
const WRITE_SETS: Readonly<Record<string, readonly string[]>> = {
  ...SETS,
  prepare: ['BOUNDARY'],
  submit: ['IN_PROGRESS', 'BOUNDARY'],
  cache_write: ['IN_PROGRESS'],
};
const WRITE_END = ['MADE_PROGRESS', 'IN_PROGRESS', 'NEED_RETRY', 'FAILED'];
const TAKES: Readonly<Record<string, readonly string[]>> = {
  consumed: ['IN_PROGRESS'],
  abandoned: ['IN_PROGRESS', 'NEED_RETRY'],
  clear: ['IN_PROGRESS'],
  discard: ['IN_PROGRESS'],
  superfluous: ['IN_PROGRESS', 'NEED_RETRY'],
  free: ['IN_PROGRESS'],
};
/** Steps after which nobody sets a flag of a slice any more. */
const OVER = new Set(['consumed', 'clear', 'free', 'superfluous']);

/** The flags of a slice change where its reading or its end changes them. */
export function watchSliceFlags(world: World, report: Report): Hooks {
  const { era } = world;
  const known = knownBits(era, 'sreq');
  const masks = (names: typeof SETS) =>
    new Map(Object.entries(names).map(([step, each]) => [step, maskOf(era, 'sreq', each)]));
  const sets = { read: masks(SETS), write: masks(WRITE_SETS) };
  const takes = masks(TAKES);
  const ends = { read: maskOf(era, 'sreq', AT_END), write: maskOf(era, 'sreq', WRITE_END) };
  const copy = flagMask(era, 'sreq', 'COPY_TO_CACHE');
  const born = maskOf(era, 'sreq', ['COPY_TO_CACHE', 'ONDEMAND', 'BOUNDARY']);
  const progress = flagMask(era, 'sreq', 'IN_PROGRESS');
  const bad = maskOf(era, 'sreq', ['NEED_RETRY', 'FAILED']);
  const report1 = (request: RequestSeen, slice: SliceSeen, event: CheckEvent, bits: number) => {
    const what = `${flagNames(era, 'sreq', bits >>> 0).join(' ')} at ${event.what}`;
    const before = slice.step === 'new' ? [] : [slice.last];
    report(event, `${what}, which does not fit`, { request, slice: event.index, with: before });
  };
  return {
    slice(request, slice, event) {
      const { flags, step } = event;
      const first = slice.step === 'new';
      if (first && !request.whole) return;
      // What a retry does to them is the business of the client.
      if (step === 'retry' || slice.again) return;
      const { side } = request;
      const may = OVER.has(step) ? 0 : (sets[side].get(step) ?? ends[side]);
      const gone = takes.get(step) ?? 0;
      const before = first ? 0 : slice.flags;
      const cached = side === 'read' && (request.cookie !== 0 || request.kind === '');
      const chosen = slice.step === 'added' && cached ? copy : 0;
      const atBirth = first && side === 'read' ? born & ~(cached ? 0 : copy) : 0;
      const set = flags & ~before & known & ~(may | chosen | atBirth);
      const lost = first ? 0 : before & ~flags & known & ~gone;
      if ((set | lost) !== 0) report1(request, slice, event, set | lost);
      else if (step === 'terminated' && (flags & progress) === 0) {
        report1(request, slice, event, progress);
      } else if (step === 'consumed' && (flags & bad) !== 0) {
        report1(request, slice, event, flags & bad);
      } else if ((step === 'consumed' || step === 'abandoned') && (flags & progress) !== 0) {
        report1(request, slice, event, progress);
      }
    },
  };
}
