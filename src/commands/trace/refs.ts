/** `netfslab trace refs`: references that do not add up. */
import { Flags } from '@oclif/core';
import { analysisFlags, captureArg } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class TraceRefs extends LabCommand {
  static override summary = 'Show objects whose reference counts do not balance';

  static override description =
    `Replays every get and put of the *_ref events and of cookies, volumes and caches. The kernel prints counts outside locks, so on several processors a jump in a cookie's count need not be an error.

--json gives { capture, rows: [{ kind, object, events, left, jumps, first_jump, last_word, means }] }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --everything host.db',
  ];

  static override args = { capture: captureArg };

  static override flags = {
    everything: Flags.boolean({ description: 'also objects that are in order' }),
    ...analysisFlags,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TraceRefs);
    return this.ask('refs', args.capture, { all: flags.everything ? 1 : 0 }, flags);
  }
}
