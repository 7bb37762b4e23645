/**
 * What became of each cookie: when a file could be cached, when not, and which event did that.
 * Called by `trace cookies`. From v5.17 on; before, cookies had another life.
 */
import type { Analysis, Row } from './types.js';

interface Change {
  /** What it means for people. */
  readonly means: string;
  /** State afterwards; undefined = as before. */
  readonly state?: string;
}

/** Events of cookies that change what can be cached, by event and word. */
const CHANGES: Readonly<Record<string, Change>> = {
  fscache_acquire: { means: 'the file got a cookie', state: 'acquired' },
  'fscache_active USE': { means: 'opened', state: 'in use' },
  'fscache_active UNUSE': { means: 'closed by its last user', state: 'idle' },
  'fscache_access BEGIN lookup': { means: 'looking for its object in the cache' },
  'fscache_access PIN   cache': { means: 'bound to the cache', state: 'bound' },
  'fscache_access UNPIN cache': { means: 'no longer bound to the cache', state: 'not cached' },
  'fscache_access END   lookup': { means: 'looked up', state: 'cacheable' },
  'fscache_access END   lookupf': { means: 'looking it up failed', state: 'not cached' },
  'fscache_cookie FAILED': { means: 'the cache failed it', state: 'not cached' },
  'fscache_cookie -   lrudo': { means: 'unused for long: its file is put away' },
  'fscache_cookie -   x-lru': { means: 'its file was put away', state: 'put away' },
  'fscache_cookie -   x-rlq': { means: 'given up', state: 'gone' },
  'fscache_cookie -   x-wth': { means: 'the cache was withdrawn', state: 'not cached' },
  fscache_invalidate: { means: 'the file changed: what was stored is thrown away', state: 'empty' },
  fscache_resize: { means: 'the file changed its size' },
  fscache_relinquish: { means: 'the file was dropped from memory', state: 'gone' },
};

const event = (name: string, word: string | null, extra = 'NULL') => `
  SELECT "id", "ts", "task", "cookie", '${name}' AS "event",
    ${word === null ? 'NULL' : `"${word}"`} AS "word", ${extra} AS "size"
  FROM "${name}"`;

/** One row per event that changed what can be cached. */
export const cookies: Analysis = {
  name: 'cookies',
  doc: 'When each file could be cached and when not, and which event did that.',
  needs: [
    ...['fscache_acquire', 'fscache_active', 'fscache_access', 'fscache_cookie', 'request', 'op'],
    ...['fscache_invalidate', 'fscache_resize', 'fscache_relinquish', 'task'],
  ],
  records: [['fscache_cookie', 'fscache_access', 'fscache_active']],
  columns: [
    { name: 'cookie', doc: 'Number of the cookie, hexadecimal as printed.', unit: 'text' },
    { name: 'file', doc: 'File, if a request tells.', unit: 'text' },
    { name: 'ts', doc: 'Since the start of the capture.', unit: 'time' },
    { name: 'event', doc: 'Event and word, as printed.', unit: 'text' },
    { name: 'means', doc: 'What it means.', unit: 'text' },
    { name: 'state', doc: 'State of the cookie afterwards.', unit: 'text' },
    { name: 'comm', doc: 'Task that did it.', unit: 'text' },
  ],
  params: [{ name: 'cookie', doc: 'Only this cookie.', default: null }],
  sql: `
WITH "file" AS (
  SELECT "r"."cookie", min("o"."file") AS "file"
  FROM "request" AS "r" JOIN "op" AS "o" ON "o"."id" = "r"."op"
  WHERE "r"."cookie" > 0 GROUP BY 1
), "change" AS (
${[
  event('fscache_acquire', null),
  event('fscache_active', 'why'),
  event('fscache_access', 'why'),
  event('fscache_cookie', 'where'),
  event('fscache_invalidate', null, '"new_size"'),
  event('fscache_resize', null, '"new_size"'),
  event('fscache_relinquish', null),
].join('\n  UNION ALL')}
)
SELECT "c".*, "f"."file", "t"."comm"
FROM "change" AS "c"
LEFT JOIN "file" AS "f" ON "f"."cookie" = "c"."cookie"
LEFT JOIN "task" AS "t" ON "t"."id" = "c"."task"
WHERE @cookie IS NULL OR "c"."cookie" = @cookie
ORDER BY "c"."id"`,
  *fold(rows) {
    const states = new Map<number, string>();
    for (const row of rows) {
      const name = row.word === null ? String(row.event) : `${row.event} ${row.word}`;
      const change = CHANGES[name];
      if (change === undefined) continue;
      const cookie = Number(row.cookie);
      const state = change.state ?? states.get(cookie) ?? 'not known';
      states.set(cookie, state);
      yield told(row, name, change, state);
    }
  },
};

function told(row: Row, name: string, { means }: Change, state: string): Row {
  const size = row.size === null ? '' : ` (${row.size} bytes)`;
  const cookie = Number(row.cookie).toString(16).padStart(8, '0');
  return { ...row, cookie, event: name, means: `${means}${size}`, state };
}
