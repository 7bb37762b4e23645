/** `netfslab fleet`: questions over many captures. */
import { Flags } from '@oclif/core';
import { askFleet, type FleetRequest } from '../core/app/fleet/fleet.js';
import { FLEET_QUESTIONS, type FleetQuestionName } from '../core/app/fleet/questions.js';
import { UsageError } from '../core/base/errors.js';
import { tableFlags } from '../core/cli/flags.js';
import { LabCommand } from '../core/cli/lab_command.js';

const names = Object.keys(FLEET_QUESTIONS) as FleetQuestionName[];

export default class Fleet extends LabCommand {
  static override summary = 'Ask many captures at once';

  static override description =
    `DIR is a folder of captures (*.db, subfolders included) or a data set that trace export --format parquet wrote. The answers for each capture are kept in an index, so that only new and changed captures are read. The host of a capture is the folder it lies in. Needs the optional package @duckdb/node-api.

Questions:
${names.map((name) => `${name}: ${FLEET_QUESTIONS[name].doc}.`).join('\n')}

--sql takes a statement over the tables answer_capture, answer_finding, answer_hits, answer_sources, answer_latency, answer_readahead and answer_dup, and over all tables of a data set; each has the columns host, day and capture.

--json gives { captures, indexed, refused, rows }.`;

  static override usage = 'fleet QUESTION DIR... [FLAGS]';

  static override examples = [
    '<%= config.bin %> <%= command.id %> hit-rate /srv/captures',
    '<%= config.bin %> <%= command.id %> findings /srv/captures --csv',
    `<%= config.bin %> <%= command.id %> --sql 'SELECT host, sum(events) FROM answer_capture GROUP BY 1' captures.parquet`,
  ];

  static override strict = false;

  static override flags = {
    sql: Flags.string({ description: 'statement to run instead of a question', helpValue: 'SQL' }),
    ...tableFlags,
  };

  async run(): Promise<unknown> {
    const { argv, flags } = await this.parse(Fleet);
    const words = argv as string[];
    const { sql } = flags;
    const question = sql === undefined ? questionOf(words.shift()) : { sql };
    if (words.length === 0) throw new UsageError('DIR', 'is missing', 'name a folder of captures');
    const request: FleetRequest = { question, folders: words };
    const { captures, indexed, refused, ...table } = await askFleet(request);
    for (const each of refused) this.note(`left out: ${each}`);
    if (indexed > 0) this.note(`${indexed} of ${captures} captures were read anew`);
    const shown = await this.show(table, flags);
    return { captures, indexed, refused, ...(shown as object | undefined) };
  }
}

function questionOf(word: string | undefined): FleetQuestionName {
  const found = names.find((name) => name === word);
  if (found !== undefined) return found;
  const hint = `one of ${names.join(', ')}, or --sql`;
  if (word === undefined) throw new UsageError('QUESTION', 'is missing', hint);
  throw new UsageError('QUESTION', `there is no question '${word}'`, hint);
}
