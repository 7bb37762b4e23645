/** The mapping of a file: looking up, entering and erasing pages, ranges, and dropping pages. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import fc from 'fast-check';
import { Bug } from '../../../src/core/base/errors.js';
import { AddressSpace } from '../../../src/core/mm/address_space.js';
import { PG_DIRTY, PG_WRITEBACK } from '../../../src/core/mm/folio.js';
import { makeMemory, Rig } from './rig.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

test('a mapping behaves as a map from page to folio, whatever is entered and erased', (t) => {
  const memory = makeMemory(256);
  const place = fc.record({
    // Pages far apart and on both sides of the edges of the nodes of 64.
    index: fc.oneof(
      fc.integer({ min: 0, max: 200 }),
      fc.constantFrom(2 ** 20, 2 ** 22 - 1, 2 ** 31, 2 ** 40),
    ),
    order: fc.integer({ min: 0, max: 2 }),
    erase: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(place, { maxLength: 60 }), (places) => {
      const rig = new Rig({ memory });
      const model = new Map<number, number>();
      for (const { index, order, erase } of places) {
        const head = rig.mapping.find(index);
        if (head !== (model.get(index) ?? -1)) return false;
        if (erase && head >= 0) {
          for (const [page, pfn] of model) if (pfn === head) model.delete(page);
          rig.folios.remove(head);
        } else if (rig.mapping.nextMiss(index, 1 << order) === index) {
          const free = Array.from({ length: 1 << order }, (_, i) => rig.mapping.find(index + i));
          if (free.some((pfn) => pfn >= 0)) continue;
          const pfn = rig.place(index, 0, order);
          for (let i = 0; i < 1 << order; i++) model.set(index + i, pfn);
        }
      }
      const pages = [...model.keys()].sort((a, b) => a - b);
      const same = JSON.stringify(rig.present()) === JSON.stringify(pages);
      const counted = rig.mapping.pages === pages.length;
      rig.mapping.invalidate(0, Number.MAX_SAFE_INTEGER);
      return same && counted && rig.mapping.pages === 0;
    }),
    { numRuns: 60, seed: 20210423 },
  );
  t.is(memory.folios.frames.free, 256);
});

test('pages are found in nodes that are full, in a row or not, and after one has gone', (t) => {
  const rig = new Rig({ memory: makeMemory(256) });
  const backwards = (index: number): number => (index < 64 ? index : 191 - index);
  const placed = Array.from({ length: 128 }, (_, i) => [backwards(i), rig.place(backwards(i))]);
  const found = (): unknown[] => placed.map(([index]) => [index, rig.mapping.find(index!)]);
  t.deepEqual(found(), placed);
  for (const gone of [0, 63, 64]) {
    rig.folios.remove(rig.mapping.find(gone));
    for (const each of placed) if (each[0] === gone) each[1] = -1;
    t.deepEqual(found(), placed);
  }
  for (const each of placed) if (each[1] === -1) each[1] = rig.place(each[0]!);
  t.deepEqual(found(), placed);
});

test('a page is not entered where one is present, nor erased where none is', (t) => {
  const rig = new Rig();
  rig.place(5);
  t.throws(() => rig.mapping.insert(5, 9, 1), { instanceOf: Bug, message: /page 5 entered twice/ });
  t.throws(() => rig.mapping.erase(6, 1), { instanceOf: Bug, message: /page 6 erased but absent/ });
});

test('places that pages have left cost no memory', (t) => {
  const rig = new Rig();
  const buffers = (): number => {
    // The first one finds what is free, memory outside the heap goes with the second.
    collectGarbage();
    collectGarbage();
    return process.memoryUsage().arrayBuffers;
  };
  const before = buffers();
  for (let i = 0; i < 10_000; i++) rig.folios.remove(rig.place(i * 1000));
  const kept = buffers() - before;
  t.is(rig.mapping.pages, 0);
  t.true(kept < 500_000, `${kept} bytes`);
});

test('the first absent page is found within the range asked', (t) => {
  const rig = new Rig();
  for (const index of [60, 61, 62, 63, 64, 65, 67]) rig.place(index);
  t.is(rig.mapping.nextMiss(60, 32), 66);
  t.is(rig.mapping.nextMiss(60, 6), -1);
  t.is(rig.mapping.nextMiss(60, 7), 66);
  t.is(rig.mapping.nextMiss(5, 3), 5);
});

test('the pages present just below are counted to the first gap, the limit or the start', (t) => {
  const rig = new Rig();
  for (const index of [0, 1, 2, 60, 62, 63, 64]) rig.place(index);
  t.is(rig.mapping.presentBelow(65, 32), 3);
  t.is(rig.mapping.presentBelow(65, 2), 2);
  t.is(rig.mapping.presentBelow(3, 32), 3);
  t.is(rig.mapping.presentBelow(0, 32), 0);
});

test('a range yields each folio once, those that only reach into it too', (t) => {
  const rig = new Rig();
  for (const index of [3, 4, 66]) rig.place(index);
  rig.place(60, 0, 2);
  rig.place(64, 0, 1);
  const indices = (first: number, last: number): number[] =>
    [...rig.mapping.range(first, last)].map((pfn) => rig.folios.indexOf(pfn));
  t.deepEqual(indices(0, 1000), [3, 4, 60, 64, 66]);
  t.deepEqual(indices(4, 61), [4, 60]);
  t.deepEqual(indices(62, 65), [60, 64]);
  t.deepEqual(indices(5, 59), []);
});

test('invalidating drops the clean idle pages that lie wholly in the range', (t) => {
  const rig = new Rig();
  for (let i = 0; i < 8; i++) rig.place(i);
  rig.place(8, 0, 2);
  t.is(rig.mapping.invalidate(2, 10), 6);
  t.deepEqual(rig.present(), [0, 1, 8, 9, 10, 11]);
  t.is(rig.mapping.invalidate(8, 11), 4);
});

test('invalidating leaves pages that are locked, dirty, being written, being stored or held', (t) => {
  const rig = new Rig();
  for (let i = 0; i < 6; i++) rig.place(i);
  const at = (i: number): number => rig.mapping.find(i);
  rig.folios.tryLock(at(0));
  rig.folios.set(at(1), PG_DIRTY);
  rig.folios.set(at(2), PG_WRITEBACK);
  rig.folios.startFscache(at(3));
  rig.folios.get(at(4));
  t.is(rig.mapping.invalidate(0, 100), 1);
  t.deepEqual(rig.present(), [0, 1, 2, 3, 4]);
});

test('invalidating leaves pages that are mapped; removing one unmaps it everywhere', (t) => {
  const rig = new Rig();
  for (let i = 0; i < 3; i++) rig.place(i);
  const unmapped: number[][] = [];
  const areas = [1, 1].map(() => ({
    unmap: (index: number, pages: number) => unmapped.push([index, pages]),
    isMapped: (index: number) => index === 1,
    writeProtect: () => {},
  }));
  for (const area of areas) rig.mapping.areas.add(area);
  t.is(rig.mapping.invalidate(0, 2), 2);
  t.deepEqual(rig.present(), [1]);
  unmapped.length = 0;
  rig.folios.remove(rig.mapping.find(1));
  t.deepEqual(unmapped, [
    [1, 1],
    [1, 1],
  ]);
});

test('a mapping without an inode is a bug when it is asked for one', (t) => {
  const rig = new Rig();
  const mapping = new AddressSpace(rig.folios, rig.mapping.ops);
  t.throws(() => mapping.host, { instanceOf: Bug });
});

test('dirty pages far apart are found in order, in no time', (t) => {
  const pages = 16_000;
  const rig = new Rig({ cachePages: pages });
  for (let i = 0; i < pages; i++) rig.place(i * 64 * 3);
  const all = [...rig.mapping.range(0, Number.MAX_SAFE_INTEGER)];
  for (const pfn of all) rig.folios.markDirty(pfn);
  const found: number[] = [];
  const before = process.cpuUsage().user;
  for (let at = 0; ; ) {
    const pfn = rig.mapping.nextTagged(at, Number.MAX_SAFE_INTEGER, PG_DIRTY);
    if (pfn < 0) break;
    rig.folios.clearDirty(pfn);
    found.push(pfn);
    at = rig.folios.indexOf(pfn) + 1;
  }
  const took = process.cpuUsage().user - before;
  t.deepEqual(found, all);
  // Microseconds of a processor; sorting what is left for each page took 20 s.
  t.true(took < 1_000_000, `${took}`);
});
