/**
 * Reference events: how often each occurred, and whether the counts they print add up. Called by
 * read.ts. The printed counts are not compared, because another order of takers gives others; but
 * each must follow from the one before.
 */
import type { EventRow } from './types.js';

/** How one tracepoint prints references. */
interface Ledger {
  /** The object, as the trace names it. */
  object(row: EventRow): string;
  /** The reason, `GET SUBREQ`. */
  what(row: EventRow): string;
  /** The printed count. */
  count(row: EventRow): number;
  /** Whether it is the count before or after what is told. */
  printed: 'before' | 'after';
}

/** The tracepoints that tell references. */
export const LEDGERS: Readonly<Record<string, Ledger>> = {
  netfs_rreq_ref: {
    object: ({ rreq }) => `R=${rreq}`,
    what: ({ what }) => String(what),
    count: ({ ref }) => Number(ref),
    printed: 'after',
  },
  netfs_sreq_ref: {
    object: ({ rreq, subreq }) => `R=${rreq}[${subreq}]`,
    what: ({ what }) => String(what),
    count: ({ ref }) => Number(ref),
    printed: 'after',
  },
  cachefiles_ref: {
    object: ({ obj }) => `o=${obj}`,
    what: ({ why }) => String(why),
    count: ({ usage }) => Number(usage),
    printed: 'before',
  },
};

/** Follows the counts of a trace. */
export class LedgerAudit {
  /** Counts that do not follow from the one before. */
  readonly bad: string[] = [];
  readonly #counts = new Map<string, number>();

  /** Takes the next event of an object. */
  take(row: EventRow): void {
    const ledger = LEDGERS[row.event] as Ledger;
    const what = ledger.what(row);
    const change = what.startsWith('GET') ? 1 : what.startsWith('PUT') ? -1 : 0;
    const object = `${row.event} ${ledger.object(row)}`;
    const count = ledger.count(row);
    const before = ledger.printed === 'before' ? count : count - change;
    const known = this.#counts.get(object);
    if (what.startsWith('NEW')) {
      if (count !== 1) this.bad.push(`${object} ${what} r=${count}, expected 1`);
      if ((known ?? 0) > 0) this.bad.push(`${object} ${what}, but there were ${known}`);
    } else if ((known !== undefined && known !== before) || before < 0 || before + change < 0) {
      this.bad.push(`${object} ${what} r=${count}, but there were ${known ?? before}`);
    }
    this.#counts.set(object, before + change);
  }
}
