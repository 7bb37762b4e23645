/** Dumps of fsx as commit messages, mails and xfstests show them. */
import test from 'ava';
import { isFsxText, parseFsxText } from '../../../src/core/workload/fsx_log.js';

const DUMP = [
  'READ BAD DATA: offset = 0xe9ba, size = 0x6dd5, fname = /mnt/junk',
  'OFFSET      GOOD    BAD     RANGE',
  'LOG DUMP (5 total operations):',
  '1(  1 mod 256): WRITE    0x6c62 thru 0x1147d\t(0xa81c bytes) HOLE\t***WWWW',
  '2(  2 mod 256): FALLOC   0x1000 thru 0x3000\t(0x2000 bytes) INTERIOR',
  '\t\tCLOSE/OPEN',
  '3(  3 mod 256): XCHG 0x0 thru 0xfff\t(0x1000 bytes) to 0x2000 thru 0x2fff',
  '4(  4 mod 256): TRUNCATE DOWN\tfrom 0x1147e to 0x5448\t******WWWW',
  '5(  5 mod 256): MAPREAD  0x9ba thru 0x78e\t(0x6dd5 bytes)\t***RRRR***'.replace(
    '0x78e',
    '0x778e',
  ),
  'Correct content saved for comparison',
];

for (const [where, front] of [
  ['alone', ''],
  ['in a commit message', ' '],
  ['quoted in a mail', '> '],
  ['quoted twice', '> > '],
  ['in the difference that xfstests shows', '    +'],
] as const) {
  test(`a dump ${where} is read`, (t) => {
    const text = DUMP.map((line) => front + line).join('\n');
    t.true(isFsxText(text));
    const { ops, skipped, notes } = parseFsxText(text, 'a.log');
    t.deepEqual(
      ops.map(({ kind, offset, length, reopen }) => [kind, offset, length, reopen]),
      [
        ['write', 0x6c62, 0xa81c, false],
        ['fallocate', 0x1000, 0x2000, true],
        ['truncate', 0, 0x5448, false],
        ['mapread', 0x9ba, 0x6dd5, false],
      ],
    );
    t.deepEqual(
      skipped.map(({ kind, line }) => [kind, line]),
      [['exchange_range', 7]],
    );
    t.is(notes.length, 1);
  });
}

test('a dump that prints its times, and one without a column for the number', (t) => {
  for (const front of ['1: 1516719230.853913 ', '1(1 mod 256): ']) {
    const text = `LOG DUMP (1 total operations):\n${front}WRITE 0x10 thru 0x1f    (0x10 bytes) HOLE _**WWWW\n`;
    t.like(parseFsxText(text, 'a').ops[0], { kind: 'write', offset: 16, length: 16 });
  }
});

test('an operation that unshares extents is named and left out', (t) => {
  const { ops, skipped } = parseFsxText('fallocate 0x0 0x1000 0x2000 unshare close_open *\n', 'a');
  t.deepEqual(ops, []);
  t.deepEqual(
    skipped.map(({ kind }) => kind),
    ['unshare_range'],
  );
});

test('reads and writes with a hint are done without it, as fsx does where there is none', (t) => {
  const text = [
    'write_dontcache 0x0 0x10 0x0',
    'write_atomic 0x0 0x10 0x10',
    'read_dontcache 0x0 0x10 0x10',
  ].join('\n');
  t.true(isFsxText(text));
  const { ops, skipped } = parseFsxText(text, 'a');
  t.deepEqual(
    ops.map(({ kind }) => kind),
    ['write', 'write', 'read'],
  );
  t.deepEqual(skipped, []);
});
