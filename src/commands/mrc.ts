/** `netfslab mrc`: which cache size a workload needs. */
import { Args, Flags } from '@oclif/core';
import { type MrcSummary, missRatioCurve, mrcLines, mrcTable } from '../core/app/whatif/mrc.js';
import { UsageError } from '../core/base/errors.js';
import { isPowerOfTwo } from '../core/base/range.js';
import { sizeFlag, tableFlags } from '../core/cli/flags.js';
import { type JsonTable, LabCommand } from '../core/cli/lab_command.js';

export default class Mrc extends LabCommand {
  static override summary = 'Show how many references miss at each cache size';

  static override description =
    `Replays the references of a capture or workload against caches of every size: LRU exactly by stack distances, CLOCK, and beside them the optimum (Belady), which no cache can beat. Above 200,000 references CLOCK and the optimum are those of a sample of the pages, above 50 million LRU too (SHARDS, with its error); --exact looks at all, --sample at a share.
--granule counts larger units than pages. --read-ahead-kb lets a miss load its whole window, so that the cost of readahead is in the curve.
--json gives { references, unit, units, footprint, rate, bound, points: [{ size, bytes, lru, clock, optimum, loads }], knee, workingSet }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> production.db',
    '<%= config.bin %> <%= command.id %> app.strace --granule 256k --csv',
    '<%= config.bin %> <%= command.id %> jobs.fio --server /srv --read-ahead-kb 128',
  ];

  static override args = {
    file: Args.string({ description: 'capture or recorded workload; - is stdin', required: true }),
  };

  static override flags = {
    granule: sizeFlag({ description: 'unit of the cache, a power of two from 4k', default: 4096 }),
    'read-ahead-kb': Flags.integer({
      description: 'window that a miss loads, KiB, a power of two; default: readahead is left out',
      min: 4,
    }),
    sample: Flags.string({
      description:
        'share of the units to look at, 0.001 to 1; default all, of large workloads a part',
      exclusive: ['exact'],
    }),
    exact: Flags.boolean({ description: 'look at every unit, however many there are' }),
    server: Flags.string({
      description: 'directory that is served: sizes of the files of fio jobs',
      helpValue: 'DIR',
      default: '.',
    }),
    map: Flags.string({
      description: 'names that begin with OLD begin with NEW instead (repeatable)',
      helpValue: 'OLD=NEW',
      multiple: true,
      multipleNonGreedy: true,
      default: [],
    }),
    ...tableFlags,
  };

  async run(): Promise<MrcSummary | JsonTable | undefined> {
    const { flags, args } = await this.parse(Mrc);
    const ahead = flags['read-ahead-kb'];
    powerOfTwo('--granule', flags.granule);
    if (ahead !== undefined) powerOfTwo('--read-ahead-kb', ahead * 1024);
    const { server, map } = flags;
    const found = await missRatioCurve({
      file: args.file,
      input: { server, map, fd: [], mmap: 'touch', waitUnit: 'ms' },
      granule: flags.granule,
      readAhead: ahead === undefined ? undefined : ahead * 1024,
      sample: flags.sample === undefined ? undefined : shareOf(flags.sample),
      exact: flags.exact,
    });
    if (this.jsonEnabled()) return found;
    await this.showText(mrcLines(found), mrcTable(found), flags);
    return undefined;
  }
}

function powerOfTwo(flag: string, value: number): void {
  if (value >= 4096 && isPowerOfTwo(value)) return;
  throw new UsageError(flag, `expected a power of two from 4 KiB, got ${value} bytes`);
}

function shareOf(text: string): number {
  const share = Number(text);
  if (share >= 0.001 && share <= 1) return share;
  throw new UsageError('--sample', `expected a share from 0.001 to 1, got '${text}'`);
}
