/** `netfslab cat`: files through the engine to stdout. */
import { Args, Flags } from '@oclif/core';
import { catFiles } from '../core/app/trace/cat.js';
import { cacheFlags, engineFlags, labFrom } from '../core/cli/engine_flags.js';
import { EXIT } from '../core/cli/exit.js';
import { onInterrupt } from '../core/cli/interrupt.js';
import { LabCommand } from '../core/cli/lab_command.js';
import { write } from '../core/cli/output.js';

export default class Cat extends LabCommand {
  static override summary = 'Read files through the engine and write them to stdout';

  static override description =
    'Paths are relative to --server, or absolute beneath it. As with cat(1), a file that cannot be read is reported, the next one follows, and the exit code is 1. A trace is recorded only with --out.';

  static override examples = [
    '<%= config.bin %> <%= command.id %> README.md | sha256sum',
    '<%= config.bin %> <%= command.id %> --server /srv --page-cache 8m big.img --out cat.db > copy',
  ];

  static override enableJsonFlag = false;
  static override strict = false;

  static override args = {
    path: Args.string({ description: 'file to read; more may follow', required: true }),
  };

  static override flags = {
    ...engineFlags,
    ...cacheFlags,
    out: Flags.string({ description: 'capture to write (must not exist)', helpValue: 'FILE' }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Cat);
    const { signal, stop } = onInterrupt();
    const output = {
      write: (bytes: Uint8Array) => write(process.stdout, bytes),
      failed: (error: unknown) => this.endWithError(error),
      warn: (message: string) => this.note(message),
      signal,
    };
    const trace = flags.out === undefined ? undefined : this.traceTarget(flags.out);
    await catFiles(labFrom(flags), argv as string[], output, trace).finally(stop);
    if (trace !== undefined) this.noteCapture(trace.out);
    if (signal.aborted) this.endWith(EXIT.interrupted);
  }
}
