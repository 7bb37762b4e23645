/** `netfslab trace diff`: what differs between two captures. */
import { Args, Flags } from '@oclif/core';
import { comparisonLines } from '../../core/app/conform/text.js';
import { compareCaptures, comparisonTable, THRESHOLDS } from '../../core/app/trace/compare.js';
import { structureDiff } from '../../core/app/trace/diff.js';
import { EXIT } from '../../core/cli/exit.js';
import { tableFlags } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class TraceDiff extends LabCommand {
  static override summary = 'Show what differs between two captures';

  static override description =
    `Compares findings of the rules, hit rates, latencies (by a rank test), totals, counters and the mix of events, and shows those that differ. Exits with 1 if one exceeds its threshold: a rule finds more, a hit rate fell, or slices take longer by more than chance.

With --structure, compares event by event: requests, their slices and cache operations in the order that the kernel guarantees, references, and the increase of the statistics. Numbers of objects, times and inode numbers are left out (docs/explanation/conformance.md). Exits with 1 if anything differs.

--json gives { capture, rows: [{ what, name, left, right, change, confidence, beyond }] }, with --structure { left, right, requests, events, refs, reordered, parts, divergences, differences }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> before.db after.db',
    '<%= config.bin %> <%= command.id %> before.db after.db --latency 5 --hits 1 --csv',
    '<%= config.bin %> <%= command.id %> kernel.db lab.db --structure',
  ];

  static override args = {
    left: Args.string({ description: 'capture with what is expected', required: true }),
    right: Args.string({ description: 'capture that is compared with it', required: true }),
  };

  static override flags = {
    structure: Flags.boolean({ description: 'compare event by event' }),
    everything: Flags.boolean({ description: 'also figures that are equal' }),
    latency: Flags.integer({
      description: 'percent that a percentile may rise',
      default: THRESHOLDS.latency,
    }),
    hits: Flags.integer({
      description: 'points of percent that a hit rate may fall',
      default: THRESHOLDS.hits,
    }),
    ...tableFlags,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TraceDiff);
    if (flags.structure) {
      const diff = structureDiff(args.left, args.right);
      await this.print(comparisonLines(diff));
      if (diff.differences > 0) this.endWith(EXIT.failed);
      return diff;
    }
    const { latency, hits } = flags;
    const all = compareCaptures(args.left, args.right, { ...THRESHOLDS, latency, hits });
    if (all.some(({ beyond }) => beyond)) this.endWith(EXIT.failed);
    const shown = all.filter(({ left, right }) => flags.everything || left !== right);
    return this.show(comparisonTable(shown), flags);
  }
}
