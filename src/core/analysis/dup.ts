/**
 * Bytes that were downloaded more than once with no invalidation between, by file and cause.
 * Called by `trace dup`.
 */
import { RangeSet } from './ranges.js';
import type { Analysis, Gathering, Row } from './types.js';

/** Earlier downloads that are looked through for the one that is repeated. */
const LOOK_BACK = 64;

interface Download {
  start: number;
  end: number;
  submit: number;
  term: number;
  stored: boolean;
  refused: boolean;
}

/** The present version of a file. */
class File {
  readonly downloaded = new RangeSet();
  /** The last downloads, in the order they ended; the oldest one's place is taken next. */
  readonly #before: Download[] = [];
  #next = 0;

  /** The last download of a part of [start, end), as far back as is looked. */
  last(start: number, end: number): Download | undefined {
    const before = this.#before;
    for (let i = 1; i <= before.length; i++) {
      const at = this.#next - i;
      const each = before[at < 0 ? at + before.length : at] as Download;
      if (each.start < end && each.end > start) return each;
    }
    return undefined;
  }

  ended(row: Row, start: number, end: number): void {
    const [submit, term] = [Number(row.submit_ns), Number(row.term_ns)];
    const [stored, refused] = [row.stored === 1, row.skipped === 1];
    const each = this.#before[this.#next];
    if (each === undefined) this.#before.push({ start, end, submit, term, stored, refused });
    else {
      each.start = start;
      each.end = end;
      each.submit = submit;
      each.term = term;
      each.stored = stored;
      each.refused = refused;
    }
    this.#next = (this.#next + 1) % LOOK_BACK;
  }
}

/** Why a range had to be downloaded again, from the last download of part of it. */
function causeOf(row: Row, file: File): string {
  const start = Number(row.start);
  const end = start + Number(row.transferred);
  if (Number(row.rdowns) > 0) return 'the cache failed to read it';
  if (!(Number(row.cookie) > 0)) return 'no cache, and the pages were dropped';
  const seen = file.last(start, end);
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
  bytes: number;
  slices: number;
  readonly first: string;
}

/** Follows the downloads and invalidations in their order. */
class Downloads implements Gathering {
  readonly #files = new Map<string, File>();
  readonly #byCookie = new Map<number, Set<string>>();
  readonly #found = new Map<string, Found>();

  take(row: Row): void {
    if (row.invalidates === 1) {
      for (const name of this.#byCookie.get(Number(row.cookie)) ?? []) this.#files.delete(name);
      return;
    }
    const name = String(row.file);
    const file = this.#file(name, Number(row.cookie));
    const start = Number(row.start);
    const end = start + Number(row.transferred);
    const known = file.downloaded.add(start, end);
    if (known > 0) this.#again(name, causeOf(row, file), row, known);
    file.ended(row, start, end);
  }

  rows(): Iterable<Row> {
    const found = [...this.#found.values()].sort((a, b) => b.bytes - a.bytes);
    return found as unknown as Row[];
  }

  #file(name: string, cookie: number): File {
    let file = this.#files.get(name);
    if (file === undefined) {
      file = new File();
      this.#files.set(name, file);
    }
    const names = this.#byCookie.get(cookie);
    if (names === undefined) this.#byCookie.set(cookie, new Set([name]));
    else names.add(name);
    return file;
  }

  #again(file: string, cause: string, row: Row, bytes: number): void {
    const key = `${file}\0${cause}`;
    let sum = this.#found.get(key);
    if (sum === undefined) {
      const first = Number(row.rreq).toString(16).padStart(8, '0');
      sum = { file, cause, bytes: 0, slices: 0, first };
      this.#found.set(key, sum);
    }
    sum.bytes += bytes;
    sum.slices++;
  }
}
