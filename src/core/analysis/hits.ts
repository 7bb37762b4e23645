/**
 * The hit rate by four denominators, because each answers another question: bytes the application
 * read, requests, subrequests, and bytes that devices moved. Called by `trace hits` and summary.
 * docs/reference/accounting.md defines them.
 *
 * A fold in JavaScript, because the origin of a byte depends on everything that happened to it
 * before: `base/byte_origins.ts` follows it, here as in a run. The capture of a run with a disk
 * cache holds what the run itself counted, and that is taken.
 */
import {
  ByteOrigins,
  type BytesRead,
  nothingRead,
  ORIGIN,
  type Origin,
} from '../base/byte_origins.js';
import { sqlModule } from './sql_module.js';
import type { Analysis, Gathering, Row } from './types.js';

/** One row per denominator, then reads that went past the page cache. */
export const hits: Analysis = {
  name: 'hits',
  doc: 'How much came from memory, cache and server, by bytes read, requests, slices, device bytes.',
  needs: ['request', 'provenance', 'request_file', 'subrequest', 'op', 'netfslab_use'],
  records: [['netfs_read', 'netfs_sreq', 'op']],
  columns: [
    { name: 'of', doc: 'What is counted.', unit: 'text' },
    { name: 'total', doc: 'All of it; what failed, or got nothing, is left out.', unit: 'number' },
    {
      name: 'memory',
      doc: 'Page-cache hits: bytes that an earlier read had used already.',
      unit: 'number',
    },
    {
      name: 'shared',
      doc: 'Used already, but still on its way when the read began.',
      unit: 'number',
    },
    { name: 'written', doc: 'First use of what a local write left there.', unit: 'number' },
    { name: 'cache', doc: 'From the disk cache.', unit: 'number' },
    { name: 'partly', doc: 'From both cache and server.', unit: 'number' },
    { name: 'server', doc: 'From the server.', unit: 'number' },
    { name: 'zero', doc: 'Filled with zeros.', unit: 'number' },
    {
      name: 'hit_rate',
      doc: 'Share that neither server nor others had to bring; zeros aside. NULL if there was none.',
      unit: 'ratio',
    },
  ],
  params: [],
  sql: sqlModule('hits'),
  gather: () => new Hits(),
};

/** The numbers of a row, which are shares of its total. */
const SHARES = ['memory', 'shared', 'written', 'cache', 'partly', 'server', 'zero'] as const;

/** Follows the bytes of all files, then lists the denominators. */
class Hits implements Gathering {
  readonly #files = new Map<string, ByteOrigins>();
  readonly #read: BytesRead = nothingRead();
  #reads = 0;
  readonly #rows: Row[] = [];

  take(row: Row): void {
    if (row.what === 'total') {
      this.#rows.push(rated(row));
      return;
    }
    const [start, ns] = [Number(row.start), Number(row.ns)];
    const end = start + Number(row.len);
    const file = this.#file(String(row.file));
    if (row.what === 'read' || row.what === 'asked') {
      this.#reads++;
      file.read(start, end, Number(row.began), this.#read, row.what === 'read');
    } else file.bring(start, end, originOf(String(row.what)), ns);
  }

  rows(): Iterable<Row> {
    if (this.#reads === 0) return this.#rows;
    return [rated({ of: 'bytes read', partly: null, ...this.#read }), ...this.#rows];
  }

  #file(name: string): ByteOrigins {
    let file = this.#files.get(name);
    if (file === undefined) {
      file = new ByteOrigins();
      this.#files.set(name, file);
    }
    return file;
  }
}

function originOf(what: string): Origin {
  return what === 'write' ? ORIGIN.written : ORIGIN[what as 'server' | 'cache' | 'zero'];
}

/** Adds total and hit rate. */
function rated(row: Row): Row {
  const of = (name: string) => Number(row[name] ?? 0);
  const total = SHARES.reduce((sum, name) => sum + of(name), 0);
  const hit = of('memory') + of('written') + of('cache');
  // A request or slice that only fills with zeros asks nobody; zeros that are read are no data.
  const counted = total - of('zero');
  return { ...row, total, hit_rate: counted === 0 ? null : hit / counted };
}
