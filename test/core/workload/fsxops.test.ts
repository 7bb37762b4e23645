/** The text that operations of fsx are kept in. */
import test from 'ava';
import { TraceParseError } from '../../../src/core/base/errors.js';
import { Prng } from '../../../src/core/sim/prng.js';
import { fsxOps } from '../../../src/core/workload/fsx.js';
import { parseFsxOps, printFsxOp } from '../../../src/core/workload/fsxops.js';
import { shrink } from '../../../src/core/workload/shrink.js';

test('operations are read back as they were printed', (t) => {
  const ops = fsxOps(200, new Prng(1), 1 << 18);
  const text = ops.map((op) => `${printFsxOp(op, 123)}\n`).join('');
  t.deepEqual(parseFsxOps(text, 'f'), { ops, skipped: [], marked: 0, notes: [] });
});

test('numbers may be hexadecimal, decimal or octal; marks and blank lines are passed over', (t) => {
  const { ops, skipped, marked } = parseFsxOps(
    [
      'write 0x10 16 010 *',
      '',
      'skip read 0x0 0x1 0x2',
      '  insert_range\t0x0 0x1 0x2',
      'truncate 0x0 0x20 0x10 close_open',
    ].join('\n'),
    'f',
  );
  t.is(marked, 1);
  t.deepEqual(
    skipped.map(({ kind, line }) => [kind, line]),
    [['insert_range', 4]],
  );
  t.deepEqual(ops, [
    { kind: 'write', offset: 16, length: 16, reopen: false },
    { kind: 'truncate', offset: 0, length: 32, reopen: true },
  ]);
});

for (const line of [
  'erase 0x0 0x1 0x2',
  'read 0x0 0x1',
  'read 0x0 0x1 0x2 often',
  'read 0xz 1 2',
]) {
  test(`a line that is no operation is named: ${line}`, (t) => {
    const error = t.throws(() => parseFsxOps(`fsync 0 0 0\n${line}\n`, 'a.fsxops'), {
      instanceOf: TraceParseError,
    });
    t.is(error?.line, 2);
  });
}

test('shrinking leaves only what is needed to fail', async (t) => {
  const items = Array.from({ length: 100 }, (_, i) => i);
  const fails = async (part: readonly number[]) => [7, 50, 51].every((each) => part.includes(each));
  t.deepEqual(await shrink(items, fails), [7, 50, 51]);
});
