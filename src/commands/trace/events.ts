/** `netfslab trace events`: the trace as the kernel prints it. */
import { Flags } from '@oclif/core';
import { eventLines } from '../../core/app/trace/events.js';
import { captureArg } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class TraceEvents extends LabCommand {
  static override summary = 'Print the events of a capture as the kernel prints them';

  static override description =
    `The text is that of /sys/kernel/tracing/trace, byte for byte, heading included. netfslab's own events (netfslab_prep_read, netfslab_disagreement, netfslab_cull, netfslab_use) appear only if --event names them. --decode adds the names of flag bits as the capture's kernel numbers them: f=22[...].

--json gives { capture, lines: [text] }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --request 1a --decode',
    '<%= config.bin %> <%= command.id %> --event netfs_sreq --source DOWN --limit 20',
    '<%= config.bin %> <%= command.id %> --file src/a.c --since 1.5 --until 1.6 run.db',
  ];

  static override args = { capture: captureArg };

  static override flags = {
    event: Flags.string({
      description: 'only this event; may be repeated',
      multiple: true,
      multipleNonGreedy: true,
    }),
    request: Flags.string({ description: 'only this request, hexadecimal as printed' }),
    file: Flags.string({ description: 'only events on behalf of this file' }),
    since: Flags.string({ description: 'from this time on, as printed (s) or with a unit (2ms)' }),
    until: Flags.string({ description: 'before this time' }),
    source: Flags.string({ description: 'only slices from here: ZERO, DOWN or READ' }),
    decode: Flags.boolean({ description: 'name the flag bits behind each f=' }),
    limit: Flags.integer({ description: 'at most this many events', min: 0 }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TraceEvents);
    const { event: events, ...rest } = flags;
    const { capture, lines } = eventLines(args.capture, { ...rest, events });
    this.noteCapture(capture);
    if (this.jsonEnabled()) return { capture, lines: [...lines] };
    await this.print(lines);
    return undefined;
  }
}
