/** `netfslab completion`: a script that completes commands, flags and values in a shell. */
import { Args } from '@oclif/core';
import { completionScript, SHELLS } from '../core/cli/completion.js';
import { LabCommand } from '../core/cli/lab_command.js';

export default class Completion extends LabCommand {
  static override summary = 'Print a completion script for bash, zsh or fish';

  static override description =
    `The script completes commands, flags and the values of flags; everything else is completed as a file. It starts no program while you type.

--json gives { shell, script }.`;

  static override examples = [
    'source <(<%= config.bin %> <%= command.id %> bash)',
    '<%= config.bin %> <%= command.id %> zsh > ~/.zfunc/_netfslab',
    '<%= config.bin %> <%= command.id %> fish > ~/.config/fish/completions/netfslab.fish',
  ];

  static override args = {
    shell: Args.string({ description: 'shell', options: [...SHELLS], required: true }),
  };

  async run(): Promise<unknown> {
    const { args } = await this.parse(Completion);
    const shell = args.shell as (typeof SHELLS)[number];
    const script = completionScript(shell);
    await this.print(script.trimEnd().split('\n'));
    return { shell, script };
  }
}
