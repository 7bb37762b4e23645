/** What a report format is; `report/index.ts` lists them all. */
import type { Column, Rows } from '../analysis/types.js';

/** Turns rows into lines of text. */
export interface Format {
  readonly name: string;
  readonly doc: string;
  /** Lines without their newline. `note` takes what is a message and not data. */
  readonly lines: (
    columns: readonly Column[],
    rows: Rows,
    note: (message: string) => void,
  ) => Iterable<string>;
}
