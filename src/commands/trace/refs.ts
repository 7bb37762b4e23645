/** `netfslab trace refs`: references that do not add up. */
import { Flags } from '@oclif/core';
import { analysisFlags, captureArg } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class TraceRefs extends LabCommand {
  static override description = `Show objects whose references do not add up
From what the *_ref events and those of cookies, volumes and caches say is left after each get and put.
Counts are printed outside locks, so on several processors a jump of a cookie need not be an error.
--json gives { capture, rows: [{ kind, object, events, left, jumps, first_jump, last_word, means }] }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --everything host.db',
  ];

  static override args = { file: captureArg };

  static override flags = {
    everything: Flags.boolean({ description: 'also objects that are in order' }),
    ...analysisFlags,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TraceRefs);
    return this.ask('refs', args.file, { all: flags.everything ? 1 : 0 }, flags);
  }
}
