/**
 * Every analysis over every sample answers what stands in `test/golden/`. A new sample or analysis
 * is found by itself; after a wanted change `npm run golden` writes the files anew, to be reviewed
 * as a difference. `NETFSLAB_GOLDEN_CAPTURES` = a folder where imported samples are kept.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import test from 'ava';
import { openCapture } from '../../../src/core/store/database.js';
import type { Capture } from '../../../src/core/store/types.js';
import { goldenLines } from '../../helpers/golden.js';
import { imported, SAMPLES, type SampleName } from '../../helpers/samples.js';
import { ROOT } from '../../helpers/source.js';
import { temporaryDirectory } from '../../helpers/trace.js';

const KEPT = process.env.NETFSLAB_GOLDEN_CAPTURES;
const WRITE = process.env.NETFSLAB_GOLDEN === 'write';
const FOLDER = join(ROOT, 'test/golden');

async function captureOf(folder: string, name: string): Promise<Capture> {
  const path = join(folder, `${name}.db`);
  if (existsSync(path)) return openCapture(path);
  if (name !== 'run') return imported(folder, name, join(ROOT, SAMPLES[name as SampleName]));
  writeFileSync(path, gunzipSync(readFileSync(join(ROOT, 'traces/schema-3/run.db.gz'))));
  return openCapture(path);
}

for (const name of [...Object.keys(SAMPLES), 'run']) {
  test(`${name}: every question has the answer that it had`, async (t) => {
    const capture = await captureOf(KEPT ?? temporaryDirectory(t), name);
    const found = [...goldenLines(capture)];
    capture.close();
    const path = join(FOLDER, `${name}.txt`);
    if (WRITE) {
      mkdirSync(FOLDER, { recursive: true });
      writeFileSync(path, `${found.join('\n')}\n`);
    }
    t.deepEqual(found, readFileSync(path, 'utf8').trimEnd().split('\n'));
  });
}
