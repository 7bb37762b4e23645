/** `netfslab stats show`: the counters of a capture. */
import { Flags } from '@oclif/core';
import { mountStats, showStats } from '../../core/app/stats/stats.js';
import { captureArg, tableFlags } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class StatsShow extends LabCommand {
  static override summary = 'Print the netfs statistics of a capture';

  static override description =
    `Prints what /proc shows on the kernel that the profile plays; --table adds the meaning of each key. A run has only the FS-Cache lines that it really counts; stderr names the others. With --mount, prints those of a live mount, and --json gives { lines }.

--json gives { capture, snapshot, of, notPlayed, rows: [{ label, key, value, kind, doc }] }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --table --snapshot 1 run.db',
  ];

  static override args = { capture: captureArg };

  static override flags = {
    snapshot: Flags.integer({ description: 'which snapshot, from 1; default the last' }),
    mount: Flags.string({
      description: 'of a mount that is served now instead',
      helpValue: 'MOUNTPOINT',
      exclusive: ['snapshot', 'table'],
    }),
    table: Flags.boolean({ description: 'a table with the meaning of each key' }),
    ...tableFlags,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(StatsShow);
    if (flags.mount !== undefined) {
      const lines = mountStats(flags.mount);
      await this.print(lines);
      return { lines };
    }
    const { lines, snapshot, of, notPlayed, ...table } = showStats(args.capture, flags.snapshot);
    const shown = await this.showText(lines, table, flags);
    this.note(`snapshot: ${snapshot} of ${of}`);
    if (notPlayed.length > 0) this.note(`not played: ${notPlayed.join(', ')}`);
    return shown === undefined ? undefined : { snapshot, of, notPlayed, ...shown };
  }
}
