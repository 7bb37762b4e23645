-- Bytes by source, in all and by file: zeros, server, cache; and the amplification.
-- $limit: At most this many files; -1 = all. Default -1.
-- $by: What is listed: file, comm (name of the task) or task (name and pid). NULL = file.
WITH "who" AS (
  SELECT "id", CASE $by WHEN 'comm' THEN "comm" WHEN 'task' THEN "comm" || '-' || "pid" END AS "name"
  FROM "task"
), "each" AS (
  SELECT CASE WHEN coalesce($by, 'file') = 'file' THEN "o"."file" ELSE "w"."name" END AS "file",
    sum(coalesce("result", "len")) AS "app_bytes", 0 AS "zero_bytes",
    -- A direct read without requests asked the server itself.
    sum(CASE WHEN "direct" = 1 AND "read_requests" = 0 THEN "result" ELSE 0 END) AS "server_bytes",
    0 AS "cache_bytes", 0 AS "stored_bytes", 0 AS "requests", 0 AS "slices"
  FROM "op" AS "o" LEFT JOIN "who" AS "w" ON "w"."id" = "o"."task"
  WHERE "o"."kind" IN ('read', 'load') AND coalesce("result", "len") > 0
  GROUP BY 1
  UNION ALL
  SELECT CASE WHEN coalesce($by, 'file') = 'file' THEN "f"."file" ELSE "w"."name" END, 0, sum("r"."zero_bytes"), sum("r"."server_bytes"), sum("r"."cache_bytes"),
    sum("r"."stored_bytes"), sum("r"."kind" IS NOT NULL), sum("r"."slices")
  FROM "request" AS "r"
  JOIN "request_file" AS "f" ON "f"."request_uid" = "r"."request_uid"
  -- A request is its operation's, whoever made it.
  LEFT JOIN "op" AS "o" ON "o"."id" = "r"."op"
  LEFT JOIN "who" AS "w" ON "w"."id" = coalesce("o"."task", "r"."task")
  GROUP BY 1
), "per_file" AS (
  SELECT "file", sum("app_bytes") AS "app_bytes", sum("zero_bytes") AS "zero_bytes",
    sum("server_bytes") AS "server_bytes", sum("cache_bytes") AS "cache_bytes",
    sum("stored_bytes") AS "stored_bytes", sum("requests") AS "requests", sum("slices") AS "slices"
  FROM "each"
  GROUP BY "file"
), "listed" AS (
  SELECT 0 AS "part", '(all)' AS "file", sum("app_bytes") AS "app_bytes",
    sum("zero_bytes") AS "zero_bytes", sum("server_bytes") AS "server_bytes",
    sum("cache_bytes") AS "cache_bytes", sum("stored_bytes") AS "stored_bytes",
    sum("requests") AS "requests", sum("slices") AS "slices"
  FROM "per_file"
  HAVING count(*) > 0
  UNION ALL
  SELECT 1, * FROM (
    SELECT * FROM "per_file" ORDER BY "server_bytes" DESC, "file" LIMIT coalesce(nullif($limit, -1), 9223372036854775807)
  )
)
SELECT "file",
  -- Without any operation nobody knows what the application read.
  CASE WHEN EXISTS (SELECT 1 FROM "op") THEN "app_bytes" END AS "app_bytes",
  "zero_bytes", "server_bytes", "cache_bytes", "stored_bytes", "requests", "slices",
  1.0 * "server_bytes" / nullif("app_bytes", 0) AS "amplification"
FROM "listed"
ORDER BY "part", "server_bytes" DESC, "file"
