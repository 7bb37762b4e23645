/**
 * The names of a directory server against a directory of the machine's own: the same random calls
 * give the same errno and the same tree, in place, in an overlay, and after each new start of it.
 */
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { bytesOfName, nameOfBytes } from '../../../src/core/base/names.js';
import { syncDriver } from '../../../src/core/io/drivers.js';
import { DirServer } from '../../../src/core/server/dir.js';
import { entriesOf } from '../../../src/core/server/disk_directory.js';
import type { Namespace, ServerOptions } from '../../../src/core/server/types.js';
import { VirtualClock } from '../../../src/core/sim/clock.js';
import { Prng } from '../../../src/core/sim/prng.js';
import { Scheduler } from '../../../src/core/sim/scheduler.js';
import type { Task } from '../../../src/core/sim/wait_queue.js';
import { serverDir, tempDir } from '../../helpers/lab.js';

const S_IFREG = 0o100000;
const S_IFDIR = 0o040000;
const S_IFLNK = 0o120000;
const S_IFIFO = 0o010000;

function serve(server: string, writes: ServerOptions['writes'], overlay?: string): DirServer {
  return new DirServer(server, syncDriver, new Scheduler(new VirtualClock()), new Prng(1), {
    latencyNs: 0,
    jitterNs: 0,
    bandwidth: 0,
    maxConcurrent: 0,
    writes,
    overlay,
    callbackNs: 0,
  });
}

/** The result of a task of a server that answers at once. */
function now<T>(task: Task<T>): T {
  const step = task.next();
  if (step.done !== true) throw new Error(`waits for ${step.value.what}`);
  return step.value;
}

/** What is in a tree: type, permissions, size, links and content by name. */
function describe(namespace: Namespace, under = ''): Record<string, string> {
  const directory = now(namespace.openDirectory(under));
  if (typeof directory === 'number') throw new Error(`${under}: ${directory}`);
  const tree: Record<string, string> = {};
  for (const { name } of entriesOf(directory)) {
    const at = under === '' ? name : `${under}/${name}`;
    const status = now(namespace.status(at));
    if (typeof status === 'number') throw new Error(`${at}: ${status}`);
    const type = status.mode & 0o170000;
    const links = type === S_IFDIR ? '' : status.links;
    const target = type === S_IFLNK ? now(namespace.readLink(at)) : '';
    tree[at] =
      `${status.mode.toString(8)} ${type === S_IFREG ? status.size : ''} ${links} ${target}`;
    if (type === S_IFDIR) Object.assign(tree, describe(namespace, at));
  }
  return tree;
}

/** A call of both sides: an errno or 0. */
type Step = { readonly text: string; run(namespace: Namespace): number };

const NAMES = ['a', 'b', 'c', 'd', 'e'];

function randomPath(prng: Prng): string {
  const depth = 1 + prng.below(3);
  return Array.from({ length: depth }, () => NAMES[prng.below(NAMES.length)]).join('/');
}

function randomStep(prng: Prng): Step {
  const from = randomPath(prng);
  const to = randomPath(prng);
  const mode = 0o600 | prng.below(0o100);
  const number = (result: unknown): number => (typeof result === 'number' ? result : 0);
  const make = (type: number, what: string): Step => ({
    text: `${what} ${from}`,
    run: (ns) => number(now(ns.make(from, { mode: type | mode, target: Buffer.from(to) }))),
  });
  switch (prng.below(12)) {
    case 0:
    case 1:
      return make(S_IFDIR, 'mkdir');
    case 2:
      return make(S_IFREG, 'create');
    case 3:
      return make(S_IFLNK, 'symlink');
    case 4:
      return make(S_IFIFO, 'fifo');
    case 5:
      return { text: `unlink ${from}`, run: (ns) => now(ns.remove(from, false)) };
    case 6:
      return { text: `rmdir ${from}`, run: (ns) => now(ns.remove(from, true)) };
    case 7:
      return { text: `link ${from} ${to}`, run: (ns) => now(ns.link(from, to)) };
    case 8: {
      const how = prng.below(3);
      const flags = { noReplace: how === 1, exchange: how === 2 };
      return { text: `rename ${from} ${to} ${how}`, run: (ns) => now(ns.rename(from, to, flags)) };
    }
    case 9:
      return {
        text: `chmod ${from} ${mode.toString(8)}`,
        run: (ns) => {
          const status = now(ns.status(from));
          if (typeof status === 'number') return status;
          if ((status.mode & 0o170000) === S_IFLNK) return 0;
          return now(ns.change(from, { mode, mtime: { s: 1000, ns: 5 } }));
        },
      };
    default:
      return { text: `rename ${from} ${to}`, run: (ns) => now(ns.rename(from, to, {})) };
  }
}

function populate(dir: string): void {
  for (const name of ['a/a', 'a/b', 'b', 'c/d/e', 'c/d/a', 'd/d']) {
    fs.mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
    fs.writeFileSync(path.join(dir, name), name.repeat(30), { mode: 0o644 });
  }
  fs.symlinkSync('../b', path.join(dir, 'a/e'));
}

function compare(t: ExecutionContext, writes: 'direct' | 'overlay', seed: number): void {
  const model = tempDir(t);
  const dir = tempDir(t);
  populate(model);
  populate(dir);
  const overlay = writes === 'overlay' ? tempDir(t) : undefined;
  const truth = serve(model, 'direct');
  let server = serve(dir, writes, overlay);
  const before = describe(serve(dir, 'refuse').namespace);
  const prng = new Prng(seed);
  const log: string[] = [];
  for (let i = 0; i < 300; i++) {
    const step = randomStep(prng);
    log.push(step.text);
    const expected = step.run(truth.namespace);
    const got = step.run(server.namespace);
    const context = (): string => `seed ${seed}: ${log.join('; ')}`;
    // A link on the way is no directory, by whichever of the two words.
    const same = new Set([got, expected].map((errno) => (errno === -40 ? -20 : errno)));
    if (same.size > 1) t.is(got, expected, context());
    if (i % 30 === 29) {
      server.shutDown();
      server = serve(dir, writes, overlay);
    }
    if (i % 10 === 9) {
      t.deepEqual(describe(server.namespace), describe(truth.namespace), context());
    }
  }
  if (writes === 'overlay') t.deepEqual(describe(serve(dir, 'refuse').namespace), before);
  server.shutDown();
  truth.shutDown();
}

for (const writes of ['direct', 'overlay'] as const) {
  for (let seed = 1; seed <= 4; seed++) {
    test(`names of a server with writes ${writes} behave as a directory's own, seed ${seed}`, (t) => {
      compare(t, writes, seed);
    });
  }
}

test('names that are not UTF-8 and of 255 bytes go there and back', (t) => {
  const dir = tempDir(t);
  const names = [
    Buffer.from([0x66, 0xff, 0xfe, 0x0a, 0x41]),
    Buffer.alloc(255, 0xc3),
    Buffer.from('\u{1f600} and \u{fffd}'),
    Buffer.from([0xed, 0xb2, 0x80]),
  ];
  for (const name of names) t.deepEqual(bytesOfName(nameOfBytes(name)), name);
  for (const writes of ['direct', 'overlay'] as const) {
    const { namespace } = serve(dir, writes, writes === 'overlay' ? tempDir(t) : undefined);
    for (const name of names) {
      t.is(typeof now(namespace.make(nameOfBytes(name), { mode: S_IFREG | 0o600 })), 'object');
    }
    t.is(now(namespace.make('x'.repeat(256), { mode: S_IFREG })), -36);
    const listed = [...entriesOf(now(namespace.openDirectory('')) as never)].map(({ name }) =>
      bytesOfName(name).toString('hex'),
    );
    t.deepEqual(listed.sort(), names.map((name) => name.toString('hex')).sort());
    for (const name of names) t.is(now(namespace.remove(nameOfBytes(name), false)), 0);
  }
});

test('paths longer than PATH_MAX are reached, one directory beneath the other', (t) => {
  const dir = tempDir(t);
  const { namespace } = serve(dir, 'direct');
  let at = '';
  for (let i = 0; i < 60; i++) {
    at = at === '' ? 'd'.repeat(120) : `${at}/${'d'.repeat(120)}`;
    t.is(typeof now(namespace.make(at, { mode: S_IFDIR | 0o700 })), 'object');
  }
  t.true(at.length > 4096);
  // Nobody else could remove them.
  for (; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('/')))) {
    t.is(now(namespace.remove(at, true)), 0);
  }
});

test('nothing outside the root is reached, whatever links say', (t) => {
  const outside = tempDir(t);
  fs.writeFileSync(path.join(outside, 'secret'), 'x');
  const dir = tempDir(t);
  fs.symlinkSync(outside, path.join(dir, 'out'));
  fs.symlinkSync(path.join(outside, 'secret'), path.join(dir, 'file'));
  for (const writes of ['direct', 'overlay'] as const) {
    const server = serve(dir, writes, writes === 'overlay' ? tempDir(t) : undefined);
    const { namespace } = server;
    t.like(server.open('out/secret'), { errno: -18 });
    t.like(server.open('file'), { errno: -18 });
    t.like(server.open('../secret'), { errno: -18 });
    for (const refused of [
      now(namespace.status('out/secret')),
      now(namespace.make('out/new', { mode: S_IFREG })),
      now(namespace.remove('out/secret', false)),
      now(namespace.rename('out/secret', 'here', {})),
    ]) {
      t.true(typeof refused === 'number' && refused < 0);
    }
  }
  t.deepEqual(fs.readdirSync(outside), ['secret']);
});

test('a directory of 20,000 files over another is listed once each while it changes', (t) => {
  const dir = serverDir(t, {});
  const over = tempDir(t);
  for (let i = 0; i < 20_000; i++) fs.writeFileSync(path.join(dir, `f${i}`), '');
  const { namespace } = serve(dir, 'overlay', over);
  for (let i = 0; i < 50; i++) now(namespace.make(`n${i}`, { mode: S_IFREG | 0o600 }));
  const directory = now(namespace.openDirectory(''));
  if (typeof directory === 'number') throw new Error('not opened');
  const seen = new Set<string>();
  let longest = 0;
  for (let cookie = 0n; ; ) {
    const start = process.cpuUsage().user;
    const entries = directory.read(cookie);
    longest = Math.max(longest, process.cpuUsage().user - start);
    if (typeof entries === 'number' || entries.length === 0) break;
    for (const { name } of entries) {
      t.false(seen.has(name));
      seen.add(name);
    }
    cookie = entries.at(-1)!.cookie;
    now(namespace.remove(`f${seen.size}`, false));
  }
  for (let i = 0; i < 50; i++) t.true(seen.has(`n${i}`));
  t.true(seen.size > 19_000);
  t.log(`longest piece ${longest} us`);
});
