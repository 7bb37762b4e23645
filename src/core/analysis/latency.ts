/**
 * How long the stages of requests take, as percentiles by kind and source. The percentiles of the
 * whole capture stand in a table; those of a file are made of its requests.
 */
import type { Analysis, Column } from './types.js';

const percentile = (name: string, doc: string): Column => ({ name, doc, unit: 'ns' });

// Nearest rank: the p-th of n sorted values is number ceil(n * p / 100), counted from 1.
const nearestRank = (p: number) =>
  `max(CASE WHEN "rank" = ("count" * ${p} + 99) / 100 THEN "ns" END)`;

/** One row per stage, kind and source. */
export const latency: Analysis = {
  name: 'latency',
  doc: 'How long each stage takes: I/O of a slice, wait of a reader, life of a request.',
  needs: ['request', 'subrequest', 'latency'],
  records: [['netfs_sreq', 'netfs_rreq']],
  timed: true,
  columns: [
    {
      name: 'stage',
      doc: 'io: SUBMT to TERM of a slice; wait: begin to UNLOCK; life: begin to FREE.',
      unit: 'text',
    },
    { name: 'kind', doc: 'readahead, readpage or write_begin.', unit: 'text' },
    { name: 'source', doc: 'ZERO, DOWN, READ, or mixed for a request of several.', unit: 'text' },
    { name: 'count', doc: 'Slices or requests that went through the stage.', unit: 'count' },
    percentile('min', 'Shortest, nanoseconds.'),
    percentile('p50', 'Median, nanoseconds.'),
    percentile('p90', '90th percentile, nanoseconds.'),
    percentile('p99', '99th percentile, nanoseconds.'),
    percentile('max', 'Longest, nanoseconds.'),
  ],
  params: [
    { name: 'kind', doc: 'Only this kind.', default: null },
    { name: 'file', doc: 'Only requests of this file.', default: null },
  ],
  sql: `
WITH "chosen" AS (
  SELECT "r".*,
    CASE
      WHEN ("server_bytes" > 0) + ("cache_bytes" > 0) > 1 THEN 'mixed'
      WHEN "server_bytes" > 0 THEN 'DOWN'
      WHEN "cache_bytes" > 0 THEN 'READ'
      WHEN "zero_bytes" > 0 THEN 'ZERO'
    END AS "source"
  FROM "request" AS "r"
  JOIN "request_file" AS "f" ON "f"."request_uid" = "r"."request_uid"
  WHERE @file IS NOT NULL AND "f"."file" = @file
), "sample" AS (
  SELECT 'io' AS "stage", "c"."kind", "s"."source",
    "s"."term_ns" - "s"."submit_ns" AS "ns"
  FROM "subrequest" AS "s"
  JOIN "chosen" AS "c" ON "c"."request_uid" = "s"."request_uid"
  UNION ALL
  SELECT 'wait', "kind", "source", "unlock_ns" - "begin_ns" FROM "chosen"
  UNION ALL
  SELECT 'life', "kind", "source", "free_ns" - "begin_ns" FROM "chosen"
), "ranked" AS (
  SELECT *,
    row_number() OVER (PARTITION BY "stage", "kind", "source" ORDER BY "ns") AS "rank",
    count(*) OVER (PARTITION BY "stage", "kind", "source") AS "count"
  FROM "sample"
  WHERE "ns" IS NOT NULL
), "found" AS (
  SELECT * FROM "latency" WHERE @file IS NULL
  UNION ALL
  SELECT "stage", "kind", "source", max("count"), min("ns"),
    ${nearestRank(50)}, ${nearestRank(90)}, ${nearestRank(99)}, max("ns")
  FROM "ranked"
  GROUP BY "stage", "kind", "source"
)
SELECT * FROM "found"
WHERE @kind IS NULL OR "kind" = @kind
ORDER BY CASE "stage" WHEN 'io' THEN 1 WHEN 'wait' THEN 2 ELSE 3 END, "kind", "source"`,
};
