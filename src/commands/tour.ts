/** `netfslab tour`: a first look, on real files. */
import { fileURLToPath } from 'node:url';
import { Args, Flags } from '@oclif/core';
import type { PhaseSummary } from '../core/app/run/summary.js';
import { type TourResult, takeTour } from '../core/app/tour.js';
import { newCapturePath } from '../core/app/trace/capture_path.js';
import { EXIT } from '../core/cli/exit.js';
import { onInterrupt } from '../core/cli/interrupt.js';
import { LabCommand } from '../core/cli/lab_command.js';
import { describeError } from '../core/cli/print_error.js';
import { startProgress } from '../core/report/progress.js';

const CHECKOUT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

export default class Tour extends LabCommand {
  static override description =
    `Read a directory tree cold and then hot, and show what the trace says
Every byte is compared with the files. Without an argument the tour goes through the files of
netfslab's own checkout that git tracks; of a tree without git, node_modules and dist are left out.
--json gives { directory, files, cold, hot, capture, lines }, cold and hot in the shape of run --json.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> /usr/share/doc',
  ];

  static override args = {
    directory: Args.string({ description: "tree to read; default netfslab's checkout" }),
  };

  static override flags = {
    out: Flags.string({ description: 'capture to write (must not exist)', helpValue: 'FILE' }),
  };

  async run(): Promise<TourResult> {
    const { args, flags } = await this.parse(Tour);
    const out = newCapturePath('tour', flags.out);
    const { signal, stop } = onInterrupt();
    const bar = startProgress('reading', 'bytes');
    const watch = { signal, progress: (done: number, total: number) => bar.update(done, total) };
    const tour = await takeTour(args.directory ?? CHECKOUT, this.traceTarget(out), watch).finally(
      () => {
        bar.stop();
        stop();
      },
    );
    this.noteCapture(out);
    await this.print(tour.lines);
    for (const error of [...tour.cold.errors, ...tour.hot.errors]) this.endWithError(error);
    if (signal.aborted) this.endWith(EXIT.interrupted);
    const described = ({ errors }: PhaseSummary) => errors.map((error) => describeError(error));
    return {
      ...tour,
      cold: { ...tour.cold, errors: described(tour.cold) },
      hot: { ...tour.hot, errors: described(tour.hot) },
    };
  }
}
