/**
 * A process that writes and syncs blocks is killed (SIGKILL) at moments drawn at random. Every
 * block that it had synced is on the server, and the cache gives what the server has.
 * NETFSLAB_WRITE_KILLS says how often; the long form is 100.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { Prng } from '../../../src/core/sim/prng.js';
import { cacheRig } from '../../helpers/cache.js';
import { sameBytes } from '../../helpers/netfs.js';
import { ROOT } from '../../helpers/source.js';

const KILLS = Number(process.env.NETFSLAB_WRITE_KILLS ?? 3);
const BLOCK = 4096;

/** Runs the writer for some time: its last word. */
async function writeAndKill(server: string, cache: string, first: number, ms: number) {
  const script = path.join(ROOT, 'dist/test/helpers/write_synced.js');
  const child = spawn(process.execPath, [script, server, cache, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await once(child.stdout, 'data');
  await setTimeout(ms);
  child.kill('SIGKILL');
  await once(child, 'close');
  return said.split('\n').slice(1, -1);
}

test(`${KILLS} kills: what was synced is on the server, and the cache gives no other`, async (t) => {
  const rig = cacheRig(t, { a: 8 * BLOCK, b: 16 * BLOCK, c: 64 * BLOCK });
  const prng = new Prng(31);
  const synced = new Map<string, { name: string; position: number; generation: number }>();
  let cached = 0;
  for (let kill = 1; kill <= KILLS; kill++) {
    const lines = await writeAndKill(rig.server, rig.dir, kill * 1e6, 200 + prng.below(600));
    for (const line of lines) {
      const [name = '', position, generation] = line.split(' ');
      const block = { name, position: Number(position), generation: Number(generation) };
      synced.set(`${name} ${position}`, block);
    }
    for (const { name, position, generation } of synced.values()) {
      const now = fs.readFileSync(path.join(rig.server, name)).readUInt32LE(position + 4);
      t.true(now >= generation, `${name} at ${position} after kill ${kill}: ${now}`);
    }
    const { bytes, lab } = await rig.readAll(['a', 'b', 'c'], { verifyCache: kill % 2 === 0 });
    for (const [i, name] of ['a', 'b', 'c'].entries()) {
      sameBytes(t, bytes[i] as Buffer, fs.readFileSync(path.join(rig.server, name)));
    }
    cached += lab.cache.counters.readBytes;
  }
  t.true(synced.size > 0, 'nothing was ever synced');
  t.log(`${synced.size} blocks were synced, ${cached} bytes came from the cache`);
});
