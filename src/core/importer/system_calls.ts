/**
 * Turns system-call events into operations: which task asked for which bytes of which file, and
 * what it got. Follows descriptors through open, dup, fork, exec and close, and file positions
 * through sequential reads and lseek. Called by import_sink.ts.
 *
 * Kernel: kernel/trace/trace_syscalls.c prints the events; include/trace/events/{task,sched}.h
 * those of tasks. Paths come from probes (`path="..."`) or, from v7.0, from the events themselves.
 */
import { posix } from 'node:path';

/** An operation that a system call is. NaN where the call has no such number or it is not known. */
export interface CallOperation {
  readonly kind: string;
  /** Absolute path; '' = not known. */
  readonly file: string;
  /** File position, bytes. */
  readonly offset: number;
  /** Bytes asked for. */
  readonly len: number;
  /** True if the file was opened with O_DIRECT; absent where that is not known. */
  readonly direct?: boolean | undefined;
}

/** What an event means for the operations of its task. */
export type CallEvent =
  | { readonly begin: CallOperation }
  /** `len` replaces that of the operation where only the result tells it; NaN = keep it. */
  | { readonly result: number; readonly file: string; readonly len: number }
  | null;

/** A `struct file`: shared by all descriptors that were duplicated from one. */
interface OpenFile {
  /** Absolute path; '' = not known. */
  readonly path: string;
  /** NaN = not known. */
  position: number;
  readonly append: boolean;
  readonly direct: boolean;
}

/** Descriptors, shared by threads. */
interface Descriptors {
  readonly files: Map<number, OpenFile>;
  readonly closeOnExec: Set<number>;
  /** True if every descriptor of the process is known, so that an unknown one is no file. */
  readonly complete: boolean;
}

interface Task {
  descriptors: Descriptors;
  /** Working directory, shared with CLONE_FS; '' = not known. */
  cwd: { path: string };
}

type Arguments = ReadonlyMap<string, number>;

/** A system call that has begun. */
interface Pending {
  readonly call: string;
  readonly args: Arguments;
  /** The path it was given as far as a probe or the event told; '' = not known. */
  readonly path: string;
  readonly operation: CallOperation | null;
  readonly file: OpenFile | undefined;
}

const CLONE_FS = 0x200;
const CLONE_FILES = 0x400;
const O_APPEND = 0x400;
/** arm64 has another; a recording is read where it was made or says nothing of it. */
const O_DIRECT = process.arch === 'arm64' ? 0x10000 : 0x4000;
const O_CLOEXEC = 0x80000;
const AT_FDCWD = -100;
const F_DUPFD = 0;
const F_SETFD = 2;
const F_DUPFD_CLOEXEC = 1030;
/** Tasks that are followed at once; more than a machine has. */
const TASKS_MAX = 1 << 16;

/** How a call that reads or writes names its file and range. */
interface Ranged {
  readonly kind: string;
  /** Names of arguments; `position` as an offset means the position of the open file. */
  readonly fd: string;
  readonly offset: string | null;
  readonly len: string | null;
  /** A call at the file position moves it. */
  readonly moves?: true;
}

/** Calls on one file by name. Argument names are those of the kernel's SYSCALL_DEFINE macros. */
const RANGED: Readonly<Record<string, Ranged>> = {
  read: { kind: 'read', fd: 'fd', offset: null, len: 'count', moves: true },
  readv: { kind: 'read', fd: 'fd', offset: null, len: null, moves: true },
  pread64: { kind: 'read', fd: 'fd', offset: 'pos', len: 'count' },
  preadv: { kind: 'read', fd: 'fd', offset: 'pos_l', len: null },
  preadv2: { kind: 'read', fd: 'fd', offset: 'pos_l', len: null, moves: true },
  write: { kind: 'write', fd: 'fd', offset: null, len: 'count', moves: true },
  writev: { kind: 'write', fd: 'fd', offset: null, len: null, moves: true },
  pwrite64: { kind: 'write', fd: 'fd', offset: 'pos', len: 'count' },
  pwritev: { kind: 'write', fd: 'fd', offset: 'pos_l', len: null },
  pwritev2: { kind: 'write', fd: 'fd', offset: 'pos_l', len: null, moves: true },
  readahead: { kind: 'readahead', fd: 'fd', offset: 'offset', len: 'count' },
  fadvise64: { kind: 'fadvise', fd: 'fd', offset: 'offset', len: 'len' },
  ftruncate: { kind: 'truncate', fd: 'fd', offset: 'length', len: null },
  fallocate: { kind: 'fallocate', fd: 'fd', offset: 'offset', len: 'len' },
  fsync: { kind: 'fsync', fd: 'fd', offset: null, len: null },
  fdatasync: { kind: 'fdatasync', fd: 'fd', offset: null, len: null },
  sync_file_range: { kind: 'fsync', fd: 'fd', offset: 'offset', len: 'bytes' },
  mmap: { kind: 'mmap', fd: 'fd', offset: 'off', len: 'len' },
  sendfile64: { kind: 'sendfile', fd: 'in_fd', offset: null, len: 'count', moves: true },
  copy_file_range: { kind: 'copy_range', fd: 'fd_in', offset: null, len: 'len', moves: true },
  splice: { kind: 'splice', fd: 'fd_in', offset: null, len: 'len', moves: true },
};

/** Calls whose result is a count of bytes, which stands for a length that was not recorded. */
const COUNTS = new Set(['read', 'write', 'sendfile', 'splice', 'copy_range']);

const OPENS = new Set(['open', 'openat', 'openat2', 'creat']);

/** Follows the system calls of all tasks. */
export class SystemCalls {
  readonly #tasks = new Map<number, Task>();
  readonly #pending = new Map<number, Pending>();
  /** Paths that probes told and that no call has used. */
  readonly #paths = new Map<number, string>();

  /** Takes the open files of processes when the recording began: see recorder/snapshot.ts. */
  seed(lines: string): void {
    for (const line of lines.split('\n')) {
      const match = /^(\d+) (\d+) (\d+|cwd) (\d+) (\d+) (\d+) (\d+) (.*)$/.exec(line);
      if (match === null) continue;
      const [, pid, , fd = '', position, flags = '0', , , path = ''] = match;
      const task = this.#task(Number(pid), true);
      const name = path.replaceAll('\\012', '\n').replaceAll('\\134', '\\');
      if (fd === 'cwd') {
        task.cwd.path = name;
        continue;
      }
      const bits = Number.parseInt(flags, 8);
      task.descriptors.files.set(Number(fd), opened(name, Number(position), bits));
      if ((bits & O_CLOEXEC) !== 0) task.descriptors.closeOnExec.add(Number(fd));
    }
  }

  /** Takes an event; `name` as `sys_enter_read`. Null = it neither begins nor ends an operation. */
  event(pid: number, name: string, text: string): CallEvent {
    if (name.startsWith('sys_enter_')) return this.#enter(pid, name.slice(10), text);
    if (name.startsWith('sys_exit_')) return this.#exit(pid, name.slice(9), text);
    const path = quoted(text);
    if (name.startsWith('path') && path !== null) this.#paths.set(pid, path);
    else if (name === 'task_newtask') this.#fork(pid, text);
    else if (name === 'sched_process_exec') this.#exec(pid);
    else if (name === 'sched_process_exit') this.#tasks.delete(pid);
    return null;
  }

  /** The file behind a descriptor of a process, as far as it is known. */
  fileOf(pid: number, fd: number): { readonly path: string; readonly direct: boolean } | undefined {
    return this.#tasks.get(pid)?.descriptors.files.get(fd);
  }

  #task(pid: number, complete = false): Task {
    let task = this.#tasks.get(pid);
    if (task === undefined) {
      const descriptors = { files: new Map(), closeOnExec: new Set<number>(), complete };
      task = { descriptors, cwd: { path: '' } };
      if (this.#tasks.size < TASKS_MAX) this.#tasks.set(pid, task);
    }
    return task;
  }

  #fork(parent: number, text: string): void {
    const child = /pid=(\d+)/.exec(text)?.[1];
    const flags = Number.parseInt(/clone_flags=(?:0x)?([0-9a-f]+)/.exec(text)?.[1] ?? '0', 16);
    if (child === undefined || this.#tasks.size >= TASKS_MAX) return;
    const { descriptors, cwd } = this.#task(parent);
    const { files, closeOnExec, complete } = descriptors;
    this.#tasks.set(Number(child), {
      descriptors:
        (flags & CLONE_FILES) !== 0
          ? descriptors
          : { files: new Map(files), closeOnExec: new Set(closeOnExec), complete },
      cwd: (flags & CLONE_FS) !== 0 ? cwd : { ...cwd },
    });
  }

  #exec(pid: number): void {
    const task = this.#task(pid);
    const { files, closeOnExec, complete } = task.descriptors;
    const kept = [...files].filter(([fd]) => !closeOnExec.has(fd));
    task.descriptors = { files: new Map(kept), closeOnExec: new Set(), complete };
  }

  #enter(pid: number, call: string, text: string): CallEvent {
    const args = argumentsOf(text);
    const path = quoted(text) ?? this.#paths.get(pid) ?? '';
    this.#paths.delete(pid);
    const task = this.#task(pid);
    const { files, complete } = task.descriptors;
    const ranged = RANGED[call];
    const fd = descriptor(args.get(ranged?.fd ?? 'fd'));
    const file = files.get(fd);
    let operation: CallOperation | null = null;
    if (OPENS.has(call)) operation = plain('open', resolve(task, args, path));
    else if (call === 'close' && file !== undefined) operation = plain('close', file.path);
    else if (call === 'io_uring_enter') operation = plain('io_uring', '');
    else if (ranged !== undefined && fd >= 0 && (file !== undefined || !complete)) {
      operation = rangeOf(ranged, args, file);
    }
    if (this.#pending.size < TASKS_MAX)
      this.#pending.set(pid, { call, args, path, operation, file });
    return operation === null ? null : { begin: operation };
  }

  #exit(pid: number, call: string, text: string): CallEvent {
    const pending = this.#pending.get(pid);
    const result = signed(text);
    if (pending === undefined || pending.call !== call || result === null) return null;
    this.#pending.delete(pid);
    this.#effect(pid, pending, result);
    const { operation } = pending;
    if (operation === null) return null;
    const counted = COUNTS.has(operation.kind) && Number.isNaN(operation.len) && result >= 0;
    return { result, file: operation.file, len: counted ? result : Number.NaN };
  }

  /** What a call that has ended changes. */
  #effect(pid: number, { call, args, path, operation, file }: Pending, result: number): void {
    const task = this.#task(pid);
    const { files, closeOnExec } = task.descriptors;
    if (call === 'close') {
      files.delete(descriptor(args.get('fd')));
      return;
    }
    if (result < 0) return;
    const ranged = RANGED[call];
    const flags = args.get('flags') ?? 0;
    if (OPENS.has(call)) {
      files.set(result, opened(operation?.file ?? '', 0, flags));
      mark(closeOnExec, result, (flags & O_CLOEXEC) !== 0);
    } else if (call === 'dup' || call === 'dup2' || call === 'dup3') {
      duplicate(task.descriptors, args.get('fildes') ?? args.get('oldfd'), result, flags);
    } else if (call === 'fcntl') {
      control(task.descriptors, args, result);
    } else if (call === 'lseek') {
      if (file !== undefined) file.position = result;
    } else if (call === 'chdir') {
      task.cwd.path = path === '' ? '' : absolute(task.cwd.path, path);
    } else if (call === 'fchdir') {
      task.cwd.path = files.get(descriptor(args.get('fd')))?.path ?? '';
    } else if (ranged?.moves === true && atPosition(ranged, args) && file !== undefined) {
      file.position += result;
    }
  }
}

function opened(path: string, position: number, flags: number): OpenFile {
  const [append, direct] = [(flags & O_APPEND) !== 0, (flags & O_DIRECT) !== 0];
  return { path, position, append, direct };
}

function plain(kind: string, file: string): CallOperation {
  return { kind, file, offset: Number.NaN, len: Number.NaN };
}

function rangeOf(ranged: Ranged, args: Arguments, file: OpenFile | undefined): CallOperation {
  const { kind, offset, len, moves } = ranged;
  // Where an appended write goes is not known before it is done.
  const appended = kind === 'write' && file?.append === true;
  const position = appended || moves !== true ? Number.NaN : (file?.position ?? Number.NaN);
  const explicit = atPosition(ranged, args) || offset === null ? position : args.get(offset);
  const length = len === null ? Number.NaN : (args.get(len) ?? Number.NaN);
  const path = file?.path ?? '';
  return { kind, file: path, offset: explicit ?? Number.NaN, len: length, direct: file?.direct };
}

/** True for a call that reads or writes where the file stands. */
function atPosition({ offset, moves, fd }: Ranged, args: Arguments): boolean {
  if (moves !== true) return false;
  // preadv2 with an offset of -1; sendfile and the like without a pointer to one.
  if (offset !== null) return descriptor(args.get(offset)) === -1;
  return fd === 'fd' || (args.get('offset') ?? args.get('off_in') ?? 0) === 0;
}

function duplicate(
  { files, closeOnExec }: Descriptors,
  from: number | undefined,
  to: number,
  flags: number,
) {
  const file = files.get(descriptor(from));
  if (file === undefined) files.delete(to);
  else files.set(to, file);
  mark(closeOnExec, to, (flags & O_CLOEXEC) !== 0);
}

function control(descriptors: Descriptors, args: Arguments, result: number): void {
  const command = args.get('cmd');
  const fd = args.get('fd');
  if (command === F_DUPFD || command === F_DUPFD_CLOEXEC) {
    duplicate(descriptors, fd, result, command === F_DUPFD_CLOEXEC ? O_CLOEXEC : 0);
  } else if (command === F_SETFD) {
    mark(descriptors.closeOnExec, descriptor(fd), ((args.get('arg') ?? 0) & 1) !== 0);
  }
}

function mark(set: Set<number>, fd: number, on: boolean): void {
  if (on) set.add(fd);
  else set.delete(fd);
}

/** The path that an open names; '' where part of it is not known. */
function resolve({ cwd, descriptors }: Task, args: Arguments, path: string): string {
  if (path === '' || path.startsWith('/')) return path && posix.normalize(path);
  const fd = descriptor(args.get('dfd') ?? AT_FDCWD);
  const base = fd === AT_FDCWD ? cwd.path : (descriptors.files.get(fd)?.path ?? '');
  return absolute(base, path);
}

function absolute(base: string, path: string): string {
  if (path.startsWith('/')) return posix.normalize(path);
  return base === '' ? '' : posix.join(base, path);
}

/** An argument as a descriptor: 32 bits, signed. */
function descriptor(value: number | undefined): number {
  return value === undefined ? -1 : value | 0;
}

/** Arguments by name: `fd: 0x3, buf: 0x7f..., count: 0x1000`. */
function argumentsOf(text: string): Map<string, number> {
  const args = new Map<string, number>();
  for (const [, name = '', value = ''] of text.matchAll(/(\w+): (0x[0-9a-f]+|\d+)/g)) {
    args.set(name, Number(value));
  }
  return args;
}

/** A result: 64 bits, signed. */
function signed(text: string): number | null {
  const match = /^(?:0x[0-9a-f]+|-?\d+)$/.exec(text.trim());
  if (match === null) return null;
  return match[0].startsWith('0x') ? Number(BigInt.asIntN(64, BigInt(match[0]))) : Number(match[0]);
}

/** What stands between the first quotation mark and the last. */
function quoted(text: string): string | null {
  const from = text.indexOf('"');
  const to = text.lastIndexOf('"');
  return to > from ? text.slice(from + 1, to) : null;
}
