/** What `trace writes` says of a run that writes. */
import path from 'node:path';
import test from 'ava';
import { RUN_DEFAULTS, runWorkload } from '../../../src/core/app/run/run.js';
import { runAnalysis } from '../../../src/core/app/trace/query.js';
import { serverDir, tempDir } from '../../helpers/lab.js';

test('pages, runs and bytes of each file are counted', async (t) => {
  const out = path.join(tempDir(t), 'run.db');
  await runWorkload({
    ...RUN_DEFAULTS,
    lab: { server: serverDir(t, { a: 0x10000, b: 0x2000 }) },
    rw: 'write',
    bs: 0x800,
    fsync: 16,
    trace: { out, commandLine: 'test', toolVersion: '0' },
  });
  const rows = [...runAnalysis('writes', out).rows];
  t.is(rows.length, 2);
  t.like(rows[0], {
    dirtied: 16,
    merged: 16,
    stores: 2,
    stored_pages: 16,
    pages_per_store: 8,
    stored_bytes: 0x10000,
    cut: 0,
  });
  t.like(rows[1], { dirtied: 2, merged: 2, stores: 1, stored_bytes: 0x2000 });
});
