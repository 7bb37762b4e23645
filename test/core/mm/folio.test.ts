/** Folios: locks and waits, PG_fscache, references, and which pages memory is taken from. */
import test from 'ava';
import { EINTR } from '../../../src/core/base/errno.js';
import { Bug } from '../../../src/core/base/errors.js';
import { PAGE_SIZE } from '../../../src/core/base/range.js';
import {
  PG_DIRTY,
  PG_FSCACHE,
  PG_HEAD,
  PG_LOCKED,
  PG_UPTODATE,
  PG_WRITEBACK,
} from '../../../src/core/mm/folio.js';
import type { Strand } from '../../../src/core/sim/scheduler.js';
import type { Task } from '../../../src/core/sim/wait_queue.js';
import { Rig, rigBytes } from './rig.js';

/** Starts a task that notes the value of `body` when it has one. */
function note<T>(rig: Rig, into: T[], body: () => Task<T>): Strand {
  return rig.scheduler.spawn('waiter', function* () {
    into.push(yield* body());
  });
}

test('a folio enters its mapping locked, with a reference for each of its two owners', (t) => {
  const rig = new Rig();
  const pfn = rig.folios.addLocked(rig.mapping, 7, 2);
  t.is(rig.folios.flagsOf(pfn), PG_LOCKED | PG_HEAD);
  t.is(rig.folios.refsOf(pfn), 2);
  t.is(rig.folios.mappingOf(pfn), rig.mapping);
  t.deepEqual(
    [rig.folios.indexOf(pfn), rig.folios.pagesOf(pfn), rig.folios.sizeOf(pfn)],
    [7, 4, 4 * PAGE_SIZE],
  );
  t.deepEqual(rig.present(), [7, 8, 9, 10]);
});

test('waiters of a lock are woken when it is released, in the order they came', async (t) => {
  const rig = new Rig();
  const pfn = rig.folios.addLocked(rig.mapping, 0);
  const woken: string[] = [];
  for (const name of ['first', 'second']) {
    note(rig, woken, function* () {
      t.is(yield* rig.folios.waitUnlocked(pfn), 0);
      return `${name} at ${rig.clock.now()}`;
    });
  }
  rig.scheduler.after(40, () => rig.folios.unlock(pfn));
  await rig.scheduler.drain();
  t.deepEqual(woken, ['first at 40', 'second at 40']);
});

test('a lock has one holder at a time, and each task that wants it gets it', async (t) => {
  const rig = new Rig();
  const pfn = rig.folios.addLocked(rig.mapping, 0);
  const held: string[] = [];
  let holders = 0;
  for (const name of ['a', 'b', 'c']) {
    note(rig, held, function* () {
      yield* rig.folios.lock(pfn);
      t.is(++holders, 1);
      yield* rig.scheduler.sleep(10);
      holders--;
      rig.folios.unlock(pfn);
      return name;
    });
  }
  rig.scheduler.after(5, () => rig.folios.unlock(pfn));
  await rig.scheduler.drain();
  t.deepEqual(held.toSorted(), ['a', 'b', 'c']);
  t.is(rig.clock.now(), 35);
});

test('a lock is not taken twice and not released twice', (t) => {
  const rig = new Rig();
  const pfn = rig.folios.addLocked(rig.mapping, 0);
  t.false(rig.folios.tryLock(pfn));
  rig.folios.unlock(pfn);
  t.throws(() => rig.folios.unlock(pfn), { instanceOf: Bug, message: /unlocked twice/ });
  t.true(rig.folios.tryLock(pfn));
});

const killed = test.macro({
  async exec(t, what: 'waitUnlocked' | 'waitFscache') {
    const rig = new Rig();
    const pfn = rig.folios.addLocked(rig.mapping, 0);
    rig.folios.startFscache(pfn);
    const results: number[] = [];
    const strand = note(rig, results, () => rig.folios[what](pfn, true));
    rig.scheduler.after(10, () => rig.scheduler.kill(strand));
    await rig.scheduler.drain();
    t.deepEqual(results, [-EINTR]);
  },
  title: (_, what: string) => `a fatal signal ends ${what} with EINTR`,
});

test(killed, 'waitUnlocked');
test(killed, 'waitFscache');

test('a fatal signal does not end a wait for the cache that is not killable', async (t) => {
  const rig = new Rig();
  const pfn = rig.place(0);
  rig.folios.startFscache(pfn);
  const results: number[] = [];
  const strand = note(rig, results, () => rig.folios.waitFscache(pfn));
  rig.scheduler.after(10, () => rig.scheduler.kill(strand));
  rig.scheduler.after(20, () => {
    t.deepEqual(results, []);
    rig.folios.endFscache(pfn);
  });
  await rig.scheduler.drain();
  t.deepEqual(results, [0]);
});

test('PG_fscache holds a reference from its start to its end and wakes who waits for it', async (t) => {
  const rig = new Rig();
  const pfn = rig.place(0);
  rig.folios.startFscache(pfn);
  t.is(rig.folios.refsOf(pfn), 2);
  t.true(rig.folios.test(pfn, PG_FSCACHE));
  const results: number[] = [];
  note(rig, results, () => rig.folios.waitFscache(pfn));
  rig.scheduler.after(10, () => rig.folios.endFscache(pfn));
  await rig.scheduler.drain();
  t.deepEqual(results, [0]);
  t.is(rig.folios.refsOf(pfn), 1);
  t.is(rig.folios.flagsOf(pfn), PG_UPTODATE);
});

test('PG_fscache is neither started nor ended twice', (t) => {
  const rig = new Rig();
  const pfn = rig.place(0);
  t.throws(() => rig.folios.endFscache(pfn), { instanceOf: Bug, message: /ended twice/ });
  rig.folios.startFscache(pfn);
  t.throws(() => rig.folios.startFscache(pfn), { instanceOf: Bug, message: /set twice/ });
});

test('a wait for a condition that holds already does not sleep', (t) => {
  const rig = new Rig();
  const pfn = rig.place(0);
  t.deepEqual(rig.folios.waitUnlocked(pfn).next(), { done: true, value: 0 });
  t.deepEqual(rig.folios.waitFscache(pfn).next(), { done: true, value: 0 });
});

test('a folio lives until its last reference is dropped', (t) => {
  const rig = new Rig({ cachePages: 4 });
  const pfn = rig.place(0);
  rig.folios.get(pfn);
  rig.folios.remove(pfn);
  t.is(rig.folios.mappingOf(pfn), undefined);
  t.deepEqual(rig.present(), []);
  t.is(rig.folios.frames.free, 3);
  rig.folios.put(pfn);
  t.is(rig.folios.frames.free, 4);
});

test('dropping the reference of a mapping that still holds the folio is a bug', (t) => {
  const rig = new Rig();
  const pfn = rig.place(0);
  t.throws(() => rig.folios.put(pfn), { instanceOf: Bug, message: /while it is in a mapping/ });
});

test('memory is taken from the oldest pages but those used more than once', (t) => {
  const rig = new Rig({ cachePages: 8 });
  for (let i = 0; i < 8; i++) rig.place(i);
  for (const index of [0, 1, 3, 0, 3]) rig.folios.touch(rig.mapping.find(index));
  t.is(rig.folios.reclaim(3), 3);
  t.deepEqual(rig.present(), [0, 3, 5, 6, 7]);
  t.deepEqual(
    [...rig.folios.all()].map((pfn) => rig.folios.indexOf(pfn)),
    [5, 6, 7, 0, 3],
  );
});

test('a page that was read twice outlives one that was read once, but not for ever', async (t) => {
  const rig = new Rig({ cachePages: 8 });
  for (let i = 0; i < 4; i++) rig.place(i);
  const file = rig.open();
  for (const index of [0, 1, 1]) await rig.read(file, index * PAGE_SIZE, 10);
  rig.folios.reclaim(3);
  t.deepEqual(rig.present(), [1]);
  rig.folios.reclaim(1);
  t.deepEqual(rig.present(), []);
});

test('when every page is in use again and again, reclaim still finds the oldest', (t) => {
  const rig = new Rig({ cachePages: 8 });
  for (let i = 0; i < 8; i++) {
    const pfn = rig.place(i);
    for (let n = 0; n < 3; n++) rig.folios.touch(pfn);
  }
  t.is(rig.folios.reclaim(2), 2);
  t.deepEqual(rig.present(), [2, 3, 4, 5, 6, 7]);
});

test('pages in use are passed over by reclaim', (t) => {
  const rig = new Rig({ cachePages: 16 });
  for (let i = 0; i < 6; i++) rig.place(i);
  const [locked, dirty, written, stored, held] = [0, 1, 2, 3, 4].map((i) => rig.mapping.find(i));
  rig.folios.tryLock(locked!);
  rig.folios.set(dirty!, PG_DIRTY);
  rig.folios.set(written!, PG_WRITEBACK);
  rig.folios.startFscache(stored!);
  rig.folios.get(held!);
  t.is(rig.folios.reclaim(100), 1);
  t.deepEqual(rig.present(), [0, 1, 2, 3, 4]);
});

test('a folio that can be had only by reclaiming is had, and none when all are in use', (t) => {
  const rig = new Rig({ cachePages: 4 });
  for (let i = 0; i < 4; i++) rig.place(i);
  t.true(rig.folios.addLocked(rig.mapping, 10) >= 0);
  for (let i = 11; i < 14; i++) t.true(rig.folios.addLocked(rig.mapping, i) >= 0);
  t.is(rig.folios.addLocked(rig.mapping, 20), -1);
  t.deepEqual(rig.present(), [10, 11, 12, 13]);
});

test('memory is taken from 32 pages at a time', (t) => {
  const rig = new Rig({ cachePages: 64 });
  for (let i = 0; i < 64; i++) rig.place(i);
  rig.folios.addLocked(rig.mapping, 100);
  t.is(rig.mapping.pages, 64 - 32 + 1);
  t.is(rig.present()[0], 32);
});

test('pages in use are passed over once, not by every reclaim', (t) => {
  const rig = new Rig({ cachePages: 64 });
  for (let i = 0; i < 64; i++) rig.place(i);
  for (let i = 0; i < 48; i++) rig.folios.tryLock(rig.mapping.find(i));
  t.is(rig.folios.reclaim(1), 1);
  // Those passed over are the newest now: the oldest is one that can be dropped.
  const [oldest] = rig.folios.all();
  t.is(rig.folios.indexOf(oldest as number), 49);
  for (let i = 0; i < 15; i++) t.is(rig.folios.reclaim(1), 1);
  t.is(rig.folios.reclaim(1), 0);
  rig.folios.unlock(rig.mapping.find(7));
  t.is(rig.folios.reclaim(5), 1);
  t.is(rig.mapping.find(7), -1);
});

test('a page that becomes free wakes who waits for memory', async (t) => {
  const ways: Array<(rig: Rig, pfn: number) => void> = [
    (rig, pfn) => rig.folios.unlock(pfn),
    (rig, pfn) => rig.folios.endFscache(pfn),
    (rig, pfn) => rig.folios.put(pfn),
  ];
  const times: number[] = [];
  for (const [i, way] of ways.entries()) {
    const rig = new Rig({ cachePages: 1 });
    const pfn = rig.place(0);
    [() => rig.folios.tryLock(pfn), () => rig.folios.startFscache(pfn), () => rig.folios.get(pfn)][
      i
    ]!();
    note(rig, times, function* () {
      yield* rig.folios.waitForMemory();
      return rig.clock.now();
    });
    rig.scheduler.after(10, () => way(rig, pfn));
    await rig.scheduler.drain();
  }
  t.deepEqual(times, [10, 10, 10]);
});

test('a file of 64 MiB is read through 8 MiB of memory, each byte right', async (t) => {
  const rig = new Rig({ size: 64 << 20, cachePages: 2048 });
  const file = rig.open();
  const step = 1 << 20;
  const target = new Uint8Array(step);
  let most = 0;
  await rig.run(function* () {
    for (let pos = 0; pos < 64 << 20; pos += step) {
      const got = yield* rig.filemap.read(file, target, 0, step, pos);
      t.is(got, step);
      t.true(Buffer.compare(target, rigBytes(pos, step)) === 0);
      most = Math.max(most, rig.mapping.pages);
    }
  });
  t.true(most <= 2048 && most > 1024, `${most} pages`);
  t.is(rig.folios.frames.free, 2048 - rig.mapping.pages);
});

test('the pages of a window have neighbouring frames, in a full cache too', async (t) => {
  const windows: boolean[] = [];
  const rig = new Rig({
    size: 8 << 20,
    cachePages: 256,
    expand: ({ mapping, index, nrPages }) => {
      const first = mapping.find(index);
      const neighbours = Array.from({ length: nrPages }, (_, i) => mapping.find(index + i) - first);
      windows.push(neighbours.every((distance, i) => distance === i));
    },
  });
  await rig.sequential(rig.open(), 32, 0, 2048);
  t.true(windows.length >= 64);
  // Only the windows that the end of the memory cuts in two are not in one piece.
  t.true(windows.filter((whole) => !whole).length <= 8, `${windows}`);
});
