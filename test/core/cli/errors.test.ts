/** What a user is told about each class of error, and the exit code it ends with. */
import { Errors } from '@oclif/core';
import test from 'ava';
import {
  Bug,
  ErrnoError,
  StoreError,
  TraceFormatError,
  TraceParseError,
  UsageError,
  VerificationError,
} from '../../../src/core/base/errors.js';
import { EXIT_DOC, exitCodeOf } from '../../../src/core/cli/exit.js';
import { describeError } from '../../../src/core/cli/print_error.js';

const endsWith = test.macro({
  exec(t, error: unknown, code: number) {
    t.is(exitCodeOf(error), code);
    t.true(EXIT_DOC.some(([documented]) => documented === code));
  },
  title: (_, error, code) => `${error instanceof Error ? error.name : error} ends with ${code}`,
});

test(endsWith, new ErrnoError('EIO', 'read', 'f'), 1);
test(endsWith, new UsageError('--bs', 'bad'), 2);
test(endsWith, new Errors.CLIError('Missing 1 required arg'), 2);
test(endsWith, new TraceParseError('f', 1, 2, 'a label', 'FOO'), 3);
test(endsWith, new TraceFormatError('f', ['ftrace']), 3);
test(endsWith, new StoreError('f', 'not a capture'), 3);
test(endsWith, new VerificationError('f', 4096, 'differs'), 4);
test(endsWith, new Bug('gauge is not zero'), 70);
test(endsWith, new TypeError('x is undefined'), 70);
test(endsWith, new Errors.ExitError(130), 130);

test('an error of the operating system is a failure and not a bug', (t) => {
  const error = Object.assign(new Error('EACCES: permission denied'), {
    code: 'EACCES',
    syscall: 'open',
  });
  t.is(exitCodeOf(error), 1);
});

test('an error with a hint is one line and a line that says what to try', (t) => {
  const error = new UsageError('--bs', "expected a size, got 'x'", 'write 4k');
  t.deepEqual(describeError(error), {
    name: 'UsageError',
    message: "--bs: expected a size, got 'x'",
    hint: 'write 4k',
    exit: 2,
  });
});

test('a parse error of oclif becomes one line without its footer', (t) => {
  const error = new Errors.CLIError(
    'Missing 1 required arg:\nrequest  id\nSee more help with --help',
  );
  const { message, hint } = describeError(error, 'netfslab trace request');
  t.is(message, 'Missing 1 required arg: request  id');
  t.is(hint, 'netfslab trace request --help');
});

test('a bug comes with its stack and the seed that shows it', (t) => {
  const { message, hint } = describeError(new Bug('rr is 1 at rest', { seed: 42 }));
  t.regex(message, /rr is 1 at rest\n\s+at /);
  t.regex(hint ?? '', /--randseed 42/);
});
