/** That a change of a file shows, also where only its owner may set its times. */
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { showChange } from '../../../src/core/io/changes.js';
import { statFd } from '../../../src/core/io/files.js';
import type { FileStatus } from '../../../src/core/io/types.js';
import { tempDir } from '../../helpers/lab.js';

test.serial("a change of another owner's file shows, and is no EPERM", (t) => {
  const file = path.join(tempDir(t), 'f');
  fs.writeFileSync(file, 'content');
  const fd = fs.openSync(file, 'r+');
  t.teardown(() => fs.closeSync(fd));
  const { futimesSync } = fs;
  fs.futimesSync = () => {
    throw Object.assign(new Error('EPERM'), { code: 'EPERM', errno: -1 });
  };
  try {
    for (let round = 0; round < 5; round++) {
      const before = statFd(fd) as FileStatus;
      fs.writeSync(fd, 'x', 0);
      const after = showChange(fd, before);
      t.not(typeof after, 'number');
      t.not((after as FileStatus).mtime, before.mtime);
      t.is((after as FileStatus).size, 7);
    }
  } finally {
    fs.futimesSync = futimesSync;
  }
});
