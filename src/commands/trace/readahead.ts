/** `netfslab trace readahead`: what readahead did. */
import { analysisFlags, captureArg, plotFlag } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class TraceReadahead extends LabCommand {
  static override summary = 'Show what readahead did with each file';

  static override description =
    `A window that did not grow, or started only when a reader needed it (its marker was not met), makes readers wait for the server. unused is what no operation read.

--json gives { capture, rows: [{ file, windows, sequential, grown, missed, first, max, unused, note }] }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> host.db',
  ];

  static override args = { capture: captureArg };

  static override flags = {
    plot: plotFlag,
    ...analysisFlags,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TraceReadahead);
    if (flags.plot) return this.plot('readahead', args.capture);
    return this.ask('readahead', args.capture, {}, flags);
  }
}
