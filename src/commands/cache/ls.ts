/** `netfslab cache ls`: what is in a cache. */
import { listObjects } from '../../core/app/cache/admin.js';
import { cacheDirFlag, tableFlags } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class CacheLs extends LabCommand {
  static override summary = 'List the objects of a cache';

  static override description =
    `Shows what is on disk. What a running netfslab stored since its last checkpoint is missing.

--json gives { capture: null, rows: [{ name, size, stored, disk, blocks, granule, version, used, state, object }] }.`;

  static override examples = ['<%= config.bin %> <%= command.id %> --cache /var/cache/netfslab'];

  static override flags = { cache: cacheDirFlag, ...tableFlags };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(CacheLs);
    return this.show(listObjects(flags.cache), flags);
  }
}
