/**
 * The 9p client of profile linux-6.1-9p with its cache, as captures of a running kernel show it:
 * sequences of events, contexts and references; life of objects; room.
 */
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { LabOptions } from '../../../src/core/lab/options.js';
import { content, makeLab, openNow, tempDir } from '../../helpers/lab.js';
import { linesOf } from '../../helpers/lines.js';
import { sameBytes } from '../../helpers/netfs.js';

const PROFILE = 'linux-6.1-9p';
const HEX_64K = 65_536;

/** A lab of the profile with a cache, which outlives it. */
function cached(
  t: ExecutionContext,
  files: Record<string, number>,
  options: Partial<LabOptions> = {},
) {
  const cacheDir = options.cacheDir ?? path.join(tempDir(t), 'cache');
  const common = { profile: PROFILE, defects: 'kernel', presence: 'seek', cacheDir } as const;
  const made = makeLab(t, files, { ...common, ...options });
  const sleep = (ns: number) => made.lab.run('sleep', () => made.lab.scheduler.sleep(ns));
  let seen = 0;
  return {
    ...made,
    cacheDir,
    sleep,
    /** Reads a range of a file and lets everything end. */
    async readAll(name: string, count: number, position = 0): Promise<Buffer> {
      const file = made.open(name);
      const bytes = await made.read(file, position, count);
      await made.lab.scheduler.drain();
      file.close();
      return bytes;
    },
    /** Drops all caches and lets the workers end. */
    async drop(level: number): Promise<void> {
      made.lab.dropCaches(level);
      await made.lab.scheduler.drain();
    },
    /** Events since the last call. */
    lines(pattern: RegExp): string[] {
      const all = linesOf(made.sink, /./);
      const since = all.slice(seen);
      seen = all.length;
      return since.filter((line) => pattern.test(line));
    },
    named: () =>
      fs
        .readdirSync(path.join(cacheDir, 'cache'), { recursive: true, encoding: 'utf8' })
        .filter((name) => fs.statSync(path.join(cacheDir, 'cache', name)).isFile()),
  };
}

const NETFS = /(read|rreq|sreq|sreq_ref|rreq_ref|prep_read|write|failure): /;

test('a cold read is downloaded by the reader and stored by workers', async (t) => {
  const { readAll, lines } = cached(t, { f: 8192 });
  sameBytes(t, await readAll('f', 8192), content('f', 8192));
  t.deepEqual(lines(NETFS), [
    'reader read: R=1 READAHEAD c=2 s=0 2000',
    'reader rreq_ref: R=1 GET SUBREQ r=2',
    'reader prep_read: R=1[0] DOWN no-data f=01 s=0 2000',
    'reader sreq: R=1[0] DOWN PREP f=01 s=0 0/2000 e=0',
    'reader sreq: R=1[0] DOWN SUBMT f=01 s=0 0/2000 e=0',
    'reader sreq: R=1[0] DOWN TERM f=03 s=0 2000/2000 e=0',
    'reader sreq_ref: R=1[0] PUT TERM r=1',
    'reader rreq: R=1 RA ASSESS f=22',
    'reader rreq: R=1 RA UNLOCK f=22',
    'worker rreq: R=1 RA COPY f=02',
    'worker sreq_ref: R=1[0] GET COPY2C r=2',
    'worker sreq: R=1[0] DOWN WRITE f=03 s=0 2000/2000 e=0',
    'worker write: o=1 s=0 l=2000',
    'worker sreq: R=1[0] DOWN WTERM f=03 s=0 2000/2000 e=0',
    'worker rreq: R=1 RA DONE f=02',
    'worker sreq_ref: R=1[0] PUT CLEAR r=1',
    'worker rreq_ref: R=1 PUT COMPLT r=1',
    'worker sreq_ref: R=1[0] PUT TERM r=0',
    'worker sreq: R=1[0] DOWN FREE f=03 s=0 2000/2000 e=0',
    'worker rreq_ref: R=1 PUT SUBREQ r=0',
    'worker rreq: R=1 RA FREE f=02',
  ]);
});

test('a warm read ends in the interrupt and is freed by a worker', async (t) => {
  const { readAll, drop, lines } = cached(t, { f: 8192 });
  await readAll('f', 8192);
  await drop(3);
  lines(/./);
  sameBytes(t, await readAll('f', 8192), content('f', 8192));
  t.deepEqual(
    lines(NETFS).filter((line) => !/ref/.test(line)),
    [
      'reader read: R=2 READAHEAD c=3 s=0 2000',
      'reader prep_read: R=2[0] READ have-data f=00 s=0 2000',
      'reader sreq: R=2[0] READ PREP f=00 s=0 0/2000 e=0',
      'reader sreq: R=2[0] READ SUBMT f=00 s=0 0/2000 e=0',
      'reader read: o=2 s=0 l=2000',
      'irq sreq: R=2[0] READ TERM f=00 s=0 2000/2000 e=0',
      'irq rreq: R=2 RA ASSESS f=20',
      'irq rreq: R=2 RA UNLOCK f=20',
      'irq rreq: R=2 RA DONE f=00',
      'irq sreq: R=2[0] READ FREE f=00 s=0 2000/2000 e=0',
      'worker rreq: R=2 RA FREE f=00',
    ],
  );
});

test('the page at the end is zeroed when cold and comes whole from the cache when warm', async (t) => {
  const { readAll, drop, lines } = cached(t, { f: 5000 });
  sameBytes(t, await readAll('f', 8192), content('f', 5000));
  t.deepEqual(lines(/PREP|WRITE|write/), [
    'reader sreq: R=1[0] DOWN PREP f=01 s=0 0/1388 e=0',
    'reader sreq: R=1[1] ZERO PREP f=00 s=1388 0/c78 e=0',
    'worker sreq: R=1[0] DOWN WRITE f=03 s=0 1388/2000 e=0',
    'worker write: o=1 s=0 l=2000',
  ]);
  await drop(3);
  lines(/./);
  sameBytes(t, await readAll('f', 8192), content('f', 5000));
  t.deepEqual(lines(/PREP/), ['reader sreq: R=2[0] READ PREP f=00 s=0 0/2000 e=0']);
});

test('one slice takes as many messages as it needs, and messages bound the window', async (t) => {
  const { readAll, lines } = cached(t, { f: HEX_64K }, { msize: 8192 });
  await readAll('f', HEX_64K);
  const reads = lines(/ read: R=/);
  t.is(reads.length, 16);
  t.true(reads.every((line) => line.endsWith(' 1000')));
  const wide = cached(t, { f: HEX_64K }, { msize: 8192, readAheadKb: 64 });
  await wide.readAll('f', HEX_64K);
  t.is(wide.lab.server.counters.fetches, 9);
  t.is(wide.lines(/ SUBMT /).length, 1);
});

test('what was stored is read back once pages have left memory, not before', async (t) => {
  const { readAll, drop, lines } = cached(t, { f: HEX_64K });
  await readAll('f', 4096);
  await readAll('f', 4096, 32_768);
  t.deepEqual(
    lines(/no-data|have-data/).map((line) => line.split(' ')[3]),
    ['DOWN', 'DOWN'],
  );
  await drop(1);
  await readAll('f', 4096);
  t.regex(lines(/prep_read/).join(), /READ have-data/);
});

test('nothing is revalidated until the inode is evicted; then the object is outdated', async (t) => {
  const { readAll, drop, lines, dir } = cached(t, { f: 4096 });
  const old = await readAll('f', 4096);
  const changed = content('changed', 4096);
  fs.writeFileSync(path.join(dir, 'f'), changed);
  fs.utimesSync(path.join(dir, 'f'), 2e9, 2e9);
  await drop(1);
  sameBytes(t, await readAll('f', 4096), old);
  lines(/./);
  await drop(3);
  sameBytes(t, await readAll('f', 4096), changed);
  t.deepEqual(lines(/coherency|link|no-data/), [
    'worker coherency: o=1 SET ok c=0',
    'worker link: o=1',
    'worker coherency: o=2 BAD aux c=0',
    'reader prep_read: R=3[0] DOWN no-data f=01 s=0 1000',
  ]);
});

test('an object gets its name ten seconds after its file was closed', async (t) => {
  const { readAll, sleep, lines, named, lab } = cached(t, { f: 4096 });
  await readAll('f', 4096);
  await sleep(9e9);
  t.deepEqual(named(), []);
  t.is(lab.fscache?.stats.lru, 1);
  lines(/./);
  await sleep(2e9);
  t.is(named().filter((name) => !name.endsWith('.map')).length, 1);
  t.like(lab.fscache?.stats, { lru: 0, lruExpired: 1 });
  t.deepEqual(
    lines(/cookie: /),
    [
      'worker cookie: c=2 - lrudo r=3',
      'worker cookie: c=2 GQ endac r=4',
      'worker cookie: c=2 PUT lru r=3',
      'worker cookie: c=2 - work r=3',
      'worker ref: c=2 o=1 u=1 SEE withdraw_cookie',
      'worker cookie: c=2 PUT obj r=2',
      'worker cookie: c=2 - x-lru r=2',
      'worker cookie: c=2 PQ work r=1',
    ].filter((line) => line.includes('cookie: ')),
  );
  sameBytes(t, await readAll('f', 4096), content('f', 4096));
});

test('a file that is opened again in time keeps its object', async (t) => {
  const { readAll, sleep, lab } = cached(t, { f: 4096 });
  await readAll('f', 4096);
  await sleep(5e9);
  const file = openNow(lab, 'f');
  await sleep(7e9);
  t.like(lab.fscache?.stats, { lru: 0, lruExpired: 0, lruRemoved: 1 });
  file.close();
});

test('where there is no room, stores are refused and a new file is not cached at all', async (t) => {
  const { readAll, lines, lab } = cached(t, { f: HEX_64K, g: 4096 });
  await readAll('f', 4096);
  lab.fillCache(true);
  lines(/./);
  sameBytes(t, await readAll('f', 4096, 40_960), content('f', HEX_64K).subarray(40_960, 45_056));
  t.deepEqual(lines(/failure|SKIP|DONE/), [
    'worker failure: R=2[0] DOWN f=03 s=a000 1000/1000 prep-write e=-105',
    'worker sreq: R=2[0] DOWN SKIP f=03 s=a000 1000/1000 e=0',
    'worker rreq: R=2 RA DONE f=02',
  ]);
  sameBytes(t, await readAll('g', 4096), content('g', 4096));
  t.deepEqual(lines(/prep_read|SUBMT|COPY|FAILED/), [
    'worker cookie: c=3 FAILED r=3',
    'reader sreq: R=3[0] DOWN SUBMT f=00 s=0 0/1000 e=0',
  ]);
  const values = lab.fscache?.statValues();
  t.like(values, { 'NoSpace.nwr': 1, 'NoSpace.ncr': 1, 'IO.wr': 1 });
});

test('a server that is mounted again finds what was cached, also by another lab', async (t) => {
  const { readAll, lab, lines, dir, cacheDir } = cached(t, { f: HEX_64K });
  await readAll('f', HEX_64K);
  t.is(await lab.run('umount', () => lab.unmount()), 0);
  await lab.scheduler.drain();
  t.is(lab.client.vnodes, 0);
  lab.mount();
  lines(/./);
  await readAll('f', HEX_64K);
  t.regex(lines(/prep_read|acquire/).join(), /acquire: c=3 V=2 .*READ have-data/);
  await lab.close();
  const second = cached(t, {}, { server: dir, cacheDir, presence: 'both', defects: 'repaired' });
  sameBytes(t, await second.readAll('f', HEX_64K), content('f', HEX_64K));
  t.is(second.lab.server.counters.bytes, 0);
  t.is((await second.lab.close()).error, null);
});

test('without a cache, and with one that is unbound, reads go to the server alone', async (t) => {
  const plain = makeLab(t, { f: 4096 }, { profile: PROFILE });
  await plain.read(plain.open('f'), 0, 4096);
  const sequence = linesOf(plain.sink, /TERM|DONE|FREE|access|active/);
  t.deepEqual(
    sequence.filter((line) => !/ref/.test(line)),
    [
      'reader active: c=2 USE r=1 a=0 c=1',
      'reader sreq: R=1[0] DOWN TERM f=02 s=0 1000/1000 e=0',
      'reader rreq: R=1 RA DONE f=00',
      'reader sreq: R=1[0] DOWN FREE f=02 s=0 1000/1000 e=0',
      'reader rreq: R=1 RA FREE f=00',
    ],
  );
  const { readAll, lab, lines } = cached(t, { f: 4096 });
  await readAll('f', 4096);
  t.is(await lab.run('umount', () => lab.unmount()), 0);
  lab.setBound(false);
  lab.mount();
  lines(/./);
  await readAll('f', 4096);
  t.deepEqual(lines(/prep_read|lookup/), []);
});
