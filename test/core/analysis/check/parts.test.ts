/**
 * Parts of traces: what began before the trace, and what was not recorded, causes no finding.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import test from 'ava';
import { checkCapture } from '../../../../src/core/analysis/check/check.js';
import { Prng } from '../../../../src/core/sim/prng.js';
import { temporaryFolder } from '../../../helpers/capture.js';
import { imported, SAMPLES, type SampleName, Samples } from '../../../helpers/samples.js';
import { ROOT } from '../../../helpers/source.js';

const samples = new Samples();
test.after.always(() => samples.close());

const NAMES: readonly SampleName[] = [
  ...(['9p-6.18-direct', 'afs-6.18-writes', 'cifs-6.18-hang', '9p-7.3-odd'] as const),
  ...(['9p-7.3-direct', '9p-7.3-full', 'afs-7.3-hang', 'cifs-7.3-writes'] as const),
  '9p-7.3-killed',
];

for (const name of NAMES) {
  test(`a trace of ${name} that begins anywhere has no findings`, async (t) => {
    const { capture, events } = await samples.get(name);
    const prng = new Prng(1);
    for (let i = 0; i < 40; i++) {
      const from = prng.below(events.length);
      const { findings } = checkCapture(capture, undefined, () => events.slice(from));
      t.deepEqual(findings, [], `from event ${events[from]?.id} on`);
    }
  });
}

/** What people leave out when they choose events. */
const LEFT_OUT = [
  ...['netfs_sreq_ref', 'netfs_rreq_ref|netfs_sreq_ref', 'netfs_collect\\w*', 'netfs_folio'],
  ...['netfs_read', 'netfs_write', 'netfs_failure', 'netfs_rreq', 'netfs_sreq'],
  ...['cachefiles_\\w+', 'fscache_\\w+', 'netfs_read_progress_at'],
];

for (const name of ['9p-7.3-killed', 'afs-6.18-writes', 'cifs-7.3-writes'] as const) {
  test(`a trace of ${name} without some events has no findings`, async (t) => {
    const folder = temporaryFolder(t);
    const text = gunzipSync(readFileSync(join(ROOT, SAMPLES[name]))).toString();
    for (const [i, events] of LEFT_OUT.entries()) {
      const file = join(folder, `${i}.txt`);
      const left = text.split('\n').filter((line) => !new RegExp(`: (${events}): `).test(line));
      writeFileSync(file, left.join('\n'));
      const capture = await imported(folder, String(i), file);
      t.deepEqual(checkCapture(capture).findings, [], `without ${events}`);
      capture.close();
    }
  });
}
