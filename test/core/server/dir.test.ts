/** The local-directory server: replies, versions, counters; confinement is tested with io/files. */
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ENODEV, ENOENT, EXDEV } from '../../../src/core/base/errno.js';
import { ErrnoError } from '../../../src/core/base/errors.js';
import { libuvDriver, syncDriver } from '../../../src/core/io/drivers.js';
import { addSegment } from '../../../src/core/io/segments.js';
import { DirServer } from '../../../src/core/server/dir.js';
import { SERVERS } from '../../../src/core/server/index.js';
import type { FetchReply, ServerFile } from '../../../src/core/server/types.js';
import { RealClock, VirtualClock } from '../../../src/core/sim/clock.js';
import { Prng } from '../../../src/core/sim/prng.js';
import { Scheduler } from '../../../src/core/sim/scheduler.js';
import { content, serverDir } from '../../helpers/lab.js';

const OPTIONS = {
  latencyNs: 0,
  jitterNs: 0,
  bandwidth: 0,
  maxConcurrent: 0,
  writes: 'overlay',
  overlay: undefined,
  callbackNs: 0,
} as const;

function serve(t: ExecutionContext, files: Record<string, number>, real = false) {
  const dir = serverDir(t, files);
  const clock = real ? new RealClock() : new VirtualClock();
  const scheduler = new Scheduler(clock);
  const options = { ...OPTIONS, latencyNs: 1000 };
  const driver = real ? libuvDriver : syncDriver;
  const server = new DirServer(dir, driver, scheduler, new Prng(1), options);
  const open = (name: string): ServerFile => {
    const file = server.open(name);
    if ('errno' in file) throw new Error(`not opened: ${file.errno}`);
    t.teardown(() => server.close(file));
    return file;
  };
  const fetch = async (file: ServerFile, position: number, count: number) => {
    const bytes = new Uint8Array(count);
    const replies: FetchReply[] = [];
    const into = {
      count,
      segments: (list: Parameters<typeof addSegment>[0]) => {
        list.count = 0;
        addSegment(list, bytes, 0, count);
      },
    };
    server.fetch(file, position, into, (reply) => replies.push(reply));
    await scheduler.drain();
    t.is(replies.length, 1);
    return {
      ...replies[0]!,
      bytes: Buffer.from(bytes.subarray(0, Math.max(0, replies[0]!.result))),
    };
  };
  return { dir, clock, server, open, fetch, path: (name: string) => path.join(dir, name) };
}

for (const real of [false, true]) {
  test(`a fetch gives the bytes asked, in the server's time, on the ${real ? 'real' : 'virtual'} clock`, async (t) => {
    const { open, fetch, clock, server } = serve(t, { f: 10_000 }, real);
    const file = open('f');
    const { result, status, bytes } = await fetch(file, 1234, 5000);
    t.is(result, 5000);
    t.deepEqual(bytes, content('f', 10_000).subarray(1234, 6234));
    t.deepEqual(status, file.status);
    t.like(server.counters, { fetches: 1, bytes: 5000, stores: 0, maxInService: 1 });
    if (!real) t.is(clock.now(), 1000);
  });
}

test('a fetch across the end of the file is short, one behind it empty', async (t) => {
  const { open, fetch, server } = serve(t, { f: 10_000 });
  const file = open('f');
  t.is((await fetch(file, 9000, 5000)).result, 1000);
  t.is((await fetch(file, 10_000, 5000)).result, 0);
  t.is((await fetch(file, 1e9, 5000)).result, 0);
  t.is(server.counters.bytes, 1000);
});

test('the same file has the same key however it is opened, another file another', (t) => {
  const { open, dir, path: at } = serve(t, { f: 10, g: 10 });
  fs.symlinkSync('f', path.join(dir, 'link'));
  fs.linkSync(at('f'), path.join(dir, 'hard'));
  const keys = ['f', './f', 'link', 'hard', 'g'].map((name) => open(name).key);
  t.is(new Set(keys.slice(0, 4)).size, 1);
  t.not(keys[4], keys[0]);
  t.is(open('link').name, 'link');
  t.is(open('f').ino, fs.statSync(at('f')).ino);
});

test('what cannot be opened is refused with its number, not thrown', (t) => {
  const { server } = serve(t, { f: 10 });
  t.like(server.open('nothing'), { errno: -ENOENT });
  t.like(server.open('../f'), { errno: -EXDEV });
  const devices = SERVERS.dir(
    '/dev',
    syncDriver,
    new Scheduler(new VirtualClock()),
    new Prng(1),
    OPTIONS,
  );
  t.like(devices.open('null'), { errno: -ENODEV });
});

test('a directory that is not there is an error of the constructor', (t) => {
  const { dir } = serve(t, {});
  const scheduler = new Scheduler(new VirtualClock());
  const make = (): unknown =>
    new DirServer(path.join(dir, 'no'), syncDriver, scheduler, new Prng(1), OPTIONS);
  t.like(t.throws(make, { instanceOf: ErrnoError }), { code: 'ENOENT' });
});

const changes = test.macro({
  async exec(t, _what: string, change: (file: string) => void, size: number) {
    const { open, fetch, server, path: at } = serve(t, { f: 10_000 });
    const file = open('f');
    change(at('f'));
    const reply = await fetch(file, 0, 4096);
    t.is(reply.status!.size, size);
    t.not(reply.status!.version, file.status.version);
    server.getStatus([file], (statuses) => t.deepEqual(statuses, [reply.status]));
    t.deepEqual(open('f').status, reply.status);
  },
  title: (_, what: string) => `the version and the size tell that a file was ${what}`,
});

const later = (file: string): void => fs.utimesSync(file, 2_000_000_000, 2_000_000_000);
test(
  changes,
  'rewritten',
  (file) => {
    fs.writeFileSync(file, content('other', 10_000));
    later(file);
  },
  10_000,
);
test(changes, 'truncated', (file) => fs.truncateSync(file, 5000), 5000);
test(changes, 'grown', (file) => fs.appendFileSync(file, 'more'), 10_004);

test('a file that is removed is read to its end by who has it open, and by nobody else', async (t) => {
  const { open, fetch, server, path: at } = serve(t, { f: 10_000 });
  const file = open('f');
  fs.rmSync(at('f'));
  const { result, bytes } = await fetch(file, 5000, 5000);
  t.is(result, 5000);
  t.deepEqual(bytes, content('f', 10_000).subarray(5000));
  t.like(server.open('f'), { errno: -ENOENT });
});

test('a file that is replaced keeps its content for who has it open and is another for the next', async (t) => {
  const { open, fetch, path: at } = serve(t, { f: 10_000, g: 10_000 });
  const before = open('f');
  fs.renameSync(at('g'), at('f'));
  const after = open('f');
  t.not(after.key, before.key);
  t.deepEqual((await fetch(before, 0, 10_000)).bytes, content('f', 10_000));
  t.deepEqual((await fetch(after, 0, 10_000)).bytes, content('g', 10_000));
});

test('the files beneath the directory are listed, or those beneath a part of it', (t) => {
  const { server } = serve(t, { b: 1, 'd/a': 2, 'd/e/f': 3 });
  t.deepEqual(
    [...server.list()].map(({ name }) => name),
    ['b', 'd/a', 'd/e/f'],
  );
  const [beneath, ...others] = [...server.list('d/e')];
  t.like(beneath, { name: 'd/e/f', size: 3 });
  t.true((beneath?.modifiedMs ?? 0) > 0);
  t.is(others.length, 0);
});
