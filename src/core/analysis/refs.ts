/**
 * The ledger of references: for each object whose events print a count, whether every get and put
 * is accounted for. Called by `trace refs`.
 */
import type { Analysis } from './types.js';

/** What a word does to a count: a get raises it, a put lowers it, the rest only looks. */
const change = (word: string) => `CASE
    WHEN ${word} LIKE 'GET%' OR ${word} LIKE 'GQ%' OR ${word} LIKE 'NEW%' THEN 1
    WHEN ${word} LIKE 'PUT%' OR ${word} LIKE 'PQ%' THEN -1 ELSE 0 END`;

// Requests of 6.1 begin with a reference that no event tells; v6.8 and later print NEW.
const ledger = (kind: string, table: string, object: string, word: string, ref: string) => `
  SELECT "id", "ts", '${kind}' AS "kind", ${object} AS "object", ${word} AS "word",
    ${ref} AS "ref", ${change(word)} AS "change", ${word} LIKE 'NEW%' AS "fresh"
  FROM "${table}"`;

/** One row per object with something to tell: an event too many or too few, or never given back. */
export const refs: Analysis = {
  name: 'refs',
  doc: 'References: objects whose count does not follow from its events, or is not back at zero.',
  needs: [
    ...['netfs_rreq_ref', 'netfs_sreq_ref', 'fscache_cookie', 'fscache_volume', 'fscache_cache'],
    'cachefiles_ref',
  ],
  records: [['netfs_rreq_ref', 'netfs_sreq_ref', 'fscache_cookie', 'cachefiles_ref']],
  columns: [
    { name: 'kind', doc: 'request, slice, cookie, volume, cache or object.', unit: 'text' },
    { name: 'object', doc: 'Its number, as printed.', unit: 'text' },
    { name: 'events', doc: 'Reference events of it.', unit: 'count' },
    { name: 'left', doc: 'Count after the last event.', unit: 'number' },
    { name: 'jumps', doc: 'Events that do not follow from the one before.', unit: 'count' },
    { name: 'first_jump', doc: 'The first of them: id of the event.', unit: 'number' },
    { name: 'last_word', doc: 'The last event.', unit: 'text' },
    { name: 'means', doc: 'What it comes to.', unit: 'text' },
  ],
  params: [{ name: 'all', doc: '1 = objects that are in order as well.', default: 0 }],
  sql: `
WITH "ref" AS (${[
    ledger('request', 'netfs_rreq_ref', `printf('%08x', "rreq")`, '"what"', '"ref"'),
    ledger('slice', 'netfs_sreq_ref', `printf('%08x[%x]', "rreq", "subreq")`, '"what"', '"ref"'),
    ledger('cookie', 'fscache_cookie', `printf('%08x', "cookie")`, '"where"', '"ref"'),
    ledger('volume', 'fscache_volume', `printf('%08x', "volume")`, '"where"', '"usage"'),
    ledger('cache', 'fscache_cache', `printf('%08x', "cache")`, '"where"', '"usage"'),
  ].join('\n  UNION ALL')}
), "life" AS (
  SELECT *, lag("ref") OVER "o" AS "before",
    sum("fresh") OVER ("o" ROWS UNBOUNDED PRECEDING) AS "n"
  FROM "ref" WINDOW "o" AS (PARTITION BY "kind", "object" ORDER BY "id")
), "judged" AS (
  SELECT *, "before" IS NOT NULL AND "before" > 0 AND NOT "fresh" AND "ref" <> "before" + "change"
    OR coalesce("before", 1) = 0 AND NOT "fresh" AND "change" < 1 AS "jump",
    first_value("ref") OVER "r" AS "left", first_value("word") OVER "r" AS "last_word"
  FROM "life" WINDOW "r" AS (PARTITION BY "kind", "object" ORDER BY "id" DESC)
), "summed" AS (
  SELECT "kind", "object", count(*) AS "events", max("left") AS "left", sum("jump") AS "jumps",
    min(CASE WHEN "jump" THEN "id" END) AS "first_jump", max("last_word") AS "last_word"
  FROM "judged" GROUP BY "kind", "object"
)
SELECT *, CASE
    WHEN "jumps" > 0 THEN 'a get or put has no event, or two counts share a number'
    WHEN "kind" IN ('request', 'slice') AND "left" > 0 THEN 'not given back when the trace ended'
    ELSE 'in order' END AS "means"
FROM "summed"
WHERE @all = 1 OR "jumps" > 0 OR ("kind" IN ('request', 'slice') AND "left" > 0)
ORDER BY "kind", "first_jump", "object"`,
};
