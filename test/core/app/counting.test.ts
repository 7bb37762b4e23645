/** What the analyses count of runs: hits, sources, repeats, and why a cache holds nothing. */
import { randomBytes } from 'node:crypto';
import { rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { ANALYSES, type AnalysisName } from '../../../src/core/analysis/index.js';
import type { Row } from '../../../src/core/analysis/types.js';
import { RUN_DEFAULTS, type RunRequest, runWorkload } from '../../../src/core/app/run/run.js';
import { type Params, rowsOf } from '../../../src/core/app/trace/query.js';
import { summarise, summaryScreen } from '../../../src/core/app/trace/summary.js';
import type { LabOptions } from '../../../src/core/lab/options.js';
import { PROFILES } from '../../../src/core/profile/index.js';
import { openCapture } from '../../../src/core/store/database.js';
import { type CacheRig, cacheRig } from '../../helpers/cache.js';
import { netfslabHere } from '../../helpers/cli.js';

let runs = 0;

async function captured(
  { server, dir }: CacheRig,
  given: Partial<RunRequest>,
  options: Partial<LabOptions> = {},
): Promise<string> {
  const out = path.join(dir, `../capture-${runs++}.db`);
  const trace = { out, commandLine: '', toolVersion: '0' };
  await runWorkload({ ...RUN_DEFAULTS, ...given, trace, lab: { server, ...options } });
  return out;
}

function ask(capture: string, name: AnalysisName, params: Params = {}): Row[] {
  const opened = openCapture(capture);
  try {
    return [...rowsOf(opened, ANALYSES[name], params)];
  } finally {
    opened.close();
  }
}

for (const { name: profile } of PROFILES) {
  test(`${profile}: a cold read without a cache hits nothing, whatever was read ahead`, async (t) => {
    const rig = cacheRig(t, { f: 0x100000 });
    const out = await captured(rig, { bs: 4096 }, { profile });
    const [bytes] = ask(out, 'hits');
    t.like(bytes, { of: 'bytes read', total: 0x100000, server: 0x100000, memory: 0, hit_rate: 0 });
  });

  test(`${profile}: a second pass hits what the first one used`, async (t) => {
    const rig = cacheRig(t, { f: 0x20000 });
    const out = await captured(rig, { bs: 4096, loops: 2 }, { profile });
    const [bytes] = ask(out, 'hits');
    t.like(bytes, { total: 0x40000, server: 0x20000, memory: 0x20000, hit_rate: 0.5 });
  });

  test(`${profile}: a version that was discarded is the reason for reading from the server`, async (t) => {
    const rig = cacheRig(t, { f: 0x400000 });
    const lab = { profile, cacheDir: rig.dir };
    rmSync(await captured(rig, { bs: 0x10000 }, lab));
    utimesSync(path.join(rig.server, 'f'), 1, 1);
    const out = await captured(rig, { bs: 0x10000 }, lab);
    const rows = ask(out, 'why', { file: 'f' });
    t.true(rows.length > 0);
    for (const { source, why } of rows) {
      t.is(source, 'server');
      t.regex(String(why), /the cached version differed from the server's/);
    }
    const told = [...summaryScreen(summarise(out))].join('\n');
    t.regex(told, /4 MiB came from the server: the cached version differed/);
    const changes = ask(out, 'cookies').map(({ means }) => String(means));
    t.true(changes.some((means) => /discarded|differed/.test(means)));
  });

  test(`${profile}: a new object is not told as a discarded one`, async (t) => {
    const rig = cacheRig(t, { f: 0x20000 });
    const rows = ask(await captured(rig, {}, { profile, cacheDir: rig.dir }), 'why', { file: 'f' });
    for (const { why } of rows) t.notRegex(String(why), /differed|discarded/);
  });
}

test('what a full cache refused is the reason for downloading it again, however long ago', async (t) => {
  const rig = cacheRig(t, {});
  writeFileSync(path.join(rig.server, 'f'), randomBytes(16 << 20));
  const lab = { cacheDir: rig.dir, pageCache: 1 << 20, cacheSize: 1 << 20 };
  const rows = ask(await captured(rig, { loops: 2 }, lab), 'dup');
  const refused = rows.filter(({ cause }) => /refused it before/.test(String(cause)));
  const bytes = (of: readonly Row[]) => of.reduce((sum, row) => sum + Number(row.bytes), 0);
  t.true(bytes(refused) > 14 << 20);
  t.false(rows.some(({ cause }) => cause === 'not known'));
});

test('a capture of misses only does not make a hit rate of them', async (t) => {
  const rig = cacheRig(t, { f: 0x20000 });
  const rows = ask(await captured(rig, { bs: 4096, opLog: 'miss' }), 'hits');
  t.false(rows.some(({ of }) => of === 'bytes read'));
});

test('zeros behind the end of a file were not read ahead in vain', async (t) => {
  for (const { name: profile } of PROFILES) {
    const rig = cacheRig(t, { f: 5000 });
    const [row] = ask(await captured(rig, { bs: 5000 }, { profile }), 'readahead');
    t.like(row, { file: 'f', unused: 0 }, profile);
  }
});

for (const [played, command, lines] of [
  ['an op list', 'replay', ['open 0 rdonly+direct f', 'read 0 0 8192', 'read 0 0 8192']],
  [
    'a job file',
    'run',
    ['[j]', 'rw=read', 'direct=1', 'bs=8k', 'loops=2', 'filename=f', 'size=8k'],
  ],
] as const) {
  test(`direct reads of ${played} are no page-cache hits`, async (t) => {
    const { server, dir } = cacheRig(t, { f: 8192 });
    const input = path.join(dir, '../input.fio');
    const out = path.join(dir, '../direct.db');
    writeFileSync(input, `${lines.join('\n')}\n`);
    const lab = ['--server', server, '--clock', 'virtual', '--profile', 'linux-6.1-9p'];
    const { status, stderr } = await netfslabHere([command, input, ...lab, '--out', out]);
    t.is(status, 0, stderr);
    const rows = ask(out, 'hits');
    t.like(
      rows.find(({ of }) => of === 'direct reads'),
      { total: 16_384, server: 16_384 },
    );
    t.is(
      rows.find(({ of }) => of === 'bytes read'),
      undefined,
    );
    t.deepEqual(ask(out, 'pageCache'), []);
  });
}

for (const { name: profile } of PROFILES) {
  test(`${profile}: the rest of a page that a truncate ended is zeros, not the server's`, async (t) => {
    const { server, dir } = cacheRig(t, { f: 8192 });
    const input = path.join(dir, '../cut.ops');
    const out = path.join(dir, '../cut.db');
    const ops = ['read 0 0 4096', 'truncate 0 5000', 'truncate 0 8000', 'read 0 4096 4096'];
    writeFileSync(input, ['open 0 rdwr f', ...ops, 'close 0', ''].join('\n'));
    const lab = ['--server', server, '--clock', 'virtual', '--profile', profile];
    const { status, stderr } = await netfslabHere(['replay', input, ...lab, '--out', out]);
    t.is(status, 0, stderr);
    const [bytes] = ask(out, 'hits');
    t.like(bytes, { total: 8000, server: 5000, zero: 3000, memory: 0 });
    const told = ask(out, 'pageCache', { op: 5 }).filter(({ source }) => source === 'zero');
    t.like(told[0], { bytes: 3000, why: 'zeros since op 3 ended the file here' });
  });
}
