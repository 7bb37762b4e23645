/** `netfslab run`: a synthetic workload on a served directory, traced. */
import { Args, Flags } from '@oclif/core';
import { lossError } from '../core/app/lab/unwritten.js';
import { fioJson, fioLines } from '../core/app/run/fio_report.js';
import { type FioOutcome, runJobFiles } from '../core/app/run/fio_run.js';
import { runWorkload } from '../core/app/run/run.js';
import { type RunSummary, summaryLines, traceLines } from '../core/app/run/summary.js';
import { nameRules } from '../core/app/run/workload_input.js';
import { newCapturePath } from '../core/app/trace/capture_path.js';
import {
  cacheFlags,
  type EngineFlags,
  engineFlags,
  labFrom,
  opLogFlag,
  traceFlags,
} from '../core/cli/engine_flags.js';
import { EXIT } from '../core/cli/exit.js';
import { onInterrupt } from '../core/cli/interrupt.js';
import { LabCommand } from '../core/cli/lab_command.js';
import { describeError } from '../core/cli/print_error.js';
import { ENGINE_RULES, givenFlags, refuseUseless } from '../core/cli/useless_flags.js';
import { WORKLOAD_RULES, workloadFlags } from '../core/cli/workload_flags.js';
import { startProgress } from '../core/report/progress.js';

export default class Run extends LabCommand {
  static override summary =
    'Run a synthetic workload on files of a directory, and record the trace';

  static override description =
    `The workload comes from fio job files or from flags with fio's names and meanings. With flags, a pass covers each file once, in blocks of --bs; unlike fio, --offset and --size are per file, and the files are those that exist on the server, or those in --files that write and randwrite make. A job file is run as fio runs it: jobs and their files, stonewalls, rates and times. Its files are beneath --server, missing ones are laid out, and options that would change the result and are not supported are errors (docs/how-to/play-a-workload.md). Sizes take k, m, g (binary); times take us, ms, s, and a bare number is seconds. --json gives the summary: { capture, elapsedNs, reads: { ops, hits, bytes, latencyNs }, writes, requests, sources, server, amplification, cache, stats, trace, verified, interrupted, errors, unwritten: [{ file, bytes, errno }] }, bytes and nanoseconds; of a job file it gives what --output-format json prints, with fio's own keys. What was written and never reached the server (unwritten) is an error.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> --server /usr/share/doc --bs 64k',
    '<%= config.bin %> <%= command.id %> --server . --files "src/**/*.ts" --rw randread --numjobs 4',
    '<%= config.bin %> <%= command.id %> --server /srv jobs.fio --output-format json',
    '<%= config.bin %> <%= command.id %> --server /srv --clock real --verify --out run.db',
    '<%= config.bin %> <%= command.id %> --rw write --files new.dat --size 64m --bs 1m --verify',
  ];

  /** What `--help` shows; `--help-all` shows the rest. */
  static common = [
    ...['server', 'rw', 'bs', 'size', 'files', 'numjobs', 'runtime', 'verify', 'cache', 'out'],
  ];

  static override strict = false;

  static override args = {
    jobfile: Args.string({ description: 'fio job file (repeatable); - is stdin' }),
  };

  static override flags = {
    ...workloadFlags,
    'output-format': Flags.string({
      description: "shape of a job file's result: as fio prints it, or fio's JSON",
      options: ['normal', 'json'],
      default: 'normal',
      helpGroup: 'WORKLOAD',
    }),
    ...engineFlags,
    ...cacheFlags,
    ...traceFlags,
    'op-log': opLogFlag,
  };

  async run(): Promise<RunSummary | Record<string, unknown>> {
    const { flags, argv, metadata } = await this.parse(Run);
    const jobFiles = argv as string[];
    const values = { ...flags, jobFiles };
    const given = givenFlags(metadata, flags);
    refuseUseless(given, values, [...ENGINE_RULES, ...WORKLOAD_RULES, ...FORMAT_RULES]);
    return jobFiles.length > 0 ? this.#runJobs(flags, jobFiles) : this.#runFlags(flags);
  }

  async #runFlags(flags: RunFlags): Promise<RunSummary> {
    const out = flags.trace ? newCapturePath(flags.rw, flags.out) : undefined;
    const trace = out === undefined ? undefined : this.traceTarget(out, flags['trace-overflow']);
    const request = {
      ...flags,
      lab: labFrom(flags, flags.numjobs),
      files: flags.files ?? [],
      timeBased: flags['time-based'],
      rwMixRead: flags.rwmixread,
      fadvise: flags.fadvise as 'normal' | undefined,
      opLog: flags['op-log'] as 'all',
      trace,
    };
    const interrupt = onInterrupt();
    const bar = startProgress(flags.rw, 'bytes');
    const summary = await runWorkload(request, {
      signal: interrupt.signal,
      progress: (done, total) => bar.update(done, total),
      warn: (message) => this.note(message),
    }).finally(() => {
      bar.stop();
      interrupt.stop();
    });
    if (out !== undefined) this.noteCapture(out);
    await this.print(summaryLines(summary));
    this.#end(summary);
    return { ...summary, errors: summary.errors.map((error) => describeError(error)) };
  }

  async #runJobs(flags: RunFlags, files: readonly string[]): Promise<Record<string, unknown>> {
    const out = flags.trace ? newCapturePath('fio', flags.out) : undefined;
    const trace = out === undefined ? undefined : this.traceTarget(out, flags['trace-overflow']);
    const interrupt = onInterrupt();
    const bar = startProgress('fio', 'bytes');
    const lab = labFrom(flags, 2);
    const names = nameRules(flags.server, []);
    const request = { lab, files, names, opLog: flags['op-log'] as 'all', trace };
    const outcome = await runJobFiles(request, {
      signal: interrupt.signal,
      progress: (done, total) => bar.update(done, total),
    }).finally(() => {
      bar.stop();
      interrupt.stop();
    });
    for (const note of outcome.notes) this.note(note);
    if (out !== undefined) this.noteCapture(out);
    const result = fioJson(outcome);
    if (flags['output-format'] === 'json') await this.print([JSON.stringify(result, null, 2)]);
    else await this.print([...fioLines(outcome), ...traceLines(outcome)]);
    this.#end(outcome);
    return result;
  }

  #end(outcome: Pick<FioOutcome, 'errors' | 'unwritten' | 'interrupted'>): void {
    for (const error of outcome.errors) this.endWithError(error);
    for (const lost of outcome.unwritten) this.endWithError(lossError(lost));
    if (outcome.interrupted) this.endWith(EXIT.interrupted);
  }
}

const FORMAT_RULES = [
  {
    flags: ['output-format'],
    beside: ({ jobFiles }: { readonly jobFiles?: unknown }) =>
      (jobFiles as readonly string[]).length === 0 ? 'no job file' : undefined,
    hint: 'take --json, which gives the summary of any run',
  },
];

/** The flags once parsed. */
interface RunFlags extends EngineFlags {
  readonly rw: string;
  readonly bs: number;
  readonly size: number | undefined;
  readonly offset: number;
  readonly files: string[] | undefined;
  readonly dir: string | undefined;
  readonly numjobs: number;
  readonly loops: number;
  readonly rwmixread: number;
  readonly fsync: number;
  readonly direct: boolean;
  readonly runtime: number | undefined;
  readonly 'time-based': boolean;
  readonly fadvise: string | undefined;
  readonly verify: boolean;
  readonly 'output-format': string;
  readonly out: string | undefined;
  readonly trace: boolean;
  readonly 'trace-overflow': string;
  readonly 'op-log': string;
}
