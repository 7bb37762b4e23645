/** `netfslab conform`: the engine against captures of a real kernel. */
import { Args, Flags } from '@oclif/core';
import { type ConformSummary, conform } from '../core/app/conform/conform.js';
import { conformLines, outcomeLine } from '../core/app/conform/text.js';
import { EXIT } from '../core/cli/exit.js';
import { onInterrupt } from '../core/cli/interrupt.js';
import { LabCommand } from '../core/cli/lab_command.js';

export default class Conform extends LabCommand {
  static override summary = 'Replay recorded scenarios of a real kernel and compare';

  static override description =
    `A scenario is a directory with workload.json, ops.txt, trace.txt and whatever else was recorded; each file may be compressed. Scenarios of a group build on one another, so the earlier ones are played too. Profile, mount options and cache are those of the scenario.

docs/explanation/conformance.md says what is compared. Exits with 1 if anything differs.

--json gives { outcomes: [{ scenario, group, profile, processors, identical, comparison, notes }], score, several }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> traces/linux-6.1/9p',
    '<%= config.bin %> <%= command.id %> captures/002-warm captures/010-mixed --out played',
  ];

  static override strict = false;

  static override args = {
    dir: Args.string({
      name: 'DIR',
      description: 'scenarios, or directories that hold scenarios',
      required: true,
    }),
  };

  static override flags = {
    out: Flags.string({
      description: 'directory that keeps a database for each scenario',
      helpValue: 'DIR',
    }),
    defects: Flags.string({
      description: "the kernel's known defects: reproduced, or repaired to see what they do",
      options: ['kernel', 'repaired'],
      default: 'kernel',
    }),
  };

  async run(): Promise<ConformSummary> {
    const { argv, flags } = await this.parse(Conform);
    const { commandLine, toolVersion } = this.traceTarget('');
    const defects = flags.defects as 'kernel';
    const interrupt = onInterrupt();
    const summary = await conform(
      { directories: argv as string[], out: flags.out, defects, commandLine, toolVersion },
      {
        signal: interrupt.signal,
        ended: (outcome) => {
          if (!this.jsonEnabled()) process.stdout.write(`${outcomeLine(outcome)}\n`);
        },
      },
    ).finally(() => interrupt.stop());
    await this.print(conformLines(summary));
    if (interrupt.signal.aborted) this.endWith(EXIT.interrupted);
    else if (summary.outcomes.some(({ identical }) => !identical)) this.endWith(EXIT.failed);
    return summary;
  }
}
