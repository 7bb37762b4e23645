/**
 * What every analysis answers of a capture, as text: a line per question with the number of rows
 * and a checksum of all of them, then the first rows. Compared with `test/golden/`.
 */
import { createHash } from 'node:crypto';
import { checkCapture } from '../../src/core/analysis/check/check.js';
import { ANALYSES, type AnalysisName } from '../../src/core/analysis/index.js';
import { requestStory } from '../../src/core/analysis/request_story.js';
import type { Row } from '../../src/core/analysis/types.js';
import { type Params, rowsOf } from '../../src/core/app/trace/query.js';
import { stuckTable } from '../../src/core/app/trace/stuck.js';
import { summarise, summaryScreen } from '../../src/core/app/trace/summary.js';
import type { Capture } from '../../src/core/store/types.js';

/** Rows shown of each answer. */
const SHOWN = 2;

/** The questions of a capture: each analysis as it is asked by default, and with its parameters. */
function* questions(capture: Capture): Iterable<readonly [string, () => Iterable<unknown>]> {
  const ask = (name: AnalysisName, params: Params = {}) =>
    [
      `${name} ${JSON.stringify(params)}`,
      () => rowsOf(capture, ANALYSES[name], params) as Iterable<unknown>,
    ] as const;
  for (const name of Object.keys(ANALYSES) as AnalysisName[]) yield ask(name);
  const files = capture.all('SELECT DISTINCT "file" FROM "request_file" ORDER BY 1 LIMIT 2');
  for (const { file = null } of files) {
    if (typeof file !== 'string') continue;
    for (const name of ['why', 'pageCache', 'latency', 'requests', 'map', 'operations'] as const) {
      yield ask(name, { file, ...(name === 'map' ? { width: 7 } : {}) });
    }
    yield ask('why', { file, from: 5000, to: 70_000 });
    yield ask('pageCache', { file, from: 5000, to: 70_000 });
  }
  for (const { id } of capture.all('SELECT "id" FROM "op" WHERE "result" > 0 ORDER BY 1 LIMIT 3')) {
    for (const name of ['why', 'pageCache', 'operations'] as const)
      yield ask(name, { op: Number(id) });
  }
  yield ask('requests', { slowest: 1, limit: 5 });
  yield ask('requests', { kind: 'readahead', outcome: 'ok', limit: 3 });
  yield ask('sources', { limit: 1 });
  yield ask('heat', { source: 'DOWN', width: 11 });
  yield ask('concurrency', { bins: 3 });
  yield ask('refs', { all: 1 });
  const requests = capture.all(
    'SELECT * FROM (SELECT * FROM "request" ORDER BY "request_uid" LIMIT 6) ORDER BY 1 DESC LIMIT 4',
  );
  for (const row of requests) {
    yield ask('timeline', { rreq: Number(row.rreq) });
    yield [`story ${row.rreq} ${row.request_uid}`, () => requestStory(capture, row)];
  }
  yield ['check', () => checkCapture(capture).findings];
  yield ['stuck', () => stuckTable(capture.path).rows as Iterable<Row>];
  yield ['summary', () => [...summaryScreen(summarise(capture.path))].slice(1)];
}

/** The answers of a capture, a line each. */
export function* goldenLines(capture: Capture): Iterable<string> {
  for (const [question, ask] of questions(capture)) {
    let rows: readonly unknown[];
    try {
      rows = [...ask()];
    } catch (error) {
      rows = [(error as Error).message.replaceAll(capture.path, 'FILE')];
    }
    const lines = rows.map((row) => JSON.stringify(row).replaceAll(capture.path, 'FILE'));
    const sum = createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 12);
    yield `${question}: ${rows.length} rows, ${sum}`;
    for (const line of lines.slice(0, SHOWN)) {
      yield `  ${line.length > 400 ? `${line.slice(0, 400)}...` : line}`;
    }
  }
}
