/** `netfslab trace readahead`: what readahead did. */
import { analysisFlags, captureArg } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class TraceReadahead extends LabCommand {
  static override description = `Show what readahead did with each file
Windows that did not grow, or were begun only when a reader stood before them (its marker was not
met), mean that readers wait for the server where they need not. unused is what no operation read.
--json gives { capture, rows: [{ file, windows, sequential, grown, missed, first, max, unused, note }] }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> host.db',
  ];

  static override args = { file: captureArg };

  static override flags = {
    ...analysisFlags,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TraceReadahead);
    return this.ask('readahead', args.file, {}, flags);
  }
}
