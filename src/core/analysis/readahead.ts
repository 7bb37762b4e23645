/**
 * What readahead did with each file: how its windows grew, which were started only when a reader
 * stood before them, and what nobody read. Called by `trace readahead`.
 */
import { formatBytes } from '../base/units.js';
import { RangeSet } from './ranges.js';
import { sqlModule } from './sql_module.js';
import type { Analysis, Gathering, Row } from './types.js';

/** What the capture says of all files. */
interface Setting {
  /** Most bytes of a download, 0 = not known. */
  readonly rsize: number;
  /** True if folios were marked for the cache as they were read (v6.12 and later). */
  readonly marked: boolean;
}

/** What a window that is smaller than what the server gives at once means, and what helps. */
function smallWindow(max: number, rsize: number): string {
  const windows = `windows of ${formatBytes(max)} are smaller than rsize (${formatBytes(rsize)})`;
  const kib = (READ_AHEAD_RSIZES * rsize) / 1024;
  return `${windows}, so latency and not bandwidth is the limit: try --read-ahead-kb ${kib}`;
}

/** Readahead of a mount that has not been told otherwise: read_ahead_kb is 128. */
const RA_BYTES = 128 << 10;

/** Since v6.12 both are one bit of a folio. */
const TAKEN = 'marking folios for the cache takes the readahead marker away';

/** Windows of so many downloads keep a server busy, as the NFS client long took for its window. */
const READ_AHEAD_RSIZES = 15;

class Windows {
  count = 0;
  sequential = 0;
  grown = 0;
  missed = 0;
  /** Sequential windows of which it is known what the reader had asked for. */
  told = 0;
  first = 0;
  last = 0;
  max = 0;
  end = -1;
  /** What the windows brought from the server or the disk cache. */
  readonly fetched = new RangeSet();
  readonly read = new RangeSet();

  window(start: number, len: number, asked: number | null): void {
    this.count++;
    if (this.count === 1) this.first = len;
    if (start === this.end) {
      this.sequential++;
      if (len > this.last) this.grown++;
      // The reader had read all there was and stood before this window when it was begun.
      if (asked !== null) this.told++;
      if (asked !== null && asked >= start) this.missed++;
    }
    this.last = len;
    this.max = Math.max(this.max, len);
    this.end = start + len;
  }

  row(file: string, { rsize, marked }: Setting): Row {
    const { count, sequential, grown, missed, first, max, fetched, read } = this;
    let used = 0;
    for (const [start, end] of fetched.ranges()) used += read.overlap(start, end);
    const note = this.#note(rsize, marked);
    const unused = read.bytes === 0 ? null : fetched.bytes - used;
    const known = this.told > 0 || sequential === 0 ? missed : null;
    return { file, windows: count, sequential, grown, missed: known, first, max, unused, note };
  }

  #note(rsize: number, marked: boolean): string | null {
    const { sequential, missed, grown, told, max } = this;
    if (sequential < 4) return null;
    if (missed > sequential / 2) {
      const taken = marked ? `; ${TAKEN}` : '';
      return `defeated: ${missed} of ${sequential} windows were waited for${taken}`;
    }
    if (max < rsize) return smallWindow(max, rsize);
    if (told > 0 || grown > 0) return null;
    // Without operations nobody can say who waited. A window doubles at least until it is the
    // largest, so one that is more than half of the usual limit may well be that.
    if (2 * max > RA_BYTES) return null;
    const windows = `${sequential} sequential windows of ${formatBytes(max)}`;
    const why = marked ? TAKEN : 'readers waited for each';
    return `never grew: ${windows}; read_ahead_kb is that small, or ${why} (record operations to tell)`;
  }
}

/** One row per file, those with the most windows first. */
export const readahead: Analysis = {
  name: 'readahead',
  doc: 'Readahead by file: windows, growth, windows readers had to wait for, bytes nobody read.',
  needs: ['request', 'subrequest', 'request_file', 'op', 'capture', 'netfs_folio'],
  records: [['netfs_read']],
  columns: [
    { name: 'file', doc: 'File.', unit: 'text' },
    { name: 'windows', doc: 'READAHEAD requests.', unit: 'count' },
    { name: 'sequential', doc: 'Those that begin where the one before ended.', unit: 'count' },
    { name: 'grown', doc: 'Sequential ones that are larger than the one before.', unit: 'count' },
    {
      name: 'missed',
      doc: 'Sequential ones begun only when a read asked for them; NULL without operations.',
      unit: 'count',
    },
    { name: 'first', doc: 'Length of the first window.', unit: 'bytes' },
    { name: 'max', doc: 'Length of the largest window.', unit: 'bytes' },
    {
      name: 'unused',
      doc: 'Bytes read ahead from server or disk cache that no operation read.',
      unit: 'bytes',
    },
    { name: 'note', doc: 'What is remarkable.', unit: 'text' },
  ],
  params: [],
  sql: sqlModule('readahead'),
  gather: () => new Readers(),
};

/** Follows windows and reads in their order. */
class Readers implements Gathering {
  readonly #files = new Map<string, Windows>();
  #setting: Setting = { rsize: 0, marked: false };

  take(row: Row): void {
    if (row.window === 2) {
      this.#setting = { rsize: Number(row.start), marked: row.len === 1 };
      return;
    }
    const name = String(row.file);
    let file = this.#files.get(name);
    if (file === undefined) {
      file = new Windows();
      this.#files.set(name, file);
    }
    const [start, len] = [Number(row.start), Number(row.len)];
    if (row.window === 3) file.fetched.add(start, start + len);
    else if (row.window === 0) file.read.add(start, start + len);
    else file.window(start, len, row.asked === null ? null : Number(row.asked));
  }

  *rows(): Iterable<Row> {
    const seen = [...this.#files].filter(([, { count }]) => count > 0);
    seen.sort(([, a], [, b]) => b.count - a.count);
    for (const [name, file] of seen) yield file.row(name, this.#setting);
  }
}
