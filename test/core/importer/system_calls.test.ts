/** System-call events become operations: descriptors, positions and paths are followed. */
import test from 'ava';
import { UringRequests } from '../../../src/core/importer/io_uring.js';
import { type CallOperation, SystemCalls } from '../../../src/core/importer/system_calls.js';

interface Done extends CallOperation {
  readonly pid: number;
  readonly result: number;
}

/** Plays lines of `PID NAME TEXT` and returns the operations that ended. */
function play(lines: readonly string[], seed = ''): Done[] {
  const calls = new SystemCalls();
  calls.seed(seed);
  const open = new Map<number, CallOperation>();
  const done: Done[] = [];
  for (const line of lines) {
    const [, pid = '', name = '', text = ''] = /^(\d+) (\S+) ?(.*)$/s.exec(line) ?? [];
    const what = calls.event(Number(pid), name, text);
    if (what === null) continue;
    if ('begin' in what) open.set(Number(pid), what.begin);
    else {
      const begun = open.get(Number(pid));
      if (begun === undefined) continue;
      const len = Number.isNaN(begun.len) ? what.len : begun.len;
      done.push({ ...begun, len, pid: Number(pid), result: what.result });
    }
  }
  return done;
}

const opened = (pid: number, path: string, fd: number, flags = '0x0') => [
  `${pid} path_openat (7f00) path="${path}"`,
  `${pid} sys_enter_openat dfd: 0xffffff9c, filename: 0x55fe, flags: ${flags}, mode: 0x0`,
  `${pid} sys_exit_openat 0x${fd.toString(16)}`,
];
const read = (pid: number, fd: number, count: number, result: number) => [
  `${pid} sys_enter_read fd: 0x${fd.toString(16)}, buf: 0x7f00, count: 0x${count.toString(16)}`,
  `${pid} sys_exit_read 0x${BigInt.asUintN(64, BigInt(result)).toString(16)}`,
];

const CWD = '1 1 cwd 0 0 0 0 /usr/u\n';
const shown = (list: readonly Done[]) =>
  list.map(({ kind, file, offset, len, result }) => `${kind} ${file} ${offset} ${len} ${result}`);

test('sequential reads go on where the last one ended', (t) => {
  const done = play(
    [...opened(1, '/m/f', 3), ...read(1, 3, 100, 100), ...read(1, 3, 100, 40)],
    CWD,
  );
  t.deepEqual(shown(done), ['open /m/f NaN NaN 3', 'read /m/f 0 100 100', 'read /m/f 100 100 40']);
});

test('lseek moves the position, pread does not, a failed read neither', (t) => {
  const done = play(
    [
      ...opened(1, '/m/f', 3),
      '1 sys_enter_lseek fd: 0x3, offset: 0x1000, whence: 0x0',
      '1 sys_exit_lseek 0x1000',
      '1 sys_enter_pread64 fd: 0x3, buf: 0x7f00, count: 0x10, pos: 0x20',
      '1 sys_exit_pread64 0x10',
      ...read(1, 3, 16, -5),
      ...read(1, 3, 16, 16),
    ],
    CWD,
  );
  t.deepEqual(shown(done).slice(1), [
    'read /m/f 32 16 16',
    'read /m/f 4096 16 -5',
    'read /m/f 4096 16 16',
  ]);
});

test('a duplicated descriptor shares its position, also across fork', (t) => {
  const done = play(
    [
      ...opened(1, '/m/f', 3),
      '1 sys_enter_dup2 oldfd: 0x3, newfd: 0x0',
      '1 sys_exit_dup2 0x0',
      '1 task_newtask pid=2 comm=sh clone_flags=1200000 oom_score_adj=0',
      ...read(2, 0, 10, 10),
      ...read(1, 3, 10, 10),
    ],
    CWD,
  );
  t.deepEqual(shown(done).slice(1), ['read /m/f 0 10 10', 'read /m/f 10 10 10']);
});

test('a child has its own table of descriptors, a thread shares it', (t) => {
  const closes = ['2 sys_enter_close fd: 0x3', '2 sys_exit_close 0x0'];
  const fork = '1 task_newtask pid=2 comm=x clone_flags=0 oom_score_adj=0';
  const thread = '1 task_newtask pid=2 comm=x clone_flags=3d0f00 oom_score_adj=0';
  const after = (how: string) =>
    play([...opened(1, '/m/f', 3), how, ...closes, ...read(1, 3, 5, 5)], CWD).at(-1)?.kind;
  t.is(after(fork), 'read');
  t.is(after(thread), 'close');
});

test('exec closes what is close-on-exec and nothing else', (t) => {
  const done = play(
    [
      ...opened(1, '/m/a', 3, '0x80000'),
      ...opened(1, '/m/b', 4),
      '1 sched_process_exec filename=/bin/x pid=1 old_pid=1',
      ...read(1, 3, 5, -9),
      ...read(1, 4, 5, 5),
    ],
    CWD,
  );
  t.deepEqual(shown(done).slice(2), ['read /m/b 0 5 5']);
});

test('relative paths start at the working directory or at the directory descriptor', (t) => {
  const done = play(
    [
      ...opened(1, 'a/../b', 3),
      '1 path_chdir (0) path="sub"',
      '1 sys_enter_chdir filename: 0x1',
      '1 sys_exit_chdir 0x0',
      ...opened(1, 'c', 4),
      '1 path_openat (0) path="x"',
      '1 sys_enter_openat dfd: 0x3, filename: 0x1, flags: 0x0, mode: 0x0',
      '1 sys_exit_openat 0x5',
    ],
    CWD,
  );
  t.deepEqual(
    done.map(({ file }) => file),
    ['/usr/u/b', '/usr/u/sub/c', '/usr/u/b/x'],
  );
});

test('a path that nothing told is not made up', (t) => {
  const done = play(
    [
      '1 sys_enter_openat dfd: 0xffffff9c, filename: 0x1, flags: 0x0, mode: 0x0',
      '1 sys_exit_openat 0x3',
      ...read(1, 3, 5, 5),
    ],
    CWD,
  );
  t.deepEqual(shown(done), ['open  NaN NaN 3', 'read  0 5 5']);
});

test('paths in the events themselves, as kernels since v7.0 print them, are taken', (t) => {
  const done = play(
    [
      '1 sys_enter_openat dfd: 0xffffff9c, filename: 0x1 "/m/q", flags: 0x0, mode: 0x0',
      '1 sys_exit_openat 0x3',
    ],
    CWD,
  );
  t.is(done[0]?.file, '/m/q');
});

test('where all descriptors are known, an unknown one is a socket or pipe and no operation', (t) => {
  t.deepEqual(play(read(1, 9, 5, 5), CWD), []);
  t.is(play(read(1, 9, 5, 5)).length, 1);
});

test('the position of a file that was open before is that of fdinfo', (t) => {
  const seed = `${CWD}1 1 7 500 0100000 2049 12 /m/open\\012file\n`;
  t.deepEqual(shown(play(read(1, 7, 5, 5), seed)), ['read /m/open\nfile 500 5 5']);
});

test('the length of a vectored read is what came; that of an appended write has no offset', (t) => {
  const done = play(
    [
      ...opened(1, '/m/f', 3, '0x401'),
      '1 sys_enter_readv fd: 0x3, vec: 0x1, vlen: 0x2',
      '1 sys_exit_readv 0x30',
      '1 sys_enter_write fd: 0x3, buf: 0x1, count: 0x8',
      '1 sys_exit_write 0x8',
    ],
    CWD,
  );
  t.deepEqual(shown(done).slice(1), ['read /m/f 0 48 48', 'write /m/f NaN 8 8']);
});

test('an end without a begin, as at the start of a recording, is passed over', (t) => {
  t.deepEqual(play(['1 sys_exit_read 0x1', ...opened(1, '/m/f', 3)], CWD).length, 1);
});

test('requests of io_uring are operations of their own, however many are under way', (t) => {
  const calls = new SystemCalls();
  for (const line of opened(7, '/mnt/a', 3, '0x4000')) {
    const [, pid, name = '', text = ''] = /^(\d+) (\S+) ?(.*)$/s.exec(line) ?? [];
    calls.event(Number(pid), name, text);
  }
  const rings = new UringRequests(calls);
  const of = (req: string, user: string) =>
    `ring 00000000aa, req 00000000${req}, user_data 0x${user}`;
  const submit = (req: string, user: string, opcode: string, ns: number) =>
    rings.event(
      7,
      1,
      'io_uring_submit_req',
      `${of(req, user)}, opcode ${opcode}, flags 0x0, sq_thread 0`,
      ns,
    );
  t.is(submit('01', '5', 'READ', 100), null);
  t.is(submit('02', '6', 'READ', 110), null);
  t.is(submit('03', '7', 'TIMEOUT', 115), null);
  t.is(rings.event(7, 1, 'io_uring_file_get', `${of('01', '5')}, fd 3`, 120), null);
  const end = (req: string, user: string, result: number, ns: number) =>
    rings.event(
      9,
      4,
      'io_uring_complete',
      `${of(req, user)}, result ${result}, cflags 0x0 extra1 0 extra2 0 `,
      ns,
    );
  const known = { kind: 'read', task: 1, offset: Number.NaN };
  t.deepEqual(end('02', '6', -5, 130), {
    ...{ ...known, file: '', direct: undefined, len: Number.NaN, start: 110, result: -5 },
  });
  t.deepEqual(end('01', '5', 4096, 140), {
    ...{ ...known, file: '/mnt/a', direct: true, len: 4096, start: 100, result: 4096 },
  });
  t.is(end('01', '5', 4096, 150), null);
  t.is(end('03', '7', 0, 160), null);
});
