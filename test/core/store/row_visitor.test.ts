/** Rows handed to a function are those that are fetched one by one, in their order. */
import { join } from 'node:path';
import test from 'ava';
import { UsageError } from '../../../src/core/base/errors.js';
import { openCapture } from '../../../src/core/store/database.js';
import { sampleCapture, temporaryFolder } from '../../helpers/capture.js';

const QUERIES = {
  'a table': 'SELECT * FROM "request"',
  'an order that is not that of the table':
    'SELECT * FROM "subrequest" ORDER BY "len", "start" DESC',
  'several tables':
    'SELECT "id", "ts" FROM "netfs_rreq" UNION ALL SELECT "id", "ts" FROM "netfs_sreq"',
  'an order and a limit': 'SELECT "id", "what" FROM "netfs_sreq" ORDER BY "what", "id" LIMIT 3',
  'names that occur twice':
    'SELECT "a"."request_uid", "b"."request_uid" FROM "request" AS "a", "request" AS "b"',
  'a comment at the end': 'SELECT 1 AS "one" -- of them',
  'values of every kind': `SELECT NULL AS "nothing", 1.5 AS "half", 'text' AS "__proto__", x'01' AS "b"`,
  'no rows': 'SELECT * FROM "request" WHERE 0',
};

test('rows that are handed over are those that are fetched, in their order', async (t) => {
  const capture = openCapture(await sampleCapture(join(temporaryFolder(t), 'sample.db')));
  t.teardown(() => capture.close());
  for (const [name, sql] of Object.entries(QUERIES)) {
    const fetched = [...capture.iterate(sql)];
    t.deepEqual(capture.all(sql), fetched, name);
    t.deepEqual(capture.all(sql), fetched, `${name}, once more`);
  }
  const some =
    'SELECT "request_uid" FROM "request" WHERE "request_uid" > @after ORDER BY "request_uid" LIMIT @count';
  t.deepEqual(
    [0, 2].map((after) =>
      capture.all(some, { after, count: 2 }).map(({ request_uid }) => request_uid),
    ),
    [
      [1, 2],
      [3, 4],
    ],
  );
});

test('what a visitor throws ends the query and reaches the caller', async (t) => {
  const capture = openCapture(await sampleCapture(join(temporaryFolder(t), 'sample.db')));
  t.teardown(() => capture.close());
  const stop = () => {
    throw new Error('enough');
  };
  t.throws(() => capture.each('SELECT * FROM "request"', stop), { message: 'enough' });
  t.throws(() => capture.all('SELECT * FROM "nowhere"'), { instanceOf: UsageError });
  t.is(capture.all('SELECT * FROM "request"').length, 4);
});
