/** Wait queues: first come, first woken, and nobody woken twice. */
import test from 'ava';
import { WaitQueue } from '../../../src/core/sim/wait_queue.js';

test('everybody who waits is woken once, in the order they came', (t) => {
  const queue = new WaitQueue('test');
  const woken: number[] = [];
  for (const i of [1, 2, 3]) queue.add({ wake: () => woken.push(i) });
  t.is(queue.length, 3);
  queue.wakeAll();
  queue.wakeAll();
  t.deepEqual(woken, [1, 2, 3]);
  t.is(queue.length, 0);
});

test('who waits again while being woken is not woken by the same call', (t) => {
  const queue = new WaitQueue('test');
  let woken = 0;
  const sleeper = {
    wake: () => {
      woken++;
      queue.add(sleeper);
    },
  };
  queue.add(sleeper);
  queue.wakeAll();
  t.is(woken, 1);
  queue.wakeAll();
  t.is(woken, 2);
});

test('who was taken out is not woken', (t) => {
  const queue = new WaitQueue('test');
  const woken: string[] = [];
  const [a, b] = ['a', 'b'].map((name) => ({ wake: () => woken.push(name) }));
  queue.add(a!);
  queue.add(b!);
  queue.remove(a!);
  queue.remove(a!);
  queue.wakeAll();
  t.deepEqual(woken, ['b']);
});
