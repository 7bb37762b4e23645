/**
 * Folios of several pages in every walk: the read loop, the hit path, the window, and the read
 * helper's slices and unlock walk. Readahead of this profile inserts single pages, so they are put
 * in by hand.
 */
import test from 'ava';
import { EIO } from '../../../src/core/base/errno.js';
import { PAGE_SIZE } from '../../../src/core/base/range.js';
import {
  PG_HEAD,
  PG_LOCKED,
  PG_READAHEAD,
  PG_REFERENCED,
  PG_UPTODATE,
} from '../../../src/core/mm/folio.js';
import { IovIter } from '../../../src/core/mm/iov_iter.js';
import {
  ReadaheadControl,
  readaheadExpand,
  readaheadFolio,
} from '../../../src/core/mm/readahead.js';
import type { AddressSpaceOps } from '../../../src/core/mm/types.js';
import { ClassicReadHelper } from '../../../src/core/netfs/classic/read_helper.js';
import type { Subrequest } from '../../../src/core/netfs/objects.js';
import { Requests } from '../../../src/core/netfs/requests.js';
import { NetfsStats } from '../../../src/core/netfs/stats.js';
import type { RequestOps } from '../../../src/core/netfs/types.js';
import { linux513Afs } from '../../../src/core/profile/linux_5_13_afs.js';
import { awaited } from '../../../src/core/sim/wait_queue.js';
import { MemorySink } from '../../../src/core/trace/sink.js';
import { Tracer } from '../../../src/core/trace/tracer.js';
import { brief } from '../../helpers/lab.js';
import { atOnce } from '../sim/at_once.js';
import { makeMemory, Rig, rigBytes } from './rig.js';

/** A rig whose pages are read by the real helper, in slices of at most `clamp` bytes. */
function helperRig(
  size: number,
  clamp: number,
  fails: (subreq: Subrequest) => boolean = () => false,
) {
  const memory = makeMemory(256);
  const sink = new MemorySink('E1');
  const tracer = new Tracer({ sink, clock: memory.clock, contexts: memory.scheduler });
  const helper = new ClassicReadHelper(
    new Requests({
      tracer,
      stats: new NetfsStats(),
      scheduler: memory.scheduler,
      behaviour: linux513Afs.netfs,
      defects: 'repaired',
    }),
  );
  const requestOps: RequestOps = {
    initRreq() {},
    isCacheEnabled: () => false,
    clampLength: (subreq) => {
      subreq.len = Math.min(subreq.len, clamp);
      return true;
    },
    issueOp: (subreq) =>
      atOnce(() => {
        const { start, len, rreq } = subreq;
        if (!fails(subreq)) new IovIter(rreq.mapping, start, len).copyIn(rigBytes(start, len));
        helper.subreqTerminated(subreq, fails(subreq) ? -EIO : len, false);
      }),
  };
  const ops: AddressSpaceOps = {
    readahead: (ractl) => helper.readahead(ractl, requestOps),
    readpage: (file, pfn) => helper.readpage(file, pfn, requestOps),
  };
  const rig = new Rig({ size, ops, memory });
  return { rig, ops, trace: () => sink.rows.map((row) => brief(row)) };
}

/** A window over locked folios of these orders, from page `index` on. */
function lockedWindow(rig: Rig, index: number, orders: readonly number[]): ReadaheadControl {
  const file = rig.open();
  const ractl = new ReadaheadControl(file, rig.mapping, file.ra, index);
  for (const order of orders) {
    rig.folios.addLocked(rig.mapping, index + ractl.nrPages, order);
    ractl.nrPages += 1 << order;
  }
  return ractl;
}

/** Index, flags but that it is large, and references of each folio. */
function folios({ folios, mapping }: Rig): Array<[index: number, flags: number, refs: number]> {
  return [...mapping.range(0, 1e9)].map((pfn) => {
    return [folios.indexOf(pfn), folios.flagsOf(pfn) & ~PG_HEAD, folios.refsOf(pfn)];
  });
}

test('a read enters, crosses and leaves large folios at any byte', async (t) => {
  const rig = new Rig();
  for (const [index, order] of [
    [0, 2],
    [4, 0],
    [5, 0],
    [6, 1],
    [8, 3],
  ] as const) {
    rig.place(index, PG_UPTODATE, order);
  }
  const file = rig.open();
  for (const [pos, count] of [
    [0, 16 * PAGE_SIZE],
    [5000, 10],
    [2 * PAGE_SIZE - 1, 5 * PAGE_SIZE],
    [7 * PAGE_SIZE + 3, 8 * PAGE_SIZE],
  ] as const) {
    const target = new Uint8Array(count);
    t.is(rig.filemap.hit(file, target, 0, count, pos), count);
    t.deepEqual(target, rigBytes(pos, count));
    t.deepEqual(await rig.read(file, pos, count), target);
  }
  t.deepEqual(rig.calls, []);
});

test('a batch of fifteen counts folios, not pages', async (t) => {
  const rig = new Rig({ mm: { batchLimitInclusive: true } });
  // The batch is full with the last page asked for, so the marker behind it is not looked at.
  for (let i = 0; i < 15; i++) rig.place(2 * i, PG_UPTODATE, 1);
  rig.place(30, PG_UPTODATE | PG_READAHEAD);
  const file = rig.open();
  const target = new Uint8Array(30 * PAGE_SIZE);
  t.is(rig.filemap.hit(file, target, 0, target.length, 0), target.length);
  t.is(rig.filemap.hit(file, target, 0, target.length - 4 * PAGE_SIZE, 4 * PAGE_SIZE), -1);
  await rig.read(file, 0, target.length);
  t.deepEqual(rig.calls, []);
  await rig.read(file, 4 * PAGE_SIZE, target.length - 4 * PAGE_SIZE);
  t.deepEqual(rig.calls, ['31+4 m31']);
});

test('the marker of a large folio counts for any of its pages, at its head', async (t) => {
  const rig = new Rig();
  rig.place(8, PG_UPTODATE | PG_READAHEAD, 2);
  const file = rig.open();
  [file.ra.start, file.ra.size, file.ra.asyncSize] = [4, 8, 4];
  await rig.read(file, 11 * PAGE_SIZE, 10);
  t.deepEqual(rig.calls, ['12+16 m12']);
  t.false(rig.folios.test(rig.mapping.find(8), PG_READAHEAD));
});

test('a window yields each large folio once and shortens by its pages', (t) => {
  const rig = new Rig();
  const ractl = lockedWindow(rig, 8, [2, 0, 1]);
  const seen: number[][] = [];
  for (let pfn = readaheadFolio(ractl); pfn >= 0; pfn = readaheadFolio(ractl)) {
    seen.push([rig.folios.indexOf(pfn), ractl.index, ractl.nrPages, ractl.batchCount]);
  }
  t.deepEqual(seen, [
    [8, 8, 7, 4],
    [12, 12, 3, 1],
    [13, 13, 2, 2],
  ]);
  t.deepEqual([ractl.index, ractl.nrPages], [15, 0]);
});

test('a window grows beside large folios and stops at them', (t) => {
  const rig = new Rig();
  rig.place(4, PG_UPTODATE, 1);
  rig.place(16, PG_UPTODATE, 1);
  const ractl = lockedWindow(rig, 8, [2]);
  readaheadExpand(ractl, 7 * PAGE_SIZE, 20 * PAGE_SIZE);
  t.deepEqual([ractl.index, ractl.nrPages], [7, 9]);
});

test('the helper reads a window of large folios in slices that end anywhere', async (t) => {
  const { rig, ops, trace } = helperRig(1 << 20, 5000);
  const ractl = lockedWindow(rig, 4, [2, 0, 0, 1]);
  await rig.run(() => awaited(ops.readahead(ractl)));
  t.deepEqual(folios(rig), [
    [4, PG_UPTODATE, 1],
    [8, PG_UPTODATE, 1],
    [9, PG_UPTODATE, 1],
    [10, PG_UPTODATE, 1],
  ]);
  t.deepEqual(
    await rig.read(rig.open(), 4 * PAGE_SIZE, 8 * PAGE_SIZE),
    rigBytes(4 * PAGE_SIZE, 8 * PAGE_SIZE),
  );
  const submitted = trace().filter((line) => line.includes('SUBMT'));
  t.is(submitted.length, Math.ceil((8 * PAGE_SIZE) / 5000));
});

test('one failed slice fails every folio that it touches, whole', async (t) => {
  // Slices of three pages: [0, 3), [3, 6) fails, [6, 9), [9, 10).
  const bad = (subreq: Subrequest): boolean => subreq.debugIndex === 1;
  const { rig, ops } = helperRig(1 << 20, 3 * PAGE_SIZE, bad);
  const ractl = lockedWindow(rig, 0, [1, 1, 1, 2]);
  await rig.run(() => awaited(ops.readahead(ractl)));
  t.deepEqual(folios(rig), [
    [0, PG_UPTODATE, 1],
    [2, 0, 1],
    [4, 0, 1],
    [6, PG_UPTODATE, 1],
  ]);
});

test('a slice that ends with a large folio does not spoil the next one', async (t) => {
  const bad = (subreq: Subrequest): boolean => subreq.debugIndex === 1;
  const { rig, ops } = helperRig(1 << 20, 4 * PAGE_SIZE, bad);
  const ractl = lockedWindow(rig, 0, [2, 2, 2]);
  await rig.run(() => awaited(ops.readahead(ractl)));
  t.deepEqual(folios(rig), [
    [0, PG_UPTODATE, 1],
    [4, 0, 1],
    [8, PG_UPTODATE, 1],
  ]);
});

test('a large folio is read by readpage as a whole, for a reader in its middle', async (t) => {
  const { rig, trace } = helperRig(1 << 20, 1 << 20);
  rig.place(4, 0, 2);
  const got = await rig.read(rig.open(), 6 * PAGE_SIZE + 1, 100);
  t.deepEqual(got, rigBytes(6 * PAGE_SIZE + 1, 100));
  t.deepEqual(folios(rig), [[4, PG_UPTODATE | PG_REFERENCED, 1]]);
  t.is(trace()[0], 'R1 READPAGE c=00000000 s=4000 4000');
});

test('a large folio across the end of the file is filled with zeros behind it', async (t) => {
  const size = 5 * PAGE_SIZE + 123;
  const { rig, trace } = helperRig(size, 1 << 20);
  const pfn = rig.place(4, 0, 2);
  const got = await rig.read(rig.open(), 4 * PAGE_SIZE, 4 * PAGE_SIZE);
  t.deepEqual(got, rigBytes(4 * PAGE_SIZE, PAGE_SIZE + 123));
  const { frames } = rig.folios;
  const from = frames.offsetOf(pfn);
  const behind = frames.memoryOf(pfn).subarray(from + PAGE_SIZE + 123, from + 4 * PAGE_SIZE);
  t.true(behind.every((byte) => byte === 0));
  t.deepEqual(
    trace().filter((line) => line.includes('SUBMT')),
    ['R1[0] SUBMT DOWN f=00 s=4000 0/107b e=0', 'R1[1] SUBMT ZERO f=00 s=507b 0/2f85 e=0'],
  );
});

test('a large folio under I/O is waited for by its readers and is not reclaimed', async (t) => {
  const rig = new Rig({ cachePages: 8 });
  const pfn = rig.folios.addLocked(rig.mapping, 0, 2);
  rig.folios.put(pfn);
  t.true(rig.folios.test(pfn, PG_LOCKED));
  t.is(rig.folios.reclaim(8), 0);
  rig.scheduler.after(1000, () => rig.finish(pfn));
  t.deepEqual(await rig.read(rig.open(), 3 * PAGE_SIZE, 10), rigBytes(3 * PAGE_SIZE, 10));
  t.is(rig.clock.now(), 1000);
  t.is(rig.folios.reclaim(8), 4);
  t.is(rig.folios.frames.free, 8);
});
