-- Where the parts of each file came from, as a picture.
-- $file: Only this file. NULL = all.
-- $width: Parts of a file. Default 64.
-- More than SQL: map.ts draws the picture: SQL has no marks per part of a file.
SELECT "file", CASE "source" WHEN 'ZERO' THEN 0 WHEN 'READ' THEN 1 WHEN 'DOWN' THEN 2 END
    AS "source", "start", "end"
FROM "provenance"
WHERE "source" IN ('ZERO', 'READ', 'DOWN') AND ($file IS NULL OR "file" = $file)
ORDER BY 1
