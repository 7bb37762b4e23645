/** `netfslab stats reconcile`: do the statistics agree with the events? */
import { Flags } from '@oclif/core';
import { reconcile } from '../../core/app/stats/reconcile.js';
import { EXIT } from '../../core/cli/exit.js';
import { captureArg, tableFlags } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class StatsReconcile extends LabCommand {
  static override summary = 'Recompute the statistics from the events and explain differences';

  static override description =
    `Compares the events with the increase between two copies of /proc/fs/fscache/stats or /proc/fs/netfs/stats; by default the first and last snapshot of the capture.

Verdicts: same; explained (requests cut off by an end of the trace, or lines not understood); cannot tell (no more is missing than events were lost); not told (no event counts it); DIFFERS, which exits with 1.

--json gives { unexplained, capture, rows: [{ label, key, events, stats, ..., why }] }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> run.db',
    '<%= config.bin %> <%= command.id %> host.db --before before.txt --after after.txt',
  ];

  static override args = { capture: captureArg };

  static override flags = {
    before: Flags.string({ description: 'copy from before the trace; without it, all were 0' }),
    after: Flags.string({ description: 'copy from after the trace' }),
    ...tableFlags,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(StatsReconcile);
    const { unexplained, ...table } = reconcile(args.capture, flags.before, flags.after);
    const shown = await this.show(table, flags);
    if (unexplained > 0) this.endWith(EXIT.failed);
    return shown === undefined ? undefined : { unexplained, ...shown };
  }
}
