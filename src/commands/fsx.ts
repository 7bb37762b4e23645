/** `netfslab fsx`: random operations on one file, each checked against a copy in memory. */
import { Args, Flags } from '@oclif/core';
import { lossError } from '../core/app/lab/unwritten.js';
import {
  FSX_COUNT,
  FSX_LEFT_OUT,
  FSX_MOST,
  type FsxRequest,
  type FsxSummary,
  fsxError,
  fsxLines,
  readFsxList,
  runFsx,
} from '../core/app/run/fsx.js';
import { newCapturePath } from '../core/app/trace/capture_path.js';
import { UsageError } from '../core/base/errors.js';
import { cacheFlags, engineFlags, labFrom, traceFlags } from '../core/cli/engine_flags.js';
import { EXIT } from '../core/cli/exit.js';
import { sizeFlag } from '../core/cli/flags.js';
import { LabCommand } from '../core/cli/lab_command.js';
import {
  ENGINE_RULES,
  givenFlags,
  refuseUseless,
  type UselessRule,
} from '../core/cli/useless_flags.js';

const helpGroup = 'FSX';

const left = (char: 'R' | 'W' | 'E' | 'F' | 'H' | 'z', what: string) =>
  Flags.boolean({ char, description: `leave out ${what}`, default: false, helpGroup });

const refused = (char: 'C' | 'I' | 'J' | 'B', what: string) =>
  Flags.boolean({
    char,
    description: `leave out ${what} (they are never drawn, as the engine cannot do them)`,
    default: false,
    helpGroup,
  });

export default class Fsx extends LabCommand {
  static override summary =
    'Exercise one file with random operations and compare it with a copy in memory';

  static override description =
    `The letters are those of fsx. Every read is compared with the copy, and a failure is shrunk to the few operations that still fail (docs/reference/writes.md). --replay-ops plays a list instead: a .fsxops file, or the LOG DUMP of a failure report. Operations of a list that the engine cannot do are named and counted, and the exit code is then 1. --json gives { seed, listed, ops, refused, skipped, marked, notes, failure, log, shrunk, file, capture, unwritten }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> -N 5000 -S 7 --clock virtual --no-trace',
    '<%= config.bin %> <%= command.id %> -l 600000 -o 128000 -r 4096 -w 4096 -t 4096 -Z -N 100',
    '<%= config.bin %> <%= command.id %> --replay-ops failure.fsxops --clock virtual',
  ];

  /** What `--help` shows; `--help-all` shows the rest. */
  static common = [
    ...['length', 'operations', 'count', 'seed-of-ops', 'close-open', 'direct', 'replay-ops'],
    ...['record-ops', 'clock', 'profile'],
  ];

  static override args = {
    file: Args.string({ description: 'list of operations to play, as with --replay-ops' }),
  };

  static override flags = {
    length: sizeFlag({
      char: 'l',
      description: 'largest size of the file',
      default: FSX_MOST,
      helpGroup,
    }),
    operations: sizeFlag({
      char: 'o',
      description: 'largest operation; default 12k or 64k, at random',
      default: 0,
      helpGroup,
    }),
    'read-boundary': sizeFlag({
      char: 'r',
      description: 'reads begin and end at multiples of this',
      default: 1,
      helpGroup,
    }),
    'write-boundary': sizeFlag({
      char: 'w',
      description: 'writes begin and end at multiples of this',
      default: 1,
      helpGroup,
    }),
    'truncate-boundary': sizeFlag({
      char: 't',
      description: 'sizes are multiples of this',
      default: 1,
      helpGroup,
    }),
    count: Flags.integer({
      char: 'N',
      description: 'operations',
      default: FSX_COUNT,
      min: 1,
      helpGroup,
    }),
    'seed-of-ops': Flags.integer({
      char: 'S',
      description: 'seed of the operations; default --randseed',
      min: 0,
      helpGroup,
    }),
    'no-mapread': left('R', 'reads through a mapping'),
    'no-mapwrite': left('W', 'writes through a mapping'),
    'no-copy': left('E', 'copy_range'),
    'no-fallocate': left('F', 'fallocate'),
    'no-punch': left('H', 'punch_hole'),
    'no-zero': left('z', 'zero_range'),
    'no-collapse': refused('C', 'collapse_range'),
    'no-insert': refused('I', 'insert_range'),
    'no-clone': refused('J', 'clone_range'),
    'no-dedupe': refused('B', 'dedupe_range'),
    direct: Flags.boolean({ char: 'Z', description: 'O_DIRECT', default: false, helpGroup }),
    'close-open': Flags.integer({
      char: 'c',
      description: 'close and open the file once in so many operations; 0: never',
      default: 50,
      min: 0,
      helpGroup,
    }),
    begin: Flags.integer({
      char: 'b',
      description:
        'operation from which on the file is worked on; those before go to the copy only',
      default: 1,
      min: 1,
      helpGroup,
    }),
    debug: Flags.boolean({
      char: 'd',
      description: 'print every operation',
      default: false,
      helpGroup,
    }),
    quiet: Flags.boolean({
      char: 'q',
      description: 'print failures only',
      default: false,
      helpGroup,
    }),
    progress: Flags.integer({
      char: 'p',
      description: 'say after every so many operations how far it is',
      default: 0,
      min: 0,
      helpGroup,
    }),
    'replay-ops': Flags.string({
      description: 'list of operations to play',
      helpValue: 'FILE',
      helpGroup,
    }),
    'record-ops': Flags.string({
      description: 'file that the operations go to, as a .fsxops list',
      helpValue: 'FILE',
      helpGroup,
    }),
    ...engineFlags,
    ...cacheFlags,
    ...traceFlags,
  };

  async run(): Promise<FsxSummary> {
    const { flags, args, metadata } = await this.parse(Fsx);
    if (args.file !== undefined && flags['replay-ops'] !== undefined) {
      throw new UsageError(
        '--replay-ops',
        `has no effect with ${args.file}, which names a list too`,
      );
    }
    const list = flags['replay-ops'] ?? args.file;
    const given = givenFlags(metadata, flags);
    refuseUseless(given, { ...flags, list }, [...ENGINE_RULES, ...FSX_RULES]);
    const out = flags.trace ? newCapturePath('fsx', flags.out) : undefined;
    const trace = out === undefined ? undefined : this.traceTarget(out, flags['trace-overflow']);
    const base = labFrom(flags, 1);
    const seed = flags['seed-of-ops'] ?? base.seed ?? 1;
    const summary = await runFsx({
      lab: { ...base, seed },
      source: list === undefined ? this.#drawn(flags) : readFsxList(list),
      most: list === undefined || given.has('length') ? flags.length : undefined,
      direct: flags.direct,
      simulated: flags.begin - 1,
      shrinkTo: list === undefined ? `fsx-${seed}.fsxops` : undefined,
      recordTo: flags['record-ops'],
      told: this.#teller(flags),
      trace,
    });
    if (summary.capture !== null) this.noteCapture(summary.capture);
    if (!flags.quiet || summary.failure !== null) await this.print(fsxLines(summary));
    if (summary.failure !== null) this.endWithError(fsxError(summary.failure));
    for (const lost of summary.unwritten) this.endWithError(lossError(lost));
    if (summary.skipped.length > 0) this.endWith(EXIT.failed);
    return summary;
  }

  #drawn(flags: DrawFlags): FsxRequest['source'] {
    const letters = [
      ...(flags['no-mapread'] ? ['R'] : []),
      ...(flags['no-mapwrite'] ? ['W'] : []),
      ...(flags['no-copy'] ? ['E'] : []),
      ...(flags['no-fallocate'] ? ['F'] : []),
      ...(flags['no-punch'] ? ['H'] : []),
      ...(flags['no-zero'] ? ['z'] : []),
    ];
    const draw = {
      longest: flags.operations,
      readBoundary: flags['read-boundary'],
      writeBoundary: flags['write-boundary'],
      truncateBoundary: flags['truncate-boundary'],
      reopenOnceIn: flags['close-open'],
      without: [
        ...letters.flatMap((letter) => FSX_LEFT_OUT[letter] ?? []),
        // The 9p client asks for a file's version when it looks it up and not when it opens it.
        ...(/9p/.test(flags.profile) ? (['foreign'] as const) : []),
      ],
    };
    return { kind: 'random', count: flags.count, draw };
  }

  #teller(flags: { debug: boolean; progress: number; quiet: boolean }): FsxRequest['told'] {
    const { debug, progress, quiet } = flags;
    if (quiet || (!debug && progress === 0)) return undefined;
    return (line, number) => {
      if (debug) this.note(`${number} ${line}`);
      if (progress > 0 && number % progress === 0) this.note(`${number}...`);
    };
  }
}

interface DrawFlags {
  readonly profile: string;
  readonly operations: number;
  readonly count: number;
  readonly 'read-boundary': number;
  readonly 'write-boundary': number;
  readonly 'truncate-boundary': number;
  readonly 'close-open': number;
  readonly 'no-mapread': boolean;
  readonly 'no-mapwrite': boolean;
  readonly 'no-copy': boolean;
  readonly 'no-fallocate': boolean;
  readonly 'no-punch': boolean;
  readonly 'no-zero': boolean;
}

const DRAWN = [
  ...['operations', 'read-boundary', 'write-boundary', 'truncate-boundary', 'count', 'close-open'],
  ...['seed-of-ops', 'no-mapread', 'no-mapwrite', 'no-copy', 'no-fallocate', 'no-punch', 'no-zero'],
  ...['no-collapse', 'no-insert', 'no-clone', 'no-dedupe'],
];

/** Flags of fsx that are without effect beside others. */
export const FSX_RULES: readonly UselessRule[] = [
  {
    flags: DRAWN,
    beside: ({ list }) => (list === undefined ? undefined : `a list of operations (${list})`),
    hint: 'the list says which operations there are',
  },
  {
    flags: ['debug', 'progress'],
    beside: ({ quiet }) => (quiet === true ? '--quiet' : undefined),
  },
];
