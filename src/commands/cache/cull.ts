/** `netfslab cache cull`: makes room in a cache. */
import { cullCache } from '../../core/app/cache/admin.js';
import { cullLimitsFlag, limitsFrom } from '../../core/cli/engine_flags.js';
import { cacheDirFlag, sizeFlag, tableFlags } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class CacheCull extends LabCommand {
  static override summary = 'Remove the least recently used objects until there is room';

  static override description =
    `Culling stops when the free share of the filesystem, and of --cache-size, has reached the run limits. A running netfslab culls by itself.

--json gives { capture: null, rows: [{ object, bytes }] }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> --cache /var/cache/netfslab --cache-size 10g',
  ];

  static override flags = {
    cache: cacheDirFlag,
    'cache-size': sizeFlag({
      description: 'bytes the cache may take up; 0 = no limit',
      default: 0,
    }),
    'cull-limits': cullLimitsFlag,
    ...tableFlags,
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(CacheCull);
    const limits = limitsFrom(flags['cull-limits']);
    return this.show(
      cullCache(flags.cache, flags['cache-size'], limits, (message) => this.note(message)),
      flags,
    );
  }
}
