/** `netfslab trace diff`: what differs between two captures. */
import { Args, Flags } from '@oclif/core';
import { comparisonLines } from '../../core/app/conform_text.js';
import { type StructureDiff, structureDiff } from '../../core/app/trace_diff.js';
import { EXIT } from '../../core/cli/exit.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class TraceDiff extends LabCommand {
  static override description = `Show what differs between two captures
With --structure event by event: requests, their slices and cache operations in an order that the kernel
guarantees, references, and what the statistics changed by; numbers of objects, times and inode numbers
are left out (docs/conform.md). Exit code 1 when anything differs.
--json gives { left, right, requests, events, refs, reordered, parts, divergences, differences }.`;

  static override examples = ['<%= config.bin %> <%= command.id %> kernel.db lab.db --structure'];

  static override args = {
    left: Args.string({ description: 'capture with what is expected', required: true }),
    right: Args.string({ description: 'capture that is compared with it', required: true }),
  };

  static override flags = {
    structure: Flags.boolean({ description: 'compare event by event', required: true }),
  };

  async run(): Promise<StructureDiff> {
    const { args } = await this.parse(TraceDiff);
    const diff = structureDiff(args.left, args.right);
    await this.print(comparisonLines(diff));
    if (diff.differences > 0) this.endWith(EXIT.failed);
    return diff;
  }
}
