/**
 * From when to when a capture goes, and whether it has times at all: lines that were pasted without
 * are numbered, and their order is no time. Asked by everything that prints a duration.
 */
import type { Capture } from '../store/types.js';
import { TRACEPOINTS } from '../trace/index.js';

/** When the first and the last event of a capture are, of whatever kind, nanoseconds. */
export interface Span {
  readonly first: number;
  readonly last: number;
  /** False if no event has a time, so that only their order is known. */
  readonly timed: boolean;
}

/** The span of a capture; of none without events. */
export function spanOf(capture: Capture): Span {
  const known = new Set(
    capture.all(`SELECT "name" FROM "sqlite_master" WHERE "type" = 'table'`).map(nameOf),
  );
  const tables = [...TRACEPOINTS.map(nameOf), 'marker', 'other_event'].filter((name) =>
    known.has(name),
  );
  const ends = (order: 'ASC' | 'DESC') =>
    ['SELECT NULL AS "ts" WHERE 0']
      .concat(
        tables.map(
          (name) => `SELECT "ts" FROM (SELECT "ts" FROM "${name}" ORDER BY "id" ${order} LIMIT 1)`,
        ),
      )
      .join(' UNION ALL ');
  const row = capture.get(`
SELECT (SELECT min("ts") FROM (${ends('ASC')})) AS "first",
  (SELECT max("ts") FROM (${ends('DESC')})) AS "last"`);
  const first = Number(row?.first ?? 0);
  const last = Number(row?.last ?? 0);
  const { source, events } = capture.info;
  // What has no time is given one nanosecond each; no kernel traces as fast.
  const timed = source === 'run' || events === 0 || last - first > events;
  return { first, last, timed };
}

/** True if the events of a capture have times. */
export function isTimed(capture: Capture): boolean {
  if (capture.info.source === 'run') return true;
  const timed = known.get(capture) ?? spanOf(capture).timed;
  known.set(capture, timed);
  return timed;
}

/** Each rule asks. */
const known = new WeakMap<Capture, boolean>();

const nameOf = ({ name }: { readonly name?: unknown }): string => String(name);
