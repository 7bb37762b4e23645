-- What a capture is: workload, profile, time, and how much is in it.
SELECT "workload", coalesce("profile", "era") AS "profile", "clock",
  nullif("epoch_ms", 0) AS "when",
  (SELECT count(*) FROM "op") AS "ops",
  (SELECT count(*) FROM "request" WHERE "side" = 'read') AS "requests",
  "events", "lost_events" AS "lost",
  CASE "complete" WHEN 1 THEN 'complete' ELSE 'cut short' END AS "state"
FROM "capture"
