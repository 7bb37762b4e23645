/** `netfslab trace hits`: what needed no server. */
import { analysisFlags, captureArg } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class TraceHits extends LabCommand {
  static override description = `Show the hit rate by four denominators
Bytes the application read, requests, slices, and bytes that cache and server moved. memory is what
needed no request; a request that came from cache and server both is partly a hit and counts as a miss.
--json gives { capture, rows: [{ of, total, memory, cache, partly, server, zero, hit_rate }] }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --csv warm.db',
  ];

  static override args = { file: captureArg };

  static override flags = {
    ...analysisFlags,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TraceHits);
    return this.ask('hits', args.file, {}, flags);
  }
}
