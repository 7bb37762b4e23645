/** Latencies of a real capture, in all and by file, against a count by hand of its requests. */
import { join } from 'node:path';
import test from 'ava';
import { importTraces } from '../../../src/core/app/import/import.js';
import { runAnalysis } from '../../../src/core/app/trace/query.js';
import { openCapture } from '../../../src/core/store/database.js';
import type { Capture } from '../../../src/core/store/types.js';
import { temporaryFolder } from '../../helpers/capture.js';
import { samplePath } from '../../helpers/import.js';

/** Times of every stage, in no order, by `stage kind source`. */
function times(capture: Capture, file: string | null): Map<string, number[]> {
  const found = new Map<string, number[]>();
  const add = (key: string, from: unknown, to: unknown): void => {
    if (from === null || to === null) return;
    found.set(key, [...(found.get(key) ?? []), Number(to) - Number(from)]);
  };
  const where = file === null ? '' : 'WHERE "op" IN (SELECT "id" FROM "op" WHERE "file" = ?)';
  for (const row of capture.all(`SELECT * FROM "request" ${where}`, file === null ? [] : [file])) {
    const { request_uid: uid, kind, server_bytes: down, cache_bytes: read, zero_bytes: zero } = row;
    const got = [down && 'DOWN', read && 'READ'].filter(Boolean);
    const source = got.length === 2 ? 'mixed' : (got[0] ?? (zero ? 'ZERO' : null));
    add(`wait ${kind} ${source}`, row.begin_ns!, row.unlock_ns!);
    add(`life ${kind} ${source}`, row.begin_ns!, row.free_ns!);
    for (const slice of capture.all('SELECT * FROM "subrequest" WHERE "request_uid" = ?', [uid!])) {
      add(`io ${kind} ${slice.source}`, slice.submit_ns!, slice.term_ns!);
    }
  }
  return found;
}

test('latencies of a real capture are those of its requests, in all and by file', async (t) => {
  const out = join(temporaryFolder(t), 'a.db');
  const files = [samplePath('linux-6.1-afs-odd-all-cold/trace.txt.gz')];
  await importTraces({ files, target: { out, commandLine: 'test', toolVersion: 'test' } });
  const capture = openCapture(out);
  t.teardown(() => capture.close());
  const named = capture.all(`SELECT DISTINCT "o"."file" FROM "op" AS "o"
    JOIN "request" AS "r" ON "r"."op" = "o"."id"`);
  t.true(named.length > 2);
  for (const file of [null, ...named.map((row) => String(row.file))]) {
    const wanted = times(capture, file);
    const rows = [...runAnalysis('latency', out, file === null ? {} : { file }).rows];
    t.is(rows.length, wanted.size);
    for (const { stage, kind, source, ...figures } of rows) {
      const sorted = wanted.get(`${stage} ${kind} ${source}`)!.sort((a, b) => a - b);
      const rank = (p: number) => sorted[Math.ceil((sorted.length * p) / 100) - 1];
      const [p50, p90, p99, max] = [50, 90, 99, 100].map(rank);
      t.deepEqual(figures, { count: sorted.length, min: sorted[0], p50, p90, p99, max });
    }
  }
});
