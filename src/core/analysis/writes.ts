/** What happened to dirty pages, by file: how they got dirty, how they were stored or lost. */
import type { Analysis } from './types.js';

/** One row per file, the one that stored most first. */
export const writes: Analysis = {
  name: 'writes',
  doc: 'Dirty pages by file: how they became dirty, in what runs they were stored, what was cut.',
  needs: ['afs_page_dirty', 'afs_folio_dirty'],
  records: [['afs_page_dirty', 'afs_folio_dirty']],
  columns: [
    { name: 'vnode', doc: 'Hashed address of the file, as the events print it.', unit: 'text' },
    { name: 'dirtied', doc: 'Pages that became dirty by a write.', unit: 'count' },
    { name: 'merged', doc: 'Writes that joined a region that was dirty already.', unit: 'count' },
    { name: 'mapped', doc: 'Pages made writable through a mapping.', unit: 'count' },
    { name: 'conflicts', doc: 'Writes that met a page under writeback.', unit: 'count' },
    { name: 'stores', doc: 'Operations on the server: runs of pages.', unit: 'count' },
    { name: 'stored_pages', doc: 'Pages in them.', unit: 'count' },
    { name: 'pages_per_store', doc: 'Pages of a run on average.', unit: 'ratio' },
    {
      name: 'stored_bytes',
      doc: 'Dirty bytes of these pages, not cut at the end of the file.',
      unit: 'bytes',
    },
    { name: 'laundered', doc: 'Pages written because they were to be dropped.', unit: 'count' },
    { name: 'cut', doc: 'Regions that were shortened or thrown away.', unit: 'count' },
  ],
  params: [{ name: 'limit', doc: 'At most this many files; -1 = all.', default: -1 }],
  sql: `
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
    sum("where" = 'launder') AS "laundered", sum("where" IN ('trunc', 'inval')) AS "cut"
  FROM "dirty"
  GROUP BY "vnode_ptr"
)
SELECT "vnode", "dirtied", "merged", "mapped", "conflicts", "stores", "stored_pages",
  1.0 * "stored_pages" / nullif("stores", 0) AS "pages_per_store", "stored_bytes", "laundered",
  "cut"
FROM "counted"
ORDER BY "stored_bytes" DESC, "vnode"
LIMIT @limit`,
};
