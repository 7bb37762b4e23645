/** Job files that cannot be run say which option it is, and why. */
import test from 'ava';
import { planJobs } from '../../../../src/core/workload/fio/job.js';
import { parseJobFile } from '../../../../src/core/workload/fio/parse.js';

const plan = (text: string, env: Record<string, string> = {}) =>
  planJobs(
    parseJobFile(text, 'a.fio', {
      env,
      keywords: {},
      include: () => {
        throw new Error('none');
      },
    }),
  );

test('a variable that the environment does not have is named, with its place', (t) => {
  const text = '[a]\nrw=read\nsize=$' + '{SIZE}\n';
  const error = t.throws(() => plan(text));
  t.regex(error?.message ?? '', /a\.fio:3:1: .*for size .*the environment has no SIZE/);
  t.is(plan(text, { SIZE: '64k' }).jobs.length, 1);
});

test('a job waits for one that stands before it, as in fio', (t) => {
  const job = (name: string, waitee?: string) =>
    `[${name}]\nrw=read\nsize=4k\n${waitee === undefined ? '' : `wait_for=${waitee}\n`}`;
  t.is(plan(job('a') + job('b', 'a')).jobs[1]?.waitFor, 'a');
  const early = /for wait_for the name of an earlier job/;
  t.throws(() => plan(job('a', 'b') + job('b', 'a')), { message: early });
  t.throws(() => plan(job('a', 'a')), { message: early });
  t.throws(() => plan(job('a') + job('b', 'c')), { message: early });
});

test('a variable that the environment does not have is empty in a name, and noted', (t) => {
  const { jobs, unset } = plan('[a]\nrw=read\nsize=4k\nfilename=$' + '{DIR}x\n');
  t.deepEqual(jobs[0]?.fileNames, ['x']);
  t.deepEqual(unset, [{ variable: 'DIR', option: 'filename', file: 'a.fio', line: 4 }]);
  const alone = t.throws(() => plan('[a]\nrw=read\nsize=4k\nfilename=$' + '{DIR}\n'));
  t.regex(alone?.message ?? '', /a\.fio:4:1: .*the environment has no DIR/);
});

// As in fio's own examples: what an engine that reads no files is told is not what is wrong.
for (const [engine, option] of [
  ['e4defrag', 'donorname=file.def'],
  ['net', 'port=8888'],
  ['cpuio', 'cpuload=50'],
  ['rbd', 'rbdname=x'],
  ['http', 'http_verbose=0'],
  ['nfs', 'nfs_url=nfs://127.0.0.1/nfs'],
  ['null', 'bs=4k'],
] as const) {
  test(`a job for the engine ${engine} is refused for its engine`, (t) => {
    const error = t.throws(() => plan(`[a]\n${option}\nioengine=${engine}\nsize=4k\n`));
    t.regex(
      error?.message ?? '',
      /a\.fio:3:1: .*for ioengine an engine that reads and writes files/,
    );
  });
}

test('an option that is not supported does not hurt where it is off', (t) => {
  for (const off of ['zonemode=none', 'flow=0', 'verify_backlog=0', 'rate_process=linear'])
    t.is(plan(`[a]\nsize=4k\n${off}\n`).jobs.length, 1, off);
  for (const on of ['zonemode=strided', 'flow=8', 'verify_backlog=1', 'rate_process=poisson'])
    t.throws(() => plan(`[a]\nsize=4k\n${on}\n`), { message: /a\.fio:3:1: .*no option/ }, on);
});
