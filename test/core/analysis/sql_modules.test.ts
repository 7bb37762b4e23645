/** The statements of the analyses as people use them: with sqlite3, and from the package. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { CHANGES } from '../../../src/core/analysis/cookies.js';
import { ANALYSES, type AnalysisName } from '../../../src/core/analysis/index.js';
import type { Analysis } from '../../../src/core/analysis/types.js';
import { rowsOf, statementOf } from '../../../src/core/app/trace/query.js';
import { inDuckDb } from '../../helpers/duckdb.js';
import { SAMPLES, type SampleName, Samples } from '../../helpers/samples.js';
import { ROOT } from '../../helpers/source.js';

const samples = new Samples();
test.after.always(() => samples.close());

const FOLDER = join(ROOT, 'src/core/analysis/sql');
const PARAMS = [
  ...new Set(Object.values(ANALYSES).flatMap(({ params }) => params.map(({ name }) => name))),
];
const NAMES = Object.keys(ANALYSES) as AnalysisName[];
const text = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');
const hasSqlite = spawnSync('sqlite3', ['--version']).status === 0;

test('every file of a statement is used, is built, and explains its parameters', (t) => {
  const used = new Set(
    NAMES.flatMap((name) => [ANALYSES[name].sql, (ANALYSES[name] as Analysis).context]),
  );
  for (const name of readdirSync(FOLDER)) {
    t.true(used.has(text(name).trim()), name);
    t.is(readFileSync(join(ROOT, 'dist/src/core/analysis/sql', name), 'utf8'), text(name), name);
    t.regex(text(name), /^-- [A-Z].*[.,:]?\n/, name);
    const [head = '', body = ''] = text(name).split(/\n(?=[^-])/, 2);
    for (const [, param] of `${body}${text(name)}`.matchAll(/\$(\w+)\b(?!:)/g)) {
      if (param !== 'rsize')
        t.regex(head, new RegExp(`^-- \\$${param}: .*\\.$`, 'm'), `${name} ${param}`);
    }
  }
  // What is folded says why SQL cannot; two statements are made of the list of tracepoints.
  for (const name of NAMES) {
    const { sql, gather } = ANALYSES[name] as Analysis;
    if (gather !== undefined && name !== 'queueing') t.regex(sql, /^-- More than SQL: /m, name);
  }
});

test('the words that cookies.sql looks for are those that change a cookie, here and in why', (t) => {
  const words = new Set(
    [...text('why_context.sql').matchAll(/WHERE "(?:e"\.")?\w+" IN \(([^)]*)\)/g)].flatMap(
      ([, list]) => [...(list as string).matchAll(/'([^']*)'/g)].map(([, word]) => word),
    ),
  );
  const known = Object.keys(CHANGES).flatMap((each) => each.split(/ (.*)/).slice(1, 2));
  t.deepEqual([...words].sort(), known.sort());
  const plain = (sql: string) => sql.replaceAll(/\s+/g, ' ');
  const [, changes = ''] = plain(text('cookies.sql')).split(/"change" AS \( | \), "each" AS/);
  t.true(changes.length > 1000);
  t.true(plain(text('why_context.sql')).includes(changes));
});

(hasSqlite ? test : test.skip)(
  'what --explain-sql prints runs in sqlite3 on every sample, with the rows that the command has',
  async (t) => {
    for (const sample of Object.keys(SAMPLES) as SampleName[]) {
      const { capture } = await samples.get(sample);
      for (const name of NAMES) {
        const sql = statementOf(name, capture.path);
        const run = spawnSync('sqlite3', ['-json', capture.path], {
          input: sql,
          maxBuffer: 2 ** 28,
        });
        t.is(run.stderr.toString(), '', `${sample} ${name}`);
        const { gather, derive, params } = ANALYSES[name] as Analysis;
        if (gather || derive || name === 'timeline') continue;
        const mine = [...rowsOf(capture, ANALYSES[name])];
        const theirs = JSON.parse(run.stdout.toString() || '[]') as unknown[];
        t.is(params.length >= 0 && theirs.length, mine.length, `${sample} ${name}`);
        t.deepEqual(theirs[0] && Object.keys(theirs[0]), mine[0] && Object.keys(mine[0]));
      }
    }
  },
);

test('DuckDB scans every table and view of every sample, and runs every statement', async (t) => {
  for (const sample of Object.keys(SAMPLES) as SampleName[]) {
    const { capture } = await samples.get(sample);
    const duck = await inDuckDb(capture.path);
    for (const { name } of capture.all(
      `SELECT "name" FROM "main"."sqlite_schema" WHERE "type" <> 'index'`,
    )) {
      const [count] = await duck.rows(`SELECT count(*) AS "n" FROM (SELECT * FROM "${name}")`);
      const mine = capture.get(`SELECT count(*) AS "n" FROM "main"."${name}"`);
      t.is(Number(count?.n), mine?.n as number, `${sample} ${name}`);
    }
    const events = 'SELECT "event", "text" FROM "events" ORDER BY "id"';
    t.deepEqual(await duck.rows(events), capture.all(events), sample);
    for (const name of NAMES) {
      const { needs, context, sql } = ANALYSES[name] as Analysis;
      for (const stand of capture.stands(needs)) {
        await duck.rows(stand.replace('CREATE TEMP', 'CREATE OR REPLACE TEMP'));
      }
      for (const each of [context, sql]) {
        if (each === undefined) continue;
        const rows = await duck.rows(`SELECT count(*) AS "n" FROM (${each}\n)`);
        const nothing = Object.fromEntries(PARAMS.map((param) => [param, null]));
        const mine = capture.get(`SELECT count(*) AS "n" FROM (${each}\n)`, nothing);
        t.is(Number(rows[0]?.n), mine?.n as number, `${sample} ${name}`);
      }
    }
    duck.close();
  }
});
