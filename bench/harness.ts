/**
 * Contests: the same work done by several contestants on the same machine, in interleaved rounds
 * (A B A B), as medians and ratios. Called by bench/main.ts; contests stand in files beside it.
 *
 * Ratios are taken within a round and the median is over those, so that a machine that is slow for
 * a while slows both. Preparing and verifying is outside of what is timed.
 */
import { wallMs } from '../src/core/sim/clock.js';

/** What one run gave. What is absent is not told. */
export interface Measured {
  /** Milliseconds as the contestant measured them itself; absent: the harness's stopwatch counts. */
  readonly ms?: number;
  /** Most memory its process held, MiB. */
  readonly peakMiB?: number;
}

/** One of those who do the work. */
export interface Contestant {
  readonly name: string;
  /** Why it cannot take part here (a tool that is not installed); it is then named and left out. */
  readonly missing?: string | null;
  /** Before each run, not timed. */
  prepare?(): void | Promise<void>;
  /** The work. */
  run(): undefined | Measured | Promise<undefined | Measured>;
  /** After each run, not timed: throws unless the work was done. */
  verify(): void | Promise<void>;
}

/** What is asked: `faster` takes at most 1/`atLeast` of the time of `than`. */
export interface Goal {
  readonly faster: string;
  readonly than: string;
  readonly atLeast: number;
}

/** A contest, ready to run. */
export interface Contest {
  readonly name: string;
  /** What is done, with the sizes that apply. */
  readonly what: string;
  readonly contestants: readonly Contestant[];
  readonly goals?: readonly Goal[];
}

/** Where a contest is set up. */
export interface Setting {
  /** A folder for inputs and results, removed at the end. */
  readonly folder: string;
  /** A size by name: as asked with --set, else `short` in the short form, else `full`. */
  size(name: string, full: number, short: number): number;
}

/** A contest that can be asked for. */
export interface ContestSource {
  readonly name: string;
  readonly doc: string;
  /** Makes the inputs; null where nothing of it can be done here. */
  setUp(setting: Setting): Contest | Promise<Contest>;
}

/** A middle value with its extremes. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** How one contestant did. */
export interface ContestantResult {
  readonly name: string;
  readonly missing: string | null;
  /** Milliseconds; null when it did not take part. */
  readonly ms: Spread | null;
  readonly peakMiB: number | null;
}

/** How a goal was met; `ratio` is null when one of the two did not take part. */
export interface GoalResult extends Goal {
  readonly ratio: Spread | null;
  readonly met: boolean | null;
}

/** The outcome of a contest. */
export interface ContestResult {
  readonly name: string;
  readonly what: string;
  readonly rounds: number;
  readonly contestants: readonly ContestantResult[];
  readonly goals: readonly GoalResult[];
}

/** Median and extremes; of an even number the upper of the middle two. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (i: number): number => sorted[i] as number;
  return { median: at(sorted.length >> 1), min: at(0), max: at(sorted.length - 1) };
}

/** Runs a contest; `clock` gives milliseconds. Whatever a contestant throws ends it. */
export async function runContest(
  { name, what, contestants, goals = [] }: Contest,
  rounds: number,
  clock: () => number = wallMs,
): Promise<ContestResult> {
  const present = contestants.filter(({ missing }) => !missing);
  const runs = new Map(present.map((each) => [each.name, [] as Required<Measured>[]]));
  for (let round = 0; round < rounds; round++) {
    for (const each of present) {
      await each.prepare?.();
      const started = clock();
      const own = (await each.run()) ?? {};
      const ms = own.ms ?? clock() - started;
      await each.verify();
      runs.get(each.name)?.push({ ms, peakMiB: own.peakMiB ?? 0 });
    }
  }
  return {
    name,
    what,
    rounds,
    contestants: contestants.map(({ name: of, missing }) => ({
      name: of,
      missing: missing ?? null,
      ...summary(runs.get(of) ?? []),
    })),
    goals: goals.map((goal) => judged(goal, runs.get(goal.faster), runs.get(goal.than))),
  };
}

function summary(runs: readonly Required<Measured>[]) {
  if (runs.length === 0) return { ms: null, peakMiB: null };
  const peak = Math.max(...runs.map(({ peakMiB }) => peakMiB));
  return { ms: spread(runs.map(({ ms }) => ms)), peakMiB: peak || null };
}

function judged(
  goal: Goal,
  own: readonly Measured[] | undefined,
  other: readonly Measured[] | undefined,
): GoalResult {
  if (!own?.length || !other?.length) return { ...goal, ratio: null, met: null };
  const ratio = spread(own.map(({ ms = 0 }, i) => (other[i]?.ms ?? 0) / ms));
  return { ...goal, ratio, met: ratio.median >= goal.atLeast };
}

/** A result as text for people. */
export function formatResult({ name, what, rounds, contestants, goals }: ContestResult): string[] {
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(ms < 1000 ? 3 : 2)} s`;
  const widest = Math.max(...contestants.map((each) => each.name.length));
  const rows = contestants.map(({ name: of, missing, ms, peakMiB }) => {
    const label = `  ${of.padEnd(widest)}  `;
    if (ms === null) return `${label}missing: ${missing}`;
    const memory = peakMiB === null ? '' : `  ${Math.round(peakMiB)} MiB`;
    return `${label}${seconds(ms.median)}  (${seconds(ms.min)} - ${seconds(ms.max)})${memory}`;
  });
  const judged = goals.map(({ faster, than, atLeast, ratio, met }) => {
    const wanted = `${faster} against ${than}, asked ${atLeast.toFixed(2)}x`;
    if (ratio === null) return `  ${wanted}: not measured`;
    const range = `${ratio.min.toFixed(2)} - ${ratio.max.toFixed(2)}`;
    return `  ${wanted}: ${ratio.median.toFixed(2)}x (${range}) ${met ? 'met' : 'MISSED'}`;
  });
  return [`${name}: ${what}; ${rounds} rounds`, ...rows, ...judged];
}
