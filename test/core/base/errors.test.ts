/** The classes of errors: what they say and carry; and the assertions that throw one of them. */
import test from 'ava';
import { assert, assertUnreachable } from '../../../src/core/base/assert.js';
import {
  Bug,
  ErrnoError,
  StoreError,
  TraceFormatError,
  TraceParseError,
  UsageError,
  VerificationError,
} from '../../../src/core/base/errors.js';

test('a system error has the shape of those of Node.js, with a negative number', (t) => {
  for (const given of [5, -5, 'EIO'] as const) {
    const { message, code, errno, syscall, path } = new ErrnoError(given, 'read', '/f');
    t.is(message, "EIO: i/o error, read '/f'");
    t.deepEqual(
      { code, errno, syscall, path },
      { code: 'EIO', errno: -5, syscall: 'read', path: '/f' },
    );
  }
  t.is(new ErrnoError('ENOSPC', 'write').message, 'ENOSPC: no space left on device, write');
  t.is(new ErrnoError(-4095, 'read').code, 'E4095');
});

test('a system error can carry other words, a cause and advice', (t) => {
  const cause = new Error('below');
  const error = new ErrnoError('EXDEV', 'open', 'f', { cause, hint: 'do this', text: 'leads out' });
  t.is(error.message, "EXDEV: leads out, open 'f'");
  t.is(error.cause, cause);
  t.is(error.hint, 'do this');
});

test('each class says where and what in its first line', (t) => {
  t.is(
    new UsageError('--bs', "expected a size, got 'x'").message,
    "--bs: expected a size, got 'x'",
  );
  t.is(
    new TraceParseError('t.txt', 12, 31, 'a source', 'FOO ').message,
    't.txt:12:31: expected a source, got "FOO "',
  );
  t.is(
    new TraceFormatError('t.bin', ['ftrace', 'perf']).message,
    't.bin: not recognised as any of: ftrace, perf',
  );
  t.is(new StoreError('a.db', 'not ours').message, 'a.db: not ours');
  t.is(new VerificationError('f', 4096, 'differs').message, 'f: at byte 4096: differs');
  t.is(new Bug('broken', { seed: 7 }).seed, 7);
});

test('each class names itself', (t) => {
  const errors = [
    new ErrnoError('EIO', 'read'),
    new UsageError('--x', ''),
    new TraceParseError('', 1, 1, '', ''),
    new TraceFormatError('', []),
    new StoreError('', ''),
    new Bug(''),
    new VerificationError('', 0, ''),
  ];
  for (const error of errors) {
    t.is(error.name, error.constructor.name);
    t.true(error instanceof Error);
  }
});

test('an assertion that does not hold is a bug with its message', (t) => {
  t.notThrows(() => assert(1, 'holds'));
  t.throws(() => assert(0, 'does not'), { instanceOf: Bug, message: 'does not' });
  t.throws(() => assertUnreachable('x' as never), {
    instanceOf: Bug,
    message: /unexpected value x/,
  });
});
