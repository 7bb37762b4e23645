/**
 * The use case `replay`: plays a recorded workload on a lab, traced, and says what was played, what
 * was not, and what differs from the recording. Called by the command and by `whatif`.
 */
import { errnoName } from '../../base/errno.js';
import { formatBytes, formatCount, formatNs } from '../../base/units.js';
import { Lab, type Unwritten } from '../../lab/lab.js';
import { LabMachine } from '../../lab/machine.js';
import type { LabOptions } from '../../lab/options.js';
import type { Task } from '../../sim/wait_queue.js';
import type { LatencyHistogram } from '../../workload/latency.js';
import { type Op, printOp } from '../../workload/ops/language.js';
import { OpPlayer } from '../../workload/ops/player.js';
import { type OpResult, printResult } from '../../workload/ops/result.js';
import {
  COPIED,
  type RecordedOp,
  type Recording,
  type Unplayed,
} from '../../workload/recording.js';
import { type TraceTarget, traceSink } from '../lab/trace_sink.js';
import { type Comparison, RecordedComparison } from './compare_recorded.js';
import { type LaidOut, layOut } from './lay_out.js';
import { opRow } from './op_row.js';
import { finishTrace } from './run.js';

/** The process that plays, as its events name it. */
const COMM = 'kops';
/** Bytes that `pread -v` prints at most of one read. */
const DUMP_MAX = 1 << 20;

/** A recording to be played. */
export interface ReplayRequest {
  readonly lab: Partial<LabOptions> & { server: string };
  readonly recording: Recording;
  /** Make files that are missing. */
  readonly makeFiles: boolean;
  /** Keep the times of the recording; else one operation follows the other. */
  readonly recordedTimes: boolean;
  /** Let `host` operations change files of the served directory. */
  readonly hostChanges: boolean;
  /** Keep what each operation returned. */
  readonly results: boolean;
  readonly trace: TraceTarget | undefined;
}

/** What came of it; the shape of `--json`. */
export interface ReplaySummary {
  readonly format: string;
  /** The database, null without a trace. */
  readonly capture: string | null;
  /** Nanoseconds of the run's clock. */
  readonly elapsedNs: number;
  /** Operations played, by kind, and bytes read and written. */
  readonly played: Readonly<Record<string, number>>;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Operations that failed here and not when they were recorded: error and how often. */
  readonly failed: Readonly<Record<string, number>>;
  readonly comparison: Comparison;
  readonly unplayed: readonly Unplayed[];
  readonly files: LaidOut;
  readonly notes: readonly string[];
  readonly trace: { readonly events: number; readonly lost: number; readonly finishMs: number };
  /** What each returned, if it was asked for. */
  readonly results: readonly OpResult[];
  /** What the recorded program would have printed. */
  readonly output: readonly string[];
  /** What was written and did not reach the server before the end. */
  readonly unwritten: readonly Unwritten[];
  /** A signal ended the play early. */
  readonly interrupted: boolean;
}

/** Plays it. A failing operation is a result, not an error. */
export async function replay(
  request: ReplayRequest,
  watch: Pick<PlayingWatch, 'signal' | 'progress'> = {},
): Promise<ReplaySummary> {
  // A lab without a trace first, so that a bad server leaves no capture behind.
  await new Lab(request.lab).close();
  const { trace: target, recording } = request;
  const sink = target && traceSink(target, 'replay', request.lab);
  const lab = new Lab({ ...request.lab, sink });
  const { files: needed, directories } = recording;
  const laid = layOut(lab, needed, request.makeFiles, directories, watch.signal);
  const files = await laid.catch(async (error) => {
    await lab.close();
    throw error;
  });
  const start = lab.clock.now();
  const played = await playRecording(lab, request, watch);
  const elapsedNs = lab.clock.now() - start;
  const { format, unplayed, notes } = recording;
  const interrupted = watch.signal?.aborted ?? false;
  const done = { format, unplayed, notes, files, elapsedNs, ...played };
  return { ...done, ...(await finishTrace(lab, target)), interrupted };
}

/** What a play tells while it lasts. */
export interface PlayingWatch {
  readonly signal?: AbortSignal;
  progress?(done: number, total: number): void;
  /** Counts how long each read took. */
  readonly latency?: LatencyHistogram;
}

/** How a recording is played. */
export type Playing = Pick<
  ReplayRequest,
  'recording' | 'hostChanges' | 'results' | 'recordedTimes'
>;

/** Plays a recording on a lab whose files are there; the lab stays open. */
export async function playRecording(
  lab: Lab,
  request: Playing,
  watch: PlayingWatch = {},
): Promise<Play['outcome']> {
  const play = new Play(lab, request, watch);
  const interrupt = (): void => lab.scheduler.skipDelays();
  watch.signal?.addEventListener('abort', interrupt);
  try {
    await play.run();
    return play.outcome;
  } finally {
    watch.signal?.removeEventListener('abort', interrupt);
  }
}

class Play {
  readonly #lab: Lab;
  readonly #request: Playing;
  readonly #watch: PlayingWatch;
  readonly #comparison = new RecordedComparison();
  readonly #played: Record<string, number> = {};
  readonly #failed: Record<string, number> = {};
  readonly #results: OpResult[] = [];
  readonly #output: string[] = [];
  readonly #names = new Map<number, string>();
  #bytesRead = 0;
  #bytesWritten = 0;
  #copied: Uint8Array = new Uint8Array(0);

  constructor(lab: Lab, request: Playing, watch: PlayingWatch) {
    this.#lab = lab;
    this.#request = request;
    this.#watch = watch;
  }

  get outcome() {
    return {
      played: this.#played,
      failed: this.#failed,
      bytesRead: this.#bytesRead,
      bytesWritten: this.#bytesWritten,
      comparison: this.#comparison.outcome,
      results: this.#results,
      output: this.#output,
    };
  }

  async run(): Promise<void> {
    const { recording, hostChanges, results, recordedTimes } = this.#request;
    const { scheduler, tracer, clock } = this.#lab;
    const recorded = recording.ops;
    const player = new OpPlayer(new LabMachine(this.#lab, hostChanges));
    const began = clock.now();
    let start = 0;
    const pace = (_op: Op, number: number) => this.#pace(began, recorded[number] as RecordedOp);
    await this.#lab.run(
      COMM,
      function* (this: Play) {
        yield* player.play(
          recorded.map(({ op }) => op),
          {
            stop: () => this.#watch.signal?.aborted ?? false,
            ...(recordedTimes ? { pace } : {}),
            content: (number) => this.#content(recorded[number] as RecordedOp),
            md5: results,
            got: (number, bytes) => this.#got(number, bytes),
            begin(op, number) {
              scheduler.context.op = number + 1;
              start = clock.now();
              tracer.marker(`kcap op=${number} ${printOp(op)}`);
            },
            ended: (op, result, file, direct) => {
              this.#ended(recorded[result.op] as RecordedOp, result, file);
              this.#log(op, result, file, start, direct);
            },
          },
        );
        scheduler.context.op = 0;
        tracer.marker('kcap end');
      }.bind(this),
    );
    await scheduler.drain();
    player.closeAll();
  }

  *#pace(began: number, { atNs }: RecordedOp): Task {
    const left = began + atNs - this.#lab.clock.now();
    if (left > 0) yield* this.#lab.scheduler.sleep(left);
  }

  #content({ op, data }: RecordedOp): Uint8Array | undefined {
    if (op.kind !== 'write' && op.kind !== 'store') return undefined;
    if (op.seed === COPIED) return this.#copied;
    if (data === undefined || data.length === op.length) return data;
    const bytes = new Uint8Array(op.length);
    bytes.set(data.subarray(0, op.length));
    return bytes;
  }

  #got(number: number, bytes: Uint8Array): void {
    this.#bytesRead += bytes.length;
    const { ops } = this.#request.recording;
    const recorded = ops[number] as RecordedOp;
    const { op, shown } = recorded;
    const next = ops[number + 1];
    if (next?.op.kind === 'write' && next.op.seed === COPIED) this.#copied = bytes.slice();
    const file = 'slot' in op ? (this.#names.get(op.slot) ?? '') : '';
    this.#comparison.read(recorded, file, bytes);
    if (shown === true && 'offset' in op) this.#dump(op.offset as number, bytes);
  }

  #ended(recorded: RecordedOp, result: OpResult, file: string): void {
    const { op } = recorded;
    this.#played[op.kind] = (this.#played[op.kind] ?? 0) + 1;
    if (op.kind === 'open') this.#names.set(op.slot, op.path);
    const got = result.errno === 0 ? result.ret : -result.errno;
    if (result.errno !== 0 && !((recorded.result ?? 0) < 0)) {
      const what = `${op.kind} ${errnoName(result.errno)}`;
      this.#failed[what] = (this.#failed[what] ?? 0) + 1;
    }
    if (op.kind === 'write' || op.kind === 'store') {
      if (got > 0) this.#bytesWritten += got;
      if (op.seed !== COPIED) this.#comparison.wrote(recorded, file);
    }
    this.#comparison.ended(recorded, file, got);
    if (this.#request.results) this.#results.push(result);
    this.#watch.progress?.(result.op + 1, this.#request.recording.ops.length);
  }

  #log(op: Op, result: OpResult, file: string, start: number, direct: boolean | undefined): void {
    const reads = op.kind === 'read' || op.kind === 'load';
    if (reads) this.#watch.latency?.record(Math.max(1, this.#lab.clock.now() - start));
    this.#lab.tracer.op(opRow(op, result, file, direct, { start, end: this.#lab.clock.now() }));
  }

  // As xfs_io prints it: 16 bytes a line.
  #dump(offset: number, bytes: Uint8Array): void {
    for (let at = 0; at < Math.min(bytes.length, DUMP_MAX); at += 16) {
      const row = bytes.subarray(at, at + 16);
      const hex = Array.from(row, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
      const text = Array.from(row, (byte) =>
        byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.',
      ).join('');
      const position = (offset + at).toString(16).padStart(8, '0');
      this.#output.push(`${position}:  ${hex.padEnd(47)}  ${text}`);
    }
  }
}

/** The summary as lines. */
export function* replayLines(run: ReplaySummary): Generator<string> {
  yield* run.output;
  yield* run.results.map(printResult);
  const total = Object.values(run.played).reduce((sum, count) => sum + count, 0);
  const kinds = Object.entries(run.played).map(([kind, count]) => `${kind} ${formatCount(count)}`);
  yield `${run.format}: ${formatCount(total)} operations played in ${formatNs(run.elapsedNs)}`;
  if (kinds.length > 0) yield row('played', kinds.join(', '));
  yield row(
    'bytes',
    `${formatBytes(run.bytesRead)} read, ${formatBytes(run.bytesWritten)} written`,
  );
  yield* comparisonLines(run.comparison);
  for (const [what, count] of Object.entries(run.failed)) {
    yield row('failed', `${what}, ${formatCount(count)} times, and not when it was recorded`);
  }
  yield* fileLines(run.files);
  for (const note of run.notes) yield row('note', note);
  yield* unplayedLines(run.unplayed);
}

function* comparisonLines(found: Comparison): Generator<string> {
  const { reads, bytes, otherBytes, otherResults, unknown } = found;
  if (reads > 0) {
    const equal = otherBytes === 0 ? 'all as recorded' : `${otherBytes} differ`;
    yield row(
      'compared',
      `${formatCount(reads)} reads, ${formatBytes(bytes)} that the log shows: ${equal}`,
    );
  }
  if (unknown > 0) {
    yield row(
      'compared',
      `${formatCount(unknown)} reads not, as the log cuts off what was written there`,
    );
  }
  if (otherResults > 0) yield row('differs', `${formatCount(otherResults)} results`);
  for (const difference of found.differences) yield row('differs', difference);
}

function* fileLines({ made, shorter }: LaidOut): Generator<string> {
  for (const { name, size } of made.slice(0, 10)) {
    yield row('made', `${name}, ${formatBytes(size)}: it was missing`);
  }
  if (made.length > 10) yield row('made', `${made.length - 10} files more`);
  for (const { name, size, needs } of shorter.slice(0, 10)) {
    yield row('shorter', `${name}: ${size} bytes, the recording reads ${needs}`);
  }
}

function* unplayedLines(unplayed: readonly Unplayed[]): Generator<string> {
  const sum = (matters: boolean): number =>
    unplayed.reduce((all, each) => all + (each.matters === matters ? each.count : 0), 0);
  for (const { what, reason, line, column, count } of unplayed.filter(({ matters }) => matters)) {
    const times = count === 1 ? '' : `, ${formatCount(count)} times`;
    yield row('not played', `${what} (line ${line}:${column}${times}): ${reason}`);
  }
  const without = unplayed.filter(({ matters }) => !matters);
  if (without.length > 0) {
    const names = [...new Set(without.map(({ what }) => what))].slice(0, 12).join(', ');
    yield row('left out', `${formatCount(sum(false))} that read and write no byte: ${names}`);
  }
  if (sum(true) > 0)
    yield `Not everything was played: ${formatCount(sum(true))} operations left out.`;
}

function row(label: string, text: string): string {
  return `  ${label.padEnd(10)} ${text}`;
}

/** True if something was left out or went otherwise than when it was recorded. */
export function hasFindings({ unplayed, failed, comparison }: ReplaySummary): boolean {
  return (
    unplayed.some(({ matters }) => matters) ||
    Object.keys(failed).length > 0 ||
    comparison.otherResults > 0
  );
}
