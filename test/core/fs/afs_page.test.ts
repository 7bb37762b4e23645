/**
 * What happens to one page that is written to, mapped, cut, laundered or waited for: the regions,
 * the order of the waits, and who may come between (BEHAVIOUR 5.1 to 5.8, traps T46 to T54).
 */
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { errnoOf } from '../../../src/core/base/errno.js';
import { PAGE_SIZE } from '../../../src/core/base/range.js';
import { regionOf, setRegion } from '../../../src/core/fs/afs/dirty_region.js';
import type { LabOptions } from '../../../src/core/lab/options.js';
import { PG_DIRTY, PG_PRIVATE, PG_UPTODATE } from '../../../src/core/mm/folio.js';
import { invalidateFolios, truncatePages } from '../../../src/core/mm/truncate.js';
import type { OpenFile, WriteOps } from '../../../src/core/mm/types.js';
import type { RwSemaphore } from '../../../src/core/sim/rw_semaphore.js';
import type { Task } from '../../../src/core/sim/wait_queue.js';
import type { VfsFile } from '../../../src/core/vfs/types.js';
import { forward } from '../../helpers/forward_server.js';
import { content, makeLab, opened } from '../../helpers/lab.js';
import { pageState, sameBytes } from '../../helpers/netfs.js';
import { dirtyEvents, filled, fsync, openRw, truncate, write } from '../../helpers/write.js';

const SIZE = 0x4000;
const LATENCY = 1_000_000;

/** A lab over one file, with what the tests need of its pages. */
function paged(t: ExecutionContext, options: Partial<LabOptions> = {}) {
  const made = makeLab(t, { f: SIZE }, { serverWrites: 'direct', ...options });
  const mappingOf = (file: VfsFile) => (file as unknown as OpenFile).mapping;
  return {
    ...made,
    mappingOf,
    pageOf: (file: VfsFile, index: number): number => mappingOf(file).find(index),
    opsOf: (file: VfsFile): WriteOps => mappingOf(file).ops.write as WriteOps,
    served: () => fs.readFileSync(path.join(made.dir, 'f')),
    /** Runs processes at once, each beginning `after` ns from now; what ended, in order. */
    async race(...runs: ReadonlyArray<readonly [string, number, () => Task<unknown>]>) {
      const ended: string[] = [];
      const start = (what: string, after: number, body: () => Task<unknown>) =>
        made.lab.run(what, function* () {
          yield* made.lab.scheduler.sleep(after);
          yield* body();
          ended.push(what);
        });
      await Promise.all(runs.map(([what, after, body]) => start(what, after, body)));
      return ended;
    },
    async done(file: VfsFile) {
      file.close();
      await made.lab.close();
    },
  };
}

const store = (file: VfsFile, value: number, position: number, count: number) => () =>
  file.write(filled(count, value), 0, count, position);

test('a page with a region has a reference more for as long as it has one', async (t) => {
  const made = paged(t);
  const file = openRw(made, 'f');
  await made.read(file, 0, PAGE_SIZE);
  await write(made, file, 10, filled(10, 1));
  t.is(pageState(made, file, 0), 'uptodate +1');
  await write(made, file, 20, filled(10, 1));
  t.is(pageState(made, file, 0), 'uptodate +1');
  await fsync(made, file);
  t.is(pageState(made, file, 0), 'uptodate');
  await made.done(file);
});

test('regions that touch from either side are one, one byte apart they are not', async (t) => {
  const made = paged(t);
  const file = openRw(made, 'f');
  for (const [at, count] of [
    [0x100, 0x10],
    [0x110, 0x10],
    [0xf0, 0x10],
    [0x121, 1],
    [0x11f, 1],
  ] as const) {
    await write(made, file, at, filled(count, 1));
  }
  t.deepEqual(dirtyEvents(made), [
    '0 dirty 100-110',
    '0 dirty+ 100-120',
    '0 dirty+ f0-120',
    ...['0 store f0-120', '0 clear f0-120', '0 dirty 121-122'],
    ...['0 store 121-122', '0 clear 121-122', '0 dirty 11f-120'],
  ]);
  await made.done(file);
});

test('a page that is being stored is not written to before it has been', async (t) => {
  const made = paged(t, { latencyNs: LATENCY });
  const file = await opened(made.lab, 'f', { write: true });
  await write(made, file, 0, filled(PAGE_SIZE, 1));
  const ended = await made.race(
    ['sync', 0, () => file.flush()],
    ['write', LATENCY / 2, store(file, 2, 0x100, 0x10)],
  );
  t.deepEqual(ended, ['sync', 'write']);
  t.deepEqual(dirtyEvents(made).slice(1), [
    '0 store 0-1000',
    '0 alrdy 0-1000',
    '0 clear 0-1000',
    '0 dirty 100-110',
  ]);
  t.is(made.served()[0x100], 1);
  await fsync(made, file);
  t.is(made.served()[0x100], 2);
  await made.done(file);
});

test('a write that cannot store what is in its way fails, and the page keeps what it had', async (t) => {
  const made = paged(t, {
    wrapServer: (server) =>
      forward(server, {
        store: (_file, _position, _from, _size, done) =>
          done({ result: -errnoOf('ENOSPC'), status: undefined, before: '' }),
      }),
  });
  const file = openRw(made, 'f');
  await write(made, file, 0, filled(0x10, 1));
  await t.throwsAsync(write(made, file, 0x100, filled(0x10, 2)), { code: 'ENOSPC' });
  t.is(pageState(made, file, 0), 'uptodate +1');
  const region = regionOf(made.lab.folios, made.pageOf(file, 0));
  t.like(region, { from: 0, to: 0x10 });
  const expected = content('f', PAGE_SIZE).fill(1, 0, 0x10);
  sameBytes(t, await made.read(file, 0, PAGE_SIZE), expected);
  await made.done(file);
});

test('a page may leave the file while a write stores what is in its way: another takes the bytes', async (t) => {
  const made = paged(t, { latencyNs: LATENCY });
  const file = await opened(made.lab, 'f', { write: true });
  await write(made, file, 0, filled(0x10, 1));
  const before = made.pageOf(file, 0);
  const ended = await made.race(
    ['write', 0, store(file, 2, 0x100, 0x10)],
    // It waits for the store, too, and gets the page first: it came first.
    ['launder', 0, () => invalidateFolios(made.mappingOf(file))],
  );
  t.deepEqual(ended, ['launder', 'write']);
  t.deepEqual(dirtyEvents(made).slice(-1), ['0 dirty 100-110']);
  t.true(made.pageOf(file, 0) >= 0 && before >= 0);
  const expected = content('f', SIZE).fill(1, 0, 0x10).fill(2, 0x100, 0x110);
  sameBytes(t, await made.read(file, 0, SIZE), expected);
  await fsync(made, file);
  sameBytes(t, made.served(), expected);
  await made.done(file);
});

test('a file may be cut off while a write stores what is in its way', async (t) => {
  const made = paged(t, { latencyNs: LATENCY });
  const file = await opened(made.lab, 'f', { write: true });
  await write(made, file, 0x3000, filled(0x10, 1));
  await made.race(
    ['write', 0, store(file, 2, 0x3100, 0x10)],
    [
      'cut',
      0,
      function* () {
        (file as unknown as OpenFile).inode.size = 0x1000;
        yield* truncatePages(made.mappingOf(file), 0x1000);
        made.lab.server.change('f', { size: 0x1000 });
      },
    ],
  );
  t.is(file.fstat().size, 0x3110);
  await fsync(made, file);
  // Nothing of what was there before the cut comes back.
  const expected = Buffer.alloc(0x3110).fill(2, 0x3100);
  content('f', 0x1000).copy(expected);
  sameBytes(t, made.served(), expected);
  sameBytes(t, await made.read(file, 0x3000, 0x110), expected.subarray(0x3000));
  await made.done(file);
});

test('a page may be dirty again elsewhere when a write has stored what was in its way', async (t) => {
  const made = paged(t, { latencyNs: LATENCY });
  const { folios } = made.lab;
  const file = await opened(made.lab, 'f', { write: true });
  await write(made, file, 0, filled(0x10, 1));
  const pfn = made.pageOf(file, 0);
  await made.race(
    ['write', 0, store(file, 2, 0x100, 0x10)],
    [
      'other',
      0,
      // It has the lock when the store ends, as a store through a mapping may.
      function* () {
        yield* folios.lock(pfn);
        yield* folios.waitWriteback(pfn);
        folios.frames
          .memoryOf(pfn)
          .fill(3, folios.frames.offsetOf(pfn) + 0x800, folios.frames.offsetOf(pfn) + 0x810);
        setRegion(folios, pfn, { from: 0x800, to: 0x810, mapped: false });
        folios.markDirty(pfn);
        folios.unlock(pfn);
      },
    ],
  );
  t.deepEqual(
    dirtyEvents(made).filter((line) => / store /.test(line)),
    ['0 store 0-10', '0 store 800-810'],
  );
  await fsync(made, file);
  const expected = content('f', SIZE).fill(1, 0, 0x10).fill(2, 0x100, 0x110).fill(3, 0x800, 0x810);
  sameBytes(t, made.served(), expected);
  await made.done(file);
});

test('of a page that was not read nothing counts unless all the bytes came', async (t) => {
  const made = paged(t);
  const { folios } = made.lab;
  const file = openRw(made, 'f');
  const ops = made.opsOf(file);
  const accepted = await made.lab.run('writer', function* () {
    const pfn = yield* ops.writeBegin(file as unknown as OpenFile, 0, PAGE_SIZE);
    t.false(folios.test(pfn, PG_UPTODATE));
    return yield* ops.writeEnd(file as unknown as OpenFile, 0, PAGE_SIZE, 100, pfn);
  });
  t.is(accepted, 0);
  t.is(pageState(made, file, 0), 'not uptodate');
  t.false(folios.test(made.pageOf(file, 0), PG_DIRTY | PG_PRIVATE));
  sameBytes(t, await made.read(file, 0, SIZE), content('f', SIZE));
  await made.done(file);
});

test('of a page that was read the bytes that came count, and none leaves it clean', async (t) => {
  const made = paged(t);
  const file = openRw(made, 'f');
  const ops = made.opsOf(file);
  const writing = (copied: number) =>
    made.lab.run('writer', function* () {
      const pfn = yield* ops.writeBegin(file as unknown as OpenFile, 0x10, 0x100);
      return yield* ops.writeEnd(file as unknown as OpenFile, 0x10, 0x100, copied, pfn);
    });
  t.is(await writing(0), 0);
  t.is(pageState(made, file, 0), 'uptodate');
  t.is(await writing(0x20), 0x20);
  t.deepEqual(dirtyEvents(made), ['0 dirty 10-30']);
  await made.done(file);
});

test('the size of a file grows before the page with the data is unlocked, its region before it is dirty', async (t) => {
  const made = paged(t);
  const { folios } = made.lab;
  const file = openRw(made, 'f');
  const seen: string[] = [];
  const { unlock, markDirty } = folios;
  folios.unlock = (pfn) => {
    seen.push(`unlock ${file.fstat().size.toString(16)}`);
    unlock.call(folios, pfn);
  };
  folios.markDirty = (pfn) => {
    seen.push(`dirty ${folios.test(pfn, PG_PRIVATE)}`);
    return markDirty.call(folios, pfn);
  };
  await write(made, file, SIZE, filled(0x80, 1));
  folios.unlock = unlock;
  folios.markDirty = markDirty;
  t.deepEqual(seen, ['dirty true', 'unlock 4080']);
  await made.done(file);
});

test('a store through a mapping waits for the way into the cache, then for the lock, then for the server', async (t) => {
  const made = paged(t);
  const { folios, scheduler } = made.lab;
  const file = openRw(made, 'f');
  const area = file.mmap(0, SIZE);
  await made.lab.run('reader', () => area.load(new Uint8Array(1), 0, 1));
  const pfn = made.pageOf(file, 0);
  const start = made.lab.clock.now();
  const after = (ns: number, body: () => void) => scheduler.after(ns, body);
  folios.startFscache(pfn);
  // The lock is not taken before: who stores the page may need it.
  after(900, () => t.true(folios.tryLock(pfn)));
  after(1000, () => folios.endFscache(pfn));
  after(1900, () => folios.startWriteback(pfn));
  after(2000, () => folios.unlock(pfn));
  // What was begun by who had the lock is waited for under it.
  after(2500, () => t.false(folios.tryLock(pfn)));
  after(3000, () => folios.endWriteback(pfn));
  await made.lab.run('writer', () => area.store(filled(1, 1), 0, 1, 0));
  t.true(made.lab.clock.now() >= start + 3000);
  t.deepEqual(dirtyEvents(made), ['0 mkwrite 0-1000 M']);
  area.munmap();
  await made.done(file);
});

test('a store through a mapping leaves the lock alone while its page is being stored', async (t) => {
  const made = paged(t);
  const { folios, scheduler } = made.lab;
  const file = openRw(made, 'f');
  const area = file.mmap(0, SIZE);
  await made.lab.run('reader', () => area.load(new Uint8Array(1), 0, 1));
  const pfn = made.pageOf(file, 0);
  const start = made.lab.clock.now();
  folios.startWriteback(pfn);
  scheduler.after(900, () => t.true(folios.tryLock(pfn)));
  scheduler.after(1000, () => folios.endWriteback(pfn));
  scheduler.after(2000, () => folios.unlock(pfn));
  await made.lab.run('writer', () => area.store(filled(1, 1), 0, 1, 0));
  t.true(made.lab.clock.now() >= start + 2000);
  area.munmap();
  await made.done(file);
});

test('a store through a mapping takes the whole page only when the region before it is stored', async (t) => {
  const made = paged(t, { latencyNs: LATENCY });
  const file = await opened(made.lab, 'f', { write: true });
  const area = file.mmap(0, SIZE);
  await write(made, file, 0x100, filled(0x100, 1));
  await made.lab.run('reader', () => area.load(new Uint8Array(1), 0, 1));
  await made.race(
    ['sync', 0, () => file.flush()],
    ['store', LATENCY / 2, () => area.store(filled(1, 2), 0, 1, 0x800)],
  );
  t.deepEqual(dirtyEvents(made), [
    '0 dirty 100-200',
    '0 store 100-200',
    '0 clear 100-200',
    '0 mkwrite 0-1000 M',
  ]);
  await fsync(made, file);
  const expected = content('f', SIZE).fill(1, 0x100, 0x200).fill(2, 0x800, 0x801);
  sameBytes(t, made.served(), expected);
  area.munmap();
  await made.done(file);
});

test('a store through a mapping of a dirty page makes its region the whole page', async (t) => {
  const made = paged(t);
  const file = openRw(made, 'f');
  const area = file.mmap(0, SIZE);
  await write(made, file, 0x100, filled(0x100, 1));
  await made.lab.run('writer', () => area.store(filled(1, 2), 0, 1, 0));
  await write(made, file, 0x10, filled(0x10, 1));
  t.deepEqual(dirtyEvents(made), ['0 dirty 100-200', '0 mkwrite+ 0-1000 M', '0 dirty+ 0-1000 M']);
  area.munmap();
  await made.done(file);
});

// BEHAVIOUR 5.7, row by row: the region, the cut, what is left, the events.
const CUTS: ReadonlyArray<
  [string, readonly [number, number], readonly [number, number], boolean, string[]]
> = [
  ['whole page', [0x100, 0x200], [0, 0x1000], false, ['inval 100-200']],
  ['whole page of a mapping', [0, 0x1000], [0, 0x1000], true, ['inval 0-1000 M']],
  ['part of a page of a mapping', [0, 0x1000], [0x800, 0x1000], true, []],
  ['part that misses the region', [0x100, 0x200], [0x200, 0x1000], false, []],
  ['part strictly inside the region', [0x100, 0x400], [0x200, 0x300], false, []],
  [
    'part that holds the region',
    [0x100, 0x200],
    [0x80, 0x1000],
    false,
    ['undirty 100-200', 'inval 100-200'],
  ],
  ['part over the end of the region', [0x100, 0x400], [0x300, 0x1000], false, ['trunc 100-300']],
  ['part over the beginning of the region', [0x100, 0x400], [0, 0x200], false, ['trunc 200-400']],
];

for (const [what, [from, to], [cut, end], mapped, expected] of CUTS) {
  test(`throwing away a page, its dirty region and their events: ${what}`, async (t) => {
    const made = paged(t);
    const { folios, scheduler, clock } = made.lab;
    const file = openRw(made, 'f');
    await write(made, file, from, filled(to - from, 1));
    const pfn = made.pageOf(file, 0);
    setRegion(folios, pfn, { from, to, mapped });
    // Whatever is left, it returns when the page is not on its way into the cache.
    folios.startFscache(pfn);
    const start = clock.now();
    scheduler.after(1000, () => folios.endFscache(pfn));
    await made.lab.run('cutter', function* () {
      yield* folios.lock(pfn);
      yield* made.opsOf(file).invalidateFolio(pfn, cut, end - cut);
      folios.unlock(pfn);
    });
    t.true(clock.now() >= start + 1000);
    t.deepEqual(
      dirtyEvents(made).slice(1),
      expected.map((line) => `0 ${line}`),
    );
    const dropped = expected.some((line) => line.startsWith('inval'));
    t.is(folios.test(pfn, PG_PRIVATE), !dropped);
    t.is(folios.test(pfn, PG_DIRTY), !dropped);
    await made.done(file);
  });
}

test('laundering stores nothing of a clean page, the region of a dirty one, and waits for the cache', async (t) => {
  const made = paged(t);
  const { folios, scheduler, clock, server } = made.lab;
  const file = openRw(made, 'f');
  await made.read(file, 0, 0x2000);
  await write(made, file, 0x1800, filled(0x100, 1));
  const [clean, dirty] = [made.pageOf(file, 0), made.pageOf(file, 1)];
  const launder = (pfn: number) =>
    made.lab.run('launderer', function* () {
      yield* folios.lock(pfn);
      const error = yield* made.opsOf(file).launderFolio(pfn);
      folios.unlock(pfn);
      return error;
    });
  t.is(await launder(clean), 0);
  t.is(server.counters.stores, 0);
  folios.startFscache(dirty);
  const start = clock.now();
  scheduler.after(1000, () => folios.endFscache(dirty));
  t.is(await launder(dirty), 0);
  t.true(clock.now() >= start + 1000);
  t.is(server.counters.storedBytes, 0x100);
  t.false(folios.test(dirty, PG_DIRTY | PG_PRIVATE));
  t.deepEqual(dirtyEvents(made).slice(1), ['1 launder 800-900', '1 laundered 800-900']);
  sameBytes(t, made.served(), content('f', SIZE).fill(1, 0x1800, 0x1900));
  await made.done(file);
});

test('a page that cannot be laundered stays, dirty', async (t) => {
  const failing = { now: true };
  const made = paged(t, {
    wrapServer: (server) =>
      forward(server, {
        store(file, position, from, size, done) {
          if (!failing.now) server.store(file, position, from, size, done);
          else done({ result: -errnoOf('EACCES'), status: undefined, before: '' });
        },
      }),
  });
  const file = openRw(made, 'f');
  await write(made, file, 0x100, filled(0x100, 1));
  const laundering = made.lab.run('launderer', () => invalidateFolios(made.mappingOf(file)));
  t.is(await laundering, -errnoOf('EACCES'));
  failing.now = false;
  await fsync(made, file);
  sameBytes(t, made.served(), content('f', SIZE).fill(1, 0x100, 0x200));
  await made.done(file);
});

test('a file that was made has new content: gaps between writes are its zeros', async (t) => {
  const made = paged(t);
  const file = openRw(made, 'new', { create: true });
  await write(made, file, 0x100, filled(0x10, 1));
  await write(made, file, 0x800, filled(0x10, 1));
  t.deepEqual(dirtyEvents(made), ['0 dirty 100-110', '0 dirty+ 100-810']);
  await made.done(file);
});

test('a change of the size stores what is dirty first, keeps writers out, and takes effect once it is made', async (t) => {
  const calls: string[] = [];
  let validateLock: RwSemaphore | undefined;
  let sizeOf = () => 0;
  const made = paged(t, {
    latencyNs: LATENCY,
    wrapServer: (server) =>
      forward(server, {
        store(...args) {
          calls.push('store');
          server.store(...args);
        },
        setSize(file, size, done) {
          calls.push(`size, ${validateLock?.tryRead() ? 'unlocked' : 'locked'}`);
          server.setSize(file, size, (reply) => {
            calls.push(`still ${sizeOf().toString(16)}`);
            done(reply);
          });
        },
      }),
  });
  const file = await opened(made.lab, 'f', { write: true });
  validateLock = ((file as unknown as OpenFile).inode as unknown as { validateLock: RwSemaphore })
    .validateLock;
  sizeOf = () => file.fstat().size;
  await made.read(file, 0, SIZE);
  await write(made, file, 0x3000, filled(0x10, 1));
  await truncate(made, file, 0x2000);
  t.deepEqual(calls, ['store', 'size, locked', 'still 4000']);
  t.is(file.fstat().size, 0x2000);
  t.deepEqual(file.mincore(), [{ first: 0, last: 1 }]);
  await made.done(file);
});

test('a page that is mapped over the old end asks again when the file has grown', async (t) => {
  const made = paged(t, { latencyNs: LATENCY });
  const file = await opened(made.lab, 'f', { write: true });
  await truncate(made, file, 0x1800);
  const area = file.mmap(0, SIZE);
  await made.lab.run('reader', () => area.load(new Uint8Array(1), 0x1000, 1));
  await made.race(
    ['grow', 0, () => file.truncate(0x1900)],
    // When what was dirty has been stored, and before the file has grown.
    ['store', LATENCY / 2, () => area.store(filled(1, 1), 0, 1, 0x1000)],
  );
  await made.lab.run('writer', () => area.store(filled(1, 2), 0, 1, 0x1001));
  t.deepEqual(dirtyEvents(made), ['1 mkwrite 0-1000 M', '1 mkwrite+ 0-1000 M']);
  area.munmap();
  await made.done(file);
});

test('a store of ours that meets one of another is foreign: clean pages go, dirty ones win', async (t) => {
  const made = paged(t, { latencyNs: LATENCY });
  const file = await opened(made.lab, 'f', { write: true });
  await made.read(file, 0, SIZE);
  await write(made, file, 0x1000, filled(0x1000, 1));
  await write(made, file, 0x3000, filled(0x800, 1));
  const other = content('other', SIZE);
  await made.race(
    [
      'sync',
      0,
      function* () {
        const wbc = { sync: true, nrToWrite: 9, cyclic: false, start: 0, end: 0x1fff };
        yield* made.opsOf(file).writepages(made.mappingOf(file), wbc);
      },
    ],
    [
      'other',
      LATENCY / 2,
      function* () {
        made.lab.server.change('f', { position: 0, bytes: other });
      },
    ],
  );
  // The pages are left until the file is opened again.
  t.deepEqual(file.mincore(), [{ first: 0, last: 3 }]);
  const again = await opened(made.lab, 'f');
  t.deepEqual(again.mincore(), [{ first: 3, last: 3 }]);
  await fsync(made, file);
  const expected = Buffer.from(other).fill(1, 0x1000, 0x2000).fill(1, 0x3000, 0x3800);
  sameBytes(t, made.served(), expected);
  again.close();
  await made.done(file);
});
