/** How many slices were under way at a time, by source. Called by `trace concurrency`. */
import type { Analysis, Row } from './types.js';

/** One row per stretch of time; in flight counts slices between SUBMT and TERM. */
export const concurrency: Analysis = {
  name: 'concurrency',
  doc: 'Slices in flight over time: average and most, from server and cache.',
  needs: ['subrequest'],
  records: [['netfs_sreq']],
  columns: [
    { name: 'at', doc: 'Begin of the stretch since the start of the capture.', unit: 'ns' },
    { name: 'server_avg', doc: 'Downloads in flight, average over time.', unit: 'ratio' },
    { name: 'server_max', doc: 'Most downloads at once.', unit: 'count' },
    { name: 'cache_avg', doc: 'Cache reads in flight, average over time.', unit: 'ratio' },
    { name: 'cache_max', doc: 'Most cache reads at once.', unit: 'count' },
    { name: 'picture', doc: 'Most at once, server and cache: one mark each.', unit: 'text' },
  ],
  params: [{ name: 'bins', doc: 'Stretches the capture is cut into.', default: 20 }],
  sql: `
SELECT "source", "submit_ns" AS "ts", 1 AS "step" FROM "subrequest"
WHERE "source" IN ('DOWN', 'READ') AND "submit_ns" IS NOT NULL AND "term_ns" IS NOT NULL
UNION ALL
SELECT "source", "term_ns", -1 FROM "subrequest"
WHERE "source" IN ('DOWN', 'READ') AND "submit_ns" IS NOT NULL AND "term_ns" IS NOT NULL
ORDER BY "ts", "step" DESC`,
  fold: (rows, { bins }) => foldSteps([...rows], Math.max(1, Number(bins))),
};

interface Stretch {
  readonly area: [server: number, cache: number];
  readonly max: [server: number, cache: number];
}

function* foldSteps(rows: readonly Row[], bins: number): Iterable<Row> {
  const from = Number(rows[0]?.ts);
  const to = Number(rows.at(-1)?.ts);
  if (!(to > from)) return;
  const width = (to - from) / bins;
  const stretches: Stretch[] = Array.from({ length: bins }, () => ({ area: [0, 0], max: [0, 0] }));
  const now: [number, number] = [0, 0];
  let last = from;
  for (const row of rows) {
    const ts = Number(row.ts);
    spread(stretches, now, last - from, ts - from, width);
    last = ts;
    now[row.source === 'READ' ? 1 : 0] += Number(row.step);
    const bin = stretches[Math.min(bins - 1, Math.floor((ts - from) / width))] as Stretch;
    for (const side of [0, 1] as const) bin.max[side] = Math.max(bin.max[side], now[side]);
  }
  for (const [i, { area, max }] of stretches.entries()) {
    yield {
      at: Math.round(from + i * width),
      ...{ server_avg: area[0] / width, server_max: max[0] },
      ...{ cache_avg: area[1] / width, cache_max: max[1] },
      picture: `${'#'.repeat(Math.min(40, max[0]))}${'+'.repeat(Math.min(40, max[1]))}`,
    };
  }
}

/** Adds what was in flight between two moments to the stretches they fall into. */
function spread(
  stretches: readonly Stretch[],
  now: readonly [number, number],
  from: number,
  to: number,
  width: number,
): void {
  if (now[0] === 0 && now[1] === 0) return;
  let at = from;
  while (at < to) {
    const i = Math.min(stretches.length - 1, Math.floor(at / width));
    const end = i === stretches.length - 1 ? to : Math.min(to, (i + 1) * width);
    const stretch = stretches[i] as Stretch;
    for (const side of [0, 1] as const) {
      stretch.area[side] += now[side] * (end - at);
      stretch.max[side] = Math.max(stretch.max[side], now[side]);
    }
    if (end <= at) return;
    at = end;
  }
}
