/**
 * The words of `trace check`: events as rules see them, what is known of a request while the trace
 * is walked, rules and findings. Rules are in rules/, the walk in walk.ts, the state in world.ts.
 */
import type { Capture } from '../../store/types.js';
import type { Era } from '../../trace/eras.js';

/** How bad a finding is: `note` does not fail a check. */
export type Severity = 'error' | 'warning' | 'note';

/**
 * One event of the trace. Labels come twice: as printed in the columns of the event, and by the
 * stable identifiers of the label tables (`step`, `from`), which do not depend on the era.
 */
export interface CheckEvent {
  readonly id: number;
  readonly ts: number;
  readonly task: number | null;
  /** Name of the tracepoint. */
  readonly event: string;
  /** Identifier of its main label: `terminated`, `assess`, `get_subreq`; a raw word as it is. */
  readonly step: string;
  /** Identifier of the source of a slice: zero, down, read, invalid, upload, write, unknown. */
  readonly from: string;
  readonly rreq: number;
  readonly index: number;
  readonly origin: string | null;
  readonly flags: number;
  readonly start: number;
  readonly len: number;
  readonly transferred: number;
  readonly error: number;
  readonly ref: number;
  /** 1 where a label of it is in no table of the era; left out else. */
  readonly strange?: number;
  /** The other columns, by name. */
  readonly [column: string]: string | number | null | undefined;
}

/** Requests of both sides are numbered alike; NFS counts its reads apart, so both may live. */
export type Side = 'read' | 'write';

/** What is known of a slice. The values are those of its last event. */
export interface SliceSeen {
  readonly index: number;
  /** Step of its last event, `new` before the first. */
  step: string;
  source: string;
  start: number;
  len: number;
  transferred: number;
  error: number;
  flags: number;
  /** Range of its first event. */
  firstStart: number;
  firstLen: number;
  /** Handed to its source and not ended. */
  reading: boolean;
  /** Has ended at least once. */
  terminated: boolean;
  /** The failure event told of it, until it is used up. */
  failure: CheckEvent | null;
  /** References after the last event that tells; null = not known. */
  ref: number | null;
  /** Handed out again since it last ended: a retry. */
  again: boolean;
  /** How often it ended, how often it was handed out again, and how often each was put. */
  terms: number;
  reissues: number;
  termPuts: number;
  listPuts: number;
  /** A put left nothing. */
  zeroed: boolean;
  /** Last event. */
  last: number;
  freed: boolean;
}

/** What is known of a request. */
export interface RequestSeen {
  readonly rreq: number;
  readonly side: Side;
  /** Step of its begin: readahead, readpage, write_begin, writeback, ...; '' = not seen. */
  kind: string;
  start: number;
  len: number;
  cookie: number;
  ino: number | string | null;
  /** True if nothing of it was before the trace began. */
  readonly whole: boolean;
  /** Step of its last request event; `new` or `begun` before the first. */
  step: string;
  /** Step of its last request event, whoever told it. */
  lastStep: string;
  /** True once a request event came, and how often each step did. */
  stepped: boolean;
  readonly seen: Map<string, number>;
  flags: number;
  /** References after the last event that tells; null = not known. */
  ref: number | null;
  /** Get and put events of slices so far. */
  gets: number;
  puts: number;
  /** Slices that were freed. */
  freed: number;
  /** How often its submitter and its collector dropped theirs, and whether a put left nothing. */
  returns: number;
  workPuts: number;
  zeroed: boolean;
  /** True once its reference events can be somebody else's as well. */
  shared: boolean;
  readonly slices: Map<number, SliceSeen>;
  /** Index ranges of folios unlocked so far: [first, last] pages. */
  readonly unlocked: [first: number, last: number][];
  /** The event by which its collector ended it. */
  ends: CheckEvent | null;
  readonly first: CheckEvent;
  last: CheckEvent;
}

/** Something a rule found. */
export interface Finding {
  readonly rule: string;
  readonly severity: Severity;
  /** Number of the request as printed, null if it is not about one. */
  readonly request: string | null;
  readonly slice: number | null;
  /** The events that show it: `id` of the event tables. */
  readonly events: readonly number[];
  /** When, nanoseconds since the start of the capture. */
  readonly ts: number;
  readonly message: string;
}

/** What is handed to `Report`. */
export interface Where {
  readonly request?: RequestSeen | undefined;
  readonly slice?: number | undefined;
  /** Events that show it besides `at`. */
  readonly with?: readonly number[];
  /** Overrides the severity of the rule. */
  readonly severity?: Severity;
}

/** Tells of a violation that shows at an event. */
export type Report = (at: CheckEvent, message: string, where?: Where) => void;

/** What rules may ask beside the event in hand. */
export interface World {
  readonly era: Era;
  readonly capture: Capture;
  /** The last event of the whole capture, nanoseconds. */
  readonly endNs: number;
  /** The live read request of a number. */
  reading(rreq: number): RequestSeen | undefined;
  /** The live request of a number, whatever its side; undefined if it may be one of two. */
  live(rreq: number): RequestSeen | undefined;
  /** True if events of this name would be in the trace. */
  recorded(event: string): boolean;
  /** True if there is one. */
  present(event: string): boolean;
}

/**
 * What a rule does with events. Called before the event changes what is known; a slice or request
 * of which this is the first event has the step `new`.
 */
export interface Hooks {
  begin?(request: RequestSeen, event: CheckEvent): void;
  /** A netfs_rreq event. */
  step?(request: RequestSeen, event: CheckEvent): void;
  /** A netfs_sreq event. */
  slice?(request: RequestSeen, slice: SliceSeen, event: CheckEvent): void;
  failure?(request: RequestSeen, slice: SliceSeen | undefined, event: CheckEvent): void;
  requestRef?(request: RequestSeen, event: CheckEvent): void;
  sliceRef?(request: RequestSeen, slice: SliceSeen, event: CheckEvent): void;
  /** A reference event of a request that was freed. */
  late?(event: CheckEvent): void;
  /** An event of a request that had ended, or was never seen to begin. */
  stray?(event: CheckEvent, why: 'freed' | 'unbegun' | 'made again'): void;
  /** Every other event, by name. */
  readonly other?: Readonly<Record<string, (event: CheckEvent, live: RequestSeen[]) => void>>;
  /** The trace is over and this request is not. */
  open?(request: RequestSeen): void;
  /** The trace is over. */
  over?(last: CheckEvent): void;
}

/** A rule: what must hold of a trace. */
export interface Rule {
  readonly id: string;
  readonly severity: Severity;
  /** What it says, one sentence. */
  readonly doc: string;
  /** What a violation means for people, and what to do. */
  readonly explanation: string;
  /** Where a known kernel bug of this pattern was told or fixed; null = none is known. */
  readonly known: string | null;
  /** Events without which it cannot be decided. */
  readonly needs: readonly string[];
  /** More events of that kind, where requests have a collector (v6.14 and later). */
  readonly collectorNeeds?: readonly string[];
  /** True where one event or an order of events proves it, whatever else was lost. */
  readonly sure?: boolean;
  /** False for eras in which it does not hold or is not known. */
  holds(era: Era): boolean;
  /** Why it does not hold where it does not; left out if it holds everywhere. */
  readonly elsewhere?: string;
  /** Begins a walk. */
  watch(world: World, report: Report): Hooks;
}
