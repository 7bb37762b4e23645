/**
 * Memory mappings: loads give the file's bytes, fault as they must, and end in SIGBUS where they
 * must.
 */
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { ErrnoError } from '../../../src/core/base/errors.js';
import type { File } from '../../../src/core/vfs/file.js';
import type { MappingHandle } from '../../../src/core/vfs/types.js';
import { content, makeLab, type TestLab } from '../../helpers/lab.js';

const MIB = 1 << 20;

async function load({ lab }: TestLab, mapping: MappingHandle, position: number, count: number) {
  const target = Buffer.alloc(count);
  await lab.run('loader', () => mapping.load(target, position, count));
  return target;
}

test('loads give the bytes of the file, across pages and areas of any size', async (t) => {
  const made = makeLab(t, { f: MIB + 10 });
  const f = content('f', MIB + 10);
  const file = made.open('f');
  const whole = file.mmap(0, MIB + 10);
  for (const [position, count] of [
    [0, 1],
    [4090, 100],
    [500_000, 200_000],
    [MIB, 10],
  ] as const) {
    const want = f.subarray(position, position + count);
    t.deepEqual(await load(made, whole, position, count), want);
    t.deepEqual(await load(made, whole, position, count), want);
  }
  const part = file.mmap(8192, 5000);
  t.deepEqual(await load(made, part, 8192, 5000), f.subarray(8192, 13_192));
  for (const mapping of [whole, part]) mapping.munmap();
  file.close();
  await made.lab.close();
});

test('the rest of the last page reads as zeros', async (t) => {
  const made = makeLab(t, { f: 5000 });
  const mapping = made.open('f').mmap(0, 8192);
  const bytes = await load(made, mapping, 4096, 4096);
  t.deepEqual(bytes.subarray(0, 904), content('f', 5000).subarray(4096));
  t.deepEqual(bytes.subarray(904), Buffer.alloc(4096 - 904));
});

test('a load that hits mapped pages emits nothing', async (t) => {
  const made = makeLab(t, { f: MIB });
  const mapping = made.open('f').mmap(0, MIB);
  await load(made, mapping, 0, 10);
  const events = (await made.trace()).length;
  await load(made, mapping, 4096, 4096);
  t.is((await made.trace()).length, events);
});

const faults = test.macro({
  async exec(t, _what: string, [start, end]: [number, number], position: number, size: number) {
    const made = makeLab(t, { f: size });
    const mapping = made.open('f').mmap(start, end - start);
    const error = await t.throwsAsync(load(made, mapping, position, 1), { instanceOf: ErrnoError });
    t.like(error, { code: 'EFAULT', syscall: 'page fault', path: 'f' });
    t.regex(error.message, /SIGBUS/);
    mapping.munmap();
    await made.lab.close();
  },
  title: (_, what: string) => `a load ${what} is a bus error`,
});

test(faults, 'behind the end of the file', [0, 65_536], 8192, 5000);
test(faults, 'behind the area', [0, 4096], 4096, 65_536);
test(faults, 'before the area', [8192, 65_536], 8191, 65_536);

test('a load of a page that cannot be read is a bus error; loads of others work', async (t) => {
  const made = makeLab(t, { f: MIB }, { failAllocation: (what) => what === 'rreq' && broken });
  let broken = false;
  const mapping = made.open('f').mmap(0, MIB);
  await load(made, mapping, 0, 10);
  broken = true;
  t.like(await t.throwsAsync(load(made, mapping, 500_000, 1)), { code: 'EFAULT' });
  t.deepEqual(await load(made, mapping, 100, 10), content('f', MIB).subarray(100, 110));
  broken = false;
  const want = content('f', MIB).subarray(500_000, 500_001);
  t.deepEqual(await load(made, mapping, 500_000, 1), want);
});

test('a mapping outlives the closing of its file and keeps it open on the server', async (t) => {
  const made = makeLab(t, { f: MIB });
  const file = made.open('f');
  const mapping = file.mmap(0, MIB);
  file.close();
  fs.rmSync(path.join(made.dir, 'f'));
  t.deepEqual(
    await load(made, mapping, 900_000, 100),
    content('f', MIB).subarray(900_000, 900_100),
  );
  mapping.munmap();
  await made.lab.close();
});

test('a mapping that was ended loads nothing, and ending it again does nothing', async (t) => {
  const made = makeLab(t, { f: MIB });
  const file = made.open('f');
  const mapping = file.mmap(0, MIB);
  await load(made, mapping, 0, 10);
  mapping.munmap();
  mapping.munmap();
  for (let round = 0; round < 3; round++) {
    t.like(await t.throwsAsync(load(made, mapping, 0, 10)), { code: 'EFAULT' });
  }
  t.is((file as File).inode.uses, 1);
  t.deepEqual((await made.read(file, 0, 10)).length, 10);
  file.close();
  await made.lab.close();
});

test('advice to a mapping changes how it faults', async (t) => {
  const made = makeLab(t, { f: MIB });
  const mapping = made.open('f').mmap(0, MIB);
  mapping.advise('random');
  await load(made, mapping, 500_000, 10);
  mapping.advise('sequential');
  await load(made, mapping, 0, 10);
  mapping.advise('normal');
  await load(made, mapping, 900_000, 10);
  const asked = (await made.trace()).filter((line) => /READ(AHEAD|PAGE)/.test(line));
  t.deepEqual(
    asked.map((line) => line.replace('c=00000000 ', '')),
    ['R1 READPAGE s=7a000 1000', 'R2 READAHEAD s=0 20000', 'R3 READAHEAD s=cb000 20000'],
  );
});

test('a mapping larger than the page cache is loaded through it, each byte right', async (t) => {
  const size = 8 * MIB;
  const made = makeLab(t, { f: size }, { pageCache: MIB });
  const mapping = made.open('f').mmap(0, size);
  const f = content('f', size);
  for (let position = 0; position < size; position += 128 << 10) {
    const bytes = await load(made, mapping, position, 128 << 10);
    t.true(bytes.equals(f.subarray(position, position + (128 << 10))));
  }
  // Pages that were taken away have been unmapped: the first ones fault again.
  t.true((await load(made, mapping, 0, 65_536)).equals(f.subarray(0, 65_536)));
});
