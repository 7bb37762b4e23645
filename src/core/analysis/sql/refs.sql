-- References: objects whose count does not follow from its events, or is not back at zero.
-- $all: 1 = objects that are in order as well. Default 0.
-- More than SQL: refs.ts reads gets and puts out of the words of the kernels, and checks each
-- count against the one before.
-- Kinds: 0 cache, 1 cookie, 2 request, 3 slice, 4 volume.
SELECT "id", 2 AS "kind", "rreq" AS "object", NULL AS "pointer", "what" AS "word", "ref" FROM "netfs_rreq_ref"
UNION ALL
SELECT "id", 3 AS "kind", "rreq" * 65536 + "subreq", NULL, "what", "ref" FROM "netfs_sreq_ref"
UNION ALL
SELECT "id", 1 AS "kind", "cookie", "cookie_ptr", "where", "ref" FROM "fscache_cookie"
UNION ALL
SELECT "id", 4 AS "kind", "volume", NULL, "where", "usage" FROM "fscache_volume"
UNION ALL
SELECT "id", 0 AS "kind", "cache", NULL, "where", "usage" FROM "fscache_cache"
ORDER BY "id"
