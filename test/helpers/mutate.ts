/**
 * Seeded changes of single events of a trace, to see whether `trace check` finds them; and which
 * changes break no invariant, with the reason, so that nobody can find them.
 */
import type { CheckEvent } from '../../src/core/analysis/check/types.js';
import type { Prng } from '../../src/core/sim/prng.js';
import type { Era } from '../../src/core/trace/eras.js';
import { flagMask, flagNames } from '../../src/core/trace/flag_bits.js';

/** A kind of change. */
interface KindOf {
  /** What is done, for the table in docs/reference/check.md. */
  readonly doc: string;
  /** The events it applies to. */
  readonly on: RegExp;
  /** The events it applies to by their step; all if it is left out. */
  readonly steps?: ReadonlySet<string>;
}

const REQUEST_EVENTS =
  /^netfs_(read|write|rreq|sreq|failure|rreq_ref|sreq_ref|progress|collect_folio)$/;

/** The kinds of changes. */
export const KINDS = {
  drop: { doc: 'an event is missing', on: REQUEST_EVENTS },
  duplicate: { doc: 'an event comes twice', on: REQUEST_EVENTS },
  reorder: { doc: 'an event changes places with the next of its request', on: REQUEST_EVENTS },
  flags: { doc: 'one of the low six flags of a flag word flips', on: /^netfs_(rreq|sreq)$/ },
  len: { doc: 'a length is a page more or less', on: /^netfs_(sreq|read)$/ },
  start: { doc: 'a start is a page further on', on: /^netfs_(sreq|read)$/ },
  source: { doc: 'a slice comes from elsewhere', on: /^netfs_sreq$/ },
  ref: { doc: 'a count of references is one more or less', on: /_ref$/ },
  error: { doc: 'an error appears or vanishes', on: /^netfs_sreq$/ },
  transferred: {
    doc: 'a slice got a byte less, or had some before it was read',
    on: /^netfs_sreq$/,
  },
  'early unlock': {
    doc: 'pages are unlocked before a slice that reaches into them has ended',
    on: /^netfs_(rreq|folio)$/,
    steps: new Set(['unlock', 'read_unlock']),
  },
  unfreed: { doc: 'a request is not freed', on: /^netfs_rreq$/, steps: new Set(['free']) },
} as const satisfies Record<string, KindOf>;

/** The name of a kind. */
export type Kind = keyof typeof KINDS;

/** A changed trace. */
export interface Mutation {
  readonly kind: Kind;
  /** The request the change is in. */
  readonly rreq: number;
  readonly event: CheckEvent;
  /** What it changed places with. */
  readonly with: CheckEvent | null;
  readonly events: readonly CheckEvent[];
  readonly era: Era;
  readonly what: string;
}

const OTHER_SOURCE: Readonly<Record<string, string>> = {
  down: 'read',
  read: 'down',
  zero: 'read',
  unknown: 'down',
  upload: 'write',
  write: 'upload',
};

/** Changes one event of the trace; null if there is none of that kind. */
export function mutate(
  events: readonly CheckEvent[],
  kind: Kind,
  prng: Prng,
  era: Era,
): Mutation | null {
  const { on, steps }: KindOf = KINDS[kind];
  const fitting = events.filter(
    ({ event, step }) => on.test(event) && (steps === undefined || steps.has(step)),
  );
  if (fitting.length === 0) return null;
  const event = fitting[prng.below(fitting.length)] as CheckEvent;
  const at = events.indexOf(event);
  const made = (changed: readonly CheckEvent[], other: CheckEvent | null = null): Mutation => {
    const name = (of: CheckEvent) => `${of.event} ${of.step} #${of.id}`;
    const what = `${kind} ${name(event)}${other === null ? '' : ` and ${name(other)}`}`;
    const rreq = event.event === 'netfs_folio' ? (other?.rreq ?? -1) : event.rreq;
    return { kind, rreq, event, with: other, events: changed, era, what };
  };
  switch (kind) {
    case 'drop':
    case 'unfreed':
      return made(events.toSpliced(at, 1));
    case 'duplicate':
      return made(events.toSpliced(at, 0, { ...event }));
    case 'reorder':
    case 'early unlock': {
      const other = kind === 'reorder' ? nextOf(events, at) : lastEndBefore(events, at);
      if (other < 0) return null;
      const rest = events.toSpliced(at, 1);
      return made(rest.toSpliced(other, 0, event), events[other]);
    }
    default:
      return made(events.with(at, altered(event, kind, prng, era)));
  }
}

/** The place of the next event of the same request, -1 = none. */
function nextOf(events: readonly CheckEvent[], at: number): number {
  const { rreq } = events[at] as CheckEvent;
  return events.findIndex(
    (each, i) => i > at && each.rreq === rreq && REQUEST_EVENTS.test(each.event),
  );
}

/** The place of the last end of a slice before an unlock that reaches into what is unlocked. */
function lastEndBefore(events: readonly CheckEvent[], at: number): number {
  const unlock = events[at] as CheckEvent;
  return events.findLastIndex((each, i) => {
    if (i >= at || each.event !== 'netfs_sreq' || each.step !== 'terminated') return false;
    if (unlock.event === 'netfs_rreq') return each.rreq === unlock.rreq;
    const page = unlock.index * 4096;
    const mine = inodeOf(events, each.rreq, i) === unlock.ino;
    return mine && each.start < page + 4096 && each.start + each.transferred > page;
  });
}

/** The inode of a request, from the last begin of its number before an event. */
function inodeOf(events: readonly CheckEvent[], rreq: number, before: number): unknown {
  const begin = events.findLastIndex(
    (each, i) => i < before && each.event === 'netfs_read' && each.rreq === rreq,
  );
  return events[begin]?.netfs_inode;
}

/** A flag among the low six bits that has a name in the era. */
function namedBit({ event }: CheckEvent, prng: Prng, era: Era): number {
  const set = event === 'netfs_rreq' ? 'rreq' : 'sreq';
  const bits = [0, 1, 2, 3, 4, 5].filter((bit) => flagNames(era, set, 1 << bit)[0] !== `bit${bit}`);
  return 1 << (bits[prng.below(bits.length)] as number);
}

function altered(event: CheckEvent, kind: Kind, prng: Prng, era: Era): CheckEvent {
  switch (kind) {
    case 'flags':
      return { ...event, flags: (event.flags ^ namedBit(event, prng, era)) >>> 0 };
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
  ...['collect', 'see_work', 'see_work_complete', 'see_failed', 'wait_ip', 'wake_queue'],
  ...['progress', 'io_progress', 'add_donations', 'wait_pause', 'waited_pause', 'set_abandon'],
  ...['wait_quiesce', 'wait_for', 'wait_put_ra_refs'],
]);

/**
 * Why changes break no invariant, so that nobody can find them; docs/reference/check.md has the
 * reasons.
 */
export const UNDETECTABLE: readonly {
  readonly kinds: readonly Kind[];
  readonly why: string;
  readonly when: (mutation: Mutation) => boolean;
}[] = [
  {
    kinds: ['drop', 'duplicate'],
    why: 'COLLECT, wake-ups, waits, SEE, PRGRS, IO, +DON and netfs_collect_folio may come any number of times',
    when: ({ event }) => REPEATABLE.has(event.step) || event.event === 'netfs_collect_folio',
  },
  {
    kinds: ['drop'],
    why: 'the first begin of a trace may have been before it',
    when: ({ event, events }) => beginsTrace(event, events),
  },
  {
    kinds: ['ref'],
    why: 'SEE prints a count that others change while it prints',
    when: ({ event, era }) => event.step.startsWith('see') && isCollected(era),
  },
  {
    kinds: ['drop'],
    why: 'a client need not tell that it submits a download: 9p does not',
    when: ({ event, era }) => event.step === 'submit' && event.from === 'down' && isCollected(era),
  },
  {
    kinds: ['flags'],
    why: 'ALL_QUEUED is set at any time before COMPLET or WR-DONE, and then stays',
    when: queuedEarlier,
  },
  {
    kinds: ['reorder'],
    why: 'the two events are alike',
    when: ({ event, with: other }) => event.event === other?.event && event.step === other.step,
  },
  {
    kinds: ['reorder'],
    why: 'different tasks tell the two events in either order: references and steps, two slices',
    when: ({ event, with: other }) => other !== null && !ordered(event, other),
  },
];

/** True for eras with one collector per request. */
function isCollected(era: Era): boolean {
  return flagMask(era, 'rreq', 'OFFLOAD_COLLECTION') !== 0;
}

/** True if ALL_QUEUED flips where it may, as the events before and behind show. */
function queuedEarlier({ event, events, era }: Mutation): boolean {
  const mask = flagMask(era, 'rreq', 'ALL_QUEUED');
  if (event.event !== 'netfs_rreq' || !isCollected(era)) return false;
  const at = events.findIndex(({ id }) => id === event.id);
  const changed = events[at] as CheckEvent;
  if ((changed.flags ^ event.flags) !== mask) return false;
  if (['complete', 'write_done'].includes(event.step)) return false;
  const mine = (each: CheckEvent) => each.event === 'netfs_rreq' && each.rreq === event.rreq;
  const has = ({ flags }: CheckEvent) => (flags & mask) !== 0;
  if (has(changed)) return events.slice(at).filter(mine).every(has);
  return !events.slice(0, at).filter(mine).some(has);
}

/** Why a change breaks no invariant, null if it does. */
export function undetectable(mutation: Mutation): string | null {
  const { kind } = mutation;
  const found = UNDETECTABLE.find(({ kinds, when }) => kinds.includes(kind) && when(mutation));
  return found?.why ?? null;
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
