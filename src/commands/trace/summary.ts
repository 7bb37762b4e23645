/** `netfslab trace summary`: one screen about a capture. */
import { summarise, summaryScreen } from '../../core/app/trace/summary.js';
import { captureArg } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class TraceSummary extends LabCommand {
  static override summary = 'Summarise a capture on one screen, with its three main findings';

  static override description =
    `Each finding names the command that says more. Captures of up to 300,000 events are also checked by the rules of trace check.

--json gives { capture, kernel, era, events, lost_events, span_ns, requests, hits, latency, notable }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> host.db --json',
  ];

  static override args = { capture: captureArg };

  async run(): Promise<unknown> {
    const { args } = await this.parse(TraceSummary);
    const summary = summarise(args.capture);
    this.noteCapture(summary.capture);
    await this.print(summaryScreen(summary));
    return summary;
  }
}
