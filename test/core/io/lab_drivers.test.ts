/** The engine on the real clock through each driver: cold, warm, many readers, a cache on disk. */
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { cacheRig } from '../../helpers/cache.js';
import { DRIVER_NAMES } from '../../helpers/io.js';
import { content, makeLab } from '../../helpers/lab.js';
import { sameBytes } from '../../helpers/netfs.js';

const SIZES = { f: 1_300_001, g: 70_000 };

for (const io of DRIVER_NAMES) {
  const options = { clock: 'real', io } as const;

  test(`with ${io} a cold read is stored, and a warm one asks the server for nothing`, async (t) => {
    const rig = cacheRig(t, SIZES);
    const names = Object.keys(SIZES) as (keyof typeof SIZES)[];
    const cold = await rig.readAll(names, options);
    const warm = await rig.readAll(names, { ...options, verifyCache: true });
    for (const { bytes } of [cold, warm]) {
      for (const [i, name] of names.entries()) sameBytes(t, bytes[i], content(name, SIZES[name]));
    }
    t.true(cold.downloaded >= 1_370_001);
    t.is(warm.downloaded, 0);
    t.deepEqual(warm.lab.lab.warnings, []);
  });

  test(`with ${io} many readers at once get what they asked for`, async (t) => {
    const made = makeLab(t, SIZES, { ...options, pageCache: 1 << 20, readAheadKb: 16 });
    const all = content('f', SIZES.f);
    const file = made.open('f');
    const reads = Array.from({ length: 100 }, async (_, i) => {
      const at = (i * 7919 * 997) % 1_290_000;
      t.true((await made.read(file, at, 9000)).equals(all.subarray(at, at + 9000)));
    });
    await Promise.all(reads);
    file.close();
    await made.lab.close();
  });
}

test('a lab that cannot be opened leaves no descriptor of its driver behind', (t) => {
  const open = (): string[] => fs.readdirSync('/proc/self/fd');
  const before = open().length;
  for (let i = 0; i < 10; i++) {
    const server = path.join('/', 'no', 'such', 'directory');
    t.throws(() => makeLab(t, {}, { clock: 'real', server }), { code: 'ENOENT' });
  }
  t.true(open().length <= before + 2);
});
