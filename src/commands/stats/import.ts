/** `netfslab stats import`: copies of a kernel's statistics into a capture. */
import { Args, Flags } from '@oclif/core';
import { newCapturePath } from '../../core/app/capture_path.js';
import { importStats } from '../../core/app/stats_import.js';
import { tableFlags } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class StatsImport extends LabCommand {
  static override description = `Import copies of a kernel's statistics into a capture
Files are copies of /proc/fs/fscache/stats or /proc/fs/netfs/stats, one snapshot each, or of
/proc/fs/netfs/requests, which are also shown with their flags by name. - is stdin.
--json gives { era, snapshots, capture, rows: [{ R, origin, refs, ..., flags }] }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> before.txt after.txt --out stats.db',
    'ssh host cat /proc/fs/netfs/requests | <%= config.bin %> <%= command.id %> -',
  ];

  static override strict = false;

  static override args = {
    file: Args.string({ description: 'copies to read; - is stdin', required: true }),
  };

  static override flags = {
    out: Flags.string({ char: 'o', description: 'file to write; default named by time' }),
    era: Flags.string({ description: 'era of the kernel, when the layout does not tell' }),
    ...tableFlags,
  };

  async run(): Promise<unknown> {
    const { argv, flags } = await this.parse(StatsImport);
    const out = newCapturePath('stats', flags.out);
    const { era, snapshots, requests } = importStats(
      argv as string[],
      this.traceTarget(out),
      flags.era,
    );
    const shown = await this.show(requests, flags);
    this.note(`era ${era}, ${snapshots} snapshots`);
    return shown === undefined ? undefined : { era, snapshots, ...shown };
  }
}
