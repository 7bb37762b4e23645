/** The structural comparison: what a trace is reduced to, and what comparing two of them gives. */
import type { OpRecord, StatEntry } from '../../trace/record.js';
import type { Value } from '../../trace/types.js';

/** An event with the task it happened in; columns by name. */
export interface EventRow {
  readonly event: string;
  readonly comm: string;
  readonly common_flags: string;
  /** Workload operation, 0 = none. */
  readonly op: number;
  readonly [column: string]: Value;
}

/** A trace as the comparison takes it, from a database or from memory. */
export interface TraceView {
  /** The compared events (`COMPARED`) in order; others are passed over. */
  readonly rows: Iterable<EventRow>;
  readonly ops: readonly OpRecord[];
  /** Statistics: the first snapshot is the beginning, the last one the end. */
  readonly snapshots: readonly (readonly StatEntry[])[];
}

/** What is compared, by the letters of docs/explanation/conformance.md. */
export type Part =
  | 'a-results'
  | 'b-requests'
  | 'c-request'
  | 'd-cache'
  | 'e-refs'
  | 'f-stats'
  | 'g-residency'
  | 'h-layout';

/** Where something ran: the application's task, a kernel worker, or an interrupt. */
export type Where = 'task' | 'worker' | 'irq';

/** What an event is to the order of a request; see `order.ts`. */
export type Role = 'phase' | 'issue' | 'ended' | 'store' | 'stored' | 'free';

/** An event of a request, with everything left out that is not compared. */
export interface RequestEvent {
  readonly part: Part;
  /** The slice it is about, -1 = the request as a whole. */
  readonly slice: number;
  readonly role: Role;
  readonly text: string;
}

/** A request. */
export interface RequestStructure {
  /** Number as printed. */
  readonly rreq: number;
  /** Operation on whose behalf it was made, 0 = none. */
  readonly op: number;
  /** What was asked: the netfs_read event; '' if it began before the trace. */
  readonly read: string;
  readonly events: readonly RequestEvent[];
  /** Reference events and how often each occurred. */
  readonly refs: ReadonlyMap<string, number>;
}

/** An event of a task's course. */
export interface LaneEvent {
  /** The request, counted from 1; 0 = cache I/O that no request asked for. */
  readonly request: number;
  readonly text: string;
}

/** A trace, reduced. */
export interface Structure {
  readonly ops: readonly string[];
  readonly requests: readonly RequestStructure[];
  /** For each task of the application, in order of appearance: its events across requests. */
  readonly lanes: readonly (readonly LaneEvent[])[];
  /** Cache reads and writes that no request asked for, by where they ran. */
  readonly io: Readonly<Record<Where, readonly string[]>>;
  /** References to cache objects and how often each event occurred. */
  readonly refs: ReadonlyMap<string, number>;
  /** Reference counts that do not add up, as text. */
  readonly badRefs: readonly string[];
  /** What the statistics changed by; null without two snapshots. */
  readonly stats: readonly StatEntry[] | null;
  /** Compared events, reference events not counted. */
  readonly events: number;
}

/** One difference. The sides are `null` where one has nothing. */
export interface Divergence {
  readonly part: Part;
  /** What it is about, for people: `request 3 (R=00000007)`. */
  readonly where: string;
  readonly left: string | null;
  readonly right: string | null;
  /** Section of the specification that says how it should be. */
  readonly section: string;
}

/** How many of how many. */
export interface Share {
  readonly identical: number;
  readonly all: number;
}

/** The outcome of a comparison. */
export interface Comparison {
  readonly requests: Share;
  readonly events: Share;
  /** Requests whose reference events are the same. */
  readonly refs: Share;
  /** Identical requests whose events came in another order than on the other side. */
  readonly reordered: number;
  /** Compared parts with what was found; parts that could not be compared are missing. */
  readonly parts: Readonly<Partial<Record<Part, Share>>>;
  /** In the order in which they are found; at most `DIVERGENCES_MAX`. */
  readonly divergences: readonly Divergence[];
  /** All differences, also those that are not listed. */
  readonly differences: number;
}
