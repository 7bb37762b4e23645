/** `netfslab trace export`: a capture for other tools and other people. */
import { Flags } from '@oclif/core';
import { eventLines } from '../../core/app/events.js';
import { exported, exportFile, exportTable } from '../../core/app/export.js';
import { UsageError } from '../../core/base/errors.js';
import { captureArg } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class TraceExport extends LabCommand {
  static override description = `Print a whole capture for other tools, or for other people
ftrace: the text of tracefs, which trace import reads back; of an imported trace, as it was.
--decode adds the names of flag bits (f=22[COPY_TO_CACHE|IN_PROGRESS]), for people.
csv, ndjson: one row per event: number, nanoseconds, task, processor, flags, name and text.
bundle, db (with --out): what capture-script packs, with statistics and requests; the database.
--anonymise: names of files, tasks and hosts are replaced, bytes of packets blanked, markers and
events that have no table here removed. Numbers stay (requests, cookies, inodes, positions, times),
so every analysis gives the same answer. Kernel tasks keep their names.
--json gives { capture, rows: [{ id, ts, task, comm, pid, cpu, flags, system, event, text }] },
or with --out { capture, out, format, anonymised }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> run.db > trace.txt',
    '<%= config.bin %> <%= command.id %> --format ndjson | jq .text',
    '<%= config.bin %> <%= command.id %> host.db --anonymise --format bundle --out report.tar.gz',
  ];

  static override args = { file: captureArg };

  static override flags = {
    anonymise: Flags.boolean({ description: 'replace names, blank packets, remove other texts' }),
    decode: Flags.boolean({ description: 'name the flag bits behind each f=' }),
    format: Flags.string({
      description: 'what to print or write',
      options: ['ftrace', 'csv', 'ndjson', 'bundle', 'db'],
      default: 'ftrace',
    }),
    out: Flags.string({ char: 'o', description: 'file to write: bundle, db; must not exist' }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TraceExport);
    const { anonymise, decode, format, out } = flags;
    const file = format === 'bundle' || format === 'db' ? format : null;
    if ((file === null) !== (out === undefined)) {
      throw new UsageError('--out', 'goes with --format bundle and --format db, and these with it');
    }
    const from = exported(args.file, anonymise);
    try {
      this.noteCapture(from.capture);
      if (file !== null && out !== undefined) {
        await exportFile(from, file, out);
        this.note(`wrote ${out}`);
        return { capture: from.capture, out, format, anonymised: anonymise };
      }
      if (format !== 'ftrace' || this.jsonEnabled()) {
        const table = { ...exportTable(from.path, decode), capture: null };
        const csv = format === 'csv';
        const shown = await this.show(table, { csv, ndjson: !csv });
        return shown === undefined ? undefined : { ...shown, capture: from.capture };
      }
      await this.print(eventLines(from.path, { decode }).lines);
      return undefined;
    } finally {
      from.remove();
    }
  }
}
