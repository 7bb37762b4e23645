/** The classic misconfigurations: captures that show each, and captures that show none. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import { RUN_DEFAULTS, type RunRequest, runWorkload } from '../../../src/core/app/run/run.js';
import { misconfigurations } from '../../../src/core/app/trace/misconfigured.js';
import { openCapture } from '../../../src/core/store/database.js';
import { temporaryFolder } from '../../helpers/capture.js';
import { SAMPLES, type SampleName, Samples } from '../../helpers/samples.js';

const samples = new Samples();
test.after.always(() => samples.close());

const said = (path: string): string[] => {
  const capture = openCapture(path);
  try {
    return misconfigurations(capture).map(({ says }) => says);
  } finally {
    capture.close();
  }
};

/** What is said of a run over files of 4 MiB together. */
async function ofRun(
  t: ExecutionContext,
  { lab, ...given }: Partial<Omit<RunRequest, 'lab'>> & { lab?: Partial<RunRequest['lab']> },
  files = 1,
): Promise<string[]> {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'srv'));
  for (let i = 0; i < files; i++) {
    writeFileSync(join(folder, `srv/f${i}`), Buffer.alloc((4 << 20) / files, 'netfslab'));
  }
  const out = join(folder, 'a.db');
  await runWorkload({
    ...RUN_DEFAULTS,
    ...given,
    lab: { server: join(folder, 'srv'), cacheDir: join(folder, 'cache'), ...lab },
    trace: { out, commandLine: 'test', toolVersion: 'test' },
  });
  return said(out);
}

/** What is said of a sample whose rows are changed. */
async function ofChanged(t: ExecutionContext, name: SampleName, sql: string): Promise<string[]> {
  const { capture } = await samples.get(name);
  const path = join(temporaryFolder(t), 'a.db');
  copyFileSync(capture.path, path);
  const db = new Database(path);
  db.exec(sql);
  db.close();
  return said(path);
}

const SLOW = { latencyNs: 5e6, bandwidth: 1e9 };

test('a window that is small beside bandwidth times latency', async (t) => {
  const [first, ...more] = await ofRun(t, { lab: SLOW });
  t.regex(first ?? '', /^One readahead window of 128 KiB is in flight at a time, and 9\d %/);
  t.deepEqual(more, []);
  t.deepEqual(await ofRun(t, { lab: { ...SLOW, readAheadKb: 8192 } }), []);
  t.deepEqual(await ofRun(t, { lab: { latencyNs: 1e5, bandwidth: 1e8 } }), []);
});

test('requests that are large beside the reads at random places', async (t) => {
  const few = { rw: 'randread', bs: 4096, size: 4096 };
  const found = await ofRun(t, few, 32);
  t.regex(found.join(), /^The server sent [\d.]+ times what was read: reads of 4 KiB at random/);
  t.deepEqual(await ofRun(t, { ...few, lab: { readAheadKb: 0 } }, 32), []);
});

test('direct reads beside a cache', async (t) => {
  const direct = 'UPDATE "request" SET "direct" = 1 WHERE "request_uid" % 4 > 0';
  t.regex((await ofChanged(t, '9p-6.12-cold', direct)).join(), /KiB of 1 MiB .* with O_DIRECT/);
});

test('a file that is read without its cookie', async (t) => {
  const none = 'UPDATE "request" SET "cookie" = 0 WHERE "request_uid" % 2 = 0';
  t.regex((await ofChanged(t, '9p-6.12-cold', none)).join(), /KiB of f1m were read without its/);
});

test('a page cache that is smaller than what is used again', async (t) => {
  const found = await ofRun(t, { loops: 4, bs: 65_536, lab: { pageCache: 2 << 20 } });
  t.regex(found.join(), /^The page cache of 2 MiB is smaller than what is used again and again: /);
  t.deepEqual(await ofRun(t, { loops: 4, bs: 65_536, lab: { pageCache: 8 << 20 } }), []);
  t.deepEqual(await ofRun(t, { loops: 1, bs: 65_536, lab: { pageCache: 2 << 20 } }), []);
});

test('no sample of a real kernel shows one of them', async (t) => {
  for (const name of Object.keys(SAMPLES) as SampleName[]) {
    const { capture } = await samples.get(name);
    t.deepEqual(said(capture.path), [], name);
  }
});
