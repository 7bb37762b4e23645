/** A capture as the structural comparison takes it. Called by app/ with an open database. */
import { exactSql } from '../../store/exact_sql.js';
import type { Capture } from '../../store/types.js';
import { TRACEPOINTS } from '../../trace/index.js';
import type { OpRecord, StatEntry } from '../../trace/record.js';
import { COMPARED } from './events.js';
import { LEDGERS } from './ledger.js';
import type { EventRow, TraceView } from './types.js';

/** Reads the compared events, the operations and the statistics of a capture. */
export function captureView(capture: Capture): TraceView {
  const wanted = new Set([...Object.keys(COMPARED), ...Object.keys(LEDGERS)]);
  const rows = TRACEPOINTS.filter(({ name }) => wanted.has(name)).flatMap(({ name, columns }) =>
    capture
      .all(
        `SELECT '${name}' AS "event", "t"."comm", "t"."pid", "e"."id", "e"."ts", "e"."task",
          "e"."op", ${columns.map((each) => `${exactSql(each)} AS "${each.name}"`).join(', ')}
        FROM "${name}" AS "e" LEFT JOIN "task" AS "t" ON "t"."id" = "e"."task"`,
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
