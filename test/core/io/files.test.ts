/**
 * Opening files beneath a directory: what is let through, what is refused, and that nothing
 * blocks.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { errnoName } from '../../../src/core/base/errno.js';
import { ErrnoError } from '../../../src/core/base/errors.js';
import {
  closeFd,
  openBeneath,
  readExact,
  resolveRoot,
  statFd,
  walkFiles,
} from '../../../src/core/io/files.js';
import { content, serverDir, tempDir } from '../../helpers/lab.js';

/** A served directory with files and links, beside one that is not served. */
function makeTree(t: ExecutionContext): { root: string; outside: string } {
  const top = fs.realpathSync(serverDir(t, { 'out/secret': 10, 'in/f': 100, 'in/d/g': 200 }));
  const [root, outside] = [path.join(top, 'in'), path.join(top, 'out')];
  fs.symlinkSync('d/g', path.join(root, 'inner'));
  fs.symlinkSync(path.join(root, 'f'), path.join(root, 'absolute'));
  fs.symlinkSync('d', path.join(root, 'dirlink'));
  fs.symlinkSync('../out/secret', path.join(root, 'leak'));
  fs.symlinkSync(path.join(outside, 'secret'), path.join(root, 'd/leak'));
  fs.symlinkSync('../out', path.join(root, 'outdir'));
  fs.symlinkSync('loop2', path.join(root, 'loop1'));
  fs.symlinkSync('loop1', path.join(root, 'loop2'));
  fs.symlinkSync('nothing', path.join(root, 'dangling'));
  return { root, outside };
}

/** The size of the file opened, or the name of the error. */
function outcome(root: string, name: string, viaProc?: boolean): number | string {
  const opened = openBeneath(root, name, viaProc);
  if ('errno' in opened) return errnoName(opened.errno);
  closeFd(opened.fd);
  return opened.status.size;
}

const opens = test.macro({
  exec(t, name: string, size: number) {
    const { root } = makeTree(t);
    t.is(outcome(root, name), size);
    t.is(outcome(root, name, false), size, 'without /proc');
  },
  title: (_, name: string) => `'${name}' lies beneath the directory and is opened`,
});

test(opens, 'f', 100);
test(opens, 'd/g', 200);
test(opens, './d/../f', 100);
test(opens, 'inner', 200);
test(opens, 'absolute', 100);
test(opens, 'dirlink/g', 200);

const refuses = test.macro({
  exec(t, name: string, error: string) {
    const { root } = makeTree(t);
    t.is(outcome(root, name), error);
    t.is(outcome(root, name, false), error, 'without /proc');
  },
  title: (_, name: string, error: string) => `${JSON.stringify(name)} is refused with ${error}`,
});

test(refuses, '..', 'EXDEV');
test(refuses, '../out/secret', 'EXDEV');
test(refuses, 'd/../../out/secret', 'EXDEV');
test(refuses, '/etc/passwd', 'EXDEV');
test(refuses, '../in-not', 'EXDEV');
test(refuses, 'leak', 'EXDEV');
test(refuses, 'd/leak', 'EXDEV');
test(refuses, 'dirlink/leak', 'EXDEV');
test(refuses, 'outdir/secret', 'EXDEV');
test(refuses, 'outdir', 'EXDEV');
test(refuses, 'loop1', 'ELOOP');
test(refuses, 'dangling', 'ENOENT');
test(refuses, 'nothing', 'ENOENT');
test(refuses, 'f/x', 'ENOTDIR');
test(refuses, '', 'EISDIR');
test(refuses, 'd', 'EISDIR');
test(refuses, 'f\0', 'EINVAL');
test(refuses, 'x'.repeat(300), 'ENAMETOOLONG');

test('a directory beside the served one with the same beginning of its name is outside', (t) => {
  const top = fs.realpathSync(serverDir(t, { 'in/f': 1, 'in-not/f': 2 }));
  fs.symlinkSync('../in-not/f', path.join(top, 'in/leak'));
  t.is(outcome(path.join(top, 'in'), 'leak'), 'EXDEV');
  t.is(outcome(path.join(top, 'in'), path.join(top, 'in-not/f')), 'EXDEV');
});

test('the path of a file beneath the directory may be absolute', (t) => {
  const { root } = makeTree(t);
  t.is(outcome(root, path.join(root, 'd/g')), 200);
});

test('a pipe is refused at once, though opening it would wait for a writer', (t) => {
  const { root } = makeTree(t);
  execFileSync('mkfifo', [path.join(root, 'pipe')]);
  t.is(outcome(root, 'pipe'), 'ENODEV');
  t.is(outcome(root, 'pipe', false), 'ENODEV');
});

test('a device node is refused', (t) => {
  t.is(outcome('/dev', 'null'), 'ENODEV');
});

test('a socket is refused', async (t) => {
  const { root } = makeTree(t);
  const { createServer } = await import('node:net');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path.join(root, 's'), resolve));
  t.is(outcome(root, 's'), 'ENODEV');
  await new Promise((resolve) => server.close(resolve));
});

test('a refusal says why where the error does not', (t) => {
  const { root } = makeTree(t);
  for (const name of ['..', 'leak']) {
    t.like(openBeneath(root, name), { why: 'the path leads out of the served directory' });
  }
  t.like(openBeneath('/dev', 'null'), { why: 'not a regular file' });
});

test('an open file keeps its content when another is put in its place', (t) => {
  const { root } = makeTree(t);
  const opened = openBeneath(root, 'f');
  if ('errno' in opened) return t.fail();
  fs.writeFileSync(path.join(root, 'new'), 'something else');
  fs.renameSync(path.join(root, 'new'), path.join(root, 'f'));
  const bytes = Buffer.alloc(100);
  fs.readSync(opened.fd, bytes, 0, 100, 0);
  t.deepEqual(bytes, content('in/f', 100));
  t.like(statFd(opened.fd), { size: 100, inode: opened.status.inode });
  const again = openBeneath(root, 'f');
  if ('errno' in again) return t.fail();
  t.not(again.status.inode, opened.status.inode);
  closeFd(opened.fd);
  closeFd(again.fd);
  return undefined;
});

test('refusals and openings leave no descriptor behind', (t) => {
  const { root } = makeTree(t);
  const open = (): string[] =>
    fs.readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        const target = fs.readlinkSync(`/proc/self/fd/${fd}`);
        return target.startsWith(path.dirname(root)) ? [target] : [];
      } catch {
        return [];
      }
    });
  for (const name of ['f', 'leak', 'd', 'loop1', 'nothing', 'inner']) outcome(root, name);
  t.deepEqual(open(), []);
  const opened = openBeneath(root, 'f');
  t.deepEqual(open(), [path.join(root, 'f')]);
  if ('fd' in opened) closeFd(opened.fd);
});

test('a status tells when a file changed, to the nanosecond', (t) => {
  const { root } = makeTree(t);
  const opened = openBeneath(root, 'f');
  if ('errno' in opened) return t.fail();
  fs.utimesSync(path.join(root, 'f'), 1_700_000_000.5, 1_700_000_000.5);
  const status = statFd(opened.fd);
  closeFd(opened.fd);
  t.like(status, { mtime: '1700000000500000000', size: 100, isFile: true, isDirectory: false });
  t.is(statFd(999_999), -9);
  return undefined;
});

test('a part of a file is read whole, as far as the file goes', (t) => {
  const { root } = makeTree(t);
  const opened = openBeneath(root, 'd/g');
  if ('errno' in opened) return t.fail();
  const target = new Uint8Array(150);
  t.is(readExact(opened.fd, target, 100, 50), 100);
  t.deepEqual(Buffer.from(target.subarray(0, 100)), content('in/d/g', 200).subarray(50, 150));
  t.deepEqual(target.subarray(100), new Uint8Array(50));
  t.is(readExact(opened.fd, target, 150, 120), 80);
  t.is(readExact(opened.fd, target, 10, 200), 0);
  closeFd(opened.fd);
  t.is(readExact(999_999, target, 10, 0), -9);
  return undefined;
});

test('a directory to be served is resolved, and one that cannot be is an error with advice', (t) => {
  const { root } = makeTree(t);
  t.is(resolveRoot(path.join(root, 'dirlink')), path.join(root, 'd'));
  for (const [name, code] of [
    ['nothing', 'ENOENT'],
    ['f', 'ENOTDIR'],
    ['loop1', 'ELOOP'],
  ] as const) {
    const error = t.throws(() => resolveRoot(path.join(root, name)), { instanceOf: ErrnoError });
    t.like(error, { code, syscall: 'open', path: path.join(root, name) });
    t.regex(error.hint ?? '', /--server DIR/);
  }
});

test('walking lists regular files in a fixed order and follows no link', (t) => {
  const { root } = makeTree(t);
  fs.writeFileSync(path.join(root, 'd/B'), '');
  fs.writeFileSync(path.join(root, 'Z'), 'zz');
  t.deepEqual(
    [...walkFiles(root)].map(({ name, size }) => ({ name, size })),
    [
      { name: 'Z', size: 2 },
      { name: 'd/B', size: 0 },
      { name: 'd/g', size: 200 },
      { name: 'f', size: 100 },
    ],
  );
});

test('walking leaves out what it is told to and reports what it cannot read', (t) => {
  const { root } = makeTree(t);
  const skipped: unknown[] = [];
  const names = [...walkFiles(root, (name) => name === 'd')].map(({ name }) => name);
  t.deepEqual(names, ['f']);
  const none = walkFiles(root, undefined, (...what) => skipped.push(what), 'gone');
  t.deepEqual([...none], []);
  t.deepEqual(skipped, [['gone', -2]]);
});

test('a directory that nothing is in yields no files', (t) => {
  t.deepEqual([...walkFiles(tempDir(t))], []);
});
