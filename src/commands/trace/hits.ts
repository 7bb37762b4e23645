/** `netfslab trace hits`: what needed no server. */
import { analysisFlags, captureArg } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class TraceHits extends LabCommand {
  static override summary = 'Show the hit rate by four denominators';

  static override description =
    `Counts bytes the application read, requests, slices, and bytes that cache and server moved. memory is what needed no request. A request served by cache and server both is a partial hit and counts as a miss. docs/reference/accounting.md defines every number.

--json gives { capture, rows: [{ of, total, memory, cache, partly, server, zero, hit_rate }] }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --csv warm.db',
  ];

  static override args = { capture: captureArg };

  static override flags = {
    ...analysisFlags,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TraceHits);
    return this.ask('hits', args.capture, {}, flags);
  }
}
