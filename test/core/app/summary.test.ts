/** The summary of a run as a person reads it. */
import test from 'ava';
import { phaseLines, type RunSummary, summaryLines } from '../../../src/core/app/run/summary.js';

const RUN: RunSummary = {
  profile: 'linux-5.13-afs',
  clock: 'virtual',
  seed: 7,
  workload: 'read',
  jobs: 2,
  elapsedNs: 2_000_000_000,
  reads: {
    ops: 4000,
    hits: 3000,
    bytes: 16_384_000,
    latencyNs: { min: 400, mean: 1e5, p50: 800, p90: 1e6, p99: 2e6, p999: 3e6, max: 1e9 },
  },
  requests: { READAHEAD: 1234, READPAGE: 5, WRITEBEGN: 0 },
  sources: { ZERO: 4096, DOWN: 24_576_000, READ: 0 },
  server: {
    fetches: 1239,
    bytes: 24_576_000,
    stores: 0,
    storedBytes: 0,
    statuses: 0,
    breaks: 0,
    maxInService: 2,
  },
  writes: { ops: 0, bytes: 0, latencyNs: null },
  amplification: 1.5,
  cache: null,
  stats: 'RdHelp : RA=1234\nRdHelp : ZR=1\n',
  verified: { ops: 4000, bytes: 16_384_000 },
  interrupted: false,
  errors: [],
  capture: 'x.db',
  trace: { events: 12_345, lost: 1, finishMs: 1500 },
  unwritten: [],
};

test('a run is summed up in a few lines that name every number', (t) => {
  t.deepEqual(
    [...summaryLines(RUN)],
    [
      'read, 2 jobs, linux-5.13-afs, virtual clock, seed 7',
      '  read      15.6 MiB in 2 s, 7.81 MiB/s, 4,000 reads, 2,000 IOPS, 75.0 % without waiting',
      '  latency   min 400 ns, p50 800 ns, p90 1 ms, p99 2 ms, p99.9 3 ms, max 1 s',
      '  requests  READAHEAD 1,234, READPAGE 5, WRITEBEGN 0',
      '  sources   ZERO 4 KiB, DOWN 23.4 MiB, READ 0 B',
      '  server    1,239 operations, 23.4 MiB, at most 2 at once, 1.500 x what was read',
      '  verified  4,000 reads, 15.6 MiB equal to the files',
      '  stats     RdHelp : RA=1234',
      '  stats     RdHelp : ZR=1',
      '  trace     12,345 events, 1 lost, database finished 1.5 s after the run',
    ],
  );
});

test('a run that read nothing has no latencies and divides by nothing', (t) => {
  const reads = { ops: 0, hits: 0, bytes: 0, latencyNs: null };
  const lines = [...phaseLines({ ...RUN, elapsedNs: 0, reads, amplification: null })];
  t.is(lines[0], '  read      0 B in 0 ns, -, 0 reads, unlimited IOPS, 0 % without waiting');
  t.false(lines.some((line) => /latency|NaN|Infinity/.test(line)));
  t.true(lines.some((line) => line.endsWith('nothing read')));
});

test('a run without a trace and without verification does not mention them', (t) => {
  const text = [...summaryLines({ ...RUN, capture: null, verified: null })].join('\n');
  t.notRegex(text, /trace|verified/);
  const wrote = { ...RUN, writes: { ops: 1, bytes: 10, latencyNs: null } };
  t.regex(
    [...summaryLines(wrote)].join('\n'),
    /MiB equal to what was written or is in the files$/m,
  );
});
