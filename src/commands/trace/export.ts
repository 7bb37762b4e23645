/** `netfslab trace export`: a capture as text for other tools. */
import { Flags } from '@oclif/core';
import { eventLines } from '../../core/app/events.js';
import { exportTable } from '../../core/app/export.js';
import { captureArg } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class TraceExport extends LabCommand {
  static override description = `Print a whole capture for other tools
ftrace: the text of tracefs, which trace import reads back; of an imported trace, as it was.
--decode adds the names of flag bits (f=22[COPY_TO_CACHE|IN_PROGRESS]), for people.
csv, ndjson: one row per event: number, nanoseconds, task, processor, flags, name and text.
--json gives { capture, rows: [{ id, ts, task, comm, pid, cpu, flags, system, event, text }] }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> run.db > trace.txt',
    '<%= config.bin %> <%= command.id %> --format ndjson | jq .text',
  ];

  static override args = { file: captureArg };

  static override flags = {
    decode: Flags.boolean({ description: 'name the flag bits behind each f=' }),
    format: Flags.string({
      description: 'what to print',
      options: ['ftrace', 'csv', 'ndjson'],
      default: 'ftrace',
    }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TraceExport);
    if (flags.format !== 'ftrace' || this.jsonEnabled()) {
      const csv = flags.format === 'csv';
      return this.show(exportTable(args.file, flags.decode), { csv, ndjson: !csv });
    }
    const { capture, lines } = eventLines(args.file, { decode: flags.decode });
    this.noteCapture(capture);
    await this.print(lines);
    return undefined;
  }
}
