/**
 * What an analysis is: a named question over the documented tables of a capture, with its columns
 * described well enough that any report can print them. Reports see only these types.
 */
import type { Era } from '../trace/eras.js';

/**
 * How a value is meant; a report for people formats by it, CSV and JSON give the bare value. `ns`
 * is a duration, `time` a moment: both are nanoseconds, but moments keep the digits that tell
 * neighbours apart.
 */
export type Unit = 'text' | 'number' | 'count' | 'bytes' | 'ns' | 'time' | 'ratio';

/** One column of a result. */
export interface Column {
  readonly name: string;
  /** One sentence, with the unit where there is one. */
  readonly doc: string;
  readonly unit: Unit;
}

/** A value as SQLite gives it. */
export type Cell = string | number | bigint | null | Uint8Array;

/** One row: values by column name. */
export type Row = Readonly<Record<string, Cell>>;

/** What a caller may set; bound in the SQL as `@name`. */
export interface Param {
  readonly name: string;
  readonly doc: string;
  /** Bound when the caller does not set it; null means "no restriction". */
  readonly default: string | number | null;
}

/** The parameters as they were bound. */
export type Bound = Readonly<Record<string, string | number | null>>;

/** A question over one capture. */
export interface Analysis {
  readonly name: string;
  readonly doc: string;
  /** Tables and views the question reads. */
  readonly needs: readonly string[];
  /** True if it is about durations: without times there is no answer. */
  readonly timed?: boolean;
  /** Events that must be in the capture: of each group at least one. */
  readonly records?: readonly (readonly string[])[];
  readonly columns: readonly Column[];
  readonly params: readonly Param[];
  /** Yields the columns, in order, unless `derive` or `gather` makes them. */
  readonly sql: string;
  /** A statement that is run before it: what `derive` has to know. */
  readonly context?: string;
  /**
   * Gives what turns a row of the SQL into the columns, for what SQL cannot say; from the rows of
   * `context`.
   */
  readonly derive?: (era: Era, context: Iterable<Row>) => (row: Row) => Row;
  /** Makes the rows of the result of all rows of the SQL, for what is followed from row to row. */
  readonly gather?: (given: Bound) => Gathering;
}

/** What is made of many rows. */
export interface Gathering {
  /** Takes the next row. */
  take(row: Row): void;
  /** The result, when all have been taken. */
  rows(): Iterable<Row>;
}

/** The rows of a result, to be walked once. */
export interface Rows extends Iterable<Row> {
  /**
   * Instead of walking: some rows, and how many more there are, where that can be told without
   * making all of them.
   */
  first?(count: number): FirstRows;
}

/** The begin of a result. */
export interface FirstRows {
  readonly rows: readonly Row[];
  /** Rows behind these. */
  readonly more: number;
}

/** A result on its way to a report. */
export interface Table {
  /** Path of the capture asked, null when the result comes from several or none. */
  readonly capture: string | null;
  readonly columns: readonly Column[];
  readonly rows: Rows;
}
