/**
 * What fio jobs came to, as fio prints it and in the shape of its `--output-format=json`, so that
 * scripts that read fio's results read these.
 */

import type { BlockSizes, FioJob } from '../../workload/fio/job.js';
import type { FioCounts, FioRun } from '../../workload/fio/run_job.js';
import type { FioOutcome } from './fio_run.js';

const PERCENTILES = [1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99, 99.5, 99.9, 99.95, 99.99];
/** The version of fio whose output this is shaped after. */
const VERSION = 'fio-3.33';

/** Sums of one direction of one or several clones. */
interface Sums {
  readonly ios: number;
  readonly bytes: number;
  readonly shortIos: number;
  /** Milliseconds. */
  readonly runtime: number;
  readonly counts: readonly FioCounts[];
}

function sumsOf(runs: readonly FioRun[], of: (run: FioRun) => FioCounts): Sums {
  const counts = runs.map(of);
  const sum = (each: (counts: FioCounts) => number) =>
    counts.reduce((all, one) => all + each(one), 0);
  const bytes = sum((one) => one.bytes);
  return {
    counts,
    bytes,
    ios: sum((one) => one.ios),
    shortIos: sum((one) => one.shortIos),
    runtime: bytes === 0 ? 0 : Math.max(1, Math.round(spanNs(runs) / 1e6)),
  };
}

function spanNs(runs: readonly FioRun[]): number {
  const start = Math.min(...runs.map(({ startNs }) => startNs));
  return Math.max(0, Math.max(...runs.map(({ endNs }) => endNs)) - start);
}

interface Moments {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly stddev: number;
  readonly N: number;
}

function momentsOf({ counts }: Pick<Sums, 'counts'>): Moments {
  const used = counts.filter(({ ios }) => ios > 0);
  const N = used.reduce((sum, { ios }) => sum + ios, 0);
  if (N === 0) return { min: 0, max: 0, mean: 0, stddev: 0, N: 0 };
  const mean = used.reduce((sum, { ios, latency }) => sum + latency.mean * ios, 0) / N;
  const squares = used.reduce((sum, one) => sum + one.squares, 0);
  return {
    min: Math.min(...used.map(({ latency }) => latency.min)),
    max: Math.max(...used.map(({ latency }) => latency.max)),
    mean,
    stddev: Math.sqrt(Math.max(0, squares / N - mean * mean)),
    N,
  };
}

function merged({ counts }: Pick<Sums, 'counts'>) {
  const [first, ...rest] = counts;
  if (first === undefined) return undefined;
  const all = first.reset();
  for (const one of [first, ...rest]) if (one.ios > 0) all.latency.add(one.latency);
  return all.latency;
}

function percentilesOf(sums: Pick<Sums, 'counts'>): Record<string, number> {
  const latency = merged(sums);
  return Object.fromEntries(
    PERCENTILES.map((percent) => [percent.toFixed(6), latency?.percentile(percent) ?? 0]),
  );
}

// Bandwidth of each half second: fio's samples.
function samplesOf({ counts }: Sums) {
  const length = Math.max(0, ...counts.map(({ samples }) => samples.length));
  // The last one is not whole.
  const whole = Math.max(0, length - 1);
  const kib = Array.from(
    { length: whole },
    (_, i) => (counts.reduce((sum, { samples }) => sum + (samples[i] ?? 0), 0) * 2) / 1024,
  );
  const mean = kib.length === 0 ? 0 : kib.reduce((sum, value) => sum + value, 0) / kib.length;
  const squares = kib.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    min: kib.length === 0 ? 0 : Math.floor(Math.min(...kib)),
    max: kib.length === 0 ? 0 : Math.ceil(Math.max(...kib)),
    mean,
    dev: kib.length === 0 ? 0 : Math.sqrt(squares / kib.length),
    samples: kib.length,
  };
}

function directionJson(sums: Sums): Record<string, unknown> {
  const { ios, bytes, shortIos, runtime } = sums;
  const perSecond = (value: number): number => (runtime === 0 ? 0 : (value * 1000) / runtime);
  const none = { min: 0, max: 0, mean: 0, stddev: 0, N: 0 };
  const moments = momentsOf(sums);
  const samples = samplesOf(sums);
  const share = ios === 0 ? 0 : bytes / ios / 1024;
  const iops = (kib: number): number => (share === 0 ? 0 : kib / share);
  return {
    io_bytes: bytes,
    io_kbytes: Math.floor(bytes / 1024),
    bw_bytes: Math.floor(perSecond(bytes)),
    bw: Math.floor(perSecond(bytes) / 1024),
    iops: round(perSecond(ios)),
    runtime,
    total_ios: ios,
    short_ios: shortIos,
    drop_ios: 0,
    slat_ns: none,
    clat_ns: ios === 0 ? none : { ...moments, percentile: percentilesOf(sums) },
    lat_ns: moments,
    bw_min: samples.min,
    bw_max: samples.max,
    bw_agg: samples.samples === 0 ? 0 : 100,
    bw_mean: round(samples.mean),
    bw_dev: round(samples.dev),
    bw_samples: samples.samples,
    iops_min: Math.floor(iops(samples.min)),
    iops_max: Math.ceil(iops(samples.max)),
    iops_mean: round(iops(samples.mean)),
    iops_stddev: round(iops(samples.dev)),
    iops_samples: samples.samples,
  };
}

function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

const DEPTHS = [1, 2, 4, 8, 16, 32, 64] as const;
const NAMES_NS = ['2', '4', '10', '20', '50', '100', '250', '500', '750', '1000'] as const;

function depthLevels(depth: number): Record<string, number> {
  const level = DEPTHS.findLast((each) => each <= depth) ?? 1;
  return Object.fromEntries(
    DEPTHS.map((each) => [each === 64 ? '>=64' : String(each), each === level ? 100 : 0]),
  );
}

function batchLevels(): Record<string, number> {
  return { 0: 0, 4: 100, 8: 0, 16: 0, 32: 0, 64: 0, '>=64': 0 };
}

// Percent of the operations whose latency is in each of fio's bins.
function latencyBins(sums: Pick<Sums, 'counts'>, ios: number) {
  const latency = merged(sums);
  const bins = (unit: number, names: readonly string[]): Record<string, number> => {
    let before = unit === 1 ? 0 : (latency?.countUpTo(unit - 1) ?? 0);
    return Object.fromEntries(
      names.map((name) => {
        const upTo = name.startsWith('>=')
          ? ios
          : (latency?.countUpTo(Number(name) * unit - 1) ?? 0);
        const share = ios === 0 ? 0 : round((100 * (upTo - before)) / ios);
        before = upTo;
        return [name, Math.max(0, share)];
      }),
    );
  };
  return {
    latency_ns: bins(1, NAMES_NS),
    latency_us: bins(1e3, NAMES_NS),
    latency_ms: bins(1e6, [...NAMES_NS, '2000', '>=2000']),
  };
}

/** Clones that are reported as one: all of a group with `group_reporting`, else each by itself. */
function reported({ runs }: FioOutcome): readonly (readonly FioRun[])[] {
  const rows: FioRun[][] = [];
  for (const run of runs) {
    const last = rows.at(-1)?.[0];
    const together =
      last !== undefined &&
      run.spec.job.groupReporting &&
      last.spec.job.group === run.spec.job.group;
    if (together) rows.at(-1)?.push(run);
    else rows.push([run]);
  }
  return rows;
}

function errorOf(runs: readonly FioRun[]): number {
  const error = runs.find((run) => run.error !== undefined)?.error as
    | { errno?: number }
    | undefined;
  return error === undefined ? 0 : Math.abs(error.errno ?? 84);
}

function jobJson(runs: readonly FioRun[]): Record<string, unknown> {
  const [first] = runs as readonly [FioRun];
  const { job } = first.spec;
  const read = sumsOf(runs, (run) => run.read);
  const write = sumsOf(runs, (run) => run.write);
  const sync = sumsOf(runs, (run) => run.sync);
  const ms = Math.round(spanNs(runs) / 1e6);
  const both = { counts: [...read.counts, ...write.counts] };
  return {
    jobname: job.name,
    groupid: job.group,
    error: errorOf(runs),
    eta: 0,
    elapsed: Math.ceil(ms / 1000),
    'job options': job.given,
    read: directionJson(read),
    write: directionJson(write),
    trim: directionJson({ ...read, ios: 0, bytes: 0, shortIos: 0, runtime: 0, counts: [] }),
    sync: {
      total_ios: sync.ios,
      lat_ns:
        sync.ios === 0 ? momentsOf(sync) : { ...momentsOf(sync), percentile: percentilesOf(sync) },
    },
    job_runtime: ms,
    usr_cpu: 0,
    sys_cpu: 0,
    ctx: 0,
    majf: 0,
    minf: 0,
    iodepth_level: depthLevels(job.iodepth),
    iodepth_submit: batchLevels(),
    iodepth_complete: batchLevels(),
    ...latencyBins(both, read.ios + write.ios),
    latency_depth: job.iodepth,
    latency_target: 0,
    latency_percentile: 100,
    latency_window: 0,
  };
}

/** The outcome in the shape of fio's JSON. */
export function fioJson(outcome: FioOutcome): Record<string, unknown> {
  const { epochMs, elapsedNs } = outcome;
  const ms = epochMs + Math.round(elapsedNs / 1e6);
  return {
    'fio version': VERSION,
    timestamp: Math.floor(ms / 1000),
    timestamp_ms: ms,
    time: new Date(ms).toUTCString(),
    'global options': {},
    jobs: reported(outcome).map(jobJson),
    disk_util: [],
  };
}

// ---- text ----

const KIB = 1024;

function sized(bytes: number, base: number, units: readonly string[]): string {
  let value = bytes;
  let unit = 0;
  while (value >= base * 9.9995 && unit < units.length - 1 && value >= 10_000) {
    value /= base;
    unit++;
  }
  while (value >= base && unit < units.length - 1) {
    value /= base;
    unit++;
  }
  const digits = unit === 0 ? 0 : value < 10 ? 2 : value < 100 ? 1 : 0;
  return `${value.toFixed(digits)}${units[unit]}`;
}

const binary = (bytes: number): string => sized(bytes, KIB, ['B', 'KiB', 'MiB', 'GiB', 'TiB']);
const decimal = (bytes: number): string => sized(bytes, 1000, ['B', 'kB', 'MB', 'GB', 'TB']);

function iopsText(iops: number): string {
  if (iops < 10_000) return iops < 100 ? iops.toFixed(0) : String(Math.floor(iops));
  return iops < 1e6 ? `${(iops / 1000).toFixed(1)}k` : `${(iops / 1e6).toFixed(1)}M`;
}

function unitOf(moments: Moments): readonly [name: string, ns: number] {
  if (moments.min > 2e6 && moments.max > 99_999_000) return ['msec', 1e6];
  return moments.min > 2000 && moments.max > 99_999 ? ['usec', 1e3] : ['nsec', 1];
}

function* latencyLines(label: string, moments: Moments): Generator<string> {
  const [unit, ns] = unitOf(moments);
  const max = moments.max / ns;
  const shownMax = max >= 10_000 ? `${Math.round(max / 1000)}k` : String(Math.round(max));
  const { min, mean, stddev } = moments;
  yield `    ${label.padStart(4)} (${unit}): min=${Math.round(min / ns)}, max=${shownMax}, avg=${(mean / ns).toFixed(2)}, stdev=${(stddev / ns).toFixed(2)}`;
}

function* percentileLines(sums: Sums): Generator<string> {
  const [unit, ns] = unitOf(momentsOf(sums));
  const values = Object.entries(percentilesOf(sums)).map(
    ([percent, value]) => [Number(percent), Math.round(value / ns)] as const,
  );
  const width = Math.max(5, ...values.map(([, value]) => String(value).length));
  yield `    clat percentiles (${unit}):`;
  for (let at = 0; at < values.length; at += 4) {
    const row = values.slice(at, at + 4).map(([percent, value]) => {
      return `${percent.toFixed(2).padStart(5)}th=[${String(value).padStart(width)}]`;
    });
    yield `     | ${row.join(', ')}${at + 4 < values.length ? ',' : ''}`;
  }
}

function* directionLines(label: string, sums: Sums): Generator<string> {
  if (sums.ios === 0) return;
  const { ios, bytes, runtime } = sums;
  const rate = (bytes * 1000) / runtime;
  const iops = (ios * 1000) / runtime;
  yield `  ${label}: IOPS=${iopsText(iops)}, BW=${binary(rate)}/s (${decimal(rate)}/s)(${binary(bytes)}/${runtime}msec)`;
  yield* latencyLines('clat', momentsOf(sums));
  yield* latencyLines('lat', momentsOf(sums));
  yield* percentileLines(sums);
  const { min, max, mean, dev, samples } = samplesOf(sums);
  if (samples === 0) return;
  const text = `min=${min}, max=${max}, per=100.00%, avg=${mean.toFixed(2)}, stdev=${dev.toFixed(2)}`;
  yield `   bw (  KiB/s): ${text}, samples=${samples}`;
}

function sizes({ min, max }: BlockSizes): string {
  return `${binary(min)}-${binary(max)}`;
}

function header(job: FioJob): string {
  const { bs, engine, iodepth, name, group, given } = job;
  const blocks = `(R) ${sizes(bs.read)}, (W) ${sizes(bs.write)}, (T) ${sizes(bs.write)}`;
  return `${name}: (g=${group}): rw=${given.rw ?? 'read'}, bs=${blocks}, ioengine=${engine}, iodepth=${iodepth}`;
}

/** The outcome as fio prints it. */
export function* fioLines(outcome: FioOutcome): Generator<string> {
  const { plan, runs } = outcome;
  for (const job of plan.jobs) {
    yield header(job);
    if (job.numjobs > 1) yield '...';
  }
  yield `${VERSION} (shape of the output), played by netfslab`;
  const count = runs.length === 1 ? '1 job' : `${runs.length} jobs`;
  yield `Starting ${count}`;
  for (const group of reported(outcome)) {
    yield '';
    yield* jobLines(group);
  }
  yield* groupLines(outcome);
}

function* jobLines(runs: readonly FioRun[]): Generator<string> {
  const [first] = runs as readonly [FioRun];
  const { job } = first.spec;
  yield `${job.name}: (groupid=${job.group}, jobs=${runs.length}): err=${String(errorOf(runs)).padStart(2)}:`;
  const read = sumsOf(runs, (run) => run.read);
  const write = sumsOf(runs, (run) => run.write);
  const sync = sumsOf(runs, (run) => run.sync);
  yield* directionLines('read', read);
  yield* directionLines('write', write);
  if (sync.ios > 0) {
    yield '  fsync/fdatasync/sync_file_range:';
    yield* latencyLines('sync', momentsOf(sync));
  }
  const levels = Object.entries(depthLevels(job.iodepth));
  yield `  IO depths    : ${levels.map(([depth, share]) => `${depth}=${share.toFixed(1)}%`).join(', ')}`;
  const short = read.shortIos + write.shortIos;
  yield `     issued rwts: total=${read.ios},${write.ios},0,${sync.ios} short=${short},0,0,0 dropped=0,0,0,0`;
  const checked = runs.reduce((sum, { verified }) => sum + verified.ops, 0);
  if (checked > 0) yield `     verified   : ${checked} blocks`;
}

function* groupLines({ runs }: FioOutcome): Generator<string> {
  const groups = [...new Set(runs.map(({ spec }) => spec.job.group))];
  for (const group of groups) {
    const members = runs.filter(({ spec }) => spec.job.group === group);
    yield '';
    yield `Run status group ${group} (all jobs):`;
    for (const [label, of] of DIRECTIONS) {
      const sums = sumsOf(members, of);
      if (sums.ios === 0) continue;
      const each = members.map((run) => sumsOf([run], of)).filter(({ ios }) => ios > 0);
      const rates = each.map(({ bytes, runtime }) => (bytes * 1000) / runtime);
      const times = each.map(({ runtime }) => runtime);
      const rate = (sums.bytes * 1000) / sums.runtime;
      const [low, high] = [Math.min(...rates), Math.max(...rates)];
      yield `${label}: bw=${binary(rate)}/s (${decimal(rate)}/s), ${binary(low)}/s-${binary(high)}/s (${decimal(low)}/s-${decimal(high)}/s), io=${binary(sums.bytes)} (${decimal(sums.bytes)}), run=${Math.min(...times)}-${Math.max(...times)}msec`;
    }
  }
}

const DIRECTIONS = [
  ['   READ', (run: FioRun) => run.read],
  ['  WRITE', (run: FioRun) => run.write],
] as const;
