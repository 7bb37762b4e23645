/**
 * Whether values of one sample tend to be larger than those of another, without assuming how they
 * are distributed: the Mann-Whitney test with its normal approximation and correction for ties.
 * Called by app/trace/compare.ts.
 */

/** What came of a rank test. */
export interface RankTest {
  /** Probability that a value of the second is larger than one of the first; ties count half. */
  readonly larger: number;
  /** 95 % confidence interval of `larger`, by Hanley and McNeil. */
  readonly low: number;
  readonly high: number;
  /** How likely a difference as large is by chance, two-sided. */
  readonly p: number;
}

/** Compares two samples of at least one value each; both are sorted in place. */
export function rankTest(first: Float64Array, second: Float64Array): RankTest {
  first.sort();
  second.sort();
  const [n, m] = [first.length, second.length];
  const { wins, ties } = count(first, second);
  const larger = wins / (n * m);
  const total = n + m;
  const variance = ((n * m) / 12) * (total + 1 - ties / (total * Math.max(1, total - 1)));
  const z = variance > 0 ? (wins - (n * m) / 2) / Math.sqrt(variance) : 0;
  const spread = 1.96 * hanleyMcNeil(larger, n, m);
  return {
    larger,
    low: Math.max(0, larger - spread),
    high: Math.min(1, larger + spread),
    p: Math.min(1, 2 * upperTail(Math.abs(z))),
  };
}

/** Pairs in which the second is larger (ties half), and the sum over ties of t^3 - t. */
function count(first: Float64Array, second: Float64Array): { wins: number; ties: number } {
  let [i, j, wins, ties] = [0, 0, 0, 0];
  while (i < first.length || j < second.length) {
    const value = Math.min(
      first[i] ?? Number.POSITIVE_INFINITY,
      second[j] ?? Number.POSITIVE_INFINITY,
    );
    const [fromI, fromJ] = [i, j];
    while (first[i] === value) i++;
    while (second[j] === value) j++;
    const [same, others] = [i - fromI, j - fromJ];
    wins += others * (fromI + same / 2);
    const tied = same + others;
    ties += tied ** 3 - tied;
  }
  return { wins, ties };
}

function hanleyMcNeil(a: number, n: number, m: number): number {
  const q1 = a / (2 - a);
  const q2 = (2 * a * a) / (1 + a);
  const sum = a * (1 - a) + (m - 1) * (q1 - a * a) + (n - 1) * (q2 - a * a);
  return Math.sqrt(Math.max(0, sum) / (n * m));
}

/** 1 - Phi(z) for z >= 0, by Abramowitz and Stegun 26.2.17 (error below 7.5e-8). */
function upperTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const poly =
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * poly;
}
