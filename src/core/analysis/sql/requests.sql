-- Read requests: what was asked, where the bytes came from, how long readers waited.
-- $kind: Only this kind. NULL = all.
-- $file: Only requests of this file. NULL = all.
-- $outcome: Only this outcome: ok, failed or open. NULL = all.
-- $slowest: 1 = longest wait first, 0 = newest first. Default 0.
-- $limit: At most this many rows; -1 = all. Default -1.
WITH "found" AS (
  SELECT "R", "request_uid", "kind", "file", "start", "len", "slices", "zero_bytes", "server_bytes",
    "cache_bytes", "begin_ns", "wait_ns", "life_ns", "error", "outcome"
  FROM "request_timing"
  WHERE ($kind IS NULL OR "kind" = $kind)
    AND ($file IS NULL OR "file" = $file)
    AND ($outcome IS NULL OR "outcome" = $outcome)
)
SELECT * FROM (SELECT * FROM "found" WHERE coalesce($slowest, 0) = 1
  ORDER BY "wait_ns" DESC NULLS LAST, "request_uid" DESC LIMIT coalesce(nullif($limit, -1), 9223372036854775807))
UNION ALL
-- In the order of the table: nothing is sorted.
SELECT * FROM (SELECT * FROM "found" WHERE coalesce($slowest, 0) = 0 ORDER BY "request_uid" DESC LIMIT coalesce(nullif($limit, -1), 9223372036854775807))
