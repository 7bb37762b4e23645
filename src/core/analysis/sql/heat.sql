-- Durations of slices against time: the darker the mark, the more of them.
-- $source: Only slices from here: DOWN, READ or ZERO. NULL = all.
-- $width: Stretches of time. Default 60.
-- More than SQL: heat.ts draws the map: one mark per count.
WITH "io" AS (
  SELECT "submit_ns" AS "ts", "term_ns" - "submit_ns" AS "ns" FROM "subrequest"
  WHERE "term_ns" >= "submit_ns" AND "source" IN ('DOWN', 'READ', 'ZERO')
    AND ($source IS NULL OR "source" = $source)
), "span" AS (
  SELECT min("ts") AS "from", max("ts") - min("ts") + 1 AS "len" FROM "io"
)
SELECT CAST(floor(("ts" - "from") * coalesce($width, 60) / (1.0 * "len")) AS INTEGER) AS "bin",
  CASE WHEN "ns" < 1 THEN 0 ELSE CAST(floor(log2("ns")) AS INTEGER) + 1 END AS "power", count(*) AS "n"
FROM "io", "span"
GROUP BY 1, 2
