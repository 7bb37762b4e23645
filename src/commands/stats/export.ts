/** `netfslab stats export`: the counters for a monitoring system. */
import { Args, Flags } from '@oclif/core';
import { exportedStats, openMetrics, STATS_FORMATS } from '../../core/app/stats/openmetrics.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class StatsExport extends LabCommand {
  static override summary = 'Print the netfs statistics for Prometheus';

  static override description =
    `Reads a copy of /proc/fs/netfs/stats or /proc/fs/fscache/stats (- is stdin), a capture, or a live mount, and prints OpenMetrics text. Counters end in _total. The labels of each sample are the kernel's own label and key.

--json gives { name, era, entries: [{ line, label, key, value }] }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> run.db',
    '<%= config.bin %> <%= command.id %> --mount /mnt/fast > /var/lib/node_exporter/netfs.prom',
    'cat /proc/fs/netfs/stats | <%= config.bin %> <%= command.id %> -',
  ];

  static override args = {
    file: Args.string({ description: 'statistics, or a capture; default the newest capture' }),
  };

  static override flags = {
    format: Flags.string({
      description: 'what to print',
      options: STATS_FORMATS,
      default: 'openmetrics',
    }),
    mount: Flags.string({
      description: 'of a mount that is served now instead',
      helpValue: 'MOUNTPOINT',
    }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(StatsExport);
    const source = exportedStats(args.file, flags.mount);
    await this.print(openMetrics(source));
    return source;
  }
}
