/**
 * `netfslab cat` as it is run: thousands of small files and one far larger than memory come out
 * byte for byte, through a small page cache and in little memory.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { openCapture } from '../../src/core/store/database.js';
import { netfslab, netfslabHere, startNetfslab } from '../helpers/cli.js';
import { content, serverDir, tempDir } from '../helpers/lab.js';

const PAGE_CACHE_MIB = 8;
/** More than the page cache that a run may hold, MiB. */
const BESIDES_MIB = 200;

/** Makes the program say at its end how much memory it held at most: `VmHWM: 123456 kB`. */
const TELL_PEAK = `import fs from 'node:fs';
process.on('exit', () => {
  const peak = /VmHWM:.*/.exec(fs.readFileSync('/proc/self/status', 'utf8'));
  process.stderr.write((peak ?? [''])[0]);
});`;

/** What is expected next, in pieces of any size. */
type Expected = Iterator<Buffer>;

/** Compares the bytes of a stream with what is expected; -1, or the position of a difference. */
async function differsAt(stream: AsyncIterable<Buffer>, expected: Expected): Promise<number> {
  let piece: Buffer = Buffer.alloc(0);
  let position = 0;
  for await (const chunk of stream) {
    for (let at = 0; at < chunk.length; ) {
      if (piece.length === 0) {
        const next = expected.next();
        if (next.done) return position;
        piece = next.value;
        continue;
      }
      const length = Math.min(piece.length, chunk.length - at);
      if (piece.compare(chunk, at, at + length, 0, length) !== 0) return position;
      piece = piece.subarray(length);
      at += length;
      position += length;
    }
  }
  while (piece.length === 0) {
    const next = expected.next();
    if (next.done) return -1;
    piece = next.value;
  }
  return position;
}

/** The bytes of files, one after the other, read by other means than the program's. */
function* originals(paths: readonly string[]): Generator<Buffer> {
  const buffer = Buffer.alloc(1 << 20);
  for (const path of paths) {
    const fd = fs.openSync(path, 'r');
    for (let position = 0; ; ) {
      const got = fs.readSync(fd, buffer, 0, buffer.length, position);
      if (got === 0) break;
      yield buffer.subarray(0, got);
      position += got;
    }
    fs.closeSync(fd);
  }
}

async function catsEqual(
  t: ExecutionContext,
  dir: string,
  names: readonly string[],
  flags: readonly string[],
  expected: Expected,
): Promise<void> {
  const peak = `--import=data:text/javascript,${encodeURIComponent(TELL_PEAK)}`;
  const args = ['cat', '--server', dir, '--page-cache', `${PAGE_CACHE_MIB}m`, ...flags, ...names];
  const { stdout, ended } = startNetfslab(args, { NODE_OPTIONS: peak });
  const differs = await differsAt(stdout, expected);
  const { status, stderr } = await ended;
  t.is(differs, -1, `differs at byte ${differs}; ${stderr}`);
  t.is(status, 0, stderr);
  const held = Number(/^VmHWM:\s+(\d+) kB$/.exec(stderr)?.[1]) / 1024;
  t.true(held < PAGE_CACHE_MIB + BESIDES_MIB, `${held} MiB`);
}

/** Names and contents of a tree of small files, some of them empty, many of less than a page. */
function smallFiles(dir: string, count: number): string[] {
  const pattern = content('small', 1 << 18);
  return Array.from({ length: count }, (_, i) => {
    const name = `d${i % 10}/e${(i >> 3) % 10}/f${i}`;
    if (i < 200) fs.mkdirSync(join(dir, name, '..'), { recursive: true });
    const size = i % 50 === 0 ? 0 : (i * 7919) % 20_001;
    const from = (i * 37) % (pattern.length - 20_001);
    fs.writeFileSync(join(dir, name), pattern.subarray(from, from + size));
    return name;
  });
}

const GIB = 2 ** 30;
const ISLAND = content('island', 300_000);
/** Where there is data in the sparse file: at both ends, across 2 and 3 GiB, and unaligned. */
const ISLANDS = [0, 12_345_678, 2 * GIB - 150_001, 3 * GIB - 7, 4 * GIB - ISLAND.length];

/** A sparse file of 4 GiB with islands of data. */
function sparseFile(path: string): void {
  const fd = fs.openSync(path, 'w');
  for (const at of ISLANDS) fs.writeSync(fd, ISLAND, 0, ISLAND.length, at);
  fs.closeSync(fd);
}

/** Its bytes. */
function* sparseBytes(): Generator<Buffer> {
  const zeros = Buffer.alloc(1 << 20);
  let position = 0;
  for (const at of ISLANDS) {
    for (; position < at; position = Math.min(at, position + zeros.length)) {
      yield zeros.subarray(0, at - position);
    }
    yield ISLAND;
    position += ISLAND.length;
  }
}

test.serial('every file of a tree of 5,000 comes out byte for byte', async (t) => {
  const dir = tempDir(t);
  const names = smallFiles(dir, 5000);
  const paths = names.map((name) => join(dir, name));
  await catsEqual(t, dir, names, ['--clock', 'real'], originals(paths));
});

test.serial('a sparse file of 4 GiB comes out byte for byte', async (t) => {
  const dir = tempDir(t);
  sparseFile(join(dir, 'big'));
  await catsEqual(t, dir, ['big'], ['--clock', 'virtual'], sparseBytes());
});

test.serial('errors are told between the files, and decide the exit code', async (t) => {
  const dir = tempDir(t);
  fs.writeFileSync(join(dir, 'a'), 'one\n');
  fs.writeFileSync(join(dir, 'b'), 'two\n');
  const run = await netfslab(['cat', '--server', dir, 'gone', 'a', '../x', 'b']);
  t.is(run.status, 1);
  t.is(run.stdout, 'one\ntwo\n');
  t.deepEqual(run.stderr.match(/^error: \w+/gm), ['error: ENOENT', 'error: EXDEV']);
});

test.serial('a trace is recorded when it is asked for', async (t) => {
  const out = join(tempDir(t), 'cat.db');
  const dir = serverDir(t, { a: 5000 });
  const { status, stderr } = await netfslabHere(['cat', '--server', dir, 'a', '--out', out]);
  t.is(status, 0);
  t.is(stderr, `capture: ${out}\n`);
  const capture = openCapture(out);
  t.teardown(() => capture.close());
  t.like(capture.info, { workload: 'cat', complete: 1 });
  t.true(capture.info.events > 0);
});

test.serial('a reader that leaves early is no error', async (t) => {
  const dir = serverDir(t, { a: 8 << 20 });
  const { stdout, ended } = startNetfslab(['cat', '--server', dir, 'a']);
  stdout.once('data', () => stdout.destroy());
  t.deepEqual(await ended, { status: 0, stderr: '' });
});
