/** One job: what it counts, when it stops, and what becomes of its errors. */
import fs from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import type { Lab } from '../../../src/core/lab/lab.js';
import { Prng } from '../../../src/core/sim/prng.js';
import type { Strand } from '../../../src/core/sim/scheduler.js';
import { type EndedOp, Job, type JobSpec } from '../../../src/core/workload/job.js';
import { read } from '../../../src/core/workload/read.js';
import { misbehave } from '../../helpers/bad_server.js';
import { content, makeLab, type TestLab } from '../../helpers/lab.js';

interface Ran {
  readonly made: TestLab;
  readonly job: Job;
  readonly strand: Strand;
  /** The operations that ended, without their data. */
  readonly ended: Omit<EndedOp, 'data'>[];
}

type Options = Partial<Omit<JobSpec, 'params'>> & { bs?: number; size?: number };

function startJob(
  t: ExecutionContext,
  sizes: Record<string, number>,
  { bs = 4096, size, ...spec }: Options = {},
  lab: Parameters<typeof makeLab>[2] = {},
): Ran {
  const made = makeLab(t, sizes, lab);
  const ended: Omit<EndedOp, 'data'>[] = [];
  const files = Object.entries(sizes).map(([name, length]) => ({ name, size: length }));
  const job = new Job(
    {
      workload: read,
      params: { files, bs, offset: 0, size, rwMixRead: 50, prng: new Prng(1) },
      loops: 1,
      deadline: undefined,
      timeBased: false,
      advice: undefined,
      direct: false,
      fsync: 0,
      nextId: () => made.lab.nextOp(),
      ended: ({ data, ...op }) => {
        const end = op.offset + Math.max(0, op.result);
        const expected = content(op.file.name, op.file.size).subarray(op.offset, end);
        t.true(expected.equals(data.subarray(0, expected.length)), `operation ${op.id}`);
        ended.push(op);
        return true;
      },
      ...spec,
    },
    made.lab.scheduler,
    made.lab.vfs,
  );
  const strand = made.lab.spawn('job', () => job.run());
  return { made, job, strand, ended };
}

async function finish(lab: Lab, strand: Strand): Promise<void> {
  await lab.scheduler.run(() => strand.done);
  const { error } = await lab.close();
  if (error !== null) throw error;
}

async function runJob(...args: Parameters<typeof startJob>): Promise<Ran> {
  const ran = startJob(...args);
  await finish(ran.made.lab, ran.strand);
  return ran;
}

test('operations, hits, bytes and latencies are counted, and only misses take server time', async (t) => {
  const latencyNs = 1_000_000;
  const { job, ended } = await runJob(t, { a: 10_000, b: 100 }, {}, { latencyNs });
  const { ops, hits, bytes, latency, error } = job.result;
  t.deepEqual({ ops, hits, bytes, error }, { ops: 4, hits: 2, bytes: 10_100, error: undefined });
  t.is(latency.count, 4);
  t.deepEqual(
    ended.map(({ id, file, offset, result, hit }) => [id, file.name, offset, result, hit]),
    [
      [1, 'a', 0, 4096, false],
      [2, 'a', 4096, 4096, true],
      [3, 'a', 8192, 1808, true],
      [4, 'b', 0, 100, false],
    ],
  );
  for (const { hit, start, end } of ended) t.is(end - start >= latencyNs, !hit);
});

test('passes are repeated, and the second finds the page cache warm', async (t) => {
  const { job } = await runJob(t, { a: 8192 }, { loops: 3 });
  t.like(job.result, { ops: 6, hits: 5, bytes: 3 * 8192 });
});

test('a deadline ends the job though passes are left', async (t) => {
  const deadline = 100_000;
  const { job, ended } = await runJob(t, { a: 1 << 20 }, { loops: 1000, deadline });
  t.true(ended.every(({ start }) => start < deadline));
  t.true((ended.at(-1)?.end ?? 0) >= deadline);
  t.true(job.result.ops < 1000 * 256);
});

test('a time-based job goes on until its deadline, however few passes were asked for', async (t) => {
  const { job, ended } = await runJob(t, { a: 4096 }, { timeBased: true, deadline: 1_000_000 });
  t.true(job.result.ops > 100);
  t.true((ended.at(-1)?.end ?? 0) >= 1_000_000);
});

test('a time-based job that has nothing to read ends at once', async (t) => {
  const { job } = await runJob(t, { a: 0 }, { timeBased: true, deadline: Number.MAX_SAFE_INTEGER });
  t.is(job.result.ops, 0);
});

test('an error of a read ends the job, is in its result, and the operation counts', async (t) => {
  const wrapServer = misbehave(({ position }) => (position > 0 ? { error: -5 } : undefined));
  const options = { wrapServer, readAheadKb: 0 };
  const { job, ended } = await runJob(t, { a: 12_288 }, {}, options);
  t.like(job.result.error, { code: 'EIO', syscall: 'read', path: 'a' });
  t.is(ended.at(-1)?.result, -5);
  t.like(job.result, { ops: 2, bytes: 4096 });
});

test('a file that is gone when its turn comes ends the job with ENOENT', async (t) => {
  const { made, job, strand } = startJob(t, { a: 4096, b: 4096 });
  fs.unlinkSync(`${made.dir}/b`);
  await finish(made.lab, strand);
  t.like(job.result.error, { code: 'ENOENT', syscall: 'open', path: 'b' });
  t.like(job.result, { ops: 1, bytes: 4096 });
});

test('what the listener throws ends the job', async (t) => {
  const boom = new Error('enough');
  const ended = ({ id }: EndedOp): boolean => {
    if (id === 2) throw boom;
    return false;
  };
  const { job } = await runJob(t, { a: 1 << 16 }, { ended });
  t.is(job.result.error, boom);
  t.is(job.result.ops, 2);
});

test('a signal that comes during a read ends the job with EINTR, and pages still arrive', async (t) => {
  const ran = startJob(t, { a: 1 << 16 }, {}, { latencyNs: 1_000_000, completion: 'async' });
  const { lab } = ran.made;
  lab.scheduler.after(500_000, () => lab.scheduler.kill(ran.strand));
  await finish(lab, ran.strand);
  t.like(ran.job.result.error, { code: 'EINTR' });
  t.is(lab.stats.netfs_n_rh_rreq, 0);
});

test('a signal that comes between two reads ends the job without an error', async (t) => {
  const ended = ({ id }: EndedOp): boolean => {
    if (id === 3) ran.strand.context.killed = true;
    return false;
  };
  const ran = startJob(t, { a: 1 << 16 }, { ended });
  await finish(ran.made.lab, ran.strand);
  t.like(ran.job.result, { ops: 3, error: undefined });
});

test('more files than may be open at once are each read once, and every one is closed', async (t) => {
  const sizes = Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`f${i}`, 100]));
  const open = (): number => fs.readdirSync('/proc/self/fd').length;
  const ran = startJob(t, sizes, { loops: 2 });
  const before = open();
  let most = 0;
  const { lab } = ran.made;
  await lab.scheduler.run(() => {
    most = Math.max(most, open() - before);
    return ran.strand.done;
  });
  t.is(ran.job.result.bytes, 2 * 70 * 100);
  t.true(most <= 66, `${most} descriptors`);
  await lab.close();
});

test('advice is given to each file when it is opened', async (t) => {
  const { job, made } = await runJob(t, { a: 1 << 16 }, { advice: 'random' });
  t.is(made.lab.stats.netfs_n_rh_readahead, 16);
  t.is(job.result.hits, 0);
});
