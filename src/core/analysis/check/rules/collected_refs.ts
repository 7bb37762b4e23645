/**
 * What the rules about references watch where requests have a collector (v6.14 and later). Two
 * tasks that drop references at once may print their counts in either order, so counts are not
 * followed one by one: each get to a level is held against the puts from it once the request is
 * freed. Called by refs.ts.
 */
import { lawsOf } from '../laws.js';
import type { CheckEvent, Hooks, Report, RequestSeen, SliceSeen, World } from '../types.js';
import { countRef, countSliceRef } from '../world.js';
import { isCollected } from './collected_slices.js';
import { STUCK_NS } from './stuck_after.js';

/** Gets by the count they leave, and puts by the count they leave. */
class Ledger {
  readonly #gets: number[] = [];
  readonly #puts: number[] = [];

  add(change: number, ref: number): void {
    const side = change > 0 ? this.#gets : this.#puts;
    side[ref] = (side[ref] ?? 0) + 1;
  }

  /** What does not add up on the way from `from` references to none; null if all does. */
  fault(from: number): string | null {
    const top = Math.max(this.#gets.length, this.#puts.length + 1, from + 1);
    for (let level = 0; level < top; level++) {
      const up = this.#gets[level + 1] ?? 0;
      const down = this.#puts[level] ?? 0;
      const expected = level < from ? up + 1 : up;
      if (down === expected) continue;
      return `${down} puts leave ${level}, and ${expected} were to: ${up} gets leave ${level + 1}`;
    }
    return null;
  }
}

interface Account {
  readonly request: Ledger;
  readonly slices: Map<number, Ledger>;
  /** References of the request by its NEW. */
  readonly made: number;
  freed: { readonly request: RequestSeen; readonly event: CheckEvent } | null;
}

/** What a label does to a count: +1 for a get, -1 for a put, 0 for a look or the making. */
function change(step: string): number {
  if (step.startsWith('get')) return 1;
  return step.startsWith('put') && step !== 'put_failed' ? -1 : 0;
}

/** Gets and puts balance, level by level, once a request is freed. */
export function watchBalance(world: World, report: Report): Hooks {
  const accounts = new Map<number, Account>();
  const sliceRefs = lawsOf(world.era)?.sliceRefs ?? 2;
  const judge = (account: Account): boolean => {
    const { freed } = account;
    if (freed === null) return true;
    const { request, event } = freed;
    if (request.shared || !request.whole) return true;
    let fine = true;
    const told = (fault: string | null, slice?: number) => {
      if (fault === null) return;
      fine = false;
      faults.push([event, fault, { request, slice }]);
    };
    const faults: Parameters<Report>[] = [];
    told(account.request.fault(account.made));
    if (world.recorded('netfs_sreq_ref')) {
      for (const [index, ledger] of account.slices) told(ledger.fault(sliceRefs), index);
    }
    pending.set(account, faults);
    return fine;
  };
  const pending = new Map<Account, Parameters<Report>[]>();
  const add = (event: CheckEvent): Account | undefined => {
    const account = accounts.get(event.rreq);
    const by = change(event.step);
    if (account === undefined || by === 0) return account;
    if (event.event === 'netfs_rreq_ref') {
      account.request.add(by, event.ref);
    } else {
      let ledger = account.slices.get(event.index);
      if (ledger === undefined) {
        ledger = new Ledger();
        account.slices.set(event.index, ledger);
      }
      ledger.add(by, event.ref);
    }
    return account;
  };
  return {
    begin(request, event) {
      if (request.ref === null || event.step === 'expanded' || accounts.has(event.rreq)) return;
      const slices = new Map<number, Ledger>();
      accounts.set(event.rreq, { request: new Ledger(), slices, made: request.ref, freed: null });
    },
    requestRef: (_request, event) => void add(event),
    sliceRef: (_request, _slice, event) => void add(event),
    // A put that was printed late may be the one that was missing.
    late: (event) => void add(event),
    step(request, event) {
      if (event.step !== 'free') return;
      const account = accounts.get(event.rreq);
      if (account === undefined) return;
      account.freed = { request, event };
      if (judge(account)) {
        accounts.delete(event.rreq);
        pending.delete(account);
      }
    },
    over() {
      for (const account of accounts.values()) {
        if (account.freed === null || judge(account)) continue;
        for (const fault of pending.get(account) ?? []) report(...fault);
      }
    },
  };
}

/** What is freed was put to nothing before; what nobody will put any more is a leak. */
export function watchLeft(world: World, report: Report): Hooks {
  const slicesTold = world.recorded('netfs_sreq_ref');
  return {
    step(request, event) {
      if (event.step !== 'free' || request.shared || !request.whole || request.zeroed) return;
      if (request.ref === null || !world.recorded('netfs_rreq_ref')) return;
      report(event, `freed with ${request.ref} held`, { request, with: [request.last.id] });
    },
    slice(request, slice, event) {
      if (event.step !== 'free' || request.shared || slice.step === 'new' || slice.zeroed) return;
      if (!slicesTold || !request.whole) return;
      const left = slice.ref === null ? 'with no put seen' : `with ${slice.ref} held`;
      report(event, `freed ${left}`, { request, slice: event.index, with: [slice.last] });
    },
    open(request) {
      if (request.shared || !request.whole) return;
      const silent = world.endNs - request.last.ts >= STUCK_NS;
      for (const slice of request.slices.values()) {
        const leak = leakOf(request, slice, silent);
        if (leak === null) continue;
        report(request.last, `slice ${slice.index} ${leak}`, { request, slice: slice.index });
      }
      const nobody = request.returns > 0 && request.workPuts > 0 && request.gets === request.puts;
      if (!nobody || !silent || !isCollected(request) || request.zeroed) return;
      report(request.last, `nobody is left to put its last ${request.ref} references`, { request });
    },
  };
}

/** Who will never put a slice again; null if somebody may. */
function leakOf(request: RequestSeen, slice: SliceSeen, silent: boolean): string | null {
  if (slice.freed || slice.ref === null) return null;
  if (slice.zeroed) return silent ? 'is held by nobody and was not freed' : null;
  if (!silent || !isCollected(request) || slice.listPuts === 0 || slice.reading) return null;
  const lost = slice.reissues + 1 - slice.termPuts;
  if (slice.reissues > 0 && lost > 0) return `was handed out again, and ${lost} puts never came`;
  return `keeps ${slice.ref} references that nobody is left to put`;
}

/** A slice and its last event; made only where something is wrong. */
const whereOf = (request: RequestSeen, slice: SliceSeen) => ({
  ...{ request, slice: slice.index, with: [slice.last] },
});

/** Puts that follow a step of the slice, and that step. */
const AFTER_STEP: Readonly<Record<string, readonly string[]>> = {
  put_done: ['consumed', 'superfluous', 'discard', 'free'],
  put_abandon: ['abandoned', 'free'],
};

/** Steps of a slice of a read that is collected by the one put and no other. */
const PUT_FOR: Readonly<Record<string, string>> = {
  consumed: 'put_done',
  abandoned: 'put_abandon',
};

/** References are dropped after what they are for, and by the end each once. */
export function watchRefTurns(world: World, report: Report): Hooks {
  const slicesTold = world.recorded('netfs_sreq_ref');
  const puts = new WeakMap<SliceSeen, string>();
  // Before v6.16 each work has a reference of its own.
  const worksCounted = 'put_work_ip' in (lawsOf(world.era)?.drops ?? {});
  const faulty = new Map<number, { request: RequestSeen; event: CheckEvent }>();
  const judge = (request: RequestSeen): Fault | null => {
    const what = countFault(request, worksCounted);
    if (what !== null) return { what, slice: undefined };
    if (!slicesTold) return null;
    for (const slice of request.slices.values()) {
      const wrong = sliceFault(slice);
      if (wrong !== null) return { what: wrong, slice: slice.index };
    }
    return null;
  };
  return {
    requestRef(request, event) {
      if (!request.whole || request.shared) return;
      if (event.step !== 'put_subreq' || request.puts < request.freed) return;
      if (!world.recorded('netfs_sreq')) return;
      report(event, 'no slice was freed before', { request });
    },
    sliceRef(request, slice, event) {
      const { step } = event;
      if (!request.whole || !step.startsWith('put')) return;
      if (step === 'put_terminated' && slice.termPuts >= slice.terms) {
        report(event, `${event.what} before its end`, whereOf(request, slice));
      }
      const after = AFTER_STEP[step];
      if (after === undefined || request.side === 'write') return;
      puts.set(slice, step);
      if (!after.includes(slice.step))
        report(event, `${event.what} at ${slice.step}`, whereOf(request, slice));
    },
    slice(request, slice, event) {
      if (event.step !== 'free' || !request.whole || !slicesTold) return;
      const wanted = PUT_FOR[slice.step];
      if (wanted === undefined || puts.get(slice) === wanted) return;
      report(event, `${slice.step}, and not put for that`, { request, slice: event.index });
    },
    step(request, event) {
      if (event.step !== 'free' || !request.whole || request.shared) return;
      if (request.ref === null || judge(request) === null) return;
      faulty.set(event.rreq, { request, event });
    },
    // Two tasks print what they put in either order, and the last may be the one that frees.
    late(event) {
      const request = faulty.get(event.rreq)?.request;
      if (request === undefined) return;
      const slice = request.slices.get(event.index);
      if (event.event === 'netfs_rreq_ref') countRef(request, event);
      else if (slice !== undefined) countSliceRef(slice, event);
    },
    over() {
      for (const { request, event } of faulty.values()) {
        const fault = judge(request);
        if (fault !== null) report(event, fault.what, { request, slice: fault.slice });
      }
    },
  };
}

interface Fault {
  readonly what: string;
  readonly slice: number | undefined;
}

function countFault(request: RequestSeen, worksCounted: boolean): string | null {
  const { gets, puts, slices, returns, workPuts } = request;
  if (gets !== slices.size || puts !== slices.size) {
    return `${slices.size} slices, ${gets} gets and ${puts} puts of them`;
  }
  if (slices.size === 0) return null;
  if (returns !== 1) return `PUT RETURN came ${returns} times`;
  if (worksCounted && workPuts !== 1) return `its collector dropped it ${workPuts} times`;
  return null;
}

function sliceFault({ terms, reissues, termPuts, listPuts }: SliceSeen): string | null {
  // A failed preparation ends nothing, and puts twice (v6.19 and before).
  if (terms === 0 && listPuts === 2) return null;
  if (terms !== reissues + 1) return `ended ${terms} times, was handed out ${reissues + 1} times`;
  if (termPuts !== terms) return `ended ${terms} times, and was put ${termPuts} times for that`;
  return listPuts === 1 ? null : `was put ${listPuts} times by who keeps the list`;
}
