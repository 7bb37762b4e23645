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
