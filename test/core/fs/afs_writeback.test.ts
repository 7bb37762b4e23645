/** Which pages one pass of writing back stores, and in how many operations (BEHAVIOUR 5.5). */
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { errnoOf } from '../../../src/core/base/errno.js';
import { PAGE_SIZE } from '../../../src/core/base/range.js';
import { verdictOn } from '../../../src/core/fs/afs/writeback.js';
import type { LabOptions } from '../../../src/core/lab/options.js';
import { PG_DIRTY, PG_PRIVATE, PG_WRITEBACK } from '../../../src/core/mm/folio.js';
import type { OpenFile, WritebackControl } from '../../../src/core/mm/types.js';
import type { RwSemaphore } from '../../../src/core/sim/rw_semaphore.js';
import type { VfsFile } from '../../../src/core/vfs/types.js';
import { forward } from '../../helpers/forward_server.js';
import { content, makeLab, opened } from '../../helpers/lab.js';
import { sameBytes } from '../../helpers/netfs.js';
import { dirtyEvents, filled, fsync, openRw, write } from '../../helpers/write.js';

const PAGES = 40;
const SIZE = PAGES * PAGE_SIZE;
const END = Number.MAX_SAFE_INTEGER;
const SYNC = { sync: true, nrToWrite: END, cyclic: false, start: 0, end: END };
const BACKGROUND = { ...SYNC, sync: false, cyclic: true };

/** A lab that notes each StoreData as `position+bytes` in pages, and the size it asks for. */
function storing(t: ExecutionContext, options: Partial<LabOptions> = {}, size = SIZE) {
  const stores: string[] = [];
  const sizes: number[] = [];
  const inPages = (bytes: number): string => (bytes / PAGE_SIZE).toString();
  const made = makeLab(
    t,
    { f: size },
    {
      serverWrites: 'direct',
      wrapServer: (server) =>
        forward(server, {
          store(file, position, from, wanted, done) {
            stores.push(`${inPages(position)}+${inPages(from.count)}`);
            sizes.push(wanted);
            server.store(file, position, from, wanted, done);
          },
        }),
      ...options,
    },
  );
  const mappingOf = (file: VfsFile) => (file as unknown as OpenFile).mapping;
  return {
    ...made,
    stores,
    sizes,
    mappingOf,
    served: () => fs.readFileSync(path.join(made.dir, 'f')),
    /** One ->writepages; what is left of its budget. */
    pass: (file: VfsFile, changes: Partial<WritebackControl>) =>
      made.lab.run('flusher', function* () {
        const wbc = { ...SYNC, ...changes };
        yield* mappingOf(file).ops.write?.writepages(mappingOf(file), wbc) ?? [];
        return wbc.nrToWrite;
      }),
    /** Makes [from, to) dirty, given in pages, with the value 1. */
    async dirty(file: VfsFile, from: number, to: number) {
      await write(made, file, from * PAGE_SIZE, filled((to - from) * PAGE_SIZE, 1));
    },
    dirtyPages(file: VfsFile): number[] {
      const { folios } = made.lab;
      const pages = [...mappingOf(file).range(0, END)].filter((pfn) => folios.test(pfn, PG_DIRTY));
      return pages.map((pfn) => folios.indexOf(pfn));
    },
    async done(file: VfsFile) {
      file.close();
      await made.lab.close();
    },
  };
}

const ENDS_A_RUN: ReadonlyArray<
  [string, (made: ReturnType<typeof storing>, file: VfsFile) => Promise<void>, string[]]
> = [
  [
    'a page that is absent',
    async ({ dirty }, file) => {
      await dirty(file, 0, 2);
      await dirty(file, 3, 5);
    },
    ['0+2', '3+2'],
  ],
  [
    'a page that is clean',
    async ({ dirty, read }, file) => {
      await dirty(file, 0, 2);
      await read(file, 2 * PAGE_SIZE, PAGE_SIZE);
      await dirty(file, 3, 5);
    },
    ['0+2', '3+2'],
  ],
  [
    'a page whose region does not begin with it',
    async ({ dirty }, file) => {
      await dirty(file, 0, 2);
      await dirty(file, 2.5, 4);
    },
    ['0+2', '2.5+1.5'],
  ],
  [
    'a page whose region ends inside it',
    async ({ dirty }, file) => {
      await dirty(file, 0, 2.5);
      await dirty(file, 3, 5);
    },
    ['0+2.5', '3+2'],
  ],
  [
    'a first page whose region ends inside it',
    async ({ dirty }, file) => {
      await dirty(file, 0, 0.5);
      await dirty(file, 1, 2);
    },
    ['0+0.5', '1+1'],
  ],
];

for (const [what, prepare, expected] of ENDS_A_RUN) {
  test(`a run of pages that are stored together ends before or with ${what}`, async (t) => {
    const made = storing(t);
    const file = openRw(made, 'f');
    await prepare(made, file);
    await fsync(made, file);
    t.deepEqual(made.stores, expected);
    t.deepEqual(made.dirtyPages(file), []);
    await made.done(file);
  });
}

test('a page that is locked ends a run, which does not wait for it', async (t) => {
  const made = storing(t);
  const { folios } = made.lab;
  const file = openRw(made, 'f');
  await made.dirty(file, 0, 4);
  const busy = made.mappingOf(file).find(2);
  t.true(folios.tryLock(busy));
  await made.pass(file, { end: 2 * PAGE_SIZE - 1 });
  t.deepEqual(made.stores, ['0+2']);
  folios.unlock(busy);
  await made.dirty(file, 0, 2);
  t.true(folios.tryLock(busy));
  // In the background nothing is waited for: the page is where the pass ends.
  await made.pass(file, BACKGROUND);
  t.deepEqual(made.stores.slice(1), ['0+2']);
  t.deepEqual(made.dirtyPages(file), [2, 3]);
  folios.unlock(busy);
  await made.done(file);
});

test('a page under writeback ends a run; a sync pass waits for it, one in the background does not', async (t) => {
  const made = storing(t);
  const { folios, scheduler } = made.lab;
  const file = openRw(made, 'f');
  await made.dirty(file, 0, 4);
  const busy = made.mappingOf(file).find(2);
  folios.startWriteback(busy);
  await made.pass(file, BACKGROUND);
  t.deepEqual(made.stores, ['0+2', '3+1']);
  t.deepEqual(made.dirtyPages(file), [2]);
  const start = made.lab.clock.now();
  scheduler.after(5000, () => folios.endWriteback(busy));
  await made.pass(file, {});
  t.true(made.lab.clock.now() >= start + 5000);
  t.deepEqual(made.stores.slice(2), ['2+1']);
  await made.done(file);
});

test('a run is as long as its pages go on, past the fifteen that are marked at once', async (t) => {
  const made = storing(t);
  const file = openRw(made, 'f');
  await made.dirty(file, 1, 38);
  await fsync(made, file);
  t.deepEqual(made.stores, ['1+37']);
  const events = dirtyEvents(made).map((line) => line.split(' ')[1]);
  t.is(events.filter((why) => why === 'store').length, 1);
  t.is(events.filter((why) => why === 'store+').length, 36);
  t.is(events.filter((why) => why === 'clear').length, 37);
  t.is(made.lab.folios.writebackPages, 0);
  sameBytes(t, made.served(), content('f', SIZE).fill(1, PAGE_SIZE, 38 * PAGE_SIZE));
  await made.done(file);
});

test('with new content gaps are stored as the zeros that they are, and one run covers them', async (t) => {
  const made = storing(t);
  const file = await made.lab.run('writer', () => made.lab.vfs.openTruncated('f'));
  await made.dirty(file, 0, 1);
  await made.dirty(file, 1.25, 1.5);
  await made.dirty(file, 2.5, 3.25);
  await fsync(made, file);
  t.deepEqual(made.stores, ['0+3.25']);
  t.is(made.lab.folios.writebackPages, 0);
  const expected = Buffer.alloc(3.25 * PAGE_SIZE);
  expected.fill(1, 0, PAGE_SIZE).fill(1, 1.25 * PAGE_SIZE, 1.5 * PAGE_SIZE);
  expected.fill(1, 2.5 * PAGE_SIZE);
  sameBytes(t, made.served(), expected);
  await made.done(file);
});

test('with new content, too, a first page whose region ends inside it is stored alone', async (t) => {
  const made = storing(t);
  const file = await made.lab.run('writer', () => made.lab.vfs.openTruncated('f'));
  await made.dirty(file, 0, 0.5);
  await made.dirty(file, 1, 2);
  await fsync(made, file);
  t.deepEqual(made.stores, ['0+0.5', '1+1']);
  await made.done(file);
});

test('a pass ends when its budget is spent, which is counted by the batch, and the next goes on', async (t) => {
  const made = storing(t);
  const file = openRw(made, 'f');
  await made.dirty(file, 0, 40);
  // The budget is spent by the first page, and looked at after the second.
  t.is(await made.pass(file, { ...BACKGROUND, nrToWrite: 1 }), -1);
  t.is(made.mappingOf(file).writebackIndex, 2);
  // What is left after one page is enough for a batch of fifteen and the first of the next.
  t.is(await made.pass(file, { ...BACKGROUND, nrToWrite: 2 }), -15);
  t.is(made.mappingOf(file).writebackIndex, 19);
  t.is(await made.pass(file, { ...BACKGROUND, nrToWrite: 17 }), -4);
  t.deepEqual(made.stores, ['0+2', '2+17', '19+21']);
  await made.done(file);
});

test('cyclic writing back begins where it ended, and goes round while the budget lasts', async (t) => {
  const made = storing(t);
  const file = openRw(made, 'f');
  for (const page of [1, 10, 20]) await made.dirty(file, page, page + 1);
  made.mappingOf(file).writebackIndex = 10;
  t.is(await made.pass(file, { ...BACKGROUND, nrToWrite: 2 }), 0);
  t.deepEqual(made.stores, ['10+1', '20+1']);
  made.mappingOf(file).writebackIndex = 10;
  await made.dirty(file, 20, 21);
  await made.pass(file, { ...BACKGROUND, nrToWrite: 10 });
  t.deepEqual(made.stores.slice(2), ['20+1', '1+1']);
  await made.done(file);
});

test('a range is written by itself, the pages that it touches whole', async (t) => {
  const made = storing(t);
  const file = openRw(made, 'f');
  await made.dirty(file, 0, 10);
  await made.pass(file, { start: 3 * PAGE_SIZE + 5, end: 5 * PAGE_SIZE + 5 });
  t.deepEqual(made.stores, ['3+3']);
  t.deepEqual(made.dirtyPages(file), [0, 1, 2, 6, 7, 8, 9]);
  await made.done(file);
});

test('who changes the size keeps writing back out: sync waits for it, the flusher passes by', async (t) => {
  const made = storing(t);
  const { scheduler, clock } = made.lab;
  const file = openRw(made, 'f');
  await made.dirty(file, 0, 2);
  const inode = (file as unknown as OpenFile).inode as unknown as { validateLock: RwSemaphore };
  await made.lab.run('setattr', () => inode.validateLock.write());
  await made.pass(file, BACKGROUND);
  t.deepEqual(made.stores, []);
  scheduler.after(7000, () => inode.validateLock.doneWriting());
  await made.pass(file, {});
  t.true(clock.now() >= 7000);
  t.deepEqual(made.stores, ['0+2']);
  // Several may write back at once.
  await made.dirty(file, 0, 2);
  await made.lab.run('other', () => inode.validateLock.read());
  await made.pass(file, BACKGROUND);
  t.deepEqual(made.dirtyPages(file), []);
  inode.validateLock.doneReading();
  await made.done(file);
});

test('no byte behind the end of the file is stored, and the file keeps its size', async (t) => {
  const made = storing(t, {}, 1000);
  const file = openRw(made, 'f');
  const area = file.mmap(0, PAGE_SIZE);
  await made.lab.run('writer', () => area.store(filled(8, 1), 0, 8, 0));
  await fsync(made, file);
  t.deepEqual(made.stores, [`0+${1000 / PAGE_SIZE}`]);
  t.deepEqual(made.sizes, [1000]);
  t.is(made.served().length, 1000);
  area.munmap();
  await made.done(file);
});

test('a page wholly behind the end of the file is as good as written', async (t) => {
  const made = storing(t);
  const { folios } = made.lab;
  const file = openRw(made, 'f');
  await made.dirty(file, 2, 3);
  const { inode } = file as unknown as OpenFile;
  // Somebody else has cut it off, which a reply told.
  inode.size = PAGE_SIZE;
  await fsync(made, file);
  t.deepEqual(made.stores, []);
  t.false(folios.test(made.mappingOf(file).find(2), PG_DIRTY | PG_WRITEBACK | PG_PRIVATE));
  inode.size = SIZE;
  await made.done(file);
});

test('a store tells the server how long the file is, not only how far it reaches', async (t) => {
  const made = storing(t);
  const file = openRw(made, 'f');
  await made.dirty(file, 0, 1);
  await made.dirty(file, PAGES + 1, PAGES + 2);
  await made.pass(file, { end: PAGE_SIZE - 1 });
  t.deepEqual(made.sizes, [(PAGES + 2) * PAGE_SIZE]);
  await fsync(made, file);
  t.is(made.served().length, (PAGES + 2) * PAGE_SIZE);
  await made.done(file);
});

test('a status after a store of ours leaves the size that is not stored yet', async (t) => {
  const made = storing(t);
  const file = openRw(made, 'f');
  await made.dirty(file, 0, 1);
  await made.dirty(file, PAGES, PAGES + 3);
  await made.pass(file, { end: PAGE_SIZE - 1 });
  t.is(file.fstat().size, (PAGES + 3) * PAGE_SIZE);
  await made.done(file);
});

test('what ends under writeback is all that began, also where less was stored of the last page', async (t) => {
  const made = storing(t, { latencyNs: 1000 }, 2 * PAGE_SIZE + 100);
  const { folios } = made.lab;
  const file = await opened(made.lab, 'f', { write: true });
  const area = file.mmap(0, 3 * PAGE_SIZE);
  await made.lab.run('writer', () => area.store(filled(3, 1), 0, 3, PAGE_SIZE - 1));
  await made.lab.run('writer', () => area.store(filled(3, 1), 0, 3, 2 * PAGE_SIZE));
  await fsync(made, file);
  t.is(folios.writebackPages, 0);
  t.is(folios.dirtyPages, 0);
  t.deepEqual(made.stores, [`0+${2 + 100 / PAGE_SIZE}`]);
  area.munmap();
  await made.done(file);
});

test('every error of a store either keeps the pages or throws them away', (t) => {
  const keeps = [
    'EACCES',
    'EPERM',
    'ENOKEY',
    'EKEYEXPIRED',
    'EKEYREJECTED',
    'EKEYREVOKED',
  ] as const;
  for (const name of [...keeps, 'ETIMEDOUT', 'ECONNREFUSED', 'EINTR'] as const) {
    t.deepEqual(verdictOn(-errnoOf(name)), { keep: true, report: -errnoOf(name) }, name);
  }
  for (const name of ['EDQUOT', 'ENOSPC'] as const) {
    t.deepEqual(verdictOn(-errnoOf(name)), { keep: true, report: -errnoOf('ENOSPC') }, name);
  }
  const kills = ['EROFS', 'EIO', 'EREMOTEIO', 'EFBIG', 'ENOENT', 'ENOMEDIUM', 'ENXIO'] as const;
  for (const name of kills) {
    t.deepEqual(verdictOn(-errnoOf(name)), { keep: false, report: -errnoOf(name) }, name);
  }
});
