/** Playing op lists on a lab: results, contents, failures, and what reaches the trace. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { playOps } from '../../../../src/core/app/run/ops.js';
import { Bug } from '../../../../src/core/base/errors.js';
import { LabMachine } from '../../../../src/core/lab/machine.js';
import { labelledContent, writtenContent } from '../../../../src/core/workload/ops/content.js';
import { parseOps } from '../../../../src/core/workload/ops/language.js';
import { parseResults, printResult } from '../../../../src/core/workload/ops/result.js';
import { makeLab, tempDir } from '../../../helpers/lab.js';

/** Plays a list over a file `f` of 10000 bytes; gives the lines of the results and the lab. */
async function play(t: ExecutionContext, list: string, hostChanges = true) {
  const dir = tempDir(t);
  writeFileSync(join(dir, 'f'), labelledContent('f', 10000));
  const made = makeLab(t, {}, { server: dir });
  const machine = new LabMachine(made.lab, hostChanges);
  const results = await playOps(made.lab, machine, parseOps(list, 'list'));
  return { ...made, lines: results.map(printResult) };
}

test('reads give the md5 of the bytes of the labelled content', async (t) => {
  const { lines } = await play(t, 'open 0 rdonly f\nread 0 0 4096\nread 0 8192 4096\nfstat 0');
  // The first two pages of SHAKE128("kcap:f"), computed with another implementation.
  t.deepEqual(lines, [
    '0 open 0 rdonly f ret=0',
    '1 read 0 0 4096 ret=4096 md5=0e102da26bb42710e52dcea38af2c723',
    '2 read 0 8192 4096 ret=1808 md5=55671aa93868d47d6d8a9f0d12f1fd99',
    '3 fstat 0 ret=10000',
  ]);
});

test('residency, advice and mappings are played', async (t) => {
  const list = `open 0 rdonly f
mincore 0
fadvise 0 random
read 0 4096 10
mincore 0
mmap 0 10000
touch 0 9000
touch 0 20000
munmap 0
fadvise 0 dontneed 0 0
mincore 0`;
  const { lines } = await play(t, list);
  t.deepEqual(lines.slice(1), [
    '1 mincore size=10000 pages=3 resident=none',
    '2 fadvise 0 random ret=0',
    '3 read 0 4096 10 ret=10 md5=d6613f4091c90257308fb893980ea497',
    '4 mincore size=10000 pages=3 resident=1-1',
    '5 mmap 0 10000 ret=0',
    `6 touch 0 9000 ret=${labelledContent('f', 10000)[9000]}`,
    '7 touch 0 20000 ret=-1 errno=14',
    '8 munmap 0 ret=0',
    '9 fadvise 0 dontneed 0 0 ret=0',
    '10 mincore size=10000 pages=3 resident=none',
  ]);
});

test('what fails is a result, and the list goes on', async (t) => {
  const { lines } = await play(
    t,
    'read 3 0 1\nopen 0 rdonly gone\nclose 0\numount\nopen 1 rdonly f\nmount\nopen 1 rdonly f',
  );
  t.deepEqual(lines, [
    '0 read 3 0 1 ret=-1 errno=9',
    '1 open 0 rdonly gone ret=-1 errno=2',
    '2 close 0 ret=-1 errno=9',
    '3 umount ret=0',
    '4 open 1 rdonly f ret=-1 errno=2',
    '5 mount ret=0',
    '6 open 1 rdonly f ret=0',
  ]);
});

test('a filesystem is frozen and thawed, and frozen twice is an error', async (t) => {
  const { lines } = await play(t, 'freeze\nfreeze\nthaw\nthaw\nopen 0 rdwr f\nwrite 0 0 1 1');
  t.deepEqual(lines, [
    '0 freeze ret=0',
    '1 freeze ret=-1 errno=16',
    '2 thaw ret=0',
    '3 thaw ret=-1 errno=22',
    '4 open 0 rdwr f ret=0',
    '5 write 0 0 1 1 ret=1',
  ]);
});

test('a list that writes to a frozen filesystem hangs, and what it hangs on is said', async (t) => {
  await t.throwsAsync(play(t, 'open 0 rdwr f\nfreeze\nwrite 0 0 1 1'), {
    instanceOf: Bug,
    message: /kops-\d+ on a frozen filesystem/,
  });
});

test('writes are played: through calls, through a mapping, and to their end', async (t) => {
  const list = `open 0 rdwr+creat n
write 0 4090 10 5
fsync 0
read 0 4000 200
truncate 0 4095
mmap 0 4095 rw
poke 0 1 7
touch 0 1
msync 0
munmap 0
fstat 0
close 0
open 0 rdwr+trunc f
fstat 0
close 0
write 0 0 1 1
drop 3
open 0 rdonly+direct n
read 0 4000 90
mincore 0
write 0 0 1 1`;
  const { lines, lab } = await play(t, list);
  const expected = Buffer.concat([Buffer.alloc(90), writtenContent(4090, 10, 5)]);
  const digest = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');
  const md5 = digest(expected);
  const direct = digest(expected.subarray(0, 90));
  t.deepEqual(
    lines.map((line) => line.replace(/^\d+ (\w+) .*?ret=/, '$1 ')),
    [
      ...['open 0', 'write 10', 'fsync 0', `read 100 md5=${md5}`, 'truncate 0', 'mmap 0', 'poke 0'],
      ...['touch 7', 'msync 0', 'munmap 0', 'fstat 4095', 'close 0', 'open 0', 'fstat 0'],
      ...['close 0', 'write -1 errno=9', 'drop 1', 'open 0', `read 90 md5=${direct}`],
      ...['19 mincore size=4095 pages=1 resident=none', 'write -1 errno=9'],
    ],
  );
  t.is(await lab.close().then(({ error }) => error), null);
});

test('the server changes a file only where that is allowed', async (t) => {
  const list = 'host rewrite f 20 v2\nopen 0 rdonly f\nfstat 0\nhost patch f 4 2 x\nhost nonsense';
  const allowed = await play(t, list);
  t.deepEqual(
    allowed.lines.map((line) => line.replace(/.* ret/, 'ret')),
    ['ret=0', 'ret=0', 'ret=20', 'ret=0', 'ret=-1 errno=22'],
  );
  const refused = await play(t, list, false);
  t.is(refused.lines[0], '0 host rewrite f 20 v2 ret=-1 errno=30');
});

test('dropped pages are read again, and time passes while the list sleeps', async (t) => {
  const list =
    'open 0 rdonly f\nread 0 0 10000\ndrop 3\nmincore 0\nsleep 5\nread 0 0 10000\nclose 0';
  const { lines, lab, trace } = await play(t, list);
  t.is(lines[3], '3 mincore size=10000 pages=3 resident=none');
  t.true(lab.clock.now() >= 5e6);
  t.is((await trace()).filter((line) => line.includes('READAHEAD')).length, 2);
});

test('results are read as they are printed', (t) => {
  const text = [
    '0 open 0 rdonly f1m ret=0',
    '1 read 0 0 4096 ret=4096 md5=620f0b67a91f7f74151bc5be745b7110',
    '2 read 0 0 4096 ret=-1 errno=111',
    '3 mincore size=10000 pages=3 resident=0-1,2-2',
    '4 mincore size=0 pages=0 resident=none',
  ];
  const results = parseResults(`${text.join('\n')}\nEND ops=5\n`, 'result.txt');
  t.deepEqual(results.map(printResult), text);
  t.throws(() => parseResults('0 open', 'result.txt'), { message: /^result.txt:1:1: expected/ });
});

test('written bytes follow the rule of position and seed', (t) => {
  const at = 3 * 4096 - 2;
  const bytes = writtenContent(at, 4, 5);
  const rule = (p: number) => (p * 131 + 5 * 17 + (p >> 8) * 7 + (p >> 12) * 13) & 255;
  t.deepEqual([...bytes], [at, at + 1, at + 2, at + 3].map(rule));
});
