/**
 * What goes wrong is told in one line with what to try, ends with the right exit code, and loses
 * nothing that was recorded.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { openCapture } from '../../src/core/store/database.js';
import type { CaptureInfo } from '../../src/core/store/types.js';
import { inShell, netfslab, netfslabHere, startNetfslab, untilFile } from '../helpers/cli.js';
import { content, serverDir, tempDir } from '../helpers/lab.js';

function infoOf(path: string): CaptureInfo {
  const capture = openCapture(path);
  capture.close();
  return capture.info;
}

type Case = readonly [args: string, status: number, error: RegExp, hint?: RegExp];

// In each, SRV is a directory that is served, OUT a place for captures.
const CASES: readonly Case[] = [
  // The server.
  ['run --server OUT/none', 1, /^ENOENT: no such file or directory, open '.*none'$/, /--server/],
  ['run --server SRV/a', 1, /^ENOTDIR: /, /--server/],
  ['cat --server OUT/none a', 1, /^ENOENT: /, /--server/],
  // Paths that lead out, or nowhere.
  ['run --server SRV --files ../other/x', 1, /^EXDEV: the path leads out/, /beneath/],
  ['run --server SRV --dir out', 1, /^EXDEV: the path leads out/, /beneath/],
  ['run --server SRV --files gone', 1, /^ENOENT: .*'gone'$/, /regular file/],
  ['run --server SRV --files sub', 1, /^EISDIR: .*'sub'$/, /regular file/],
  ['run --server SRV --files *.none', 2, /^--files: '\*\.none' selects no file$/],
  ['cat --server SRV /etc/hostname', 1, /^EXDEV: the path leads out/],
  ['cat --server SRV pipe', 1, /^ENODEV: not a regular file, open 'pipe'$/],
  // Sizes, numbers, times, names.
  ['run --server SRV --bs 0', 2, /^--bs: expected a whole number from 1 /],
  ['run --server SRV --bs 4x', 2, /^--bs: expected a size, got '4x'$/, /4k/],
  ['run --server SRV --bs -1', 2, /^--bs: expected a size, got '-1'$/, /4k/],
  [
    'run --server SRV --page-cache 4k',
    2,
    /^--page-cache: expected at least 1 MiB and at most 1 TiB, got 4096/,
  ],
  ['run --server SRV --loops x', 2, /^--loops: .*x$/],
  ['run --server SRV --runtime soon', 2, /^--runtime: expected a duration, got 'soon'$/, /ms/],
  ['run --server SRV --time-based', 2, /^--time-based: needs a time limit$/, /--runtime 10s/],
  ['run --server SRV --profile linux-1.0', 2, /^--profile: unknown profile/, /linux-5\.13-afs/],
  ['run --server SRV --rw trim', 2, /^--rw: unknown workload 'trim'$/, /read, randread/],
  ['run --server SRV --clock sundial', 2, /--clock=sundial .*real, virtual/],
  ['run --server SRV --numjob 2', 2, /^--numjob: no such flag$/, /^--numjobs$/],
  ['cache ls', 2, /^--cache: is needed$/, /cache ls --help/],
  ['cache ls SRV', 2, /^cache ls: takes no argument '\//, /cache ls --help/],
  // Where the capture goes.
  ['run --server SRV --out SRV/a', 1, /^EEXIST: .*\/a'$/, /--out/],
  ['run --server SRV --out OUT/no/x.db', 1, /^ENOENT: .*no\/x\.db'$/, /--out/],
  ['cat --server SRV a --out SRV/a', 1, /^EEXIST: /, /--out/],
  // What is no capture.
  ['trace requests SRV/a', 3, /a: is not an SQLite database$/, /trace ls/],
  ['trace requests SRV/empty', 3, /empty: is not an SQLite database$/, /trace ls/],
  ['trace requests OUT/none.db', 2, /^FILE: no capture '.*none\.db'$/, /trace ls/],
];

function prepare(t: ExecutionContext): { srv: string; out: string } {
  const srv = serverDir(t, { a: 5000, empty: 0, 'sub/b': 100 });
  const other = serverDir(t, { x: 1 });
  fs.symlinkSync(other, join(srv, 'out'));
  return { srv, out: tempDir(t) };
}

const refuses = test.macro({
  async exec(t, line: string, status: number, error: RegExp, hint?: RegExp) {
    const { srv, out } = prepare(t);
    if (line.includes('pipe')) await inShell(`mkfifo '${join(srv, 'pipe')}'`, []);
    const before = fs.readFileSync(join(srv, 'a'));
    const place = (word: string) => word.replace(/^SRV/, srv).replace(/^OUT/, out);
    const traces = { NETFSLAB_TRACES: join(out, 'new') };
    const run = await netfslabHere(line.split(' ').map(place), traces);
    t.is(run.status, status, run.stderr);
    const [first = '', second] = run.stderr.trimEnd().split('\n');
    t.true(first.startsWith('error: '), run.stderr);
    t.regex(first.slice('error: '.length), error);
    if (hint !== undefined) t.regex((second ?? '').replace(/^try: /, ''), hint, run.stderr);
    t.is(run.stdout, '');
    t.deepEqual(
      fs.readdirSync(out).filter((name) => name !== 'new'),
      [],
    );
    t.deepEqual(fs.existsSync(join(out, 'new')) ? fs.readdirSync(join(out, 'new')) : [], []);
    t.true(before.equals(fs.readFileSync(join(srv, 'a'))), 'what was there is untouched');
  },
  title: (_, line) => `netfslab ${line}: refused in one line, and nothing is left behind`,
});

for (const each of CASES) test.serial(refuses, ...each);

for (const [line, status] of [
  ['run --server OUT/none', 1],
  ['run --server SRV --bs 4x', 2],
  ['trace requests SRV/a', 3],
] as const) {
  test.serial(`a process that is refused ends with ${status}, and says no more`, async (t) => {
    const { srv, out } = prepare(t);
    const args = line.replace('SRV', srv).replace('OUT', out).split(' ');
    t.deepEqual(await netfslab(args), await netfslabHere(args));
  });
}

test.serial(
  'with --json an error in the middle of a run has its message in the summary',
  async (t) => {
    const srv = serverDir(t, { a: 64 << 10, b: 100 });
    const out = join(tempDir(t), 'x.db');
    const slow = ['--server-latency', '400ms', '--json', '--out', out];
    const { stdout, ended } = startNetfslab(['run', '--server', srv, ...slow]);
    const printed = text(stdout);
    // Listed, and the first file is being read.
    await untilFile(`${out}.spool`, 4096 + 100);
    fs.unlinkSync(join(srv, 'b'));
    const { status, stderr } = await ended;
    t.is(status, 1);
    t.regex(stderr, /^error: ENOENT: no such file or directory, open 'b'$/m);
    const { errors, reads } = JSON.parse(await printed) as {
      errors: { message: string; exit: number }[];
      reads: { bytes: number };
    };
    t.is(reads.bytes, 64 << 10);
    t.like(errors[0], { message: "ENOENT: no such file or directory, open 'b'", exit: 1 });
    t.is(infoOf(out).complete, 1);
  },
);

test.serial(
  'a file that changes under run --verify ends with 4, and says that it changed',
  async (t) => {
    const srv = serverDir(t, { a: 64 << 10 });
    const out = join(tempDir(t), 'x.db');
    const args = ['--verify', '--time-based', '--runtime', '60s', '--op-log', 'none', '--out', out];
    const { stdout, ended } = startNetfslab(['run', '--server', srv, ...args]);
    const printed = text(stdout);
    await untilFile(`${out}.spool`, 4096 + 1000);
    fs.writeFileSync(join(srv, 'a'), content('other', 64 << 10));
    const { status, stderr } = await ended;
    t.is(status, 4, stderr);
    t.regex(
      stderr,
      /^error: a: at byte \d+: the file was changed while it was read\ntry: run again/m,
    );
    t.regex(await printed, /^ {2}read /m, 'the summary so far is printed');
    t.is(infoOf(out).complete, 1);
  },
);

test.serial('a file that changes under cat is reported after what was read of it', async (t) => {
  const srv = serverDir(t, { a: 6 << 20 });
  const slow = ['--server-latency', '20ms', '--server-completion', 'sync'];
  const { stdout, ended } = startNetfslab(['cat', '--server', srv, 'a', ...slow]);
  stdout.once('data', () => fs.truncateSync(join(srv, 'a'), 3 << 20));
  stdout.resume();
  const { status, stderr } = await ended;
  t.is(status, 1);
  t.regex(stderr, /^error: ESTALE: the file was changed while it was read, read 'a'\ntry: /);
});

test.serial('a database of somebody else or of a newer version is refused by name', async (t) => {
  const folder = tempDir(t);
  const own = join(folder, 'own.db');
  const srv = serverDir(t, { a: 10 });
  await netfslabHere(['run', '--server', srv, '--clock', 'virtual', '--out', own]);
  // In the header of an SQLite file: the user version at 60, the application id at 68.
  const patched = (name: string, at: number, value: number): string => {
    const bytes = fs.readFileSync(own);
    bytes.writeUInt32BE(value, at);
    fs.writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };
  const newer = await netfslabHere(['trace', 'requests', patched('newer.db', 60, 999)]);
  t.is(newer.status, 3);
  t.regex(newer.stderr, /^error: .*newer\.db: has schema version 999; .*\ntry: .*newer one\n$/);
  const other = await netfslabHere(['trace', 'requests', patched('other.db', 68, 1)]);
  t.is(other.status, 3);
  t.regex(other.stderr, /^error: .*other\.db: .* not a capture of netfslab\ntry: /);
});

// A limit on the size of files is as good as a full disk, and needs no mount. In blocks of 512
// bytes.
const full = (blocks: number): string => `ulimit -f ${blocks}; exec "$@"`;

for (const [blocks, given] of [
  [4000, []],
  [4000, ['--numjobs', '4', '--rw', 'randread']],
  [8000, ['--clock', 'real']],
  [8000, ['--clock', 'real', '--numjobs', '8']],
] as const) {
  const title = `${blocks} blocks for ${given.join(' ') || 'a single job'}`;
  test.serial(
    `a disk that is full stops the run, and what was recorded opens: ${title}`,
    async (t) => {
      const srv = serverDir(t, { a: 1 << 20, b: 1 << 20 });
      const out = join(tempDir(t), 'x.db');
      const load = ['--server', srv, '--page-cache', '1m', '--bs', '1k', '--loops', '300'];
      const clock = given.includes('--clock' as never) ? [] : ['--clock', 'virtual'];
      const run = await inShell(full(blocks), ['run', ...load, ...clock, ...given, '--out', out]);
      t.is(run.status, 1, run.stderr);
      t.regex(run.stderr, /^error: E\w+: .*, write '.*x\.db\.spool'\ntry: .*\n$/);
      const list = await netfslabHere(['trace', 'requests', out]);
      t.is(list.status, 0, list.stderr);
      t.regex(list.stderr, /^capture: .*x\.db \(incomplete: the run was cut short\)$/m);
      t.false(fs.existsSync(`${out}.spool`));
      const { complete, events } = infoOf(out);
      t.is(complete, 0);
      t.true(events > 0, `${events} events`);
    },
  );
}

test.serial('a disk that is full stops cat as well, with one error', async (t) => {
  const srv = serverDir(t, { a: 20 << 20, b: 20 << 20 });
  const out = join(tempDir(t), 'x.db');
  const args = ['cat', '--server', srv, '--page-cache', '1m', '--rsize', '4k', 'a', 'b'];
  const run = await inShell(`${full(4000)} > /dev/null`, [...args, '--out', out]);
  t.is(run.status, 1, run.stderr);
  t.regex(run.stderr, /^error: E\w+: .*, write '.*x\.db\.spool'\ntry: .*\n$/);
  t.true(infoOf(out).events > 0);
});

test.serial('a disk that is full stops an import, with one error and nothing left', async (t) => {
  const folder = tempDir(t);
  const out = join(folder, 'x.db');
  const line = '  a-1  [000] .....  1.000000: netfs_rreq: R=00000001 RA ASSESS  f=22\n';
  fs.writeFileSync(join(folder, 'trace.txt'), line.repeat(90_000));
  const args = ['trace', 'import', join(folder, 'trace.txt'), '--out', out];
  const run = await inShell(full(4000), args);
  t.is(run.status, 1, run.stderr);
  t.regex(run.stderr, /^error: E\w+: .*, write '.*x\.db'\ntry: .*begin again.*\n$/);
  t.false(fs.existsSync(out));
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test.serial(
    `${signal} stops a run: 130, the summary so far, and a complete capture`,
    async (t) => {
      const srv = serverDir(t, { a: 300_000 });
      const out = join(tempDir(t), 'x.db');
      const load = ['--time-based', '--runtime', '60s', '--page-cache', '1m', '--out', out];
      const { child, stdout, ended } = startNetfslab(['run', '--server', srv, ...load]);
      const printed = text(stdout);
      await untilFile(`${out}.spool`, 1 << 20);
      child.kill(signal);
      const { status, stderr } = await ended;
      t.is(status, 130, stderr);
      t.is(stderr, `interrupted: finishing the capture (again to end at once)\ncapture: ${out}\n`);
      const ops = Number(/ ([\d,]+) reads,/.exec(await printed)?.[1]?.replaceAll(',', ''));
      const capture = openCapture(out);
      t.teardown(() => capture.close());
      t.is(capture.info.complete, 1);
      t.is(capture.get('SELECT count(*) AS "n" FROM "op"')?.n, ops);
    },
  );
}

test.serial('an interrupt does not wait for the time a server is said to take', async (t) => {
  const srv = serverDir(t, { a: 300_000 });
  const out = join(tempDir(t), 'x.db');
  const slow = ['--server-latency', '3000s', '--server-completion', 'sync', '--out', out];
  const { child, stdout, ended } = startNetfslab(['run', '--server', srv, ...slow]);
  stdout.resume();
  await untilFile(`${out}.spool`, 4096 + 100);
  child.kill('SIGINT');
  const { status, stderr } = await ended;
  t.is(status, 130, stderr);
  const capture = openCapture(out);
  t.teardown(() => capture.close());
  t.is(capture.info.complete, 1);
});

test.serial('a file that is cut short under a run is told, verified or not', async (t) => {
  for (const verify of [[], ['--verify']]) {
    const srv = serverDir(t, { a: 40_000_000 });
    const out = join(tempDir(t), 'x.db');
    const slow = ['--server-latency', '20ms', '--page-cache', '1m', '--out', out, ...verify];
    const { stdout, ended } = startNetfslab(['run', '--server', srv, ...slow]);
    stdout.resume();
    await untilFile(`${out}.spool`, 4096 + 100);
    fs.truncateSync(join(srv, 'a'), 100);
    const { status, stderr } = await ended;
    t.true(status === 1 || (verify.length > 0 && status === 4), stderr);
    t.regex(stderr, /^error: .*the file was changed while it was read/m);
    t.regex(stderr, /^try: .*run again when nobody writes/m);
  }
});

test('a stdout that cannot take the data is one line', async (t) => {
  const srv = serverDir(t, { a: 300_000 });
  const told = "error: ENOSPC: no space left on device, write 'stdout'\n";
  for (const args of [
    ['cat', '--server', srv, 'a'],
    ['run', '--server', srv, '--no-trace'],
    ['run', '--server', srv, '--no-trace', '--json'],
  ]) {
    const { status, stderr } = await inShell('"$@" > /dev/full', args);
    t.is(stderr, told, args.join(' '));
    t.is(status, 1);
  }
});

test('names that cannot be spelled are left out and told', async (t) => {
  const srv = serverDir(t, { a: 10 });
  fs.writeFileSync(Buffer.concat([Buffer.from(`${srv}/`), Buffer.from([0xff, 0xfe])]), 'x');
  const { status, stderr } = await netfslabHere(['run', '--server', srv, '--no-trace']);
  t.is(status, 0, stderr);
  t.regex(stderr, /left out: .*: invalid or incomplete character/);
});

test('a page cache that no machine has is refused', async (t) => {
  const srv = serverDir(t, { a: 10 });
  const { status, stderr } = await netfslabHere([
    'run',
    '--server',
    srv,
    '--page-cache',
    '100000g',
  ]);
  t.is(status, 2);
  t.regex(stderr, /^error: --page-cache: expected at least 1 MiB and at most 1 TiB/);
});

test.serial(
  'a run that is killed leaves what it had recorded, finished on the next question',
  async (t) => {
    const srv = serverDir(t, { a: 300_000 });
    const out = join(tempDir(t), 'x.db');
    const load = ['--time-based', '--runtime', '60s', '--page-cache', '1m', '--out', out];
    const { child, stdout, ended } = startNetfslab(['run', '--server', srv, ...load]);
    stdout.resume();
    await untilFile(`${out}.spool`, 1 << 20);
    child.kill('SIGKILL');
    await ended;
    t.is(child.signalCode, 'SIGKILL');
    const { status, stdout: table, stderr } = await netfslabHere(['trace', 'requests', out]);
    t.is(status, 0, stderr);
    t.is(stderr, `capture: ${out} (incomplete: the run was cut short)\n`);
    t.regex(table, /readahead +a +0 +16 KiB/);
    t.false(fs.existsSync(`${out}.spool`));
    const capture = openCapture(out);
    t.teardown(() => capture.close());
    t.is(capture.info.complete, 0);
    t.true(Number(capture.get('SELECT count(*) AS "n" FROM "op"')?.n) > 1000);
    t.true(capture.info.events > 10);
  },
);

test.serial('a capture that is still being written is not touched by a question', async (t) => {
  const srv = serverDir(t, { a: 300_000 });
  const out = join(tempDir(t), 'x.db');
  const load = ['--time-based', '--runtime', '60s', '--op-log', 'none', '--out', out];
  const { child, stdout, ended } = startNetfslab(['run', '--server', srv, ...load]);
  stdout.resume();
  await untilFile(`${out}.spool`, 4096 + 100);
  const asked = await netfslabHere(['trace', 'requests', out]);
  t.is(asked.status, 3);
  t.regex(asked.stderr, /still being written\ntry: wait for process \d+ to end\n$/);
  child.kill('SIGINT');
  t.is((await ended).status, 130);
  t.is(infoOf(out).complete, 1);
});

test.serial('a directory that may not be read is refused', async (t) => {
  // The superuser may read everything, so a test run by it lets go of that first.
  const asOther = process.getuid?.() === 0 ? 'setpriv --reuid 65534 --clear-groups' : '';
  const line = `HOME=/nonexistent exec ${asOther} "$@"`;
  if ((await inShell(line, ['--version'])).status !== 0) {
    t.pass('no other user can run this checkout');
    return;
  }
  const srv = serverDir(t, { a: 10 });
  fs.chmodSync(srv, 0);
  t.teardown(() => fs.chmodSync(srv, 0o700));
  const { status, stderr } = await inShell(line, ['run', '--server', srv, '--no-trace']);
  t.is(status, 1);
  t.regex(stderr, /^error: EACCES: permission denied, open '.*'\ntry: .*--server/m);
});
