/** `netfslab cache check`: every object, map and checksum. */
import { Flags } from '@oclif/core';
import { checkObjects } from '../../core/app/cache/admin.js';
import { EXIT } from '../../core/cli/exit.js';
import { cacheDirFlag, tableFlags } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class CacheCheck extends LabCommand {
  static override summary = 'Check every object, map and checksum of an unused cache';

  static override description =
    `Readers refuse whatever this finds, so it costs space and downloads, not correctness. --repair frees that space. Exits with 1 if a problem remains.

--json gives { capture: null, rows: [{ name, problem, bytes, repaired }] }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> --cache /var/cache/netfslab',
    '<%= config.bin %> <%= command.id %> --cache /var/cache/netfslab --repair',
  ];

  static override flags = {
    cache: cacheDirFlag,
    repair: Flags.boolean({ description: 'remove or mend what is wrong' }),
    ...tableFlags,
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(CacheCheck);
    const { found, left, ...table } = checkObjects(flags.cache, flags.repair, (message) =>
      this.note(message),
    );
    if (found === 0) this.note('nothing is wrong');
    if (left > 0) this.endWith(EXIT.failed);
    return found === 0 && !this.jsonEnabled() ? undefined : this.show(table, flags);
  }
}
