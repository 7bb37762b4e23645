/** Flags of the synthetic workloads of `run`, in fio's terms. */
import { Flags } from '@oclif/core';
import { durationFlag, sizeFlag } from './flags.js';
import type { UselessRule } from './useless_flags.js';

const helpGroup = 'WORKLOAD';

/** What is read and written. */
export const workloadFlags = {
  rw: Flags.string({
    description: 'kind of workload: read, randread, write, randwrite, rw, randrw',
    default: 'read',
    helpGroup,
  }),
  bs: sizeFlag({ description: 'bytes of one read or write', default: 4096, helpGroup }),
  size: sizeFlag({
    description:
      'bytes of each file to cover; default to its end. A file in --files that is only written is made, or' +
      ' becomes as long',
    helpGroup,
  }),
  offset: sizeFlag({ description: 'where in each file to begin', default: 0, helpGroup }),
  files: Flags.string({
    description: 'name or glob pattern, relative to the server (repeatable); default every file',
    multiple: true,
    multipleNonGreedy: true,
    helpGroup,
  }),
  dir: Flags.string({ description: 'only files beneath this directory of the server', helpGroup }),
  numjobs: Flags.integer({
    description: 'jobs at once, each over all files',
    default: 1,
    helpGroup,
  }),
  loops: Flags.integer({ description: 'passes over the files', default: 1, helpGroup }),
  rwmixread: Flags.integer({
    description: 'percent that reads, of rw and randrw',
    default: 50,
    helpGroup,
  }),
  fsync: Flags.integer({
    description: 'fsync after every so many writes; 0 = when a file is closed',
    default: 0,
    helpGroup,
  }),
  direct: Flags.boolean({
    description: 'past the page cache and the disk cache (O_DIRECT); not of linux-6.1-afs',
    default: false,
    helpGroup,
  }),
  runtime: durationFlag({
    description: 'stop after this long, by the clock of the run',
    helpGroup,
  }),
  'time-based': Flags.boolean({
    description: 'repeat the passes until --runtime is over',
    helpGroup,
  }),
  fadvise: Flags.string({
    description: 'advice for each file when it is opened',
    options: ['normal', 'random', 'sequential', 'willneed', 'dontneed', 'noreuse'],
    helpGroup,
  }),
  verify: Flags.boolean({
    description: 'compare every byte read with the file itself, or with what was written',
    helpGroup,
  }),
};

const WRITES = ['write', 'randwrite', 'rw', 'randrw'];

/** Flags of a synthetic workload that are without effect beside others. */
export const WORKLOAD_RULES: readonly UselessRule[] = [
  {
    flags: Object.keys(workloadFlags),
    beside: ({ jobFiles }) =>
      (jobFiles as readonly string[]).length > 0
        ? `a job file (${(jobFiles as readonly string[])[0]}), which says it itself`
        : undefined,
    hint: 'write it into the job file, or run without one',
  },
  {
    flags: ['rwmixread'],
    beside: ({ rw }) => (['rw', 'randrw'].includes(String(rw)) ? undefined : `--rw ${rw}`),
    hint: 'take --rw rw or --rw randrw',
  },
  {
    flags: ['fsync'],
    beside: ({ rw }) => (WRITES.includes(String(rw)) ? undefined : `--rw ${rw}`),
    hint: 'take --rw write, randwrite, rw or randrw',
  },
  {
    flags: ['fadvise'],
    beside: ({ direct }) => (direct === true ? '--direct, which has no page cache' : undefined),
  },
];
