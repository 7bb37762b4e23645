/** `netfslab trace request R`: one request's life. */
import { Args, Flags } from '@oclif/core';
import { requestTimeline, requestTold } from '../../core/app/trace/query.js';
import { captureArg, tableFlags } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class TraceRequest extends LabCommand {
  static override summary = "Show one request's life as a timeline";

  static override description =
    `Times count from its first event; <-- marks a gap of at least a quarter of its life. If several requests of the capture have the number, all are shown; --uid picks one.

--json gives { capture, rows: [{ uid, at_ns, gap_ns, event, slice, what, ... }] }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> 1a',
    '<%= config.bin %> <%= command.id %> R=0000001a run.db --uid 26',
    '<%= config.bin %> <%= command.id %> R=0000001a host.db --explain',
  ];

  static override args = {
    request: Args.string({
      description: 'number as printed, hexadecimal; 0x and R= are accepted',
      required: true,
    }),
    capture: captureArg,
  };

  static override flags = {
    uid: Flags.integer({ description: 'only this one of the requests with the number' }),
    explain: Flags.boolean({
      description: 'with the events of cookie, cache object and transport, each in a sentence',
    }),
    ...tableFlags,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TraceRequest);
    if (flags.explain) return this.show(requestTold(args.request, args.capture, flags.uid), flags);
    return this.show(requestTimeline(args.request, args.capture, flags.uid), flags);
  }
}
