/**
 * Finds the events of a request without an index of every table: which request numbers occur in
 * each stretch of events. Numbers rise with time, so few stretches can hold one of them, and those
 * are read whole (PostgreSQL calls this a block range index). Filled by writer.ts, used by lines.ts
 * and the analyses.
 */
import type { AnyTracepoint } from '../trace/tracepoint.js';

/** Events of a stretch. */
const RANGE_EVENTS = 1024;

/** The column with the number of a request; undefined = the event belongs to none. */
export function requestColumn({ columns }: AnyTracepoint): string | undefined {
  // Write requests are numbered from the same counter; the kernel calls theirs wreq.
  return ['rreq', 'wreq'].find((name) => columns.some((column) => column.name === name));
}

/**
 * The FROM and WHERE of a statement for the events of table `e` with the number `rreq`, an SQL
 * expression; more conditions may follow.
 */
export function eventsOfRequest(table: string, column = 'rreq', rreq = '$rreq'): string {
  return `FROM "event_range" AS "g" CROSS JOIN "${table}" AS "e"
  WHERE ${rreq} BETWEEN "g"."min_rreq" AND "g"."max_rreq"
    AND "e"."id" BETWEEN "g"."first_id" AND "g"."last_id" AND "e"."${column}" = ${rreq}`;
}

/** Stands for the table in captures that have none: any event may have any number. */
export const NO_RANGES = `SELECT 1 AS "first_id", ${Number.MAX_SAFE_INTEGER} AS "last_id",
  ${Number.MIN_SAFE_INTEGER} AS "min_rreq", ${Number.MAX_SAFE_INTEGER} AS "max_rreq"`;

/** Collects the stretches while events pass. */
export class EventRanges {
  readonly #add: (row: readonly number[]) => void;
  #first = 1;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  /** `add` takes the rows of the table event_range. */
  constructor(add: (row: readonly number[]) => void) {
    this.#add = add;
  }

  /** Takes the number that event `id` prints; ids rise. */
  number(id: number, rreq: number): void {
    if (id >= this.#first + RANGE_EVENTS) this.finish(id);
    if (rreq < this.#min) this.#min = rreq;
    if (rreq > this.#max) this.#max = rreq;
  }

  /** Gives out the stretch at hand; the next begins at event `next`. */
  finish(next = 0): void {
    const last = this.#first + RANGE_EVENTS - 1;
    if (this.#min <= this.#max) this.#add([this.#first, last, this.#min, this.#max]);
    this.#first = next;
    this.#min = Number.POSITIVE_INFINITY;
    this.#max = Number.NEGATIVE_INFINITY;
  }
}
