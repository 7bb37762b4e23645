/** The two clocks. */
import test from 'ava';
import { RealClock, VirtualClock, wallDate, wallMs } from '../../../src/core/sim/clock.js';

test('the virtual clock stands still unless it is moved, and never goes back', (t) => {
  const clock = new VirtualClock();
  t.is(clock.now(), 0);
  clock.charge(250);
  clock.advanceTo(1000);
  clock.advanceTo(400);
  t.is(clock.now(), 1000);
  t.is(clock.epochMs, 0);
});

test('the real clock goes by itself in whole nanoseconds and cannot be charged', async (t) => {
  const clock = new RealClock();
  const before = clock.now();
  clock.charge();
  const wall = wallMs();
  await new Promise((resolve) => setTimeout(resolve, 5));
  const passed = clock.now() - before;
  t.true(passed >= 4e6 && passed <= (wallMs() - wall + 50) * 1e6, `${passed}`);
  t.true(Number.isInteger(clock.now()));
  t.true(Math.abs(clock.epochMs - wallDate().getTime()) < 60_000);
});
