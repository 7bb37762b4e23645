/**
 * The use case `run JOBFILE`: reads fio job files, lays out their files, runs the jobs on a lab and
 * says what happened. Called by the command, `replay`, `whatif` and `mrc`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { ErrnoError, UsageError } from '../../base/errors.js';
import { PAGE_SIZE } from '../../base/range.js';
import { Lab, type Unwritten } from '../../lab/lab.js';
import type { LabOptions } from '../../lab/options.js';
import { Prng } from '../../sim/prng.js';
import type { Task } from '../../sim/wait_queue.js';
import { type FioFiles, fileNames, layOutJob, SizeProblem } from '../../workload/fio/files.js';
import { IologSource } from '../../workload/fio/iolog_source.js';
import { type FioJob, type FioPlan, planJobs } from '../../workload/fio/job.js';
import { parseJobFile, type RawJob } from '../../workload/fio/parse.js';
import { type FioEnded, FioRun } from '../../workload/fio/run_job.js';
import { FioSource, type FioSteps } from '../../workload/fio/source.js';
import { iolog } from '../../workload/formats/iolog.js';
import type { NameRules, NeededFile } from '../../workload/recording.js';
import { type TraceTarget, traceSink } from '../lab/trace_sink.js';
import { layOut } from './lay_out.js';
import { finishTrace } from './run.js';
import { readBytes } from './workload_input.js';

/** A job file to be run. */
export interface FioRequest {
  readonly lab: Partial<LabOptions> & { server: string };
  /** Job files; their jobs follow one another as if they were one file. */
  readonly files: readonly string[];
  readonly names: NameRules;
  readonly opLog: 'all' | 'miss' | 'none';
  readonly trace: TraceTarget | undefined;
}

/** One clone of a job with what it works on. */
export interface FioClone {
  readonly job: FioJob;
  readonly number: number;
  readonly files: FioFiles;
  readonly source: FioSteps;
}

/** What came of it. */
export interface FioOutcome {
  readonly plan: FioPlan;
  readonly runs: readonly FioRun[];
  /** Nanoseconds of the run's clock. */
  readonly elapsedNs: number;
  readonly epochMs: number;
  readonly notes: readonly string[];
  readonly capture: string | null;
  readonly trace: { readonly events: number; readonly lost: number; readonly finishMs: number };
  readonly unwritten: readonly Unwritten[];
  readonly interrupted: boolean;
  /** What ended jobs early. */
  readonly errors: readonly unknown[];
}

/** Watches a run. */
export interface FioWatch {
  readonly signal?: AbortSignal;
  progress?(bytes: number, total: number): void;
}

/** Reads job files. Throws `TraceParseError` or `ErrnoError`. */
export function readJobFiles(files: readonly string[]): FioPlan {
  const raw: RawJob[] = files.flatMap((file) =>
    parseJobFile(readBytes(file).toString('utf8'), file, {
      env: process.env,
      include: (name, from) => {
        const path = isAbsolute(name) ? name : join(dirname(from), name);
        return { text: readFileSync(path, 'utf8'), file: path };
      },
      keywords: {
        $ncpus: availableParallelism(),
        $mb_memory: Math.floor(totalmem() / 2 ** 20),
        $pagesize: PAGE_SIZE,
      },
    }),
  );
  if (raw.length === 0) throw new UsageError('JOBFILE', `${files.join(', ')} holds no job`);
  return planJobs(raw);
}

/**
 * The clones of all jobs with their files and operations; `sizeOf` tells the size of a file that is
 * there, -1: it is not. Throws `TraceParseError`.
 */
export function cloneJobs(
  plan: FioPlan,
  names: NameRules,
  sizeOf: (name: string) => number,
  seed: number,
): FioClone[] {
  const made = new Map<string, number>();
  const size = (name: string): number => Math.max(sizeOf(name), made.get(name) ?? -1);
  const prng = new Prng(seed);
  const clones: FioClone[] = [];
  for (const job of plan.jobs) {
    const own = job.randSeed === undefined ? prng.fork() : new Prng(job.randSeed);
    for (let number = 0; number < job.numjobs; number++) {
      clones.push(cloneOf(job, number, names, size, own.fork()));
      for (const file of clones.at(-1)!.files.files) made.set(file.name, file.size);
    }
  }
  return clones;
}

function cloneOf(
  job: FioJob,
  number: number,
  names: NameRules,
  sizeOf: (name: string) => number,
  prng: Prng,
): FioClone {
  if (job.readIolog !== undefined) return iologClone(job, number, names, sizeOf);
  try {
    const list = fileNames(job, number, names);
    const files = layOutJob(job, number, list, sizeOf, prng.fork());
    return { job, number, files, source: new FioSource(job, files, prng) };
  } catch (error) {
    if (!(error instanceof SizeProblem)) throw error;
    throw new UsageError(`job ${job.name}`, error.message);
  }
}

function iologClone(
  job: FioJob,
  number: number,
  names: NameRules,
  sizeOf: (name: string) => number,
): FioClone {
  const file = job.readIolog as string;
  const options = { names, mmap: 'touch', descriptors: new Map(), waitUnit: 'ms' } as const;
  const recording = iolog.parse(readBytes(file).toString('utf8'), file, options);
  const source = new IologSource(recording, !job.replayNoStall, job.replayTimeScale);
  const files = source.names.map((name) => {
    const needs = recording.files.find((each) => each.name === name)?.size ?? 0;
    const size = Math.max(sizeOf(name), needs);
    return { name, offset: 0, ioSize: size, size };
  });
  const size = files.reduce((sum, each) => sum + each.size, 0);
  return { job, number, files: { files, size, ioSize: undefined }, source };
}

/** Runs job files. What a job meets is in its result; a bad job file throws. */
export async function runJobFiles(request: FioRequest, watch: FioWatch = {}): Promise<FioOutcome> {
  const plan = readJobFiles(request.files);
  const probe = new Lab(request.lab);
  let clones: FioClone[];
  try {
    clones = cloneJobs(plan, request.names, sizeOn(probe), request.lab.seed ?? 1);
  } finally {
    await probe.close();
  }
  const sink = request.trace && traceSink(request.trace, 'fio', request.lab);
  const lab = new Lab({ ...request.lab, sink });
  try {
    await layOutAll(lab, clones, watch.signal);
  } catch (error) {
    // Its overlay goes with it.
    await lab.close();
    throw error;
  }
  return runClones(lab, request, plan, clones, watch);
}

/** Sizes of the files of a lab's server. */
export function sizeOn(lab: Lab): (name: string) => number {
  return (name) => {
    const opened = lab.server.open(name);
    if (!('errno' in opened)) {
      lab.server.close(opened);
      return opened.status.size;
    }
    if (opened.errno === -2) return -1;
    throw new ErrnoError(
      opened.errno,
      'open',
      name,
      opened.why === undefined ? {} : { text: opened.why },
    );
  };
}

/** Lays out what clones need and the server has not, and lengthens what is too short. */
export async function layOutAll(
  lab: Lab,
  clones: readonly FioClone[],
  signal?: AbortSignal,
): Promise<void> {
  const needs = new Map<string, NeededFile>();
  for (const { job, files } of clones) {
    for (const { name, size } of job.createOnOpen ? [] : files.files) {
      const before = needs.get(name)?.size ?? 0;
      needs.set(name, { name, size: Math.max(size, before), known: [] });
    }
  }
  const { shorter } = await layOut(lab, [...needs.values()], true, [], signal);
  for (const { name, needs: size } of shorter) {
    const error = lab.server.change(name, { size });
    if (error < 0) throw new ErrnoError(error, 'ftruncate', name);
  }
}

/** Runs clones whose files are there; ends the lab. */
export async function runClones(
  lab: Lab,
  request: Pick<FioRequest, 'opLog' | 'trace'>,
  plan: FioPlan,
  clones: readonly FioClone[],
  watch: FioWatch = {},
): Promise<FioOutcome> {
  const play = new FioPlay(lab, request.opLog, clones, watch);
  const start = lab.clock.now();
  const epochMs = lab.clock.epochMs;
  const interrupt = (): void => play.interrupt();
  watch.signal?.addEventListener('abort', interrupt);
  try {
    await play.run();
  } finally {
    watch.signal?.removeEventListener('abort', interrupt);
  }
  const elapsedNs = lab.clock.now() - start;
  play.writeLogs();
  const runs = play.runs;
  const errors = runs.map(({ error }) => error).filter((error) => error !== undefined);
  const interrupted = watch.signal?.aborted ?? false;
  const done = { plan, runs, elapsedNs, epochMs, notes: notesOf(plan), interrupted, errors };
  return { ...done, ...(await finishTrace(lab, request.trace)) };
}

class FioPlay {
  readonly runs: readonly FioRun[];
  readonly #lab: Lab;
  readonly #opLog: FioRequest['opLog'];
  readonly #watch: FioWatch;
  readonly #logs = new Map<string, string[]>();
  readonly #total: number;
  #bytes = 0;

  constructor(lab: Lab, opLog: FioRequest['opLog'], clones: readonly FioClone[], watch: FioWatch) {
    this.#lab = lab;
    this.#opLog = opLog;
    this.#watch = watch;
    this.runs = clones.map((clone) => this.#runOf(clone));
    const timed = clones.some(({ job }) => job.timeBased);
    this.#total = timed
      ? 0
      : clones.reduce((sum, { files, job }) => sum + (files.ioSize ?? files.size) * job.loops, 0);
  }

  #runOf({ job, number, files, source }: FioClone): FioRun {
    const { scheduler, vfs } = this.#lab;
    return new FioRun({
      ...{ job, number, source, scheduler, vfs },
      files: files.files,
      nextId: () => this.#lab.nextOp(),
      ended: (op) => this.#ended(op),
      log: job.writeIolog === undefined ? undefined : this.#log(job.writeIolog, files),
    });
  }

  async run(): Promise<void> {
    await this.#lab.run('fio', () => this.#start());
    await this.#lab.scheduler.drain();
  }

  interrupt(): void {
    for (const run of this.runs) run.stop();
    this.#lab.scheduler.skipDelays();
  }

  /** Writes the logs of `write_iolog`. */
  writeLogs(): void {
    for (const [file, lines] of this.#logs) {
      writeFileSync(file, `fio version 3 iolog\n${lines.join('\n')}\n`);
    }
  }

  // Starts the jobs in their order; a stonewall waits for all before it.
  *#start(): Task {
    const started: FioRun[] = [];
    for (const run of this.runs) {
      const { job, number } = run.spec;
      if (job.stonewall && number === 0) yield* this.#wait(started);
      if (job.waitFor !== undefined && number === 0) {
        yield* this.#wait(started.filter(({ spec }) => spec.job.name === job.waitFor));
      }
      if (this.#watch.signal?.aborted) break;
      started.push(run);
      const name = job.numjobs === 1 ? job.name : `${job.name}/${number}`;
      const spawn = (comm: string, body: () => Task<unknown>) => this.#lab.spawn(comm, body);
      this.#lab.spawn(name, () => this.#guard(run, run.run(spawn)));
    }
    yield* this.#wait(started);
  }

  // exitall: the first that ends ends all.
  *#guard(run: FioRun, body: Task): Task {
    yield* body;
    if (run.spec.job.exitAll) for (const other of this.runs) other.stop();
  }

  *#wait(runs: readonly FioRun[]): Task {
    for (const run of runs) while (!run.done) yield run.ended;
  }

  #log(file: string, { files }: FioFiles): (ns: number, name: string, action: string) => void {
    const lines = this.#logs.get(file) ?? [];
    this.#logs.set(file, lines);
    for (const { name } of files) lines.push(`0 ${name} add`);
    return (ns, name, action) => lines.push(`${Math.floor(ns / 1000)} ${name} ${action}`);
  }

  #ended(op: FioEnded): void {
    const { tracer } = this.#lab;
    if (tracer.failure !== undefined) throw tracer.failure;
    if (op.result > 0) this.#bytes += op.result;
    this.#watch.progress?.(this.#bytes, this.#total);
    if (!tracer.enabled || this.#opLog === 'none') return;
    if (this.#opLog === 'miss' && op.hit) return;
    const { id, kind, file, offset, length, result, start, end, direct } = op;
    const sync = kind === 'sync' || kind === 'datasync';
    tracer.op({
      op: id,
      kind: sync ? 'fsync' : kind,
      file: file.name,
      offset: sync ? Number.NaN : offset,
      len: sync ? Number.NaN : length,
      ...{ result, start, end },
      ...(sync ? {} : { direct }),
    });
  }
}

function notesOf({ ignored, jobs, unset }: FioPlan): string[] {
  const byReason = new Map<string, string[]>();
  for (const { name, reason } of ignored) {
    byReason.set(reason, [...(byReason.get(reason) ?? []), name]);
  }
  const notes = [...byReason].map(
    ([reason, names]) => `without effect here (${reason}): ${names.join(', ')}`,
  );
  const capped = jobs.filter(
    ({ given, iodepth }) => Number(given.iodepth ?? 1) > 1 && iodepth === 1,
  );
  if (capped.length > 0) {
    const names = capped.map(({ name, engine }) => `${name} (${engine})`).join(', ');
    notes.push(`iodepth is 1 with a synchronous engine: ${names}`);
  }
  for (const { variable, option, file, line } of unset) {
    notes.push(`${file}:${line}: the environment has no ${variable}: it is empty in ${option}`);
  }
  return notes;
}
