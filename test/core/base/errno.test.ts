/** Error numbers: Linux's, by name and by number, and those of Node.js errors. */
import fs from 'node:fs';
import os from 'node:os';
import test from 'ava';
import type { ErrnoName } from '../../../src/core/base/errno.js';
import * as errno from '../../../src/core/base/errno.js';

const { errnoFromNode, errnoName, errnoOf, errnoText } = errno;

test('a number is named whatever its sign, and an unknown one by itself', (t) => {
  t.is(errnoName(5), 'EIO');
  t.is(errnoName(-512), 'ERESTARTSYS');
  t.is(errnoName(-4095), 'E4095');
  t.is(errnoText(-2), 'no such file or directory');
  t.is(errnoText(4095), 'unknown error');
});

test('the constants agree with the table', (t) => {
  const constants = Object.entries(errno).filter(([, value]) => typeof value === 'number');
  t.true(constants.length > 10);
  for (const [name, value] of constants) t.is(errnoName(value as number), name);
});

test('the numbers are those of the machine, where it is Linux', (t) => {
  if (process.platform !== 'linux') {
    t.pass();
    return;
  }
  // Two names of Node.js are second names of numbers in the table.
  const { EWOULDBLOCK, ENOTSUP, ...machine } = os.constants.errno;
  const known = Object.entries(machine).filter(([, value]) => !/^E\d/.test(errnoName(value)));
  t.true(known.length > 20);
  for (const [name, value] of known) t.is(errnoOf(name as ErrnoName), value);
});

test('an error of Node.js gives its negative number, and anything else EIO', (t) => {
  const error = t.throws(() => fs.readFileSync('/nowhere/at/all'));
  t.is(errnoFromNode(error), -errno.ENOENT);
  for (const other of [
    new Error('x'),
    { code: 'ERR_OUT_OF_RANGE' },
    { code: 5 },
    null,
    undefined,
  ]) {
    t.is(errnoFromNode(other), -errno.EIO);
  }
});
