/**
 * Rows of one table on their way into its pages. Where rows have numbers, they may come a little
 * out of order and are held until their turn. Called by writer.ts.
 */
import type { RowBuffer } from './row_buffer.js';
import type { TablePages } from './table_pages.js';
import type { SqlValue } from './types.js';

/** Rows held for a number that does not come (a stuck request), before it is passed over. */
const HELD_MAX = 4096;

/** What the rows of a table are. */
export interface RowForm<T> {
  /** Makes the record of a row. */
  put(row: T, to: RowBuffer): void;
  /** The number of a row, counted from 1; null = rows are numbered as they come. */
  readonly number: ((row: T) => number) | null;
  /** All values of a row, for INSERT. */
  values(row: T): readonly SqlValue[];
}

/** Rows that are lists of values; `numbered`: the first of them is the row's number. */
export function lists(numbered: boolean): RowForm<readonly SqlValue[]> {
  return {
    number: numbered ? (row) => row[0] as number : null,
    put(row, to) {
      to.begin(row.length);
      for (let i = 0; i < row.length; i++) {
        // The number of a row is not among its values.
        if (i === 0 && numbered) to.absent();
        else to.value(row[i] as SqlValue);
      }
      to.close();
    },
    values: (row) => row,
  };
}

/** A table whose rows are given whole. */
export class TableRows<T> {
  readonly name: string;
  readonly #late: T[] = [];
  readonly #pages: TablePages;
  readonly #row: RowBuffer;
  readonly #form: RowForm<T>;
  readonly #held = new Map<number, T>();
  #next = 1;

  constructor(name: string, pages: TablePages, row: RowBuffer, form: RowForm<T>) {
    this.name = name;
    this.#pages = pages;
    this.#row = row;
    this.#form = form;
  }

  /** Adds a row. */
  add(row: T): void {
    const { number: numberOf } = this.#form;
    const number = numberOf === null ? this.#next : numberOf(row);
    if (number === this.#next) {
      this.#write(number, row);
      if (this.#held.size > 0) this.#release();
    } else if (number < this.#next) {
      this.#late.push(row);
    } else {
      this.#held.set(number, row);
      if (this.#held.size > HELD_MAX) this.#releaseAll();
    }
  }

  /** Rows whose turn had passed: they are to be inserted when the pages are finished. */
  late(): (readonly SqlValue[])[] {
    return this.#late.map((row) => this.#form.values(row));
  }

  /** Puts what is held into the pages, which can be finished then. */
  finish(): void {
    this.#releaseAll();
  }

  #release(): void {
    for (;;) {
      const row = this.#held.get(this.#next);
      if (row === undefined) return;
      this.#held.delete(this.#next);
      this.#write(this.#next, row);
    }
  }

  #releaseAll(): void {
    const inOrder = [...this.#held].sort(([a], [b]) => a - b);
    for (const [number, row] of inOrder) this.#write(number, row);
    this.#held.clear();
  }

  #write(number: number, row: T): void {
    this.#form.put(row, this.#row);
    this.#pages.append(number, this.#row);
    this.#next = number + 1;
  }
}
