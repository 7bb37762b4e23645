/**
 * Programs of the machine under strace, replayed: every byte that they read is read, and it is the
 * byte that the log shows. Skipped by name where strace or the program is missing.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { replay } from '../../../src/core/app/run/replay.js';
import { strace } from '../../../src/core/workload/formats/strace.js';
import { scanString } from '../../../src/core/workload/formats/strace_line.js';
import { PLAIN_OPTIONS } from '../../../src/core/workload/recording.js';
import { tempDir } from '../../helpers/lab.js';

/** A program: what is prepared in its directory, and its command. */
interface Program {
  readonly needs: string;
  readonly prepare: (dir: string) => void;
  readonly command: readonly string[];
}

const run = (dir: string, ...command: string[]): void => {
  const [program = '', ...args] = command;
  const { status, stderr } = spawnSync(program, args, { cwd: dir, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
};

const identity = ['-c', 'user.name=a', '-c', 'user.email=a@b'];

const PROGRAMS: Readonly<Record<string, Program>> = {
  'cp of a large file': {
    needs: 'cp',
    prepare: (dir) =>
      writeFileSync(
        join(dir, 'a'),
        createHash('shake128', { outputLength: 700_000 }).update('a').digest(),
      ),
    command: ['cp', '--reflink=never', 'a', 'b'],
  },
  'git status': {
    needs: 'git',
    prepare: (dir) => {
      run(dir, 'git', 'init', '-q');
      for (let i = 0; i < 5; i++) writeFileSync(join(dir, `f${i}`), `${i}\n`.repeat(200 * i + 1));
      run(dir, 'git', ...identity, 'add', '.');
      run(dir, 'git', ...identity, 'commit', '-qm', 'x');
      writeFileSync(join(dir, 'f1'), 'changed\n');
    },
    command: ['git', 'status', '--short'],
  },
  'sqlite3 that writes and reads': {
    needs: 'sqlite3',
    prepare: (dir) => {
      run(
        dir,
        'sqlite3',
        'a.db',
        'create table t(a, b); insert into t values (1, hex(randomblob(3000)));',
      );
    },
    command: [
      ...['sqlite3', 'a.db'],
      'insert into t select a + 1, hex(randomblob(2000)) from t; update t set b = 2 where a = 1; select count(*), max(length(b)) from t;',
    ],
  },
  'gcc -c': {
    needs: 'gcc',
    prepare: (dir) => {
      mkdirSync(join(dir, 'include'));
      writeFileSync(join(dir, 'include/a.h'), '#define A 1\n');
      writeFileSync(join(dir, 'a.c'), '#include "include/a.h"\nint main(void) { return A; }\n');
    },
    command: ['gcc', '-c', 'a.c', '-o', 'a.o'],
  },
};

const has = (program: string): boolean => spawnSync(program, ['--version']).error === undefined;

/** Bytes that reads of the log gave, of files whose name it shows. */
function bytesRead(log: string): number {
  let sum = 0;
  for (const line of log.split('\n')) {
    const found = /^\d+ +[\d.]+ (?:read|pread64)\(\d+<(\/[^>]*)>.* = (\d+)(?: <[\d.]+>)?$/.exec(
      line,
    );
    if (found !== null && !/^\/(proc|sys|dev)\//.test(found[1] as string)) sum += Number(found[2]);
  }
  return sum;
}

for (const [title, { needs, prepare, command }] of Object.entries(PROGRAMS)) {
  const missing = ['strace', needs].filter((program) => !has(program));
  const how = missing.length > 0 ? test.skip : test;
  const why = missing.length > 0 ? ` (${missing.join(' and ')} not installed)` : '';
  how(`${title} is replayed byte for byte${why}`, async (t) => {
    const dir = tempDir(t);
    const work = join(dir, 'work');
    mkdirSync(work);
    prepare(work);
    const file = join(dir, 'log');
    const options = ['-f', '-y', '-ttt', '-T', '-s', '1000000', '-o', file];
    const traced = spawnSync('strace', [...options, ...command], { cwd: work, encoding: 'utf8' });
    t.is(traced.status, 0, traced.stderr);
    const log = readFileSync(file, 'latin1');
    const recording = strace.parse(log, file, { ...PLAIN_OPTIONS, mmap: 'none' });
    const served = join(dir, 'served');
    mkdirSync(served);
    const found = await replay({
      lab: { server: served, clock: 'virtual', pageCache: 64 << 20 },
      ...{ recording, makeFiles: true, recordedTimes: false, hostChanges: false, results: false },
      trace: undefined,
    });
    t.deepEqual(found.comparison.differences, []);
    t.like(found.comparison, { otherBytes: 0, otherResults: 0, unknown: 0 });
    t.deepEqual(found.failed, {});
    t.deepEqual(
      found.unplayed.filter(({ matters, what }) => matters && what !== 'mmap'),
      [],
    );
    t.true(found.comparison.reads > 0);
    t.true(found.bytesRead >= bytesRead(log), `${found.bytesRead} of ${bytesRead(log)}`);
    t.true(bytesRead(log) > 0);
  });
}

test('strings of a log are the bytes that they stand for', (t) => {
  const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  const printed = [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
  t.is(md5(scanString(`"${printed}"`)!.bytes), md5(bytes));
  t.deepEqual(scanString('"\\177ELF\\2\\1\\0\\"\\\\\\n"...'), {
    bytes: Buffer.from([127, 69, 76, 70, 2, 1, 0, 34, 92, 10]),
    cut: true,
  });
});
