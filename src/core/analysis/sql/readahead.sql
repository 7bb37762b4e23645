-- Readahead by file: windows, growth, windows readers had to wait for, bytes nobody read.
-- More than SQL: readahead.ts compares each window with the one before, and sets of ranges with
-- each other.
SELECT "f"."file", 1 AS "window",
  coalesce("r"."expanded_start", "r"."start") AS "start",
  coalesce("r"."expanded_len", "r"."len") AS "len", "o"."offset" AS "asked", "r"."begin_ns" AS "ts"
FROM "request" AS "r"
JOIN "request_file" AS "f" ON "f"."request_uid" = "r"."request_uid"
LEFT JOIN "op" AS "o" ON "o"."id" = "r"."op"
WHERE "r"."kind" = 'readahead'
UNION ALL
SELECT NULL, 2, CAST(coalesce("options" ->> '$.rsize', '0') AS INTEGER), EXISTS (
  SELECT 1 FROM "netfs_folio" WHERE "why" IN ('mark-copy', 'sched-copy')
), NULL, NULL FROM "capture"
UNION ALL
-- What the windows brought: zeros behind the end of the file are not fetched.
SELECT "f"."file", 3, "s"."start", "s"."transferred", NULL, "r"."begin_ns"
FROM "subrequest" AS "s"
JOIN "request" AS "r" ON "r"."request_uid" = "s"."request_uid"
JOIN "request_file" AS "f" ON "f"."request_uid" = "s"."request_uid"
WHERE "r"."kind" = 'readahead' AND "s"."source" IN ('READ', 'DOWN') AND "s"."transferred" > 0
UNION ALL
SELECT "file", 0, "offset", coalesce("result", "len"), NULL, "start_ns"
FROM "op" WHERE "kind" IN ('read', 'load') AND coalesce("result", "len") > 0
ORDER BY "ts"
