/**
 * Many files through a small page cache and few descriptors, by the command line. NETFSLAB_FILES
 * says how many; the long form is 20000, with a page cache of 64 MiB.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { tempDir } from '../../helpers/lab.js';
import { ROOT } from '../../helpers/source.js';

const FILES = Number(process.env.NETFSLAB_FILES ?? 400);
const PAGE_CACHE = FILES < 1000 ? '1m' : '64m';
const DESCRIPTORS = 256;
/** Most memory of the process, KiB: Node.js, the trace's ring, the arenas. */
const RESIDENT_MAX = 512 * 1024;

/** Has a process say at its end how much memory it had. */
const TELL = `data:text/javascript,process.on('exit', () =>
  process.stderr.write('resident ' + process.resourceUsage().maxRSS + ' KiB'))`;

// Files of 1 to 30000 bytes, in directories of 100.
function manyFiles(t: ExecutionContext): { server: string; bytes: number } {
  const server = path.join(tempDir(t), 'server');
  const bytes = Buffer.alloc(30_000, 'netfslab');
  let sum = 0;
  for (let i = 0; i < FILES; i++) {
    const dir = path.join(server, `d${Math.floor(i / 100)}`);
    if (i % 100 === 0) fs.mkdirSync(dir, { recursive: true });
    const size = 1 + ((i * 7919) % 30_000);
    bytes.writeUInt32LE(i);
    fs.writeFileSync(path.join(dir, `f${i}`), bytes.subarray(0, size));
    sum += size;
  }
  return { server, bytes: sum };
}

function run(t: ExecutionContext, server: string, out: string) {
  const base = path.dirname(server);
  const command = `ulimit -n ${DESCRIPTORS} && exec "$@"`;
  const node = [process.execPath, '--import', TELL.replaceAll(/\s+/g, '%20')];
  const netfslab = [...node, path.join(ROOT, 'bin/run.js'), 'run', '--json', '--verify'];
  const where = ['--server', server, '--cache', path.join(base, 'cache'), '--out', out];
  const how = ['--bs', '64k', '--page-cache', PAGE_CACHE, '--op-log', 'none'];
  const args = ['-c', command, 'bash', ...netfslab, ...where, ...how];
  const result = spawnSync('bash', args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  t.is(result.status, 0, result.stderr);
  const resident = Number(/resident (\d+) KiB/.exec(result.stderr)?.[1]);
  t.true(resident > 0 && resident < RESIDENT_MAX, `${resident} KiB`);
  t.log(`${resident >> 10} MiB resident`);
  return JSON.parse(result.stdout);
}

test(`${FILES} files, ${PAGE_CACHE} of page cache, ${DESCRIPTORS} descriptors`, (t) => {
  const { server, bytes } = manyFiles(t);
  const base = path.dirname(server);
  const cold = run(t, server, path.join(base, 'cold.db'));
  const warm = run(t, server, path.join(base, 'warm.db'));
  t.is(cold.server.bytes, bytes);
  t.is(warm.server.fetches, 0);
});
