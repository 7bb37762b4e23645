/**
 * Pictures of analyses for a terminal: what was in flight, latencies by stage, the windows of
 * readahead, what was written. Called by the commands with `--plot`.
 */
import type { Row } from '../../analysis/types.js';
import { StoreError } from '../../base/errors.js';
import { formatBytes, formatNs } from '../../base/units.js';
import { type PlotAxes, plotLines, type Series } from '../../report/plot.js';
import { openCapture } from '../../store/database.js';
import { findCapture } from './capture_path.js';
import { runAnalysis } from './query.js';

/** The analyses that have a picture. */
export type Plotted = 'concurrency' | 'latency' | 'readahead' | 'writes';

/** A picture: the capture that was asked, and lines of text. */
export interface Plot {
  readonly capture: string;
  readonly lines: readonly string[];
}

interface Drawing {
  readonly series: readonly Series[];
  readonly axes: PlotAxes;
}

const OVER_TIME = { x: formatNs };

/** Draws what an analysis tells. Throws `StoreError` where there is nothing to draw. */
export function plotOf(name: Plotted, file: string | undefined): Plot {
  const capture = findCapture(file);
  const { series, axes } = DRAWINGS[name](capture);
  const lines = [...plotLines(series, axes)];
  if (lines.length === 0) {
    const none = `has nothing to draw for trace ${name}`;
    throw new StoreError(capture, none, { hint: `netfslab trace ${name} ${capture}` });
  }
  return { capture, lines };
}

const DRAWINGS: Readonly<Record<Plotted, (capture: string) => Drawing>> = {
  concurrency: (capture) => {
    const rows = [...runAnalysis('concurrency', capture, { bins: 200 }).rows];
    const of = (column: string) =>
      rows.map((row) => ({ x: Number(row.at), y: Number(row[column]) }));
    return {
      series: [
        { name: 'server', mark: '#', points: of('server_max') },
        { name: 'cache', mark: '+', points: of('cache_max') },
      ],
      axes: { ...OVER_TIME, y: (value) => `${value} in flight` },
    };
  },
  latency: (capture) => ({
    series: [...runAnalysis('latency', capture).rows].map(percentiles),
    axes: { x: (value) => `p${value}`, y: formatNs, logY: true },
  }),
  readahead: (capture) => {
    const windows = rowsOf(
      capture,
      `SELECT "begin_ns" AS "x", coalesce("expanded_len", "len") AS "y" FROM "request"
       WHERE "kind" = 'readahead' AND "begin_ns" IS NOT NULL ORDER BY "begin_ns"`,
    );
    return {
      series: [{ name: 'window of readahead', mark: '*', points: windows }],
      axes: { ...OVER_TIME, y: formatBytes },
    };
  },
  writes: (capture) => {
    const sent = (source: string) => {
      let sum = 0;
      return rowsOf(
        capture,
        `SELECT "term_ns" AS "x", "transferred" AS "y" FROM "subrequest"
         WHERE "source" = '${source}' AND "term_ns" IS NOT NULL ORDER BY "term_ns"`,
      ).map(({ x, y }) => {
        sum += y;
        return { x, y: sum };
      });
    };
    const series = [
      { name: 'stored in the cache', mark: '+', points: sent('WRIT') },
      { name: 'written to the server', mark: '#', points: sent('UPLD') },
    ];
    return {
      series: series.filter(({ points }) => points.length > 0),
      axes: { ...OVER_TIME, y: formatBytes },
    };
  },
};

/** The percentiles of a stage as a curve. */
function percentiles(row: Row, at: number): Series {
  const places = [0, 50, 90, 99, 100];
  const values = ['min', 'p50', 'p90', 'p99', 'max'].map((name) => row[name]);
  const name = [row.stage, row.kind, row.source].filter((each) => each !== null).join(' ');
  return {
    name,
    mark: String.fromCharCode(97 + (at % 26)),
    points: places.flatMap((x, i) => {
      return values[i] === null ? [] : [{ x, y: Number(values[i]) }];
    }),
  };
}

function rowsOf(path: string, sql: string): { x: number; y: number }[] {
  const capture = openCapture(path);
  try {
    return capture.all(sql).map(({ x, y }) => ({ x: Number(x), y: Number(y) }));
  } finally {
    capture.close();
  }
}
