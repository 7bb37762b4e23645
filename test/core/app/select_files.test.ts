/** Which files of a server are worked on. */
import fs from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { selectFiles } from '../../../src/core/app/run/select_files.js';
import { ErrnoError, UsageError } from '../../../src/core/base/errors.js';
import { Lab } from '../../../src/core/lab/lab.js';
import { serverDir, tempDir } from '../../helpers/lab.js';

function tree(t: ExecutionContext): string {
  return serverDir(t, { 'a.txt': 1, 'b.c': 2, 'sub/.d.c': 3, 'sub/deep/e.c': 4, 'sub/f [1]': 5 });
}

const select = (dir: string, names: readonly string[], under?: string) =>
  selectFiles(new Lab({ server: dir }).server, names, under).map(
    ({ name, size }) => `${name} ${size}`,
  );

test('without names every regular file is taken, in the order of the names', (t) => {
  const dir = tree(t);
  const all = ['a.txt 1', 'b.c 2', 'sub/.d.c 3', 'sub/deep/e.c 4', 'sub/f [1] 5'];
  t.deepEqual(select(dir, []), all);
  fs.symlinkSync('a.txt', `${dir}/link`);
  t.deepEqual(select(dir, []), all, 'symbolic links are not followed by themselves');
});

test('names and patterns select files, each once, in the order in which they are named', (t) => {
  const dir = tree(t);
  t.deepEqual(select(dir, ['b.c', 'a.txt', 'b.c']), ['b.c 2', 'a.txt 1']);
  t.deepEqual(select(dir, ['*.c']), ['b.c 2']);
  t.deepEqual(select(dir, ['**/*.c']), ['b.c 2', 'sub/.d.c 3', 'sub/deep/e.c 4']);
  t.deepEqual(select(dir, ['{a,b}.*', 'b.c']), ['a.txt 1', 'b.c 2']);
});

test('a name with the signs of a pattern is a name if there is such a file', (t) => {
  t.deepEqual(select(tree(t), ['sub/f [1]']), ['sub/f [1] 5']);
});

test('a directory limits both names and patterns, however it is written', (t) => {
  const dir = tree(t);
  for (const under of ['sub', 'sub/', './sub', 'sub/deep/..']) {
    t.deepEqual(select(dir, ['deep/e.c'], under), ['sub/deep/e.c 4'], under);
    t.deepEqual(select(dir, ['*.c'], under), ['sub/.d.c 3'], under);
    t.is(select(dir, [], under).length, 3, under);
  }
  t.is(select(dir, [], '.').length, 5);
});

test('a symbolic link that stays inside may be named', (t) => {
  const dir = tree(t);
  fs.symlinkSync('sub/deep/e.c', `${dir}/link`);
  t.deepEqual(select(dir, ['link']), ['link 4']);
});

test('a name or directory that leads out, or is not there, is refused by its errno', (t) => {
  const dir = tree(t);
  const outside = serverDir(t, { secret: 1 });
  fs.symlinkSync(outside, `${dir}/out`);
  const cases: readonly [code: string, names: string[], under?: string][] = [
    ['ENOENT', ['gone']],
    ['EISDIR', ['sub']],
    ['EXDEV', ['../x']],
    ['EXDEV', ['/etc/passwd']],
    ['EXDEV', ['out/secret']],
    ['EXDEV', [], '..'],
    ['EXDEV', [], 'out'],
    ['EXDEV', ['*'], '../..'],
    ['ENOENT', [], 'gone'],
    ['ENOTDIR', [], 'a.txt'],
  ];
  for (const [code, names, under] of cases) {
    const error = t.throws(() => select(dir, names, under), { instanceOf: ErrnoError });
    t.like(error, { code, syscall: 'open' }, `${names} ${under}`);
    t.truthy(error.hint);
  }
});

test('a pattern or directory that selects nothing is a usage error', (t) => {
  const dir = tree(t);
  fs.mkdirSync(`${dir}/bare`);
  t.throws(() => select(dir, ['*.none']), { instanceOf: UsageError, message: /--files/ });
  t.throws(() => select(dir, [], 'bare'), { instanceOf: UsageError, message: /--dir/ });
  t.throws(() => select(tempDir(t), []), { instanceOf: UsageError, message: /--server/ });
});
