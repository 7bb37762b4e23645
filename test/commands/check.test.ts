/** `trace check` as it is run: its text, its JSON and how it ends. */
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { sampleCapture, temporaryFolder } from '../helpers/capture.js';
import { netfslabHere as netfslab } from '../helpers/cli.js';
import { samplePath } from '../helpers/import.js';
import { imported } from '../helpers/samples.js';
import { ROOT } from '../helpers/source.js';

/** Imports a trace; gives the path of the capture. */
async function captureOf(t: ExecutionContext, trace: string): Promise<string> {
  const capture = await imported(temporaryFolder(t), 'imported', trace);
  capture.close();
  return capture.path;
}

test.serial('a check ends with 1 when something is wrong and tells what', async (t) => {
  const out = await captureOf(t, samplePath('stuck-copy-to-cache.txt'));
  const text = await netfslab(['trace', 'check', out]);
  t.is(text.status, 1);
  t.regex(text.stdout, /^error never-collected: /m);
  t.regex(text.stdout, /^ {2}R=00000065 all slices have ended/m);
  t.regex(text.stdout, /cannot tell \(record netfs_folio\): early-unlock/);
  const json = await netfslab(['trace', 'check', out, '--json', '--rule', 'never-collected']);
  const report = JSON.parse(json.stdout);
  t.like(report, { version: 1, capture: out, era: 'E7', lost_events: 0 });
  t.deepEqual(report.rules, [
    { id: 'never-collected', severity: 'error', state: 'checked', reason: null, findings: 1 },
  ]);
  t.like(report.findings[0], { rule: 'never-collected', request: '00000065', slice: null });
});

test.serial('notes do not fail a check, and a rule that is not one is a usage error', async (t) => {
  const path = await sampleCapture(join(temporaryFolder(t), 'sample.db'));
  const open = await netfslab(['trace', 'check', path, '--rule', 'request-open', '--csv']);
  t.is(open.status, 0);
  t.regex(open.stdout, /^request-open,note,0000001a,,/m);
  const wrong = await netfslab(['trace', 'check', path, '--rule', 'reqest-open']);
  t.is(wrong.status, 2);
  t.regex(wrong.stderr, /did you mean request-open/);
});

test.serial(
  'a stuck request is listed with what it waits for and its line in the list',
  async (t) => {
    const mail = samplePath('stuck-copy-to-cache.txt');
    const out = await captureOf(t, mail);
    const { status, stdout } = await netfslab([
      'trace',
      'stuck',
      out,
      '--requests',
      mail,
      '--json',
    ]);
    t.is(status, 1);
    t.like(JSON.parse(stdout).rows[0], {
      R: '00000065',
      step: 'wake_queue',
      waits_for: 'its collector, which was woken and did not run',
      listed: '2 references, 0 operations',
    });
  },
);

test.serial('a summary is one screen and names the defeated readahead of 6.12', async (t) => {
  const out = await captureOf(t, join(ROOT, 'traces/linux-6.12/cold-sequential.txt.gz'));
  const { stdout } = await netfslab(['trace', 'summary', out]);
  t.true(stdout.split('\n').length <= 24);
  t.regex(stdout, /^1\. Readahead of f1m is defeated: readers waited for 127 of 127 windows/m);
  const sql = await netfslab(['trace', 'hits', out, '--explain-sql']);
  t.regex(sql.stdout, /^WITH "reads" AS/m);
});
