/** The types by which the trace layer, the engine, the importers and the store meet. */
import type { Era } from './eras.js';

/**
 * One printed argument as it is stored: a number, a trimmed label or text, null where the era does
 * not print it. Unsigned 64-bit values from 2^53 on are text, `0x` and lower-case digits.
 */
export type Value = number | string | null;

/** What became of a capture when its sink was closed. */
export interface FinishReport {
  /** Events recorded. */
  readonly events: number;
  /** Events dropped because the ring was full; always 0 unless dropping was asked for. */
  readonly lost: number;
  /** Milliseconds between the close and the finished database. */
  readonly finishMs: number;
  /** Why the capture is not finished, null if it is. */
  readonly error: Error | null;
}

/** Where trace records go. One producer; records arrive whole and in order. */
export interface TraceSink {
  /** The era in which labels and formats are decoded. */
  readonly era: Era;
  /** Why nothing more is recorded; undefined while all is well. */
  readonly failure?: Error | undefined;
  /** Takes the first `count` words of `words`, which the caller reuses at once. */
  append(words: Float64Array, count: number): void;
  /** Ends the capture; never rejects, the report carries the error. */
  close(): Promise<FinishReport>;
}
