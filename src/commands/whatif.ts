/** `netfslab whatif`: the same operations under other settings. */
import { Args, Flags } from '@oclif/core';
import {
  VARIED,
  type WhatifSummary,
  whatif,
  whatifLines,
  whatifTable,
} from '../core/app/whatif/whatif.js';
import { UsageError } from '../core/base/errors.js';
import { cacheFlags, engineFlags, labFrom, labGiven } from '../core/cli/engine_flags.js';
import { tableFlags } from '../core/cli/flags.js';
import { type JsonTable, LabCommand } from '../core/cli/lab_command.js';
import { givenFlags } from '../core/cli/useless_flags.js';
import { startProgress } from '../core/report/progress.js';

const helpGroup = 'QUESTION';
// Each combination has the virtual clock and a cache of its own.
const { clock: _clock, io: _io, ...engine } = engineFlags;
const { cache: _cache, ...cacheSettings } = cacheFlags;

export default class Whatif extends LabCommand {
  static override summary = 'Predict what other settings would do to a capture or workload';

  static override description =
    `Plays the same operations on the virtual clock under every combination of the values of --vary, in worker processes, and remembers the answers. The settings of the recording come from the engine flags; a run of netfslab has them in its capture. Of a capture, the first run is without a change: where its requests or bytes are too far from those recorded, the answer is refused (--max-error, --force). The server is modelled after the capture's DOWN slices, or as --server-model or the server flags say.
Settings: ${Object.keys(VARIED).join(', ')}; the value 'default' leaves one alone. What would be best is named with what to type for it.
--json gives { baseline, error, serverModel, rows: [{ settings, prediction, pareto }], advice, remembered }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> production.db --vary read-ahead-kb=128,512,2048',
    '<%= config.bin %> <%= command.id %> app.strace --server /srv --vary rsize=64k,1m --vary page-cache=16m,64m',
    '<%= config.bin %> <%= command.id %> jobs.fio --vary cache-size=64m,256m --with-cache --csv',
  ];

  /** What `--help` shows; `--help-all` shows the rest. */
  static common = [
    ...['vary', 'server', 'profile', 'read-ahead-kb', 'msize', 'with-cache', 'server-model'],
    ...['max-error', 'force', 'csv'],
  ];

  static override args = {
    file: Args.string({ description: 'capture or recorded workload', required: true }),
  };

  static override flags = {
    vary: Flags.string({
      description: 'a setting and its values (repeatable): all combinations are played',
      helpValue: 'NAME=A,B,...',
      multiple: true,
      multipleNonGreedy: true,
      default: [],
      helpGroup,
    }),
    'with-cache': Flags.boolean({
      description: 'give each combination a disk cache of its own, empty at first',
      default: false,
      helpGroup,
    }),
    'server-model': Flags.string({
      description: 'server to predict with, as --save-server-model wrote it',
      helpValue: 'FILE',
      helpGroup,
    }),
    'save-server-model': Flags.string({
      description: 'file that the model fitted from the capture goes to',
      helpValue: 'FILE',
      exclusive: ['server-model'],
      helpGroup,
    }),
    'max-error': Flags.string({
      description: 'largest error of the baseline, percent',
      default: '10',
      helpGroup,
    }),
    force: Flags.boolean({ description: 'answer whatever the error', default: false, helpGroup }),
    remember: Flags.boolean({
      description: 'use and keep the answers of combinations',
      default: true,
      allowNo: true,
      helpGroup,
    }),
    map: Flags.string({
      description: 'names that begin with OLD begin with NEW instead (repeatable)',
      helpValue: 'OLD=NEW',
      multiple: true,
      multipleNonGreedy: true,
      default: [],
      helpGroup,
    }),
    ...engine,
    ...cacheSettings,
    ...tableFlags,
  };

  async run(): Promise<WhatifSummary | JsonTable | undefined> {
    const { flags, args, metadata } = await this.parse(Whatif);
    const maxError = Number(flags['max-error']) / 100;
    if (!(maxError >= 0 && maxError <= 1)) {
      throw new UsageError(
        '--max-error',
        `expected percent from 0 to 100, got '${flags['max-error']}'`,
      );
    }
    const { server, map } = flags;
    const bar = startProgress('whatif', 'count');
    const withCache = { ...flags, clock: 'virtual', io: 'auto', cache: undefined };
    const lab = labFrom(withCache);
    const found = await whatif(
      {
        file: args.file,
        input: { server, map, fd: [], mmap: 'touch', waitUnit: 'ms' },
        lab,
        given: labGiven(withCache, givenFlags(metadata, flags)),
        vary: flags.vary,
        cache: flags['with-cache'],
        serverModel: flags['server-model'],
        saveModel: flags['save-server-model'],
        maxError,
        force: flags.force,
        remember: flags.remember,
      },
      (done, total) => bar.update(done, total),
    ).finally(() => bar.stop());
    if (this.jsonEnabled()) return found;
    await this.showText(whatifLines(found), whatifTable(found), flags);
    return undefined;
  }
}
