/**
 * Which file a request is of, as far as a capture tells: that of its operation, else that of any
 * operation on the same inode or cookie, else the inode or cookie itself. Used by the SQL of
 * analyses, so that a request made by a worker is counted with those of the reader.
 */

/**
 * Common table expressions `file_of`: a row (uid, file) for every request; `file` is NULL only
 * where nothing at all is known. To be put first in a WITH.
 */
export const FILE_OF = `"known_inode" AS (
  SELECT "r"."netfs_inode" AS "ino", min("o"."file") AS "file"
  FROM "request" AS "r" JOIN "op" AS "o" ON "o"."id" = "r"."op"
  WHERE "r"."netfs_inode" > 0 AND "o"."file" <> '' GROUP BY 1 HAVING count(DISTINCT "o"."file") = 1
), "known_cookie" AS (
  SELECT "r"."cookie" AS "cookie", min("o"."file") AS "file"
  FROM "request" AS "r" JOIN "op" AS "o" ON "o"."id" = "r"."op"
  WHERE "r"."cookie" > 0 AND "o"."file" <> '' GROUP BY 1 HAVING count(DISTINCT "o"."file") = 1
), "file_of" AS (
  SELECT "r"."uid", coalesce(nullif("o"."file", ''), "i"."file", "c"."file",
    'inode ' || printf('0x%llx', "r"."netfs_inode"),
    CASE WHEN "r"."cookie" > 0 THEN 'cookie ' || printf('0x%llx', "r"."cookie") END) AS "file"
  FROM "request" AS "r"
  LEFT JOIN "op" AS "o" ON "o"."id" = "r"."op"
  LEFT JOIN "known_inode" AS "i" ON "i"."ino" = "r"."netfs_inode"
  LEFT JOIN "known_cookie" AS "c" ON "c"."cookie" = "r"."cookie" AND "r"."netfs_inode" IS NULL
)`;
