/** Where the bytes came from, in all and by file, against what the application read. */
import type { Analysis } from './types.js';

/** One row for the whole capture, then one per file. */
export const sources: Analysis = {
  name: 'sources',
  doc: 'Bytes by source, in all and by file: zeros, server, cache; and the amplification.',
  needs: ['request', 'request_file', 'op'],
  records: [['netfs_sreq', 'op']],
  columns: [
    { name: 'file', doc: 'File; (all) = the whole capture, NULL = not known.', unit: 'text' },
    {
      name: 'app_bytes',
      doc: 'Bytes the application read; asked for, where results are not told.',
      unit: 'bytes',
    },
    { name: 'zero_bytes', doc: 'Bytes filled with zeros.', unit: 'bytes' },
    { name: 'down_bytes', doc: 'Bytes from the server.', unit: 'bytes' },
    { name: 'read_bytes', doc: 'Bytes from the cache.', unit: 'bytes' },
    { name: 'stored_bytes', doc: 'Bytes written to the cache.', unit: 'bytes' },
    { name: 'requests', doc: 'Read requests.', unit: 'count' },
    { name: 'slices', doc: 'Subrequests.', unit: 'count' },
    {
      name: 'amplification',
      doc: 'Bytes from the server per byte the application read; NULL if it read none.',
      unit: 'ratio',
    },
  ],
  params: [{ name: 'limit', doc: 'At most this many files; -1 = all.', default: -1 }],
  sql: `
WITH "each" AS (
  SELECT "file", sum(coalesce("result", "len")) AS "app_bytes", 0 AS "zero_bytes",
    -- A direct read without requests asked the server itself.
    sum(CASE WHEN "direct" = 1 AND "requests" = 0 THEN "result" ELSE 0 END) AS "down_bytes",
    0 AS "read_bytes", 0 AS "stored_bytes", 0 AS "requests", 0 AS "slices"
  FROM "op"
  WHERE "kind" = 'read' AND coalesce("result", "len") > 0
  GROUP BY "file"
  UNION ALL
  SELECT "f"."file", 0, sum("r"."zero_bytes"), sum("r"."down_bytes"), sum("r"."read_bytes"),
    sum("r"."stored_bytes"), sum("r"."kind" IS NOT NULL), sum("r"."slices")
  FROM "request" AS "r"
  JOIN "request_file" AS "f" ON "f"."uid" = "r"."uid"
  GROUP BY "f"."file"
), "per_file" AS (
  SELECT "file", sum("app_bytes") AS "app_bytes", sum("zero_bytes") AS "zero_bytes",
    sum("down_bytes") AS "down_bytes", sum("read_bytes") AS "read_bytes",
    sum("stored_bytes") AS "stored_bytes", sum("requests") AS "requests", sum("slices") AS "slices"
  FROM "each"
  GROUP BY "file"
), "listed" AS (
  SELECT 0 AS "part", '(all)' AS "file", sum("app_bytes") AS "app_bytes",
    sum("zero_bytes") AS "zero_bytes", sum("down_bytes") AS "down_bytes",
    sum("read_bytes") AS "read_bytes", sum("stored_bytes") AS "stored_bytes",
    sum("requests") AS "requests", sum("slices") AS "slices"
  FROM "per_file"
  HAVING count(*) > 0
  UNION ALL
  SELECT 1, * FROM (
    SELECT * FROM "per_file" ORDER BY "down_bytes" DESC, "file" LIMIT @limit
  )
)
SELECT "file", "app_bytes", "zero_bytes", "down_bytes", "read_bytes", "stored_bytes",
  "requests", "slices", 1.0 * "down_bytes" / nullif("app_bytes", 0) AS "amplification"
FROM "listed"
ORDER BY "part", "down_bytes" DESC, "file"`,
};
