/** The check of what was read against the files themselves. */
import fs from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { Verifier } from '../../../src/core/app/run/verify.js';
import { VerificationError } from '../../../src/core/base/errors.js';
import { Lab } from '../../../src/core/lab/lab.js';
import type { EndedOp } from '../../../src/core/workload/job.js';
import { content, openNow, serverDir } from '../../helpers/lab.js';

const SIZE = 10_000;

interface Checked {
  readonly dir: string;
  readonly verifier: Verifier;
  /** Checks a read of 4096 bytes of `name` that found `data`. */
  read(offset: number, data: Uint8Array, name?: string): void;
}

function checking(t: ExecutionContext, files: Record<string, number> = { a: SIZE }): Checked {
  const dir = serverDir(t, files);
  const lab = new Lab({ server: dir });
  const versions = Object.keys(files).map((name) => [name, openNow(lab, name).fstat().version]);
  const version = Object.fromEntries(versions) as Record<string, string>;
  const verifier = new Verifier(fs.realpathSync(dir));
  t.teardown(() => verifier.close());
  const ended = { id: 1, length: 4096, start: 0, end: 0, hit: true, direct: false, write: false };
  return {
    dir,
    verifier,
    read: (offset, data, name = 'a') => {
      const file = { name, size: SIZE };
      const result = data.length;
      const op: EndedOp = { ...ended, file, offset, result, data, version: version[name]! };
      verifier.check(op);
    },
  };
}

const bytes = content('a', SIZE);

function failure(t: ExecutionContext, action: () => void): VerificationError {
  return t.throws(action, { instanceOf: VerificationError });
}

test('reads that are equal to the file are counted, the short one at its end too', (t) => {
  const { verifier, read } = checking(t);
  read(0, bytes.subarray(0, 4096));
  read(8192, bytes.subarray(8192));
  read(SIZE, new Uint8Array(0));
  t.like(verifier, { ops: 3, bytes: 4096 + SIZE - 8192 });
});

test('a byte that differs is named by file and position, and asked to be reported', (t) => {
  const { read } = checking(t);
  const wrong = Buffer.from(bytes.subarray(4096, 8192));
  wrong[100]! ^= 1;
  const error = failure(t, () => read(4096, wrong));
  t.is(error.message, 'a: at byte 4196: what was read is not what the file holds');
  t.regex(error.hint ?? '', /report/);
});

test('bytes that are missing or too many are a difference', (t) => {
  const { read } = checking(t);
  t.is(failure(t, () => read(0, bytes.subarray(0, 4000))).offset, 4000);
  const long = Buffer.concat([bytes.subarray(8192), Buffer.alloc(5)]);
  t.is(failure(t, () => read(8192, long)).offset, SIZE);
});

const changes: readonly [how: string, change: (path: string) => void][] = [
  ['rewritten', (path) => fs.writeFileSync(path, content('other', SIZE))],
  ['truncated', (path) => fs.truncateSync(path, 100)],
];

function replace(path: string): void {
  fs.writeFileSync(`${path}.new`, content('other', SIZE));
  fs.renameSync(`${path}.new`, path);
}

for (const [how, change] of changes) {
  for (const [when, checkedBefore] of [
    ['before its first check', false],
    ['after it was checked once', true],
  ] as const) {
    test(`a file that was ${how} ${when} is said to have changed`, (t) => {
      const { dir, read } = checking(t);
      if (checkedBefore) read(0, bytes.subarray(0, 4096));
      change(`${dir}/a`);
      const error = failure(t, () => read(0, bytes.subarray(0, 4096)));
      t.regex(error.message, /the file was changed while it was read/);
      t.regex(error.hint ?? '', /run again when nobody writes/);
    });
  }
}

test('a file that was replaced before its first check is said to have changed', (t) => {
  const { dir, read } = checking(t);
  replace(`${dir}/a`);
  const error = failure(t, () => read(0, bytes.subarray(0, 4096)));
  t.regex(error.message, /the file was changed while it was read/);
});

test('a file that was replaced after a check is still compared as it was opened', (t) => {
  const { dir, read, verifier } = checking(t);
  read(0, bytes.subarray(0, 4096));
  replace(`${dir}/a`);
  read(4096, bytes.subarray(4096, 8192));
  t.is(verifier.ops, 2);
});

test('a file that vanished before it could be checked is said to have vanished', (t) => {
  const { dir, read } = checking(t);
  fs.unlinkSync(`${dir}/a`);
  const error = failure(t, () => read(0, bytes.subarray(0, 4096)));
  t.regex(error.message, /vanished/);
});

test('more files than are kept open can be checked', (t) => {
  const names = Array.from({ length: 130 }, (_, i) => `f${i}`);
  const { verifier, read } = checking(t, Object.fromEntries(names.map((name) => [name, 10])));
  for (const name of [...names, ...names]) read(0, content(name, 10), name);
  t.is(verifier.ops, 260);
});

test('an operation that failed is not compared', (t) => {
  const { verifier } = checking(t);
  const op = {
    id: 1,
    version: '',
    offset: 0,
    length: 1,
    start: 0,
    end: 0,
    hit: false,
    direct: false,
    write: false,
  };
  verifier.check({ ...op, result: -5, file: { name: 'nowhere', size: 0 }, data: bytes });
  t.is(verifier.ops, 0);
});
