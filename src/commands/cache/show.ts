/** `netfslab cache show`: data and holes of one object. */
import { Args, Flags } from '@oclif/core';
import { showObject } from '../../core/app/cache/admin.js';
import { cacheDirFlag, tableFlags } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class CacheShow extends LabCommand {
  static override description =
    `Show what is cached of a file, and where map and filesystem disagree
--json gives { capture: null, rows: [{ start, end, length, map, disk, agree }] }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> --cache /var/cache/netfslab src/index.ts',
    '<%= config.bin %> <%= command.id %> --cache /var/cache/netfslab src/index.ts --csv',
  ];

  static override args = {
    file: Args.string({
      description: 'name of the file on the server, or path of the object',
      required: true,
    }),
  };

  static override flags = {
    cache: cacheDirFlag,
    table: Flags.boolean({ description: 'the ranges as a table' }),
    ...tableFlags,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(CacheShow);
    const { lines, ...table } = showObject(flags.cache, args.file);
    return this.showText(lines, table, flags);
  }
}
