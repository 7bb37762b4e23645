/** What each operation of the application caused, layer by layer. Called by `trace why --ops`. */
import type { Analysis } from './types.js';

/** One row per operation that caused requests, in their order. */
export const operations: Analysis = {
  name: 'operations',
  doc: 'What operations caused at each layer, and how much more than they asked for.',
  needs: ['op', 'request'],
  columns: [
    { name: 'op', doc: 'Operation: op.id.', unit: 'number' },
    { name: 'kind', doc: 'What was asked for.', unit: 'text' },
    { name: 'file', doc: 'File.', unit: 'text' },
    { name: 'offset', doc: 'File position.', unit: 'number' },
    { name: 'asked', doc: 'Bytes the application asked for or got.', unit: 'bytes' },
    { name: 'requests', doc: 'Requests it caused.', unit: 'count' },
    { name: 'requested', doc: 'Bytes of these requests.', unit: 'bytes' },
    { name: 'down', doc: 'Bytes from the server.', unit: 'bytes' },
    { name: 'read', doc: 'Bytes from the cache.', unit: 'bytes' },
    { name: 'stored', doc: 'Bytes written to the cache.', unit: 'bytes' },
    { name: 'requested_x', doc: 'Bytes requested per byte asked for.', unit: 'ratio' },
    { name: 'down_x', doc: 'Bytes downloaded per byte asked for.', unit: 'ratio' },
  ],
  params: [
    { name: 'op', doc: 'Only this operation.', default: null },
    { name: 'file', doc: 'Only operations of this file.', default: null },
  ],
  sql: `
SELECT "o"."id" AS "op", "o"."kind", "o"."file", "o"."offset",
  coalesce("o"."result", "o"."len") AS "asked", count("r"."request_uid") AS "requests",
  sum(coalesce("r"."expanded_len", "r"."len")) AS "requested", sum("r"."server_bytes") AS "down",
  sum("r"."cache_bytes") AS "read", sum("r"."stored_bytes") AS "stored",
  1.0 * sum(coalesce("r"."expanded_len", "r"."len"))
    / nullif(coalesce("o"."result", "o"."len"), 0) AS "requested_x",
  1.0 * sum("r"."server_bytes") / nullif(coalesce("o"."result", "o"."len"), 0) AS "down_x"
FROM "op" AS "o"
JOIN "request" AS "r" ON "r"."op" = "o"."id" AND "r"."kind" IS NOT NULL
WHERE (@op IS NULL OR "o"."id" = @op) AND (@file IS NULL OR "o"."file" = @file)
GROUP BY "o"."id" ORDER BY "o"."id"`,
};
