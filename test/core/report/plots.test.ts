/** Pictures for a terminal: as wide as it is, and what they show. */
import test from 'ava';
import { plotOf } from '../../../src/core/app/trace/plots.js';
import { plotLines } from '../../../src/core/report/plot.js';
import { Samples } from '../../helpers/samples.js';

const samples = new Samples();
test.after.always(() => samples.close());

const axes = { x: (value: number) => `${value} s`, y: (value: number) => `${value} B` };
const points = Array.from({ length: 300 }, (_, x) => ({ x, y: x * x }));

test('a picture is as wide as the terminal, within bounds', (t) => {
  for (const [columns, width] of [
    [undefined, 64],
    [80, 80],
    [300, 160 + 10],
    [10, 16 + 10],
  ] as const) {
    const lines = [...plotLines([{ name: 'n', mark: '*', points }], axes, columns)];
    const widest = Math.max(...lines.map((line) => line.length));
    t.true(widest <= width + 10, `${columns}: ${widest}`);
    t.is(lines.length, 17);
  }
});

test('places on a logarithmic axis keep their order', (t) => {
  const logarithmic = { ...axes, logX: true, logY: true };
  const lines = [...plotLines([{ name: 'n', mark: '*', points }], logarithmic, 80)];
  const columns = lines.slice(0, 14).map((line) => line.indexOf('*'));
  const seen = columns.filter((column) => column >= 0);
  t.deepEqual(
    [...seen].sort((a, b) => b - a),
    seen,
  );
});

test('each picture of a capture shows what its table says', async (t) => {
  const { capture } = await samples.get('9p-6.12-cold');
  const picture = (name: 'concurrency' | 'latency' | 'readahead') =>
    plotOf(name, capture.path).lines.join('\n');
  t.regex(picture('concurrency'), /^1 in flight \|#/);
  t.regex(picture('readahead'), /^8 KiB \|\*/);
  t.regex(picture('latency'), /wait readahead DOWN/);
  t.throws(() => plotOf('writes', '/nowhere.db'), { message: /nowhere/ });
});

test('what was written adds up', async (t) => {
  const { capture } = await samples.get('cifs-7.3-writes');
  t.regex(plotOf('writes', capture.path).lines.join('\n'), /# written to the server/);
});
