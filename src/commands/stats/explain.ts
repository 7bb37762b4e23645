/** `netfslab stats explain`: what the counters mean. */
import { Args, Flags } from '@oclif/core';
import { explainStats } from '../../core/app/stats/stats.js';
import { tableFlags } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class StatsExplain extends LabCommand {
  static override summary = 'Explain one key of the netfs and FS-Cache statistics, or all';

  static override description =
    `Without --era, lists the keys of all kernels, and which kernels print them.

--json gives { capture: null, rows: [{ key, label, kind, variable, doc, events, healthy, kernels }] }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> DL',
    '<%= config.bin %> <%= command.id %> --csv',
  ];

  static override args = { key: Args.string({ description: 'key as printed; default all' }) };

  static override flags = {
    era: Flags.string({ description: 'only the keys of this era of the kernel' }),
    ...tableFlags,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(StatsExplain);
    const { lines, ...table } = explainStats(args.key, flags.era);
    return this.showText(lines, table, flags);
  }
}
