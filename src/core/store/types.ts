/** What the store offers: a capture as commands and analyses see it. Implemented in database.ts. */
import type { DescribedKernel } from '../trace/described.js';
import type { Era } from '../trace/eras.js';

/** A value as SQLite gives it. */
export type SqlValue = number | string | Uint8Array | null;

/** A row by column name. */
export type SqlRow = Readonly<Record<string, SqlValue>>;

/** Positional or named parameters of a statement. */
export type SqlParams = readonly SqlValue[] | Readonly<Record<string, SqlValue>>;

/** What is known of a capture when it begins: columns of the row of `capture`. */
export interface CaptureMeta {
  /** A run of the engine, or a trace that was read. */
  readonly source: 'run' | 'import';
  readonly era: Era;
  /** Profile that was played; null for an import. */
  readonly profile?: string | null;
  /** Name of the workload, for people. */
  readonly workload?: string | null;
  /** Release of the kernel that was traced or is played. */
  readonly kernel_release?: string | null;
  /** `virtual`, `real`, or the trace clock of an import. */
  readonly clock?: string | null;
  /** Wall-clock time of the start, milliseconds since 1970; 0 on the virtual clock. */
  readonly epoch_ms?: number;
  /** What the trace clock showed at the start, nanoseconds; printed times are counted from it. */
  readonly clock_origin_ns?: number;
  readonly command_line?: string | null;
  /** Options of the run or the import as a JSON object. */
  readonly options?: Readonly<Record<string, unknown>>;
  readonly tool_version?: string;
  /** The kernel that `era` stands for, where it was described by its format files. */
  readonly described?: DescribedKernel;
}

/** The row of `capture`. Times in milliseconds or nanoseconds as named. */
export interface CaptureInfo {
  readonly source: 'run' | 'import';
  readonly workload: string | null;
  readonly profile: string | null;
  readonly era: Era;
  readonly kernel_release: string | null;
  readonly clock: string | null;
  readonly epoch_ms: number;
  readonly clock_origin_ns: number;
  readonly command_line: string | null;
  /** JSON object. */
  readonly options: string;
  readonly events: number;
  readonly lost_events: number;
  readonly unparsed_lines: number;
  /** 0 = the run was killed; what had reached the spool is here. */
  readonly complete: 0 | 1;
  readonly finish_ms: number;
  readonly schema_version: number;
  readonly tool_version: string;
}

/** Which events `lines` gives; a condition that is left out holds for all. */
export interface LineFilter {
  /** Names of events. */
  readonly events?: readonly string[];
  /** Number of a request. */
  readonly rreq?: number;
  /** File of the operations on whose behalf the events happened. */
  readonly file?: string;
  /** Half-open range of time, nanoseconds since the start of the capture. */
  readonly since?: number;
  readonly until?: number;
  /** Source as printed (`DOWN`, `READ`, `ZERO`); only events that print one. */
  readonly source?: string;
  /** Prints the names of flag bits behind each flag word. */
  readonly decode?: boolean;
}

/** An open capture. Read-only. */
export interface Capture {
  readonly path: string;
  readonly info: CaptureInfo;
  /**
   * Rows of a query one by one, whole numbers from 2^53 on as `0x` text; errors of SQLite become
   * `UsageError`. The other ways to ask round such numbers.
   */
  iterate(sql: string, params?: SqlParams): IterableIterator<SqlRow>;
  /**
   * Hands every row of a query over, several times as fast as `iterate`; asking the capture
   * anything else meanwhile throws.
   */
  each(sql: string, visit: (row: SqlRow) => void, params?: SqlParams): void;
  /** All rows of a query. */
  all(sql: string, params?: SqlParams): SqlRow[];
  /** The first row of a query, undefined if there is none. */
  get(sql: string, params?: SqlParams): SqlRow | undefined;
  /** Column names of a query in order, also when it has no rows. */
  columns(sql: string): string[];
  /** Of these tables those that the capture does not fill: statements that make them, empty. */
  stands(tables: readonly string[]): string[];
  /** The heading the kernel prints above a trace; lines without newlines. */
  heading(): string[];
  /** The events as the kernel prints them, in order, lines without newlines. */
  lines(filter?: LineFilter): IterableIterator<string>;
  close(): void;
}
