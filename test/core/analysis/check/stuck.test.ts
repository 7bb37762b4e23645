/**
 * `trace stuck` of kernels with one collector per request: traces of real kernels, cut where
 * something waits, and excerpts of reports.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import type { Row } from '../../../../src/core/analysis/types.js';
import { stuckTable } from '../../../../src/core/app/trace/stuck.js';
import { temporaryFolder } from '../../../helpers/capture.js';
import { samplePath } from '../../../helpers/import.js';
import { imported } from '../../../helpers/samples.js';
import { ROOT } from '../../../helpers/source.js';

/** What is stuck in a trace: its rows by request, and what cannot be told. */
async function stuckIn(t: ExecutionContext, file: string) {
  const capture = await imported(temporaryFolder(t), 'imported', file);
  capture.close();
  const { rows, note, count } = stuckTable(capture.path);
  return { rows: new Map([...rows].map((row: Row) => [String(row.R), row])), note, count };
}

/** A trace up to the first line that matches, and a line that shows that time went on. */
function cut(t: ExecutionContext, sample: string, at: RegExp): string {
  const text = gunzipSync(readFileSync(join(ROOT, 'traces', sample))).toString();
  const lines = text.split('\n');
  const end = lines.findIndex((line) => at.test(line));
  const later =
    '            idle-1       [000] .....  99999.000000: tracing_mark_write: still here';
  const file = join(temporaryFolder(t), 'cut.txt');
  writeFileSync(file, [...lines.slice(0, end), later, ''].join('\n'));
  return file;
}

test('a hung server: who waits, for which slice, with which folios', async (t) => {
  const { rows, count } = await stuckIn(t, cut(t, 'linux-6.18/cifs-hang.txt.gz', /DOWN I-OK/));
  t.is(count, rows.size);
  t.like(rows.get('0000000c'), {
    who: 'issuer, in WAIT-IP',
    waits_for: 'the server: download [1] 49000-4a000',
    front: '[0:1] 49000 0/1000 slot 0',
  });
  t.like(rows.get('0000000e'), {
    who: 'readers of its folios',
    waits_for: 'the server: download [1] 40000-50000',
    folios: '16 locked, ix 40-4f from fq=17 on',
  });
});

test('9p reads inside its issuer, and tells nothing before the answer', async (t) => {
  const { rows } = await stuckIn(t, cut(t, 'linux-7.3/9p-odd-size.txt.gz', /DOWN TERM/));
  const [row] = rows.values();
  t.like(row, { who: 'issuer', open: '1 of 1 [1]' });
  t.regex(String(row?.waits_for), /^the server: download \[1\]/);
});

test('a write-back waits for the device of the cache while the server has answered', async (t) => {
  const at = /WRIT TERM/;
  const { rows } = await stuckIn(t, cut(t, 'linux-7.3/9p-odd-size.txt.gz', at));
  const [row] = rows.values();
  t.regex(String(row?.waits_for), /^the cache device: write \[1\]/);
  t.regex(String(row?.folios), /under writeback/);
});

test('a slice that nobody collects any more is what holds its request', async (t) => {
  const { rows } = await stuckIn(t, samplePath('collector-ended-early.txt'));
  t.like(rows.get('00000a20'), {
    who: 'nobody',
    waits_for: 'a collector, and nobody collects any more: [2] ended after DONE',
  });
});

test('whether a request ended cannot be told without netfs_rreq', async (t) => {
  const file = join(temporaryFolder(t), 'slices.txt');
  const line = (text: string, at: number) =>
    `cat-1 [000] ..... 1.00000${at}: netfs_sreq: ${text}\n`;
  writeFileSync(
    file,
    line('R=0003306d[1] DOWN TERM  f=192 s=0 5fb2/5fb2 s=5 e=0', 1) +
      line('R=0003306d[2] ZERO SUBMT f=00 s=5fb2 0/4e s=0 e=0', 2) +
      line('R=0003306d[2] ZERO TERM  f=102 s=5fb2 4e/4e s=5 e=0', 3),
  );
  const { count, note } = await stuckIn(t, file);
  t.is(count, 0);
  t.is(note, 'cannot tell whether 1 request ended: record netfs_rreq');
});
