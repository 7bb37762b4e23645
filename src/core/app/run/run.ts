/**
 * The use case `run`: performs a workload on a lab, writes the capture, and says what happened.
 * Called by the command, the tour and the benchmarks.
 */
import { errnoText } from '../../base/errno.js';
import { UsageError } from '../../base/errors.js';
import { Lab } from '../../lab/lab.js';
import type { LabOptions } from '../../lab/options.js';
import { Prng } from '../../sim/prng.js';
import type { Strand } from '../../sim/scheduler.js';
import { printStats } from '../../trace/stats_layout.js';
import type { FileAdvice } from '../../vfs/types.js';
import { workloadByName } from '../../workload/index.js';
import { type EndedOp, Job, type JobSpec } from '../../workload/job.js';
import { LatencyHistogram } from '../../workload/latency.js';
import type { WorkloadFile } from '../../workload/types.js';
import { type TraceTarget, traceSink } from '../lab/trace_sink.js';
import { CacheUse } from './cache_use.js';
import { selectFiles } from './select_files.js';
import type { Percentiles, PhaseSummary, RunSummary } from './summary.js';
import { Verifier } from './verify.js';
import { WrittenBlocks } from './verify_writes.js';

/** Largest block, bytes. */
const BS_MAX = 1 << 30;

/** A run. Sizes are bytes, times nanoseconds. */
export interface RunRequest {
  readonly lab: Partial<LabOptions> & { server: string };
  readonly rw: string;
  readonly bs: number;
  readonly offset: number;
  /** Per file; undefined: to its end. */
  readonly size: number | undefined;
  /** Names or glob patterns relative to the server; none: every regular file. */
  readonly files: readonly string[];
  /** Only files beneath this directory of the server. */
  readonly dir: string | undefined;
  readonly numjobs: number;
  readonly loops: number;
  readonly runtime: number | undefined;
  readonly timeBased: boolean;
  readonly fadvise: FileAdvice | undefined;
  readonly verify: boolean;
  /** Percent of the operations of a mixed workload that read. */
  readonly rwMixRead: number;
  /** Past the page cache (O_DIRECT). */
  readonly direct: boolean;
  /** fsync after every so many writes; 0 = only when a file is closed. */
  readonly fsync: number;
  /** Which operations get a row in the capture. */
  readonly opLog: 'all' | 'miss' | 'none';
  /** Where the trace goes; undefined: nowhere. */
  readonly trace: TraceTarget | undefined;
}

/** A run without options: one job, one pass over every file. */
export const RUN_DEFAULTS: Omit<RunRequest, 'lab'> = {
  rw: 'read',
  bs: 4096,
  offset: 0,
  size: undefined,
  files: [],
  dir: undefined,
  numjobs: 1,
  loops: 1,
  runtime: undefined,
  timeBased: false,
  fadvise: undefined,
  verify: false,
  rwMixRead: 50,
  direct: false,
  fsync: 0,
  opLog: 'all',
  trace: undefined,
};

/** What a run tells while it lasts. */
export interface RunWatch {
  /** Interrupts the run: jobs stop, the capture is finished. */
  readonly signal?: AbortSignal;
  /** Bytes done and bytes there are to do (0: not known). */
  progress?(done: number, total: number): void;
  /** What is not as it was asked for, and how the run does without. */
  warn?(message: string): void;
}

/**
 * Performs the run. Engine errors of jobs are in the summary; a trace that cannot be written
 * throws.
 */
export async function runWorkload(request: RunRequest, watch: RunWatch = {}): Promise<RunSummary> {
  checkRequest(request);
  // A lab without a trace first, so that a bad server or selection leaves no capture behind.
  const probe = new Lab(request.lab);
  let files: readonly WorkloadFile[];
  try {
    const skipped = (name: string, errno: number): void =>
      watch.warn?.(`left out: ${name}: ${errnoText(errno)}`);
    files = selectFiles(probe.server, request.files, request.dir, skipped, madeSize(request));
  } finally {
    await probe.close();
  }
  const sink =
    request.trace && traceSink(request.trace, request.rw, request.lab, { opLog: request.opLog });
  const use = request.lab.cacheDir === undefined ? undefined : new CacheUse(() => lab.clock.now());
  const lab: Lab = new Lab({ ...request.lab, sink, obtained: use?.obtained });
  for (const message of lab.warnings) watch.warn?.(message);
  const phase = await runPhase(lab, request, files, watch, use);
  return { ...phase, ...(await finishTrace(lab, request.trace)) };
}

/** Ends the trace of a lab and says what it holds. Throws when it cannot be finished. */
export async function finishTrace(
  lab: Lab,
  target: TraceTarget | undefined,
): Promise<Pick<RunSummary, 'capture' | 'trace' | 'unwritten'>> {
  const { events, lost, finishMs, error } = await lab.close();
  if (error !== null) throw error;
  const { unwritten } = lab;
  return { capture: target?.out ?? null, trace: { events, lost, finishMs }, unwritten };
}

/** Performs one workload on a lab that may have run others before. */
export async function runPhase(
  lab: Lab,
  request: RunRequest,
  files: readonly WorkloadFile[],
  watch: RunWatch = {},
  use?: CacheUse,
): Promise<PhaseSummary> {
  const phase = new Phase(lab, request, watch, use);
  return phase.perform(files);
}

function checkRequest(request: RunRequest): void {
  workloadByName(request.rw);
  const whole = (flag: string, value: number, min: number, max = Number.MAX_SAFE_INTEGER): void => {
    if (Number.isSafeInteger(value) && value >= min && value <= max) return;
    throw new UsageError(flag, `expected a whole number from ${min} to ${max}, got ${value}`);
  };
  whole('--bs', request.bs, 1, BS_MAX);
  whole('--offset', request.offset, 0);
  if (request.size !== undefined) whole('--size', request.size, 1);
  whole('--numjobs', request.numjobs, 1, 4096);
  whole('--loops', request.loops, 1);
  whole('--rwmixread', request.rwMixRead, 0, 100);
  whole('--fsync', request.fsync, 0);
  if (request.verify && request.numjobs > 1 && workloadByName(request.rw).writes) {
    throw new UsageError('--verify', 'cannot tell what several writers leave behind');
  }
  if (request.timeBased && request.runtime === undefined) {
    throw new UsageError('--time-based', 'needs a time limit', 'add --runtime 10s');
  }
}

// How long files become that are only written, as fio's filesize says.
function madeSize({ rw, offset, size }: RunRequest): number | undefined {
  return workloadByName(rw).reads || size === undefined ? undefined : offset + size;
}

/** What the counters of a lab say at one moment. */
function counters({ stats, server }: Lab) {
  return {
    requests: {
      READAHEAD: stats.netfs_n_rh_readahead,
      READPAGE: stats.netfs_n_rh_readpage,
      WRITEBEGN: stats.netfs_n_rh_write_begin,
    },
    sources: { ZERO: stats.bytes.zero, DOWN: stats.bytes.down, READ: stats.bytes.read },
    server: {
      fetches: server.counters.fetches,
      bytes: server.counters.bytes,
      stores: server.counters.stores,
      storedBytes: server.counters.storedBytes,
      statuses: server.counters.statuses,
      breaks: server.counters.breaks,
    },
  };
}

function difference<T extends Record<string, number>>(after: T, before: T): T {
  const rest = Object.entries(after).map(([key, value]) => [key, value - (before[key] as number)]);
  return Object.fromEntries(rest) as T;
}

type Counters = ReturnType<typeof counters>;

class Phase {
  readonly #lab: Lab;
  readonly #request: RunRequest;
  readonly #watch: RunWatch;
  readonly #jobs: Job[] = [];
  readonly #verifier: Verifier | undefined;
  /** What was written, when it is to be verified. */
  readonly #writes: WrittenBlocks | undefined;
  /** Follows what the cache is good for; undefined when none was asked for. */
  readonly #use: CacheUse | undefined;
  #bytes = 0;
  #total = 0;

  constructor(lab: Lab, request: RunRequest, watch: RunWatch, use: CacheUse | undefined) {
    this.#lab = lab;
    this.#use = use;
    this.#request = request;
    this.#watch = watch;
    this.#verifier = request.verify ? new Verifier(lab.server.root) : undefined;
    const { writes } = workloadByName(request.rw);
    this.#writes = request.verify && writes ? new WrittenBlocks() : undefined;
  }

  async perform(files: readonly WorkloadFile[]): Promise<PhaseSummary> {
    const lab = this.#lab;
    const { clock, scheduler } = lab;
    const { signal } = this.#watch;
    const before = counters(lab);
    const start = clock.now();
    // The most at once is told for each workload by itself.
    lab.server.counters.maxInService = 0;
    this.#total = this.#expectedBytes(files);
    if (this.#total === 0 && !this.#request.timeBased) {
      this.#watch.warn?.('nothing to do: the files end at or before --offset');
    }
    const strands = this.#spawnJobs(files, start);
    const interrupt = (): void => {
      for (const strand of strands) scheduler.kill(strand);
      scheduler.skipDelays();
    };
    signal?.addEventListener('abort', interrupt);
    if (signal?.aborted) interrupt();
    try {
      await scheduler.run(() => strands.every((strand) => strand.done));
      const elapsedNs = clock.now() - start;
      await scheduler.drain();
      // Before what was written is read back, which is no part of the workload.
      const after = counters(lab);
      if (this.#writes !== undefined && !signal?.aborted) await this.#writes.readBack(lab);
      return this.#summary(elapsedNs, before, after);
    } catch (error) {
      // A trace that cannot be written stops the engine wherever it is, so that other tasks may
      // wait for ever: that is then no bug. What was recorded stays.
      const { error: unwritten } = await lab.tracer.close();
      throw unwritten ?? error;
    } finally {
      signal?.removeEventListener('abort', interrupt);
      this.#verifier?.close();
    }
  }

  #spawnJobs(files: readonly WorkloadFile[], start: number): Strand[] {
    const { numjobs, rw, runtime } = this.#request;
    const { scheduler, vfs, options } = this.#lab;
    const prng = new Prng(options.seed);
    const deadline = runtime === undefined ? undefined : start + runtime;
    return Array.from({ length: numjobs }, (_, i) => {
      const job = new Job(this.#jobSpec(files, deadline, prng.fork()), scheduler, vfs);
      this.#jobs.push(job);
      return this.#lab.spawn(numjobs === 1 ? rw : `${rw}/${i}`, () => job.run());
    });
  }

  #jobSpec(files: readonly WorkloadFile[], deadline: number | undefined, prng: Prng): JobSpec {
    const { rw, bs, offset, size, loops, timeBased, fadvise, rwMixRead, direct, fsync } =
      this.#request;
    return {
      workload: workloadByName(rw),
      params: { files, bs, offset, size, rwMixRead, prng },
      loops,
      deadline,
      timeBased,
      advice: fadvise,
      direct,
      fsync,
      nextId: () => this.#lab.nextOp(),
      ended: this.#isListening() ? (op) => this.#ended(op) : undefined,
    };
  }

  #isListening(): boolean {
    const told = [this.#writes, this.#verifier, this.#use, this.#watch.progress];
    return this.#lab.tracer.enabled || told.some((each) => each !== undefined);
  }

  /** True if it did more than count. */
  #ended(op: EndedOp): boolean {
    // It was thrown once, to whoever traced just then; the other jobs learn of it here.
    const { failure, enabled } = this.#lab.tracer;
    if (failure !== undefined) throw failure;
    const opLog = enabled ? this.#request.opLog : 'none';
    const logged = opLog === 'all' || (opLog === 'miss' && !op.hit);
    if (logged) this.#log(op);
    if (op.result > 0) this.#bytes += op.result;
    this.#writes?.wrote(op);
    if (!op.write && !(this.#writes?.check(op) ?? false)) this.#verifier?.check(op);
    this.#use?.used(op);
    this.#watch.progress?.(this.#bytes, this.#total);
    return logged || this.#verifier !== undefined;
  }

  #log(op: EndedOp): void {
    this.#lab.tracer.op({
      op: op.id,
      kind: op.write ? 'write' : 'read',
      file: op.file.name,
      offset: op.offset,
      len: op.length,
      result: op.result,
      start: op.start,
      end: op.end,
      direct: op.direct,
    });
  }

  #expectedBytes(files: readonly WorkloadFile[]): number {
    const { offset, size, loops, numjobs, timeBased } = this.#request;
    if (timeBased) return 0;
    const covered = files.reduce((sum, file) => {
      const rest = Math.max(0, file.size - offset);
      return sum + (size === undefined ? rest : Math.min(rest, size));
    }, 0);
    return covered * loops * numjobs;
  }

  #cacheSummary(): PhaseSummary['cache'] {
    const { cachefiles, stats, tracer } = this.#lab;
    if (cachefiles === undefined || this.#use === undefined) return null;
    if (tracer.enabled) this.#use.record(tracer);
    return this.#use.summary(cachefiles.counters, stats.bytes.unstored);
  }

  #summary(elapsedNs: number, before: Counters, after: Counters): PhaseSummary {
    const { server, profile, options } = this.#lab;
    const sent = difference(after.server, before.server);
    const reads = totalReads(this.#jobs);
    const verified = [this.#verifier, this.#writes].filter((each) => each !== undefined);
    return {
      profile: profile.name,
      clock: options.clock,
      seed: options.seed,
      workload: this.#request.rw,
      jobs: this.#jobs.length,
      elapsedNs,
      reads,
      writes: totalWrites(this.#jobs),
      requests: difference(after.requests, before.requests),
      sources: difference(after.sources, before.sources),
      server: { ...sent, maxInService: server.counters.maxInService },
      amplification: reads.bytes === 0 ? null : sent.bytes / reads.bytes,
      cache: this.#cacheSummary(),
      stats: printStats(this.#lab.statistics()),
      verified: verified.length === 0 ? null : sumOf(verified),
      interrupted: this.#watch.signal?.aborted ?? false,
      errors: this.#jobs.map(({ result }) => result.error).filter(isFailure),
    };
  }
}

// A job that was interrupted did not fail.
function isFailure(error: unknown): boolean {
  return error !== undefined && (error as { code?: unknown }).code !== 'EINTR';
}

function totalReads(jobs: readonly Job[]): PhaseSummary['reads'] {
  const latency = new LatencyHistogram();
  const total = { ops: 0, hits: 0, bytes: 0 };
  for (const { result } of jobs) {
    total.ops += result.ops;
    total.hits += result.hits;
    total.bytes += result.bytes;
    if (result.ops > 0) latency.add(result.latency);
  }
  return { ...total, latencyNs: percentiles(latency) };
}

function totalWrites(jobs: readonly Job[]): PhaseSummary['writes'] {
  const latency = new LatencyHistogram();
  const total = { ops: 0, bytes: 0 };
  for (const { result } of jobs) {
    total.ops += result.writes.ops;
    total.bytes += result.writes.bytes;
    if (result.writes.ops > 0) latency.add(result.writes.latency);
  }
  return { ...total, latencyNs: percentiles(latency) };
}

function percentiles(latency: LatencyHistogram): Percentiles | null {
  if (latency.count === 0) return null;
  return {
    min: latency.min,
    mean: Math.round(latency.mean),
    p50: latency.percentile(50),
    p90: latency.percentile(90),
    p99: latency.percentile(99),
    p999: latency.percentile(99.9),
    max: latency.max,
  };
}

function sumOf(parts: readonly { ops: number; bytes: number }[]): { ops: number; bytes: number } {
  const sum = (of: 'ops' | 'bytes'): number => parts.reduce((all, part) => all + part[of], 0);
  return { ops: sum('ops'), bytes: sum('bytes') };
}
