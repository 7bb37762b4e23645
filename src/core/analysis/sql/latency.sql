-- How long each stage takes: I/O of a slice, wait of a reader, life of a request.
-- $kind: Only this kind. NULL = all.
-- $file: Only requests of this file. NULL = all.
-- $comm: Only requests of tasks of this name. NULL = all.
WITH "chosen" AS (
  SELECT "r".*,
    CASE
      WHEN "server_bytes" > 0 AND "cache_bytes" > 0 THEN 'mixed'
      WHEN "server_bytes" > 0 THEN 'DOWN'
      WHEN "cache_bytes" > 0 THEN 'READ'
      WHEN "zero_bytes" > 0 THEN 'ZERO'
    END AS "source"
  FROM "request" AS "r"
  JOIN "request_file" AS "f" ON "f"."request_uid" = "r"."request_uid"
  LEFT JOIN "op" AS "o" ON "o"."id" = "r"."op"
  LEFT JOIN "task" AS "t" ON "t"."id" = coalesce("o"."task", "r"."task")
  WHERE coalesce($file, $comm) IS NOT NULL AND ($file IS NULL OR "f"."file" = $file)
    AND ($comm IS NULL OR "t"."comm" = $comm)
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
), "percentile" AS (
  -- Nearest rank: the p-th of n sorted values is number ceil(n * p / 100), counted from 1.
  SELECT *, ceil("count" * 50 / 100.0) AS "rank50", ceil("count" * 90 / 100.0) AS "rank90",
    ceil("count" * 99 / 100.0) AS "rank99"
  FROM "ranked"
), "found" AS (
  SELECT * FROM "latency" WHERE coalesce($file, $comm) IS NULL
  UNION ALL
  SELECT "stage", "kind", "source", max("count"), min("ns"),
    max(CASE WHEN "rank" = "rank50" THEN "ns" END), max(CASE WHEN "rank" = "rank90" THEN "ns" END),
    max(CASE WHEN "rank" = "rank99" THEN "ns" END), max("ns")
  FROM "percentile"
  GROUP BY "stage", "kind", "source"
)
SELECT * FROM "found"
WHERE $kind IS NULL OR "kind" = $kind
ORDER BY CASE "stage" WHEN 'io' THEN 1 WHEN 'wait' THEN 2 ELSE 3 END, "kind", "source"
