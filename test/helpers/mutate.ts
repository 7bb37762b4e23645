/**
 * Seeded changes of single events of a trace, to see whether `trace check` finds them; and which
 * changes break no invariant, with the reason, so that nobody can find them.
 */
import type { CheckEvent } from '../../src/core/analysis/check/types.js';
import type { Prng } from '../../src/core/sim/prng.js';

/** The kinds of changes. */
export const KINDS = [
  ...(['drop', 'duplicate', 'reorder', 'flags', 'len', 'start', 'source', 'ref'] as const),
  ...(['error', 'transferred'] as const),
];

type Kind = (typeof KINDS)[number];

/** A changed trace. */
export interface Mutation {
  readonly kind: Kind;
  /** The request the change is in. */
  readonly rreq: number;
  readonly event: CheckEvent;
  /** What it changed places with. */
  readonly with: CheckEvent | null;
  readonly events: readonly CheckEvent[];
  readonly what: string;
}

const REQUEST_EVENTS =
  /^netfs_(read|write|rreq|sreq|failure|rreq_ref|sreq_ref|progress|collect_folio)$/;

/** Which events a kind applies to. */
const ON: Partial<Record<Kind, RegExp>> = {
  flags: /^netfs_(rreq|sreq)$/,
  len: /^netfs_(sreq|read)$/,
  start: /^netfs_(sreq|read)$/,
  source: /^netfs_sreq$/,
  ref: /_ref$/,
  error: /^netfs_sreq$/,
  transferred: /^netfs_sreq$/,
};

const OTHER_SOURCE: Readonly<Record<string, string>> = {
  down: 'read',
  read: 'down',
  zero: 'read',
  unknown: 'down',
  upload: 'write',
  write: 'upload',
};

/** Changes one event of the trace; null if there is none of that kind. */
export function mutate(events: readonly CheckEvent[], kind: Kind, prng: Prng): Mutation | null {
  const on = ON[kind] ?? REQUEST_EVENTS;
  const fitting = events.filter((each) => on.test(each.event) && REQUEST_EVENTS.test(each.event));
  if (fitting.length === 0) return null;
  const event = fitting[prng.below(fitting.length)] as CheckEvent;
  const at = events.indexOf(event);
  const made = (changed: readonly CheckEvent[], other: CheckEvent | null = null): Mutation => {
    const name = (of: CheckEvent) => `${of.event} ${of.step} #${of.id}`;
    const what = `${kind} ${name(event)}${other === null ? '' : ` and ${name(other)}`}`;
    return { kind, rreq: event.rreq, event, with: other, events: changed, what };
  };
  if (kind === 'drop') return made(events.toSpliced(at, 1));
  if (kind === 'duplicate') return made(events.toSpliced(at, 0, { ...event }));
  if (kind !== 'reorder') return made(events.with(at, altered(event, kind, prng)));
  const next = events.findIndex(
    (each, i) => i > at && each.rreq === event.rreq && REQUEST_EVENTS.test(each.event),
  );
  if (next < 0) return null;
  return made(events.toSpliced(at, 1).toSpliced(next, 0, event), events[next]);
}

function altered(event: CheckEvent, kind: Kind, prng: Prng): CheckEvent {
  switch (kind) {
    case 'flags':
      return { ...event, flags: (event.flags ^ (1 << prng.below(6))) >>> 0 };
    case 'len':
      return {
        ...event,
        len: event.len >= 4096 && prng.chance(0.5) ? event.len - 4096 : event.len + 4096,
      };
    case 'start':
      return { ...event, start: event.start + 4096 };
    case 'source':
      return { ...event, from: OTHER_SOURCE[event.from] ?? 'zero' };
    case 'ref':
      return { ...event, ref: event.ref + (prng.chance(0.5) ? 1 : -1) };
    case 'error':
      return { ...event, error: event.error === 0 ? -5 : 0 };
    default: {
      const { transferred } = event;
      return { ...event, transferred: transferred > 0 ? transferred - 1 : 512 };
    }
  }
}

/** Steps that may come any number of times, so that one more or less is no violation. */
const REPEATABLE = new Set([
  ...['collect', 'see_work', 'see_work_complete', 'wait_ip'],
  ...['progress', 'io_progress', 'add_donations'],
]);

/**
 * Why a change breaks no invariant, null if it does. The same list, for people, is in
 * docs/check.md.
 */
export function undetectable({ kind, event, with: other, events }: Mutation): string | null {
  const comesAndGoes = kind === 'drop' || kind === 'duplicate';
  if (comesAndGoes && (REPEATABLE.has(event.step) || event.event === 'netfs_collect_folio')) {
    return 'it may come any number of times';
  }
  if (kind === 'drop' && beginsTrace(event, events)) return 'it may have been before the trace';
  if (kind !== 'reorder' || other === null) return null;
  if (event.event === other.event && event.step === other.step) return 'both are alike';
  return ordered(event, other) ? null : 'no law says which comes first';
}

/** True for a begin before which no request began: the trace may have started behind it. */
function beginsTrace(event: CheckEvent, events: readonly CheckEvent[]): boolean {
  if (event.event !== 'netfs_read' && event.step !== 'new') return false;
  return !events.some((each) => each.event === event.event && each.id < event.id);
}

/** True if the two are told by one after the other: same slice, or both of the request. */
function ordered(a: CheckEvent, b: CheckEvent): boolean {
  const life = /^netfs_(read|write|rreq|sreq)$/;
  if (!life.test(a.event) || !life.test(b.event)) return false;
  if (REPEATABLE.has(a.step) || REPEATABLE.has(b.step)) return false;
  return a.event !== 'netfs_sreq' || b.event !== 'netfs_sreq' || a.index === b.index;
}
