-- What reads found in the page cache, and who had brought it there.
-- $file: Only this file. NULL = all.
-- $ino: Only this inode. NULL = all.
-- $rreq: Only requests of this number. NULL = all.
-- $op: Only requests of this operation. NULL = all.
-- $from: Only bytes from this one on. Default 0.
-- $to: Only bytes before this one. Default 9007199254740991.
-- More than SQL: page_cache.ts follows who brought each byte into memory last.
WITH "known" AS (
  SELECT *, CASE WHEN coalesce("result", "len") > 0 THEN coalesce("result", "len") ELSE 0 END
    AS "done"
  FROM "op" WHERE "file" IS NOT NULL
), "chosen" AS (
  SELECT * FROM "known"
  WHERE ($file IS NULL OR "file" = $file)
    AND ($op IS NULL OR "file" = (SELECT "file" FROM "op" WHERE "id" = $op))
), "asked" AS (
  SELECT coalesce($from, 0) AS "from", coalesce($to, 9007199254740991) AS "to",
    (SELECT "offset" FROM "known" WHERE "id" = $op) AS "op_from",
    (SELECT "offset" + "done" FROM "known" WHERE "id" = $op) AS "op_to"
), "bounds" AS (
  SELECT CASE WHEN "op_from" > "from" THEN "op_from" ELSE "from" END AS "from",
    CASE WHEN "op_to" < "to" THEN "op_to" ELSE "to" END AS "to"
  FROM "asked"
)
-- What: 0 = a read (it begins), 1 = a slice (it ends), 2 = a write.
SELECT "o"."file", CASE "o"."kind" WHEN 'read' THEN 0 ELSE 2 END AS "what",
  "o"."id" AS "op", "o"."offset" AS "start", "o"."done" AS "len",
  "o"."start_ns" AS "ns", "o"."end_ns", NULL AS "rreq", NULL AS "index", NULL AS "kind",
  NULL AS "source", NULL AS "first_source", NULL AS "cache_fallbacks"
FROM "chosen" AS "o", "bounds" AS "b"
WHERE "o"."kind" IN ('read', 'write') AND "o"."offset" < "b"."to"
  AND "o"."offset" + "o"."done" > "b"."from"
UNION ALL
SELECT "o"."file", 1, "r"."op", "s"."start", coalesce("s"."transferred", "s"."len"),
  "s"."term_ns", NULL, "r"."rreq", "s"."index", "r"."kind", "s"."source", "s"."first_source",
  "s"."cache_fallbacks"
FROM "chosen" AS "o", "bounds" AS "b"
JOIN "request" AS "r" ON "r"."op" = "o"."id"
JOIN "subrequest" AS "s" ON "s"."request_uid" = "r"."request_uid"
WHERE "s"."transferred" > 0 AND "s"."term_ns" IS NOT NULL
  AND "s"."start" < "b"."to" AND "s"."start" + "s"."transferred" > "b"."from"
ORDER BY "ns", "what" DESC
