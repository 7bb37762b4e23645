/**
 * The AFS client of profile linux-6.1-afs, as captures of a running kernel show it: large folios,
 * validation, failures of the cache's device and of the server.
 */
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ErrnoError } from '../../../src/core/base/errors.js';
import type { LabOptions } from '../../../src/core/lab/options.js';
import { content, makeLab, opened, tempDir } from '../../helpers/lab.js';
import { linesOf } from '../../helpers/lines.js';
import { sameBytes } from '../../helpers/netfs.js';

function lab(t: ExecutionContext, size: number, options: Partial<LabOptions> = {}) {
  const cacheDir = path.join(tempDir(t), 'cache');
  const common = { profile: 'linux-6.1-afs', defects: 'kernel', presence: 'seek' } as const;
  const made = makeLab(t, { f: size }, { ...common, cacheDir, ...options });
  let changes = 0;
  let seen = 0;
  return {
    ...made,
    rewrite(bytes: Buffer): void {
      const file = path.join(made.dir, 'f');
      fs.writeFileSync(file, bytes);
      fs.utimesSync(file, 2e9 + ++changes, 2e9 + changes);
    },
    lines(pattern: RegExp): string[] {
      const all = linesOf(made.sink, /./).filter((line) => !/_ref|access/.test(line));
      const since = all.slice(seen);
      seen = all.length;
      return since.filter((line) => pattern.test(line));
    },
  };
}

test('windows are read in folios that grow, so that markers come later', async (t) => {
  const { open, read, lines, lab: made } = lab(t, 512 << 10);
  const file = open('f');
  for (let at = 0; at < 512 << 10; at += 4096) await read(file, at, 4096);
  await made.scheduler.drain();
  t.deepEqual(
    lines(/READAHEAD/).map((line) => line.split(' ').slice(-2).join(' ')),
    ['s=0 4000', 's=4000 18000', 's=1c000 20000', 's=3c000 20000', 's=5c000 20000', 's=7c000 4000'],
  );
  t.is(made.server.counters.fetches, 6);
});

test('a file changed by somebody else is invalidated at the next read, while it is open', async (t) => {
  const { open, read, lines, rewrite, lab: made } = lab(t, 8192);
  const file = open('f');
  await read(file, 0, 8192);
  await made.scheduler.drain();
  lines(/./);
  rewrite(content('other', 8192));
  t.is(file.readNow(Buffer.alloc(1), 0, 1, 0), -1);
  sameBytes(t, await read(file, 0, 8192), content('other', 8192));
  await made.scheduler.drain();
  t.deepEqual(lines(/invalidate|tmpfile|prep_read|WTERM/), [
    'reader invalidate: c=2 sz=2000',
    'worker tmpfile: o=1',
    'reader prep_read: R=2[0] DOWN seek-enxio f=01 s=0 2000',
    'worker sreq: R=2[0] DOWN WTERM f=03 s=0 2000/2000 e=0',
  ]);
});

test('pages that are being stored when a file is found changed are waited for', async (t) => {
  const { open, read, rewrite, lab: made } = lab(t, 8192);
  const file = open('f');
  await read(file, 0, 8192);
  rewrite(content('other', 8192));
  t.true((await read(file, 0, 8192)).equals(content('other', 8192)));
  // Nor has the old content got into the cache.
  await made.scheduler.drain();
  made.dropCaches(1);
  t.true((await read(file, 0, 8192)).equals(content('other', 8192)));
});

test('what the cache fails to read is downloaded instead, in the same request', async (t) => {
  const { open, read, lines, lab: made } = lab(t, 8192);
  const file = open('f');
  await read(file, 0, 8192);
  await made.scheduler.drain();
  made.dropCaches(1);
  lines(/./);
  made.breakCache(true);
  sameBytes(t, await read(file, 0, 8192), content('f', 8192));
  t.deepEqual(lines(/sreq|rreq|failure|io_error/), [
    'reader sreq: R=2[0] READ PREP f=00 s=0 0/2000 e=0',
    'reader sreq: R=2[0] READ SUBMT f=00 s=0 0/2000 e=0',
    'reader io_error: o=1 read e=-5',
    'reader failure: R=2[0] READ f=00 s=0 0/2000 read e=-5',
    'reader sreq: R=2[0] READ TERM f=00 s=0 0/2000 e=-5',
    'reader rreq: R=2 RA ASSESS f=21',
    'reader rreq: R=2 RA RESUBMT f=21',
    'reader sreq: R=2[0] DOWN RDOWN f=00 s=0 0/2000 e=0',
    'reader sreq: R=2[0] DOWN TERM f=02 s=0 2000/2000 e=0',
    'reader rreq: R=2 RA UNLOCK f=20',
    'reader rreq: R=2 RA DONE f=00',
    'reader sreq: R=2[0] DOWN FREE f=02 s=0 2000/2000 e=0',
    'reader rreq: R=2 RA FREE f=00',
  ]);
  made.breakCache(false);
});

test('a server killed under a read fails it, and what is not cached from then on', async (t) => {
  const { open, read, lines, lab: made } = lab(t, 64 << 10);
  const file = open('f');
  await read(file, 0, 4096);
  await made.scheduler.drain();
  lines(/./);
  made.health.kill(1e9);
  const error = await t.throwsAsync(() => read(file, 32 << 10, 4096), { instanceOf: ErrnoError });
  t.is(error.code, 'ECONNREFUSED');
  t.true(made.clock.now() >= 1e9);
  t.deepEqual(lines(/failure|ASSESS|DONE| READ(AHEAD|PAGE) /).slice(0, 4), [
    'reader read: R=2 READAHEAD c=2 s=8000 1000',
    'reader failure: R=2[0] DOWN f=03 s=8000 0/1000 read e=-111',
    'reader rreq: R=2 RA ASSESS f=30',
    'reader rreq: R=2 RA DONE f=10',
  ]);
  made.dropCaches(1);
  sameBytes(t, await read(file, 0, 4096), content('f', 64 << 10).subarray(0, 4096));
});

test('a server that pauses answers late, and nothing else happens', async (t) => {
  const { read, lab: made } = lab(t, 8192);
  made.health.pause(3e9);
  const file = await opened(made, 'f');
  t.true(made.clock.now() >= 3e9);
  made.health.pause(3e9);
  sameBytes(t, await read(file, 0, 8192), content('f', 8192));
  t.true(made.clock.now() >= 6e9);
});
