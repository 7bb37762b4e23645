/** `netfslab explain`: what a word or line of a trace, of the statistics or of dmesg means. */
import { Args, Flags } from '@oclif/core';
import { DMESG_COLUMNS, dmesgLines, dmesgRows } from '../core/app/explain/dmesg.js';
import { eraNamed } from '../core/app/explain/era.js';
import { type Explanation, explainText } from '../core/app/explain/explain.js';
import { kernelLogOf } from '../core/app/import/kernel_log.js';
import { tableFlags } from '../core/cli/flags.js';
import { LabCommand } from '../core/cli/lab_command.js';

const COLUMNS = [
  { name: 'kind', doc: 'What kind of thing it is.', unit: 'text' },
  { name: 'name', doc: 'Where it stands.', unit: 'text' },
  { name: 'means', doc: 'What it means.', unit: 'text' },
  { name: 'kernels', doc: 'Kernels it holds for; NULL = all.', unit: 'text' },
] as const;

export default class Explain extends LabCommand {
  static override summary = 'Explain a word or line of a trace, a counter, an error or dmesg';

  static override description =
    `TEXT is a word as the kernel prints it (RDOWN, no-data), a flag word (f=22), a flag, an error number (-105), a key of the statistics, or a pasted line. Covers all known kernels unless --kernel names one. With --dmesg, TEXT is a file of kernel messages; - is stdin.

--json gives { capture, rows: [{ kind, name, means, kernels }] }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> RDOWN',
    '<%= config.bin %> <%= command.id %> f=2120 --kernel 6.12',
    "<%= config.bin %> <%= command.id %> 'netfs_sreq: R=00000001[0] DOWN TERM  f=03 s=0 1f000/1f000 e=0'",
    'dmesg | <%= config.bin %> <%= command.id %> --dmesg -',
  ];

  static override args = { text: Args.string({ description: 'what to explain', required: true }) };

  static override flags = {
    kernel: Flags.string({ description: 'only for this kernel release or era (6.1, E3)' }),
    dmesg: Flags.boolean({ description: 'TEXT is a file with kernel messages' }),
    ...tableFlags,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Explain);
    if (flags.dmesg) {
      const log = await kernelLogOf(args.text);
      const table = { capture: null, columns: DMESG_COLUMNS, rows: dmesgRows(log) };
      return this.showText(dmesgLines(log), table, flags);
    }
    const found = explainText(args.text, eraNamed(flags.kernel));
    const rows = found.map((each) => ({ ...each }));
    return this.showText(lines(found), { capture: null, columns: COLUMNS, rows }, flags);
  }
}

function* lines(found: readonly Explanation[]): Iterable<string> {
  for (const { kind, name, means, kernels } of found) {
    yield `${kind} ${name}${kernels === null ? '' : `  [${kernels}]`}`;
    yield `  ${means}`;
  }
}
