/** A 9p mount with cache=mmap and cache=none: what reads, writes, mappings and closing do. */
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { content, makeLab, opened } from '../../helpers/lab.js';

const SIZE = 300_000;
const profile = 'linux-6.1-9p';

for (const cacheMode of ['mmap', 'none'] as const) {
  const lab = (t: Parameters<typeof makeLab>[0]) =>
    makeLab(t, { f: SIZE }, { profile, cacheMode, serverWrites: 'direct', msize: 65_536 });

  test(`cache=${cacheMode}: read(2) is messages, makes no request and leaves no page`, async (t) => {
    const made = lab(t);
    const file = await opened(made.lab, 'f');
    t.deepEqual(await made.read(file, 10, 200_000), content('f', SIZE).subarray(10, 200_010));
    t.is((await made.read(file, SIZE - 5, 100)).length, 5);
    t.is((await made.read(file, SIZE, 100)).length, 0);
    t.deepEqual(file.mincore(), []);
    t.deepEqual(
      new Set(made.sink.rows.map(({ event }) => event)),
      new Set(['9p_client_req', '9p_client_res']),
    );
    t.is(made.sink.rows.filter(({ type }) => type === 'P9_TREAD').length / 2, 7);
    t.is(made.lab.stats.bytes.direct, 200_005);
    t.is(made.lab.fscache?.statValues()['Cookies.n'] ?? 0, 0);
    file.close();
    await made.lab.close();
  });

  test(`cache=${cacheMode}: write(2) is on the server at once, and its pages are dropped`, async (t) => {
    const { lab: engine, read, dir } = lab(t);
    const file = await opened(engine, 'f', { write: true, append: true });
    const reader = await opened(engine, 'f');
    const mapping = reader.mmap(0, SIZE);
    const seen = new Uint8Array(4);
    const load = (at: number) => engine.run('loader', () => mapping.load(seen, at, 4));
    await load(8192);
    t.true(reader.mincore().length > 0);
    const bytes = Buffer.from('written');
    await engine.run('writer', () => file.write(bytes, 0, 7, 0));
    t.is(fs.readFileSync(path.join(dir, 'f')).subarray(SIZE).toString(), 'written');
    t.is(file.fstat().size, SIZE + 7);
    t.deepEqual(await read(file, SIZE, 100), bytes);
    const patch = await opened(engine, 'f', { write: true });
    await engine.run('writer', () => patch.write(bytes, 0, 4, 8192));
    await load(8192);
    t.is(Buffer.from(seen).toString(), 'writ', 'the mapping reads it anew');
    mapping.munmap();
    for (const each of [file, reader, patch]) each.close();
    await engine.close();
  });

  test(`cache=${cacheMode}: an inode goes with its last user, and an open sees the server`, async (t) => {
    const { lab: engine, read, dir } = lab(t);
    const file = await opened(engine, 'f');
    await read(file, 0, 100);
    t.is(engine.client.vnodes, 1);
    file.close();
    t.is(engine.client.vnodes, 0);
    fs.writeFileSync(path.join(dir, 'f'), 'another content');
    const again = await opened(engine, 'f');
    t.is(again.fstat().size, 15);
    t.is((await read(again, 0, 100)).toString(), 'another content');
    again.close();
    await engine.close();
  });

  test(`cache=${cacheMode}: a shared mapping ${cacheMode === 'none' ? 'is never writable' : 'is written back'}`, async (t) => {
    const { lab: engine, dir } = lab(t);
    const file = await opened(engine, 'f', { write: true });
    if (cacheMode === 'none') {
      t.throws(() => file.mmap(0, 4096), { code: 'EINVAL' });
      t.is(engine.device.raPages, 0);
    } else {
      const mapping = file.mmap(0, 4096);
      await engine.run('storer', () => mapping.store(Buffer.from('mapped'), 0, 6, 100));
      await engine.run('syncer', () => mapping.msync());
      t.is(fs.readFileSync(path.join(dir, 'f')).subarray(100, 106).toString(), 'mapped');
      mapping.munmap();
    }
    file.close();
    await engine.close();
    t.is(engine.client.vnodes, 0);
  });
}

test('cache=mmap: what a mapping has not written is read by read(2), and outlives a write beside it', async (t) => {
  for (const defects of ['repaired', 'kernel'] as const) {
    const options = { profile, cacheMode: 'mmap', serverWrites: 'direct', defects } as const;
    const { lab, read, dir } = makeLab(t, { f: SIZE }, options);
    const file = await opened(lab, 'f', { write: true });
    const mapping = file.mmap(0, SIZE);
    const store = (text: string, at: number) =>
      lab.run('storer', () => mapping.store(Buffer.from(text), 0, text.length, at));
    const was = content('f', SIZE);
    await store('mapped', 100);
    const seen = await read(file, 100, 6);
    t.is(seen.equals(Buffer.from('mapped')), defects === 'repaired');
    await store('mapped', 8300);
    await lab.run('writer', () => file.write(Buffer.from('written'), 0, 7, 8200));
    mapping.munmap();
    file.close();
    await lab.close();
    const found = fs.readFileSync(path.join(dir, 'f'));
    t.is(found.subarray(8300, 8306).toString(), 'mapped');
    // The kernel writes the page of the mapping behind what was written.
    const kept = found.subarray(8200, 8207).equals(Buffer.from('written'));
    t.is(kept, defects === 'repaired');
    if (!kept) t.deepEqual(found.subarray(8200, 8207), was.subarray(8200, 8207));
  }
});
