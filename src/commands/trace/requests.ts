/** `netfslab trace requests`: requests one by one. */
import { Flags } from '@oclif/core';
import { runAnalysis } from '../../core/app/trace/query.js';
import { captureArg, tableFlags } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class TraceRequests extends LabCommand {
  static override summary = 'List read requests, newest first';

  static override description =
    '--json gives { capture, rows: [{ R, uid, kind, file, start, len, ... }] }, in bytes and nanoseconds.';

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --slowest 10',
    '<%= config.bin %> <%= command.id %> --failed --csv run.db',
  ];

  static override args = { capture: captureArg };

  static override flags = {
    slowest: Flags.integer({
      description: 'the N whose readers waited longest',
      helpValue: 'N',
      min: 1,
      exclusive: ['limit'],
    }),
    limit: Flags.integer({ description: 'at most this many', helpValue: 'N', min: 0 }),
    kind: Flags.string({
      description: 'only this kind',
      options: ['readahead', 'readpage', 'write_begin'],
    }),
    file: Flags.string({ description: 'only requests on behalf of this file' }),
    failed: Flags.boolean({ description: 'only those that failed', exclusive: ['open'] }),
    open: Flags.boolean({ description: 'only those whose end is not in the capture' }),
    ...tableFlags,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TraceRequests);
    const { slowest, limit, kind, file } = flags;
    const outcome = flags.failed ? 'failed' : flags.open ? 'open' : undefined;
    const table = runAnalysis('requests', args.capture, {
      kind,
      file,
      outcome,
      slowest: slowest === undefined ? 0 : 1,
      limit: slowest ?? limit,
    });
    return this.show(table, flags);
  }
}
