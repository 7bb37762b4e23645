/** Questions over many captures: folders with an index, data sets, and both together. */
import { copyFileSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Row } from '../../../../src/core/analysis/types.js';
import { Export } from '../../../../src/core/app/export/export.js';
import { answersOf } from '../../../../src/core/app/fleet/answers.js';
import { askFleet } from '../../../../src/core/app/fleet/fleet.js';
import {
  FLEET_QUESTIONS,
  type FleetQuestionName,
} from '../../../../src/core/app/fleet/questions.js';
import { runAnalysis } from '../../../../src/core/app/trace/query.js';
import { temporaryFolder } from '../../../helpers/capture.js';
import { type SampleName, Samples } from '../../../helpers/samples.js';

const samples = new Samples();
test.after.always(() => samples.close());

const HOSTS: Record<string, readonly SampleName[]> = {
  alpha: ['9p-6.1-full', 'afs-6.1'],
  beta: ['9p-6.12-cold', 'afs-7.3-bad-cache', '9p-7.3-killed'],
};

/** A folder HOST/SAMPLE.db, and an index of its own. */
async function fleet(t: ExecutionContext): Promise<string> {
  process.env.XDG_CACHE_HOME = temporaryFolder(t);
  const folder = temporaryFolder(t);
  for (const [host, names] of Object.entries(HOSTS)) {
    mkdirSync(join(folder, host));
    for (const name of names) {
      const { capture } = await samples.get(name);
      copyFileSync(capture.path, join(folder, host, `${name}.db`));
    }
  }
  return folder;
}

const ask = (question: FleetQuestionName, ...folders: string[]) => askFleet({ question, folders });
const rowsOf = async (question: FleetQuestionName, ...folders: string[]) => {
  return [...(await ask(question, ...folders)).rows];
};

// XDG_CACHE_HOME is the process's.
test.serial('each question has the figures of the captures', async (t) => {
  const folder = await fleet(t);
  const captures = await ask('captures', folder);
  t.like(captures, { captures: 5, indexed: 5, refused: [] });
  t.deepEqual(
    [...captures.rows].map(({ host, capture }) => `${host}/${capture}`),
    Object.entries(HOSTS).flatMap(([host, names]) => [...names].sort().map((n) => `${host}/${n}`)),
  );
  const all = (question: 'sources' | 'readahead' | 'latency' | 'hits', names: readonly string[]) =>
    names.flatMap((name) => {
      try {
        const host = Object.entries(HOSTS).find(([, each]) => each.includes(name as SampleName));
        return [...runAnalysis(question, join(folder, host?.[0] ?? '', `${name}.db`)).rows];
      } catch {
        return [];
      }
    });
  const sum = (rows: Row[], name: string) =>
    rows.reduce((total, row) => total + Number(row[name] ?? 0), 0);
  for (const row of await rowsOf('readahead', folder)) {
    const mine = all('readahead', HOSTS[String(row.host)] ?? []);
    t.is(row.windows, sum(mine, 'windows'));
    t.is(row.missed, sum(mine, 'missed'));
    t.is(row.unused, sum(mine, 'unused'));
  }
  for (const row of await rowsOf('hit-rate', folder)) {
    const mine = (HOSTS[String(row.host)] ?? []).flatMap((name) => {
      const told = all('hits', [name]);
      const of = (what: string) => told.filter((each) => each.of === what);
      return of('bytes read').length > 0 ? of('bytes read') : of('device bytes');
    });
    t.is(row.server, sum(mine, 'server'), String(row.host));
    const [bytes, server] = [Number(row.bytes), Number(row.server)];
    t.true(Math.abs(Number(row.hit_rate) - (bytes - server) / bytes) < 0.5);
  }
  for (const row of await rowsOf('slow-servers', folder)) {
    const mine = all('latency', HOSTS[String(row.host)] ?? []);
    const io = mine.filter(({ stage, source }) => stage === 'io' && source === 'DOWN');
    t.is(row.slices, sum(io, 'count'));
    t.is(row.max, Math.max(...io.map(({ max }) => Number(max))));
    t.true(io.some(({ p50 }) => p50 === row.median));
  }
  const downloads = await rowsOf('downloads', folder);
  const files = all('sources', Object.values(HOSTS).flat()).filter(({ file }) => file !== '(all)');
  t.is(sum(downloads, 'server_bytes'), sum(files, 'server_bytes'));
  const findings = await rowsOf('findings', folder);
  t.true(findings.some(({ rule }) => rule === 'cache-read-failed'));
});

test.serial('only what is new or changed is read, and what is gone is not answered', async (t) => {
  const folder = await fleet(t);
  t.is((await ask('captures', folder)).indexed, 5);
  t.is((await ask('hit-rate', folder)).indexed, 0);
  utimesSync(join(folder, 'beta/9p-6.12-cold.db'), 1e9, 1e9);
  const touched = await ask('captures', folder);
  t.is(touched.indexed, 1);
  t.is([...touched.rows].length, 5);
  rmSync(join(folder, 'alpha/afs-6.1.db'));
  t.is([...(await ask('captures', folder)).rows].length, 4);
});

test.serial('a file that is no capture is named and left out', async (t) => {
  const folder = await fleet(t);
  writeFileSync(join(folder, 'alpha/broken.db'), 'x'.repeat(5000));
  const { refused, rows } = await ask('captures', folder);
  t.is(refused.length, 1);
  t.regex(refused[0] ?? '', /broken\.db/);
  t.is([...rows].length, 5);
  await t.throwsAsync(ask('captures', temporaryFolder(t)), { message: /no captures in/ });
  await t.throwsAsync(ask('captures', '/nowhere'), { message: /ENOENT/ });
});

test.serial('a data set gives the same answers, alone and beside a folder', async (t) => {
  const folder = await fleet(t);
  const set = join(temporaryFolder(t), 'set');
  for (const [host, names] of Object.entries(HOSTS)) {
    for (const name of names) {
      const from = new Export(join(folder, host, `${name}.db`), 'parquet', { host });
      await from.write(set);
      from.close();
    }
  }
  for (const question of Object.keys(FLEET_QUESTIONS) as FleetQuestionName[]) {
    t.deepEqual(await rowsOf(question, set), await rowsOf(question, folder), question);
  }
  const sql = 'SELECT host, count(*) AS n FROM netfs_sreq GROUP BY host ORDER BY host';
  const { rows } = await askFleet({ question: { sql }, folders: [set] });
  t.deepEqual(
    [...rows].map(({ host }) => host),
    ['alpha', 'beta'],
  );
  t.is([...(await ask('captures', set, folder)).rows].length, 10);
  const bad = askFleet({ question: { sql: 'SELEC 1' }, folders: [set] });
  await t.throwsAsync(bad, { message: /syntax error/ });
});

test.serial(
  'captures of one name in folders of one name are two; a file named twice is one',
  async (t) => {
    const folder = await fleet(t);
    for (const site of ['east', 'west']) {
      mkdirSync(join(folder, site, 'web'), { recursive: true });
      copyFileSync(join(folder, 'beta/9p-6.12-cold.db'), join(folder, site, 'web/trace.db'));
    }
    const of = (rows: Row[]) => rows.filter(({ host }) => host === 'web');
    const captures = of(await rowsOf('captures', folder, join(folder, 'east')));
    t.is(captures.length, 2);
    t.is(new Set(captures.map(({ capture }) => capture)).size, 2);
    const one = (await rowsOf('hit-rate', join(folder, 'east')))[0];
    const both = of(await rowsOf('hit-rate', folder))[0];
    t.is(both?.captures, 2);
    t.is(both?.bytes, 2 * Number(one?.bytes));
    t.is(of(await rowsOf('slow-servers', folder))[0]?.captures, 2);
    // A capture and its copy in a data set, too, are joined with themselves only.
    const set = join(temporaryFolder(t), 'set');
    const from = new Export(join(folder, 'beta/afs-7.3-bad-cache.db'), 'parquet', { host: 'beta' });
    await from.write(set);
    from.close();
    const found = async (...folders: string[]) => {
      const rows = await rowsOf('findings', ...folders);
      return rows.reduce((sum, { findings }) => sum + Number(findings ?? 0), 0);
    };
    const beta = join(folder, 'beta');
    t.is(await found(beta, set), (await found(beta)) + (await found(set)));
  },
);

test.serial('an index that is broken is made anew', async (t) => {
  const folder = await fleet(t);
  await ask('captures', folder);
  const cache = join(process.env.XDG_CACHE_HOME as string, 'netfslab/fleet');
  const [file = ''] = readdirSync(cache);
  writeFileSync(join(cache, file), 'x'.repeat(20_000));
  t.is((await ask('captures', folder)).indexed, 5);
});

test('what was not checked is said instead of nothing found', async (t) => {
  const { capture } = await samples.get('afs-7.3-bad-cache');
  const rows = answersOf(capture, 0).get('answer_finding');
  t.deepEqual(rows, [['(not checked)', 'note', null]]);
  t.true((answersOf(capture).get('answer_finding') ?? []).length > 0);
});
