/** Overlays in the temporary directory: they go with their run, at the latest with the next one. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { makeScratch } from '../../../src/core/io/changes.js';
import { tempDir } from '../../helpers/lab.js';

test('scratch directories of processes that are gone are removed, others stay', (t) => {
  const parent = tempDir(t);
  const mine = makeScratch(parent, 'x-overlay') as string;
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  const orphan = path.basename(mine).replace(`-${process.pid}-`, `-${pid}-`);
  const elsewhere = orphan.replace(/^x-overlay-\d+/, 'x-overlay-1');
  for (const name of [orphan, elsewhere])
    fs.mkdirSync(path.join(parent, name, 'sub'), { recursive: true });
  const next = makeScratch(parent, 'x-overlay') as string;
  t.deepEqual(
    fs.readdirSync(parent).sort(),
    [path.basename(mine), path.basename(next), elsewhere].sort(),
  );
});
