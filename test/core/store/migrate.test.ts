/** Captures of older schemas, as they were stored: migrated when they are opened. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import { runAnalysis } from '../../../src/core/app/trace/query.js';
import { summarise } from '../../../src/core/app/trace/summary.js';
import { StoreError } from '../../../src/core/base/errors.js';
import { openCapture } from '../../../src/core/store/database.js';
import { SCHEMA_VERSION } from '../../../src/core/store/schema.js';
import type { Capture } from '../../../src/core/store/types.js';
import { imported } from '../../helpers/samples.js';
import { ROOT } from '../../helpers/source.js';
import { temporaryDirectory } from '../../helpers/trace.js';

/** A stored capture of a schema, in a folder of its own. */
function stored(t: ExecutionContext, schema: number, name: string): string {
  const path = join(temporaryDirectory(t), 'old.db');
  const packed = readFileSync(join(ROOT, `traces/schema-${schema}/${name}.db.gz`));
  writeFileSync(path, gunzipSync(packed));
  return path;
}

const statementsOf = (capture: Capture) =>
  capture.all('SELECT "name", "sql" FROM "sqlite_master" ORDER BY "name"');

test('a stored import of schema 3 becomes what the same import makes now', async (t) => {
  const old = openCapture(stored(t, 3, 'import'));
  const sample = join(ROOT, 'traces/linux-7.3/9p-odd-size.txt.gz');
  const now = await imported(temporaryDirectory(t), 'now', sample);
  t.teardown(() => {
    old.close();
    now.close();
  });
  t.deepEqual(statementsOf(old), statementsOf(now));
  for (const { name } of now.all(`SELECT "name" FROM "sqlite_master" WHERE "type" <> 'index'`)) {
    if (name === 'capture') continue;
    const rows = `SELECT * FROM "${name}"`;
    t.deepEqual([...old.iterate(rows)], [...now.iterate(rows)], String(name));
  }
  t.deepEqual([...old.lines()], [...now.lines()]);
  t.is(old.info.events, now.info.events);
});

for (const schema of [2, 3]) {
  test(`a stored run of schema ${schema} is migrated in its place and answers`, (t) => {
    const path = stored(t, schema, 'run');
    const before = new Database(path, { readonly: true });
    const had = before.prepare('SELECT sum("down_bytes"), count(*) FROM "request"').raw().get();
    const ops = before.prepare('SELECT sum("requests") FROM "op"').pluck().get();
    before.close();
    const capture = openCapture(path);
    t.is(capture.info.schema_version, SCHEMA_VERSION);
    const has = capture.get('SELECT sum("server_bytes") AS "b", count(*) AS "n" FROM "request"');
    t.deepEqual(Object.values(has ?? {}), had as number[]);
    t.is(capture.get('SELECT sum("read_requests") AS "n" FROM "op"')?.n, ops as number);
    capture.close();
    t.deepEqual(readdirSync(dirname(path)), [basename(path)]);
    const db = new Database(path, { readonly: true });
    t.is(db.pragma('user_version', { simple: true }), SCHEMA_VERSION);
    t.is(db.pragma('integrity_check', { simple: true }), 'ok');
    db.close();
    t.notThrows(() => summarise(path));
    for (const name of ['sources', 'hits', 'why', 'requests', 'latency', 'dup'] as const) {
      t.true([...runAnalysis(name, path).rows].length >= (name === 'dup' ? 0 : 1), name);
    }
  });
}

test('a capture that cannot be migrated stays as it was, and nothing is left beside it', (t) => {
  const path = stored(t, 3, 'run');
  const db = new Database(path);
  db.exec('DELETE FROM "capture"');
  db.close();
  const before = readFileSync(path);
  t.throws(() => openCapture(path), { instanceOf: StoreError, message: /cannot be migrated/ });
  t.deepEqual(readFileSync(path), before);
  t.deepEqual(readdirSync(dirname(path)), [basename(path)]);
});
