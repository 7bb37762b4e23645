/** `netfslab stats delta A B`: what happened between two copies of the statistics. */
import { Args, Flags } from '@oclif/core';
import { deltaTable } from '../../core/app/stats/delta.js';
import { tableFlags } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class StatsDelta extends LabCommand {
  static override summary = 'Show what changed between two copies of the statistics';

  static override description =
    `Each is a copy of /proc/fs/fscache/stats or /proc/fs/netfs/stats of any kernel, or a capture: name.db is its last snapshot, name.db@1 its first.

--json gives { capture: null, rows: [{ label, key, before, after, delta, kind, note }] }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> before.txt after.txt',
    '<%= config.bin %> <%= command.id %> run.db@1 run.db --csv',
  ];

  static override args = {
    before: Args.string({ description: 'the earlier copy', required: true }),
    after: Args.string({ description: 'the later copy', required: true }),
  };

  static override flags = {
    unchanged: Flags.boolean({ description: 'also show what did not change' }),
    ...tableFlags,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(StatsDelta);
    return this.show(deltaTable(args.before, args.after, flags.unchanged), flags);
  }
}
