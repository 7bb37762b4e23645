-- Slices in flight over time: average and most, from server and cache.
-- $bins: Stretches the capture is cut into. Default 20.
-- More than SQL: concurrency.ts follows begins and ends in their order: what is in flight at the
-- edges of a stretch would be a row for each pair of change and stretch here.
SELECT "source" = 'READ' AS "cache", "submit_ns" AS "begin", "term_ns" AS "end"
FROM "subrequest"
WHERE "source" IN ('DOWN', 'READ') AND "submit_ns" IS NOT NULL AND "term_ns" IS NOT NULL
