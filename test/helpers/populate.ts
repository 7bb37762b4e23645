/**
 * A process that fills a cache, and changes files on the server meanwhile, until it is killed.
 * Arguments: the served directory, the cache, and a number that no earlier process was given.
 */
import fs from 'node:fs';
import path from 'node:path';
import { Lab } from '../../src/core/lab/lab.js';
import { content, openNow } from './lab.js';

const [server, cacheDir, run] = process.argv.slice(2) as [string, string, string];
const lab = new Lab({
  server,
  cacheDir,
  clock: 'real',
  pageCache: 1 << 20,
  cacheCheckpointNs: 2e6,
});
const names = fs.readdirSync(server).sort();
const buffer = new Uint8Array(1 << 18);
process.stdout.write('ready\n');
for (let round = 0; ; round++) {
  for (const [i, name] of names.entries()) {
    const file = openNow(lab, name);
    for (let at = 0; ; ) {
      const got = await lab.run('populate', () => file.read(buffer, 0, buffer.length, at));
      if (got === 0) break;
      at += got;
    }
    file.close();
    // Of every round another part of the files is new, each with a time of its own.
    if ((i + round) % 3 === 0) replace(name, Number(run) * 1e6 + round * 1000 + i);
  }
}

function replace(name: string, time: number): void {
  const file = path.join(server, name);
  const next = `${server}.next`;
  fs.writeFileSync(next, content(`${name} ${time}`, fs.statSync(file).size));
  fs.utimesSync(next, time, time);
  fs.renameSync(next, file);
}
