/** How many slices were under way at a time, by source. Called by `trace concurrency`. */
import { sqlModule } from './sql_module.js';
import type { Analysis, Gathering, Row } from './types.js';

/** One row per stretch of time; in flight counts slices between SUBMT and TERM. */
export const concurrency: Analysis = {
  name: 'concurrency',
  doc: 'Slices in flight over time: average and most, from server and cache.',
  needs: ['subrequest'],
  timed: true,
  records: [['netfs_sreq']],
  columns: [
    { name: 'at', doc: 'Begin of the stretch since the start of the capture.', unit: 'ns' },
    { name: 'server_avg', doc: 'Downloads in flight, average over time.', unit: 'ratio' },
    { name: 'server_max', doc: 'Most downloads at once.', unit: 'count' },
    { name: 'cache_avg', doc: 'Cache reads in flight, average over time.', unit: 'ratio' },
    { name: 'cache_max', doc: 'Most cache reads at once.', unit: 'count' },
    { name: 'picture', doc: 'Most at once, server and cache: one mark each.', unit: 'text' },
  ],
  params: [{ name: 'bins', doc: 'Stretches the capture is cut into.', default: 20 }],
  sql: sqlModule('concurrency'),
  gather: ({ bins }) => new Flights(Math.max(1, Number(bins))),
};

/** When slices of one source began and ended, each in any order. */
interface Flown {
  readonly begins: number[];
  readonly ends: number[];
}

/** Slices in flight times nanoseconds, and most at once, by stretch. */
interface Stretches {
  readonly area: Float64Array;
  readonly max: Float64Array;
}

class Flights implements Gathering {
  readonly #bins: number;
  readonly #sides: readonly [server: Flown, cache: Flown] = [
    { begins: [], ends: [] },
    { begins: [], ends: [] },
  ];

  constructor(bins: number) {
    this.#bins = bins;
  }

  take({ cache, begin, end }: Row): void {
    const side = this.#sides[cache as 0 | 1];
    side.begins.push(Number(begin));
    side.ends.push(Number(end));
  }

  *rows(): Iterable<Row> {
    const sorted = this.#sides.map(({ begins, ends }) => ({
      begins: new Float64Array(begins).sort(),
      ends: new Float64Array(ends).sort(),
    }));
    const both = sorted.flatMap(({ begins, ends }) => [begins, ends]);
    const known = both.filter(({ length }) => length > 0);
    const from = Math.min(...known.map((each) => each[0] as number));
    const to = Math.max(...known.map((each) => each.at(-1) as number));
    if (!(to > from)) return;
    const width = (to - from) / this.#bins;
    const [server, cache] = sorted.map(({ begins, ends }) =>
      stretchesOf(begins, ends, { from, to, bins: this.#bins }),
    ) as [Stretches, Stretches];
    for (let i = 0; i < this.#bins; i++) {
      const [server_max, cache_max] = [server.max[i] as number, cache.max[i] as number];
      yield {
        at: Math.round(from + i * width),
        ...{ server_avg: (server.area[i] as number) / width, server_max },
        ...{ cache_avg: (cache.area[i] as number) / width, cache_max },
        picture: `${'#'.repeat(Math.min(40, server_max))}${'+'.repeat(Math.min(40, cache_max))}`,
      };
    }
  }
}

/** The time of a capture, cut into stretches. */
interface Span {
  readonly from: number;
  readonly to: number;
  readonly bins: number;
}

/** Goes through begins and ends in their order; at the same moment begins come first. */
function stretchesOf(begins: Float64Array, ends: Float64Array, span: Span): Stretches {
  const { from, to, bins } = span;
  const width = (to - from) / bins;
  const stretches = { area: new Float64Array(bins), max: new Float64Array(bins) };
  let [now, last, begun, ended] = [0, from, 0, 0];
  while (ended < ends.length) {
    const begin = begins[begun] ?? Number.POSITIVE_INFINITY;
    const end = ends[ended] as number;
    const ts = Math.min(begin, end);
    if (now !== 0) spread(stretches, now, last - from, ts - from, width);
    last = ts;
    if (begin <= end) {
      now++;
      begun++;
    } else {
      now--;
      ended++;
    }
    const bin = Math.min(bins - 1, Math.floor((ts - from) / width));
    stretches.max[bin] = Math.max(stretches.max[bin] as number, now);
  }
  return stretches;
}

/** Adds what was in flight between two moments to the stretches they fall into. */
function spread(
  { area, max }: Stretches,
  now: number,
  from: number,
  to: number,
  width: number,
): void {
  const bins = area.length;
  let at = from;
  while (at < to) {
    const i = Math.min(bins - 1, Math.floor(at / width));
    const end = i === bins - 1 ? to : Math.min(to, (i + 1) * width);
    area[i] = (area[i] as number) + now * (end - at);
    max[i] = Math.max(max[i] as number, now);
    if (end <= at) return;
    at = end;
  }
}
