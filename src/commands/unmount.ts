/** `netfslab unmount`: ends a mount. */
import { Args, Flags } from '@oclif/core';
import { unmount } from '../core/app/mount/mounts.js';
import { LabCommand } from '../core/cli/lab_command.js';

export default class Unmount extends LabCommand {
  static override summary = 'Unmount a directory that `netfslab mount` has mounted';

  static override description =
    `Returns when everything is written and the capture is finished. Removes a mount whose process was killed.

--json gives { pid }: the process that served it, 0 if it was gone.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> /mnt',
    '<%= config.bin %> <%= command.id %> --lazy /mnt',
  ];

  static override args = {
    mountpoint: Args.string({ description: 'where it is mounted', required: true }),
  };

  static override flags = {
    lazy: Flags.boolean({
      description: 'also while programs use it: it goes when they have ended',
      default: false,
    }),
  };

  async run(): Promise<{ pid: number }> {
    const { args, flags } = await this.parse(Unmount);
    return unmount(args.mountpoint, flags.lazy);
  }
}
