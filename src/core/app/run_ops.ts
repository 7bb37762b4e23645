/**
 * The use case `run --ops`: plays an op list on a lab, traced, and says what each operation
 * returned. Called by the command and, on a lab of its own, by `conform`.
 */
import { readFileSync } from 'node:fs';
import { errnoFromNode } from '../base/errno.js';
import { ErrnoError } from '../base/errors.js';
import { Lab, type Unwritten } from '../lab/lab.js';
import { LabMachine } from '../lab/machine.js';
import type { LabOptions } from '../lab/options.js';
import { type Op, parseOps, printOp } from '../workload/ops/language.js';
import { OpPlayer, type PlayWatch } from '../workload/ops/player.js';
import { type OpResult, printResult } from '../workload/ops/result.js';
import type { Machine } from '../workload/ops/types.js';
import { finishTrace } from './run.js';
import { type TraceTarget, traceSink } from './trace_sink.js';

/** The process that plays, as its events name it. */
const COMM = 'kops';

/** An op list to be played. */
export interface OpsRequest {
  readonly lab: Partial<LabOptions> & { server: string };
  /** File that holds the list; `-` is stdin. */
  readonly ops: string;
  /** Let `host` operations change files of the served directory. */
  readonly hostChanges: boolean;
  readonly trace: TraceTarget | undefined;
}

/** What came of it. */
export interface OpsSummary {
  /** The database, null without a trace. */
  readonly capture: string | null;
  /** Nanoseconds of the run's clock. */
  readonly elapsedNs: number;
  readonly trace: { readonly events: number; readonly lost: number; readonly finishMs: number };
  readonly results: readonly OpResult[];
  /** What was written and did not reach the server before the end. */
  readonly unwritten: readonly Unwritten[];
  /** A signal ended the play early. */
  readonly interrupted: boolean;
}

/** Reads the list. Throws `TraceParseError`, or `ErrnoError` where there is no such file. */
export function readOps(file: string): Op[] {
  try {
    return parseOps(readFileSync(file === '-' ? 0 : file, 'utf8'), file);
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw new ErrnoError(errnoFromNode(error), 'open', file, { cause: error });
  }
}

/** What the operations returned, as lines. */
export function resultLines({ results }: OpsSummary): string[] {
  return results.map(printResult);
}

/** Plays the list. A failing operation is a result, not an error. */
export async function runOps(request: OpsRequest, signal?: AbortSignal): Promise<OpsSummary> {
  const ops = readOps(request.ops);
  // A lab without a trace first, so that a bad server leaves no capture behind.
  await new Lab(request.lab).close();
  const sink = request.trace && traceSink(request.trace, 'ops', request.lab);
  const lab = new Lab({ ...request.lab, sink });
  const start = lab.clock.now();
  const interrupt = (): void => lab.scheduler.hurry();
  signal?.addEventListener('abort', interrupt);
  try {
    const results = await playOps(lab, new LabMachine(lab, request.hostChanges), ops, { signal });
    const elapsedNs = lab.clock.now() - start;
    const interrupted = signal?.aborted ?? false;
    return { elapsedNs, ...(await finishTrace(lab, request.trace)), results, interrupted };
  } finally {
    signal?.removeEventListener('abort', interrupt);
  }
}

/** How a list is played. */
export interface OpsPlay {
  /** Ends the play before the next operation. */
  readonly signal?: AbortSignal | undefined;
  /** Lets time pass before an operation. */
  readonly pace?: PlayWatch['pace'];
}

/**
 * Plays a list in a process of its own, with a marker in front of each operation as the program
 * that made the captures writes it, and a row for each in the capture.
 */
export async function playOps(
  lab: Lab,
  machine: Machine,
  ops: readonly Op[],
  { signal, pace }: OpsPlay = {},
): Promise<readonly OpResult[]> {
  const results: OpResult[] = [];
  const { tracer, clock, scheduler } = lab;
  const player = new OpPlayer(machine);
  let start = 0;
  await lab.run(COMM, function* () {
    yield* player.play(ops, {
      stop: () => signal?.aborted ?? false,
      ...(pace === undefined ? {} : { pace }),
      begin(op, number) {
        scheduler.context.op = number + 1;
        start = clock.now();
        tracer.marker(`kcap op=${number} ${printOp(op)}`);
      },
      ended(op, result, file) {
        results.push(result);
        const ranged = 'offset' in op && 'length' in op;
        tracer.op({
          op: result.op + 1,
          kind: op.kind,
          file,
          offset: ranged ? (op.offset ?? 0) : Number.NaN,
          len: ranged ? (op.length ?? 0) : Number.NaN,
          result: result.errno === 0 ? result.ret : -result.errno,
          start,
          end: clock.now(),
        });
      },
    });
    scheduler.context.op = 0;
    tracer.marker('kcap end');
  });
  await scheduler.drain();
  player.closeAll();
  return results;
}
