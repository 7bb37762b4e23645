/**
 * Bytes that were downloaded more than once with no invalidation between, by file and cause.
 * Called by `trace dup`.
 */
import { RangeSet } from './ranges.js';
import type { Analysis, Gathering, Row } from './types.js';

interface File {
  downloaded: RangeSet;
  /** Downloads of the present version, in the order they ended. */
  readonly before: Download[];
}

interface Download {
  readonly start: number;
  readonly end: number;
  readonly submit: number;
  readonly term: number;
  readonly stored: boolean;
  readonly refused: boolean;
}

/** Earlier downloads that are looked through for the one that is repeated. */
const LOOK_BACK = 64;

/** Why a range had to be downloaded again, from the last download of part of it. */
function causeOf(row: Row, file: File): string {
  const start = Number(row.start);
  const end = start + Number(row.transferred);
  if (Number(row.rdowns) > 0) return 'the cache failed to read it';
  if (!(Number(row.cookie) > 0)) return 'no cache, and the pages were dropped';
  let seen: Download | undefined;
  for (let i = file.before.length - 1; i >= Math.max(0, file.before.length - LOOK_BACK); i--) {
    const each = file.before[i] as Download;
    if (each.start >= end || each.end <= start) continue;
    seen = each;
    break;
  }
  if (seen === undefined) return 'not known';
  if (seen.term > Number(row.submit_ns)) return 'two requests at once';
  if (seen.refused) return 'the cache refused it before';
  if (row.verdict === 'no-data') return 'stored, but a new object is not read from yet';
  if (seen.stored) return 'stored, but not found in the cache';
  return 'it was not stored before';
}

/** One row per file and cause, the most bytes first. */
export const dup: Analysis = {
  name: 'dup',
  doc: 'Bytes downloaded more than once with no invalidation between, by file and cause.',
  needs: ['request', 'subrequest', 'op', 'fscache_invalidate'],
  records: [['netfs_read']],
  columns: [
    { name: 'file', doc: 'File.', unit: 'text' },
    { name: 'cause', doc: 'Why it was downloaded again.', unit: 'text' },
    { name: 'bytes', doc: 'Bytes that had been downloaded before.', unit: 'bytes' },
    { name: 'slices', doc: 'Downloads that repeated some.', unit: 'count' },
    { name: 'first', doc: 'First request of them, as printed.', unit: 'text' },
  ],
  params: [],
  sql: `
SELECT coalesce("o"."file", 'inode ' || "r"."netfs_inode", 'c=' || "r"."cookie") AS "file",
  "r"."cookie", "r"."rreq", "s"."start", "s"."transferred", "s"."submit_ns",
  "s"."term_ns" AS "term_ns",
  "s"."stored", "s"."skipped", "s"."rdowns", "s"."verdict", 0 AS "invalidates"
FROM "subrequest" AS "s"
JOIN "request" AS "r" ON "r"."uid" = "s"."request"
LEFT JOIN "op" AS "o" ON "o"."id" = "r"."op"
WHERE "s"."source" = 'DOWN' AND "s"."error" = 0 AND "s"."transferred" > 0
UNION ALL
SELECT NULL, "cookie", NULL, NULL, NULL, NULL, "ts", NULL, NULL, NULL, NULL, 1
FROM "fscache_invalidate"
ORDER BY "term_ns"`,
  gather: () => new Downloads(),
};

interface Found {
  readonly file: string;
  readonly cause: string;
  readonly bytes: number;
  readonly slices: number;
  readonly first: string;
}

/** Follows the downloads and invalidations in their order. */
class Downloads implements Gathering {
  readonly #files = new Map<string, File>();
  readonly #byCookie = new Map<number, Set<string>>();
  readonly #found = new Map<string, { -readonly [K in keyof Found]: Found[K] }>();

  take(row: Row): void {
    if (row.invalidates === 1) {
      for (const name of this.#byCookie.get(Number(row.cookie)) ?? []) this.#files.delete(name);
    } else {
      follow(row, this.#files, this.#byCookie, this.#found);
    }
  }

  rows(): Iterable<Row> {
    return [...this.#found.values()].sort((a, b) => b.bytes - a.bytes) as unknown as Row[];
  }
}

function follow(
  row: Row,
  files: Map<string, File>,
  byCookie: Map<number, Set<string>>,
  found: Map<string, { -readonly [K in keyof Found]: Found[K] }>,
): void {
  const name = String(row.file);
  const file = files.get(name) ?? { downloaded: new RangeSet(), before: [] };
  files.set(name, file);
  const cookie = Number(row.cookie);
  byCookie.set(cookie, (byCookie.get(cookie) ?? new Set()).add(name));
  const start = Number(row.start);
  const end = start + Number(row.transferred);
  const known = file.downloaded.add(start, end);
  if (known > 0) {
    const cause = causeOf(row, file);
    const key = `${name}\0${cause}`;
    const first = Number(row.rreq).toString(16).padStart(8, '0');
    const sum = found.get(key) ?? { file: name, cause, bytes: 0, slices: 0, first };
    sum.bytes += known;
    sum.slices++;
    found.set(key, sum);
  }
  file.before.push({
    ...{ start, end, submit: Number(row.submit_ns), term: Number(row.term_ns) },
    ...{ stored: row.stored === 1, refused: row.skipped === 1 },
  });
}
