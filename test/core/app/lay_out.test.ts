/** Files that a workload needs are laid out if they fit. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { layOut } from '../../../src/core/app/run/lay_out.js';
import { ErrnoError } from '../../../src/core/base/errors.js';
import { Lab } from '../../../src/core/lab/lab.js';
import { temporaryFolder } from '../../helpers/capture.js';

test('files that cannot fit are refused before any is made', async (t) => {
  const server = temporaryFolder(t);
  const lab = new Lab({ server, serverWrites: 'direct', clock: 'virtual' });
  const files = [
    { name: 'small', size: 4096, known: [] },
    { name: 'huge', size: 2 ** 52, known: [] },
  ];
  const error = await t.throwsAsync(layOut(lab, files, true), { instanceOf: ErrnoError });
  t.like(error, { code: 'ENOSPC' });
  t.false(existsSync(join(server, 'small')));
  const { made } = await layOut(lab, files.slice(0, 1), true);
  t.deepEqual(made, [{ name: 'small', size: 4096 }]);
  await lab.close();
});
