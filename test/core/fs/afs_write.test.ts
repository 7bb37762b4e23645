/** Writes through the AFS client: worked examples, regions, runs, and what reaches the server. */
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { PAGE_SIZE } from '../../../src/core/base/range.js';
import { brief, content, makeLab } from '../../helpers/lab.js';
import { counters, events, inBothModes, sameBytes } from '../../helpers/netfs.js';
import { makeCachedLab } from '../../helpers/test_cache.js';
import {
  dirtyEvents,
  filled,
  fsync,
  isDirtyEvent,
  openRw,
  truncate,
  write,
} from '../../helpers/write.js';

const DIRECT = { serverWrites: 'direct' } as const;

const netfsEvents = (made: ReturnType<typeof makeLab>): string[] =>
  made.sink.rows.filter((row) => !isDirtyEvent(row)).map(brief);

inBothModes(
  'W11: a write that covers the page to the end of the file reads nothing',
  async (t, defects) => {
    const made = makeLab(t, { f: 0x1800 }, { defects });
    const file = openRw(made, 'f');
    t.is(await write(made, file, 0x1000, filled(0x900, 1)), 0x900);
    t.deepEqual(netfsEvents(made), []);
    t.deepEqual(counters(made.lab), { WBZ: 1, sk: 1 });
  },
);

inBothModes('W12: a write into the middle of a page reads the page first', async (t, defects) => {
  const made = makeLab(t, { f: 0x10000 }, { defects });
  const file = openRw(made, 'f');
  await write(made, file, 0x1100, filled(0x10, 1));
  t.deepEqual(
    netfsEvents(made),
    events(`
      R1 WRITEBEGN c=00000000 s=1100 10
      R1[0] PREP DOWN f=00 s=1000 0/1000 e=0
      R1[0] SUBMT DOWN f=00 s=1000 0/1000 e=0
      R1[0] TERM DOWN f=02 s=1000 1000/1000 e=0
      R1 ASSESS f=24
      R1 UNLOCK f=24
      R1 DONE f=04
      R1[0] FREE DOWN f=02 s=1000 1000/1000 e=0
      R1 FREE f=04
    `),
  );
  t.deepEqual(counters(made.lab), { WB: 1, DL: 1, ds: 1 });
  t.deepEqual(dirtyEvents(made), ['1 dirty 100-110']);
});

test('W12 with a cache: the write begins when the page is on its way no more', async (t) => {
  const made = makeCachedLab(t, { f: 0x10000 }, { writes: 'async', delayNs: () => 5000 }, DIRECT);
  const { lab, cache, sink } = made;
  const file = openRw(made, 'f');
  await write(made, file, 0x1100, filled(0x10, 1));
  t.is(cache.writes.length, 1);
  t.deepEqual(
    cache.content(file.fstat().ino, 0x1000, 0x2000),
    content('f', 0x2000).subarray(0x1000),
  );
  const dirtied = sink.rows.findIndex(isDirtyEvent);
  const stored = sink.rows.findIndex(({ what }) => what === 'WTERM');
  t.true(stored >= 0 && dirtied > stored, `${stored} ${dirtied}`);
  t.deepEqual(
    netfsEvents(made).slice(0, 8),
    events(`
      R1 WRITEBEGN c=0000000a s=1100 10
      R1[0] PREP DOWN f=01 s=1000 0/1000 e=0
      R1[0] SUBMT DOWN f=01 s=1000 0/1000 e=0
      R1[0] TERM DOWN f=03 s=1000 1000/1000 e=0
      R1 ASSESS f=26
      R1 UNLOCK f=26
      R1 WRITE f=06
      R1[0] WRITE DOWN f=03 s=1000 1000/1000 e=0
    `),
  );
  await lab.scheduler.drain();
  t.is(netfsEvents(made).at(-1), 'R1 FREE f=06');
  t.deepEqual(counters(lab), { WB: 1, DL: 1, ds: 1, WR: 1, ws: 1 });
  file.close();
  await lab.close();
});

test('what is written is read back at once, and is on the server after fsync', async (t) => {
  const made = makeLab(t, { f: 20_000 }, DIRECT);
  const file = openRw(made, 'f');
  const expected = content('f', 20_000);
  expected.fill(7, 5000, 14_000);
  await write(made, file, 5000, filled(9000, 7));
  sameBytes(t, await made.read(file, 0, 30_000), expected);
  sameBytes(t, fs.readFileSync(path.join(made.dir, 'f')), content('f', 20_000));
  await fsync(made, file);
  sameBytes(t, fs.readFileSync(path.join(made.dir, 'f')), expected);
  file.close();
  await made.lab.close();
});

test('neighbouring dirty pages go to the server in one operation', async (t) => {
  const made = makeLab(t, { f: 0x8000 }, DIRECT);
  const file = openRw(made, 'f');
  await write(made, file, 0x1800, filled(0x3000, 1));
  await fsync(made, file);
  t.is(made.lab.server.counters.stores, 1);
  t.is(made.lab.server.counters.storedBytes, 0x3000);
  t.deepEqual(dirtyEvents(made), [
    '1 dirty 800-1000',
    '2 dirty 0-1000',
    '3 dirty 0-1000',
    '4 dirty 0-800',
    '1 store 800-1000',
    '2 store+ 0-1000',
    '3 store+ 0-1000',
    '4 store+ 0-800',
    '1 clear 800-1000',
    '2 clear 0-1000',
    '3 clear 0-1000',
    '4 clear 0-800',
  ]);
  file.close();
  await made.lab.close();
});

test('regions of a page that touch become one; one that does not is stored first', async (t) => {
  const made = makeLab(t, { f: 0x1000 }, DIRECT);
  const file = openRw(made, 'f');
  await write(made, file, 0x100, filled(0x100, 1));
  await write(made, file, 0x200, filled(0x100, 2));
  await write(made, file, 0x80, filled(0x80, 3));
  await write(made, file, 0x400, filled(0x100, 4));
  t.deepEqual(dirtyEvents(made), [
    '0 dirty 100-200',
    '0 dirty+ 100-300',
    '0 dirty+ 80-300',
    '0 store 80-300',
    '0 clear 80-300',
    '0 dirty 400-500',
  ]);
  file.close();
  await made.lab.close();
});

test('in a file that was emptied first gaps are zeros, and nothing is stored early', async (t) => {
  const made = makeLab(t, { f: 0x3000 }, DIRECT);
  const { lab } = made;
  const file = await lab.run('writer', () => lab.vfs.openTruncated('f'));
  await write(made, file, 0x100, filled(0x100, 1));
  await write(made, file, 0x400, filled(0x100, 2));
  await write(made, file, 0x1200, filled(0x100, 3));
  t.deepEqual(dirtyEvents(made), ['0 dirty 100-200', '0 dirty+ 100-500', '1 dirty 200-300']);
  await fsync(made, file);
  const expected = Buffer.alloc(0x1300);
  expected.fill(1, 0x100, 0x200).fill(2, 0x400, 0x500).fill(3, 0x1200, 0x1300);
  sameBytes(t, fs.readFileSync(path.join(made.dir, 'f')), expected);
  file.close();
  await lab.close();
});

test('a file that is cut off and extended again reads as zeros there', async (t) => {
  const made = makeLab(t, { f: 0x3000 }, DIRECT);
  const file = openRw(made, 'f');
  await made.read(file, 0, 0x3000);
  await truncate(made, file, 0x1800);
  await truncate(made, file, 0x2800);
  const expected = Buffer.concat([content('f', 0x3000).subarray(0, 0x1800), Buffer.alloc(0x1000)]);
  sameBytes(t, await made.read(file, 0, 0x4000), expected);
  sameBytes(t, fs.readFileSync(path.join(made.dir, 'f')), expected);
  file.close();
  await made.lab.close();
});

test('O_APPEND writes at the end wherever it is told to', async (t) => {
  const made = makeLab(t, { f: 10 }, DIRECT);
  const file = openRw(made, 'f', { append: true });
  await write(made, file, 0, filled(5, 1));
  await write(made, file, 3, filled(5, 2));
  await fsync(made, file);
  t.deepEqual(
    [...fs.readFileSync(path.join(made.dir, 'f')).subarray(10)],
    [1, 1, 1, 1, 1, 2, 2, 2, 2, 2],
  );
  file.close();
  await made.lab.close();
});

test('stores through a mapping are in the file, and fault again after they were written', async (t) => {
  const made = makeLab(t, { f: 0x2000 }, DIRECT);
  const { lab } = made;
  const file = openRw(made, 'f');
  const area = file.mmap(0, 0x2000);
  await lab.run('writer', () => area.store(filled(16, 9), 0, 16, 0x1ff8 - 16));
  await lab.run('writer', () => area.msync());
  await lab.run('writer', () => area.store(filled(8, 8), 0, 8, 0x1000));
  await lab.run('writer', () => area.msync());
  t.deepEqual(dirtyEvents(made), [
    '1 mkwrite 0-1000 M',
    '1 store 0-1000 M',
    '1 clear 0-1000 M',
    '1 mkwrite 0-1000 M',
    '1 store 0-1000 M',
    '1 clear 0-1000 M',
  ]);
  const expected = content('f', 0x2000);
  expected.fill(9, 0x1fe8, 0x1ff8).fill(8, 0x1000, 0x1008);
  sameBytes(t, fs.readFileSync(path.join(made.dir, 'f')), expected);
  area.munmap();
  file.close();
  await lab.close();
});

test('the served directory stays as it is unless writes go there', async (t) => {
  const made = makeLab(t, { f: 100 });
  const file = openRw(made, 'f');
  await write(made, file, 0, filled(100, 1));
  const other = openRw(made, 'new', { create: true });
  await write(made, other, 0, filled(10, 2));
  await fsync(made, file);
  await fsync(made, other);
  sameBytes(t, fs.readFileSync(path.join(made.dir, 'f')), content('f', 100));
  t.deepEqual(fs.readdirSync(made.dir), ['f']);
  sameBytes(t, await made.read(openRw(made, 'f'), 0, 100), filled(100, 1));
  t.deepEqual(
    [...made.lab.server.list()].map(({ name, size }) => ({ name, size })),
    [
      { name: 'f', size: 100 },
      { name: 'new', size: 10 },
    ],
  );
});

test('closing the lab writes what is dirty', async (t) => {
  const made = makeLab(t, { f: PAGE_SIZE }, DIRECT);
  const file = openRw(made, 'f');
  await write(made, file, 10, filled(10, 1));
  file.close();
  await made.lab.close();
  t.is(fs.readFileSync(path.join(made.dir, 'f'))[15], 1);
});
