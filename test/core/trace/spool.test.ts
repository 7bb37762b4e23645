/** The spool file. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { ErrnoError, StoreError } from '../../../src/core/base/errors.js';
import {
  createSpool,
  isBeingWritten,
  processStart,
  SpoolReader,
  SpoolWriter,
} from '../../../src/core/trace/spool.js';
import { temporaryDirectory } from '../../helpers/trace.js';

test('words written to a spool are read from it, also while it grows', (t) => {
  const path = join(temporaryDirectory(t), 'a.spool');
  const meta = { era: 'E1', command_line: 'x'.repeat(10_000) };
  const writer = new SpoolWriter(path, createSpool(path, meta));
  const reader = new SpoolReader(path);
  t.deepEqual(reader.header.meta, meta);
  const words = new Float64Array(8);
  t.is(reader.read(words), 0);
  writer.append(Float64Array.from([1, 2, 3, 4]), 3);
  t.is(reader.read(words.subarray(2)), 3);
  t.deepEqual([...words.subarray(2, 5)], [1, 2, 3]);
  writer.append(Float64Array.from([5]), 1);
  t.is(reader.read(words), 1);
  t.is(words[0], 5);
  writer.close();
  reader.close();
});

test('a spool never replaces another', (t) => {
  const path = join(temporaryDirectory(t), 'a.spool');
  createSpool(path, {});
  t.is(t.throws(() => createSpool(path, {}), { instanceOf: ErrnoError })?.code, 'EEXIST');
});

test('a spool is being written while its process lives and has not given up', (t) => {
  const path = join(temporaryDirectory(t), 'a.spool');
  const header = createSpool(path, {});
  t.true(isBeingWritten(header));
  t.false(isBeingWritten({ ...header, pid: 2 ** 22 + 1 }), 'no such process');
  if (processStart(process.pid) !== '') {
    t.false(isBeingWritten({ ...header, started: '1' }), 'a number used again');
  }
  const writer = new SpoolWriter(path, header);
  writer.append(Float64Array.from([7]), 1);
  writer.release();
  writer.close();
  const reader = new SpoolReader(path);
  t.false(isBeingWritten(reader.header));
  const words = new Float64Array(2);
  t.is(reader.read(words), 1);
  t.is(words[0], 7);
  reader.close();
});

test('a file that is no spool, or one of another version, is refused', (t) => {
  const path = join(temporaryDirectory(t), 'a.spool');
  writeFileSync(path, 'something else');
  t.throws(() => new SpoolReader(path), { instanceOf: StoreError, message: /not a spool/ });
  const other = join(temporaryDirectory(t), 'b.spool');
  createSpool(other, {});
  const text = readFileSync(other, 'latin1').replace('"version":1', '"version":9');
  writeFileSync(other, text, 'latin1');
  t.throws(() => new SpoolReader(other), { instanceOf: StoreError, message: /version 9/ });
});
