/**
 * What an importer is, where it reads from and where it puts events. An importer knows one form of
 * a trace; `index.ts` lists them, app/import/import.ts joins one with a capture.
 */
import type { Era } from '../trace/eras.js';
import type { AnyTracepoint, Row } from '../trace/tracepoint.js';
import type { Value } from '../trace/types.js';
import type { FormatText } from './trace_dat/format.js';

/** Why an importer thinks that an input is its own. */
export interface Sniffed {
  /** From 0 to 1; the highest is taken, the importer's priority decides between equals. */
  readonly score: number;
  /** The evidence in words: `40 of 40 lines are ftrace lines`. */
  readonly evidence: string;
}

/** A file that can be read anywhere. */
export interface RandomAccess {
  /** Bytes. */
  readonly size: number;
  /** Why there are no more bytes, where some could not be decompressed; null = these are all. */
  readonly damage: string | null;
  /** Fills `target` from byte `position` on; returns how many bytes came, fewer only at the end. */
  read(target: Uint8Array, position: number): number;
}

/** One input, decompressed. */
export interface Input {
  /** Name for messages: a path, or `stdin`. */
  readonly name: string;
  /** The first bytes: all of a short input, else HEAD_BYTES. */
  readonly head: Uint8Array;
  /** Bytes in all, 0 = not known; for the progress bar. */
  readonly size: number;
  /** The bytes from the start, in pieces that are valid until the next is asked for. Once only. */
  chunks(): AsyncIterable<Uint8Array>;
  /** The same anywhere; what is compressed or piped is first copied to a temporary file. */
  file(): Promise<RandomAccess>;
}

/** An event name with the text that follows it, by which the era is told. */
export type Sample = readonly [event: string, text: string];

/** What a first look at an input tells. */
export interface Survey {
  readonly samples: readonly Sample[];
  /** Release of the kernel, null where the input does not tell. */
  readonly kernel: string | null;
  /** Trace clock (`mono`, `local`, ...), null where the input does not tell. */
  readonly clock: string | null;
  /** Time of the first event, nanoseconds of the trace clock; null without times. */
  readonly firstNs: bigint | null;
  /** The format files that the input embeds; absent where it has none. */
  readonly formats?: readonly FormatText[];
}

/** When and where an event happened. Sinks do not keep it: use one object for all events. */
export interface EventHead {
  /** Nanoseconds since the origin that `EventSink.origin` returned. */
  ns: number;
  pid: number;
  comm: string;
  cpu: number;
  /** Latency flags as printed, '' where the form has none. */
  flags: string;
}

/**
 * Takes rows as the words of records, from importers that find numbers: no array and no text is
 * made of an event. Fill in `words`, then `commit`.
 */
export interface RowWords {
  /** The event at hand; its columns start at HEADER_WORDS, absent ones are NaN. */
  readonly words: Float64Array;
  /** The word of a value of column `index`; one that is in no table is counted each time. */
  word(tracepoint: AnyTracepoint, index: number, value: Value, where: number): number;
  /** Takes the event. */
  commit(head: EventHead, tracepoint: AnyTracepoint): void;
}

/**
 * Takes events, in the order of their times. `where` is the line (from 1) or byte offset of an
 * event, as the importer's `unit` says.
 */
export interface EventSink {
  readonly era: Era;
  /**
   * The trace clock time that `ns` counts from. The first caller sets it to its `first`
   * nanoseconds; whoever comes later is told what it is.
   */
  origin(first: bigint): bigint;
  /** An event as text: goes to its table, or is kept as text where none fits. */
  event(head: EventHead, system: string, name: string, text: string, where: number): void;
  /**
   * An event whose name and text begin at byte `at` and end with the line: a quick way for those
   * that hold nothing unusual. Returns where the next line begins; -1 = it is not taken, and
   * `event` is to be called. Absent where texts are wanted.
   */
  eventBytes?(head: EventHead, bytes: Uint8Array, at: number): number;
  /** An event that is decoded already; columns as `tracepoint.columns`. */
  row(head: EventHead, tracepoint: AnyTracepoint, row: Row, where: number): void;
  /** A quick way for such events. Absent where rows are wanted. */
  readonly rows?: RowWords;
  /** A text that the application wrote into the trace. */
  marker(head: EventHead, text: string, where: number): void;
  /**
   * The kernel dropped `events` here; 0 = it does not say how many. `heading` is the heading that
   * counts them: that of each processor's file counts the events of all, so it counts once.
   */
  lost(events: number, where: number, heading?: string): void;
  /** Something that is not understood and cannot be kept. */
  damaged(where: number, what: string): void;
  /** Something that carries no event: a heading, an empty line. */
  skipped(where: number): void;
}

/** What mail has done to a text. */
export interface MailDamage {
  /** It is quoted-printable. */
  readonly encoded: boolean;
  /** In words. */
  readonly evidence: string;
}

/** What surrounds a read. */
export interface ImportContext {
  /** How mail has damaged the input, null = it has not. */
  readonly mail: MailDamage | null;
  readonly signal?: AbortSignal;
  /** Says how many bytes of `Input.size` are done. */
  progress?(done: number): void;
}

/** One form of a trace. */
export interface Importer {
  /** As given with --format. */
  readonly name: string;
  /** One sentence. */
  readonly doc: string;
  /** Unique; the higher is asked first and wins between equal scores. */
  readonly priority: number;
  /** What `where` counts. */
  readonly unit: 'line' | 'byte';
  /** Words of an enum may stand there as numbers, which are turned into words by the era. */
  readonly numbers?: boolean;
  /** Judges the first bytes of an input; null = surely not. */
  sniff(head: Uint8Array): Sniffed | null;
  /** A first look, for the era and the order of several files. */
  survey(input: Input, context: ImportContext): Promise<Survey>;
  /** Reads everything. What is damaged is told to `out`; throws only if nothing can be read. */
  read(input: Input, out: EventSink, context: ImportContext): Promise<void>;
}

/** Bytes of `Input.head`. */
export const HEAD_BYTES = 1 << 20;
