/**
 * The use case `run --fsx`: random operations on a file of its own against a copy in memory, or the
 * operations of a `.fsxops` file; a failure is shrunk to few operations. Called by the command.
 */
import fs from 'node:fs';
import { UsageError, VerificationError } from '../base/errors.js';
import { Lab, type Unwritten } from '../lab/lab.js';
import type { LabOptions } from '../lab/options.js';
import { Prng } from '../sim/prng.js';
import { Fsx, type FsxFailure, fsxOps } from '../workload/fsx.js';
import { type FsxOp, parseFsxOps, printFsxOp } from '../workload/fsxops.js';
import { shrink } from '../workload/shrink.js';
import { finishTrace } from './run.js';
import { type TraceTarget, traceSink } from './trace_sink.js';

/** Largest size of the file, bytes (fsx -l). */
const MOST = 256 << 10;
/** The file that is worked on. */
const NAME = 'fsx.dat';

/** A run of fsx. */
export interface FsxRequest {
  readonly lab: Partial<LabOptions> & { server: string };
  /** How many random operations; or the name of a file of operations. */
  readonly ops: number | { readonly file: string };
  /** Where the operations that still fail go; undefined: they are not shrunk. */
  readonly shrinkTo: string | undefined;
  readonly trace: TraceTarget | undefined;
}

/** What a run of fsx found; the shape of `--json`. */
export interface FsxSummary {
  readonly seed: number;
  /** Operations that were performed, and those of the file that were passed over. */
  readonly ops: number;
  readonly skipped: number;
  readonly failure: FsxFailure | null;
  /** The last operations before the failure, as lines. */
  readonly log: readonly string[];
  /** The few operations that still fail, and the file they are in. */
  readonly shrunk: readonly string[] | null;
  readonly file: string | null;
  readonly capture: string | null;
  /** What was written and did not reach the server before the end. */
  readonly unwritten: readonly Unwritten[];
}

/** Performs the run. Throws when the lab cannot be made or the file of operations not be read. */
export async function runFsx(request: FsxRequest): Promise<FsxSummary> {
  const { lab, trace } = request;
  const seed = lab.seed ?? 1;
  const { ops, skipped } = chooseOps(request.ops, seed);
  const sink = trace && traceSink(trace, 'fsx', lab);
  const done = await attempt({ ...lab, sink }, ops, trace);
  const { failure, log } = done;
  const kept = failure === undefined ? undefined : await shrunkOps(request, ops, failure);
  return {
    seed,
    ops: log.length,
    skipped,
    failure: failure ?? null,
    log: failure === undefined ? [] : log.slice(-40),
    shrunk: kept ?? null,
    file: kept === undefined ? null : (request.shrinkTo ?? null),
    capture: done.capture,
    unwritten: done.unwritten,
  };
}

/** The summary as lines. */
export function* fsxLines(run: FsxSummary): Generator<string> {
  if (run.skipped > 0) yield `${run.skipped} operations are not supported or marked skip`;
  if (run.failure === null) {
    yield `All ${run.ops} operations completed A-OK! (seed ${run.seed})`;
    return;
  }
  yield* run.log;
  if (run.shrunk === null) return;
  yield `${run.shrunk.length} operations still fail, in ${run.file}:`;
  yield* run.shrunk;
}

/** The failure of a run as an error. */
export function fsxError({ at, what, offset }: FsxFailure): VerificationError {
  return new VerificationError(NAME, Math.max(0, offset), `operation ${at}: ${what}`);
}

function chooseOps(ops: FsxRequest['ops'], seed: number) {
  if (typeof ops !== 'number') return parseFsxOps(readOps(ops.file), ops.file);
  if (!Number.isSafeInteger(ops) || ops < 1) {
    throw new UsageError('--ops', `expected a number of operations with --fsx, got ${ops}`);
  }
  return { ops: fsxOps(ops, new Prng(seed), MOST), skipped: 0 };
}

function readOps(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (cause) {
    throw new UsageError('--fsxops', `cannot read ${file}: ${(cause as Error).message}`);
  }
}

interface Attempt extends Pick<FsxSummary, 'log' | 'capture' | 'unwritten'> {
  readonly failure: FsxFailure | undefined;
}

async function attempt(
  options: Partial<LabOptions> & { server: string },
  ops: readonly FsxOp[],
  trace?: TraceTarget,
): Promise<Attempt> {
  const lab = new Lab(options);
  const fsx = new Fsx({
    vfs: lab.vfs,
    name: NAME,
    most: MOST,
    foreign: (position, bytes) => lab.server.change(NAME, { position, bytes }),
    tolerates: () => false,
  });
  const failure = await lab.run('fsx', () => fsx.run(ops));
  const { capture, unwritten } = await finishTrace(lab, trace);
  return { failure, log: fsx.log, capture, unwritten };
}

async function shrunkOps(
  { lab, shrinkTo }: FsxRequest,
  ops: readonly FsxOp[],
  failure: FsxFailure,
): Promise<readonly string[] | undefined> {
  if (shrinkTo === undefined) return undefined;
  const fails = async (part: readonly FsxOp[]) => (await attempt(lab, part)).failure !== undefined;
  const kept = await shrink(ops.slice(0, failure.at + 1), fails);
  const lines = kept.map((op) => printFsxOp(op, 0));
  fs.writeFileSync(shrinkTo, `${lines.join('\n')}\n`);
  return lines;
}
