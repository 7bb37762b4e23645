/**
 * A plan of the swarm: everything that a run does, as plain data drawn from a seed. The player
 * (`player.ts`) does what the plan says; shrinking leaves parts of it out and plays the rest.
 */
import type { LabOptions } from '../../src/core/lab/options.js';
import { PROFILE_NAMES } from '../../src/core/lab/options.js';
import { Prng } from '../../src/core/sim/prng.js';
import { FEATURES } from './features.js';
import { OPS, type OpKind } from './ops.js';

/** Options of a lab, and of the world around it. */
export type Setup = Partial<LabOptions> & {
  /** False: the cache's filesystem does not keep when a file was made. */
  readonly births?: boolean;
  /** Every so many allocations of the helper fail. */
  readonly failEvery?: number | undefined;
  /** A look at what must not grow, at the end. */
  readonly probe?: string;
};

/** One operation: its kind and numbers whose meaning the kind knows. */
export interface Op {
  readonly kind: OpKind;
  /** It is started, and the next one does not wait for its end. */
  readonly bg?: boolean;
  readonly [argument: string]: number | boolean | string | undefined;
}

/** A feature that is on, and the options it drew. */
export interface Chosen {
  readonly name: string;
  readonly setup: Setup;
}

/** What a run does. */
export interface Plan {
  readonly seed: number;
  readonly profile: string;
  readonly clock: 'virtual' | 'real';
  /** Sizes of the files f0, f1, ... on the server, bytes. */
  readonly files: readonly number[];
  readonly features: readonly Chosen[];
  readonly ops: readonly Op[];
}

/** One in so many runs is on the real clock, with a cache on a real disk. */
const REAL_SHARE = 0.03;

/** The plan of a seed; the same seed gives the same plan. */
export function planOf(seed: number): Plan {
  const prng = new Prng(seed);
  // Neighbouring seeds begin alike.
  for (let i = 0; i < 4; i++) prng.next32();
  const profile = PROFILE_NAMES[prng.below(PROFILE_NAMES.length)] as string;
  const clock = prng.chance(REAL_SHARE) ? 'real' : 'virtual';
  const features: Chosen[] = [];
  const kinds = new Set<OpKind>();
  for (const row of FEATURES) {
    // Drawn in any case, so that a new row shifts nothing behind it.
    const own = prng.fork();
    const on = own.chance(row.share) && (row.fits?.({ profile, clock }) ?? true);
    if (!on) continue;
    features.push({ name: row.name, setup: row.setup?.(own, { profile, clock }) ?? {} });
    for (const kind of row.ops ?? []) kinds.add(kind);
  }
  const files = Array.from({ length: 1 + prng.below(4) }, () => drawSize(prng));
  const background = features.some(({ name }) => name === 'concurrency') ? 0.4 : 0;
  const table = [...kinds].map((kind) => ({ kind, weight: OPS[kind].weight }));
  const length = 8 + prng.below(40);
  const ops = Array.from({ length }, (): Op => {
    const kind = weighted(table, prng);
    const row = OPS[kind];
    const drawn = row.draw?.(prng, files) ?? {};
    return {
      kind,
      ...drawn,
      ...(row.background === true && prng.chance(background) && { bg: true }),
    };
  });
  return { seed, profile, clock, files, features, ops };
}

/** The plan without a feature: without its options, and without operations that no other allows. */
export function withoutFeature(plan: Plan, name: string): Plan {
  const features = plan.features.filter((feature) => feature.name !== name);
  const allowed = new Set(
    FEATURES.filter((row) => features.some((feature) => feature.name === row.name)).flatMap(
      (row) => row.ops ?? [],
    ),
  );
  return { ...plan, features, ops: plan.ops.filter(({ kind }) => allowed.has(kind)) };
}

function drawSize(prng: Prng): number {
  const largest = [1, 5000, 20_000, 60_000, 200_000][prng.below(5)] as number;
  return prng.chance(0.1) ? 0 : 1 + prng.below(largest);
}

function weighted(table: readonly { kind: OpKind; weight: number }[], prng: Prng): OpKind {
  let left = prng.below(table.reduce((sum, { weight }) => sum + weight, 0));
  for (const { kind, weight } of table) {
    left -= weight;
    if (left < 0) return kind;
  }
  throw new Error('no operation is allowed');
}
