/** `netfslab trace writes`: what happened to dirty pages. */
import { Flags } from '@oclif/core';
import { analysisFlags, captureArg, plotFlag } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class TraceWrites extends LabCommand {
  static override summary = 'Show what happened to dirty pages, by file';

  static override description =
    `How pages became dirty, in what runs they were stored on the server, and what was cut or thrown away. Read from the events afs_page_dirty (up to v5.17) and afs_folio_dirty (up to v6.7).

--json gives { capture, rows: [{ vnode, dirtied, merged, stores, stored_pages, ... }] }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --limit 10 run.db',
  ];

  static override args = { capture: captureArg };

  static override flags = {
    limit: Flags.integer({ description: 'at most this many files', helpValue: 'N', min: 0 }),
    plot: plotFlag,
    ...analysisFlags,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TraceWrites);
    if (flags.plot) return this.plot('writes', args.capture);
    return this.ask('writes', args.capture, { limit: flags.limit }, flags);
  }
}
