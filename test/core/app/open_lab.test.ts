/** The lab for programs: promises around the engine. */
import fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import {
  type OpenLabOptions,
  openLab,
  type PublicLab,
} from '../../../src/core/app/lab/open_lab.js';
import { ErrnoError, UsageError } from '../../../src/core/base/errors.js';
import { openCapture } from '../../../src/core/store/database.js';
import { content, serverDir, tempDir } from '../../helpers/lab.js';

const SIZE = 1 << 20;
const FILES = { a: SIZE, b: SIZE, c: SIZE };

async function open(
  t: ExecutionContext,
  options: Partial<OpenLabOptions> = {},
): Promise<PublicLab> {
  return openLab({ server: serverDir(t, FILES), ...options });
}

test('a file is read piece by piece, and reads at its end are short', async (t) => {
  const lab = await open(t);
  const file = await lab.open('a');
  const buffer = new Uint8Array(100_000);
  let position = 0;
  for (;;) {
    const got = await file.read(buffer, 0, buffer.byteLength, position);
    const expected = content('a', SIZE).subarray(position, position + buffer.byteLength);
    t.true(expected.equals(buffer.subarray(0, got)), `at ${position}`);
    position += got;
    if (got < buffer.byteLength) break;
  }
  t.is(position, SIZE);
  t.is(await file.read(buffer, 0, 1, SIZE), 0);
  file.close();
  t.is((await lab.close()).error, null);
  t.regex(lab.stats(), /^RdHelp : RA=\d+ .* rr=0 sr=0$/m);
});

test('a hundred reads at once each get their own bytes', async (t) => {
  for (const clock of ['virtual', 'real'] as const) {
    const lab = await open(t, { clock, latencyNs: 100_000, pageCache: 1 << 20 });
    const reads = Array.from({ length: 100 }, async (_, i) => {
      const name = 'abc'[i % 3] as 'a';
      const file = await lab.open(name);
      const buffer = new Uint8Array(5000);
      const position = (i * 7919 * 131) % (SIZE - 5000);
      const got = await file.read(buffer, 0, 5000, position);
      file.close();
      return (
        content(name, SIZE)
          .subarray(position, position + 5000)
          .equals(buffer) && got === 5000
      );
    });
    t.true((await Promise.all(reads)).every(Boolean), clock);
    await lab.close();
  }
});

test('a read is answered when it is done, however long others take', async (t) => {
  const lab = await open(t, { bandwidth: SIZE, readAheadKb: 0 });
  const file = await lab.open('a');
  const buffer = new Uint8Array(SIZE);
  const ended: string[] = [];
  const other = await lab.open('b');
  const quick = file.read(buffer, 0, 4096, 0).then(() => ended.push('quick'));
  // At 1 MiB/s: a quarter of a second.
  const slow = other.read(new Uint8Array(SIZE), 0, SIZE / 4, 0).then(() => ended.push('slow'));
  await quick;
  t.deepEqual(ended, ['quick']);
  // A process that starts while the loop is busy with another one is served too.
  await file.read(buffer, 0, 4096, 8192).then(() => ended.push('later'));
  await slow;
  t.deepEqual(ended.sort(), ['later', 'quick', 'slow']);
  await lab.close();
});

test('a read that follows another one at once is not forgotten', async (t) => {
  for (const clock of ['virtual', 'real'] as const) {
    const lab = await open(t, { clock, readAheadKb: 0 });
    const file = await lab.open('a');
    const buffer = new Uint8Array(4096);
    for (let page = 0; page < 200; page += 2) {
      await file.read(buffer, 0, 4096, page * 4096);
    }
    t.true(
      content('a', SIZE)
        .subarray(198 * 4096, 199 * 4096)
        .equals(buffer),
    );
    await lab.close();
  }
});

test('readNow answers -1 until the page is there, and then without a promise', async (t) => {
  const lab = await open(t);
  const file = await lab.open('a');
  const buffer = new Uint8Array(4096);
  t.is(file.readNow(buffer, 0, 4096, 0), -1);
  await file.read(buffer, 0, 4096, 0);
  t.is(file.readNow(buffer, 10, 100, 50), 100);
  t.true(content('a', 150).subarray(50).equals(buffer.subarray(10, 110)));
  await lab.close();
});

test('readahead, advice, mincore and fstat work as the system calls do', async (t) => {
  const lab = await open(t);
  const file = await lab.open('a');
  t.like(file.fstat(), { size: SIZE });
  t.is(file.path, 'a');
  t.deepEqual(file.mincore(), []);
  t.is(await file.cached(0, 4096), null);
  t.deepEqual(lab.warnings, []);
  await file.readahead(0, 64 << 10);
  for (let tries = 0; file.mincore().length === 0 && tries < 500; tries++) await setTimeout(1);
  const buffer = new Uint8Array(1);
  await file.read(buffer, 0, 1, 0);
  t.like(file.mincore()[0], { first: 0 });
  await file.fadvise('dontneed');
  t.deepEqual(file.mincore(), []);
  await lab.close();
});

test('failures are ErrnoErrors in the shape of Node.js', async (t) => {
  const lab = await open(t);
  for (const [name, code] of [
    ['gone', 'ENOENT'],
    ['../x', 'EXDEV'],
    ['.', 'EISDIR'],
  ] as const) {
    const error = await t.throwsAsync(lab.open(name), { instanceOf: ErrnoError });
    t.like(error, { code, syscall: 'open', path: name });
    t.true(error.errno < 0);
  }
  const file = await lab.open('a');
  const buffer = new Uint8Array(10);
  await t.throwsAsync(file.read(buffer, 0, 11, 0), { message: /EFAULT/ });
  await t.throwsAsync(file.read(buffer, 0, 1, -1), { message: /EINVAL/ });
  file.close();
  await t.throwsAsync(file.read(buffer, 0, 1, 0), { message: /EBADF/ });
  t.throws(() => file.close(), { message: /EBADF/ });
  await lab.close();
});

test('a lab that cannot be opened rejects and leaves no capture behind', async (t) => {
  const trace = join(tempDir(t), 'x.db');
  const nowhere = { server: join(trace, 'nowhere'), trace };
  await t.throwsAsync(openLab(nowhere), { instanceOf: ErrnoError, message: /nowhere/ });
  const tiny = open(t, { pageCache: 10, trace });
  await t.throwsAsync(tiny, { instanceOf: UsageError, message: /--page-cache/ });
  t.false(fs.existsSync(trace));
});

test('with a trace every event is in the database, and options left undefined are defaults', async (t) => {
  const trace = join(tempDir(t), 'x.db');
  const lab = await open(t, { trace, ...({ clock: undefined } as object) });
  const file = await lab.open('a');
  await file.read(new Uint8Array(4096), 0, 4096, 0);
  file.close();
  const { events } = await lab.close();
  const capture = openCapture(trace);
  t.teardown(() => capture.close());
  t.like(capture.info, { workload: 'api', clock: 'real', complete: 1, events });
  t.true(events > 0);
  t.is([...capture.lines()].length, events);
});

test('a lab may be closed while reads are under way; they still end', async (t) => {
  const lab = await open(t, { latencyNs: 1_000_000 });
  const buffer = new Uint8Array(4096);
  const file = await lab.open('a');
  const read = file.read(buffer, 0, 4096, 4096);
  await lab.close();
  t.is(await read, 4096);
  t.true(content('a', 8192).subarray(4096).equals(buffer));
});

test('files are written through the lab, to an overlay unless another is asked for', async (t) => {
  const server = serverDir(t, { f: 100 });
  for (const serverWrites of ['overlay', 'direct'] as const) {
    const lab = await openLab({ server, serverWrites });
    const file = await lab.open('f', { write: true });
    t.is(await file.write(Uint8Array.of(1, 2, 3), 0, 3, 98), 3);
    await file.fsync();
    const target = new Uint8Array(4);
    t.is(await file.read(target, 0, 4, 97), 4);
    t.deepEqual([...target.subarray(1)], [1, 2, 3]);
    t.is(fs.statSync(join(server, 'f')).size, serverWrites === 'direct' ? 101 : 100);
    await file.truncate(5);
    t.is(file.fstat().size, 5);
    await file.flush();
    file.close();
    await lab.close();
  }
});

test('a frozen filesystem is not written to until it is thawed', async (t) => {
  const lab = await open(t, { clock: 'virtual' });
  const file = await lab.open('a', { write: true });
  t.throws(() => lab.thaw(), { instanceOf: ErrnoError, message: /^EINVAL/ });
  await lab.freeze();
  await t.throwsAsync(lab.freeze(), { instanceOf: ErrnoError, message: /^EBUSY/ });
  lab.thaw();
  t.is(await file.write(new Uint8Array(10), 0, 10, 0), 10);
  file.close();
  await lab.close();
});

test('who waits for a thaw waits for the program, which is no deadlock', async (t) => {
  for (const clock of ['virtual', 'real'] as const) {
    const lab = await open(t, { clock });
    const file = await lab.open('a', { write: true });
    await lab.freeze();
    const written = file.write(new Uint8Array(10), 0, 10, 0);
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    lab.thaw();
    t.is(await written, 10);
    await lab.freeze();
    const late = file.write(new Uint8Array(10), 0, 10, 0);
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    const closing = lab.close();
    t.is(await late, 10);
    await t.throwsAsync(file.write(new Uint8Array(10), 0, 10, 0), { instanceOf: UsageError });
    await closing;
    t.notThrows(() => file.close());
  }
});
