/**
 * A process that writes blocks to files through a cache and tells of each that it has synced, until
 * it is killed. Arguments: the served directory, the cache, and a number above all before.
 */
import fs from 'node:fs';
import { Lab } from '../../src/core/lab/lab.js';
import { Prng } from '../../src/core/sim/prng.js';
import { fillPattern } from '../../src/core/workload/pattern.js';
import { openNow } from './lab.js';

const BLOCK = 4096;
const [server, cacheDir, first] = process.argv.slice(2) as [string, string, string];
const lab = new Lab({
  server,
  cacheDir,
  clock: 'real',
  serverWrites: 'direct',
  pageCache: 1 << 20,
  cacheCheckpointNs: 2e6,
});
const names = fs.readdirSync(server).sort();
const prng = new Prng(Number(first));
const bytes = new Uint8Array(BLOCK);
fs.writeSync(1, 'ready\n');
for (let generation = Number(first); ; generation++) {
  const name = names[prng.below(names.length)] as string;
  const file = openNow(lab, name, { write: true });
  const position = prng.below(file.fstat().size / BLOCK) * BLOCK;
  fillPattern(bytes, position, generation);
  await lab.run('writer', function* () {
    yield* file.write(bytes, 0, BLOCK, position);
    yield* file.fsync();
    if (prng.chance(0.3)) yield* file.invalidate();
    yield* file.read(new Uint8Array(BLOCK), 0, BLOCK, prng.below(8) * BLOCK);
  });
  file.close();
  fs.writeSync(1, `${name} ${position} ${generation}\n`);
}
