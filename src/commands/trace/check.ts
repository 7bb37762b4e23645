/** `netfslab trace check`: what is wrong in a trace. */
import { Flags } from '@oclif/core';
import {
  checkLines,
  findingsTable,
  isBad,
  ruleListLines,
  rulesTable,
  runCheck,
} from '../../core/app/trace/check.js';
import { EXIT } from '../../core/cli/exit.js';
import { captureArg, tableFlags } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class TraceCheck extends LabCommand {
  static override summary = 'Check a trace against the laws of its kernel';

  static override description =
    `Each rule follows every request through the trace and names the events that break it. A rule whose events were not recorded, or were lost, answers "cannot tell". docs/reference/check.md describes all rules. Exits with 1 on a warning or an error; notes do not count.

--json gives { version, capture, era, lost_events, rules: [{ id, severity, state, reason, findings }], findings: [{ rule, severity, request, slice, events, ts, message }] }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --rule early-unlock --rule ref-left host.db',
    '<%= config.bin %> <%= command.id %> --json host.db > findings.json',
    '<%= config.bin %> <%= command.id %> --list',
  ];

  static override args = { capture: captureArg };

  static override flags = {
    rule: Flags.string({
      description: 'only this rule; may be repeated',
      multiple: true,
      multipleNonGreedy: true,
    }),
    list: Flags.boolean({ description: 'list the rules instead', exclusive: ['rule'] }),
    ...tableFlags,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TraceCheck);
    if (flags.list) return this.showText(ruleListLines(), rulesTable(), flags);
    const report = runCheck(args.capture, flags.rule);
    if (isBad(report)) this.endWith(EXIT.failed);
    if (this.jsonEnabled()) {
      this.noteCapture(report.capture);
      return report;
    }
    return this.showText(checkLines(report), findingsTable(report), flags);
  }
}
