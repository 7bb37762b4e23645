/**
 * The hit rate by four denominators, because each answers another question: bytes the application
 * read, requests, subrequests, and bytes that devices moved. Called by `trace hits` and summary.
 * The definitions are those of `app/cache_use.ts`. What was in a page when it was read stands in
 * the capture of a run with a cache; of others it is estimated from what operations waited for.
 */
import type { Analysis } from './types.js';

/** One row per denominator, then what the cache did not see and what nobody read. */
export const hits: Analysis = {
  name: 'hits',
  doc: 'How much came from memory, cache and server, by bytes read, requests, slices, device bytes.',
  needs: ['request', 'subrequest', 'op'],
  records: [['netfs_read', 'netfs_sreq']],
  columns: [
    { name: 'of', doc: 'What is counted.', unit: 'text' },
    { name: 'total', doc: 'All of it; what failed, or got nothing, is left out.', unit: 'number' },
    { name: 'memory', doc: 'Without a request: from the page cache.', unit: 'number' },
    { name: 'cache', doc: 'From the disk cache.', unit: 'number' },
    { name: 'partly', doc: 'From both cache and server.', unit: 'number' },
    { name: 'server', doc: 'From the server.', unit: 'number' },
    { name: 'zero', doc: 'Filled with zeros.', unit: 'number' },
    {
      name: 'hit_rate',
      doc: 'Share that needed no server; NULL if there was none.',
      unit: 'ratio',
    },
  ],
  params: [],
  sql: `
WITH "reads" AS (
  SELECT * FROM "request" WHERE "kind" IS NOT NULL
), "asked" AS (
  SELECT sum(coalesce("result", "len")) AS "total",
    sum(CASE WHEN "requests" = 0 THEN coalesce("result", "len") END) AS "memory"
  FROM "op" WHERE "kind" = 'read' AND coalesce("result", "len") > 0
), "known" AS (
  SELECT sum("memory") AS "memory", sum("cache") AS "cache", sum("server") AS "server",
    sum("zero") AS "zero", count(*) AS "n"
  FROM "netfslab_use"
), "bytes" AS (
  SELECT sum("down_bytes") AS "down", sum("read_bytes") AS "read", sum("zero_bytes") AS "zero",
    sum("stored_bytes") AS "stored",
    sum("down_bytes" = 0 AND "read_bytes" > 0) AS "full",
    sum("down_bytes" > 0 AND "read_bytes" > 0) AS "partly",
    sum("down_bytes" > 0 AND "read_bytes" = 0) AS "miss",
    sum("down_bytes" = 0 AND "read_bytes" = 0 AND "zero_bytes" > 0) AS "zeros"
  FROM "reads"
), "slices" AS (
  SELECT count(*) AS "n", sum("s"."source" = 'READ') AS "read", sum("s"."source" = 'DOWN') AS "down",
    sum("s"."source" = 'ZERO') AS "zero"
  FROM "subrequest" AS "s" WHERE "s"."source" IN ('READ', 'DOWN', 'ZERO') AND "s"."error" >= 0
), "listed" AS (
  SELECT 1 AS "order", 'bytes read' AS "of", "memory" + "cache" + "server" + "zero" AS "total",
    "memory", "cache", NULL AS "partly", "server", "zero"
  FROM "known" WHERE "n" > 0
  UNION ALL
  -- What an operation waited for is shared out as the requests' bytes are.
  SELECT 1, 'bytes read', "total", coalesce("memory", 0) AS "memory",
    CAST(("total" - coalesce("memory", 0)) * 1.0 * "read" / nullif("read" + "down" + "zero", 0)
      AS INTEGER) AS "cache", NULL AS "partly",
    CAST(("total" - coalesce("memory", 0)) * 1.0 * "down" / nullif("read" + "down" + "zero", 0)
      AS INTEGER) AS "server", NULL AS "zero"
  FROM "asked", "bytes" WHERE "total" > 0 AND (SELECT "n" FROM "known") = 0
  UNION ALL
  SELECT 2, 'requests', "full" + "partly" + "miss" + "zeros", NULL, "full", "partly", "miss", "zeros"
  FROM "bytes"
  UNION ALL
  SELECT 3, 'slices', "n", NULL, "read", NULL, "down", "zero" FROM "slices"
  UNION ALL
  SELECT 4, 'device bytes', "read" + "down", NULL, "read", NULL, "down", NULL FROM "bytes"
)
SELECT "of", "total", "memory", "cache", "partly", "server", "zero",
  -- Where reads waited and nothing came, nobody can say what they got.
  CASE WHEN "order" > 1 OR "server" IS NOT NULL OR "total" = "memory" THEN
    1.0 - 1.0 * (coalesce("server", 0) + coalesce("partly", 0)) / nullif("total", 0)
  END AS "hit_rate"
FROM "listed"
ORDER BY "order"`,
};
