/**
 * The use case `tour`: a first look at the program on real files. Reads a directory tree cold and
 * then hot in one lab, compares every byte, and shows what the trace and the statistics say. Behind
 * `npm start`.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Lab } from '../lab/lab.js';
import { openCapture } from '../store/database.js';
import type { WorkloadFile } from '../workload/types.js';
import { type TraceTarget, traceSink } from './lab/trace_sink.js';
import { finishTrace, RUN_DEFAULTS, type RunWatch, runPhase } from './run/run.js';
import { type PhaseSummary, phaseLines, statsLines, traceLines } from './run/summary.js';

/** Page cache of the tour: large enough that the second pass of a source tree is hot. */
const PAGE_CACHE = 256 << 20;
/** Lines of the trace that are shown. */
const EXCERPT = 14;
/** What is left out of a tree that is not a git checkout. */
const LEFT_OUT = /(^|\/)(node_modules|dist|\.git)(\/|$)|^traces\/.*\.db/;

/** What the tour did. */
export interface TourResult {
  readonly directory: string;
  readonly files: number;
  readonly cold: PhaseSummary;
  readonly hot: PhaseSummary;
  readonly capture: string | null;
  readonly lines: readonly string[];
}

/** Takes the tour of `directory`. */
export async function takeTour(
  directory: string,
  target: TraceTarget,
  watch: RunWatch = {},
): Promise<TourResult> {
  const options = { server: directory, clock: 'real', pageCache: PAGE_CACHE } as const;
  const files = treeFiles(directory, new Lab(options));
  const request = { ...RUN_DEFAULTS, lab: options, bs: 16 << 10, verify: true, trace: target };
  const lab = new Lab({ ...options, sink: traceSink(target, 'tour', options) });
  const cold = await runPhase(lab, request, files, watch);
  const hot = await runPhase(lab, request, files, watch);
  const finished = await finishTrace(lab, target);
  const lines = [
    `${files.length} files of ${directory}, ${lab.profile.name}, real clock`,
    'cold: nothing in the page cache',
    ...phaseLines(cold),
    'hot: the same again, out of the page cache',
    ...phaseLines(hot),
    'after both',
    ...statsLines(hot.stats),
    ...traceLines(finished),
    `how the trace begins (netfslab trace events ${target.out})`,
    ...excerpt(target.out),
  ];
  return { directory, files: files.length, cold, hot, capture: finished.capture, lines };
}

// The files git tracks where it can say so, else the regular files but for what is built or
// installed.
function treeFiles(directory: string, { server }: Lab): WorkloadFile[] {
  const tracked = trackedFiles(directory);
  const keep = (name: string): boolean =>
    tracked === undefined ? !LEFT_OUT.test(name) : tracked.has(name);
  return [...server.list()].filter(({ name }) => keep(name));
}

function trackedFiles(directory: string): ReadonlySet<string> | undefined {
  if (!existsSync(join(directory, '.git'))) return undefined;
  try {
    const names = execFileSync('git', ['ls-files', '-z'], {
      cwd: directory,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return new Set(names.split('\0'));
  } catch {
    return undefined;
  }
}

function excerpt(path: string): string[] {
  const capture = openCapture(path);
  try {
    const lines = capture.heading();
    const limit = lines.length + EXCERPT;
    for (const line of capture.lines()) {
      if (lines.length >= limit) break;
      lines.push(line);
    }
    return lines;
  } finally {
    capture.close();
  }
}
