/**
 * Which block a random operation takes: fio's distributions. The formulas are those of the
 * literature (zipf: Gray et al., "Quickly generating billion-record synthetic databases"; pareto:
 * self-similar; normal: sum of uniform variables), scattered over the file by a multiplication, as
 * fio's are, so that hot blocks are not neighbours.
 */
import type { Prng } from '../../sim/prng.js';

/** A part of the file and how much of the accesses it gets, percent. */
export interface Zone {
  readonly accesses: number;
  readonly size: number;
}

/** `random_distribution`. */
export type Distribution =
  | { readonly kind: 'random' }
  | { readonly kind: 'zipf'; readonly theta: number; readonly center: number | undefined }
  | { readonly kind: 'pareto'; readonly h: number; readonly center: number | undefined }
  | { readonly kind: 'normal'; readonly deviation: number; readonly center: number | undefined }
  | { readonly kind: 'zoned'; readonly zones: readonly Zone[] }
  /** Sizes of the zones are bytes. */
  | { readonly kind: 'zoned_abs'; readonly zones: readonly Zone[] };

/** Terms of the zeta sum at most: beyond, the sum hardly grows. */
const TERMS_MAX = 10_000_000;
/** 2^64 divided by the golden ratio: scatters neighbours. */
const SCATTER = 0x61c8864680b583ebn;
const MASK = 0xffff_ffff_ffff_ffffn;
const NORMAL_TERMS = 12;

function scattered(value: number, count: number): number {
  return Number(((BigInt(value) * SCATTER) & MASK) % BigInt(count));
}

/** Draws blocks [0, count) of one file. */
export function blockDrawer(
  distribution: Exclude<Distribution, { kind: 'random' | 'zoned' | 'zoned_abs' }>,
  count: number,
  prng: Prng,
): () => number {
  const { center } = distribution;
  const rank = rankDrawer(distribution, count, prng);
  const shift = shiftOf(distribution.kind, center, count, prng);
  return () => (scattered(rank(), count) + shift) % count;
}

function shiftOf(kind: string, center: number | undefined, count: number, prng: Prng): number {
  if (kind === 'normal') {
    const off = center === undefined ? 0 : Math.trunc(count * (center - 0.5));
    return ((off % count) + count) % count;
  }
  return center === undefined ? prng.below(count) : Math.trunc(count * center) % count;
}

function rankDrawer(
  distribution: Parameters<typeof blockDrawer>[0],
  count: number,
  prng: Prng,
): () => number {
  if (distribution.kind === 'zipf') return zipf(distribution.theta, count, prng);
  if (distribution.kind === 'pareto') {
    const power = Math.log(distribution.h) / Math.log(1 - distribution.h);
    return () => Math.floor((count - 1) * prng.float() ** power);
  }
  return normal(distribution.deviation, count, prng);
}

function zipf(theta: number, count: number, prng: Prng): () => number {
  let zeta = 0;
  for (let i = 1; i <= Math.min(count, TERMS_MAX); i++) zeta += i ** -theta;
  const zeta2 = 1 + 0.5 ** theta;
  const alpha = 1 / (1 - theta);
  const eta = (1 - (2 / count) ** (1 - theta)) / (1 - zeta2 / zeta);
  return () => {
    const u = prng.float();
    const scaled = u * zeta;
    if (scaled < 1) return 0;
    if (scaled < zeta2) return Math.min(1, count - 1);
    return Math.min(count - 1, Math.floor(count * (eta * u - eta + 1) ** alpha));
  };
}

function normal(percent: number, count: number, prng: Prng): () => number {
  const spread = Math.min(Math.ceil((count * percent) / 100), Math.floor(count / 2));
  return () => {
    let sum = 0;
    for (let i = 0; i < NORMAL_TERMS; i++) sum += prng.below(count + 1);
    const middle = Math.ceil(sum / NORMAL_TERMS);
    if (spread === 0) return middle % count;
    let shift = Math.trunc(spread * prng.float()) - Math.trunc(spread / 2);
    while (shift + middle >= count) shift = Math.trunc(shift / 2);
    return Math.max(0, middle + shift) % count;
  };
}

/** Blocks [first, first + count) of the zone that the next access goes to. */
export function zoneDrawer(
  zones: readonly Zone[],
  count: number,
  blockBytes: number | undefined,
  prng: Prng,
): () => { first: number; count: number } {
  let at = 0;
  const unit = blockBytes === undefined ? count / 100 : 1 / blockBytes;
  const parts = zones.map(({ accesses, size }) => {
    const first = Math.min(count - 1, Math.floor(at * unit));
    at += size;
    const end = Math.min(count, Math.floor(at * unit));
    return { accesses, first, count: Math.max(1, end - first) };
  });
  return () => {
    let draw = 1 + prng.below(100);
    for (const part of parts) {
      draw -= part.accesses;
      if (draw <= 0) return part;
    }
    return parts.at(-1) as (typeof parts)[number];
  };
}
