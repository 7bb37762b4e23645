/**
 * The questions of `fleet`, over the tables of answers of many captures. Plain SQL: DuckDB runs it
 * here, and ClickHouse, Spark and Trino run it over the same tables (docs/how-to/fleet.md).
 */
import type { Column } from '../../analysis/types.js';

/** A question over many captures. */
export interface FleetQuestion {
  readonly doc: string;
  readonly columns: readonly Column[];
  readonly sql: string;
}

const HOST: Column = { name: 'host', doc: 'Machine.', unit: 'text' };
const CAPTURES: Column = { name: 'captures', doc: 'Captures that tell.', unit: 'count' };

/** Every question by its name. */
export const FLEET_QUESTIONS = {
  captures: {
    doc: 'what there is: captures by host and day',
    columns: [
      HOST,
      { name: 'day', doc: 'Day of the recording.', unit: 'text' },
      { name: 'capture', doc: 'Capture.', unit: 'text' },
      { name: 'kernel', doc: 'Kernel.', unit: 'text' },
      { name: 'events', doc: 'Events.', unit: 'count' },
      { name: 'requests', doc: 'Read requests.', unit: 'count' },
      { name: 'failed_requests', doc: 'Those that failed.', unit: 'count' },
    ],
    sql: `SELECT host, day, capture, kernel, events, requests, failed_requests
FROM answer_capture ORDER BY host, day, capture`,
  },
  'hit-rate': {
    doc: 'how much needed neither server nor others, by host and day',
    columns: [
      HOST,
      { name: 'day', doc: 'Day of the recording.', unit: 'text' },
      CAPTURES,
      { name: 'bytes', doc: 'Bytes read, zeros aside.', unit: 'bytes' },
      { name: 'server', doc: 'Of those, from the server.', unit: 'bytes' },
      { name: 'hit_rate', doc: 'Share of the others.', unit: 'ratio' },
    ],
    // Captures without operations only tell what devices moved.
    sql: `SELECT host, day, count(DISTINCT capture) AS captures,
  CAST(sum(total - zero) AS BIGINT) AS bytes, CAST(sum(server) AS BIGINT) AS server,
  1.0 * sum(coalesce(memory, 0) + coalesce(written, 0) + cache) / nullif(sum(total - zero), 0) AS hit_rate
FROM (
  SELECT host, day, capture, total, coalesce(zero, 0) AS zero, server, memory, written, cache,
    row_number() OVER (PARTITION BY host, day, capture ORDER BY "of") AS best
  FROM answer_hits WHERE "of" IN ('bytes read', 'device bytes')
) AS told
WHERE best = 1 GROUP BY host, day ORDER BY host, day`,
  },
  'slow-servers': {
    doc: 'how long servers took for a slice, by host, the slowest first',
    columns: [
      HOST,
      CAPTURES,
      { name: 'slices', doc: 'Slices from the server.', unit: 'count' },
      { name: 'median', doc: 'Median of the medians, weighted by slices.', unit: 'ns' },
      { name: 'worst_p99', doc: 'Highest 99th percentile of a capture.', unit: 'ns' },
      { name: 'max', doc: 'Longest.', unit: 'ns' },
    ],
    sql: `SELECT host, count(DISTINCT day || '/' || capture) AS captures, CAST(max(slices) AS BIGINT) AS slices,
  min(CASE WHEN before < slices / 2.0 AND before + n >= slices / 2.0 THEN p50 END) AS median,
  max(p99) AS worst_p99, max(most) AS max
FROM (
  SELECT host, day, capture, "count" AS n, p50, p99, "max" AS most,
    sum("count") OVER (PARTITION BY host) AS slices,
    sum("count") OVER (PARTITION BY host ORDER BY p50, day, capture, kind
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) - "count" AS before
  FROM answer_latency WHERE stage = 'io' AND source = 'DOWN'
) AS each_one
GROUP BY host ORDER BY median DESC, host`,
  },
  findings: {
    doc: 'what trace check found, by kernel and rule',
    columns: [
      { name: 'kernel', doc: 'Kernel.', unit: 'text' },
      { name: 'rule', doc: 'Rule; trace check --list explains it.', unit: 'text' },
      { name: 'severity', doc: 'error, warning or note.', unit: 'text' },
      { name: 'captures', doc: 'Captures in which it finds something.', unit: 'count' },
      { name: 'findings', doc: 'Findings in all.', unit: 'count' },
    ],
    sql: `SELECT c.kernel, f.rule, f.severity, count(*) AS captures,
  CAST(sum(f.findings) AS BIGINT) AS findings
FROM answer_finding AS f
JOIN answer_capture AS c ON c.host = f.host AND c.day = f.day AND c.capture = f.capture
GROUP BY c.kernel, f.rule, f.severity ORDER BY f.severity, findings DESC, f.rule, c.kernel`,
  },
  downloads: {
    doc: 'files of which most came from servers',
    columns: [
      { name: 'file', doc: 'File.', unit: 'text' },
      { name: 'hosts', doc: 'Hosts that downloaded it.', unit: 'count' },
      CAPTURES,
      { name: 'server_bytes', doc: 'Bytes from servers.', unit: 'bytes' },
      { name: 'cache_bytes', doc: 'Bytes from disk caches.', unit: 'bytes' },
    ],
    sql: `SELECT file, count(DISTINCT host) AS hosts, count(*) AS captures,
  CAST(sum(server_bytes) AS BIGINT) AS server_bytes, CAST(sum(cache_bytes) AS BIGINT) AS cache_bytes
FROM answer_sources WHERE file <> '(all)' AND server_bytes > 0
GROUP BY file ORDER BY server_bytes DESC, file`,
  },
  readahead: {
    doc: 'what was read ahead for nothing, and windows that readers waited for, by host',
    columns: [
      HOST,
      CAPTURES,
      { name: 'windows', doc: 'Windows.', unit: 'count' },
      { name: 'missed', doc: 'Windows that readers had to wait for.', unit: 'count' },
      { name: 'unused', doc: 'Bytes that nobody used.', unit: 'bytes' },
    ],
    sql: `SELECT host, count(DISTINCT day || '/' || capture) AS captures, CAST(sum(windows) AS BIGINT) AS windows,
  CAST(sum(missed) AS BIGINT) AS missed, CAST(sum(unused) AS BIGINT) AS unused
FROM answer_readahead GROUP BY host ORDER BY unused DESC, host`,
  },
} as const satisfies Record<string, FleetQuestion>;

/** The name of a question. */
export type FleetQuestionName = keyof typeof FLEET_QUESTIONS;
