/** `netfslab sql`: a user's own questions. */
import { Args, Flags } from '@oclif/core';
import { runQuery, schemaDocs, schemaLines } from '../core/app/trace/sql.js';
import { captureArg, tableFlags } from '../core/cli/flags.js';
import { LabCommand } from '../core/cli/lab_command.js';

export default class Sql extends LabCommand {
  static override summary = 'Ask a capture in SQL, read-only';

  static override description = `Values are plain numbers: bytes and nanoseconds.

--json gives { capture, rows: [{ column: value }] }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> --schema',
    `<%= config.bin %> <%= command.id %> 'SELECT "R", "file", "wait_ns" FROM "request_timing" LIMIT 5'`,
    '<%= config.bin %> <%= command.id %> - run.db --csv < question.sql',
  ];

  static override args = {
    query: Args.string({ description: 'one SELECT statement; - reads it from stdin' }),
    capture: captureArg,
  };

  static override flags = {
    schema: Flags.boolean({ description: 'print every table and column with its meaning' }),
    ...tableFlags,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Sql);
    if (!flags.schema) return this.show(runQuery(args.query, args.capture), flags);
    await this.print(schemaLines());
    return schemaDocs();
  }
}
