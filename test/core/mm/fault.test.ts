/** Read faults of mapped files: read-around, advice, hits and misses, map-around, SIGBUS. */
import test from 'ava';
import { EFAULT, EINTR, EIO } from '../../../src/core/base/errno.js';
import { PAGE_SIZE } from '../../../src/core/base/range.js';
import { Area, type AreaAdvice, FaultHandler } from '../../../src/core/mm/fault.js';
import { PG_READAHEAD, PG_UPTODATE } from '../../../src/core/mm/folio.js';
import type { OpenFile } from '../../../src/core/mm/types.js';
import { Rig, type RigOptions } from './rig.js';

/** A whole file mapped. */
class Mapped {
  readonly rig: Rig;
  readonly file: OpenFile;
  readonly area: Area;
  readonly #handler: FaultHandler;

  constructor(options: Partial<RigOptions> = {}, first = 0, pages = 1e6) {
    this.rig = new Rig(options);
    const { rig } = this;
    this.file = rig.open();
    this.area = new Area(this.file, first, pages);
    this.#handler = new FaultHandler(rig.folios, rig.filemap, rig.scheduler);
  }

  /** Touches a page: 0 or the errno. A page that is mapped does not fault. */
  async touch(index: number): Promise<number> {
    if (this.area.isMapped(index, 1)) return 0;
    return this.rig.run(() => this.#handler.fault(this.area, index));
  }

  /** The pages mapped, of those below 1100. */
  mapped(): number[] {
    return Array.from({ length: 1100 }, (_, i) => i).filter((i) => this.area.isMapped(i, 1));
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

const readsAround = test.macro({
  async exec(t, _what: string, index: number, options: Partial<RigOptions>, calls: string[]) {
    const mapped = new Mapped(options);
    t.is(await mapped.touch(index), 0);
    t.deepEqual(mapped.rig.calls, calls);
    t.true(mapped.area.isMapped(index, 1));
  },
  title: (_, what: string) => what,
});

test(
  readsAround,
  'a fault reads a window around itself, marked a quarter before its end',
  100,
  {},
  ['84+32 m108'],
);
test(readsAround, 'a fault near the start reads a whole window from the start', 5, {}, [
  '0+32 m24',
]);
test(
  readsAround,
  'a window around a fault ends with the file, and its marker moves with the end',
  100,
  { size: 110 * PAGE_SIZE },
  ['84+26 m102'],
);
test(readsAround, 'a window cut to less than a quarter has no marker', 5, { size: 6 * PAGE_SIZE }, [
  '0+6',
]);
test(readsAround, 'a fault in a window of odd size rounds its halves down', 100, { raPages: 31 }, [
  '85+31 m109',
]);
test(readsAround, 'with readahead switched off a fault reads its page', 100, { raPages: 0 }, [
  'RP 100',
]);

const advised = test.macro({
  async exec(t, advice: AreaAdvice, index: number, calls: string[]) {
    const mapped = new Mapped();
    mapped.area.advice = advice;
    t.is(await mapped.touch(index), 0);
    t.deepEqual(mapped.rig.calls, calls);
    t.is(mapped.file.ra.mmapMiss, 0);
  },
  title: (_, advice: string, index: number) =>
    `a fault of page ${index} in an area advised ${advice} reads what the advice says`,
});

test(advised, 'random', 100, ['RP 100']);
test(advised, 'sequential', 0, ['0+32 m16']);
test(advised, 'sequential', 100, ['100+32']);

test('a marked page met in an area advised random starts nothing', async (t) => {
  const mapped = new Mapped();
  mapped.rig.place(8, PG_UPTODATE | PG_READAHEAD);
  mapped.area.advice = 'random';
  mapped.file.ra.mmapMiss = 5;
  t.is(await mapped.touch(8), 0);
  t.deepEqual(mapped.rig.calls, []);
  t.is(mapped.file.ra.mmapMiss, 5);
});

test('a marked page faults though it is ready, and starts the next window', async (t) => {
  const mapped = new Mapped();
  await mapped.touch(100);
  t.deepEqual(mapped.mapped(), [...range(96, 108), ...range(109, 112)]);
  t.is(await mapped.touch(108), 0);
  t.deepEqual(mapped.rig.calls, ['84+32 m108', '116+32 m116']);
  t.true(mapped.area.isMapped(108, 1));
});

test('a miss counts up, and each ready page that is mapped around counts down', async (t) => {
  const mapped = new Mapped();
  const { ra } = mapped.file;
  ra.mmapMiss = 50;
  await mapped.touch(100);
  // One miss; pages 96 to 111 without the marked one are ready.
  t.is(ra.mmapMiss, 50 + 1 - 15);
  await mapped.touch(108);
  // The 15 again, the hit of the marked page, and all 16 when the fault is tried again.
  t.is(ra.mmapMiss, 36 - 15 - 1 - 16);
});

test('misses do not count below none', async (t) => {
  const mapped = new Mapped();
  await mapped.touch(100);
  t.is(mapped.file.ra.mmapMiss, 0);
  await mapped.touch(108);
  t.is(mapped.file.ra.mmapMiss, 0);
});

test('more than 100 misses stop read-around, and hits bring it back', async (t) => {
  const mapped = new Mapped();
  const { ra } = mapped.file;
  ra.mmapMiss = 99;
  await mapped.touch(500);
  t.deepEqual(mapped.rig.calls.splice(0), ['484+32 m508']);
  ra.mmapMiss = 100;
  await mapped.touch(800);
  t.deepEqual(mapped.rig.calls.splice(0), ['RP 800']);
  t.is(ra.mmapMiss, 100);
  ra.mmapMiss = 98;
  await mapped.touch(900);
  t.deepEqual(mapped.rig.calls, ['884+32 m908']);
});

test('misses are not counted beyond 1000', async (t) => {
  const mapped = new Mapped();
  mapped.file.ra.mmapMiss = 1000;
  await mapped.touch(800);
  t.is(mapped.file.ra.mmapMiss, 999);
});

test('only ready pages of the aligned block of 64 KiB are mapped around a fault', async (t) => {
  const mapped = new Mapped();
  const { rig } = mapped;
  for (const index of [95, 96, 97, 104, 111, 112]) rig.place(index);
  rig.place(98, 0);
  rig.place(99, PG_UPTODATE | PG_READAHEAD);
  const locked = rig.place(100);
  rig.folios.tryLock(locked);
  await mapped.touch(104);
  t.deepEqual(mapped.mapped(), [96, 97, 104, 111]);
  t.deepEqual(rig.calls, []);
});

test('nothing is mapped around outside the area or behind the end of the file', async (t) => {
  const mapped = new Mapped({ size: 106 * PAGE_SIZE + 1 }, 99, 100);
  for (const index of range(96, 112)) mapped.rig.place(index);
  await mapped.touch(102);
  t.deepEqual(mapped.mapped(), range(99, 107));
});

test('a fault behind the end of the file is a bus error, one at its last byte is not', async (t) => {
  const mapped = new Mapped({ size: 4 * PAGE_SIZE + 1 });
  t.is(await mapped.touch(5), -EFAULT);
  t.is(await mapped.touch(1000), -EFAULT);
  t.is(await mapped.touch(4), 0);
});

test('a file that shrinks while its page is waited for gives a bus error', async (t) => {
  const mapped = new Mapped({ latencyNs: 1000 });
  const { rig } = mapped;
  rig.scheduler.after(500, () => {
    rig.inode.size = 3 * PAGE_SIZE;
  });
  t.is(await mapped.touch(5), -EFAULT);
  t.false(mapped.area.isMapped(5, 1));
});

test('a page that cannot be read is a bus error, and its neighbours are not', async (t) => {
  const mapped = new Mapped({ fails: (index) => (index === 5 ? -EIO : 0) });
  t.is(await mapped.touch(5), -EFAULT);
  t.deepEqual(mapped.rig.calls, ['0+32 m24', 'RP 5']);
  t.is(await mapped.touch(6), 0);
});

test('a page that ends not uptodate is a bus error and shrinks the window', async (t) => {
  const mapped = new Mapped({ fails: (index) => (index === 5 ? 1 : 0) });
  t.is(await mapped.touch(5), -EFAULT);
  t.is(mapped.file.ra.raPages, 8);
});

test('a fault waits for a page under I/O and reads nothing', async (t) => {
  const mapped = new Mapped();
  const { rig } = mapped;
  const pfn = rig.folios.addLocked(rig.mapping, 5);
  rig.folios.put(pfn);
  rig.scheduler.after(700, () => rig.finish(pfn));
  t.is(await mapped.touch(5), 0);
  t.is(rig.clock.now(), 700);
  t.deepEqual(rig.calls, []);
  t.is(rig.folios.refsOf(pfn), 1);
});

test('a task killed while its fault waits gets EINTR', async (t) => {
  const { rig, area } = new Mapped({ latencyNs: 1000 });
  const handler = new FaultHandler(rig.folios, rig.filemap, rig.scheduler);
  const results: number[] = [];
  const strand = rig.scheduler.spawn('loader', function* () {
    results.push(yield* handler.fault(area, 5));
  });
  rig.scheduler.after(500, () => rig.scheduler.kill(strand));
  await rig.scheduler.drain();
  t.deepEqual(results, [-EINTR]);
  t.is(rig.folios.refsOf(rig.mapping.find(5)), 1);
});

test('a page that is reclaimed is unmapped, and faults again', async (t) => {
  const mapped = new Mapped({ cachePages: 64 });
  await mapped.touch(5);
  t.true(mapped.area.isMapped(5, 1));
  await mapped.rig.sequential(mapped.rig.open(), 32, 256, 400);
  t.deepEqual(mapped.mapped(), []);
  mapped.rig.calls.length = 0;
  t.is(await mapped.touch(5), 0);
  t.deepEqual(mapped.rig.calls, ['0+32 m24']);
});

test('an area that was closed maps nothing and no longer hears of its file', async (t) => {
  const mapped = new Mapped();
  await mapped.touch(5);
  mapped.area.close();
  t.deepEqual(mapped.mapped(), []);
  t.is(mapped.rig.mapping.areas.size, 0);
  t.is(mapped.rig.mapping.invalidate(0, 1000), 32);
});

test('taking pages out of an area takes out those and no other', (t) => {
  const { area } = new Mapped();
  for (const index of range(4, 12)) area.map(index);
  area.unmap(6, 2);
  t.deepEqual(
    range(0, 16).filter((index) => area.isMapped(index, 1)),
    [4, 5, 8, 9, 10, 11],
  );
  t.false(area.isMapped(6, 2));
  t.true(area.isMapped(6, 3));
  t.false(area.isMapped(0, 4));
});
