/**
 * Bytes that were downloaded more than once with no invalidation between, by file and cause.
 * Called by `trace dup`.
 */
import { RangeMap } from './ranges.js';
import { sqlModule } from './sql_module.js';
import type { Analysis, Gathering, Row } from './types.js';

/** What is known of a download that may be repeated. */
interface Download {
  readonly submit: number;
  readonly term: number;
  readonly stored: boolean;
  readonly refused: boolean;
}

/** Verdicts after which a slice is stored if there is room for it. */
const STORABLE = new Set(['found-hole', 'found-part', 'seek-enxio', 'no-data']);
/** netfs_sreq flag COPY_TO_CACHE (WRITE_TO_CACHE in v5.13). */
const COPY_TO_CACHE = 1;

/** True if the cache had no room: it skipped the store, or (v5.13) did not ask for one. */
function isRefused({ skipped, stored, verdict, flags }: Row): boolean {
  if (skipped === 1) return true;
  if (stored === 1 || !STORABLE.has(String(verdict))) return false;
  return (Number(flags) & COPY_TO_CACHE) === 0;
}

/** Why bytes had to be downloaded again; `seen` is their last download. */
function causeOf(row: Row, seen: Download): string {
  if (Number(row.cache_fallbacks) > 0) return 'the cache failed to read it';
  if (seen.term > Number(row.submit_ns)) return 'two requests at once';
  if (!(Number(row.cookie) > 0)) return 'no cache, and the pages were dropped';
  if (seen.refused) return 'the cache refused it before: it was full (--cache-size)';
  if (row.verdict === 'no-data') return 'stored, but a new object is not read from yet';
  if (seen.stored) return 'stored, but not found in the cache: it was culled or discarded';
  return 'it was not stored before';
}

/** One row per file and cause, the most bytes first. */
export const dup: Analysis = {
  name: 'dup',
  doc: 'Bytes downloaded more than once with no invalidation between, by file and cause.',
  needs: ['request', 'request_file', 'subrequest', 'op', 'fscache_invalidate'],
  records: [['netfs_read']],
  columns: [
    { name: 'file', doc: 'File.', unit: 'text' },
    { name: 'cause', doc: 'Why it was downloaded again.', unit: 'text' },
    { name: 'bytes', doc: 'Bytes that had been downloaded before.', unit: 'bytes' },
    { name: 'slices', doc: 'Downloads that repeated some.', unit: 'count' },
    { name: 'first', doc: 'First request of them, as printed.', unit: 'text' },
  ],
  params: [],
  sql: sqlModule('dup'),
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
  /** The present version of each file: what was downloaded, and how it went the last time. */
  readonly #files = new Map<string, RangeMap<Download>>();
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
    const causes = new Map<string, number>();
    for (const [from, to, seen] of file.pieces(start, end)) {
      const cause = causeOf(row, seen);
      causes.set(cause, (causes.get(cause) ?? 0) + to - from);
    }
    for (const [cause, bytes] of causes) this.#again(name, cause, row, bytes);
    const [submit, term] = [Number(row.submit_ns), Number(row.term_ns)];
    const [stored, refused] = [row.stored === 1, isRefused(row)];
    file.set(start, end, { submit, term, stored, refused });
  }

  rows(): Iterable<Row> {
    const found = [...this.#found.values()].sort((a, b) => b.bytes - a.bytes);
    return found as unknown as Row[];
  }

  #file(name: string, cookie: number): RangeMap<Download> {
    let file = this.#files.get(name);
    if (file === undefined) {
      file = new RangeMap();
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
