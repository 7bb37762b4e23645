/** A capture as the structural comparison takes it. Called by app/ with an open database. */
import type { Capture } from '../../store/types.js';
import type { OpRecord, StatEntry } from '../../trace/record.js';
import { COMPARED } from './events.js';
import { LEDGERS } from './ledger.js';
import type { EventRow, TraceView } from './types.js';

/** Reads the compared events, the operations and the statistics of a capture. */
export function captureView(capture: Capture): TraceView {
  const rows = [...Object.keys(COMPARED), ...Object.keys(LEDGERS)].flatMap((event) =>
    capture
      .all(
        `SELECT '${event}' AS "event", "t"."comm", "t"."pid", "e".*
        FROM "${event}" AS "e" LEFT JOIN "task" AS "t" ON "t"."id" = "e"."task"`,
      )
      .map((row) => ({ ...row, comm: row.comm ?? '', op: row.op ?? 0 })),
  ) as unknown as (EventRow & { id: number })[];
  rows.sort((a, b) => a.id - b.id);
  const ops = capture.all(
    'SELECT "id" AS "op", "kind", "file", "offset", "len" FROM "op" ORDER BY "id"',
  ) as unknown as OpRecord[];
  const entries = capture.all(
    'SELECT "snapshot", "line", "label", "key", "value" FROM "stats" ORDER BY "snapshot", rowid',
  ) as unknown as (StatEntry & { snapshot: number })[];
  const snapshots: StatEntry[][] = [];
  for (const entry of entries) {
    snapshots[entry.snapshot - 1] ??= [];
    snapshots[entry.snapshot - 1]?.push(entry);
  }
  return { rows, ops, snapshots };
}
