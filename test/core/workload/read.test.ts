/** Sequential reads, and what the parameters of every workload mean. */
import test from 'ava';
import { Prng } from '../../../src/core/sim/prng.js';
import { WORKLOADS, workloadByName } from '../../../src/core/workload/index.js';
import { read } from '../../../src/core/workload/read.js';
import type { Workload, WorkloadParams } from '../../../src/core/workload/types.js';

const FILES = [
  { name: 'a', size: 10 },
  { name: 'empty', size: 0 },
  { name: 'b', size: 8 },
];

type Op = readonly [file: number, offset: number, length: number];

function ops(workload: Workload, params: Partial<WorkloadParams> = {}): Op[] {
  const defaults = {
    files: FILES,
    bs: 4,
    offset: 0,
    size: undefined,
    rwMixRead: 50,
    prng: new Prng(1),
  };
  const found: Op[] = [];
  const source = workload.ops({ ...defaults, ...params });
  while (source.next()) {
    const { file, offset, length } = source.op;
    found.push([file, offset, length]);
  }
  return found;
}

test('each file is read once from its beginning to its end, file after file', (t) => {
  t.deepEqual(ops(read), [
    [0, 0, 4],
    [0, 4, 4],
    [0, 8, 2],
    [2, 0, 4],
    [2, 4, 4],
  ]);
});

for (const workload of WORKLOADS) {
  const sorted = (params: Partial<WorkloadParams>) =>
    ops(workload, params).sort((a, b) => a[0] - b[0] || a[1] - b[1]);

  test(`${workload.name}: offset and size are counted in each file, and its end is kept`, (t) => {
    t.deepEqual(sorted({ offset: 3, size: 6 }), [
      [0, 3, 4],
      [0, 7, 2],
      [2, 3, 4],
      [2, 7, 1],
    ]);
  });

  test(`${workload.name}: an offset beyond the end of every file leaves nothing to do`, (t) => {
    t.deepEqual(sorted({ offset: 10 }), []);
  });

  test(`${workload.name}: a block larger than the file is cut to the file`, (t) => {
    t.deepEqual(sorted({ bs: 1 << 30 }), [
      [0, 0, 10],
      [2, 0, 8],
    ]);
  });

  test(`${workload.name}: without files there are no operations`, (t) => {
    t.deepEqual(sorted({ files: [] }), []);
  });

  test(`${workload.name}: is found by its name and says what it does`, (t) => {
    t.is(workloadByName(workload.name), workload);
    t.not(workload.doc, '');
  });
}

test('an unknown workload is a usage error that lists those there are', (t) => {
  const error = t.throws(() => workloadByName('trim'), { message: /--rw: .*'trim'/ });
  t.like(error, { hint: 'known workloads: read, randread, write, randwrite, rw, randrw' });
});
