/** The I/O drivers: the same answers, inside the call or later. */
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { EBADF, EISDIR } from '../../../src/core/base/errno.js';
import { libuvDriver, syncDriver } from '../../../src/core/io/drivers.js';
import { addSegment, makeSegmentList } from '../../../src/core/io/segments.js';
import type { IoDriver, SegmentList } from '../../../src/core/io/types.js';
import { content, serverDir, tempDir } from '../../helpers/lab.js';

const DRIVERS = [syncDriver, libuvDriver] as const;
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
  return new Promise((resolve) => driver.read(fd, list, position, resolve));
}

function openFile(t: ExecutionContext): number {
  const fd = fs.openSync(path.join(serverDir(t, { f: SIZE }), 'f'), 'r');
  t.teardown(() => fs.closeSync(fd));
  return fd;
}

for (const driver of DRIVERS) {
  const { name } = driver;

  test(`${name} reads from a position into one piece`, async (t) => {
    const list = pieces(new Uint8Array(5000), 1, 4096);
    t.is(await answer(driver, openFile(t), list, 12345), 4096);
    t.deepEqual(gathered(list), content('f', SIZE).subarray(12345, 12345 + 4096));
  });

  test(`${name} reads into more pieces than one system call takes`, async (t) => {
    for (const count of [1023, 1024, 1025, 2500]) {
      const list = pieces(new Uint8Array(count * 101), count, 100);
      t.is(await answer(driver, openFile(t), list, 10_000), count * 100);
      t.deepEqual(gathered(list), content('f', SIZE).subarray(10_000, 10_000 + count * 100));
    }
  });

  test(`${name} gives fewer bytes at the end of the file, and none behind it`, async (t) => {
    const fd = openFile(t);
    const list = pieces(new Uint8Array(3000 * 101), 3000, 100);
    // The file ends in the second batch of pieces, then exactly between two of them.
    t.is(await answer(driver, fd, list, SIZE - 150_050), 150_050);
    t.is(await answer(driver, fd, list, SIZE - 102_400), 102_400);
    t.is(await answer(driver, fd, list, SIZE), 0);
    t.is(await answer(driver, fd, list, SIZE + 1e6), 0);
  });

  test(`${name} reads nothing into no pieces`, async (t) => {
    t.is(await answer(driver, openFile(t), makeSegmentList(), 0), 0);
  });

  test(`${name} writes pieces at a position, more than one system call takes too`, async (t) => {
    const file = path.join(tempDir(t), 'f');
    fs.writeFileSync(file, 'head');
    const fd = fs.openSync(file, 'r+');
    const memory = Uint8Array.from(content('f', 2500 * 101));
    const list = pieces(memory, 2500, 100);
    const written = await new Promise((resolve) => driver.write(fd, list, 4, resolve));
    fs.closeSync(fd);
    t.is(written, 250_000);
    t.deepEqual(fs.readFileSync(file), Buffer.concat([Buffer.from('head'), gathered(list)]));
  });

  test(`${name} answers an error with its negative number`, async (t) => {
    const list = pieces(new Uint8Array(100), 1, 50);
    t.is(await answer(driver, 999_999, list, 0), -EBADF);
    const fd = fs.openSync(tempDir(t), 'r');
    t.is(await answer(driver, fd, list, 0), -EISDIR);
    t.is(await new Promise((resolve) => driver.write(fd, list, 0, resolve)), -EBADF);
    fs.closeSync(fd);
  });
}

test('sync answers inside the call, libuv after it', async (t) => {
  const fd = openFile(t);
  for (const driver of DRIVERS) {
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      driver.read(fd, pieces(new Uint8Array(100), 1, 50), 0, () => {
        order.push('answer');
        setImmediate(resolve);
      });
      order.push('return');
    });
    t.deepEqual(order, driver === syncDriver ? ['answer', 'return'] : ['return', 'answer']);
  }
});

test('the list is free to be used again while libuv still reads into its pieces', async (t) => {
  const fd = openFile(t);
  const memory = new Uint8Array(1500 * 101);
  const list = pieces(memory, 1500, 100);
  const answered = answer(libuvDriver, fd, list, 0);
  list.count = 0;
  addSegment(list, new Uint8Array(10), 0, 10);
  t.is(await answered, 150_000);
  t.deepEqual(gathered(pieces(memory, 1500, 100)), content('f', SIZE).subarray(0, 150_000));
});
