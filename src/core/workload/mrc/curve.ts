/**
 * Miss-ratio curves: how many references miss at each cache size, for LRU, CLOCK and the optimum,
 * exact or from a sample of the pages (SHARDS: Waldspurger et al., FAST '15). Called by
 * `app/whatif/mrc.ts`.
 */
import { hashOf } from './page_ids.js';
import { clockMisses, nextUses, optimalMisses } from './policies.js';
import { StackDistances } from './stack_distance.js';

/** One size and what misses there, each a share of the references from 0 to 1. */
export interface CurvePoint {
  /** Pages. */
  readonly size: number;
  readonly lru: number;
  readonly clock: number;
  readonly optimum: number;
}

/** A curve. */
export interface MissRatioCurve {
  readonly references: number;
  /** Different pages; of a sample: estimated. */
  readonly pages: number;
  readonly points: readonly CurvePoint[];
  /** Share of the pages that were looked at. */
  readonly rate: number;
  /** What the ratios of LRU may be off by with 99.9 % confidence; 0: they are exact. */
  readonly bound: number;
}

/** Groups of a sample, from whose differences its error is known. */
const GROUPS = 16;
/** Student's t for 15 degrees of freedom, 99.9 %, both sides. */
const STUDENT = 4.073;
/** Scale of the hash that chooses pages. */
const HASHES = 2 ** 24;
const MASK = HASHES - 1;

/** Sizes to look at: `count` of them from one page to all, denser where they are small. */
function curveSizes(pages: number, count = 32): number[] {
  const sizes = new Set<number>();
  for (let i = 1; i <= count; i++) {
    sizes.add(Math.max(1, Math.round(pages ** (i / count))));
    sizes.add(Math.max(1, Math.round((pages * i) / count)));
  }
  return [...sizes].sort((a, b) => a - b);
}

/** Share of references that miss at each size, of the distances of LRU. */
function lruRatios(
  { histogram, references }: Pick<StackDistances, 'histogram' | 'references'>,
  sizes: readonly number[],
  scale = 1,
  total = references,
): number[] {
  const ratios: number[] = [];
  let hits = 0;
  let distance = 0;
  for (const size of sizes) {
    while (distance < histogram.length && (distance + 0.5) * scale <= size) {
      hits += histogram[distance++] as number;
    }
    ratios.push(total === 0 ? 0 : Math.min(1, Math.max(0, (references - hits) / total)));
  }
  return ratios;
}

/**
 * LRU exactly, CLOCK and the optimum from a share of the pages: of a long stream, where one pass is
 * affordable and one for each size is not.
 */
export function mixedCurve(references: Int32Array, pages: number, rate: number): MissRatioCurve {
  const sizes = curveSizes(pages);
  const sampled = sampledCurve(references, pages, rate, sizes);
  const distances = new StackDistances();
  for (const page of references) distances.add(page);
  const lru = lruRatios(distances, sizes);
  const points = sampled.points.map((point, i) => ({ ...point, lru: lru[i] as number }));
  return { ...sampled, points, rate: 1, bound: 0 };
}

/** The exact curve of a stream of page numbers below `pages`. */
export function exactCurve(
  references: Int32Array,
  pages: number,
  sizes: readonly number[] = curveSizes(pages),
): MissRatioCurve {
  const distances = new StackDistances();
  for (const page of references) distances.add(page);
  const lru = lruRatios(distances, sizes);
  const next = nextUses(references, pages);
  const total = Math.max(1, references.length);
  const points = sizes.map((size, i) => ({
    size,
    lru: lru[i] as number,
    clock: clockMisses(references, pages, size) / total,
    optimum: optimalMisses(references, next, pages, size) / total,
  }));
  return { references: references.length, pages, points, rate: 1, bound: 0 };
}

/**
 * The curve from a share `rate` of the pages, chosen by a hash of their number: distances among
 * them stand for distances that are 1/rate as long. The error is that of 16 parts of the sample
 * from one another.
 */
export function sampledCurve(
  references: Int32Array,
  pages: number,
  rate: number,
  sizes: readonly number[] = curveSizes(pages),
): MissRatioCurve {
  const limit = Math.max(1, Math.round(HASHES * rate));
  const share = limit / HASHES;
  const all = new StackDistances();
  const groups = Array.from({ length: GROUPS }, () => new StackDistances());
  const sample = new Int32Array(countSampled(references, limit));
  let taken = 0;
  for (const page of references) {
    const hash = hashOf(page) & MASK;
    if (hash >= limit) continue;
    all.add(page);
    groups[hashOf(page ^ 0x5bd1e995) & (GROUPS - 1)]?.add(page);
    sample[taken++] = page;
  }
  const scale = 1 / share;
  // The sample has more or fewer references than its share: the difference are hits of distance 0.
  const lru = adjusted(all, sizes, scale, references.length * share);
  const parts = groups.map((each) =>
    adjusted(each, sizes, scale * GROUPS, (references.length * share) / GROUPS),
  );
  const next = nextUses(sample, pages);
  const total = Math.max(1, references.length * share);
  const small = sizes.map((size) => Math.max(1, Math.round(size * share)));
  const points = sizes.map((size, i) => ({
    size,
    lru: lru[i] as number,
    clock: clamp(clockMisses(sample, pages, small[i] as number) / total),
    optimum: clamp(optimalMisses(sample, next, pages, small[i] as number) / total),
  }));
  const bound = boundOf(lru, parts, all.pages);
  return { references: references.length, pages, points, rate: share, bound };
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}

function countSampled(references: Int32Array, limit: number): number {
  let count = 0;
  for (const page of references) if ((hashOf(page) & MASK) < limit) count++;
  return count;
}

function adjusted(
  distances: StackDistances,
  sizes: readonly number[],
  scale: number,
  expected: number,
): number[] {
  const ratios = lruRatios(distances, sizes, scale, Math.max(1, distances.references));
  const misses = ratios.map((ratio) => ratio * distances.references);
  // SHARDS-adj: what is missing or too much is counted as hits.
  return misses.map((count) => clamp(count / Math.max(1, expected)));
}

// The spread of the parts at the size where it is widest; a sample of few pages adds its step.
function boundOf(lru: readonly number[], parts: readonly number[][], pages: number): number {
  let widest = 0;
  for (const [i, ratio] of lru.entries()) {
    const squares = parts.reduce((sum, part) => sum + ((part[i] as number) - ratio) ** 2, 0);
    widest = Math.max(widest, Math.sqrt(squares / (GROUPS - 1) / GROUPS));
  }
  return Math.min(1, STUDENT * widest + 1 / Math.sqrt(Math.max(1, pages)) / 4);
}

/**
 * The size from which on more room helps little: the point of the curve that lies furthest below
 * the line between its ends; undefined where the curve has no bend.
 */
export function kneeOf(points: readonly CurvePoint[]): CurvePoint | undefined {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || first.lru - last.lru < 0.05) return undefined;
  let best: CurvePoint | undefined;
  let deepest = 0.05;
  for (const point of points) {
    const x = (point.size - first.size) / (last.size - first.size);
    const y = (point.lru - last.lru) / (first.lru - last.lru);
    if (1 - x - y <= deepest) continue;
    deepest = 1 - x - y;
    best = point;
  }
  return best;
}

/** Different pages in one stretch of the references. */
export interface WorkingSet {
  /** References before it. */
  readonly from: number;
  readonly references: number;
  readonly pages: number;
  /** Pages that no stretch before it had. */
  readonly fresh: number;
}

/** The working set of `count` stretches of equal length. */
export function workingSets(references: Int32Array, pages: number, count: number): WorkingSet[] {
  const length = Math.max(1, Math.ceil(references.length / count));
  const seen = new Int32Array(pages).fill(-1);
  const sets: WorkingSet[] = [];
  for (let from = 0; from < references.length; from += length) {
    const end = Math.min(references.length, from + length);
    let [inside, fresh] = [0, 0];
    for (let i = from; i < end; i++) {
      const page = references[i] as number;
      const before = seen[page] as number;
      if (before < 0) fresh++;
      if (before < sets.length) inside++;
      seen[page] = sets.length;
    }
    sets.push({ from, references: end - from, pages: inside, fresh });
  }
  return sets;
}
