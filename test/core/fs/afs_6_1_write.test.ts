/**
 * Writing through the AFS client of profile linux-6.1-afs, as captures of a running kernel show it:
 * runs of pages, which go to the server and into the cache at the same time.
 */
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { LabOptions } from '../../../src/core/lab/options.js';
import type { OpenFile } from '../../../src/core/mm/types.js';
import { content, makeLab, openNow, tempDir } from '../../helpers/lab.js';
import { linesOf } from '../../helpers/lines.js';
import { sameBytes } from '../../helpers/netfs.js';

const SIZE = 65_636;

function setUp(t: ExecutionContext, options: Partial<LabOptions> = {}, files = { f: SIZE }) {
  const cacheDir = path.join(tempDir(t), 'cache');
  const common = { profile: 'linux-6.1-afs', presence: 'seek', serverWrites: 'direct' } as const;
  const made = makeLab(t, files, { ...common, cacheDir, ...options });
  const { lab, sink, dir } = made;
  return {
    ...made,
    served: (): Buffer => fs.readFileSync(path.join(dir, 'f')),
    lines: (pattern: RegExp): string[] => linesOf(sink, pattern),
    async write(position: number, bytes: Buffer, meanwhile = (): void => {}): Promise<void> {
      await lab.run('writer', function* () {
        const file = yield* lab.vfs.open('f', { write: true });
        yield* file.write(bytes, 0, bytes.length, position);
        meanwhile();
        yield* file.fsync();
        file.close();
      });
      await lab.scheduler.drain();
    },
    async readAnew(): Promise<Buffer> {
      await lab.run('sync', () => lab.sync());
      lab.dropCaches(3);
      await lab.scheduler.drain();
      const file = made.open('f');
      const bytes = await made.read(file, 0, 2 * SIZE);
      await lab.scheduler.drain();
      file.close();
      return bytes;
    },
  };
}

function patched(position: number, bytes: Buffer): Buffer {
  const whole = Buffer.concat([content('f', SIZE), Buffer.alloc(SIZE)]);
  bytes.copy(whole, position);
  return whole.subarray(0, Math.max(SIZE, position + bytes.length));
}

test('neighbouring pages are one store, and go into the cache before it', async (t) => {
  const { write, lines, lab, served } = setUp(t);
  const bytes = content('new', 5000);
  await write(6000, bytes);
  t.deepEqual(
    lines(/cachefiles_write/).filter((line) => line.startsWith('reader')),
    ['reader write: o=1 s=1000 l=2000'],
  );
  t.deepEqual(
    lines(/afs_folio_dirty/).map((line) => line.replace(/.*vn=\w+ /, '')),
    ['1 dirty 770-1000', '2 dirty 0-af8', '1 store 770-1000', '2 store+ 0-af8'].concat([
      '1 clear 770-1000',
      '2 clear 0-af8',
    ]),
  );
  t.is(lab.server.counters.stores, 1);
  t.is(lab.server.counters.storedBytes, 5000);
  sameBytes(t, served(), patched(6000, bytes));
});

test('what was written is read from the cache, of the version that the store made', async (t) => {
  const { write, readAnew, lab, lines } = setUp(t, { defects: 'kernel' });
  const bytes = content('new', 4096);
  await write(8192, bytes);
  sameBytes(t, await readAnew(), patched(8192, bytes));
  const { fetches } = lab.server.counters;
  sameBytes(t, await readAnew(), patched(8192, bytes));
  t.is(lab.server.counters.fetches, fetches);
  t.deepEqual(lines(/fscache_invalidate/), []);
});

test('a file that grows tells its cookie of each new size', async (t) => {
  const { write, readAnew, lab } = setUp(t);
  const bytes = content('new', 100);
  await write(80_000, bytes);
  sameBytes(t, await readAnew(), patched(80_000, bytes));
  // The second when it was closed.
  t.is(lab.fscache?.stats.updates, 2);
});

test('a store that finds another version than its own invalidates what is cached', async (t) => {
  const { write, dir, lines, readAnew } = setUp(t);
  const bytes = content('new', 4096);
  const name = path.join(dir, 'f');
  await write(4096, bytes, () => {
    const other = fs.readFileSync(name);
    other[0] = 0xff & ~(other[0] as number);
    fs.writeFileSync(name, other);
    fs.utimesSync(name, 2e9, 2e9);
  });
  t.true(lines(/fscache_invalidate/).length > 0);
  sameBytes(t, await readAnew(), fs.readFileSync(name));
  t.deepEqual(fs.readFileSync(name).subarray(4096, 8192), bytes);
});

test('files behind the one that is looked up get their inodes with it', (t) => {
  const files = { a: 1, f: SIZE, g: 1, h: 1 };
  const { open, lab, dir } = setUp(t, {}, files);
  for (const [age, name] of ['a', 'f', 'h', 'g'].entries()) {
    fs.utimesSync(path.join(dir, name), age, age);
  }
  open('f');
  t.is(lab.client.vnodes, 3);
  open('h');
  t.is(lab.client.vnodes, 3);
  open('a');
  t.is(lab.client.vnodes, 4);
});

for (const defects of ['repaired', 'kernel'] as const) {
  test(`a range that ends inside a large folio, ${defects}: what is clean has been written`, async (t) => {
    const size = 1 << 20;
    const { lab, open, read, served } = setUp(t, { defects, readAheadKb: 512 }, { f: size });
    const reader = open('f');
    for (let at = 0; at < size; at += 65_536) await read(reader, at, 65_536);
    reader.close();
    const file = openNow(lab, 'f', { write: true });
    const { mapping } = file as unknown as OpenFile;
    const { folios } = mapping;
    const large = [...mapping.range(0, 255)].find((pfn) => folios.pagesOf(pfn) > 1) as number;
    const start = folios.indexOf(large) * 4096;
    const area = file.mmap(0, size);
    const last = start + folios.sizeOf(large) - 1;
    await lab.run('writer', () => area.store(Buffer.from([7]), 0, 1, last));
    await lab.run('syncer', () => file.syncRange(start, start + 4095));
    t.is(served()[last] === 7, defects === 'repaired');
    area.munmap();
    file.close();
    await lab.close();
    // The kernel's page is clean, and what was stored is lost.
    t.is(served()[last] === 7, defects === 'repaired');
  });
}
