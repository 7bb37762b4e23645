/** Writing workloads: what they do, what they verify, what they leave behind. */
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { lossError } from '../../../src/core/app/lab/unwritten.js';
import { RUN_DEFAULTS, type RunRequest, runWorkload } from '../../../src/core/app/run/run.js';
import { errnoOf } from '../../../src/core/base/errno.js';
import { UsageError, VerificationError } from '../../../src/core/base/errors.js';
import { Cookie } from '../../../src/core/fscache/cookie.js';
import type { Server } from '../../../src/core/server/types.js';
import { patternByte, patternProblem } from '../../../src/core/workload/pattern.js';
import { forward } from '../../helpers/forward_server.js';
import { content, serverDir, tempDir } from '../../helpers/lab.js';
import { sameBytes } from '../../helpers/netfs.js';

const FILES = { a: 100_000, b: 30_000 };
const TOTAL = 130_000;

function request(t: ExecutionContext, given: Partial<RunRequest>): RunRequest {
  const lab = { server: serverDir(t, FILES), ...given.lab };
  return { ...RUN_DEFAULTS, opLog: 'none', ...given, lab };
}

for (const rw of ['write', 'randwrite', 'rw', 'randrw']) {
  for (const clock of ['virtual', 'real'] as const) {
    test(`--rw ${rw} covers every byte once and is verified, ${clock} clock`, async (t) => {
      const cacheDir = path.join(tempDir(t), 'cache');
      const made = request(t, { rw, bs: 3000, verify: true, lab: { server: '', clock, cacheDir } });
      const given = { ...made, lab: { ...made.lab, server: serverDir(t, FILES) } };
      const { reads, writes, errors, verified, server } = await runWorkload(given);
      t.deepEqual(errors, []);
      t.is(reads.bytes + writes.bytes, TOTAL);
      t.is(reads.ops > 0, rw === 'rw' || rw === 'randrw');
      t.true(writes.ops > 0 && (verified?.bytes ?? 0) >= writes.bytes);
      t.is(server.storedBytes >= writes.bytes, true);
      sameBytes(t, fs.readFileSync(path.join(given.lab.server, 'a')), content('a', FILES.a));
    });
  }
}

test('--rwmixread says how much of a mix reads', async (t) => {
  const { reads, writes } = await runWorkload(
    request(t, { rw: 'randrw', bs: 512, rwMixRead: 80, lab: { server: serverDir(t, FILES) } }),
  );
  const share = reads.ops / (reads.ops + writes.ops);
  t.true(share > 0.7 && share < 0.9, `${share}`);
});

test('--fsync has the server written to as often', async (t) => {
  const given = { rw: 'write', bs: 4096, files: ['a'] };
  const seldom = await runWorkload(request(t, given));
  const often = await runWorkload(request(t, { ...given, fsync: 1 }));
  t.is(seldom.server.stores, 1);
  t.is(often.server.stores, often.writes.ops);
});

test.serial('stale data in the cache fails the verification of writes', async (t) => {
  const { writeToCache } = Cookie.prototype;
  // A cache that keeps what it has when a page is written.
  Cookie.prototype.writeToCache = (_mapping, _start, length, ended) => ended(length);
  try {
    const made = request(t, { rw: 'randrw', bs: 4096, loops: 3, verify: true });
    const lab = { ...made.lab, cacheDir: path.join(tempDir(t), 'cache'), pageCache: 1 << 20 };
    await t.throwsAsync(runWorkload({ ...made, lab }), { instanceOf: VerificationError });
  } finally {
    Cookie.prototype.writeToCache = writeToCache;
  }
});

test('several writers cannot be verified, and that is said', async (t) => {
  const given = request(t, { rw: 'write', numjobs: 2, verify: true });
  await t.throwsAsync(runWorkload(given), { instanceOf: UsageError });
});

test('stale, torn and misplaced data are told apart', (t) => {
  const block = (position: number, generation: number) =>
    Uint8Array.from({ length: 64 }, (_, i) => patternByte(position + i, generation));
  const torn = block(64, 5);
  torn.set(block(64, 4).subarray(32), 32);
  t.is(patternProblem(block(64, 5), 64, 5), undefined);
  t.like(patternProblem(block(64, 4), 64, 5), { offset: 68, what: 'stale data, of write 4' });
  t.regex(patternProblem(torn, 64, 5)?.what ?? '', /^torn: .*write 4$/);
  t.regex(patternProblem(block(128, 5), 64, 5)?.what ?? '', /^misplaced data, of byte 128$/);
});

test('what a full server does not take is an error of the run, and named as lost at its end', async (t) => {
  const made = request(t, { rw: 'write', files: ['b'], bs: 10_000 });
  const full = (server: Server): Server =>
    forward(server, {
      store: (_file, _position, _from, _size, done) =>
        done({ result: -errnoOf('ENOSPC'), status: undefined, before: '' }),
    });
  const { errors, unwritten } = await runWorkload({
    ...made,
    lab: { ...made.lab, wrapServer: full },
  });
  t.like(errors, [{ code: 'ENOSPC' }]);
  t.deepEqual(unwritten, [{ file: 'b', bytes: 0x8000, errno: -errnoOf('ENOSPC') }]);
  t.regex(lossError(unwritten[0] as (typeof unwritten)[0]).message, /^ENOSPC: .*32.*lost.*'b'$/);
});

for (const rw of ['write', 'randwrite']) {
  test(`--rw ${rw} with --size makes the files it names, and extends shorter ones`, async (t) => {
    const given = { rw, files: ['sub/new', 'b'], size: 50_000, bs: 4096, verify: true };
    const made = request(t, given);
    const lab = { ...made.lab, serverWrites: 'direct' } as const;
    const { errors, writes, verified } = await runWorkload({ ...made, lab });
    t.deepEqual(errors, []);
    t.is(writes.bytes, 100_000);
    t.is(verified?.bytes, 100_000);
    for (const name of given.files) t.is(fs.statSync(path.join(lab.server, name)).size, 50_000);
  });
}

test('a file that is not there is made only where it is all written and its size is known', async (t) => {
  const cases = [
    { rw: 'write' },
    { rw: 'randrw', size: 5000 },
    { rw: 'read', size: 5000 },
    { rw: 'write', size: 5000, lab: { server: '', serverWrites: 'refuse' as const } },
  ];
  for (const { lab, ...given } of cases) {
    const made = request(t, { ...given, files: ['new'] });
    const all = { ...made, lab: { ...lab, ...made.lab, server: serverDir(t, FILES) } };
    const outcome = await runWorkload(all).catch((error: unknown) => ({ errors: [error] }));
    t.like(outcome.errors, [{ code: lab === undefined ? 'ENOENT' : 'EROFS' }], given.rw);
  }
});

test('--direct writes each block at once, and reads every block from the server', async (t) => {
  const given = { rw: 'randrw', bs: 5000, verify: true, direct: true };
  const { reads, writes, errors, server, requests } = await runWorkload(request(t, given));
  t.deepEqual(errors, []);
  t.deepEqual([server.fetches, server.stores], [reads.ops, writes.ops]);
  t.deepEqual(requests, { READAHEAD: 0, READPAGE: 0, WRITEBEGN: 0 });
});
