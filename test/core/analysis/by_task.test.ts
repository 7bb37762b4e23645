/** Sources by task: whatever the bytes are sorted by, they are the same bytes. */
import test from 'ava';
import { ANALYSES } from '../../../src/core/analysis/index.js';
import type { Row } from '../../../src/core/analysis/types.js';
import { rowsOf } from '../../../src/core/app/trace/query.js';
import { SAMPLES, type SampleName, Samples } from '../../helpers/samples.js';

const samples = new Samples();
test.after.always(() => samples.close());

const COUNTED = [
  ...['app_bytes', 'zero_bytes', 'server_bytes', 'cache_bytes', 'stored_bytes'],
  ...['requests', 'slices'],
];

const sum = (rows: readonly Row[], name: string): number =>
  rows.reduce((total, row) => total + Number(row[name] ?? 0), 0);

test('sources by file, by name and by task add up to the same', async (t) => {
  for (const name of Object.keys(SAMPLES) as SampleName[]) {
    const { capture } = await samples.get(name);
    const [all, ...files] = [...rowsOf(capture, ANALYSES.sources)];
    for (const by of ['comm', 'task']) {
      const [whole, ...tasks] = [...rowsOf(capture, ANALYSES.sources, { by })];
      t.deepEqual(whole, all, `${name} ${by}`);
      for (const column of COUNTED) t.is(sum(tasks, column), sum(files, column), `${name} ${by}`);
    }
  }
});

test('latencies of a task are those of its requests', async (t) => {
  const { capture } = await samples.get('9p-6.12-cold');
  const [task] = capture.all(`SELECT "t"."comm" AS "comm", count(*) AS "n" FROM "request" AS "r"
    JOIN "task" AS "t" ON "t"."id" = "r"."task" GROUP BY 1 ORDER BY 2 DESC LIMIT 1`);
  const of = (comm: string) => [...rowsOf(capture, ANALYSES.latency, { comm })];
  const life = of(String(task?.comm)).filter(({ stage }) => stage === 'life');
  t.true(sum(life, 'count') > 0 && sum(life, 'count') <= Number(task?.n));
  t.deepEqual(of('nobody'), []);
});
