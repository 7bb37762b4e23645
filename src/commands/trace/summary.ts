/** `netfslab trace summary`: one screen about a capture. */
import { summarise, summaryScreen } from '../../core/app/trace_summary.js';
import { captureArg } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class TraceSummary extends LabCommand {
  static override description = `Sum a capture up on one screen, with the three most notable things
Each of them names the command that says more. Up to 300,000 events the rules of trace check are
asked too.
--json gives { capture, kernel, era, events, lost_events, span_ns, requests, hits, latency, notable }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> host.db --json',
  ];

  static override args = { file: captureArg };

  async run(): Promise<unknown> {
    const { args } = await this.parse(TraceSummary);
    const summary = summarise(args.file);
    this.noteCapture(summary.capture);
    await this.print(summaryScreen(summary));
    return summary;
  }
}
