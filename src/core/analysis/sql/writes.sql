-- Dirty pages by file: how they became dirty, in what runs they were stored, what was cut.
-- $limit: At most this many files; -1 = all. Default -1.
WITH "dirty" AS (
  SELECT "vnode_ptr", "where", "from", "to" FROM "afs_page_dirty"
  UNION ALL
  SELECT "vnode_ptr", "where", "from", "to" FROM "afs_folio_dirty"
), "counted" AS (
  SELECT "vnode_ptr" AS "vnode", sum("where" = 'dirty') AS "dirtied",
    sum("where" = 'dirty+') AS "merged", sum("where" IN ('mkwrite', 'mkwrite+')) AS "mapped",
    sum("where" = 'alrdy') AS "conflicts", sum("where" = 'store') AS "stores",
    sum("where" IN ('store', 'store+')) AS "stored_pages",
    sum(CASE WHEN "where" IN ('store', 'store+') THEN "to" - "from" ELSE 0 END) AS "stored_bytes",
    sum("where" = 'launder') AS "laundered", sum("where" IN ('trunc', 'inval')) AS "cut",
    NULL AS "copied_pages"
  FROM "dirty"
  GROUP BY "vnode_ptr"
), "folio" AS (
  SELECT "ino", "why", "last" - "index" + 1 AS "pages" FROM "netfs_folio"
  -- Private buffers, as directories of AFS have them, have no inode.
  WHERE "ino" <> 0
), "folios" AS (
  SELECT 'inode ' || "ino" AS "vnode", sum("why" GLOB 'mod-*') AS "dirtied",
    sum("why" IN ('mod-streamw+', 'mod-streamw-f+')) AS "merged",
    sum("why" IN ('mkwrite', 'mkwrite+')) AS "mapped", sum("why" = 'flush') AS "conflicts",
    sum("why" = 'store') AS "stores",
    sum(CASE WHEN "why" IN ('store', 'store+') THEN "pages" ELSE 0 END) AS "stored_pages",
    4096 * sum(CASE WHEN "why" IN ('store', 'store+') THEN "pages" ELSE 0 END) AS "stored_bytes",
    sum("why" = 'launder') AS "laundered",
    sum("why" GLOB 'inval-*' OR "why" GLOB 'kill*') AS "cut",
    sum(CASE WHEN "why" = 'store-copy' THEN "pages" ELSE 0 END) AS "copied_pages"
  FROM "folio"
  GROUP BY "ino"
  HAVING sum("why" GLOB 'mod-*' OR "why" GLOB 'mkwrite*' OR "why" GLOB 'store*') > 0
), "both" AS (
  SELECT * FROM "counted" UNION ALL SELECT * FROM "folios"
)
SELECT "vnode", "dirtied", "merged", "mapped", "conflicts", "stores", "stored_pages",
  1.0 * "stored_pages" / nullif("stores", 0) AS "pages_per_store", "stored_bytes", "laundered",
  "cut", "copied_pages"
FROM "both"
ORDER BY "stored_bytes" DESC, "vnode"
LIMIT coalesce(nullif($limit, -1), 9223372036854775807)
