/** `netfslab trace why`: where bytes came from, and why. */
import { Args, Flags } from '@oclif/core';
import { parseWhy, whatAndCapture, whyTable } from '../../core/app/trace/why.js';
import { analysisFlags, captureArg } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class TraceWhy extends LabCommand {
  static override summary = 'Show where each byte came from and why, slice by slice';

  static override description =
    `WHAT is a file, R=number as printed, op=number or inode=number. The reason is the cache's verdict in words, or the state of the file's cookie. Without cachefiles_prep_read or fscache events in the trace it is unknown.

For a file, range or operation, also lists page-cache hits and which request loaded each page. With --ops, shows what each operation of the application caused at each layer, and its amplification.

--json gives { capture, rows: [{ file, range, bytes, source, R, kind, op, verdict, state, why }] }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> R=1a',
    '<%= config.bin %> <%= command.id %> src/a.c run.db --range 64k-128k',
    '<%= config.bin %> <%= command.id %> op=3',
    '<%= config.bin %> <%= command.id %> --ops --csv',
  ];

  static override args = {
    what: Args.string({ description: 'file, R=number, op=number or inode=number; default all' }),
    capture: captureArg,
  };

  static override flags = {
    capture: Flags.string({ char: 'c', description: 'capture to read', hidden: true }),
    range: Flags.string({ description: 'only these bytes, half-open', helpValue: 'FROM-TO' }),
    ops: Flags.boolean({ description: 'what operations caused instead', exclusive: ['range'] }),
    ...analysisFlags,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TraceWhy);
    const { what, capture } = whatAndCapture(args.what, args.capture ?? flags.capture);
    const params = parseWhy(what === undefined ? [] : [what], flags.range);
    if (flags.ops) return this.ask('operations', capture, params, flags);
    if (flags['explain-sql']) return this.ask('why', capture, params, flags);
    return this.show(whyTable(capture, params), flags);
  }
}
