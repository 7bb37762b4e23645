/** How long reads took, as a map of time against duration. Called by `trace latency --heat`. */
import { sqlModule } from './sql_module.js';
import type { Analysis, Gathering, Row } from './types.js';

const SHADES = ' .:-=+*#%@';

/** One row per power of two of the duration, the longest first; a mark per stretch of time. */
export const heat: Analysis = {
  name: 'heat',
  doc: 'Durations of slices against time: the darker the mark, the more of them.',
  needs: ['subrequest'],
  records: [['netfs_sreq']],
  timed: true,
  columns: [
    { name: 'up_to', doc: 'Durations up to this, nanoseconds.', unit: 'ns' },
    { name: 'count', doc: 'Slices that took so long.', unit: 'count' },
    { name: 'map', doc: `Over time; from few to many: ${SHADES.trim()}.`, unit: 'text' },
  ],
  params: [
    { name: 'source', doc: 'Only slices from here: DOWN, READ or ZERO.', default: null },
    { name: 'width', doc: 'Stretches of time.', default: 60 },
  ],
  sql: sqlModule('heat'),
  gather: ({ width }) => new Lines(Number(width)),
};

/** The counts of each power of two, by stretch. */
class Lines implements Gathering {
  readonly #width: number;
  readonly #lines = new Map<number, number[]>();
  #most = 1;

  constructor(width: number) {
    this.#width = width;
  }

  take(row: Row): void {
    const power = Number(row.power);
    const line = this.#lines.get(power) ?? new Array<number>(this.#width).fill(0);
    this.#lines.set(power, line);
    line[Number(row.bin)] = Number(row.n);
    this.#most = Math.max(this.#most, Number(row.n));
  }

  *rows(): Iterable<Row> {
    const powers = [...this.#lines.keys()];
    for (let power = Math.max(...powers); power >= Math.min(...powers); power--) {
      yield line(power, this.#lines.get(power) ?? [], this.#most);
    }
  }
}

function line(power: number, counts: readonly number[], most: number): Row {
  const shade = (count: number): string => {
    if (count === 0) return ' ';
    const depth = Math.ceil((Math.log(count + 1) / Math.log(most + 1)) * (SHADES.length - 1));
    return SHADES[depth] as string;
  };
  const count = counts.reduce((sum, each) => sum + each, 0);
  return { up_to: 2 ** power, count, map: counts.map(shade).join('') };
}
