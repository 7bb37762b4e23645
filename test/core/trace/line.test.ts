/** Whole ftrace lines and the heading, against a kernel's own. */
import test from 'ava';
import { printHeading, printLine, printTime } from '../../../src/core/trace/line.js';
import { excerpt } from '../../helpers/trace.js';

for (const name of ['write-midpage', 'server-killed', 'cache-full']) {
  test(`lines of Linux 6.1 are printed byte for byte: ${name}`, (t) => {
    const { events } = excerpt(name);
    for (const each of events) t.is(printLine('E3', each, each.event, each.text), each.line);
  });
}

test('the heading is that of Linux 6.1', (t) => {
  t.deepEqual(printHeading('E3', 133, 133, 1), excerpt('write-midpage').heading);
});

test('the heading of v5.13 has four columns of flags, as its lines have', (t) => {
  const heading = printHeading('E1', 2, 2, 1);
  t.is(heading[4], '#                                _-----=> irqs-off');
  t.is(heading[9], '#           TASK-PID     CPU#  ||||   TIMESTAMP  FUNCTION');
  const prefix = { comm: 'cat', pid: 7, cpu: 1, flags: '....', ns: 1_500_000 };
  t.is(
    printLine('E1', prefix, 'netfs_rreq', 'R=00000001 ASSESS f=20'),
    '             cat-7       [001] ....     0.001500: netfs_rreq: R=00000001 ASSESS f=20',
  );
  t.true(printLine('E3', prefix, 'e', 't').includes('] .....     0.'));
});

test('times are rounded to the nearest microsecond', (t) => {
  t.is(printTime(1_499), '    0.000001');
  t.is(printTime(1_500), '    0.000002');
  t.is(printTime(999_999_500), '    1.000000');
  t.is(printTime(123_456_789_012_345), '123456.789012');
});
