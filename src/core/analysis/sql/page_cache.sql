-- What reads found in the page cache, and who had brought it there.
-- $file: Only this file. NULL = all.
-- $ino: Only this inode. NULL = all.
-- $rreq: Only requests of this number. NULL = all.
-- $op: Only requests of this operation. NULL = all.
-- $from: Only bytes from this one on. Default 0.
-- $to: Only bytes before this one. Default 9007199254740991.
-- More than SQL: page_cache.ts follows who brought each byte into memory last.
WITH "eof" AS (
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
), "known" AS (
  SELECT "op".*, CASE WHEN "op"."result" > 0 THEN "op"."result"
      WHEN "op"."result" <= 0 OR "op"."len" IS NULL OR "op"."offset" >= "e"."at" THEN 0
      WHEN "op"."offset" + "op"."len" > "e"."at" THEN "e"."at" - "op"."offset"
      ELSE "op"."len" END AS "done"
  FROM "op" LEFT JOIN "eof" AS "e" ON "e"."file" = "op"."file"
  WHERE "op"."file" IS NOT NULL
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
-- What, at the end of each: 0 = a read, 1 = a slice, 2 = a write, 3 = zeros behind a new end.
SELECT "o"."file", CASE WHEN "o"."kind" IN ('read', 'load') THEN 0 ELSE 2 END AS "what",
  "o"."id" AS "op", "o"."offset" AS "start", "o"."done" AS "len", "o"."end_ns" AS "ns",
  "o"."start_ns" AS "began", NULL AS "rreq", NULL AS "index", NULL AS "kind", NULL AS "source",
  "o"."result" IS NOT NULL AS "known"
FROM "chosen" AS "o", "bounds" AS "b"
WHERE "o"."kind" IN ('read', 'load', 'write', 'store') AND coalesce("o"."direct", 0) = 0
  AND "o"."offset" < "b"."to" AND "o"."offset" + "o"."done" > "b"."from"
UNION ALL
SELECT "o"."file", 3, "o"."id", "o"."offset", 4096 - "o"."offset" % 4096, "o"."end_ns",
  "o"."start_ns", NULL, NULL, NULL, NULL, NULL
FROM "chosen" AS "o", "bounds" AS "b"
WHERE "o"."kind" = 'truncate' AND "o"."result" = 0 AND "o"."offset" % 4096 > 0
  AND "o"."offset" < "b"."to" AND "o"."offset" - "o"."offset" % 4096 + 4096 > "b"."from"
UNION ALL
SELECT "p"."file", 1, "r"."op", "p"."start", "p"."bytes", "p"."ts", NULL, "r"."rreq", "p"."index",
  "r"."kind", "p"."source", NULL
FROM "provenance" AS "p"
JOIN "request" AS "r" ON "r"."request_uid" = "p"."request_uid", "bounds" AS "b"
WHERE "p"."file" IN (SELECT "file" FROM "chosen") AND "r"."direct" = 0
  AND "p"."source" IN ('READ', 'DOWN', 'ZERO') AND "p"."ts" IS NOT NULL
  AND "p"."start" < "b"."to" AND "p"."end" > "b"."from"
-- What comes at the moment at which a read ends was there for it.
ORDER BY "ns", "what" DESC
