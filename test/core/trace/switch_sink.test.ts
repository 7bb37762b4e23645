/** A sink that changes its target: each target can be read by itself. */
import test from 'ava';
import { MemorySink } from '../../../src/core/trace/sink.js';
import { SwitchSink } from '../../../src/core/trace/switch_sink.js';
import { makeLab } from '../../helpers/lab.js';

test('each target gets the events of its time, with the strings and tasks from before', async (t) => {
  const [first, second] = [new MemorySink('E1'), new MemorySink('E1')];
  const sink = new SwitchSink('E1');
  const { lab, open, read } = makeLab(t, { a: 4096, b: 4096, c: 4096 }, { sink });
  sink.to(first);
  lab.tracer.stats(lab.stats);
  await read(open('a'), 0, 4096);
  sink.to();
  await read(open('c'), 0, 4096);
  sink.to(second);
  await read(open('b'), 0, 4096);
  lab.tracer.stats(lab.stats);
  const numbers = (memory: MemorySink) => [
    ...new Set(memory.rows.filter(({ comm }) => comm === 'reader').map(({ rreq }) => Number(rreq))),
  ];
  const [before, after] = [numbers(first), numbers(second)];
  t.is(before[0], 1);
  t.true(after.length > 0);
  // What came in between went nowhere.
  t.true(Math.min(...after) > Math.max(...before) + 1);
  t.is(first.snapshots.length, 1);
  t.is(second.snapshots.length, 1);
  t.true(second.lines().every((line) => !line.includes('undefined')));
});
