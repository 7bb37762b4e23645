/** Rows of `op` of a recording of system calls are played on files of their own names. */
import test from 'ava';
import { type OpRow, recordingOfRows } from '../../../../src/core/workload/formats/capture.js';
import { PLAIN_OPTIONS } from '../../../../src/core/workload/recording.js';

const row = (id: number, kind: string, file: string, len = Number.NaN): OpRow => ({
  ...{ id, task: 7, kind, file, len, result: len, startNs: id * 1000 },
  offset: Number.isNaN(len) ? Number.NaN : 0,
});

const ROWS = [
  row(1, 'open', '/etc'),
  row(2, 'close', '/etc'),
  row(3, 'open', '/srv/a'),
  row(4, 'read', '/srv/a', 100),
  row(5, 'mmap', '/srv/a', 4096),
  row(6, 'write', '/dev/null', 100),
  row(7, 'read', 'pipe:[12]', 100),
  row(8, 'close', '/srv/a'),
];

test('names are mapped, mappings read, and what is no file on a disk is left out', (t) => {
  const names = { maps: [['/srv', '.']] as const, root: '/nowhere' };
  const { ops, unplayed } = recordingOfRows(ROWS, { ...PLAIN_OPTIONS, names });
  t.deepEqual(
    ops.map(({ op }) => op.kind),
    ['open', 'read', 'load'],
  );
  t.like(ops[0]?.op, { kind: 'open', path: 'a' });
  t.deepEqual(
    unplayed.map(({ what, matters }) => [what, matters]),
    [
      ['write', false],
      ['read', false],
    ],
  );
});

test('with --mmap none a mapping is named as left out', (t) => {
  const { ops, unplayed } = recordingOfRows(ROWS, { ...PLAIN_OPTIONS, mmap: 'none' });
  t.false(ops.some(({ op }) => op.kind === 'load'));
  t.true(unplayed.some(({ what }) => what === 'mmap'));
});
