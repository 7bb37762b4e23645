/** The begin of a result: what a table shows. Called by table.ts, and by who joins results. */
import type { FirstRows, Row, Rows } from '../analysis/types.js';

/** At most `count` rows, and how many more there are; walks them if nothing else tells. */
export function firstRows(rows: Rows, count: number): FirstRows {
  if (rows.first !== undefined) return rows.first(count);
  const shown: Row[] = [];
  let more = 0;
  for (const row of rows) {
    if (shown.length < count) shown.push(row);
    else more++;
  }
  return { rows: shown, more };
}
