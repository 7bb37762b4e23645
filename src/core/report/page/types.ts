/**
 * What a report holds: the numbers of the commands, as the page carries them. Made by
 * app/report/document.ts, shown by the code of the page.
 */
import type { Column } from '../../analysis/types.js';

/** A value of a table as JSON has it. */
export type Value = string | number | null;

/** A table of a command: its columns, its first rows and how many follow; or why there is none. */
export type TableDocument =
  | {
      readonly columns: readonly Column[];
      readonly rows: readonly (readonly Value[])[];
      /** Rows behind these, which the page does not have. */
      readonly more: number;
    }
  | { readonly cannot: string };

/** Something a person should know: what, and the command that says more. */
export interface NotableDocument {
  readonly says: string;
  readonly ask: string;
}

/** What a rule found, with the lines of the trace that prove it. */
export interface FindingDocument {
  readonly rule: string;
  readonly severity: string;
  readonly message: string;
  /** The law that is broken, in a sentence. */
  readonly law: string;
  /** Number of the request in the capture, null if it is of none. */
  readonly uid: number | null;
  readonly lines: readonly string[];
}

/** Requests, a column each; position = number in the report. Times: ns since `from`. */
export interface RequestColumns {
  readonly uid: readonly number[];
  readonly rreq: readonly number[];
  /** Numbers in `strings`. */
  readonly kind: readonly number[];
  readonly file: readonly number[];
  readonly task: readonly number[];
  readonly outcome: readonly number[];
  readonly start: readonly (number | null)[];
  readonly len: readonly (number | null)[];
  readonly begin: readonly number[];
  readonly unlock: readonly (number | null)[];
  readonly end: readonly (number | null)[];
  readonly server: readonly number[];
  readonly cache: readonly number[];
  readonly zero: readonly number[];
  readonly stored: readonly number[];
  readonly error: readonly number[];
}

/** Slices, a column each, in the order of their requests. Times: ns since `from`. */
export interface SliceColumns {
  /** Position of its request in `requests`. */
  readonly request: readonly number[];
  readonly index: readonly number[];
  readonly source: readonly number[];
  readonly start: readonly number[];
  readonly bytes: readonly number[];
  readonly submit: readonly (number | null)[];
  readonly term: readonly (number | null)[];
  readonly write: readonly (number | null)[];
  readonly wterm: readonly (number | null)[];
  readonly error: readonly number[];
}

/** Requests and slices on the axis of time. */
export interface TimelineDocument {
  /** Nanoseconds since the start of the capture. */
  readonly from: number;
  readonly to: number;
  /** Requests in the capture, and whether the page has them all. */
  readonly total: number;
  readonly strings: readonly string[];
  readonly requests: RequestColumns;
  readonly slices: SliceColumns;
  /** All slices of the capture by stretch of time: how many were submitted, by source. */
  readonly density: {
    readonly server: readonly number[];
    readonly cache: readonly number[];
    readonly zero: readonly number[];
    readonly other: readonly number[];
  };
  /** The lives of some requests, by uid: rows of `trace request --explain`. */
  readonly lives: Readonly<Record<string, readonly (readonly Value[])[]>>;
  readonly lifeColumns: readonly Column[];
}

/** Where the bytes of a file came from, cell by cell over all slices of the capture. */
export interface FileMapDocument {
  readonly file: string;
  /** Bytes from 0 to the last that was got. */
  readonly size: number;
  readonly bytes: number;
  /**
   * A digit for each of the cells that share the size evenly: 0 nothing, 1 zeros, 2 server, 3
   * cache, 4 server and cache. The last source counts; 4 if both fall into one cell.
   */
  readonly cells: string;
}

/** How many slices took how long, by stretch of time and power of two. */
export interface HeatDocument {
  readonly from: number;
  readonly to: number;
  readonly width: number;
  /** [stretch, power of two, count]. */
  readonly cells: readonly (readonly [number, number, number])[];
}

/** One capture. */
export interface CaptureDocument {
  readonly name: string;
  readonly kernel: string;
  readonly era: string;
  readonly source: string;
  readonly profile: string | null;
  readonly events: number;
  readonly lost: number;
  /** Null if the events have no times. */
  readonly span: number | null;
  readonly rules: { readonly checked: number; readonly of: number } | null;
  readonly missing: readonly string[];
  readonly notable: readonly NotableDocument[];
  readonly findings: readonly FindingDocument[];
  readonly tables: Readonly<Record<TableName, TableDocument>>;
  readonly heat: HeatDocument | null;
  readonly maps: readonly FileMapDocument[];
  /** Files that have a map no more. */
  readonly unmapped: number;
  readonly timeline: TimelineDocument | null;
}

/** The tables of a report. */
export type TableName =
  | 'hits'
  | 'sources'
  | 'latency'
  | 'readahead'
  | 'concurrency'
  | 'dup'
  | 'cookies'
  | 'reconcile';

/** What the page carries. */
export interface ReportDocument {
  readonly version: 1;
  readonly tool: string;
  readonly captures: readonly CaptureDocument[];
  /** Of two captures: what `trace diff` says. */
  readonly differences: TableDocument | null;
}
