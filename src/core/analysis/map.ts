/** Which part of each file came from where, as a picture. Called by `trace sources --map`. */
import { sqlModule } from './sql_module.js';
import type { Analysis, Gathering, Row } from './types.js';

/** Marks of the sources, least to most important for who looks for what is slow. */
const MARKS = { none: '·', ZERO: '░', READ: '▄', DOWN: '█' } as const;
const ORDER = ['ZERO', 'READ', 'DOWN'] as const;

/** One row per file: equal parts of it, each with the mark of where most of its bytes came from. */
export const map: Analysis = {
  name: 'map',
  doc: 'Where the parts of each file came from, as a picture.',
  needs: ['request', 'provenance', 'subrequest', 'op'],
  records: [['netfs_sreq']],
  columns: [
    { name: 'file', doc: 'File.', unit: 'text' },
    { name: 'bytes', doc: 'End of the last slice.', unit: 'bytes' },
    {
      name: 'map',
      doc: `${MARKS.DOWN} server, ${MARKS.READ} cache, ${MARKS.ZERO} zeros, ${MARKS.none} not read.`,
      unit: 'text',
    },
  ],
  params: [
    { name: 'file', doc: 'Only this file.', default: null },
    { name: 'width', doc: 'Parts of a file.', default: 64 },
  ],
  sql: sqlModule('map'),
  gather: ({ width }) => new Pictures(Number(width)),
};

/** The slices of a file so far, and the pictures of the files before. */
class Pictures implements Gathering {
  readonly #width: number;
  readonly #done: Row[] = [];
  #file: Row['file'] = null;
  readonly #sources: number[] = [];
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  constructor(width: number) {
    this.#width = width;
  }

  take(row: Row): void {
    if (row.file !== this.#file) this.#finish();
    this.#file = row.file;
    this.#sources.push(row.source as number);
    this.#starts.push(Number(row.start));
    this.#ends.push(Number(row.end));
  }

  rows(): Iterable<Row> {
    this.#finish();
    return this.#done;
  }

  #finish(): void {
    if (this.#ends.length === 0) return;
    this.#done.push(this.#picture());
    for (const each of [this.#sources, this.#starts, this.#ends]) each.length = 0;
  }

  #picture(): Row {
    const width = this.#width;
    const size = this.#ends.reduce((most, end) => Math.max(most, end), 0);
    const part = size / width;
    const bytes = ORDER.map(() => new Float64Array(width));
    for (const [slice, end] of this.#ends.entries()) {
      const start = this.#starts[slice] as number;
      const sums = bytes[this.#sources[slice] as number] as Float64Array;
      const last = Math.min(width - 1, Math.ceil(end / part) - 1);
      for (let i = Math.floor(start / part); i <= last; i++) {
        const from = Math.max(start, i * part);
        sums[i] = (sums[i] as number) + Math.max(0, Math.min(end, (i + 1) * part) - from);
      }
    }
    const marks = Array.from({ length: width }, (_, i) =>
      markOf(bytes.map((sums) => sums[i] ?? 0)),
    );
    return { file: this.#file ?? null, bytes: size, map: marks.join('') };
  }
}

/** The mark of a part of which so many bytes came from each source. */
function markOf(here: readonly number[]): string {
  const most = Math.max(...here);
  return most === 0 ? MARKS.none : MARKS[ORDER[here.indexOf(most)] as (typeof ORDER)[number]];
}
