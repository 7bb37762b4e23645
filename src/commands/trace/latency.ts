/** `netfslab trace latency`: where the time went. */
import { Flags } from '@oclif/core';
import { analysisFlags, captureArg, plotFlag } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class TraceLatency extends LabCommand {
  static override summary = 'Show how long the stages of requests take, as percentiles';

  static override description =
    `Stages, by kind and source: io is SUBMT to TERM of a slice, wait is begin to UNLOCK, life is begin to FREE.

--queueing splits io in three: from SUBMT until the source starts, the source's own work, and from its last event to TERM. It needs the source's events (cachefiles_read; of servers 9p_client_req, afs_make_fs_call, smb3_read_enter, nfs_initiate_read). Kernels before v5.17 have none for the cache.

--json gives { capture, rows: [{ stage, kind, source, count, min, p50, p90, p99, max }] }, in nanoseconds.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --kind readahead --json',
    '<%= config.bin %> <%= command.id %> --queueing host.db',
    '<%= config.bin %> <%= command.id %> --heat --source DOWN host.db',
  ];

  static override args = { capture: captureArg };

  static override flags = {
    kind: Flags.string({
      description: 'only this kind',
      options: ['readahead', 'readpage', 'write_begin'],
    }),
    comm: Flags.string({ description: 'only requests of tasks of this name' }),
    file: Flags.string({ description: 'only requests on behalf of this file' }),
    heat: Flags.boolean({
      description: 'map of durations against time instead, one row per power of two',
      exclusive: ['kind', 'file', 'comm'],
    }),
    queueing: Flags.boolean({
      description: 'what slices waited for instead: for their source to begin, or for its work',
      exclusive: ['kind', 'file', 'heat'],
    }),
    source: Flags.string({
      description: 'with --heat: only slices from here',
      options: ['DOWN', 'READ', 'ZERO'],
      dependsOn: ['heat'],
    }),
    plot: plotFlag,
    ...analysisFlags,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TraceLatency);
    if (flags.plot) return this.plot('latency', args.capture);
    const { kind, file, comm, source } = flags;
    if (flags.queueing) return this.ask('queueing', args.capture, {}, flags);
    if (flags.heat) return this.ask('heat', args.capture, { source }, flags);
    return this.ask('latency', args.capture, { kind, file, comm }, flags);
  }
}
