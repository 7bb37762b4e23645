/**
 * One run of the engine in a process of its own, for the contests of `engine.ts`: opens a lab, runs
 * what makes it warm, then what is measured, and prints what that gave as one line of JSON.
 */

import { traceSink } from '../src/core/app/lab/trace_sink.js';
import { finishTrace, RUN_DEFAULTS, type RunRequest, runPhase } from '../src/core/app/run/run.js';
import { selectFiles } from '../src/core/app/run/select_files.js';
import { Lab } from '../src/core/lab/lab.js';
import { wallMs } from '../src/core/sim/clock.js';

/** What is to be run. */
export interface EngineRun {
  readonly lab: RunRequest['lab'];
  /** A run before the one that is measured, on the same page cache. */
  readonly warm?: Partial<RunRequest>;
  readonly run: Partial<RunRequest>;
  /** Database to trace into. */
  readonly out?: string;
}

/** What it gave. */
export interface EngineReport {
  /** Until the last byte was delivered, by the clock of the run. */
  readonly elapsedMs: number;
  /** The same by the wall. */
  readonly wallMs: number;
  readonly ops: number;
  readonly hits: number;
  readonly bytes: number;
  readonly requests: number;
  readonly serverBytes: number;
  readonly cacheBytes: number;
  readonly verifiedBytes: number;
  readonly events: number;
  readonly lost: number;
  /** Time to finish the database after the run. */
  readonly finishMs: number;
  readonly peakMiB: number;
}

async function perform({ lab: options, warm, run, out }: EngineRun): Promise<EngineReport> {
  const trace = out === undefined ? undefined : { out, commandLine: 'bench', toolVersion: 'bench' };
  const sink = trace && traceSink(trace, run.rw ?? RUN_DEFAULTS.rw, options);
  const lab = new Lab({ ...options, sink });
  const request = { ...RUN_DEFAULTS, lab: options, ...run };
  const files = selectFiles(lab.server, request.files, undefined);
  if (warm !== undefined) await runPhase(lab, { ...RUN_DEFAULTS, lab: options, ...warm }, files);
  const before = wallMs();
  const phase = await runPhase(lab, request, files);
  const wall = wallMs() - before;
  const { trace: traced } = await finishTrace(lab, trace);
  for (const error of phase.errors) throw error;
  return {
    elapsedMs: phase.elapsedNs / 1e6,
    wallMs: wall,
    ops: phase.reads.ops,
    hits: phase.reads.hits,
    bytes: phase.reads.bytes,
    requests: phase.requests.READAHEAD + phase.requests.READPAGE,
    serverBytes: phase.server.bytes,
    cacheBytes: phase.sources.READ,
    verifiedBytes: phase.verified?.bytes ?? 0,
    events: traced.events,
    lost: traced.lost,
    finishMs: traced.finishMs,
    peakMiB: process.resourceUsage().maxRSS / 1024,
  };
}

const report = await perform(JSON.parse(process.argv[2] ?? '') as EngineRun);
process.stdout.write(`${JSON.stringify(report)}\n`);
