/** `netfslab trace concurrency`: how much was under way at once. */
import { Flags } from '@oclif/core';
import { analysisFlags, captureArg, plotFlag } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class TraceConcurrency extends LabCommand {
  static override summary = 'Show how many slices were in flight over time';

  static override description = `# is a download, + a cache read. Both count from SUBMT to TERM.

--json gives { capture, rows: [{ at, server_avg, server_max, cache_avg, cache_max, picture }] }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --bins 60 host.db',
  ];

  static override args = { capture: captureArg };

  static override flags = {
    bins: Flags.integer({ description: 'stretches of time', default: 20, min: 1, max: 1000 }),
    plot: plotFlag,
    ...analysisFlags,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TraceConcurrency);
    if (flags.plot) return this.plot('concurrency', args.capture);
    return this.ask('concurrency', args.capture, { bins: flags.bins }, flags);
  }
}
