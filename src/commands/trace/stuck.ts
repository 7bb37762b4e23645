/** `netfslab trace stuck`: requests that never end. */
import { Flags } from '@oclif/core';
import { stuckTable } from '../../core/app/trace/stuck.js';
import { EXIT } from '../../core/cli/exit.js';
import { captureArg, tableFlags } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class TraceStuck extends LabCommand {
  static override description =
    `Show requests that are open when the trace ends, and what they wait for
A trace that was stopped in the middle of work has some that are merely under way: look at silent.
--requests adds what a copy of /proc/fs/netfs/requests says of them, and those only it has;
a bundle of capture-script brings one with it.
Ends with 1 if there is any.
--json gives { capture, rows: [{ R, kind, silent, step, open, who, waits_for, front, collected,
folios, flags, listed, rules, last_event }] }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> host.db',
    '<%= config.bin %> <%= command.id %> host.db --requests requests.txt',
  ];

  static override args = { capture: captureArg };

  static override flags = {
    requests: Flags.string({ description: 'copy of /proc/fs/netfs/requests; - is stdin' }),
    ...tableFlags,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TraceStuck);
    const table = stuckTable(args.capture, flags.requests);
    if (table.note !== null) this.note(table.note);
    if (table.count > 0) this.endWith(EXIT.failed);
    return this.show(table, flags);
  }
}
