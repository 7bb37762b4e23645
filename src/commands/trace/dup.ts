/** `netfslab trace dup`: what was downloaded again. */
import { analysisFlags, captureArg } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class TraceDup extends LabCommand {
  static override description =
    `Show bytes that were downloaded more than once with no invalidation between
By file and cause: no cache, not stored, refused, two requests at once, stored but not found.
--json gives { capture, rows: [{ file, cause, bytes, slices, first }] }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --csv host.db',
  ];

  static override args = { capture: captureArg };

  static override flags = {
    ...analysisFlags,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TraceDup);
    return this.ask('dup', args.capture, {}, flags);
  }
}
