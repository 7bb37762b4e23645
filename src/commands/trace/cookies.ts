/** `netfslab trace cookies`: when files could be cached. */
import { Flags } from '@oclif/core';
import { analysisFlags, captureArg } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class TraceCookies extends LabCommand {
  static override description =
    `Show when each file could be cached and when not, and which event did that
For v5.17 and later; needs the fscache events. What requests that began until the next change of the
cookie read from the cache and from the server stands beside the change; --states adds these up by
state.
--json gives { capture, rows: [{ cookie, file, ts, event, means, state, cache, server, comm }] },
with --states rows: [{ state, cookies, cache, server }].`;

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --cookie 2 host.db',
    '<%= config.bin %> <%= command.id %> --states host.db',
  ];

  static override args = { capture: captureArg };

  static override flags = {
    cookie: Flags.string({ description: 'only this cookie, hexadecimal as printed' }),
    states: Flags.boolean({ description: 'bytes by state of the cookie instead' }),
    ...analysisFlags,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TraceCookies);
    return this.ask(
      flags.states ? 'cookieStates' : 'cookies',
      args.capture,
      {
        cookie: flags.cookie === undefined ? undefined : Number.parseInt(flags.cookie, 16),
      },
      flags,
    );
  }
}
