-- Bytes downloaded more than once with no invalidation between, by file and cause.
-- More than SQL: dup.ts keeps, per file, who downloaded each byte last: an interval map that each
-- download changes.
SELECT "f"."file",
  "r"."cookie", "r"."rreq", "s"."start", "s"."transferred", "s"."submit_ns",
  "s"."term_ns" AS "term_ns",
  "s"."stored", "s"."store_refused", "s"."cache_fallbacks", "s"."verdict", "s"."flags", 0 AS "invalidates"
FROM "subrequest" AS "s"
JOIN "request" AS "r" ON "r"."request_uid" = "s"."request_uid"
JOIN "request_file" AS "f" ON "f"."request_uid" = "r"."request_uid"
WHERE "s"."source" = 'DOWN' AND "s"."error" = 0 AND "s"."transferred" > 0
UNION ALL
SELECT NULL, "cookie", NULL, NULL, NULL, NULL, "ts", NULL, NULL, NULL, NULL, NULL, 1
FROM "fscache_invalidate"
ORDER BY "term_ns"
