/** `netfslab trace ls`: which captures there are. */
import { Args } from '@oclif/core';
import { listCaptureTable } from '../../core/app/trace/captures.js';
import { tableFlags } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class TraceLs extends LabCommand {
  static override summary = 'List captures, newest first, with what is in them';

  static override description =
    `Without CAPTURE, lists those in $NETFSLAB_TRACES, else ./traces, else the state directory.

--json gives { capture: null, rows: [{ name, size, workload, ..., path }] }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> cold.db hot.db --csv',
  ];

  static override strict = false;

  static override args = {
    capture: Args.string({
      description: 'captures to list; default all in the folder of captures',
    }),
  };

  static override flags = { ...tableFlags };

  async run(): Promise<unknown> {
    const { argv, flags } = await this.parse(TraceLs);
    const table = listCaptureTable(argv as string[]);
    if (argv.length === 0) this.note(`captures: ${table.folder}`);
    return this.show(table, flags);
  }
}
