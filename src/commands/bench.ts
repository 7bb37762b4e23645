/** `netfslab bench`: contests against other programs. */
import { Flags } from '@oclif/core';
import { runBench } from '../core/app/bench.js';
import { LabCommand } from '../core/cli/lab_command.js';

export default class Bench extends LabCommand {
  static override summary = 'Measure netfslab against fio, nbdkit and others, side by side';

  static override description =
    `Runs contests: the same work done by several programs in interleaved rounds, as medians with
extremes and ratios. Programs that are not installed are named. Files of some GiB are made and removed.
Times do not decide the exit code: it is 0 when every contestant did its work, else 1.
--json prints one object per contest: { name, what, rounds, contestants, goals }, times in milliseconds.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> --short',
    '<%= config.bin %> <%= command.id %> --only hot,warm --rounds 7',
    '<%= config.bin %> <%= command.id %> --only warm --set warm-mib=256 --json',
  ];

  static override flags = {
    only: Flags.string({ description: 'contests whose names begin so', helpValue: 'NAME,...' }),
    rounds: Flags.integer({ description: 'rounds of every contest; default 5', min: 1 }),
    short: Flags.boolean({ description: 'small sizes, one round: does every contest work?' }),
    set: Flags.string({
      description: 'a size of a contest, as bench/README.md lists them (repeatable)',
      helpValue: 'SIZE=N',
      multiple: true,
      multipleNonGreedy: true,
    }),
    folder: Flags.string({ description: 'where files are made; default the temporary folder' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Bench);
    const args = [
      ...(flags.only === undefined ? [] : ['--only', flags.only]),
      ...(flags.rounds === undefined ? [] : ['--rounds', String(flags.rounds)]),
      ...(flags.short ? ['--short'] : []),
      ...(flags.set ?? []).flatMap((size) => ['--set', size]),
      ...(flags.folder === undefined ? [] : ['--folder', flags.folder]),
      ...(this.jsonEnabled() ? ['--json'] : []),
    ];
    this.endWith(await runBench(args));
  }
}
