/**
 * The recorder on the tracefs of this machine: operations are those that strace sees, and nothing
 * stays behind. Skipped where there is no tracefs or no permission.
 */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import ava from 'ava';
import Database from 'better-sqlite3';
import { netfslab, startNetfslab } from '../../helpers/cli.js';

const ROOT = '/sys/kernel/tracing';
const usable = process.getuid?.() === 0 && existsSync(`${ROOT}/events/syscalls`);
const strace = spawnSync('strace', ['-V']).status === 0;
const test = usable ? ava.serial : ava.serial.skip;
const withStrace = usable && strace ? ava.serial : ava.serial.skip;

function folder(): string {
  return mkdtempSync(join(tmpdir(), 'netfslab-record-test-'));
}

/** Instances of this program, also those of tests of other checkouts. */
function instances(): string[] {
  return readdirSync(`${ROOT}/instances`).filter((name) => name.startsWith('netfslab_'));
}

/** What is left of one process. */
function leftOf(pid: number): string[] {
  const probes = existsSync(`${ROOT}/uprobe_events`)
    ? readFileSync(`${ROOT}/uprobe_events`, 'utf8')
    : '';
  const mine = instances().filter((name) => name.startsWith(`netfslab_${pid}_`));
  return [...mine, ...(probes.includes(`netfslab_${pid}_`) ? ['probes'] : [])];
}

function workload(): { readonly root: string; readonly script: string } {
  const root = folder();
  writeFileSync(join(root, 'big'), Buffer.alloc(700_001, 7));
  mkdirSync(join(root, 'dir/sub'), { recursive: true });
  for (const name of ['a', 'b', 'sub/c']) writeFileSync(join(root, 'dir', name), `x ${name}\n`);
  const script =
    'cat big >/dev/null; grep -r x dir >/dev/null; cd dir; cat a sub/c >/dev/null; cd ..; ' +
    'dd if=big of=copy bs=64k skip=3 count=4 2>/dev/null; head -c 5000 <big >/dev/null';
  return { root, script };
}

/**
 * `comm-independent` operations of one capture on files below `root`, in order within each task.
 */
function recorded(capture: string, root: string): string[] {
  const db = new Database(capture, { readonly: true });
  const rows = db
    .prepare(
      `SELECT kind, file, offset, len, result FROM op JOIN task t ON t.id = op.task
       WHERE file LIKE ? || '%' AND kind IN ('open', 'read', 'write') ORDER BY t.pid, op.id`,
    )
    .raw()
    .all(`${root}/`) as unknown[][];
  db.close();
  return rows.map((row) => row.map((each) => each ?? '-').join(' ')).sort();
}

/** The same of what strace wrote: positions are followed as a reader of the log would. */
function straced(log: string, root: string): string[] {
  const found: string[] = [];
  const positions = new Map<string, number>();
  for (const line of readFileSync(log, 'utf8').split('\n')) {
    const open = /^(\d+) +openat\(AT_FDCWD(?:<[^>]*>)?, "[^"]*".*\) = (\d+)<([^>]*)>/.exec(line);
    const at = /^(\d+) +openat\(\d+<[^>]*>, "[^"]*".*\) = (\d+)<([^>]*)>/.exec(line);
    const opened = open ?? at;
    if (opened !== null) {
      const [, pid, fd, path = ''] = opened;
      positions.set(`${pid} ${path}`, 0);
      if (path.startsWith(`${root}/`)) found.push(`open ${path} - - ${fd}`);
    }
    const seek = /^(\d+) +lseek\(\d+<([^>]*)>.*\) = (\d+)$/.exec(line);
    if (seek !== null) positions.set(`${seek[1]} ${seek[2]}`, Number(seek[3]));
    const io = /^(\d+) +(read|write)\(\d+<([^>]*)>.*, (\d+)\) = (\d+)$/.exec(line);
    if (io === null) continue;
    const [, pid, kind, path = '', len, result] = io;
    if (!path.startsWith(`${root}/`)) continue;
    const key = `${pid} ${path}`;
    const position = positions.get(key) ?? 0;
    positions.set(key, position + Number(result));
    found.push(`${kind} ${path} ${position} ${len} ${result}`);
  }
  return found.sort();
}

withStrace('operations are those that strace sees of the same commands', async (t) => {
  t.timeout(120_000);
  const { root, script } = workload();
  const log = join(root, 'strace.log');
  const line = `cd ${root}; ${script}`;
  const traced = spawnSync('strace', [
    '-f',
    '-y',
    '-e',
    'trace=openat,read,write,lseek',
    '-o',
    log,
    'sh',
    '-c',
    line,
  ]);
  t.is(traced.status, 0);
  const expected = straced(log, root);
  rmSync(join(root, 'copy'));
  const capture = join(root, 'capture.db');
  const ended = await netfslab(['trace', 'record', '-o', capture, '--', 'sh', '-c', line]);
  t.is(ended.status, 0, ended.stderr);
  t.true(expected.length > 20, String(expected.length));
  t.deepEqual(recorded(capture, root), expected);
  rmSync(root, { recursive: true });
});

const fio = spawnSync('fio', ['--version']).status === 0;
const uring = existsSync(`${ROOT}/events/io_uring/io_uring_file_get`);
(usable && fio && uring ? ava.serial : ava.serial.skip)(
  'each read that is submitted to io_uring is an operation with its file and result',
  async (t) => {
    const root = folder();
    const file = join(root, 'big');
    writeFileSync(file, Buffer.alloc(1 << 20, 7));
    const capture = join(root, 'capture.db');
    const load = ['--ioengine=io_uring', '--iodepth=8', '--rw=randread', '--bs=4k', '--size=1m'];
    const ended = await netfslab([
      ...['trace', 'record', '-o', capture, '--', 'fio', '--name=u', `--filename=${file}`],
      ...[...load, `--output=${join(root, 'fio.txt')}`],
    ]);
    t.is(ended.status, 0, ended.stderr);
    const db = new Database(capture, { readonly: true });
    const rows = db.prepare(
      `SELECT count(*) AS "n", min("result") AS "least", min("end_ns" - "start_ns") AS "ns"
       FROM "op" WHERE "kind" = 'read' AND "file" = ? AND "offset" IS NULL`,
    );
    const { n, least, ns } = rows.get(file) as Record<string, number>;
    db.close();
    t.is(n, 256);
    t.is(least, 4096);
    t.true((ns as number) > 0);
    rmSync(root, { recursive: true });
  },
);

test('the exit code is that of the command, and the instance is gone', async (t) => {
  t.timeout(60_000);
  const out = join(folder(), 'a.db');
  const started = startNetfslab(['trace', 'record', '-o', out, '--', 'sh', '-c', 'exit 7']);
  started.stdout.resume();
  const { status, stderr } = await started.ended;
  t.is(status, 7, stderr);
  t.deepEqual(leftOf(started.child.pid ?? 0), []);
});

test('what a killed recording leaves is removed by the next one', async (t) => {
  t.timeout(60_000);
  const first = startNetfslab(['trace', 'record', '--ops', '-o', join(folder(), 'a.db')]);
  first.stdout.resume();
  const pid = first.child.pid ?? 0;
  for (let tries = 0; tries < 600 && leftOf(pid).length < 2; tries++) await setTimeout(50);
  t.true(leftOf(pid).length >= 2);
  first.child.kill('SIGKILL');
  await first.ended;
  t.true(leftOf(pid).length >= 2, 'a killed process cannot clean up');
  await netfslab(['trace', 'record', '-o', join(folder(), 'b.db'), '--', 'true']);
  t.deepEqual(leftOf(pid), []);
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} ends a recording, whose capture is complete, and leaves nothing`, async (t) => {
    t.timeout(60_000);
    const out = join(folder(), 'a.db');
    const started = startNetfslab(['trace', 'record', '--ops', '-o', out]);
    started.stdout.resume();
    const pid = started.child.pid ?? 0;
    for (let tries = 0; tries < 600 && leftOf(pid).length < 2; tries++) await setTimeout(50);
    spawnSync('cat', ['/etc/hostname']);
    await setTimeout(300);
    started.child.kill(signal);
    const { status, stderr } = await started.ended;
    t.is(status, 0, stderr);
    t.deepEqual(leftOf(pid), []);
    const db = new Database(out, { readonly: true });
    const { count } = db.prepare('SELECT count(*) AS count FROM op').get() as { count: number };
    db.close();
    t.true(count > 0);
  });
}

test('a user without permission hears so in one line', async (t) => {
  t.timeout(60_000);
  const started = spawnSync(
    'setpriv',
    [
      '--reuid=65534',
      '--clear-groups',
      process.execPath,
      'bin/run.js',
      'trace',
      'record',
      '--for',
      '1s',
    ],
    { encoding: 'utf8', env: { ...process.env, NETFSLAB_TRACES: tmpdir() } },
  );
  if (started.error !== undefined) return void t.pass('no setpriv here');
  t.is(started.status, 1, started.stderr);
  t.regex(started.stderr, /run it as root/);
});

test('what cannot be written is refused before the command runs', async (t) => {
  t.timeout(60_000);
  const root = folder();
  const ran = join(root, 'ran');
  writeFileSync(join(root, 'there.db'), '');
  for (const out of [join(root, 'there.db'), join(root, 'none/x.db')]) {
    const { status, stderr } = await netfslab(['trace', 'record', '-o', out, '--', 'touch', ran]);
    t.is(status, 1, stderr);
    t.false(existsSync(ran));
  }
});
