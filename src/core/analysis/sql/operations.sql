-- What operations caused at each layer, and how much more than they asked for.
-- $op: Only this operation. NULL = all.
-- $file: Only operations of this file. NULL = all.
SELECT "o"."id" AS "op", "o"."kind", "o"."file", "o"."offset",
  coalesce("o"."result", "o"."len") AS "asked", count("r"."request_uid") AS "requests",
  sum(coalesce("r"."expanded_len", "r"."len")) AS "requested", sum("r"."server_bytes") AS "down",
  sum("r"."cache_bytes") AS "read", sum("r"."stored_bytes") AS "stored",
  1.0 * sum(coalesce("r"."expanded_len", "r"."len"))
    / nullif(coalesce("o"."result", "o"."len"), 0) AS "requested_x",
  1.0 * sum("r"."server_bytes") / nullif(coalesce("o"."result", "o"."len"), 0) AS "down_x"
FROM "op" AS "o"
JOIN "request" AS "r" ON "r"."op" = "o"."id" AND "r"."kind" IS NOT NULL
WHERE ($op IS NULL OR "o"."id" = $op) AND ($file IS NULL OR "o"."file" = $file)
GROUP BY "o"."id", "o"."kind", "o"."file", "o"."offset", "o"."result", "o"."len" ORDER BY "o"."id"
