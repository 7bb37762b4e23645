/**
 * Rows of one table on their way into its pages. Where the first column is the row's number, rows
 * may come a little out of order and are held until their turn. Called by writer.ts.
 */
import type { RowBuffer } from './row_buffer.js';
import type { TablePages } from './table_pages.js';
import type { SqlValue } from './types.js';

/** Rows held for a number that does not come (a stuck request), before it is passed over. */
const HELD_MAX = 4096;

/** A table whose rows are given whole. */
export class TableRows {
  readonly name: string;
  /** Rows whose turn had passed: they are to be inserted when the pages are finished. */
  readonly late: (readonly SqlValue[])[] = [];
  readonly #pages: TablePages;
  readonly #row: RowBuffer;
  readonly #numbered: boolean;
  readonly #held = new Map<number, readonly SqlValue[]>();
  #next = 1;

  /** `numbered`: the first value of a row is its number, from 1; else rows are counted. */
  constructor(name: string, pages: TablePages, row: RowBuffer, numbered: boolean) {
    this.name = name;
    this.#pages = pages;
    this.#row = row;
    this.#numbered = numbered;
  }

  /** Adds a row, one value for each column. */
  add(values: readonly SqlValue[]): void {
    const number = this.#numbered ? (values[0] as number) : this.#next;
    if (number === this.#next) {
      this.#write(number, values);
      if (this.#held.size > 0) this.#release();
    } else if (number < this.#next) {
      this.late.push(values);
    } else {
      this.#held.set(number, values);
      if (this.#held.size > HELD_MAX) this.#releaseAll();
    }
  }

  /** Writes what is held, and the pages. */
  finish(): void {
    this.#releaseAll();
    this.#pages.finish();
  }

  #release(): void {
    for (;;) {
      const values = this.#held.get(this.#next);
      if (values === undefined) return;
      this.#held.delete(this.#next);
      this.#write(this.#next, values);
    }
  }

  #releaseAll(): void {
    const inOrder = [...this.#held].sort(([a], [b]) => a - b);
    for (const [number, values] of inOrder) this.#write(number, values);
    this.#held.clear();
  }

  #write(number: number, values: readonly SqlValue[]): void {
    const row = this.#row;
    row.begin();
    for (let i = 0; i < values.length; i++) {
      // The number of a row is not among its values.
      if (i === 0 && this.#numbered) row.absent();
      else row.value(values[i] as SqlValue);
    }
    row.close();
    this.#pages.append(number, row);
    this.#next = number + 1;
  }
}
