/** How long the stages of requests take, as percentiles by kind and source. */
import type { Analysis, Column } from './types.js';

const percentile = (name: string, doc: string): Column => ({ name, doc, unit: 'ns' });

// Nearest rank: the p-th of n sorted values is number ceil(n * p / 100), counted from 1.
const nearestRank = (p: number) =>
  `max(CASE WHEN "rank" = ("count" * ${p} + 99) / 100 THEN "ns" END)`;

/** One row per stage, kind and source. */
export const latency: Analysis = {
  name: 'latency',
  doc: 'How long each stage takes: I/O of a slice, wait of a reader, life of a request.',
  needs: ['request', 'subrequest'],
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
      WHEN ("down_bytes" > 0) + ("read_bytes" > 0) > 1 THEN 'mixed'
      WHEN "down_bytes" > 0 THEN 'DOWN'
      WHEN "read_bytes" > 0 THEN 'READ'
      WHEN "zero_bytes" > 0 THEN 'ZERO'
    END AS "source"
  FROM "request" AS "r"
  LEFT JOIN "op" AS "o" ON "o"."id" = "r"."op"
  WHERE (@kind IS NULL OR "r"."kind" = @kind)
    AND (@file IS NULL OR "o"."file" = @file)
), "sample" AS (
  SELECT 1 AS "order", 'io' AS "stage", "c"."kind", "s"."source",
    "s"."term_ns" - "s"."submit_ns" AS "ns"
  FROM "subrequest" AS "s"
  JOIN "chosen" AS "c" ON "c"."uid" = "s"."request"
  UNION ALL
  SELECT 2, 'wait', "kind", "source", "unlock_ns" - "begin_ns" FROM "chosen"
  UNION ALL
  SELECT 3, 'life', "kind", "source", "free_ns" - "begin_ns" FROM "chosen"
), "ranked" AS (
  SELECT *,
    row_number() OVER (PARTITION BY "stage", "kind", "source" ORDER BY "ns") AS "rank",
    count(*) OVER (PARTITION BY "stage", "kind", "source") AS "count"
  FROM "sample"
  WHERE "ns" IS NOT NULL
)
SELECT "stage", "kind", "source", max("count") AS "count", min("ns") AS "min",
  ${nearestRank(50)} AS "p50",
  ${nearestRank(90)} AS "p90",
  ${nearestRank(99)} AS "p99",
  max("ns") AS "max"
FROM "ranked"
GROUP BY "order", "stage", "kind", "source"
ORDER BY "order", "kind", "source"`,
};
