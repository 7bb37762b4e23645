/** What a run did, in the shape of `--json`, and as the text a person reads at a glance. */
import { formatBytes, formatCount, formatNs, formatRate } from '../../base/units.js';
import type { Unwritten } from '../../lab/lab.js';
import type { CacheSummary } from './cache_use.js';

/** Latency of operations, nanoseconds. */
export interface Percentiles {
  readonly min: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** The outcome of one workload. Bytes, and nanoseconds of the run's clock. */
export interface PhaseSummary {
  readonly profile: string;
  readonly clock: 'virtual' | 'real';
  readonly seed: number;
  readonly workload: string;
  readonly jobs: number;
  readonly elapsedNs: number;
  readonly reads: {
    readonly ops: number;
    /** Reads that needed neither I/O nor sleep. */
    readonly hits: number;
    readonly bytes: number;
    readonly latencyNs: Percentiles | null;
  };
  readonly writes: {
    readonly ops: number;
    readonly bytes: number;
    readonly latencyNs: Percentiles | null;
  };
  /** Requests by kind. */
  readonly requests: Readonly<Record<'READAHEAD' | 'READPAGE' | 'WRITEBEGN', number>>;
  /** Bytes obtained by requests, by source. */
  readonly sources: Readonly<Record<'ZERO' | 'DOWN' | 'READ', number>>;
  /** What the server counted. */
  readonly server: {
    readonly fetches: number;
    readonly bytes: number;
    readonly stores: number;
    readonly storedBytes: number;
    /** Times that a file's status was asked for, and promises to tell of changes broken. */
    readonly statuses: number;
    readonly breaks: number;
    readonly maxInService: number;
  };
  /** Bytes sent by the server per byte read by the application; null when nothing was read. */
  readonly amplification: number | null;
  /** What the disk cache was good for; null without one. */
  readonly cache: CacheSummary | null;
  /** The statistics as the profile's kernel prints them. */
  readonly stats: string;
  readonly verified: { readonly ops: number; readonly bytes: number } | null;
  readonly interrupted: boolean;
  /** What ended jobs early. */
  readonly errors: readonly unknown[];
}

/** The outcome of a run. */
export interface RunSummary extends PhaseSummary {
  /** The database, null without a trace. */
  readonly capture: string | null;
  readonly trace: { readonly events: number; readonly lost: number; readonly finishMs: number };
  /** What was written and did not reach the server before the end. */
  readonly unwritten: readonly Unwritten[];
}

/** The summary of a run as lines. */
export function* summaryLines(run: RunSummary): Generator<string> {
  const jobs = run.jobs === 1 ? '1 job' : `${run.jobs} jobs`;
  yield `${run.workload}, ${jobs}, ${run.profile}, ${run.clock} clock, seed ${run.seed}`;
  yield* phaseLines(run);
  yield* statsLines(run.stats);
  yield* traceLines(run);
}

/** What one workload did, as lines. */
export function* phaseLines(phase: PhaseSummary): Generator<string> {
  const { reads, writes, requests, sources, server } = phase;
  if (reads.ops > 0 || writes.ops === 0) yield* readLines(phase);
  if (writes.ops > 0) yield* writeLines(phase);
  yield row('requests', kinds(requests, formatCount));
  yield row('sources', kinds(sources, formatBytes));
  yield row('server', [
    `${formatCount(server.fetches + server.stores)} operations`,
    formatBytes(server.bytes),
    `at most ${server.maxInService} at once`,
    phase.amplification === null
      ? 'nothing read'
      : `${phase.amplification.toFixed(3)} x what was read`,
  ]);
  if (phase.cache !== null) yield* cacheLines(phase.cache);
  if (phase.verified !== null) {
    const { ops, bytes } = phase.verified;
    const good = writes.ops > 0 ? 'what was written or is in the files' : 'the files';
    yield row('verified', [`${formatCount(ops)} reads`, `${formatBytes(bytes)} equal to ${good}`]);
  }
}

function* readLines({ reads, elapsedNs }: PhaseSummary): Generator<string> {
  yield row('read', [
    `${formatBytes(reads.bytes)} in ${formatNs(elapsedNs)}`,
    formatRate(reads.bytes, elapsedNs),
    `${formatCount(reads.ops)} reads`,
    `${perSecond(reads.ops, elapsedNs)} IOPS`,
    `${share(reads.hits, reads.ops)} without waiting`,
  ]);
  yield* latencyLine(reads.latencyNs);
}

function* writeLines({ writes, server, elapsedNs }: PhaseSummary): Generator<string> {
  yield row('write', [
    `${formatBytes(writes.bytes)} in ${formatNs(elapsedNs)}`,
    formatRate(writes.bytes, elapsedNs),
    `${formatCount(writes.ops)} writes`,
    `${perSecond(writes.ops, elapsedNs)} IOPS`,
    `${formatCount(server.stores)} stores of ${formatBytes(server.storedBytes)}`,
  ]);
  yield* latencyLine(writes.latencyNs);
}

function* latencyLine(latency: Percentiles | null): Generator<string> {
  if (latency === null) return;
  const { min, p50, p90, p99, p999, max } = latency;
  const named = { min, p50, p90, p99, 'p99.9': p999, max };
  yield row('latency', kinds(named, formatNs));
}

function* cacheLines(cache: CacheSummary): Generator<string> {
  const { hitRate, application, requests, subrequests, device } = cache;
  const all = [
    ['application bytes', hitRate.applicationBytes, kinds(application, formatBytes)],
    ['requests', hitRate.requests, kinds(requests, formatCount)],
    ['subrequests', hitRate.subrequests, kinds(subrequests, formatCount)],
    ['device bytes', hitRate.deviceBytes, kinds(device, formatBytes)],
  ] as const;
  for (const [what, rate, parts] of all) {
    const percent = rate === null ? 'nothing to hit' : `${(100 * rate).toFixed(1)} % hit`;
    yield row('cache', [`${what}: ${percent}`, ...parts]);
  }
  yield row('cache', [
    ...(cache.directBytes > 0 ? [`${formatBytes(cache.directBytes)} read directly`] : []),
    `${formatBytes(cache.storedBytes)} stored`,
    `${formatBytes(cache.bypassedBytes)} bypassed`,
    `${formatBytes(cache.unusedBytes)} fetched and not used`,
    `${formatCount(cache.culled)} objects culled`,
    `${formatCount(cache.checksumFailures)} wrong checksums`,
    `${formatCount(cache.disagreements)} disagreements`,
  ]);
}

/** The statistics as the kernel prints them, as lines. */
export function* statsLines(stats: string): Generator<string> {
  for (const line of stats.trimEnd().split('\n')) yield row('stats', [line]);
}

/** What became of the trace, as lines; none without a trace. */
export function* traceLines({
  capture,
  trace,
}: Pick<RunSummary, 'capture' | 'trace'>): Generator<string> {
  if (capture === null) return;
  yield row('trace', [
    `${formatCount(trace.events)} events`,
    `${formatCount(trace.lost)} lost`,
    `database finished ${formatNs(trace.finishMs * 1e6)} after the run`,
  ]);
}

function row(label: string, parts: readonly string[]): string {
  return `  ${label.padEnd(9)} ${parts.join(', ')}`;
}

function kinds(counts: Readonly<Record<string, number>>, format: (value: number) => string) {
  return Object.entries(counts).map(([name, value]) => `${name} ${format(value)}`);
}

function share(part: number, whole: number): string {
  return whole === 0 ? '0 %' : `${((100 * part) / whole).toFixed(1)} %`;
}

function perSecond(count: number, ns: number): string {
  return ns === 0 ? 'unlimited' : formatCount(Math.round((count / ns) * 1e9));
}
