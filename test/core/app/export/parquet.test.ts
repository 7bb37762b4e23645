/**
 * Parquet, read back by DuckDB: row for row what the capture holds, in its place of the data set.
 */
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import Database from 'better-sqlite3';
import { Export } from '../../../../src/core/app/export/export.js';
import { DuckDb } from '../../../../src/core/store/duckdb.js';
import { SCHEMA_VERSION } from '../../../../src/core/store/schema.js';
import { temporaryFolder } from '../../../helpers/capture.js';
import { SAMPLES, type SampleName, Samples } from '../../../helpers/samples.js';

const samples = new Samples();
test.after.always(() => samples.close());

async function exported(capture: string, out: string, host = 'a'): Promise<void> {
  const from = new Export(capture, 'parquet', { host });
  try {
    await from.write(out);
  } finally {
    from.close();
  }
}

test('every table of every sample comes back row for row', async (t) => {
  t.timeout(300_000);
  const duck = await DuckDb.open();
  t.teardown(() => duck.close());
  let tables = 0;
  for (const name of Object.keys(SAMPLES) as SampleName[]) {
    const { capture } = await samples.get(name);
    const out = join(temporaryFolder(t), 'set');
    await exported(capture.path, out);
    const db = new Database(capture.path, { readonly: true });
    const names = db
      .prepare(`SELECT "name" FROM "sqlite_master" WHERE "type" = 'table'`)
      .pluck()
      .all() as string[];
    for (const table of names) {
      const files = join(out, table, 'host=a/*/*/data.parquet');
      const columns = (db.pragma(`table_info("${table}")`) as { name: string }[])
        .map((each) => `"${each.name}"`)
        .join(', ');
      const theirs = await duck.rows(
        `SELECT ${columns} FROM read_parquet('${files}', hive_partitioning = false)`,
      );
      const mine = db.prepare(`SELECT ${columns} FROM "${table}"`).safeIntegers().all();
      t.deepEqual(theirs, mine as typeof theirs, `${name} ${table}`);
      tables++;
    }
    db.close();
  }
  t.true(tables > 300);
});

test('captures add up in a data set, each once, with their schema told', async (t) => {
  const [one, two] = [await samples.get('9p-6.1-full'), await samples.get('9p-6.12-cold')];
  const folder = temporaryFolder(t);
  const out = join(folder, 'set');
  await exported(one.capture.path, out, 'a/b=c%');
  await exported(two.capture.path, out, 'd');
  await t.throwsAsync(exported(two.capture.path, out, 'd'), { message: /EEXIST/ });
  t.false(existsSync(`${out}.part`));
  const duck = await DuckDb.open();
  t.teardown(() => duck.close());
  const files = join(out, 'netfs_sreq/*/*/*/data.parquet');
  const rows = await duck.rows(
    `SELECT host, count(*) AS n FROM read_parquet('${files}', hive_partitioning = true)
     GROUP BY host ORDER BY host`,
  );
  const count = (of: typeof one) => of.capture.get('SELECT count(*) AS "n" FROM "netfs_sreq"')?.n;
  t.deepEqual(
    rows.map(({ host, n }) => [host, Number(n)]),
    [
      ['a/b=c%', count(one)],
      ['d', count(two)],
    ],
  );
  const told = await duck.rows(
    `SELECT decode(value) AS version FROM parquet_kv_metadata('${files}')
     WHERE decode(key) = 'netfslab_schema'`,
  );
  t.deepEqual(
    told.map(({ version }) => version),
    [String(SCHEMA_VERSION), String(SCHEMA_VERSION)],
  );
  const codecs = await duck.rows(`SELECT DISTINCT compression FROM parquet_metadata('${files}')`);
  t.deepEqual(codecs, [{ compression: 'ZSTD' }]);
});

test('without a name of its own a host is the folder that its captures lie in', async (t) => {
  const { capture } = await samples.get('9p-6.1-full');
  const folder = join(temporaryFolder(t), 'fileserver');
  mkdirSync(folder);
  const out = join(folder, 'a.db');
  const copy = new Export(capture.path, 'db', {});
  await copy.write(out);
  copy.close();
  const set = join(folder, 'set');
  const from = new Export(out, 'parquet', {});
  await from.write(set);
  from.close();
  t.true(existsSync(join(set, 'request', 'host=fileserver')));
  renameSync(set, join(folder, 'moved'));
});
