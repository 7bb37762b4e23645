/** `netfslab cache invalidate`: forgets one file. */
import { Args, Flags } from '@oclif/core';
import { invalidateFile } from '../../core/app/cache/admin.js';
import { cacheDirFlag, tableFlags } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class CacheInvalidate extends LabCommand {
  static override summary = 'Remove what is cached of one file of the server';

  static override description =
    '--json gives { capture: null, rows: [{ object, bytes }] }, without rows if nothing was cached.';

  static override examples = [
    '<%= config.bin %> <%= command.id %> --cache /var/cache/netfslab --server /srv notes/a.txt',
  ];

  static override args = {
    path: Args.string({ description: 'file, relative to the server', required: true }),
  };

  static override flags = {
    cache: cacheDirFlag,
    server: Flags.string({ description: 'directory that is served', default: '.' }),
    ...tableFlags,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(CacheInvalidate);
    const { cache, server } = flags;
    return this.show(
      await invalidateFile(cache, server, args.path, (message) => this.note(message)),
      flags,
    );
  }
}
