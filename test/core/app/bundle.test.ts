/** Bundles as the shell of capture-script packs them, and archives that are something else. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { importTraces } from '../../../src/core/app/import/import.js';
import { importName } from '../../../src/core/app/import/summary.js';
import { captureScript } from '../../../src/core/app/record/capture_script.js';
import { deltaTable } from '../../../src/core/app/stats/delta.js';
import { eventLines } from '../../../src/core/app/trace/events.js';
import { stuckTable } from '../../../src/core/app/trace/stuck.js';
import { StoreError } from '../../../src/core/base/errors.js';
import { openCapture } from '../../../src/core/store/database.js';
import { temporaryFolder } from '../../helpers/capture.js';
import { samplePath, sampleText } from '../../helpers/import.js';
import { SimulatedMachine } from '../../helpers/simulated_machine.js';
import { ROOT } from '../../helpers/source.js';

const SAMPLE = 'linux-6.12-cachefull3-known-file-nospace';
const LIST = `REQUEST  OR REF FL ERR  OPS COVERAGE
======== == === == ==== === =========
00000fff RA   3 20    0   1 @0000 0/1000
`;

/** Runs the script on a machine of files, whose trace is there before the recording begins. */
function bundle(t: ExecutionContext): string {
  const folder = temporaryFolder(t);
  const machine = new SimulatedMachine(folder);
  copyFileSync(samplePath(`${SAMPLE}/stats-before.txt`), machine.path('proc/fs/netfs/stats'));
  machine.write('proc/fs/netfs/requests', LIST);
  machine.trace = sampleText(`${SAMPLE}/trace.txt.gz`);
  machine.release = '6.12.107';
  const after = samplePath(`${SAMPLE}/stats-after.txt`);
  machine.during = `cp '${after}' '${machine.path('proc/fs/netfs/stats')}'`;
  return machine.run(t, captureScript({ trouble: 'slow', seconds: 1 }));
}

const target = (out: string) => ({ out, commandLine: 'test', toolVersion: 'test' });

test('the bundle of capture-script becomes one capture with all it holds', async (t) => {
  const file = bundle(t);
  const out = join(temporaryFolder(t), 'a.db');
  const { counts, era, files } = await importTraces({ files: [file], target: target(out) });
  const text = sampleText(`${SAMPLE}/trace.txt.gz`);
  const printed = [...eventLines(out, {}).lines].filter(
    (line) => !/^#|: netfs_requests/.test(line),
  );
  t.is(`${printed.join('\n')}\n`, text.replaceAll(/^#.*\n/gm, ''));
  t.is(counts.damaged.count + counts.unknown.count, 0);
  t.is(era.era, 'E6');
  t.deepEqual(
    files.map(({ name }) => name),
    [`${file}:trace.txt`],
  );
  const capture = openCapture(out);
  t.teardown(() => capture.close());
  t.is(capture.info.kernel_release, '6.12.107');
  const lists = capture.all('SELECT "event", "text" FROM "other_event" WHERE "system" = \'proc\'');
  const line = '00000fff RA   3 20    0   1 @0000 0/1000';
  t.deepEqual(lists, [
    { event: 'netfs_requests_before', text: line },
    { event: 'netfs_requests', text: line },
  ]);
  const rows = [...stuckTable(out).rows];
  t.like(
    rows.find(({ R }) => R === '00000fff'),
    { kind: 'RA', listed: '3 references, 1 operations' },
  );
  const changed = [...deltaTable(`${out}@1`, `${out}@2`, false).rows];
  t.true(changed.length > 0);
});

test('an archive that is damaged, cut short or holds no trace is told by its name', async (t) => {
  const folder = temporaryFolder(t);
  const bytes = gunzipSync(readFileSync(bundle(t)));
  const refused = async (name: string, content: Uint8Array, message: RegExp) => {
    const file = join(folder, name);
    writeFileSync(file, content);
    const importing = importTraces({ files: [file], target: target(join(folder, 'a.db')) });
    const error = await t.throwsAsync(importing, { instanceOf: StoreError, message });
    t.is(error?.file, file);
  };
  const renamed = Buffer.from(
    bytes.toString('latin1').replace(/trace\.txt/, 'trace.tmp'),
    'latin1',
  );
  await refused('checksum.tar', renamed, /is a tar archive that is damaged/);
  await refused('short.tar', bytes.subarray(0, 5000), /is a tar archive that ends early/);
  const empty = Buffer.concat([bytes.subarray(0, 512), Buffer.alloc(1024)]);
  await refused('empty.tar', empty, /is a tar archive without a trace/);
});

test('a capture of a bundle is named by the bundle', (t) => {
  t.is(importName(['/x/netfs-slow-host-1.tar.gz']), 'netfs-slow-host-1');
  t.is(importName(['/x/b.tgz']), 'b');
});

test('the tables of FS-Cache in a bundle become events of the system proc', async (t) => {
  const folder = join(temporaryFolder(t), 'netfs-slow-host');
  mkdirSync(folder);
  const reports = join(ROOT, 'traces/reports');
  const line = '  cat-12  [001] .....    12.000001: netfs_rreq: R=00000001 RA COLLECT f=2021\n';
  writeFileSync(join(folder, 'trace.txt'), line);
  copyFileSync(join(reports, 'proc-tables/cookies.txt'), join(folder, 'cookies.after'));
  copyFileSync(join(reports, 'dmesg-netfs-prefix/loaded.txt'), join(folder, 'dmesg'));
  const out = `${folder}.db`;
  await importTraces({ files: [folder], target: { out, commandLine: '', toolVersion: '' } });
  const capture = openCapture(out);
  const rows = capture.all(
    'SELECT "system", count(*) AS "n" FROM "other_event" GROUP BY 1 ORDER BY 1',
  );
  capture.close();
  t.deepEqual(rows, [
    { system: 'dmesg', n: 4 },
    { system: 'proc', n: 2 },
  ]);
});
