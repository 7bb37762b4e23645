-- How much came from memory, cache and server, by bytes read, requests, slices, device bytes.
-- More than SQL: hits.ts follows the origin of each byte through all that happened to it before
-- (docs/reference/accounting.md).
WITH "reads" AS (
  SELECT * FROM "request" WHERE "kind" IS NOT NULL
), "known" AS (
  SELECT sum("memory") AS "memory", sum("shared") AS "shared", sum("written") AS "written",
    sum("cache") AS "cache", sum("server") AS "server", sum("zero") AS "zero", count(*) AS "n"
  FROM "netfslab_use"
), "bytes" AS (
  SELECT coalesce(sum("server_bytes"), 0) AS "down", coalesce(sum("cache_bytes"), 0) AS "read",
    coalesce(sum("server_bytes" = 0 AND "cache_bytes" > 0), 0) AS "full",
    coalesce(sum("server_bytes" > 0 AND "cache_bytes" > 0), 0) AS "partly",
    coalesce(sum("server_bytes" > 0 AND "cache_bytes" = 0), 0) AS "miss",
    coalesce(sum("server_bytes" = 0 AND "cache_bytes" = 0 AND "zero_bytes" > 0), 0) AS "zeros"
  FROM "reads"
), "slices" AS (
  SELECT count(*) AS "n", sum("s"."source" = 'READ') AS "read", sum("s"."source" = 'DOWN') AS "down",
    sum("s"."source" = 'ZERO') AS "zero"
  FROM "subrequest" AS "s" WHERE "s"."source" IN ('READ', 'DOWN', 'ZERO') AND "s"."error" >= 0
), "direct" AS (
  -- What has requests of its own is counted with the slices.
  SELECT sum("result") AS "bytes", sum(CASE WHEN "read_requests" = 0 THEN "result" END) AS "untold"
  FROM "op" WHERE "direct" = 1 AND "kind" = 'read' AND "result" > 0
), "failed" AS (
  SELECT DISTINCT "op" FROM "request" WHERE "op" > 0 AND ("error" < 0 OR "outcome" <> 'ok')
), "eof" AS (
  -- Where a file ends that nobody changes, as far as is known: where zeros begin within a page,
  -- else behind all that was brought. Nothing was brought: not known.
  SELECT "file", coalesce(
    min(CASE WHEN "source" = 'ZERO' AND "start" % 4096 > 0 THEN "start" END),
    max(CASE WHEN "source" IN ('READ', 'DOWN') THEN "end" END)
  ) AS "at"
  FROM "provenance" WHERE "file" NOT IN (
    SELECT "file" FROM "op" WHERE "kind" IN ('write', 'store', 'truncate') AND "file" IS NOT NULL
  )
  GROUP BY 1
), "did" AS (
  -- What an operation did; without a result what it asked for, up to the end of the file.
  SELECT "op".*, CASE WHEN "op"."result" IS NOT NULL THEN "op"."result"
      WHEN "op"."offset" + "op"."len" > "e"."at" THEN "e"."at" - "op"."offset"
      ELSE "op"."len" END AS "done"
  FROM "op" LEFT JOIN "eof" AS "e" ON "e"."file" = "op"."file"
), "step" AS (
  SELECT "p"."file", CASE WHEN "p"."source" = 'READ' THEN 'cache' WHEN "p"."source" = 'ZERO'
      THEN 'zero' ELSE 'server' END AS "what", "p"."start", "p"."bytes" AS "len", "p"."ts" AS "ns",
    NULL AS "began"
  FROM "provenance" AS "p"
  JOIN "reads" AS "r" ON "r"."request_uid" = "p"."request_uid"
  WHERE "p"."source" IN ('READ', 'DOWN', 'ZERO') AND (SELECT "n" FROM "known") = 0
    -- What goes past the page cache brings nothing into it.
    AND "r"."direct" = 0
  UNION ALL
  SELECT "o"."file", CASE WHEN "o"."kind" NOT IN ('read', 'load') THEN 'write'
      WHEN "o"."result" IS NULL THEN 'asked' ELSE 'read' END,
    "o"."offset", "o"."done", "o"."end_ns", "o"."start_ns"
  FROM "did" AS "o" LEFT JOIN "failed" AS "x" ON "x"."op" = "o"."id"
  WHERE "o"."kind" IN ('read', 'load', 'write', 'store') AND coalesce("o"."direct", 0) = 0
    AND "o"."offset" >= 0 AND "o"."done" > 0
    -- Without a result nobody can say what a read got whose request failed.
    AND ("o"."result" IS NOT NULL OR "x"."op" IS NULL)
    -- System calls are recorded of any filesystem: only what netfs has read is told of.
    AND ("o"."file" NOT LIKE '/%' OR "o"."file" IN (SELECT "file" FROM "request_file"))
    AND (SELECT "n" FROM "known") = 0
    AND coalesce((SELECT "options" ->> '$.opLog' FROM "capture"), 'all') = 'all'
  UNION ALL
  -- The rest of the page at the new end becomes zeros; a longer file shows them.
  SELECT "file", 'zero', "offset", 4096 - "offset" % 4096, "end_ns", NULL
  FROM "op" WHERE "kind" = 'truncate' AND "result" = 0 AND "offset" % 4096 > 0
    AND ("file" NOT LIKE '/%' OR "file" IN (SELECT "file" FROM "request_file"))
    AND (SELECT "n" FROM "known") = 0
)
SELECT 0 AS "part", "what" IN ('read', 'asked') AS "last", "file", "what", "start", "len", "ns", "began",
  NULL AS "of", NULL AS "memory",
  NULL AS "shared", NULL AS "written", NULL AS "cache", NULL AS "partly", NULL AS "server",
  NULL AS "zero"
FROM "step"
UNION ALL
SELECT 1, 0, NULL, 'total', NULL, NULL, NULL, NULL, 'bytes read', "memory", coalesce("shared", 0),
  coalesce("written", 0), "cache", NULL, "server", "zero"
FROM "known"
WHERE "memory" + coalesce("shared", 0) + coalesce("written", 0) + "cache" + "server" + "zero" > 0
UNION ALL
SELECT 2, 0, NULL, 'total', NULL, NULL, NULL, NULL, 'direct reads', NULL, NULL, NULL, NULL, NULL,
  "bytes", NULL
FROM "direct" WHERE "bytes" > 0
UNION ALL
SELECT 3, 0, NULL, 'total', NULL, NULL, NULL, NULL, 'requests', NULL, NULL, NULL, "full", "partly",
  "miss", "zeros"
FROM "bytes"
UNION ALL
SELECT 4, 0, NULL, 'total', NULL, NULL, NULL, NULL, 'slices', NULL, NULL, NULL, "read", NULL, "down",
  "zero"
FROM "slices"
UNION ALL
SELECT 5, 0, NULL, 'total', NULL, NULL, NULL, NULL, 'device bytes', NULL, NULL, NULL, "read", NULL,
  "down" + coalesce("untold", 0), NULL
FROM "bytes", "direct"
-- What comes at the moment at which a read ends was there for it.
ORDER BY "part", "ns", "last"
