/** Two captures by their figures, and the script that records one. */
import { join } from 'node:path';
import test from 'ava';
import { compareCaptures } from '../../../src/core/app/trace/compare.js';
import { captureOfTimes, temporaryFolder } from '../../helpers/capture.js';

const MS = 1e6;
const times = (n: number, of: (i: number) => number) => Array.from({ length: n }, (_, i) => of(i));

test('slower slices are beyond the threshold, equal ones and few slow ones are not', async (t) => {
  const folder = temporaryFolder(t);
  const before = await captureOfTimes(
    join(folder, 'a.db'),
    times(60, (i) => MS + i * 1000),
  );
  const same = await captureOfTimes(
    join(folder, 'b.db'),
    times(60, (i) => MS + (59 - i) * 1000),
  );
  const slow = await captureOfTimes(
    join(folder, 'c.db'),
    times(60, (i) => 2 * MS + i * 1000),
  );
  const beyond = (left: string, right: string) =>
    compareCaptures(left, right)
      .filter((each) => each.beyond)
      .map(({ what, name }) => `${what} ${name}`);
  t.deepEqual(beyond(before, same), []);
  t.deepEqual(beyond(before, slow), [
    'latency ns DOWN p50',
    'latency ns DOWN p90',
    'latency ns DOWN p99',
  ]);
  t.deepEqual(beyond(slow, before), []);
  const median = compareCaptures(before, slow).find(({ name }) => name === 'DOWN p50');
  t.regex(median?.confidence ?? '', /^1\.00 \[1\.00, 1\.00\] p=/);
});
