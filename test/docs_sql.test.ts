/** Every SQL example of the README, the manual and the help, in sqlite3 and in DuckDB. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { ALL_TABLES } from '../src/core/store/schema.js';
import { inDuckDb } from './helpers/duckdb.js';
import { Samples } from './helpers/samples.js';
import { ROOT } from './helpers/source.js';

const samples = new Samples();
test.after.always(() => samples.close());

interface Example {
  readonly where: string;
  readonly sql: string;
}

function examples(): Example[] {
  const pages = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`);
  return ['README.md', 'src/commands/sql.ts', ...pages].flatMap((where) => {
    const text = readFileSync(join(ROOT, where), 'utf8');
    const blocks = [...text.matchAll(/^```sql\n(.*?)^```/gms)];
    const commands = [...text.matchAll(/(?:netfslab|command\.id %>) (?:sql )?'(SELECT .*?)'/gs)];
    const all = [...blocks, ...commands].map(([, sql = '']) => ({ where, sql }));
    return all.filter(({ sql }) => !sql.includes('...'));
  });
}

test('each SQL example runs in netfslab, in sqlite3 and in DuckDB, with as many rows', async (t) => {
  const { capture } = await samples.get('9p-6.1-full');
  const found = examples();
  t.true(found.length >= 6);
  const duck = await inDuckDb(capture.path);
  const stands = capture.stands(ALL_TABLES.map(({ name }) => name));
  for (const stand of stands) await duck.rows(stand);
  for (const { where, sql } of found) {
    const mine = [...capture.iterate(sql)].length;
    const input = `${stands.map((each) => `${each};`).join('\n')}\n${sql};`;
    const shell = spawnSync('sqlite3', ['-json', capture.path], { input, encoding: 'utf8' });
    if (shell.error === undefined) {
      t.is(shell.stderr, '', `${where}: ${sql}`);
      t.is((JSON.parse(shell.stdout || '[]') as unknown[]).length, mine, `${where}: ${sql}`);
    }
    t.is((await duck.rows(sql)).length, mine, `${where}: ${sql}`);
  }
  duck.close();
});
