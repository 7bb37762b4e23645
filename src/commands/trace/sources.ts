/** `netfslab trace sources`: where the bytes came from. */
import { Flags } from '@oclif/core';
import { analysisFlags, captureArg } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class TraceSources extends LabCommand {
  static override summary = 'Show where the bytes came from, in total, by file or by task';

  static override description =
    `Amplification is bytes from the server per byte the application read.

--json gives { capture, rows: [{ file, app_bytes, zero_bytes, server_bytes, ... }] }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --limit 10 run.db',
    '<%= config.bin %> <%= command.id %> --map run.db',
  ];

  static override args = { capture: captureArg };

  static override flags = {
    by: Flags.string({
      description: 'list files, tasks by name (comm), or tasks by name and pid (task)',
      options: ['file', 'comm', 'task'],
      default: 'file',
    }),
    limit: Flags.integer({ description: 'at most this many files', helpValue: 'N', min: 0 }),
    map: Flags.boolean({ description: 'a picture of each file instead', exclusive: ['limit'] }),
    ...analysisFlags,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TraceSources);
    if (flags.map) return this.ask('map', args.capture, {}, flags);
    return this.ask('sources', args.capture, { limit: flags.limit, by: flags.by }, flags);
  }
}
