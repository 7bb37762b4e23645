/** `netfslab stats import`: copies of a kernel's statistics into a capture. */
import { Args, Flags } from '@oclif/core';
import { accountLines, contentLines } from '../../core/app/import/paste_text.js';
import { importStats } from '../../core/app/stats/import.js';
import { newCapturePath } from '../../core/app/trace/capture_path.js';
import { tableFlags } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class StatsImport extends LabCommand {
  static override summary = "Import copies of a kernel's statistics and tables into a capture";

  static override description =
    `FILE holds any number of copies of /proc/fs/netfs/stats or /proc/fs/fscache/stats, the tables requests, caches, volumes and cookies beside them, or /proc/self/mountstats: alone, together, or within a mail. - is stdin. Flags of requests are named.

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
    const target = this.traceTarget(out);
    const imported = await importStats(argv as string[], target, flags.era);
    const { era, eraText, snapshots, statLines, requests, pastes } = imported;
    const lines = [
      ...pastes.flatMap((paste) => [...accountLines(paste)]),
      ...pastes.flatMap((paste) => [...contentLines(paste, era)]),
      `${snapshots} snapshots with ${statLines} lines; ${eraText}`,
    ];
    const shown = await this.showText(lines, requests, flags);
    return shown === undefined ? undefined : { era, snapshots, ...shown };
  }
}
