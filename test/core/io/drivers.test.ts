/** The I/O drivers: the same answers, inside the call or later, whatever the kernel does. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { EBADF, ECANCELED, EISDIR } from '../../../src/core/base/errno.js';
import { ErrnoError } from '../../../src/core/base/errors.js';
import { DRIVERS, openDriver } from '../../../src/core/io/drivers.js';
import { addSegment, makeSegmentList } from '../../../src/core/io/segments.js';
import type { IoDriver, SegmentList } from '../../../src/core/io/types.js';
import { wallMs } from '../../../src/core/sim/clock.js';
import { answerOf, DRIVER_NAMES, FAULTY, type Fault, hasUring } from '../../helpers/io.js';
import { content, serverDir, tempDir } from '../../helpers/lab.js';
import { sameBytes } from '../../helpers/netfs.js';

const SIZE = 300_000;

/** `count` pieces of `length` bytes that do not continue each other. */
function pieces(memory: Uint8Array, count: number, length: number): SegmentList {
  const list = makeSegmentList();
  for (let i = 0; i < count; i++) addSegment(list, memory, i * (length + 1), length);
  return list;
}

function gathered({ count, segments }: SegmentList): Buffer {
  const views = segments.slice(0, count).map(({ memory, offset, length }) => {
    return memory.subarray(offset, offset + length);
  });
  return Buffer.concat(views);
}

function answer(
  driver: IoDriver,
  fd: number,
  list: SegmentList,
  position: number,
): Promise<number> {
  return answerOf(driver, (done) => driver.read(fd, list, position, done));
}

function open(t: ExecutionContext, name: (typeof DRIVER_NAMES)[number]): IoDriver {
  const driver = DRIVERS[name]();
  t.teardown(() => driver.close());
  return driver;
}

function openFile(t: ExecutionContext): number {
  const fd = fs.openSync(path.join(serverDir(t, { f: SIZE }), 'f'), 'r');
  t.teardown(() => fs.closeSync(fd));
  return fd;
}

for (const name of DRIVER_NAMES) {
  test(`${name} reads from a position into one piece`, async (t) => {
    const driver = open(t, name);
    const list = pieces(new Uint8Array(5000), 1, 4096);
    t.is(await answer(driver, openFile(t), list, 12345), 4096);
    sameBytes(t, gathered(list), content('f', SIZE).subarray(12345, 12345 + 4096));
  });

  test(`${name} reads into more pieces than one system call takes`, async (t) => {
    const driver = open(t, name);
    for (const count of [1023, 1024, 1025, 2500]) {
      const list = pieces(new Uint8Array(count * 101), count, 100);
      t.is(await answer(driver, openFile(t), list, 10_000), count * 100);
      sameBytes(t, gathered(list), content('f', SIZE).subarray(10_000, 10_000 + count * 100));
    }
  });

  test(`${name} reads large pieces that another thread may copy`, async (t) => {
    const driver = open(t, name);
    const fd = openFile(t);
    for (const count of [1, 3]) {
      const list = pieces(new Uint8Array(count * 100_001), count, 100_000);
      const read = answerOf(driver, (done) => driver.read(fd, list, 50_000, done, true));
      t.is(await read, Math.min(count * 100_000, SIZE - 50_000));
      const expected = content('f', SIZE).subarray(50_000, 50_000 + count * 100_000);
      sameBytes(t, gathered(list).subarray(0, expected.length), expected);
    }
  });

  test(`${name} gives fewer bytes at the end of the file, and none behind it`, async (t) => {
    const driver = open(t, name);
    const fd = openFile(t);
    const list = pieces(new Uint8Array(3000 * 101), 3000, 100);
    // The file ends in the second batch of pieces, then exactly between two of them.
    t.is(await answer(driver, fd, list, SIZE - 150_050), 150_050);
    t.is(await answer(driver, fd, list, SIZE - 102_400), 102_400);
    t.is(await answer(driver, fd, list, SIZE), 0);
    t.is(await answer(driver, fd, list, SIZE + 1e6), 0);
  });

  test(`${name} reads nothing into no pieces`, async (t) => {
    const driver = open(t, name);
    t.is(await answer(driver, openFile(t), makeSegmentList(), 0), 0);
  });

  test(`${name} writes pieces at a position, more than one system call takes too`, async (t) => {
    const driver = open(t, name);
    const file = path.join(tempDir(t), 'f');
    fs.writeFileSync(file, 'head');
    const fd = fs.openSync(file, 'r+');
    const memory = Uint8Array.from(content('f', 2500 * 101));
    const list = pieces(memory, 2500, 100);
    const written = await answerOf(driver, (done) => driver.write(fd, list, 4, done));
    fs.closeSync(fd);
    t.is(written, 250_000);
    sameBytes(t, fs.readFileSync(file), Buffer.concat([Buffer.from('head'), gathered(list)]));
  });

  test(`${name} answers an error with its negative number`, async (t) => {
    const driver = open(t, name);
    const list = pieces(new Uint8Array(100), 1, 50);
    t.is(await answer(driver, 999_999, list, 0), -EBADF);
    const fd = fs.openSync(tempDir(t), 'r');
    t.is(await answer(driver, fd, list, 0), -EISDIR);
    t.is(await answerOf(driver, (done) => driver.write(fd, list, 0, done)), -EBADF);
    fs.closeSync(fd);
  });

  test(`${name} goes on after what is short or interrupted`, async (t) => {
    const fd = openFile(t);
    const faults: Fault[] = ['interrupted', 1, 'interrupted', 'interrupted', 4000, 37];
    for (const count of [1, 3, 1500]) {
      const left = [...faults];
      const driver = FAULTY[name](() => left.shift());
      const list = pieces(new Uint8Array(20_000 * 101), count, count === 1500 ? 100 : 20_000);
      const bytes = count === 1500 ? 150_000 : count * 20_000;
      t.is(await answer(driver, fd, list, 777), bytes, `${count} pieces`);
      sameBytes(t, gathered(list), content('f', SIZE).subarray(777, 777 + bytes));
      t.is(left.length, 0);
      driver.close();
    }
  });

  test(`${name} does many at once, each to its own memory`, async (t) => {
    const driver = open(t, name);
    const fd = openFile(t);
    const memory = new Uint8Array(1000 * 300);
    const answers = Array.from({ length: 1000 }, (_, i) => {
      const list = makeSegmentList();
      addSegment(list, memory, i * 300, 300);
      return answer(driver, fd, list, ((i * 7919) % 1000) * 300);
    });
    t.true((await Promise.all(answers)).every((bytes) => bytes === 300));
    const all = content('f', SIZE);
    const wrong = answers.filter((_, i) => {
      const at = ((i * 7919) % 1000) * 300;
      return !all.subarray(at, at + 300).equals(memory.subarray(i * 300, i * 300 + 300));
    });
    t.is(wrong.length, 0);
  });
}

for (const name of DRIVER_NAMES) {
  const inside = name === 'sync';
  test(`${name} answers ${inside ? 'inside the call' : 'after it'}`, async (t) => {
    const driver = open(t, name);
    const fd = openFile(t);
    const order: string[] = [];
    await answerOf(driver, (done) => {
      driver.read(fd, pieces(new Uint8Array(100), 1, 50), 0, (result) => {
        order.push('answer');
        done(result);
      });
      order.push('return');
    });
    t.deepEqual(order, inside ? ['answer', 'return'] : ['return', 'answer']);
  });

  test(`with ${name} the list is free to be used again at once`, async (t) => {
    const driver = open(t, name);
    const memory = new Uint8Array(1500 * 101);
    const list = pieces(memory, 1500, 100);
    const answered = answer(driver, openFile(t), list, 0);
    list.count = 0;
    addSegment(list, new Uint8Array(10), 0, 10);
    t.is(await answered, 150_000);
    sameBytes(t, gathered(pieces(memory, 1500, 100)), content('f', SIZE).subarray(0, 150_000));
  });
}

if (hasUring) {
  test('uring answers what is under way when it is closed, and cancels what it can', async (t) => {
    const driver = DRIVERS.uring();
    const fifo = path.join(tempDir(t), 'fifo');
    execFileSync('mkfifo', [fifo]);
    // Opened for both, so that opening and reading wait for nobody but a writer that never comes.
    const fd = fs.openSync(fifo, 'r+');
    const results: number[] = [];
    // More than the ring takes, so that some were never started.
    for (let i = 0; i < 300; i++) {
      driver.read(fd, pieces(new Uint8Array(10), 1, 10), 0, (result) => results.push(result));
    }
    driver.pump?.poll(0);
    t.is(driver.pump?.pending, 300);
    driver.close();
    fs.closeSync(fd);
    t.deepEqual(results, new Array(300).fill(-ECANCELED));
    driver.close();
    driver.pump?.poll(0);
    t.throws(() => driver.read(fd, makeSegmentList(), 0, () => {}), { message: /closed/ });
  });

  test('a wait for nothing ends when its time is over', (t) => {
    const driver = open(t, 'uring');
    const before = wallMs();
    driver.pump?.poll(5e6);
    const waited = wallMs() - before;
    t.true(waited >= 4 && waited < 1000, `${waited} ms`);
  });
}

test('without io_uring the threads are used and it is said; by name it is refused', (t) => {
  const none = {
    ...DRIVERS,
    uring: () => {
      throw new ErrnoError('EPERM', 'io_uring_setup');
    },
  };
  const { driver, warning } = openDriver('auto', 'real', none);
  t.is(driver.name, 'libuv');
  t.regex(warning ?? '', /io_uring.*EPERM/);
  t.throws(() => openDriver('uring', 'real', none), { code: 'EPERM' });
  const virtual = openDriver('auto', 'virtual', none);
  t.deepEqual([virtual.driver.name, virtual.warning], ['sync', undefined]);
});
