-- For every byte range: where it came from, and why from there.
-- $file: Only this file. NULL = all.
-- $ino: Only this inode. NULL = all.
-- $rreq: Only requests of this number. NULL = all.
-- $op: Only requests of this operation. NULL = all.
-- $from: Only bytes from this one on. Default 0.
-- $to: Only bytes before this one. Default 9007199254740991.
-- More than SQL: why.ts says it in words, and knows the state of the cookie when the request began
-- (why_context.sql).
WITH "slice" AS (
  SELECT "f"."file", "s".*, "r"."rreq",
    "r"."kind", "r"."op", "r"."cookie", "r"."begin_ns",
    -- What the cache gave before it failed stays: the server is asked for the rest.
    coalesce("s"."cache_bytes_kept", 0) AS "kept"
  FROM "request" AS "r"
  JOIN "subrequest" AS "s" ON "s"."request_uid" = "r"."request_uid"
  JOIN "request_file" AS "f" ON "f"."request_uid" = "r"."request_uid"
  WHERE "s"."source" IN ('ZERO', 'DOWN', 'READ') AND "s"."len" > 0
    AND ($file IS NULL OR "f"."file" = $file)
    AND ($ino IS NULL OR "r"."netfs_inode" = $ino)
    AND ($rreq IS NULL OR "r"."rreq" = $rreq)
    AND ($op IS NULL OR "r"."op" = $op)
    AND "s"."start" < coalesce($to, 9007199254740991) AND "s"."start" + "s"."len" > coalesce($from, 0)
), "part" ("from_cache") AS (VALUES (1), (0)), "piece" AS (
  SELECT "file", "request_uid", "index", "rreq", "kind", "op", "cookie", "begin_ns", "verdict",
    "first_source",
    CASE WHEN "from_cache" THEN 'READ' ELSE "source" END AS "source",
    "start" + CASE WHEN "from_cache" THEN 0 ELSE "kept" END AS "first",
    "start" + CASE WHEN "from_cache" THEN "kept" ELSE "len" END AS "end",
    "start" + CASE WHEN "from_cache" THEN "kept" ELSE "transferred" END AS "got",
    CASE WHEN "from_cache" THEN 0 ELSE "cache_fallbacks" END AS "cache_fallbacks",
    CASE WHEN "from_cache" THEN 0 ELSE "error" END AS "error",
    CASE WHEN "from_cache" THEN 0 ELSE "stored" END AS "stored", "short_reads", "store_refused"
  FROM "slice" JOIN "part" ON NOT "from_cache" OR "kept" > 0
), "cut" AS (
  SELECT *,
    CASE WHEN "first" > coalesce($from, 0) THEN "first" ELSE coalesce($from, 0) END AS "from",
    CASE WHEN "end" < coalesce($to, 9007199254740991) THEN "end"
      ELSE coalesce($to, 9007199254740991) END AS "to",
    CASE WHEN "got" < coalesce($to, 9007199254740991) THEN "got"
      ELSE coalesce($to, 9007199254740991) END AS "got_to"
  FROM "piece"
)
SELECT "file", "request_uid", "index", "rreq", "kind", "op", "cookie", "begin_ns", "verdict",
  "first_source", "source", "from" AS "start", "to" - "from" AS "len",
  CASE WHEN "got_to" > "from" THEN "got_to" - "from" ELSE 0 END AS "transferred",
  "cache_fallbacks", "error", "stored", "short_reads", "store_refused"
FROM "cut"
WHERE "first" < coalesce($to, 9007199254740991) AND "end" > coalesce($from, 0)
ORDER BY "file", "start", "request_uid", "index"
