/**
 * Readahead: which pages are read, when, and where the marker goes. The windows are BEHAVIOUR
 * 2.9's.
 */
import test from 'ava';
import { PAGE_SIZE } from '../../../src/core/base/range.js';
import { PG_READAHEAD, PG_UPTODATE, PG_WRITEBACK } from '../../../src/core/mm/folio.js';
import {
  type FileRaState,
  initialWindow,
  nextWindow,
  ReadaheadControl,
  readaheadExpand,
} from '../../../src/core/mm/readahead.js';
import { awaited } from '../../../src/core/sim/wait_queue.js';
import { Rig, type RigOptions } from './rig.js';

/** The three numbers of a window, as a test writes them. */
type Window = readonly [start: number, size: number, asyncSize: number];

function windowOf({ start, size, asyncSize }: FileRaState): Window {
  return [start, size, asyncSize];
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

const initial = test.macro({
  exec(t, max: number, sizes: Record<number, number>) {
    for (const [req, size] of Object.entries(sizes)) {
      t.is(initialWindow(Number(req), max), size, `request of ${req}`);
    }
  },
  title: (_, max: number) =>
    `the first window grows with the request, with windows of ${max} pages at most`,
});

test(initial, 32, { 1: 4, 2: 4, 3: 8, 4: 8, 5: 16, 8: 16, 9: 32, 16: 32, 32: 32, 100: 32 });
test(initial, 31, { 1: 2, 2: 4, 3: 8, 4: 8, 5: 31, 8: 31, 9: 31, 16: 31, 32: 31 });
test(initial, 256, {
  1: 4,
  2: 8,
  3: 16,
  4: 16,
  5: 32,
  8: 32,
  9: 32,
  16: 32,
  32: 64,
  64: 128,
  65: 256,
});

const grows = test.macro({
  exec(t, max: number, sizes: readonly number[]) {
    const grown = [sizes[0]!];
    while (grown.length < sizes.length) grown.push(nextWindow(grown.at(-1)!, max));
    t.deepEqual(grown, sizes);
  },
  title: (_, max: number, sizes: readonly number[]) =>
    `windows of ${max} pages at most grow as ${sizes.join(', ')}`,
});

test(grows, 32, [1, 4, 8, 16, 32, 32]);
test(grows, 31, [2, 4, 8, 16, 31, 31]);
test(grows, 256, [4, 16, 32, 64, 128, 256, 256]);

const reads = test.macro({
  async exec(
    t,
    _what: string,
    options: Partial<RigOptions>,
    [step, from, to]: readonly [number, number, number],
    windows: readonly string[],
  ) {
    const rig = new Rig(options);
    t.deepEqual(await rig.sequential(rig.open(), step, from, to), windows);
  },
  title: (_, what: string, { mm }: Partial<RigOptions>) =>
    `${what} read the windows of a kernel with the ${mm?.batchLimitInclusive ? 'inclusive' : 'corrected'} batch limit`,
});

const inclusive = { mm: { batchLimitInclusive: true } };
const kib256 = { size: 256 << 10 };
const mib1 = { size: 1 << 20 };
const max31 = { raPages: 31, ioPages: 31 };
const max255 = { raPages: 255, ioPages: 255, size: 4 << 20 };

const small32 = '4 KiB reads with windows of 32 pages';
test(
  reads,
  small32,
  kib256,
  [1, 0, 64],
  ['@0 0+4 m1', '@1 4+8 m4', '@4 12+16 m12', '@12 28+32 m28', '@28 60+4'],
);
test(
  reads,
  small32,
  { ...kib256, ...inclusive },
  [1, 0, 64],
  ['@0 0+4 m1', '@0 4+8 m4', '@3 12+16 m12', '@11 28+32 m28', '@27 60+4'],
);

const small31 = '4 KiB reads with windows of 31 pages';
test(
  reads,
  small31,
  { ...kib256, ...max31 },
  [1, 0, 64],
  ['@0 0+2 m1', '@1 2+4 m2', '@2 6+8 m6', '@6 14+16 m14', '@14 30+31 m30', '@30 61+3'],
);
test(
  reads,
  small31,
  { ...kib256, ...max31, ...inclusive },
  [1, 0, 64],
  ['@0 0+2 m1', '@0 2+4 m2', '@1 6+8 m6', '@5 14+16 m14', '@13 30+31 m30', '@29 61+3'],
);

const small255 = '4 KiB reads with windows of 255 pages';
test(
  reads,
  small255,
  max255,
  [1, 0, 1024],
  [
    '@0 0+4 m1',
    '@1 4+16 m4',
    '@4 20+32 m20',
    '@20 52+64 m52',
    '@52 116+128 m116',
    '@116 244+255 m244',
    '@244 499+255 m499',
    '@499 754+255 m754',
    '@754 1009+15',
  ],
);
test(
  reads,
  small255,
  { ...max255, ...inclusive },
  [1, 0, 1024],
  [
    '@0 0+4 m1',
    '@0 4+16 m4',
    '@3 20+32 m20',
    '@19 52+64 m52',
    '@51 116+128 m116',
    '@115 244+255 m244',
    '@243 499+255 m499',
    '@498 754+255 m754',
    '@753 1009+15',
  ],
);

const reads64 = '64 KiB reads with windows of 32 pages';
test(
  reads,
  reads64,
  mib1,
  [16, 0, 256],
  [
    '@0 0+32 m16',
    '@16 32+32 m32',
    '@32 64+32 m64',
    '@64 96+32 m96',
    '@96 128+32 m128',
    '@128 160+32 m160',
    '@160 192+32 m192',
    '@192 224+32 m224',
  ],
);
test(
  reads,
  reads64,
  { ...mib1, ...inclusive },
  [16, 0, 256],
  [
    '@0 0+32 m16',
    '@0 32+32 m32',
    '@16 64+32 m64',
    '@48 96+32 m96',
    '@80 128+32 m128',
    '@112 160+32 m160',
    '@144 192+32 m192',
    '@176 224+32 m224',
  ],
);

const reads128 = '128 KiB reads with windows of 32 pages';
test(
  reads,
  reads128,
  mib1,
  [32, 0, 256],
  [
    '@0 0+32 m16',
    '@0 32+32 m32',
    '@32 64+32 m64',
    '@64 96+32 m96',
    '@96 128+32 m128',
    '@128 160+32 m160',
    '@160 192+32 m192',
    '@192 224+32 m224',
  ],
);
// The batch of pages 17 to 31 is full, so page 32 is not looked at by the first read.
test(
  reads,
  reads128,
  { ...mib1, ...inclusive },
  [32, 0, 256],
  [
    '@0 0+32 m16',
    '@0 32+32 m32',
    '@32 64+32 m64',
    '@32 96+32 m96',
    '@64 128+32 m128',
    '@96 160+32 m160',
    '@128 192+32 m192',
    '@160 224+32 m224',
  ],
);

test(
  reads,
  '128 KiB reads with windows of 31 pages',
  { ...mib1, ...max31 },
  [32, 0, 256],
  [
    '@0 0+31 m16',
    '@0 31+31 m31',
    '@0 62+31 m62',
    '@32 93+31 m93',
    '@64 124+31 m124',
    '@96 155+31 m155',
    '@128 186+31 m186',
    '@160 217+31 m217',
    '@192 248+8',
  ],
);

const whole = range(1, 8).map((i) => `@0 ${i * 32}+32 m${i * 32}`);
test(reads, 'one read of 1 MiB', mib1, [256, 0, 256], ['@0 0+32 m16', ...whole]);
test(
  reads,
  'one read of 1 MiB',
  { ...mib1, ...inclusive },
  [256, 0, 256],
  ['@0 0+32 m16', ...whole],
);

const middle = '4 KiB reads from the middle of the file';
test(
  reads,
  middle,
  {},
  [1, 256, 271],
  ['@256 256+1', '@257 257+4 m258', '@258 261+8 m261', '@261 269+16 m269', '@269 285+32 m285'],
);
test(
  reads,
  middle,
  inclusive,
  [1, 256, 271],
  ['@256 256+1', '@257 257+4 m258', '@257 261+8 m261', '@260 269+16 m269', '@268 285+32 m285'],
);

test(
  reads,
  '4 KiB reads of a file of 8192 bytes, one of them at its end,',
  { size: 8192 },
  [1, 0, 3],
  ['@0 0+2', '@2 RP 2'],
);
test(
  reads,
  '4 KiB reads of a file of 8192 bytes, one of them at its end,',
  { size: 8192, ...inclusive },
  [1, 0, 3],
  ['@0 0+2', '@2 RP 2'],
);

test('a kernel that checks for the end first reads no page beyond it', async (t) => {
  const rig = new Rig({ size: 8192, mm: { eofCheckedFirst: true } });
  t.deepEqual(await rig.sequential(rig.open(), 1, 0, 4), ['@0 0+2']);
  t.deepEqual(rig.present(), [0, 1]);
});

test('the marker of a window cut at the end of the file lands earlier and starts nothing', async (t) => {
  const rig = new Rig({ size: 10000 });
  const file = rig.open();
  t.deepEqual(await rig.sequential(file, 1, 0, 3), ['@0 0+3 m0']);
  t.false(rig.folios.test(rig.mapping.find(0), PG_READAHEAD));
  t.deepEqual(windowOf(file.ra), [0, 4, 3]);
});

test('a marker shifted into the window by the end of the file moves the state, not pages', async (t) => {
  const rig = new Rig({ size: 7 * PAGE_SIZE });
  const file = rig.open();
  t.deepEqual(await rig.sequential(file, 3, 0, 3), ['@0 0+7 m2']);
  t.deepEqual(windowOf(file.ra), [7, 12, 12]);
});

test('a request larger than the window may use the largest I/O of the device', async (t) => {
  const rig = new Rig({ ...mib1, ioPages: 256 });
  t.deepEqual(await rig.sequential(rig.open(), 256, 0, 256), ['@0 0+256 m128']);
});

test('a random read between sequential ones leaves their window as it was', async (t) => {
  const rig = new Rig();
  const file = rig.open();
  const seen = [
    ...(await rig.sequential(file, 1, 0, 1)),
    ...(await rig.sequential(file, 1, 500, 501)),
    ...(await rig.sequential(file, 1, 1, 2)),
  ];
  t.deepEqual(seen, ['@0 0+4 m1', '@500 500+1', '@1 4+8 m4']);
});

/** A decision of the on-demand algorithm: what was known, and what came of it. */
interface Decision {
  readonly index: number;
  readonly req: number;
  readonly hit?: boolean;
  readonly before?: Window;
  readonly prevPos?: number;
  readonly present?: readonly number[];
  readonly calls: readonly string[];
  readonly after: Window;
}

const decides = test.macro({
  async exec(t, _what: string, decision: Decision) {
    const rig = new Rig();
    const file = rig.open();
    const { ra } = file;
    const { index, req, hit = false, before = [0, 0, 0], prevPos = -1, present = [] } = decision;
    [ra.start, ra.size, ra.asyncSize] = before;
    ra.prevPos = prevPos;
    for (const page of present) rig.place(page);
    const ractl = new ReadaheadControl(file, rig.mapping, ra, index);
    await rig.run(() =>
      awaited(
        hit
          ? rig.readahead.async(ractl, rig.place(index, PG_UPTODATE | PG_READAHEAD), req)
          : rig.readahead.sync(ractl, req),
      ),
    );
    t.deepEqual(rig.calls, decision.calls);
    t.deepEqual(windowOf(ra), decision.after);
  },
  title: (_, what: string) => what,
});

test(decides, 'rule 1: a miss of page 0 begins anew, whatever the state was', {
  index: 0,
  req: 2,
  before: [50, 8, 8],
  calls: ['0+4 m2'],
  after: [0, 4, 2],
});
test(decides, 'rule 2: a miss where the marker was expected continues with the next window', {
  index: 14,
  req: 1,
  before: [10, 8, 4],
  calls: ['18+16 m18'],
  after: [18, 16, 16],
});
test(decides, 'rule 2: a miss right behind the window joins the next two if they fit', {
  index: 14,
  req: 1,
  before: [10, 4, 3],
  calls: ['14+24 m22'],
  after: [14, 24, 16],
});
test(decides, 'rule 2: two windows that do not fit become the largest, marked in its middle', {
  index: 18,
  req: 1,
  before: [10, 8, 4],
  calls: ['18+32 m34'],
  after: [18, 32, 16],
});
test(decides, 'rule 3: a marker that the state does not know goes on at the first absent page', {
  index: 20,
  req: 1,
  hit: true,
  present: range(21, 25),
  calls: ['25+12 m25'],
  after: [25, 12, 12],
});
test(decides, 'rule 3: an absent page exactly one largest window ahead still counts', {
  index: 20,
  req: 1,
  hit: true,
  present: range(21, 52),
  calls: ['52+32 m52'],
  after: [52, 32, 32],
});
test(decides, 'rule 3: with every page of a largest window present nothing is read', {
  index: 20,
  req: 1,
  hit: true,
  before: [3, 4, 5],
  present: range(21, 53),
  calls: [],
  after: [3, 4, 5],
});
test(decides, 'rule 4: a request above the largest window is taken for sequential', {
  index: 100,
  req: 40,
  calls: ['100+32 m116'],
  after: [100, 32, 16],
});
test(decides, 'rule 5: a miss of the page behind the last one read is sequential', {
  index: 100,
  req: 1,
  prevPos: 99 * PAGE_SIZE + 1,
  calls: ['100+4 m101'],
  after: [100, 4, 3],
});
test(decides, 'rule 5: a miss of the page that the last read ended in is sequential', {
  index: 100,
  req: 1,
  prevPos: 100 * PAGE_SIZE,
  calls: ['100+4 m101'],
  after: [100, 4, 3],
});
test(decides, 'rule 5: a miss just before the last read is not sequential', {
  index: 100,
  req: 1,
  prevPos: 101 * PAGE_SIZE,
  calls: ['100+1'],
  after: [0, 0, 0],
});
test(decides, 'rule 5: a miss two pages behind the last read is not sequential', {
  index: 100,
  req: 1,
  prevPos: 98 * PAGE_SIZE,
  calls: ['100+1'],
  after: [0, 0, 0],
});
test(decides, 'rule 6: pages present just below are history and size the window', {
  index: 100,
  req: 2,
  present: range(95, 100),
  calls: ['100+7 m106'],
  after: [100, 7, 1],
});
test(decides, 'rule 6: history that reaches the start of the file counts twice', {
  index: 5,
  req: 1,
  present: range(0, 5),
  calls: ['5+11 m15'],
  after: [5, 11, 1],
});
test(decides, 'rule 6: history is looked at as far as the largest window', {
  index: 100,
  req: 2,
  present: range(0, 100),
  calls: ['100+32 m131'],
  after: [100, 32, 1],
});
test(decides, 'rule 7: history no longer than the request is none', {
  index: 100,
  req: 2,
  before: [7, 8, 9],
  present: [98, 99],
  calls: ['100+2'],
  after: [7, 8, 9],
});
test(decides, 'rule 7: a first read away from the start is random and read as it is', {
  index: 100,
  req: 9,
  before: [1, 2, 1],
  calls: ['100+9'],
  after: [1, 2, 1],
});

const splits = test.macro({
  async exec(t, _what: string, present: readonly number[], calls: readonly string[]) {
    const rig = new Rig();
    for (const page of present) rig.place(page);
    const file = rig.open();
    // Four pages asked at the start: a window of 8 with the marker on page 4.
    await rig.run(() =>
      awaited(rig.readahead.sync(new ReadaheadControl(file, rig.mapping, file.ra, 0), 4)),
    );
    t.deepEqual(rig.calls, calls);
    t.deepEqual(rig.present(), range(0, 8));
  },
  title: (_, what: string) => what,
});

test(splits, 'a window without present pages is one request', [], ['0+8 m4']);
test(splits, 'a window is split at present pages', [2, 5], ['0+2', '3+2 m4', '6+2']);
test(splits, 'neighbouring present pages are one gap', [1, 2, 3], ['0+1', '4+4 m4']);
test(splits, 'present pages at both ends only shorten the window', [0, 7], ['1+6 m4']);
test(splits, 'the marker is not put on a page that is present', [4], ['0+4', '5+3']);
test(splits, 'a window whose pages are all present asks nothing', range(0, 8), []);

test('a window takes what memory there is', async (t) => {
  const rig = new Rig({ cachePages: 8, ...max31 });
  const file = rig.open();
  for (let i = 100; i < 103; i++) rig.folios.addLocked(rig.mapping, i);
  await rig.run(() =>
    awaited(rig.readahead.window(new ReadaheadControl(file, rig.mapping, file.ra, 0), 16, 8)),
  );
  t.deepEqual(rig.calls, ['0+5']);
});

test('a window of an empty file, or behind the end of one, is none', async (t) => {
  for (const size of [0, 1, PAGE_SIZE]) {
    const rig = new Rig({ size });
    const { ra } = rig.open();
    const ractl = new ReadaheadControl(undefined, rig.mapping, ra, size === 0 ? 0 : 1);
    await rig.run(() => awaited(rig.readahead.window(ractl, 4, 0)));
    t.deepEqual(rig.calls, []);
  }
});

test('the page that holds the last byte of the file is the last one of a window', async (t) => {
  const sizes = [1, PAGE_SIZE, PAGE_SIZE + 1, 3 * PAGE_SIZE, 3 * PAGE_SIZE + 1];
  const calls: string[] = [];
  for (const size of sizes) {
    const rig = new Rig({ size });
    const { ra } = rig.open();
    const ractl = new ReadaheadControl(undefined, rig.mapping, ra, 0);
    await rig.run(() => awaited(rig.readahead.window(ractl, 9, 0)));
    calls.push(...rig.calls);
  }
  t.deepEqual(calls, ['0+1', '0+1', '0+2', '0+3', '0+4']);
});

test('forced readahead goes in pieces of 2 MiB, without a marker and without history', async (t) => {
  const rig = new Rig({ size: 2000 * PAGE_SIZE, ioPages: 1500 });
  const { ra } = rig.open();
  const ractl = new ReadaheadControl(undefined, rig.mapping, ra, 10);
  await rig.run(() => rig.readahead.forced(ractl, 1100));
  t.deepEqual(rig.calls, ['10+512', '522+512', '1034+76']);
  t.deepEqual(windowOf(ra), [0, 0, 0]);
});

test('forced readahead reads no more than the larger of window and device I/O', async (t) => {
  const calls: string[] = [];
  for (const [raPages, ioPages] of [
    [32, 8],
    [8, 64],
  ] as const) {
    const rig = new Rig({ raPages, ioPages });
    const { ra } = rig.open();
    const ractl = new ReadaheadControl(undefined, rig.mapping, ra, 0);
    await rig.run(() => rig.readahead.forced(ractl, 1e9));
    calls.push(...rig.calls);
  }
  t.deepEqual(calls, ['0+32', '0+64']);
});

test('forced readahead ends with the file', async (t) => {
  const rig = new Rig({ size: 600 * PAGE_SIZE, ioPages: 2000 });
  const { ra } = rig.open();
  const ractl = new ReadaheadControl(undefined, rig.mapping, ra, 0);
  await rig.run(() => rig.readahead.forced(ractl, 2000));
  t.deepEqual(rig.calls, ['0+512', '512+88']);
});

test('with readahead switched off each missing page is forced by itself', async (t) => {
  const rig = new Rig({ raPages: 0 });
  t.deepEqual(await rig.sequential(rig.open(), 3, 0, 3), ['@0 0+1', '@0 1+1', '@0 2+1']);
});

test('with no window and no device I/O pages are read by readpage', async (t) => {
  const rig = new Rig({ raPages: 0, ioPages: 0 });
  t.deepEqual(await rig.sequential(rig.open(), 2, 0, 2), ['@0 RP 0', '@0 RP 1']);
});

test('with readahead switched off and no file nothing is read ahead', async (t) => {
  const rig = new Rig({ raPages: 0 });
  const { ra } = rig.open();
  await rig.run(() =>
    awaited(rig.readahead.sync(new ReadaheadControl(undefined, rig.mapping, ra, 0), 4)),
  );
  t.deepEqual(rig.calls, []);
});

test('a file in random mode is read as asked, at most one window at a time', async (t) => {
  const rig = new Rig();
  const file = rig.open();
  file.randomMode = true;
  t.deepEqual(await rig.sequential(file, 5, 0, 10), ['@0 0+5', '@5 5+5']);
  t.deepEqual(await rig.sequential(file, 40, 100, 140), ['@100 100+32', '@100 132+8']);
  t.deepEqual(windowOf(file.ra), [0, 0, 0]);
});

test('a marker is ignored, and stays, while its page is written back or readahead is off', async (t) => {
  const rig = new Rig();
  const file = rig.open();
  const written = rig.place(4, PG_UPTODATE | PG_READAHEAD | PG_WRITEBACK);
  const plain = rig.place(9, PG_UPTODATE | PG_READAHEAD);
  await rig.run(function* () {
    const at = (i: number) => new ReadaheadControl(file, rig.mapping, file.ra, i);
    yield* awaited(rig.readahead.async(at(4), written, 1));
    file.ra.raPages = 0;
    yield* awaited(rig.readahead.async(at(9), plain, 1));
  });
  t.deepEqual(rig.calls, []);
  t.true(rig.folios.test(written, PG_READAHEAD));
  t.true(rig.folios.test(plain, PG_READAHEAD));
});

test('pages that the filesystem leaves stay in v5.13, unlocked and not uptodate', async (t) => {
  const rig = new Rig({ takes: 2 });
  const file = rig.open();
  await rig.run(() =>
    awaited(rig.readahead.sync(new ReadaheadControl(file, rig.mapping, file.ra, 0), 1)),
  );
  t.deepEqual(windowOf(file.ra), [0, 4, 3]);
  t.deepEqual(rig.present(), [0, 1, 2, 3]);
  const flags = [0, 1, 2, 3].map((i) => rig.folios.flagsOf(rig.mapping.find(i)));
  t.deepEqual(flags, [PG_UPTODATE, PG_UPTODATE | PG_READAHEAD, 0, 0]);
  t.deepEqual(
    [2, 3].map((i) => rig.folios.refsOf(rig.mapping.find(i))),
    [1, 1],
  );
});

test('pages that the filesystem leaves are removed by later kernels and leave the window', async (t) => {
  const rig = new Rig({ takes: 2, mm: { leftoversRemoved: true } });
  const file = rig.open();
  await rig.run(() =>
    awaited(rig.readahead.sync(new ReadaheadControl(file, rig.mapping, file.ra, 0), 1)),
  );
  t.deepEqual(windowOf(file.ra), [0, 2, 1]);
  t.deepEqual(rig.present(), [0, 1]);
});

test('later kernels remove left pages only as far as the asynchronous part goes', async (t) => {
  const rig = new Rig({ takes: 0, mm: { leftoversRemoved: true } });
  const file = rig.open();
  await rig.run(() =>
    awaited(rig.readahead.sync(new ReadaheadControl(file, rig.mapping, file.ra, 0), 1)),
  );
  t.deepEqual(windowOf(file.ra), [0, 0, 0]);
  t.deepEqual(rig.present(), [3]);
});

/** Expands a window of one page at 10, or another, and gives the outcome. */
async function expanded(
  rig: Rig,
  start: number,
  length: number,
  { index = 10, pages = 1, withRa = true } = {},
): Promise<{ window: [number, number]; ra: Window }> {
  const file = rig.open();
  [file.ra.start, file.ra.size, file.ra.asyncSize] = [index, pages, 0];
  const ractl = new ReadaheadControl(file, rig.mapping, withRa ? file.ra : undefined, index);
  for (let i = 0; i < pages; i++) {
    rig.folios.addLocked(rig.mapping, index + i);
    ractl.nrPages++;
  }
  readaheadExpand(ractl, start, length);
  return { window: [ractl.index, ractl.nrPages], ra: windowOf(file.ra) };
}

test('a window expands both ways; only upwards does its recorded size grow', async (t) => {
  const rig = new Rig();
  const { window, ra } = await expanded(rig, 8 * PAGE_SIZE, 8 * PAGE_SIZE);
  t.deepEqual(window, [8, 8]);
  t.deepEqual(ra, [10, 6, 5]);
  t.deepEqual(rig.present(), range(8, 16));
  t.deepEqual(
    range(8, 10).map((i) => rig.folios.refsOf(rig.mapping.find(i))),
    [2, 2],
  );
});

test('a window without readahead state expands all the same', async (t) => {
  const rig = new Rig();
  const { window, ra } = await expanded(rig, 9 * PAGE_SIZE, 3 * PAGE_SIZE, { withRa: false });
  t.deepEqual(window, [9, 3]);
  t.deepEqual(ra, [10, 1, 0]);
});

test('a window stopped on its way down does not grow up either', async (t) => {
  const rig = new Rig();
  rig.place(8);
  const { window, ra } = await expanded(rig, 4 * PAGE_SIZE, 16 * PAGE_SIZE);
  t.deepEqual(window, [9, 2]);
  t.deepEqual(ra, [10, 1, 0]);
});

test('a window growing up stops at a page that is present, even one under I/O', async (t) => {
  const rig = new Rig();
  rig.folios.addLocked(rig.mapping, 13);
  const { window, ra } = await expanded(rig, 10 * PAGE_SIZE, 16 * PAGE_SIZE);
  t.deepEqual(window, [10, 3]);
  t.deepEqual(ra, [10, 3, 2]);
});

test('a window expands beyond the end of the file', async (t) => {
  const rig = new Rig({ size: 10 * PAGE_SIZE + 1 });
  t.deepEqual((await expanded(rig, 8 * PAGE_SIZE, 8 * PAGE_SIZE)).window, [8, 8]);
});

test('a start inside a page rounds down and the length counts from it', async (t) => {
  const rig = new Rig();
  const { window } = await expanded(rig, 10 * PAGE_SIZE + 100, 2 * PAGE_SIZE);
  t.deepEqual(window, [10, 3]);
});

test('a range inside the window changes nothing', async (t) => {
  const rig = new Rig();
  const { window } = await expanded(rig, 11 * PAGE_SIZE, PAGE_SIZE, { pages: 4 });
  t.deepEqual(window, [10, 4]);
});

test('a window grows as far as memory goes', async (t) => {
  const up = new Rig({ cachePages: 4 });
  t.deepEqual((await expanded(up, 10 * PAGE_SIZE, 9 * PAGE_SIZE)).window, [10, 4]);
  const down = new Rig({ cachePages: 4 });
  t.deepEqual((await expanded(down, 0, 20 * PAGE_SIZE)).window, [7, 4]);
});

test('a window that was expanded moves the next one, and its marker stays', async (t) => {
  const rig = new Rig({
    expand: (ractl) => {
      const end = Math.ceil((ractl.index + ractl.nrPages) / 16) * 16;
      readaheadExpand(ractl, ractl.position, end * PAGE_SIZE - ractl.position);
    },
  });
  const file = rig.open();
  t.deepEqual(await rig.sequential(file, 1, 0, 1), ['@0 0+16 m1']);
  t.deepEqual(windowOf(file.ra), [0, 16, 15]);
  t.deepEqual(await rig.sequential(file, 1, 1, 2), ['@1 16+32 m16']);
});
