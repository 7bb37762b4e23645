/** `netfslab help`: pages of the manual in the terminal. */
import { Args } from '@oclif/core';
import { LabCommand } from '../core/cli/lab_command.js';
import { TOPICS, topicLines } from '../core/cli/topics.js';

export default class HelpTopic extends LabCommand {
  static override summary = 'Show a page of the manual, or list the topics';

  static override description =
    `Every command has its own --help. A long page goes through a pager ($NETFSLAB_PAGER, $PAGER, or less; empty means none).

--json gives { topics: [{ name, doc }] }, or with a topic { topic, text }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> accounting',
  ];

  static override args = {
    topic: Args.string({ description: 'topic; default: the list of all' }),
  };

  async run(): Promise<unknown> {
    const { args } = await this.parse(HelpTopic);
    const { topic } = args;
    if (topic === undefined) {
      const topics = Object.entries(TOPICS).map(([name, { doc }]) => ({ name, doc }));
      const width = Math.max(...topics.map(({ name }) => name.length));
      await this.print([
        ...topics.map(({ name, doc }) => `${name.padEnd(width)}  ${doc}`),
        '',
        'netfslab help TOPIC shows one; netfslab --help lists the commands.',
      ]);
      return { topics };
    }
    const lines = topicLines(topic);
    await this.print(lines);
    return { topic, text: lines.join('\n') };
  }
}
