/** Large folios that a truncation cuts: what is left of them are single pages. */
import test from 'ava';
import { content, makeLab, opened } from '../../helpers/lab.js';

const SIZE = 1 << 20;

test('a truncated large folio leaves its pages up to the new end, and no others', async (t) => {
  const { lab, read } = makeLab(t, { f: SIZE }, { profile: 'linux-6.1-afs' });
  const file = await opened(lab, 'f', { write: true });
  for (let at = 0; at < SIZE; at += 65_536) await read(file, at, 65_536);
  const large = [...file.mapping.range(0, 255)].filter((pfn) => lab.folios.pagesOf(pfn) > 1);
  t.true(large.length > 0);
  const free = lab.folios.frames.free;
  await lab.run('cutter', () => file.truncate(300_001));
  t.deepEqual(file.mincore(), [{ first: 0, last: 73 }]);
  t.is(lab.folios.frames.free, free + 256 - 74);
  t.deepEqual(await read(file, 290_000, 65_536), content('f', SIZE).subarray(290_000, 300_001));
  await lab.run('grower', () => file.truncate(400_000));
  const tail = await read(file, 300_001, 200_000);
  t.is(tail.length, 99_999);
  t.true(tail.every((byte) => byte === 0));
  file.close();
  await lab.close();
});

test('a large folio that is in use is cut without being split, and loses nothing', async (t) => {
  const { lab, read } = makeLab(t, { f: SIZE }, { profile: 'linux-6.1-afs' });
  const file = await opened(lab, 'f', { write: true });
  await read(file, 0, SIZE);
  await read(file, 0, SIZE);
  const pfn = file.mapping.find(70);
  t.true(lab.folios.pagesOf(pfn) > 1);
  lab.folios.get(pfn);
  await lab.run('cutter', () => file.truncate(70 * 4096 + 5));
  lab.folios.put(pfn);
  t.deepEqual(
    await read(file, 69 * 4096, 65_536),
    content('f', SIZE).subarray(69 * 4096, 70 * 4096 + 5),
  );
  file.close();
  await lab.close();
});
