/** `netfslab cache clear`: empties a cache. */
import { clearCache } from '../../core/app/cache/admin.js';
import { cacheDirFlag, tableFlags } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class CacheClear extends LabCommand {
  static override summary = 'Remove everything from an unused cache';

  static override description = '--json gives { capture: null, rows: [{ object, bytes }] }.';

  static override examples = ['<%= config.bin %> <%= command.id %> --cache /var/cache/netfslab'];

  static override flags = { cache: cacheDirFlag, ...tableFlags };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(CacheClear);
    return this.show(
      clearCache(flags.cache, (message) => this.note(message)),
      flags,
    );
  }
}
