/** `netfslab run`: a workload on a served directory, traced. */
import { Flags } from '@oclif/core';
import { newCapturePath } from '../core/app/capture_path.js';
import { type FsxRequest, type FsxSummary, fsxError, fsxLines, runFsx } from '../core/app/fsx.js';
import { runWorkload } from '../core/app/run.js';
import { type OpsRequest, type OpsSummary, resultLines, runOps } from '../core/app/run_ops.js';
import { type RunSummary, summaryLines } from '../core/app/summary.js';
import { lossError } from '../core/app/unwritten.js';
import { UsageError } from '../core/base/errors.js';
import { cacheFlags, engineFlags, labFrom } from '../core/cli/engine_flags.js';
import { EXIT } from '../core/cli/exit.js';
import { durationFlag, sizeFlag } from '../core/cli/flags.js';
import { onInterrupt } from '../core/cli/interrupt.js';
import { LabCommand } from '../core/cli/lab_command.js';
import { describeError } from '../core/cli/print_error.js';
import { startProgress } from '../core/report/progress.js';

// What --fsx or --fsxops asks for, if either is given.
function fsxOf(flags: {
  fsx: boolean;
  fsxops?: string;
  ops?: string;
}): FsxRequest['ops'] | undefined {
  if (flags.fsxops !== undefined) return { file: flags.fsxops };
  return flags.fsx ? Number(flags.ops ?? 1000) : undefined;
}

export default class Run extends LabCommand {
  static override description =
    `Read and write files of a directory through the engine, and record the trace
The flags have fio's names and meanings: a pass reads each file once, in blocks of --bs. Unlike fio,
--offset and --size are per file, and the files are those that exist on the server; those in --files are made
by write and randwrite if there is a --size.
Sizes take k, m, g (binary); times take us, ms, s, and a bare number is seconds.
--json gives the summary: { capture, elapsedNs, reads: { ops, hits, bytes, latencyNs }, writes, requests,
sources, server, amplification, cache, stats, trace, verified, interrupted, errors, unwritten: [{ file, bytes, errno }] }, bytes and nanoseconds.
With --ops the operations of a file are played instead, one after the other (docs/ops.md), and what each returned
is printed; --json gives { capture, elapsedNs, trace, unwritten,
results: [{ op, text, ret, errno, md5, residency }] }. What was written and never reached the server (unwritten) is an error.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> --server /usr/share/doc --bs 64k',
    '<%= config.bin %> <%= command.id %> --server . --files "src/**/*.ts" --rw randread --numjobs 4',
    '<%= config.bin %> <%= command.id %> --server /srv --clock real --verify --out run.db',
    '<%= config.bin %> <%= command.id %> --rw write --files new.dat --size 64m --bs 1m --verify',
    '<%= config.bin %> <%= command.id %> --fsx --ops 5000 --seed 7 --clock virtual --no-trace',
    '<%= config.bin %> <%= command.id %> --server /srv --ops reads.ops --clock virtual',
  ];

  static override flags = {
    rw: Flags.string({
      description: 'kind of workload: read, randread, write, randwrite, rw, randrw',
      default: 'read',
    }),
    bs: sizeFlag({ description: 'bytes of one read or write', default: 4096 }),
    size: sizeFlag({
      description:
        'bytes of each file to cover; default to its end. A file in --files that is only written is made, or' +
        ' becomes as long',
    }),
    offset: sizeFlag({ description: 'where in each file to begin', default: 0 }),
    files: Flags.string({
      description: 'name or glob pattern, relative to the server (repeatable); default every file',
      multiple: true,
      multipleNonGreedy: true,
    }),
    dir: Flags.string({ description: 'only files beneath this directory of the server' }),
    numjobs: Flags.integer({ description: 'jobs at once, each over all files', default: 1 }),
    loops: Flags.integer({ description: 'passes over the files', default: 1 }),
    rwmixread: Flags.integer({ description: 'percent that reads, of rw and randrw', default: 50 }),
    fsync: Flags.integer({
      description: 'fsync after every so many writes; 0 = when a file is closed',
      default: 0,
    }),
    direct: Flags.boolean({
      description: 'past the page cache and the disk cache (O_DIRECT); not of linux-6.1-afs',
      default: false,
    }),
    runtime: durationFlag({ description: 'stop after this long, by the clock of the run' }),
    'time-based': Flags.boolean({ description: 'repeat the passes until --runtime is over' }),
    fadvise: Flags.string({
      description: 'advice for each file when it is opened',
      options: ['normal', 'random', 'sequential', 'willneed', 'dontneed', 'noreuse'],
    }),
    ops: Flags.string({
      description:
        'play the operations of this file instead (docs/ops.md), - is stdin; with --fsx, how many',
      helpValue: 'FILE|N',
      exclusive: ['rw', 'bs', 'size', 'offset', 'files', 'dir', 'numjobs', 'loops', 'runtime'],
    }),
    'host-changes': Flags.boolean({
      description:
        "let the list's host operations change files on the server (in what --server-writes names)",
      dependsOn: ['ops'],
    }),
    fsx: Flags.boolean({
      description:
        'random operations on a file of their own against a copy in memory (docs/writes.md)',
      exclusive: ['rw', 'bs', 'size', 'offset', 'files', 'dir', 'numjobs', 'loops', 'runtime'],
    }),
    fsxops: Flags.string({
      description: 'the operations of this .fsxops file against a copy in memory',
      helpValue: 'FILE',
      exclusive: ['fsx', 'ops', 'rw', 'files', 'numjobs'],
    }),
    verify: Flags.boolean({
      description: 'compare every byte read with the file itself, or with what was written',
    }),
    ...engineFlags,
    ...cacheFlags,
    out: Flags.string({ description: 'capture to write (must not exist)', helpValue: 'FILE' }),
    trace: Flags.boolean({ description: 'record the trace', default: true, allowNo: true }),
    'op-log': Flags.string({
      description: 'operations that get a row in the capture: all, those that missed, none',
      options: ['all', 'miss', 'none'],
      default: 'all',
    }),
    'trace-overflow': Flags.string({
      description: 'when events come faster than they can be stored: wait, or drop and count',
      options: ['block', 'drop'],
      default: 'block',
    }),
  };

  async run(): Promise<RunSummary | OpsSummary | FsxSummary> {
    const { flags } = await this.parse(Run);
    if (!flags.trace && flags.out !== undefined) {
      throw new UsageError(
        '--out',
        'there is nothing to write with --no-trace',
        'drop one of them',
      );
    }
    const workload =
      fsxOf(flags) !== undefined ? 'fsx' : flags.ops === undefined ? flags.rw : 'ops';
    const out = flags.trace ? newCapturePath(workload, flags.out) : undefined;
    const trace = out === undefined ? undefined : this.traceTarget(out, flags['trace-overflow']);
    const fsx = fsxOf(flags);
    if (fsx !== undefined) {
      const shrinkTo = flags.fsx ? `fsx-${flags.randseed}.fsxops` : undefined;
      return this.#runFsx({ lab: labFrom(flags, 1), ops: fsx, shrinkTo, trace });
    }
    if (flags.ops !== undefined) {
      const hostChanges = flags['host-changes'];
      return this.#playOps({ lab: labFrom(flags, 1), ops: flags.ops, hostChanges, trace });
    }
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
    for (const error of summary.errors) this.endWithError(error);
    this.#tellLost(summary);
    if (summary.interrupted) this.endWith(EXIT.interrupted);
    return { ...summary, errors: summary.errors.map((error) => describeError(error)) };
  }

  #tellLost({ unwritten }: Pick<RunSummary, 'unwritten'>): void {
    for (const lost of unwritten) this.endWithError(lossError(lost));
  }

  async #runFsx(request: FsxRequest): Promise<FsxSummary> {
    const summary = await runFsx(request);
    if (summary.capture !== null) this.noteCapture(summary.capture);
    await this.print(fsxLines(summary));
    if (summary.failure !== null) this.endWithError(fsxError(summary.failure));
    this.#tellLost(summary);
    return summary;
  }

  async #playOps(request: OpsRequest): Promise<OpsSummary> {
    const interrupt = onInterrupt();
    const summary = await runOps(request, interrupt.signal).finally(() => interrupt.stop());
    if (summary.capture !== null) this.noteCapture(summary.capture);
    await this.print(resultLines(summary));
    this.#tellLost(summary);
    if (summary.interrupted) this.endWith(EXIT.interrupted);
    return summary;
  }
}
