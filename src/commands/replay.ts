/** `netfslab replay`: a recorded workload of any known format, played on a served directory. */
import { Args, Flags } from '@oclif/core';
import type { TraceTarget } from '../core/app/lab/trace_sink.js';
import { lossError } from '../core/app/lab/unwritten.js';
import { fioJson, fioLines } from '../core/app/run/fio_report.js';
import { runJobFiles } from '../core/app/run/fio_run.js';
import { FSX_DEFAULTS, type FsxSummary, fsxError, fsxLines, runFsx } from '../core/app/run/fsx.js';
import { hasFindings, type ReplaySummary, replay, replayLines } from '../core/app/run/replay.js';
import {
  FORMAT_NAMES,
  nameRules,
  readWorkload,
  recordingOptions,
  type WorkloadInput,
} from '../core/app/run/workload_input.js';
import { newCapturePath } from '../core/app/trace/capture_path.js';
import { VerificationError } from '../core/base/errors.js';
import { cacheFlags, engineFlags, labFrom, traceFlags } from '../core/cli/engine_flags.js';
import { EXIT } from '../core/cli/exit.js';
import { onInterrupt } from '../core/cli/interrupt.js';
import { LabCommand } from '../core/cli/lab_command.js';
import {
  ENGINE_RULES,
  givenFlags,
  refuseUseless,
  type UselessRule,
} from '../core/cli/useless_flags.js';
import { startProgress } from '../core/report/progress.js';

const helpGroup = 'RECORDING';

export default class Replay extends LabCommand {
  static override summary = 'Play a recorded workload, whatever its format';

  static override description =
    `The format is recognised by content: ${FORMAT_NAMES.join(', ')} (docs/how-to/play-a-workload.md). Files are those beneath --server: names of the machine that was recorded are mapped beneath it and never opened as they are. Files that the recording reads and that are missing are laid out first. What cannot be played is named with its line and reason, the end counts what was played and what was not, and where the recording shows results or data they are compared. --json gives { format, capture, elapsedNs, played, bytesRead, bytesWritten, failed, comparison, unplayed, files, notes, trace, results, output, unwritten, interrupted }. Exit code 1: something was left out or went otherwise than when it was recorded; 4: other data.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> app.strace --server /srv --map /mnt/t=',
    '<%= config.bin %> <%= command.id %> io.log --server /srv --clock virtual',
    '<%= config.bin %> <%= command.id %> reads.ops --server /srv --clock virtual',
    '<%= config.bin %> <%= command.id %> production.db --server /srv --read-ahead-kb 1024',
  ];

  /** What `--help` shows; `--help-all` shows the rest. */
  static common = [
    ...[
      'server',
      'map',
      'make-files',
      'timing',
      'mmap',
      'results',
      'clock',
      'profile',
      'cache',
      'out',
    ],
  ];

  static override args = {
    file: Args.string({ description: 'recording to play; - is stdin', required: true }),
  };

  static override flags = {
    map: Flags.string({
      description:
        'names that begin with OLD begin with NEW instead, beneath the server (repeatable)',
      helpValue: 'OLD=NEW',
      multiple: true,
      multipleNonGreedy: true,
      default: [],
      helpGroup,
    }),
    fd: Flags.string({
      description: 'file of a descriptor that was open before an strace log began (repeatable)',
      helpValue: 'N=NAME',
      multiple: true,
      multipleNonGreedy: true,
      default: [],
      helpGroup,
    }),
    'make-files': Flags.boolean({
      description: 'lay out files that are missing, with the data that the recording shows',
      default: true,
      allowNo: true,
      helpGroup,
    }),
    timing: Flags.string({
      description: 'fast: one operation follows the other; recorded: at the recorded times',
      options: ['fast', 'recorded'],
      default: 'fast',
      helpGroup,
    }),
    mmap: Flags.string({
      description: 'mappings of an strace log: read from first to last page, or left out',
      options: ['touch', 'none'],
      default: 'touch',
      helpGroup,
    }),
    'wait-unit': Flags.string({
      description:
        "what wait counts in a fio iolog of version 2: ms as fio's code, us as its manual",
      options: ['ms', 'us'],
      default: 'ms',
      helpGroup,
    }),
    results: Flags.boolean({
      description: 'print what each operation returned; op lists print it anyway',
      helpGroup,
    }),
    'host-changes': Flags.boolean({
      description:
        "let an op list's host operations change files on the server (in what --server-writes names)",
      helpGroup,
    }),
    ...engineFlags,
    ...cacheFlags,
    ...traceFlags,
  };

  async run(): Promise<ReplaySummary | FsxSummary | Record<string, unknown>> {
    const { flags, args, metadata } = await this.parse(Replay);
    const options = recordingOptions({ ...flags, waitUnit: flags['wait-unit'] });
    const input = readWorkload(args.file, options);
    const values = { ...flags, format: formatOf(input), timed: isTimed(input) };
    refuseUseless(givenFlags(metadata, flags), values, [...ENGINE_RULES, ...REPLAY_RULES]);
    const out = flags.trace ? newCapturePath('replay', flags.out) : undefined;
    const trace = out === undefined ? undefined : this.traceTarget(out, flags['trace-overflow']);
    if (input.kind === 'fsx') return this.#fsx(input.text, args.file, labFrom(flags, 1), trace);
    if (input.kind === 'fio') return this.#fio(args.file, flags, trace);
    const interrupt = onInterrupt();
    const bar = startProgress('replay', 'count');
    const list = input.recording.format === 'op list';
    const summary = await replay(
      {
        lab: labFrom(flags, 1),
        // What an op list opens may be missing on purpose: that is a result like any other.
        recording: list ? { ...input.recording, files: [] } : input.recording,
        makeFiles: flags['make-files'],
        recordedTimes: flags.timing === 'recorded',
        hostChanges: flags['host-changes'],
        results: flags.results || list,
        trace,
      },
      { signal: interrupt.signal, progress: (done, total) => bar.update(done, total) },
    ).finally(() => {
      bar.stop();
      interrupt.stop();
    });
    if (summary.capture !== null) this.noteCapture(summary.capture);
    await this.print(replayLines(summary));
    this.#end(summary, args.file, list);
    return summary;
  }

  async #fsx(
    text: string,
    file: string,
    lab: ReturnType<typeof labFrom>,
    trace: TraceTarget | undefined,
  ): Promise<FsxSummary> {
    const source = { kind: 'text', text, file } as const;
    const summary = await runFsx({ ...FSX_DEFAULTS, lab, source, trace });
    if (summary.capture !== null) this.noteCapture(summary.capture);
    await this.print(fsxLines(summary));
    if (summary.failure !== null) this.endWithError(fsxError(summary.failure));
    for (const lost of summary.unwritten) this.endWithError(lossError(lost));
    if (summary.skipped.length > 0) this.endWith(EXIT.failed);
    return summary;
  }

  async #fio(
    file: string,
    flags: Parameters<typeof labFrom>[0] & { readonly map: string[] },
    trace: TraceTarget | undefined,
  ): Promise<Record<string, unknown>> {
    const names = nameRules(flags.server, flags.map);
    const request = { lab: labFrom(flags, 2), files: [file], names, opLog: 'all', trace } as const;
    const outcome = await runJobFiles(request);
    for (const note of outcome.notes) this.note(note);
    if (outcome.capture !== null) this.noteCapture(outcome.capture);
    await this.print(fioLines(outcome));
    for (const error of outcome.errors) this.endWithError(error);
    return fioJson(outcome);
  }

  #end(summary: ReplaySummary, file: string, list: boolean): void {
    const { comparison, unwritten, interrupted } = summary;
    for (const lost of unwritten) this.endWithError(lossError(lost));
    if (interrupted) this.endWith(EXIT.interrupted);
    else if (comparison.otherBytes > 0) {
      const { otherBytes, reads, differences } = comparison;
      const what = `${otherBytes} of ${reads} reads gave other bytes than the recording shows`;
      this.endWithError(new VerificationError(file, 0, `${what}: ${differences[0] ?? ''}`));
    } else if (!list && hasFindings(summary)) this.endWith(EXIT.failed);
  }
}

function formatOf(input: WorkloadInput): string {
  if (input.kind === 'recording') return input.recording.format;
  return input.kind === 'fsx' ? 'fsx' : 'fio job file';
}

function isTimed(input: WorkloadInput): boolean {
  return input.kind === 'recording' && input.recording.ops.some(({ atNs }) => atNs > 0);
}

const only =
  (...formats: readonly string[]): UselessRule['beside'] =>
  ({ format }) =>
    formats.includes(String(format)) ? undefined : `a recording of format ${format}`;

const PLAYED_HERE = ['fio iolog', 'blkparse', 'strace', 'xfs_io', 'capture'];

/** Flags of a replay that are without effect with some formats. */
export const REPLAY_RULES: readonly UselessRule[] = [
  { flags: ['fd', 'mmap'], beside: only('strace') },
  { flags: ['wait-unit'], beside: only('fio iolog') },
  { flags: ['host-changes'], beside: only('op list', 'capture') },
  { flags: ['map'], beside: only('fio iolog', 'strace', 'xfs_io', 'fio job file') },
  { flags: ['make-files'], beside: only(...PLAYED_HERE) },
  { flags: ['results'], beside: only(...PLAYED_HERE, 'op list') },
  {
    flags: ['timing'],
    beside: ({ timing, timed, format }) =>
      timing === 'recorded' && timed !== true
        ? `a recording of format ${format} without times`
        : undefined,
  },
];
