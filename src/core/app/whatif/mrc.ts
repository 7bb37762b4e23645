/** The use case `mrc`: the miss-ratio curve of a workload, its knee and its working set. */

import type { Table } from '../../analysis/types.js';
import { formatBytes, formatCount } from '../../base/units.js';
import { plotLines } from '../../report/plot.js';
import {
  type CurvePoint,
  exactCurve,
  kneeOf,
  type MissRatioCurve,
  mixedCurve,
  sampledCurve,
  type WorkingSet,
  workingSets,
} from '../../workload/mrc/curve.js';
import {
  type InputOptions,
  nameRules,
  readWorkload,
  recordingOptions,
} from '../run/workload_input.js';
import { type References, referencesOf } from './references.js';

/** References up to which every policy is exact without being asked: some seconds. */
const EXACT_MAX = 200_000;
/** References up to which LRU is. */
const LRU_EXACT_MAX = 50_000_000;
/** Pages that a sample has about. */
const SAMPLE_PAGES = 16_384;
const STRETCHES = 20;

/** What is asked for. */
export interface MrcRequest {
  readonly file: string;
  readonly input: InputOptions;
  /** Unit of the cache, bytes. */
  readonly granule: number;
  /**
   * Bytes that a miss loads, aligned: the cost of readahead is then in the curve; undefined: a miss
   * loads its unit.
   */
  readonly readAhead: number | undefined;
  /** Share of the units to look at; undefined: all up to two million references. */
  readonly sample: number | undefined;
  readonly exact: boolean;
}

/** One size of the curve; sizes and loads are bytes, ratios from 0 to 1. */
export interface MrcPoint extends CurvePoint {
  readonly bytes: number;
  /** What LRU loads at this size. */
  readonly loads: number;
}

/** The curve; the shape of `--json`. */
export interface MrcSummary {
  readonly references: number;
  readonly unit: number;
  readonly units: number;
  /** Bytes of all units. */
  readonly footprint: number;
  /** Share of the units that were looked at for LRU. */
  readonly rate: number;
  /** What the ratios of LRU may be off by, with 99.9 % confidence; 0: exact. */
  readonly bound: number;
  readonly points: readonly MrcPoint[];
  /** The size from which on more helps little; null: the curve has no bend. */
  readonly knee: MrcPoint | null;
  readonly workingSet: readonly WorkingSet[];
}

/** Makes the curve. Throws as `readWorkload` does, and a `UsageError`. */
export async function missRatioCurve(request: MrcRequest): Promise<MrcSummary> {
  const { file, input, granule, readAhead } = request;
  const unit = readAhead === undefined ? granule : Math.max(granule, readAhead);
  const names = nameRules(input.server, input.map);
  const workload = readWorkload(file, recordingOptions(input));
  const references = await referencesOf(workload, file, unit, names);
  const curve = curveOf(references, request);
  const points = curve.points.map((point) => ({
    ...point,
    bytes: point.size * unit,
    loads: Math.round(point.lru * curve.references) * unit,
  }));
  const knee = kneeOf(curve.points);
  return {
    references: curve.references,
    unit,
    units: references.count,
    footprint: references.count * unit,
    rate: curve.rate,
    bound: curve.bound,
    points,
    knee: points.find(({ size }) => size === knee?.size) ?? null,
    workingSet: workingSets(references.units, references.count, STRETCHES),
  };
}

function curveOf({ units, count }: References, { sample, exact }: MrcRequest): MissRatioCurve {
  if (sample !== undefined) return sampledCurve(units, count, sample);
  if (exact || units.length <= EXACT_MAX) return exactCurve(units, count);
  const rate = Math.min(1, SAMPLE_PAGES / count, EXACT_MAX / units.length);
  return units.length <= LRU_EXACT_MAX
    ? mixedCurve(units, count, rate)
    : sampledCurve(units, count, rate);
}

/** The curve as text. */
export function* mrcLines(found: MrcSummary): Generator<string> {
  const { references, unit, units, footprint, rate, bound, points, knee } = found;
  const of = rate === 1 ? 'exact' : `${(100 * rate).toPrecision(3)} % of the units sampled`;
  yield `${formatCount(references)} references to ${formatCount(units)} units of ${formatBytes(unit)} (${formatBytes(footprint)}), ${of}`;
  if (bound > 0)
    yield `  ratios of LRU are within ${(100 * bound).toFixed(1)} points, with 99.9 % confidence`;
  const series = (name: string, mark: string, of: (point: MrcPoint) => number) => ({
    name,
    mark,
    points: points.map((point) => ({ x: point.bytes, y: 100 * of(point) })),
  });
  yield* plotLines(
    [
      series('optimum', '.', ({ optimum }) => optimum),
      series('CLOCK', 'o', ({ clock }) => clock),
      series('LRU', '*', ({ lru }) => lru),
    ],
    { x: formatBytes, y: (value) => `${value.toFixed(1)} %`, logX: true },
  );
  if (knee === null)
    yield 'The curve has no knee: each size helps as much as the one before, or none helps.';
  else {
    const { bytes, lru } = knee;
    yield `Knee: a cache of ${formatBytes(bytes)} misses ${(100 * lru).toFixed(1)} % (LRU); more room helps little.`;
  }
  const largest = Math.max(...found.workingSet.map(({ pages }) => pages));
  yield `Working set: at most ${formatBytes(largest * unit)} in each twentieth of the references.`;
}

/** The curve as a table. */
export function mrcTable({ points }: MrcSummary): Table {
  return {
    capture: null,
    columns: [
      { name: 'bytes', doc: 'Size of the cache.', unit: 'bytes' },
      { name: 'lru', doc: 'Share of references that miss with LRU.', unit: 'ratio' },
      { name: 'clock', doc: 'The same with CLOCK.', unit: 'ratio' },
      { name: 'optimum', doc: 'The same with the best choice there is (Belady).', unit: 'ratio' },
      { name: 'loads', doc: 'Bytes that LRU loads.', unit: 'bytes' },
    ],
    rows: points.map(({ bytes, lru, clock, optimum, loads }) => ({
      ...{ bytes, lru, clock, optimum, loads },
    })),
  };
}
