/** Lines of strace in the forms that its options and versions give them are the same calls. */
import test from 'ava';
import { frontEndOf } from '../../../../src/core/workload/formats/index.js';
import { PLAIN_OPTIONS } from '../../../../src/core/workload/recording.js';

const CALLS = [
  'openat(AT_FDCWD, "/d/a", O_RDONLY|O_CLOEXEC) = 3',
  'read(3, "abc", 4096) = 3',
  'close(3) = 0',
];

/** What each form puts in front of a call, by the options of strace that do. */
const FRONTS: Readonly<Record<string, (i: number) => string>> = {
  plain: () => '',
  '-f -o': () => '4201 ',
  '-f': () => '[pid  4201] ',
  '-f --decode-pids=comm': () => '[pid  4201<my prog>] ',
  '-f -o --decode-pids=comm': () => '4201<sh> ',
  '-t': (i) => `12:00:0${i} `,
  '-ttt': (i) => `1700000000.00000${i} `,
  '-r': (i) => `     0.00000${i} `,
  '-f -r': (i) => `[pid  4201]      0.00000${i} `,
  '-r -t': (i) => `12:00:0${i} (+     0.000001) `,
  '-n': () => '[ 257] ',
  '-i': () => '[00007f0002eaaad7] ',
  '-i without a stack': () => '[????????????????] ',
  '-f -tt -n -i': (i) => `4201 12:00:00.00000${i} [ 257] [00007f0002eaaad7] `,
};

const parse = (text: string) => {
  const format = frontEndOf(text);
  return { name: format?.name, recording: format?.parse(text, 'a.strace', PLAIN_OPTIONS) };
};

const kinds = (text: string) => parse(text).recording?.ops.map(({ op }) => op.kind);
const refused = (text: string) => parse(text).recording?.unplayed.filter(({ matters }) => matters);

for (const [options, front] of Object.entries(FRONTS)) {
  test(`strace ${options}: a line is recognised and read`, (t) => {
    const text = CALLS.map((call, i) => front(i) + call).join('\n');
    t.is(parse(text).name, 'strace');
    t.deepEqual(kinds(text), ['open', 'read', 'close']);
    t.deepEqual(refused(text), []);
  });
}

test('what strace says of itself is no call: stacks, processes attached, the table of -C', (t) => {
  const text = [
    'strace: Process 7 attached',
    'Process 8 detached',
    ...CALLS.flatMap((call) => [call, ' > /usr/lib/libc.so.6(__read+0x12) [0xfdaad]']),
    '% time     seconds  usecs/call     calls    errors syscall',
    '------ ----------- ----------- --------- --------- ----------------',
    ' 32.21    0.000115           9        12           mmap',
    '100.00    0.000357           5        65         2 total',
  ].join('\n');
  t.deepEqual(kinds(text), ['open', 'read', 'close']);
  t.deepEqual(refused(text), []);
});

test('strace speaks within a call, whose rest is in another line', (t) => {
  const text = [
    'clone(strace: Process 15236 attached',
    ' <unfinished ...>',
    '[pid 15236] openat(AT_FDCWD, "/d/a", O_RDONLY) = 3',
    '[pid 15229] <... clone resumed>child_stack=NULL, flags=SIGCHLD) = 15236',
    '[pid 15236] read(3, "abc", 4096) = 3',
  ].join('\n');
  t.deepEqual(kinds(text), ['open', 'read']);
  t.deepEqual(refused(text), []);
});

test('a copy of standard output that the log does not name is as unknown as that is', (t) => {
  const text = 'fcntl(1, F_DUPFD, 10) = 11\ndup2(11, 1) = 1\nwrite(11, "x", 1) = 1\n';
  t.deepEqual(refused(text), []);
  const later = parse('dup(7) = 8\nread(8, "x", 1) = 1\n').recording?.unplayed;
  t.true(later?.some(({ matters }) => matters));
});
