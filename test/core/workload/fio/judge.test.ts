/**
 * fio itself is the judge of job files: what it writes into its own `write_iolog` and what the same
 * job file does here are the same operations on each file. Random jobs agree in counts, sizes and
 * coverage; skewed ones in their distribution. Skipped by name where fio is not installed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { runJobFiles } from '../../../../src/core/app/run/fio_run.js';
import { tempDir } from '../../../helpers/lab.js';

const HAS_FIO = spawnSync('fio', ['--version']).status === 0;

/** One operation of a log. */
interface Logged {
  readonly kind: string;
  readonly offset: number;
  readonly length: number;
}

/** Operations of a log by file, in their order. */
type Log = ReadonlyMap<string, readonly Logged[]>;

function readLog(file: string): Log {
  const log = new Map<string, Logged[]>();
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [, path = '', kind = '', offset, length] = line.split(' ');
    if (!['read', 'write', 'sync', 'datasync'].includes(kind)) continue;
    const name = basename(path);
    const ops = log.get(name) ?? [];
    log.set(name, ops);
    // A sync has no place: fio leaves that of the operation before in it.
    const synced = kind.endsWith('sync');
    ops.push({ kind, offset: synced ? 0 : Number(offset), length: synced ? 0 : Number(length) });
  }
  return log;
}

// Runs the same job file with fio and here; `@LOG@` and `@DIR@` stand for places of each.
async function both(t: ExecutionContext, job: string): Promise<readonly [fio: Log, ours: Log]> {
  const dir = tempDir(t);
  const [theirs, ours] = [join(dir, 'fio'), join(dir, 'ours')];
  for (const each of [theirs, ours]) mkdirSync(each);
  const fill = (where: string) =>
    `[global]\nwrite_iolog=${join(where, 'io.log')}\nthread=1\nfallocate=none\n${job}`;
  writeFileSync(join(theirs, 'job.fio'), fill(theirs));
  writeFileSync(join(ours, 'job.fio'), fill(ours));
  const child = spawn('fio', ['job.fio'], { cwd: theirs, stdio: ['ignore', 'pipe', 'pipe'] });
  const [printed, [status]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  t.is(status, 0, printed);
  const served = join(ours, 'served');
  mkdirSync(served);
  const outcome = await runJobFiles({
    lab: { server: served, clock: 'virtual', pageCache: 8 << 20 },
    files: [join(ours, 'job.fio')],
    names: { maps: [], root: served },
    opLog: 'none',
    trace: undefined,
  });
  t.deepEqual(outcome.errors, []);
  return [readLog(join(theirs, 'io.log')), readLog(join(ours, 'io.log'))];
}

/** Jobs whose operations do not depend on chance. */
const FIXED: Readonly<Record<string, string>> = {
  'sequential reads': '[a]\nrw=read\nbs=16k\nsize=256k',
  'sequential writes': '[a]\nrw=write\nbs=16k\nsize=256k',
  'the default block': '[a]\nrw=read\nsize=40k',
  'a size that blocks do not divide': '[a]\nrw=read\nbs=16k\nsize=100k',
  'a block that is no power of two': '[a]\nrw=read\nbs=3000\nsize=50k',
  'strided reads': '[a]\nrw=read:16k\nbs=16k\nsize=256k',
  'strided writes': '[a]\nrw=write:4k\nbs=4k\nsize=64k',
  'reads that step back': '[a]\nrw=read:-32k\nbs=16k\nsize=256k\noffset=64k\nfilesize=512k',
  'reads that step back from the beginning': '[a]\nrw=read:-8k\nbs=4k\nsize=32k',
  'writes that step back from the beginning': '[a]\nrw=write:-8k\nbs=4k\nsize=32k',
  'steps back as long as a block': '[a]\nrw=read:-4k\nbs=4k\nsize=32k',
  'steps back that miss the beginning': '[a]\nrw=read:-16k\nbs=4k\nsize=32k',
  'steps back in a size that blocks do not divide': '[a]\nrw=read:-8k\nbs=4k\nsize=30k',
  'steps back in a part of a file': '[a]\nrw=read:-8k\nbs=4k\nsize=32k\nfilesize=128k',
  'steps back behind an offset': '[a]\nrw=read:-8k\nbs=4k\nsize=32k\nfilesize=64k\noffset=32k',
  'a variable that is not set': `[a]\nrw=read\nsize=16k\nfilename=$\{NETFSLAB_UNSET}x`,
  'reads by splice': '[a]\nrw=read\nioengine=splice\nbs=8k\nsize=64k',
  'options that are off':
    '[a]\nrw=read\nsize=64k\nzonemode=none\nflow=0\nverify_backlog=0\ntrim_percentage=0',
  'several files in turn': '[a]\nrw=read\nbs=16k\nnrfiles=3\nsize=192k',
  'files that share unevenly': '[a]\nrw=read\nbs=16k\nnrfiles=3\nsize=200k',
  'file after file': '[a]\nrw=read\nbs=16k\nnrfiles=3\nsize=192k\nfile_service_type=sequential',
  'two operations per file':
    '[a]\nrw=read\nbs=16k\nnrfiles=3\nsize=192k\nfile_service_type=roundrobin:2',
  'files of a size of their own': '[a]\nrw=read\nbs=8k\nnrfiles=2\nfilesize=64k',
  'a size below that of the files': '[a]\nrw=read\nbs=8k\nnrfiles=2\nfilesize=64k\nsize=64k',
  'an offset': '[a]\nrw=read\nbs=16k\noffset=64k\nsize=128k',
  'an offset in a larger file': '[a]\nrw=read\nbs=16k\nfilesize=512k\noffset=64k\nsize=128k',
  'an offset in percent': '[a]\nrw=read\nbs=16k\nfilesize=256k\noffset=25%\nsize=128k',
  'offsets that clones raise':
    '[a]\nrw=read\nbs=16k\nfilename=f\nfilesize=512k\nsize=128k\noffset_increment=128k\nnumjobs=3',
  'clones with files of their own': '[a]\nrw=read\nbs=16k\nsize=64k\nnumjobs=3',
  loops: '[a]\nrw=read\nbs=16k\nsize=64k\nloops=3',
  'less than a pass': '[a]\nrw=read\nbs=16k\nsize=256k\nio_size=64k',
  'more than a pass': '[a]\nrw=read\nbs=16k\nsize=64k\nio_size=160k',
  'more than a pass of writes': '[a]\nrw=write\nbs=16k\nsize=64k\nio_size=160k',
  'a number of operations': '[a]\nrw=read\nbs=16k\nsize=256k\nnumber_ios=5',
  'fsync after every second write': '[a]\nrw=write\nbs=16k\nsize=128k\nfsync=2',
  'fdatasync after every third write': '[a]\nrw=write\nbs=16k\nsize=128k\nfdatasync=3',
  'fsync at the end': '[a]\nrw=write\nbs=16k\nsize=64k\nend_fsync=1',
  'fsync when files are closed': '[a]\nrw=write\nbs=16k\nsize=64k\nnrfiles=2\nfsync_on_close=1',
  'verified writes': '[a]\nrw=write\nbs=16k\nsize=128k\nverify=crc32c',
  'writes verified by md5': '[a]\nrw=write\nbs=8k\nsize=64k\nverify=md5',
  'writes verified by sha256': '[a]\nrw=write\nbs=8k\nsize=64k\nverify=sha256',
  'writes of a pattern':
    '[a]\nrw=write\nbs=8k\nsize=64k\nverify=pattern\nverify_pattern=0xdeadbeef',
  'verified writes in several files': '[a]\nrw=write\nbs=8k\nsize=64k\nnrfiles=2\nverify=crc32c',
  'writes without the verify phase': '[a]\nrw=write\nbs=8k\nsize=64k\nverify=md5\ndo_verify=0',
  'jobs of different kinds': '[r]\nrw=read\nbs=8k\nsize=64k\n[w]\nrw=write\nbs=16k\nsize=64k',
  'a stonewall':
    '[w]\nrw=write\nbs=8k\nsize=64k\nfilename=f\n[r]\nstonewall\nrw=read\nbs=16k\nsize=64k\nfilename=f',
  'names that are given': '[a]\nrw=read\nbs=8k\nfilename=x:y\nsize=64k',
  'names from a format':
    '[a]\nrw=read\nbs=8k\nfilename_format=$jobname-$jobnum-$filenum.dat\nnrfiles=2\nsize=64k',
  'a name for the job': '[a]\nname=other\nrw=read\nbs=8k\nsize=32k',
  'globals that add up': 'bs=8k\n[a]\nrw=read\nsize=32k\n[global]\nbs=16k\n[b]\nrw=read\nsize=32k',
  'comments and blanks': '; one\n[a] # two\nrw=read ; three\n  bs=8k   # four\n\nsize=32k',
  units: '[a]\nrw=read\nbs=4ki\nsize=40KiB\nkb_base=1024',
  'arithmetic with a keyword': '[a]\nrw=read\nbs=2*$pagesize\nsize=64k',
  'synchronous writes': '[a]\nrw=write\nbs=8k\nsize=64k\nsync=1',
  'block sizes by direction':
    '[r]\nrw=read\nbs=8k,32k\nsize=64k\n[w]\nrw=write\nbs=8k,32k\nsize=64k',
  'all of a job by mmap':
    '[a]\nrw=write\nioengine=mmap\nbs=8k\nsize=64k\n[b]\nstonewall\nrw=read\nioengine=mmap\nbs=4k\nsize=64k',
  'a rate': '[a]\nrw=read\nbs=8k\nsize=64k\nrate=10m\nthinktime=10',
  'asynchronous, one at once': '[a]\nrw=read\nioengine=libaio\nbs=8k\nsize=64k',
  'a replayed log':
    '[w]\nrw=write\nbs=8k\nsize=64k\nfilename=f\n[r]\nstonewall\nrw=randread:4\nbs=4k\nnorandommap\nfilename=f\nsize=4k\nnumber_ios=1',
};

/** Jobs that draw: a job and whether every block comes once per pass. */
const DRAWN: Readonly<Record<string, readonly [job: string, once: boolean]>> = {
  'random reads': ['[a]\nrw=randread\nbs=4k\nsize=512k', true],
  'random writes': ['[a]\nrw=randwrite\nbs=8k\nsize=512k', true],
  'random reads of several files': ['[a]\nrw=randread\nbs=4k\nnrfiles=4\nsize=512k', true],
  'random reads without a map': ['[a]\nrw=randread\nbs=4k\nsize=512k\nnorandommap', false],
  'a random size that blocks do not divide': ['[a]\nrw=randread\nbs=16k\nsize=100k', true],
  'random reads behind an offset': ['[a]\nrw=randread\nbs=4k\noffset=64k\nsize=256k', true],
  'random loops': ['[a]\nrw=randread\nbs=8k\nsize=128k\nloops=2', true],
  'random reads of more than a pass': ['[a]\nrw=randread\nbs=8k\nsize=64k\nio_size=192k', true],
  'random writes, verified': ['[a]\nrw=randwrite\nbs=8k\nsize=256k\nverify=crc32c', true],
  'random reads, aligned wider': ['[a]\nrw=randread\nbs=4k\nba=16k\nsize=512k', false],
};

const total = (log: Log): number =>
  [...log.values()].flat().reduce((sum, { length }) => sum + length, 0);

const sorted = (log: Log) => [...log].sort(([a], [b]) => (a < b ? -1 : 1));

// Clones that share a file are under way at once: their order is chance.
const shuffled = (log: Log) =>
  sorted(log).map(([name, ops]) => [name, ops.map((op) => JSON.stringify(op)).sort()]);

if (!HAS_FIO)
  test.skip('fio is not installed: its judgement of job files is not asked for', () => {});
else {
  for (const [title, job] of Object.entries(FIXED)) {
    test(`as fio does it: ${title}`, async (t) => {
      const [fio, ours] = await both(t, job);
      const order = /numjobs/.test(job) && /filename=/.test(job) ? shuffled : sorted;
      t.deepEqual(order(ours), order(fio));
      t.true(total(fio) > 0);
    });
  }

  for (const [title, [job, each]] of Object.entries(DRAWN)) {
    test(`as fio draws it: ${title}`, async (t) => {
      const [fio, ours] = await both(t, job);
      t.deepEqual([...ours.keys()].sort(), [...fio.keys()].sort());
      t.is(total(ours), total(fio));
      for (const [name, theirs] of fio) {
        const own = ours.get(name) as readonly Logged[];
        t.is(own.length, theirs.length, name);
        const bytes = (ops: readonly Logged[]) =>
          ops.map(({ kind, length }) => `${kind} ${length}`).sort();
        t.deepEqual(bytes(own), bytes(theirs));
        const places = (ops: readonly Logged[]) =>
          ops.map(({ offset }) => offset).sort((a, b) => a - b);
        if (each) t.deepEqual(places(own), places(theirs));
        else t.true(own.every(({ offset }) => offset % 4096 === 0));
      }
    });
  }

  for (const [title, job, tolerance] of [
    ['zipf', 'random_distribution=zipf:1.2', 0],
    ['zipf below 1', 'random_distribution=zipf:0.8', 0],
    ['pareto', 'random_distribution=pareto:0.3', 0],
    ['normal', 'random_distribution=normal:10', 0],
    ['zoned', 'random_distribution=zoned:60/10:30/20:10/70\nnorandommap', 0],
  ] as const) {
    test(`fio's ${title} distribution and ours pass a Kolmogorov-Smirnov test`, async (t) => {
      const count = 4000;
      const [fio, ours] = await both(
        t,
        `[a]\nrw=randread\nbs=4k\nsize=1m\nio_size=${count * 4}k\n${job}`,
      );
      const theirs = [...fio.values()].flat();
      const own = [...ours.values()].flat();
      t.is(own.length, theirs.length);
      const of = title === 'zoned' ? positions : ranks;
      const distance = kolmogorovSmirnov(of(own), of(theirs));
      // Critical value for two samples at 0.1 %.
      t.true(distance < 1.95 * Math.sqrt(2 / own.length) + tolerance, `distance ${distance}`);
    });
  }

  test('a mix of reads and writes has the share that is asked for, in order of each kind', async (t) => {
    const [fio, ours] = await both(t, '[a]\nrw=rw\nrwmixread=70\nbs=4k\nsize=4m');
    for (const log of [fio, ours]) {
      const ops = [...log.values()].flat();
      const reads = ops.filter(({ kind }) => kind === 'read');
      t.is(ops.length, 1024);
      t.true(Math.abs(reads.length / ops.length - 0.7) < 0.06, `${reads.length} reads`);
      t.deepEqual(
        reads.map(({ offset }) => offset),
        reads.map((_, i) => i * 4096),
      );
    }
  });

  test('sizes of a split have their shares, and cover the file once', async (t) => {
    const [fio, ours] = await both(t, '[a]\nrw=write\nbssplit=4k/60:64k/40\nsize=16m');
    for (const log of [fio, ours]) {
      const ops = [...log.values()].flat();
      const small = ops.filter(({ length }) => length === 4096).length;
      t.true(Math.abs(small / ops.length - 0.6) < 0.08, `${small} of ${ops.length}`);
      let next = 0;
      for (const { offset, length } of ops) {
        t.is(offset, next);
        next += length;
      }
    }
  });

  test('random operations of several sizes cover each block once', async (t) => {
    for (const job of ['bsrange=4k-16k', 'bssplit=4k/50:16k/50']) {
      const [fio, ours] = await both(t, `[a]\nrw=randwrite\n${job}\nsize=1m`);
      for (const log of [fio, ours]) {
        const ops = [...log.values()].flat();
        const blocks = ops.flatMap(({ offset, length }) =>
          Array.from({ length: length / 4096 }, (_, i) => offset / 4096 + i),
        );
        t.deepEqual(
          blocks.sort((a, b) => a - b),
          Array.from({ length: 256 }, (_, i) => i),
        );
      }
    }
  });
}

// How often each block was taken, as a sample: the rank of the block of each operation.
function ranks(ops: readonly Logged[]): number[] {
  const counts = new Map<number, number>();
  for (const { offset } of ops) counts.set(offset, (counts.get(offset) ?? 0) + 1);
  const order = [...counts].sort((a, b) => b[1] - a[1]);
  return order.flatMap(([, count], rank) => Array.from({ length: count }, () => rank));
}

function positions(ops: readonly Logged[]): number[] {
  return ops.map(({ offset }) => offset);
}

function kolmogorovSmirnov(a: readonly number[], b: readonly number[]): number {
  const values = [...new Set([...a, ...b])].sort((x, y) => x - y);
  const [left, right] = [[...a].sort((x, y) => x - y), [...b].sort((x, y) => x - y)];
  let [i, j, distance] = [0, 0, 0];
  for (const value of values) {
    while (i < left.length && (left[i] as number) <= value) i++;
    while (j < right.length && (right[j] as number) <= value) j++;
    distance = Math.max(distance, Math.abs(i / left.length - j / right.length));
  }
  return distance;
}
