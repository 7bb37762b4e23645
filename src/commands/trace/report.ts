/** `netfslab trace report`: one HTML file about a capture. */
import { Flags } from '@oclif/core';
import { writeReport } from '../../core/app/report/report.js';
import { captureArg } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class TraceReport extends LabCommand {
  static override summary = 'Write an HTML report of a capture, to look at and to send';

  static override description =
    `The report is one file that opens in any browser without a network. It shows findings with the events that prove them, where the bytes came from, a map of each file, a timeline of requests and slices that zooms from the whole capture to microseconds, latencies, readahead, concurrency, cookies and statistics. Its numbers are those of the other commands.

The page holds up to 20,000 requests. Of a larger capture it holds those that failed or were found fault with, the slowest, and an even sample of the others; densities, maps and tables are of all events.

--json gives { capture, out, document }, the document being what the page shows.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> run.db --out report.html',
    '<%= config.bin %> <%= command.id %> before.db --diff after.db --out both.html',
  ];

  static override args = { capture: captureArg };

  static override flags = {
    diff: Flags.string({ description: 'capture to show beside it', helpValue: 'CAPTURE' }),
    out: Flags.string({
      char: 'o',
      description: 'file to write; must not exist',
      default: 'report.html',
    }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TraceReport);
    const { diff, out } = flags;
    const request = { file: args.capture, diff, toolVersion: this.config.version };
    const document = writeReport(request, out);
    const capture = document.captures[0]?.name ?? null;
    if (capture !== null) this.noteCapture(capture);
    this.note(`wrote ${out}`);
    return { capture, out, document };
  }
}
