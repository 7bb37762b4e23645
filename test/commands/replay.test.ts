/** `netfslab replay`, `run JOBFILE` and `fsx` as they are run, on a sample of each format. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { FSX_RULES } from '../../src/commands/fsx.js';
import { REPLAY_RULES } from '../../src/commands/replay.js';
import { ENGINE_RULES } from '../../src/core/cli/useless_flags.js';
import { WORKLOAD_RULES } from '../../src/core/cli/workload_flags.js';
import { netfslabHere } from '../helpers/cli.js';
import { content, serverDir, tempDir } from '../helpers/lab.js';
import { ROOT } from '../helpers/source.js';

const SAMPLES = join(ROOT, 'traces/workloads');
const VIRTUAL = ['--clock', 'virtual', '--no-trace'];

interface Json {
  readonly format: string;
  readonly played: Record<string, number>;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly elapsedNs: number;
  readonly comparison: { reads: number; otherBytes: number; otherResults: number };
  readonly unplayed: { what: string; line: number; count: number; matters: boolean }[];
  readonly files: { made: { name: string; size: number }[] };
  readonly notes: string[];
  readonly output: string[];
}

/** Each sample: what must be played, made and left out. */
const RECORDED: Readonly<
  Record<string, Partial<Omit<Json, 'files' | 'unplayed'>> & { made?: string[]; left?: string[] }>
> = {
  'v2.iolog': {
    format: 'fio iolog',
    played: { open: 1, read: 3, write: 1, fsync: 1, close: 1 },
    made: ['data.bin'],
  },
  'v3.iolog': { format: 'fio iolog', played: { open: 1, write: 2, read: 1, close: 1 } },
  'blkparse.txt': {
    format: 'blkparse',
    played: { open: 1, read: 2, write: 1 },
    bytesRead: 256 << 10,
    bytesWritten: 4096,
    made: ['device-8-16'],
  },
  'pid-and-mmap.strace': {
    format: 'strace',
    played: { open: 2, load: 1, read: 1, close: 2 },
    bytesRead: 16_755 + 4526,
    made: ['include/a.h', 'include/b.h'],
  },
  'fd-paths-and-times.strace': {
    format: 'strace',
    played: { open: 1, read: 1, write: 1, fsync: 1, close: 1 },
    made: ['mnt/t/app.db'],
  },
  'unfinished.strace': {
    format: 'strace',
    played: { open: 2, read: 3, close: 2 },
    made: ['data.bin', 'other.bin'],
  },
  'script.xfs': {
    format: 'xfs_io',
    played: {
      ...{ open: 1, write: 16, fallocate: 1, truncate: 1 },
      load: 1,
      fadvise: 1,
      read: 6,
      close: 1,
    },
  },
  'chain.sh': {
    format: 'xfs_io',
    played: { open: 3, write: 2, close: 3, sync: 1, drop: 1, fsync: 1, read: 3 },
    bytesRead: 12_288,
  },
};

for (const [name, { made, left = [], ...expected }] of Object.entries(RECORDED)) {
  test(`the sample ${name} is played whole`, async (t) => {
    const args = ['replay', join(SAMPLES, name), '--server', tempDir(t), ...VIRTUAL, '--json'];
    const { status, stdout, stderr } = await netfslabHere(args);
    t.is(status, 0, stderr);
    const json = JSON.parse(stdout) as Json;
    t.like(json, expected);
    const missing = json.unplayed.filter(({ matters }) => matters).map(({ what }) => what);
    t.deepEqual(missing, left);
    if (made !== undefined)
      t.deepEqual(
        json.files.made.map(({ name: file }) => file),
        made,
      );
    t.like(json.comparison, { otherBytes: 0, otherResults: 0 });
  });
}

test('a chain of xfs_io prints what it read: the first write, a hole, the second', async (t) => {
  const args = ['replay', join(SAMPLES, 'chain.sh'), '--server', tempDir(t), ...VIRTUAL];
  const { stdout } = await netfslabHere(args);
  const lines = stdout.split('\n').filter((line) => /^[0-9a-f]{8}: /.test(line));
  t.is(lines.length, 768);
  const bytes = lines.map((line) => line.slice(11, 13));
  t.deepEqual([...new Set(bytes.slice(0, 256))], ['ab']);
  t.deepEqual([...new Set(bytes.slice(256, 512))], ['00']);
  t.deepEqual([...new Set(bytes.slice(512))], ['cd']);
});

test('times of a log are kept on request, and wait can be read both ways', async (t) => {
  const elapsed = async (...more: string[]) => {
    const file = more.shift() as string;
    const args = ['replay', join(SAMPLES, file), '--server', tempDir(t), ...VIRTUAL, '--json'];
    const { stdout, stderr } = await netfslabHere([...args, '--timing', 'recorded', ...more]);
    return [(JSON.parse(stdout) as Json).elapsedNs, stderr] as const;
  };
  const [v3] = await elapsed('v3.iolog');
  t.true(v3 >= 9_999e3 && v3 < 11e6, `${v3}`);
  const [code] = await elapsed('v2.iolog');
  t.true(code >= 1000e6, `${code}`);
  const [manual] = await elapsed('v2.iolog', '--wait-unit', 'us');
  t.true(manual >= 1e6 && manual < 2e6, `${manual}`);
});

test('a recording with data is compared: another file is another result', async (t) => {
  const server = serverDir(t, { 'data.bin': 65_536, 'other.bin': 200_000 });
  const log = join(SAMPLES, 'unfinished.strace');
  const { status, stdout, stderr } = await netfslabHere([
    'replay',
    log,
    '--server',
    server,
    ...VIRTUAL,
  ]);
  t.is(status, 4, stderr);
  t.regex(stdout, /compared {3}2 reads, .* 2 differ/);
  t.regex(stdout, /line 4: read of data\.bin at 0: byte 0 is \d+, was 127/);
});

test('names are mapped, and a served file is not made', async (t) => {
  const server = serverDir(t, { 'app.db': 9000 });
  const log = join(SAMPLES, 'fd-paths-and-times.strace');
  const args = ['replay', log, '--server', server, '--map', '/mnt/t=', ...VIRTUAL, '--json'];
  const { stdout } = await netfslabHere(args);
  t.deepEqual((JSON.parse(stdout) as Json).files.made, []);
});

test('a descriptor that the log does not open is named, or said with --fd', async (t) => {
  const log = join(tempDir(t), 'fd.strace');
  writeFileSync(log, 'pread64(7, "abcd", 4, 0) = 4\n');
  const run = (...more: string[]) =>
    netfslabHere(['replay', log, '--server', tempDir(t), ...VIRTUAL, ...more]);
  const without = await run();
  t.is(without.status, 1);
  t.regex(
    without.stdout,
    /not played pread64 \(line 1:1\): descriptor 7 was opened before .* --fd 7=NAME/,
  );
  t.regex(without.stdout, /Not everything was played: 1 operations left out/);
  const named = await run('--fd', '7=x.bin');
  t.is(named.status, 0, named.stderr);
  t.regex(named.stdout, /1 reads, 4 B that the log shows: all as recorded/);
});

test('an op list prints what each operation returned, and what is missing is a result', async (t) => {
  const server = serverDir(t, { f: 5000 });
  const list = join(tempDir(t), 'a.ops');
  writeFileSync(list, 'open 0 rdonly f\nload 0 0 9000\nclose 0\nopen 0 rdonly nowhere\n');
  const { status, stdout } = await netfslabHere(['replay', list, '--server', server, ...VIRTUAL]);
  t.is(status, 0);
  t.regex(
    stdout,
    /^0 open 0 rdonly f ret=0\n1 load 0 0 9000 ret=5000 md5=[0-9a-f]{32}\n2 close 0 ret=0\n3 open 0 rdonly nowhere ret=-1 errno=2\n/,
  );
});

test('a capture is played again from its operations', async (t) => {
  const server = serverDir(t, { a: 50_000, b: 20_000 });
  const out = join(tempDir(t), 'x.db');
  const virtual = ['--server', server, '--clock', 'virtual'];
  await netfslabHere(['run', ...virtual, '--rw', 'randread', '--out', out]);
  const { status, stdout, stderr } = await netfslabHere([
    'replay',
    out,
    ...virtual,
    '--no-trace',
    '--json',
  ]);
  t.is(status, 0, stderr);
  t.like(JSON.parse(stdout), { format: 'capture', bytesRead: 70_000 });
});

test('what no format is, and what perf records, is answered with what to do', async (t) => {
  const dir = tempDir(t);
  const [text, perf] = [join(dir, 'x.txt'), join(dir, 'perf.data')];
  writeFileSync(text, 'hello\n');
  writeFileSync(perf, 'PERFILE2rest');
  const unknown = await netfslabHere(['replay', text, '--server', dir]);
  t.is(unknown.status, 3);
  t.regex(unknown.stderr, /not recognised as any of: fio iolog, blkparse, strace, op list, xfs_io/);
  const binary = await netfslabHere(['replay', perf, '--server', dir]);
  t.is(binary.status, 3);
  t.regex(binary.stderr, /perf script -i \S+perf\.data/);
});

test('a file shorter than any magic number is no format, and no bug', async (t) => {
  const dir = tempDir(t);
  const file = join(dir, 'short');
  for (const bytes of [[0xff], [0xff, 0xfe], [0x07, 0x74, 0x61]]) {
    writeFileSync(file, Buffer.from(bytes));
    const short = await netfslabHere(['replay', file, '--server', dir]);
    t.is(short.status, 3, short.stderr);
    t.regex(short.stderr, /short: not recognised as any of/);
  }
});

test('a recorded workload at another door is answered with replay', async (t) => {
  for (const [sample, format] of [
    ['blkparse.txt', 'blkparse'],
    ['unfinished.strace', 'strace'],
  ] as const) {
    const file = join(SAMPLES, sample);
    const out = join(tempDir(t), 'out.db');
    for (const door of [
      ['trace', 'import', file, '--out', out],
      ['stats', 'import', file, '--out', out],
      ['explain', '--dmesg', file],
    ]) {
      const { status, stderr } = await netfslabHere(door);
      t.is(status, 3, stderr);
      t.true(stderr.includes(`recorded workload (${format}): netfslab replay ${file}`), stderr);
    }
  }
});

test('the samples of fsx are played, and what is left out is named with exit code 1', async (t) => {
  const play = (name: string) =>
    netfslabHere(['replay', join(SAMPLES, name), '--server', tempDir(t), ...VIRTUAL]);
  const dump = await play('logdump.txt');
  t.is(dump.status, 0, dump.stderr);
  t.regex(dump.stdout, /All 9 operations completed A-OK!/);
  t.regex(dump.stdout, /1 lines are marked as no operation/);
  t.regex(dump.stdout, /a read of 0x9cc0 bytes at 0x1c000/);
  const gaps = await play('logdump-xfstests.txt');
  t.regex(gaps.stdout, /no lines for operations 4, 8, 10-17, 19-46 of 46/);
  const kinds = await play('every-kind.fsxops');
  for (const { status, stdout } of [gaps, kinds]) {
    t.is(status, 1);
    t.notRegex(stdout, /A-OK/);
    t.regex(stdout, /not played: 1 dedupe_range \(first in line 8\)/);
    t.notRegex(stdout, /not played: \d+ (fallocate|zero_range|punch_hole|copy_range)/);
  }
  t.regex(kinds.stdout, /11 of 15 operations played without an error, 4 not played/);
});

test('fsx draws with its letters, and its list is played again', async (t) => {
  const list = join(tempDir(t), 'a.fsxops');
  const letters = ['-l', '60000', '-o', '12800', '-r', '4096', '-w', '4096', '-t', '4096', '-Z'];
  const args = ['fsx', ...letters, '-N', '80', '-S', '3', '-c', '10', '-R', '-W'];
  const common = ['--server', tempDir(t), ...VIRTUAL];
  const drawn = await netfslabHere([...args, '--record-ops', list, ...common]);
  t.is(drawn.status, 0, drawn.stderr);
  t.regex(drawn.stdout, /All 80 operations completed A-OK! \(seed 3\)/);
  const lines = readFileSync(list, 'utf8').trim().split('\n');
  t.is(lines.length, 80);
  t.false(lines.some((line) => /^map/.test(line)));
  for (const line of lines.filter((each) => /^(read|write) /.test(each))) {
    const [, offset, length] = line.split(' ').map(Number) as [number, number, number];
    t.is(offset % 4096, 0, line);
    t.is(length % 4096, 0, line);
  }
  const again = await netfslabHere(['replay', list, ...common]);
  t.regex(again.stdout, /All 80 operations completed A-OK!/);
});

test('job files of every sample run, with what they read and write', async (t) => {
  const env = { SIZE: '1m' };
  const run = async (name: string) => {
    const args = ['run', join(SAMPLES, name), '--server', tempDir(t), ...VIRTUAL];
    const { status, stdout, stderr } = await netfslabHere(
      [...args, '--output-format', 'json'],
      env,
    );
    t.is(status, 0, stderr);
    return JSON.parse(stdout) as {
      jobs: {
        jobname: string;
        read: { io_bytes: number; total_ios: number };
        write: { io_bytes: number };
      }[];
    };
  };
  const inline = await run('inline.fio');
  t.deepEqual(
    inline.jobs.map(({ jobname, read }) => [jobname, read.io_bytes]),
    [
      ['seq_read', 4 << 20],
      ['rand_read', 1 << 20],
    ],
  );
  const mixed = await run('mixed.fio');
  t.deepEqual(
    mixed.jobs.map(({ jobname }) => jobname),
    ['one_reader', 'two_writers', 'two_writers', 'mix'],
  );
  t.is(mixed.jobs[0]?.read.io_bytes, 1 << 20);
  t.is(mixed.jobs[1]?.write.io_bytes, 1 << 20);
  const skip = await run('skip.fio');
  t.is(skip.jobs[0]?.jobname, 'seq_skip');
  t.is(skip.jobs[0]!.read.io_bytes, skip.jobs[0]!.read.total_ios * (256 << 10));
});

test('an unknown option, and one that is not supported, is an error with its place', async (t) => {
  const dir = tempDir(t);
  const file = join(dir, 'bad.fio');
  const run = async (options: string) => {
    writeFileSync(file, `[a]\nrw=read\nsize=4k\n${options}\n`);
    return netfslabHere(['run', file, '--server', dir, ...VIRTUAL]);
  };
  for (const [options, message] of [
    ['  blocksiz=4k', /bad\.fio:4:3: expected an option of fio \(did you mean blocksize\?\)/],
    ['zonemode=strided', /bad\.fio:4:1: expected no option 'zonemode'/],
    ['rw=trim', /bad\.fio:4:1: expected for rw one of .*nothing to trim/],
    ['bs=4q', /bad\.fio:4:1: expected for bs a unit/],
    ['time_based', /bad\.fio:4:1: expected for time_based a runtime beside it/],
  ] as const) {
    const { status, stderr } = await run(options);
    t.is(status, 3, stderr);
    t.regex(stderr, message);
  }
});

test('a job that verifies finds what another has changed', async (t) => {
  const dir = tempDir(t);
  const file = join(dir, 'v.fio');
  const job = 'bs=4k\nsize=64k\nfilename=f\nverify=sha256';
  writeFileSync(
    file,
    `[w]\nrw=write\ndo_verify=0\n${job}\n[o]\nstonewall\nrw=write\nbs=4k\nsize=4k\nfilename=f\n[r]\nstonewall\nrw=read\n${job}\n`,
  );
  const { status, stderr } = await netfslabHere(['run', file, '--server', dir, ...VIRTUAL]);
  t.is(status, 4);
  t.regex(stderr, /f: at byte 0: job r: there is no header of a verified block/);
});

/** A command line for each rule in which its first flag has no effect. */
const USELESS: readonly (readonly [args: readonly string[], message: RegExp])[] = [
  [['run', '--granule', '8k'], /--granule: has no effect with no --cache/],
  [
    ['run', '--server-writes', 'refuse', '--server-overlay', '/x'],
    /--server-overlay: has no effect with --server-writes refuse/,
  ],
  [['run', '--msize', '64k'], /--msize: has no effect with --profile linux-5\.13-afs/],
  [
    ['run', '--profile', 'linux-6.1-9p', '--rsize', '64k'],
    /--rsize: has no effect with --profile linux-6\.1-9p/,
  ],
  [
    ['run', '--profile', 'linux-6.1-9p', '--callback-time', '1s'],
    /--callback-time: has no effect with/,
  ],
  [['run', '--no-trace', '--out', 'x.db'], /--out: has no effect with --no-trace/],
  [['run', 'JOB', '--bs', '4k'], /--bs: has no effect with a job file/],
  [['run', '--rwmixread', '70'], /--rwmixread: has no effect with --rw read/],
  [['run', '--fsync', '1'], /--fsync: has no effect with --rw read/],
  [['run', '--direct', '--fadvise', 'random'], /--fadvise: has no effect with --direct/],
  [['run', '--output-format', 'json'], /--output-format: has no effect with no job file/],
  [['replay', 'OPS', '--fd', '3=x'], /--fd: has no effect with a recording of format op list/],
  [
    ['replay', 'OPS', '--wait-unit', 'us'],
    /--wait-unit: has no effect with a recording of format op list/,
  ],
  [
    ['replay', 'IOLOG', '--host-changes'],
    /--host-changes: has no effect with a recording of format fio iolog/,
  ],
  [['replay', 'OPS', '--map', '/a=b'], /--map: has no effect with a recording of format op list/],
  [['replay', 'FSX', '--results'], /--results: has no effect with a recording of format fsx/],
  [
    ['replay', 'OPS', '--make-files'],
    /--make-files: has no effect with a recording of format op list/,
  ],
  [['replay', 'OPS', '--timing', 'recorded'], /--timing: has no effect with .* without times/],
  [['fsx', 'FSX', '-N', '5'], /--count: has no effect with a list of operations/],
  [['fsx', '-q', '-d'], /--debug: has no effect with --quiet/],
];

test('every rule of flags without effect has a command line that breaks it', async (t) => {
  const dir = tempDir(t);
  const files: Record<string, string> = {
    JOB: '[a]\nrw=read\nsize=4k\n',
    OPS: 'sync\n',
    IOLOG: 'fio version 2 iolog\nf add\n',
    FSX: 'read 0x0 0x1 0x0\n',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
  for (const [args, message] of USELESS) {
    const given = args.map((arg) => (arg in files ? join(dir, arg) : arg));
    const { status, stderr } = await netfslabHere([...given, '--server', dir]);
    t.is(status, 2, `${args.join(' ')}: ${stderr}`);
    t.regex(stderr, message);
  }
  const rules = [...ENGINE_RULES, ...WORKLOAD_RULES, ...REPLAY_RULES, ...FSX_RULES];
  for (const { flags } of rules) {
    const broken = USELESS.some(([, message]) =>
      flags.some((flag) => message.source.startsWith(`--${flag}:`)),
    );
    t.true(broken, flags.join(', '));
  }
});

test('a file of random content is read as it is', async (t) => {
  // Data beneath the server is not overwritten by what a recording would lay out.
  const server = serverDir(t, { 'data.bin': 200_000 });
  await netfslabHere(['replay', join(SAMPLES, 'v2.iolog'), '--server', server, ...VIRTUAL]);
  t.deepEqual(readFileSync(join(server, 'data.bin')), content('data.bin', 200_000));
});
