/**
 * The use case `fsx`: random operations on a file of its own against a copy in memory, or those of
 * a list or of a dumped log; a failure is shrunk to few operations. Called by the commands `fsx`
 * and `replay`.
 */
import fs from 'node:fs';
import { UsageError, VerificationError } from '../../base/errors.js';
import { formatCount } from '../../base/units.js';
import { Lab, type Unwritten } from '../../lab/lab.js';
import type { LabOptions } from '../../lab/options.js';
import { Prng } from '../../sim/prng.js';
import { FSX_DRAW, Fsx, type FsxDraw, type FsxFailure, fsxOps } from '../../workload/fsx.js';
import { parseFsxText } from '../../workload/fsx_log.js';
import {
  FSX_REFUSED,
  type FsxKind,
  type FsxOp,
  type FsxOps,
  type FsxSkipped,
  printFsxOp,
} from '../../workload/fsxops.js';
import { shrink } from '../../workload/shrink.js';
import { type TraceTarget, traceSink } from '../lab/trace_sink.js';
import { finishTrace } from './run.js';
import { readBytes } from './workload_input.js';

/** Largest size of the file without -l, bytes: as fsx has it. */
export const FSX_MOST = 256 << 10;
/** Operations without -N. */
export const FSX_COUNT = 1000;
/** The file that is worked on. */
const NAME = 'fsx.dat';
/** Operations in front of a failure that are printed. */
const LOG = 40;

/** Where operations come from. */
export type FsxSource =
  | { readonly kind: 'random'; readonly count: number; readonly draw: FsxDraw }
  | { readonly kind: 'text'; readonly text: string; readonly file: string };

/** A run of fsx. */
export interface FsxRequest {
  readonly lab: Partial<LabOptions> & { server: string };
  readonly source: FsxSource;
  /** Largest size of the file, bytes; undefined: what the operations need, at least the usual. */
  readonly most: number | undefined;
  readonly direct: boolean;
  /** Operations at the beginning that are done to the copy only. */
  readonly simulated: number;
  /** Where the operations that still fail go; undefined: they are not shrunk. */
  readonly shrinkTo: string | undefined;
  /** Where all operations go as a list; undefined: nowhere. */
  readonly recordTo: string | undefined;
  readonly told: ((line: string, number: number) => void) | undefined;
  readonly trace: TraceTarget | undefined;
}

/** A run of random operations. */
export const FSX_DEFAULTS: Omit<FsxRequest, 'lab'> = {
  source: { kind: 'random', count: FSX_COUNT, draw: FSX_DRAW },
  most: undefined,
  direct: false,
  simulated: 0,
  shrinkTo: undefined,
  recordTo: undefined,
  told: undefined,
  trace: undefined,
};

/** What a run of fsx found; the shape of `--json`. */
export interface FsxSummary {
  readonly seed: number;
  /** Operations of the list, or drawn. */
  readonly listed: number;
  /** Operations that were performed before the end or the failure. */
  readonly ops: number;
  /** Operations that are not performed, by name. */
  readonly refused: Readonly<Record<string, number>>;
  readonly skipped: readonly FsxSkipped[];
  /** Lines that the list itself marks as no operation. */
  readonly marked: number;
  readonly notes: readonly string[];
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

/** A list of operations in a file. Throws `ErrnoError`. */
export function readFsxList(file: string): FsxSource {
  return { kind: 'text', text: readBytes(file).toString('utf8'), file };
}

/** Performs the run. Throws when the lab cannot be made or the list not be read. */
export async function runFsx(request: FsxRequest): Promise<FsxSummary> {
  const { lab, trace } = request;
  const seed = lab.seed ?? 1;
  const chosen = chooseOps(request, seed);
  const { ops, skipped, marked, notes } = chosen;
  const most = request.most ?? sizeFor(ops);
  if (request.recordTo !== undefined) record(request.recordTo, ops);
  await new Lab(lab).close();
  const sink = trace && traceSink(trace, 'fsx', lab);
  const done = await attempt({ ...lab, sink }, ops, { ...request, most }, trace);
  const { failure, log } = done;
  const kept =
    failure === undefined ? undefined : await shrunkOps({ ...request, most }, ops, failure);
  const refused: Record<string, number> = {};
  for (const { kind } of skipped) refused[kind] = (refused[kind] ?? 0) + 1;
  return {
    seed,
    listed: ops.length + skipped.length,
    ops: Math.min(ops.length, failure === undefined ? ops.length : failure.at + 1),
    refused,
    skipped,
    marked,
    notes,
    failure: failure ?? null,
    log: failure === undefined ? [] : log.slice(-LOG),
    shrunk: kept ?? null,
    file: kept === undefined ? null : (request.shrinkTo ?? null),
    capture: done.capture,
    unwritten: done.unwritten,
  };
}

/** The summary as lines. */
export function* fsxLines(run: FsxSummary): Generator<string> {
  yield* run.notes;
  for (const [kind, count] of Object.entries(run.refused)) {
    const { line } = run.skipped.find((each) => each.kind === kind) as FsxSkipped;
    yield `not played: ${count} ${kind} (first in line ${line}): ${FSX_REFUSED[kind]}`;
  }
  if (run.marked > 0) yield `${run.marked} lines are marked as no operation`;
  if (run.failure === null) {
    const count = formatCount(run.ops);
    if (run.listed === 0) yield 'The list holds no operation to play';
    else if (run.skipped.length === 0)
      yield `All ${count} operations completed A-OK! (seed ${run.seed})`;
    else
      yield `${count} of ${formatCount(run.listed)} operations played without an error, ${run.skipped.length} not played`;
    return;
  }
  yield* run.log;
  if (run.shrunk === null) return;
  yield `${run.shrunk.length} operations still fail, in ${run.file}:`;
  yield* run.shrunk;
}

/** The failure of a run as an error. */
export function fsxError({ at, what, offset }: FsxFailure): VerificationError {
  return new VerificationError(NAME, Math.max(0, offset), `operation ${at + 1}: ${what}`);
}

function chooseOps({ source, most }: FsxRequest, seed: number): FsxOps {
  if (source.kind === 'text') return parseFsxText(source.text, source.file);
  const { count, draw } = source;
  const ops = fsxOps(count, new Prng(seed), most ?? FSX_MOST, draw);
  return { ops, skipped: [], marked: 0, notes: [] };
}

// A list may have been made with a larger -l than is usual.
function sizeFor(ops: readonly FsxOp[]): number {
  const end = ({ offset, length, to = 0 }: FsxOp) => Math.max(offset, to) + length;
  return ops.reduce((most, op) => Math.max(most, Math.min(end(op), 1 << 30)), FSX_MOST);
}

function record(file: string, ops: readonly FsxOp[]): void {
  try {
    fs.writeFileSync(file, ops.map((op) => `${printFsxOp(op, 0)}\n`).join(''));
  } catch (cause) {
    throw new UsageError('--record-ops', `cannot write ${file}: ${(cause as Error).message}`);
  }
}

interface Attempt extends Pick<FsxSummary, 'log' | 'capture' | 'unwritten'> {
  readonly failure: FsxFailure | undefined;
}

type Sized = FsxRequest & { readonly most: number };

async function attempt(
  options: Partial<LabOptions> & { server: string },
  ops: readonly FsxOp[],
  { most, direct, simulated, told }: Sized,
  trace?: TraceTarget,
): Promise<Attempt> {
  const lab = new Lab(options);
  const fsx = new Fsx({
    vfs: lab.vfs,
    name: NAME,
    most,
    foreign: (position, bytes) => lab.server.change(NAME, { position, bytes }),
    tolerates: () => false,
    direct,
    simulated,
    ...(told === undefined ? {} : { told }),
  });
  const failure = await lab.run('fsx', () => fsx.run(ops));
  const { capture, unwritten } = await finishTrace(lab, trace);
  return { failure, log: fsx.log, capture, unwritten };
}

async function shrunkOps(
  request: Sized,
  ops: readonly FsxOp[],
  failure: FsxFailure,
): Promise<readonly string[] | undefined> {
  const { lab, shrinkTo } = request;
  if (shrinkTo === undefined) return undefined;
  const quiet = { ...request, told: undefined, simulated: 0 };
  const fails = async (part: readonly FsxOp[]) =>
    (await attempt(lab, part, quiet)).failure !== undefined;
  const kept = await shrink(ops.slice(0, failure.at + 1), fails);
  const lines = kept.map((op) => printFsxOp(op, 0));
  fs.writeFileSync(shrinkTo, `${lines.join('\n')}\n`);
  return lines;
}

/** Kinds that a letter of fsx leaves out. */
export const FSX_LEFT_OUT: Readonly<Record<string, readonly FsxKind[]>> = {
  R: ['mapread'],
  W: ['mapwrite'],
  E: ['copy_range'],
  F: ['fallocate'],
  H: ['punch_hole'],
  z: ['zero_range'],
};
