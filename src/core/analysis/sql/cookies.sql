-- When each file could be cached and when not, and which event did that.
-- $cookie: Only this cookie. NULL = all.
-- More than SQL: cookies.ts follows the states: what a cookie is after an event depends on what it
-- was before.
WITH "file" AS (
  SELECT "r"."cookie", min("f"."file") AS "file"
  FROM "request" AS "r" JOIN "request_file" AS "f" ON "f"."request_uid" = "r"."request_uid"
  WHERE "r"."cookie" > 0 GROUP BY 1
), "change" AS (
  SELECT "id", "ts", "task", "cookie", "cookie_ptr" AS "pointer", 'fscache_acquire' AS "event",
    NULL AS "word", NULL AS "size", NULL AS "users"
  FROM "fscache_acquire" AS "e"
  UNION ALL SELECT "id", "ts", "task", "cookie", NULL AS "pointer", 'fscache_active' AS "event",
    "why" AS "word", NULL AS "size", "n_active" AS "users"
  FROM "fscache_active" AS "e" WHERE "why" IN ('USE', 'UNUSE')
  UNION ALL SELECT "id", "ts", "task", "cookie", NULL AS "pointer", 'fscache_access' AS "event",
    "why" AS "word", NULL AS "size", NULL AS "users"
  FROM "fscache_access" AS "e" WHERE "why" IN ('BEGIN lookup', 'PIN   cache', 'UNPIN cache', 'END   lookup', 'END   lookupf')
  UNION ALL SELECT "id", "ts", "task", "cookie", "cookie_ptr" AS "pointer", 'fscache_cookie' AS "event",
    "where" AS "word", NULL AS "size", NULL AS "users"
  FROM "fscache_cookie" AS "e" WHERE "where" IN ('FAILED', '*COLLISION*', '*COLLIDE*', 'DISCARD', '-   lrudo', 'PQ  overq', '-   x-lru', '-   x-rlq', '-   x-wth')
  UNION ALL SELECT "id", "ts", "task", "cookie", NULL AS "pointer", 'fscache_invalidate' AS "event",
    NULL AS "word", "new_size" AS "size", NULL AS "users"
  FROM "fscache_invalidate" AS "e"
  UNION ALL SELECT "id", "ts", "task", "cookie", NULL AS "pointer", 'fscache_resize' AS "event",
    NULL AS "word", "new_size" AS "size", NULL AS "users"
  FROM "fscache_resize" AS "e"
  UNION ALL SELECT "id", "ts", "task", "cookie", "cookie_ptr" AS "pointer", 'fscache_relinquish' AS "event",
    NULL AS "word", NULL AS "size", NULL AS "users"
  FROM "fscache_relinquish" AS "e"
  UNION ALL SELECT "id", "ts", "task", (SELECT max("c"."cookie") FROM "cachefiles_ref" AS "c"
    WHERE "c"."obj" = "e"."obj" AND "c"."why" = 'NEW obj') AS "cookie",
    NULL AS "pointer", 'cachefiles_coherency' AS "event",
    "why" AS "word", NULL AS "size", NULL AS "users"
  FROM "cachefiles_coherency" AS "e" WHERE "why" IN ('OK', 'BAD aux', 'BAD cont', 'BAD dirt', 'BAD len', 'BAD osiz', 'BAD type', 'BAD xatt')
  UNION ALL SELECT CASE WHEN "e"."id" > "a"."id" THEN "e"."id" ELSE "a"."id" END,
    CASE WHEN "e"."ts" > "a"."ts" THEN "e"."ts" ELSE "a"."ts" END, "e"."task", "a"."cookie", NULL,
    'cachefiles_vol_coherency', "e"."why", NULL, NULL
  FROM "cachefiles_vol_coherency" AS "e" JOIN "fscache_acquire" AS "a" ON "a"."volume" = "e"."vol"
  WHERE "e"."why" IN ('VOL BAD cmp', 'VOL BAD resv', 'VOL BAD xatt')
), "each" AS (
  SELECT "id", "ts", "task", "cookie", "pointer", "event", "word", "size", "users", 0 AS "read",
    0 AS "down"
  FROM "change"
  UNION ALL
  SELECT NULL, "begin_ns", NULL, "cookie", NULL, NULL, NULL, NULL, NULL, "cache_bytes", "server_bytes"
  FROM "request" WHERE "cookie" > 0 AND "kind" IS NOT NULL
  UNION ALL
  -- Up to v5.16 only the statistics tell what was discarded, and neither when nor of which file.
  SELECT NULL, NULL, NULL, NULL, NULL, 'ChkAux', "key", "rose", NULL, 0, 0 FROM (SELECT "key",
    max("value") - CASE WHEN count(DISTINCT "snapshot") > 1 THEN min("value") ELSE 0 END AS "rose"
  FROM "stats" WHERE "label" = 'ChkAux' GROUP BY "key")
  WHERE "key" = 'obs' AND "rose" > 0 AND $cookie IS NULL
)
SELECT "c".*, "f"."file", "t"."comm"
FROM "each" AS "c"
LEFT JOIN "file" AS "f" ON "f"."cookie" = "c"."cookie"
LEFT JOIN "task" AS "t" ON "t"."id" = "c"."task"
WHERE $cookie IS NULL OR "c"."cookie" = $cookie OR "c"."pointer" = CAST($cookie AS TEXT)
ORDER BY "c"."ts", "c"."id"
