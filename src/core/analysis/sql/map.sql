-- Where the parts of each file came from, as a picture.
-- $file: Only this file. NULL = all.
-- $width: Parts of a file. Default 64.
-- More than SQL: map.ts draws the picture: SQL has no marks per part of a file.
SELECT "f"."file",
  CASE "s"."source" WHEN 'ZERO' THEN 0 WHEN 'READ' THEN 1 WHEN 'DOWN' THEN 2 END AS "source",
  "s"."start",
  "s"."start" + "s"."transferred" AS "end"
FROM "subrequest" AS "s"
JOIN "request" AS "r" ON "r"."request_uid" = "s"."request_uid"
JOIN "request_file" AS "f" ON "f"."request_uid" = "r"."request_uid"
WHERE "s"."source" IN ('ZERO', 'READ', 'DOWN') AND "s"."transferred" > 0
  AND ($file IS NULL OR "f"."file" = $file)
ORDER BY 1
