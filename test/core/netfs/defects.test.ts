/**
 * The defects that the specification marks (BEHAVIOUR 3.8, 3.9, 4.4, 5.10 and section 7): each is
 * shown to give what the kernel gives in `kernel` mode, and right data or an error in `repaired`
 * mode.
 */
import test, { type ExecutionContext } from 'ava';
import { errnoOf } from '../../../src/core/base/errno.js';
import { ErrnoError } from '../../../src/core/base/errors.js';
import { INVALID_READ } from '../../../src/core/netfs/types.js';
import type { VfsFile } from '../../../src/core/vfs/types.js';
import { misbehave } from '../../helpers/bad_server.js';
import { content, makeLab, type TestLab } from '../../helpers/lab.js';
import {
  counters,
  dropPages,
  firstDifference,
  inBothModes,
  pageState,
  pageStates,
  readahead,
  sameBytes,
} from '../../helpers/netfs.js';
import { PowerCutDisk } from '../../helpers/power_cut.js';
import { makeCachedLab } from '../../helpers/test_cache.js';

const ETIMEDOUT = errnoOf('ETIMEDOUT');

/** Where a read of [0, count) first differs from the file, or the code of its error. */
async function outcome(made: TestLab, file: VfsFile, count: number): Promise<number | string> {
  try {
    const expected = content(file.path, file.fstat().size).subarray(0, count);
    return firstDifference(await made.read(file, 0, count), expected);
  } catch (error) {
    if (error instanceof ErrnoError) return error.code;
    throw error;
  }
}

/** The read gives the file's bytes. */
const RIGHT = -1;

/** Makes sure that the read happened as `kernel` and `repaired` say, each in its mode. */
async function differs(
  t: ExecutionContext,
  made: TestLab,
  file: VfsFile,
  count: number,
  results: { kernel: number | string; repaired: number | string },
): Promise<void> {
  t.is(await outcome(made, file, count), results[made.lab.options.defects]);
  await made.lab.scheduler.drain();
}

inBothModes(
  'T10: a short cache read is resubmitted, by the kernel from the start of its slice',
  async (t, defects) => {
    const onRead = ({ number }: { number: number }) => (number === 0 ? 0x1000 : undefined);
    const made = makeCachedLab(t, { f: 0x10000 }, { onRead }, { defects });
    const file = made.open('f');
    made.cache.fill(file.fstat().ino, 0, content('f', 0x4000));
    await readahead(made, file, 0, 0x4000);
    t.is(made.cache.reads[1]?.start, defects === 'kernel' ? 0 : 0x1000);
    await differs(t, made, file, 0x4000, { kernel: 0x1000, repaired: RIGHT });
    await made.lab.close();
  },
);

inBothModes(
  'T13: a slice beyond the end of the file, downloaded instead, fails only in the kernel',
  async (t, defects) => {
    const options = { onRead: () => -5 };
    const made = makeCachedLab(t, { f: 0x2800 }, options, { defects, clearTail: false });
    const file = made.open('f');
    made.cache.fill(
      file.fstat().ino,
      0,
      Buffer.concat([content('f', 0x2800), Buffer.alloc(0x800)]),
    );
    await readahead(made, file, 0, 0x3000);
    const good = defects === 'repaired';
    t.deepEqual(pageStates(made, file, 3), new Array(3).fill(good ? 'uptodate' : 'not uptodate'));
    t.is((await made.trace()).filter((line) => line.includes(' e=-61')).length, good ? 0 : 2);
    const target = Buffer.alloc(0x800);
    const read = made.lab.run('reader', () => file.read(target, 0, 0x800, 0x2000));
    if (good) {
      await read;
      sameBytes(t, target, content('f', 0x2800).subarray(0x2000));
    } else {
      await t.throwsAsync(read, { code: 'ENODATA' });
    }
    await made.lab.close();
  },
);

inBothModes(
  'T14: an invalid first slice fails the read, and in the kernel gives pages never read',
  async (t, defects) => {
    const made = makeCachedLab(t, { f: 0x10000 }, { choose: () => INVALID_READ }, { defects });
    const file = made.open('f');
    await readahead(made, file, 0, 0x4000);
    t.is((await made.trace())[1], 'R1[0] PREP INVL f=00 s=0 0/4000 e=0');
    await differs(t, made, file, 0x4000, { kernel: 0, repaired: 'EIO' });
    await made.lab.close();
  },
);

inBothModes(
  'T14: an invalid slice behind a good one leaves the good one readable',
  async (t, defects) => {
    let slices = 0;
    const choose = () => (slices++ === 1 ? INVALID_READ : undefined);
    const made = makeCachedLab(t, { f: 0x10000 }, { choose }, { defects, rsize: 0x2000 });
    const file = made.open('f');
    await readahead(made, file, 0, 0x4000);
    t.deepEqual(pageStates(made, file, 2), ['uptodate', 'uptodate']);
    t.is(pageState(made, file, 3), defects === 'kernel' ? 'uptodate' : 'not uptodate');
    await differs(t, made, file, 0x4000, { kernel: 0x2000, repaired: RIGHT });
    await made.lab.close();
  },
);

inBothModes('T15: a request without a slice fails its pages', async (t, defects) => {
  const failAllocation = (what: string): boolean => what === 'sreq';
  const made = makeLab(t, { f: 0x10000 }, { defects, failAllocation });
  const file = made.open('f');
  await t.throwsAsync(made.read(file, 0, 0x1000), { code: 'EIO' });
  const trace = await made.trace();
  t.deepEqual(trace.slice(trace.indexOf('R2 READPAGE c=00000000 s=0 1000')), [
    'R2 READPAGE c=00000000 s=0 1000',
    'R2 ASSESS f=20',
    'R2 UNLOCK f=20',
    'R2 DONE f=00',
    'failure R2[0] INVL f=00 s=0 0/0 short-readpage e=0',
    'R2 FREE f=00',
  ]);
  t.is(pageState(made, file, 0), 'not uptodate');
  await made.lab.close();
});

inBothModes(
  'T16: a short slice of a failed request counts as good only in the kernel',
  async (t, defects) => {
    const wrapServer = misbehave(({ number }) =>
      number === 0 ? { most: 0x800 } : number === 1 ? { error: -ETIMEDOUT } : undefined,
    );
    const options = { defects, clearTail: false, rsize: 0x2000, wrapServer };
    const made = makeLab(t, { f: 0x10000 }, options);
    const file = made.open('f');
    await readahead(made, file, 0, 0x4000);
    const trace = await made.trace();
    t.true(trace.includes('R1[0] TERM DOWN f=04 s=0 800/2000 e=0'));
    t.true(trace.includes('R1 UNLOCK f=31'));
    const first = defects === 'kernel' ? 'uptodate' : 'not uptodate';
    t.deepEqual(pageStates(made, file, 4), [first, first, 'not uptodate', 'not uptodate']);
    await differs(t, made, file, 0x2000, { kernel: 0x800, repaired: RIGHT });
    await made.lab.close();
  },
);

inBothModes(
  '3.9: a page that two stored slices share leaks a reference only in the kernel',
  async (t, defects) => {
    const made = makeCachedLab(t, { f: 0x10000 }, {}, { defects, rsize: 0x800 });
    const file = made.open('f');
    await readahead(made, file, 0, 0x1000);
    // The kernel takes a reference of the page for each slice and drops one.
    t.is(pageState(made, file, 0), defects === 'kernel' ? 'uptodate +1' : 'uptodate');
    t.deepEqual(counters(made.lab), { RA: 1, DL: 2, ds: 2, WR: 1, ws: 1 });
    sameBytes(t, made.cache.content(file.fstat().ino, 0, 0x1000), content('f', 0x1000));
    await dropPages(made, file);
    t.is(pageState(made, file, 0), defects === 'kernel' ? 'uptodate +1' : 'absent');
    await made.lab.close();
  },
);

inBothModes(
  '3.9: a page torn by lack of memory is stored only in the kernel',
  async (t, defects) => {
    let slices = 0;
    const failAllocation = (what: string): boolean => what === 'sreq' && slices++ === 2;
    const options = { defects, rsize: 0xc00, failAllocation };
    const made = makeCachedLab(t, { f: 0x10000 }, {}, options);
    const file = made.open('f');
    // Slices [0, c00) and [c00, 1800): page 0 is whole, page 1 is torn.
    await readahead(made, file, 0, 0x4000);
    const torn = made.cache.content(file.fstat().ino, 0x1000, 0x2000);
    const whole = content('f', 0x2000).subarray(0x1000);
    if (defects === 'kernel') t.is(firstDifference(torn, whole), 0x800);
    else t.is(torn.length, 0);
    t.is(pageState(made, file, 1), 'not uptodate');
    await dropPages(made, file);
    await differs(t, made, file, 0x4000, { kernel: 0x1800, repaired: RIGHT });
    await made.lab.close();
  },
);

inBothModes(
  '5.10: a short reply in the middle of a file becomes zeros only in the kernel',
  async (t, defects) => {
    const wrapServer = misbehave(({ number }) => (number === 0 ? { most: 0x1800 } : undefined));
    const made = makeLab(t, { f: 0x10000 }, { defects, wrapServer });
    const file = made.open('f');
    await readahead(made, file, 0, 0x4000);
    const short_reads = (await made.trace()).filter((line) => line.includes(' SHORT '));
    t.deepEqual(
      short_reads,
      defects === 'kernel' ? [] : ['R1[0] SHORT DOWN f=08 s=0 1800/4000 e=0'],
    );
    t.is(made.lab.stats.bytes.cleared, defects === 'kernel' ? 0x2800 : 0);
    await differs(t, made, file, 0x4000, { kernel: 0x1800, repaired: RIGHT });
    const read = await made.read(file, 0, 0x4000);
    if (defects === 'kernel') sameBytes(t, read.subarray(0x1800), Buffer.alloc(0x2800));
    await made.lab.close();
  },
);

inBothModes('3.7: a reply longer than was asked is cut down', async (t, defects) => {
  const wrapServer = misbehave(() => ({ surplus: 0x123 }));
  const made = makeLab(t, { f: 0x10000 }, { defects, clearTail: false, wrapServer });
  const file = made.open('f');
  await readahead(made, file, 0, 0x4000);
  t.is((await made.trace())[3], 'R1[0] TERM DOWN f=00 s=0 4000/4000 e=0');
  sameBytes(t, await made.read(file, 0, 0x4000), content('f', 0x4000));
  await made.lab.close();
});

test('T41: a READ of nothing is an invalid slice, a download instead is right', async (t) => {
  for (const emptyReads of [true, false]) {
    const made = makeCachedLab(t, { f: 0x10000 }, { emptyReads });
    const file = made.open('f');
    made.cache.fill(file.fstat().ino, 0, content('f', 0x200));
    await readahead(made, file, 0, 0x4000);
    const line = (await made.trace())[1];
    t.is(line, `R1[0] PREP ${emptyReads ? 'INVL f=00 s=0 0/0' : 'DOWN f=01 s=0 0/1000'} e=0`);
    t.is(await outcome(made, file, 0x4000), emptyReads ? 'EIO' : RIGHT);
    await made.lab.close();
  }
});

test('a torn page that several requests store is held once by each (kernel, linux-6.1-9p)', async (t) => {
  for (let every = 2; every <= 8; every++) {
    let allocations = 0;
    const { lab } = makeLab(
      t,
      { f: 1840, g: 4349 },
      {
        ...{ profile: 'linux-6.1-9p', defects: 'kernel', serverWrites: 'direct' },
        ...{ cacheDir: '/cache', backing: new PowerCutDisk() },
        failAllocation: () => ++allocations % every === 0,
      },
    );
    await lab.run('program', function* () {
      const file = yield* lab.vfs.open('f', { write: true });
      const other = yield* lab.vfs.open('g', { write: true });
      const calls = [
        () => file.write(new Uint8Array(133), 0, 133, 8192),
        () => other.read(new Uint8Array(400_000), 0, 400_000, 0),
        () => other.read(new Uint8Array(400_000), 0, 400_000, 0),
        () => file.read(new Uint8Array(400_000), 0, 400_000, 0),
      ];
      for (const call of calls) {
        try {
          yield* call();
        } catch (error) {
          t.true(error instanceof ErrnoError, `${error}`);
        }
      }
      yield* lab.scheduler.sleep(1e9);
      file.close();
      other.close();
    });
    await t.notThrowsAsync(lab.close(), `every ${every}. allocation fails`);
  }
});
