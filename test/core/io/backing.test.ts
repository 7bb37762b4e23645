/** The directory of a cache on the machine's own filesystem. */
import fs from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { EEXIST, ENOENT, errnoOf } from '../../../src/core/base/errno.js';
import { DiskBacking } from '../../../src/core/io/backing.js';
import { DRIVERS } from '../../../src/core/io/drivers.js';
import { tempDir } from '../../helpers/lab.js';

test('directories are made with those above them, and may be there', (t) => {
  const backing = new DiskBacking(DRIVERS.sync());
  const top = tempDir(t);
  const deep = join(top, 'a/b/c');
  t.is(backing.makeDirectory(deep), 0);
  t.is(fs.statSync(deep).mode & 0o777, 0o700);
  t.is(backing.makeDirectory(deep), 0);
  fs.writeFileSync(join(top, 'file'), '');
  t.is(backing.makeDirectory(join(top, 'file')), -EEXIST);
  t.is(backing.makeDirectory(join(top, 'file/below')), -errnoOf('ENOTDIR'));
});

test('where nothing can be made, making a directory ends', (t) => {
  const backing = new DiskBacking(DRIVERS.sync());
  t.is(backing.makeDirectory('/proc/nope'), -ENOENT);
  t.is(backing.makeDirectory('/proc/nope/below'), -ENOENT);
});
