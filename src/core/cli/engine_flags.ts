/** The flags of every command that runs the engine, and the lab options they stand for. */

import { Flags } from '@oclif/core';
import {
  checkLimits,
  LAB_DEFAULTS,
  type LabOptions,
  obeys,
  PROFILE_NAMES,
} from '../app/lab/options.js';
import { UsageError } from '../base/errors.js';
import { durationFlag, sizeFlag } from './flags.js';

/** Flags that decide what the engine does. */
export const engineFlags = {
  server: Flags.string({
    description: 'directory that is served',
    helpValue: 'DIR',
    default: '.',
    helpGroup: 'SERVER',
  }),
  profile: Flags.string({
    description: `kernel that is played: ${PROFILE_NAMES.join(', ')}`,
    default: LAB_DEFAULTS.profile,
    helpGroup: 'ENGINE',
  }),
  defects: Flags.string({
    description: "the kernel's known defects: reproduced or repaired",
    options: ['kernel', 'repaired'],
    default: LAB_DEFAULTS.defects,
    helpGroup: 'ENGINE',
  }),
  clock: Flags.string({
    description:
      'real: wall clock and asynchronous I/O; virtual: modelled time, same seed, same trace',
    options: ['real', 'virtual'],
    default: 'real',
    helpGroup: 'ENGINE',
  }),
  io: Flags.string({
    description:
      'how files are read: inside the call, on threads, by io_uring, or by io_uring with a thread of the' +
      " kernel's that polls for work (sqpoll: more reads a second for a processor that is kept busy);" +
      ' auto: sync on the virtual clock, else uring, libuv where that is not allowed',
    options: ['auto', 'sync', 'libuv', 'uring', 'sqpoll'],
    default: LAB_DEFAULTS.io,
    helpGroup: 'ENGINE',
  }),
  randseed: Flags.integer({
    description: 'seed of everything that is left to chance',
    aliases: ['seed'],
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    default: LAB_DEFAULTS.seed,
    helpGroup: 'ENGINE',
  }),
  'page-cache': sizeFlag({
    description: 'limit of the page cache, at least 1m',
    default: LAB_DEFAULTS.pageCache,
    helpGroup: 'ENGINE',
  }),
  'huge-pages': Flags.boolean({
    description: 'takes the page cache at the start, in huge pages: faster, but a slower start',
    default: LAB_DEFAULTS.hugePages,
    helpGroup: 'ENGINE',
  }),
  cpu: Flags.integer({
    description:
      'number of the processor that is kept for the engine; its other threads (writer of the trace,' +
      ' compiler) run on the others. sqpoll polls on the last one',
    min: 0,
    helpGroup: 'ENGINE',
  }),
  'read-ahead-kb': Flags.integer({
    description: "largest readahead window, KiB; default the profile's; 0 = none",
    helpGroup: 'ENGINE',
  }),
  msize: sizeFlag({
    description:
      'largest message of a transport, at least 4k (profiles with 9p); bounds the window',
    default: LAB_DEFAULTS.msize,
    helpGroup: 'ENGINE',
  }),
  'cache-mode': Flags.string({
    description: 'what a 9p mount keeps (its cache= option): fscache, loose, mmap, none',
    options: ['fscache', 'loose', 'mmap', 'none'],
    default: LAB_DEFAULTS.cacheMode,
    helpGroup: 'ENGINE',
  }),
  rsize: sizeFlag({
    description: 'most bytes of one server operation (clamp_length); 0 = a whole slice',
    default: 0,
    helpGroup: 'ENGINE',
  }),
  'stripe-unit': sizeFlag({
    description: 'widen readahead windows to multiples of this (expand_readahead); 0 = not',
    default: 0,
    helpGroup: 'ENGINE',
  }),
  'clear-tail': Flags.boolean({
    description: 'zero what a short reply leaves out, as AFS does; without, ask again',
    default: true,
    allowNo: true,
    helpGroup: 'ENGINE',
  }),
  streams: Flags.string({
    description:
      'server operations in flight for one sequential reader: a number, or auto, which finds it by' +
      ' latency and bandwidth; 1 = as the kernel',
    default: '1',
    helpGroup: 'ENGINE',
  }),
  'server-latency': durationFlag({
    description: 'time from request to reply',
    default: 0,
    helpGroup: 'SERVER',
  }),
  'server-jitter': durationFlag({
    description: 'up to this much more at random',
    default: 0,
    helpGroup: 'SERVER',
  }),
  'server-bandwidth': sizeFlag({
    description: 'bytes per second that all replies share; 0 = unlimited',
    default: 0,
    helpGroup: 'SERVER',
  }),
  'server-concurrency': Flags.integer({
    description: 'server operations in service at once; 0 = unlimited',
    default: 0,
    helpGroup: 'SERVER',
  }),
  'server-completion': Flags.string({
    description:
      'sync: operations end inside the call, as in the AFS client; default async under the real clock' +
      ' or with several jobs, else sync',
    options: ['sync', 'async'],
    helpGroup: 'SERVER',
  }),
  'callback-time': durationFlag({
    description: 'how long the server promises to tell of changes of a file (AFS); 0 = not at all',
    default: LAB_DEFAULTS.callbackNs,
    defaultHelp: async () => '2h',
    helpGroup: 'SERVER',
  }),
  'server-writes': Flags.string({
    description:
      'what becomes of writes: kept in a directory over the served one, made in place, refused',
    options: ['overlay', 'direct', 'refuse'],
    default: LAB_DEFAULTS.serverWrites,
    helpGroup: 'SERVER',
  }),
  'server-overlay': Flags.string({
    description:
      'directory of the overlay; default one in the temporary directory, removed at the end or, after a kill,' +
      ' by the next run',
    helpValue: 'DIR',
    helpGroup: 'SERVER',
  }),
};

/** When to cull. */
export const cullLimitsFlag = Flags.string({
  description:
    'percent free at which culling ends, at which it begins, and below which nothing is stored',
  helpValue: 'RUN/CULL/STOP',
  default: '10/7/3',
  helpGroup: 'CACHE',
});

/** The limits that a `--cull-limits` stands for. Throws a `UsageError`. */
export function limitsFrom(text: string): LabOptions['cacheLimits'] {
  const found = /^([\d.]+)\/([\d.]+)\/([\d.]+)$/.exec(text);
  if (found === null) {
    throw new UsageError('--cull-limits', `expected RUN/CULL/STOP, got '${text}'`, 'as in 10/7/3');
  }
  return checkLimits({ run: Number(found[1]), cull: Number(found[2]), stop: Number(found[3]) });
}

/** Flags of the disk cache. */
export const cacheFlags = {
  cache: Flags.string({
    description: 'directory of the disk cache; none without it',
    helpValue: 'DIR',
    helpGroup: 'CACHE',
  }),
  presence: Flags.string({
    description:
      'who says what is cached: the filesystem, the content map, or the map checked by it',
    options: ['seek', 'map', 'both'],
    default: LAB_DEFAULTS.presence,
    helpGroup: 'CACHE',
  }),
  granule: sizeFlag({
    description: 'unit in which content is cached: a power of two from 4k',
    default: LAB_DEFAULTS.granule,
    helpGroup: 'CACHE',
  }),
  'verify-cache': Flags.boolean({
    description:
      'compare checksums of what is read from the cache; without, only of what may be a hole',
    default: true,
    allowNo: true,
    helpGroup: 'CACHE',
  }),
  'cache-direct': Flags.boolean({
    description: 'use O_DIRECT for the cache where the filesystem allows it',
    default: true,
    allowNo: true,
    helpGroup: 'CACHE',
  }),
  'cache-xattr': Flags.boolean({
    description: 'keep coherency data in extended attributes where the filesystem has them',
    default: true,
    allowNo: true,
    helpGroup: 'CACHE',
  }),
  'cache-owner': Flags.string({
    description: 'refuse a cache directory that another user owns or may write to, or use any',
    options: ['own', 'any'],
    default: LAB_DEFAULTS.cacheOwner,
    helpGroup: 'CACHE',
  }),
  'cache-size': sizeFlag({
    description: "most bytes of the cache; 0 = as many as the limits leave of the filesystem's",
    default: LAB_DEFAULTS.cacheSize,
    helpGroup: 'CACHE',
  }),
  'cull-limits': cullLimitsFlag,
  'cache-writes': Flags.string({
    description:
      'what is written: stored in the cache too, dropped from it, or the file kept out of it',
    options: ['through', 'invalidate', 'off'],
    default: LAB_DEFAULTS.cacheWrites,
    helpGroup: 'CACHE',
  }),
};

/** Where the trace of a run goes. */
export const traceFlags = {
  out: Flags.string({
    description: 'capture to write (must not exist)',
    helpValue: 'FILE',
    helpGroup: 'TRACE',
  }),
  trace: Flags.boolean({
    description: 'record the trace',
    default: true,
    allowNo: true,
    helpGroup: 'TRACE',
  }),
  'trace-overflow': Flags.string({
    description: 'when events come faster than they can be stored: wait, or drop and count',
    options: ['block', 'drop'],
    default: 'block',
    helpGroup: 'TRACE',
  }),
};

/** Which operations a run records. */
export const opLogFlag = Flags.string({
  description: 'operations that get a row in the capture: all, those that missed, none',
  options: ['all', 'miss', 'none'],
  default: 'all',
  helpGroup: 'TRACE',
});

/** The values of `engineFlags` and `cacheFlags` once parsed. */
export interface EngineFlags {
  readonly cache?: string | undefined;
  readonly presence: string;
  readonly granule: number;
  readonly 'verify-cache': boolean;
  readonly 'cache-direct': boolean;
  readonly 'cache-xattr': boolean;
  readonly 'cache-owner': string;
  readonly 'cache-size': number;
  readonly 'cull-limits': string;
  readonly 'cache-writes': string;
  readonly 'server-writes': string;
  readonly 'server-overlay'?: string | undefined;
  readonly server: string;
  readonly profile: string;
  readonly defects: string;
  readonly clock: string;
  readonly io: string;
  readonly randseed: number;
  readonly 'page-cache': number;
  readonly 'huge-pages': boolean;
  readonly cpu?: number | undefined;
  readonly 'read-ahead-kb'?: number | undefined;
  readonly msize: number;
  readonly 'cache-mode': string;
  readonly rsize: number;
  readonly 'stripe-unit': number;
  readonly 'clear-tail': boolean;
  readonly streams: string;
  readonly 'server-latency': number;
  readonly 'server-jitter': number;
  readonly 'server-bandwidth': number;
  readonly 'server-concurrency': number;
  readonly 'server-completion'?: string | undefined;
  readonly 'callback-time': number;
}

/** The option of a lab that each flag sets. */
const OPTION_OF = {
  server: 'server',
  profile: 'profile',
  defects: 'defects',
  clock: 'clock',
  io: 'io',
  randseed: 'seed',
  'page-cache': 'pageCache',
  'huge-pages': 'hugePages',
  cpu: 'cpu',
  'read-ahead-kb': 'readAheadKb',
  msize: 'msize',
  'cache-mode': 'cacheMode',
  rsize: 'rsize',
  'stripe-unit': 'stripeUnit',
  'clear-tail': 'clearTail',
  streams: 'streams',
  'server-latency': 'latencyNs',
  'server-jitter': 'jitterNs',
  'server-bandwidth': 'bandwidth',
  'server-concurrency': 'maxConcurrent',
  'server-completion': 'completion',
  'callback-time': 'callbackNs',
  'server-writes': 'serverWrites',
  'server-overlay': 'serverOverlay',
  'cache-writes': 'cacheWrites',
  cache: 'cacheDir',
  presence: 'presence',
  granule: 'granule',
  'verify-cache': 'verifyCache',
  'cache-direct': 'cacheDirect',
  'cache-xattr': 'cacheXattr',
  'cache-owner': 'cacheOwner',
  'cache-size': 'cacheSize',
  'cull-limits': 'cacheLimits',
} as const satisfies Partial<Record<keyof EngineFlags, keyof LabOptions>>;

type EngineFlag = keyof typeof OPTION_OF;

function optionsOf(flags: EngineFlags, names: readonly EngineFlag[]): Partial<LabOptions> {
  const optionOf = (name: EngineFlag): unknown => {
    if (name === 'streams') return flags.streams === 'auto' ? 'auto' : Number(flags.streams);
    return name === 'cull-limits' ? limitsFrom(flags[name]) : flags[name];
  };
  return Object.fromEntries(names.map((name) => [OPTION_OF[name], optionOf(name)]));
}

/** The lab options that the flags stand for; `readers` is the number of readers at once. */
export function labFrom(flags: EngineFlags, readers = 1): Partial<LabOptions> & { server: string } {
  const lab = optionsOf(flags, Object.keys(OPTION_OF) as EngineFlag[]);
  const many = readers > 1 && obeys(flags.profile, 'completion') ? 'async' : undefined;
  return { ...lab, server: flags.server, completion: lab.completion ?? many };
}

/** Only those lab options whose flags are among the names. */
export function labGiven(flags: EngineFlags, given: ReadonlySet<string>): Partial<LabOptions> {
  const names = Object.keys(OPTION_OF) as EngineFlag[];
  return optionsOf(
    flags,
    names.filter((name) => given.has(name)),
  );
}
