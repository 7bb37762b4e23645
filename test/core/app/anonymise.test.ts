/**
 * A capture that was anonymised answers as the original does, and no name of the original is left
 * in any byte of what is given away: database, text, bundle.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { checkCapture } from '../../../src/core/analysis/check/check.js';
import { openRequests } from '../../../src/core/analysis/check/stuck.js';
import { ANALYSES } from '../../../src/core/analysis/index.js';
import type { Analysis } from '../../../src/core/analysis/types.js';
import { Export } from '../../../src/core/app/export/export.js';
import { importTraces } from '../../../src/core/app/import/import.js';
import { rowsOf } from '../../../src/core/app/trace/query.js';
import { anonymiseCapture, type Pseudonyms } from '../../../src/core/store/anonymise.js';
import { openCapture } from '../../../src/core/store/database.js';
import type { Capture } from '../../../src/core/store/types.js';
import { temporaryFolder } from '../../helpers/capture.js';
import { imported, SAMPLES, type SampleName } from '../../helpers/samples.js';
import { ROOT } from '../../helpers/source.js';

/** Everything that can be asked of a capture, with names replaced. */
function answers(capture: Capture, names: ReadonlyMap<string, string>): string[] {
  const renamed = (_: string, value: unknown) =>
    typeof value === 'string' ? (names.get(value) ?? value) : value;
  // How a capture is listed tells of the file it was imported from.
  const { listing: _, ...questions }: Record<string, Analysis> = ANALYSES;
  const rows = Object.entries(questions).map(([name, each]) => [name, [...rowsOf(capture, each)]]);
  const { rules, findings } = checkCapture(capture);
  const open = openRequests(capture).map(({ request, waits }) => [request.rreq, waits]);
  return JSON.stringify({ rows, rules, findings, open }, renamed, 1).split('\n');
}

function allNames({ files, tasks, hosts }: Pseudonyms): Map<string, string> {
  return new Map([...files, ...tasks, ...hosts]);
}

/** Names that are found in bytes; those of one or two letters are in everything. */
function left(bytes: Buffer, names: Iterable<string>): string[] {
  return [...names].filter((name) => name.length > 2 && bytes.includes(name));
}

/** The first lines that differ. */
function differing(are: readonly string[], due: readonly string[]): string[] {
  const lines = are.flatMap((line, i) => (line === due[i] ? [] : [`${line} | ${due[i]}`]));
  return are.length === due.length ? lines.slice(0, 5) : [`${due.length}`, ...lines.slice(0, 5)];
}

const CASES: readonly SampleName[] = ['afs-6.1-bad-cache', '9p-6.1-full', 'cifs-6.12'];

for (const name of CASES) {
  test(`${name} anonymised answers as before, and names nobody`, async (t) => {
    const folder = temporaryFolder(t);
    const original = await imported(folder, 'original', join(ROOT, SAMPLES[name]));
    const path = join(folder, 'anonymous.db');
    const names = anonymiseCapture(original.path, path);
    const copy = openCapture(path);
    const due = answers(original, allNames(names));
    t.true(names.tasks.size > 0);
    t.deepEqual(differing(answers(copy, new Map()), due), []);
    t.deepEqual(left(readFileSync(path), allNames(names).keys()), []);
    await sameAsBundle(t, folder, copy, due, names);
    copy.close();
    original.close();
  });
}

async function sameAsBundle(
  t: ExecutionContext,
  folder: string,
  copy: Capture,
  due: readonly string[],
  names: Pseudonyms,
): Promise<void> {
  const out = join(folder, 'bundle.tar.gz');
  const bundle = new Export(copy.path, 'bundle', {});
  await bundle.write(out);
  bundle.close();
  t.deepEqual(left(gunzipSync(readFileSync(out)), allNames(names).keys()), []);
  const again = await imported(folder, 'again', out);
  t.deepEqual(differing(answers(again, new Map()), due), []);
  t.deepEqual(
    again.all('SELECT "snapshot", "line", "key", "value" FROM "stats"'),
    copy.all('SELECT "snapshot", "line", "key", "value" FROM "stats"'),
  );
  again.close();
}

test('a bundle with lists, statistics, packets and unknown events is told in numbers', async (t) => {
  const folder = temporaryFolder(t);
  const secret = ['secretfile', 'Mallory', 'alice-db', '736563726574', 'acme', 'vault.example'];
  const trace = `# tracer: nop
    alice-db-77 [000] ..... 1.000001: tracing_mark_write: kcap op=0 open 0 rdonly secretfile
    alice-db-77 [000] ..... 1.000002: tracing_mark_write: kcap op=1 read 0 0 4096
    alice-db-77 [000] ..... 1.000003: netfs_read: R=00000001 READAHEAD c=00000000 ni=7 s=0 1000
    alice-db-77 [000] ..... 1.000004: 9p_protocol_dump: clnt 18446623456 P9_TWALK(tag = 1)
000: 73 65 63 72 65 74 736563726574 66
    alice-db-77 [000] ..... 1.000005: tracing_mark_write: hello from Mallory
    alice-db-77 [000] ..... 1.000006: sys_openat: filename: "secretfile"
    alice-db-77 [000] ..... 1.000007: smb3_open_enter: xid=1 sid=0x1 tid=0x1 path=secretfile cr_opts=0x40 des_access=0x80
    kworker/0:1-12 [000] ..... 1.000008: smb3_reconnect: conn_id=0x1 server=vault.example current_mid=9
    alice-db-77 [000] ..... 1.000009: mm_filemap_add_to_page_cache: dev 0:30 ino 7 pfn=0x4 ofs=0 order=0
`;
  const text = join(folder, 'secretfile.txt');
  writeFileSync(text, gzipSync(trace));
  const path = join(folder, 'original.db');
  const target = { out: path, commandLine: 'import secretfile.txt', toolVersion: 'test' };
  await importTraces({ files: [text], target, kernel: '6.1.0-acme' });
  const anonymous = join(folder, 'anonymous.db');
  anonymiseCapture(path, anonymous);
  t.deepEqual(left(readFileSync(path), secret), secret);
  t.deepEqual(left(readFileSync(anonymous), secret), []);
  const capture = openCapture(anonymous);
  t.is(capture.info.kernel_release, '6.1.0');
  t.deepEqual(
    [...capture.lines()].map((line) => line.slice(line.indexOf(': ') + 2).trim()),
    [
      'tracing_mark_write: kcap op=0 open 0 rdonly file01',
      'tracing_mark_write: kcap op=1 read 0 0 4096',
      'netfs_read: R=00000001 READAHEAD c=00000000 ni=7 s=0 1000',
      '9p_protocol_dump: clnt 18446623456 P9_TWALK(tag = 1)\n000: 00 00 00 00 00 00 000000000000 00',
      'tracing_mark_write: removed',
      'sys_openat: removed',
      'smb3_open_enter: xid=1 sid=0x1 tid=0x1 path=file01 cr_opts=0x40 des_access=0x80',
      'smb3_reconnect: conn_id=0x1 server=host01 current_mid=9',
      'mm_filemap_add_to_page_cache: dev 0:30 ino 7 pfn=0x4 ofs=0 order=0',
    ],
  );
  capture.close();
});
