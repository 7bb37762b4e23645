/** `netfslab trace import`: a kernel's trace into a capture. */
import { Args, Flags } from '@oclif/core';
import { importTraces } from '../../core/app/import/import.js';
import { importName, importSummaryLines, wasDamaged } from '../../core/app/import/summary.js';
import { newCapturePath } from '../../core/app/trace/capture_path.js';
import { EXIT } from '../../core/cli/exit.js';
import { onInterrupt } from '../../core/cli/interrupt.js';
import { LabCommand } from '../../core/cli/lab_command.js';
import { startProgress } from '../../core/report/progress.js';

export default class TraceImport extends LabCommand {
  static override summary = 'Import traces of a real kernel into a capture';

  static override description =
    `Recognises format, compression and kernel era by content. Several files become one capture. A bundle of capture-script brings its statistics and request list along.

From a whole mail, issue or log, takes traces, statistics, tables of /proc, mountstats and kernel messages, and prints where it found each. A file that belongs to another command is answered with that command.

Exits with 1 if lines were damaged (what could be read is kept), and with 3 if nothing was understood.

--json gives { capture, files, era, events, counts, interrupted, finishMs }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> trace.txt',
    'ssh host trace-cmd show | <%= config.bin %> <%= command.id %> - --out host.db',
    '<%= config.bin %> <%= command.id %> mail.eml --kernel 6.15',
    '<%= config.bin %> <%= command.id %> netfs-hang-host.tar.gz',
    '<%= config.bin %> <%= command.id %> trace.txt --formats /sys/kernel/tracing/events',
    '<%= config.bin %> <%= command.id %> trace.txt.gz --stats before.txt --stats after.txt',
  ];

  static override aliases = ['import'];

  static override strict = false;

  static override args = {
    file: Args.string({ description: 'traces to read; - is stdin', required: true }),
  };

  static override flags = {
    out: Flags.string({
      char: 'o',
      description: 'file to write; default named by file and time in the folder of captures',
    }),
    format: Flags.string({ description: 'format, when it is not told by content' }),
    era: Flags.string({ description: 'era of the kernel (E0 to E13), when content does not tell' }),
    kernel: Flags.string({ description: 'kernel release (6.1, 6.12.107), which gives the era' }),
    formats: Flags.string({
      description:
        "the kernel's events folder (tracefs), a copy or a tar of it: reads a kernel not known here",
      helpValue: 'DIR|TAR',
    }),
    'files-from': Flags.string({
      description: "names of files by inode: find MOUNT -printf '%i %p\\n'",
      helpValue: 'FILE',
    }),
    stats: Flags.string({
      description: 'copy of the statistics before or after; may be repeated',
      multiple: true,
    }),
  };

  async run(): Promise<unknown> {
    const { argv, flags } = await this.parse(TraceImport);
    const files = argv as string[];
    const out = newCapturePath(importName(files), flags.out);
    const interrupt = onInterrupt();
    const progress = startProgress('importing', 'bytes');
    try {
      const { format, era, kernel, formats, stats } = flags;
      const request = {
        files,
        target: this.traceTarget(out),
        format,
        era,
        kernel,
        formats,
        stats,
        filesFrom: flags['files-from'],
      };
      const summary = await importTraces(request, {
        signal: interrupt.signal,
        progress: (done, total) => progress.update(done, total),
      });
      progress.stop();
      this.noteCapture(out);
      const { doubt } = summary.era;
      if (doubt !== null) this.note(`the era is in doubt: ${doubt}`);
      await this.print(importSummaryLines(summary));
      if (summary.interrupted) this.endWith(EXIT.interrupted);
      else if (wasDamaged(summary)) this.endWith(EXIT.failed);
      return summary;
    } finally {
      progress.stop();
      interrupt.stop();
    }
  }
}
