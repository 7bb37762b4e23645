/**
 * strace logs: `strace -f -y -ttt -T` and poorer forms (no `-y`, no `-f`, `-r`, halves of calls
 * that were interrupted by others). Calls that read or write files become operations at the
 * positions where the recorded program had them; calls that read or write no byte are counted.
 */
import { FALLOC_MODES, type FallocMode, type Op, type OpenFlag } from '../ops/language.js';
import {
  COPIED,
  type FrontEnd,
  isPlayed,
  mapName,
  type Recording,
  RecordingBuilder,
  type RecordingOptions,
} from '../recording.js';
import {
  descriptorOf,
  type StraceEnd,
  type StraceLine,
  scanArguments,
  scanDescriptor,
  scanStraceLine,
  scanString,
  unescapeC,
  unfinishedEnd,
} from './strace_line.js';
import { type Description, type Process, Processes } from './strace_process.js';

/** A call of the log, whole. */
interface Call extends StraceEnd {
  readonly name: string;
  readonly process: Process;
  readonly line: number;
  readonly atNs: number;
}

type Handler = (reader: Reader, call: Call) => void;

/** Calls that neither read nor write files nor change which are open. */
const WITHOUT_BYTES =
  /^(f?stat|l?stat|newfstat|statx|f?statfs|access|faccessat|readlink|getdents|f?getxattr|lgetxattr|flistxattr|utime|futimes|f?chmod|f?l?chown|brk|mprotect|rt_sig|sig|futex|get|set|arch_|prctl|prlimit|clock|nanosleep|poll|ppoll|select|pselect|epoll|event|timer|times|uname|sysinfo|umask|ioctl|flock|wait|exit|kill|tgkill|tkill|rseq|sched|socket|connect|accept|bind|listen|send|recv|shutdown|pipe|inotify|signalfd|alarm|pause|restart|membarrier|mlock|munlock|mremap|mincore|personality|capget|capset|pidfd|landlock|seccomp|bpf|perf_event|keyctl|memfd|userfaultfd|io_setup|io_destroy|io_getevents|vmsplice|tee|syslog|reboot|chroot|quotactl|acct|ptrace|process_vm|kcmp|add_key|request_key|iopl|ioperm|modify_ldt|swap|mount|umount|pivot|delete_module|init_module|finit)/;

/** Calls that change names in a way that is not played. */
const NAMESPACE = /^(link|linkat|symlink|symlinkat|mknod|mknodat)$/;

class Reader {
  readonly builder = new RecordingBuilder();
  readonly options: RecordingOptions;
  readonly processes: Processes;
  readonly #scanned: StraceLine = {
    ...{ pid: 0, seconds: 0, relative: false },
    ...{ kind: 'other', name: '', argsAt: 0 },
  };
  #first = Number.NaN;
  #elapsed = 0;
  #previous = Number.NaN;
  #line = 0;

  constructor(options: RecordingOptions) {
    this.options = options;
    this.processes = new Processes((description, pid) => {
      if (description.slot >= 0) this.emit({ kind: 'close', slot: description.slot }, pid);
    });
  }

  /** Reads one line; `number` from 1. */
  read(text: string, number: number): void {
    const scanned = this.#scanned;
    scanStraceLine(text, scanned);
    this.#line = number;
    this.#tick(scanned);
    if (scanned.kind === 'call') this.#call(text, scanned.name, scanned.argsAt, scanned.pid);
    else if (scanned.kind === 'unfinished') this.#begin(text, scanned);
    else if (scanned.kind === 'resumed') this.#resume(text, scanned);
    else if (scanned.kind === 'exit') this.processes.ended(this.processes.get(scanned.pid));
    else if (scanned.kind === 'other' && text.trim() !== '') {
      this.builder.refuse('a line that is no call', 'not understood', number, 1);
    }
  }

  /** Adds an operation of the call under way. */
  emit(op: Op, pid: number, result?: number, data?: Uint8Array): void {
    this.builder.add({ op, line: this.#line, atNs: this.#elapsed, task: pid, result, data });
  }

  /** Counts a call that cannot be played. */
  refuse(what: string, reason: string, matters = true): void {
    this.builder.refuse(what, reason, this.#line, 1, matters);
  }

  /** The open file of a descriptor argument; undefined: not known, which is counted. */
  file(call: Call, arg: string | undefined): Description | undefined {
    const known = this.processes.find(call.process, descriptorOf(arg ?? ''));
    if (known !== undefined) return known;
    const { fd, path } = scanDescriptor(arg ?? '');
    if (Number.isNaN(fd)) {
      this.refuse(call.name, `'${arg ?? ''}' is no descriptor`);
      return undefined;
    }
    return this.#adopt(call, fd, path);
  }

  /** Opens what is not yet open in the recording. */
  open(path: string, flags: readonly OpenFlag[], pid: number, result?: number): Description {
    const name = mapName(path, this.options.names);
    const slot = this.builder.nextSlot();
    this.emit({ kind: 'open', slot, flags, path: name }, pid, result);
    return { slot, path, position: 0, append: flags.includes('append'), uses: 0 };
  }

  /** The name of a path argument, beneath the directory it is relative to. */
  path(call: Call, directory: string, arg: string): string {
    const name = unescapeC(scanString(arg)?.bytes.toString('utf8') ?? '');
    if (name.startsWith('/')) return name;
    const { fd, path } = scanDescriptor(directory);
    const cwd = path || call.process.cwd;
    const base = fd === -100 ? cwd : path || this.processes.find(call.process, fd)?.path || cwd;
    if (fd === -100 && path !== '') call.process.cwd = path;
    return base === '' ? name : `${base}/${name}`;
  }

  // A descriptor that was open before the log began, or came through a socket.
  #adopt(call: Call, fd: number, path: string): Description | undefined {
    const named = path || this.options.descriptors.get(fd);
    if (named === undefined) {
      const std = fd < 3;
      const hint = `say which file it is with --fd ${fd}=NAME`;
      this.refuse(call.name, `descriptor ${fd} was opened before the log began; ${hint}`, !std);
      return undefined;
    }
    const description = isPlayed(named)
      ? this.open(named, ['rdwr'], call.process.pid)
      : { slot: -1, path: named, position: 0, append: false, uses: 0 };
    this.processes.set(call.process, fd, description, false);
    if (description.slot >= 0 && path !== '') {
      this.builder.note('files that were open before the log began are read from position 0 on');
    }
    return description;
  }

  #tick({ seconds, relative }: StraceLine): void {
    if (Number.isNaN(seconds)) {
      if (Number.isNaN(this.#previous)) this.#elapsed = Number.NaN;
      return;
    }
    if (Number.isNaN(this.#first)) {
      this.#first = seconds;
      this.#elapsed = 0;
    } else if (relative) this.#elapsed += Math.round(seconds * 1e9);
    // Past midnight a clock without a date starts again.
    else if (seconds < this.#previous - 43_200 && seconds < 86_400) this.#first -= 86_400;
    if (!relative) this.#elapsed = Math.max(0, Math.round((seconds - this.#first) * 1e9));
    this.#previous = seconds;
  }

  #begin(text: string, { pid, name, argsAt }: StraceLine): void {
    const process = this.processes.get(pid);
    const end = unfinishedEnd(text, argsAt);
    process.unfinished = text.slice(argsAt, end);
    if (MAKES_PROCESS.test(name)) this.processes.forking(process);
  }

  #resume(text: string, { pid, name, argsAt }: StraceLine): void {
    const process = this.processes.get(pid);
    const whole = process.unfinished + text.slice(argsAt).trimStart();
    process.unfinished = '';
    this.#call(whole, name, 0, pid);
  }

  #call(text: string, name: string, argsAt: number, pid: number): void {
    const handler = Object.hasOwn(CALLS, name) ? CALLS[name] : undefined;
    if (handler === undefined) {
      this.#uncalled(name, argsAt);
      if (text.includes('{st_mode=S_IFDIR')) this.#directory(text, argsAt, pid);
      return;
    }
    const end = scanArguments(text, argsAt);
    if (end === undefined) {
      this.builder.refuse(name, 'the line ends within the call', this.#line, argsAt + 1);
      return;
    }
    const process = this.processes.get(pid);
    const { args, result, error, resultPath } = end;
    const line = this.#line;
    const call = { args, result, error, resultPath, name, process, line, atNs: this.#elapsed };
    if (call.error !== '' || call.result < 0) {
      this.refuse(name, `it failed when it was recorded (${call.error || call.result})`, false);
      if (MAKES_PROCESS.test(name)) this.processes.forked(process, -1, '');
    } else if (Number.isNaN(call.result) && !MAKES_PROCESS.test(name)) {
      this.refuse(name, 'the log does not tell its result');
    } else handler(this, call);
  }

  // `fstat(3, {st_mode=S_IFDIR...`: what descriptor 3 was opened for is a directory.
  #directory(text: string, argsAt: number, pid: number): void {
    const { fd, path } = scanDescriptor(
      /^[^,]*/.exec(text.slice(argsAt, argsAt + 4200))?.[0] ?? '',
    );
    if (!(fd >= 0)) return;
    const name = path || this.processes.find(this.processes.get(pid), fd)?.path;
    if (name !== undefined) this.builder.directory(mapName(name, this.options.names));
  }

  #uncalled(name: string, argsAt: number): void {
    if (WITHOUT_BYTES.test(name)) {
      this.builder.refuse(name, 'reads and writes no byte of a file', this.#line, argsAt, false);
    } else if (name.startsWith('io_uring')) {
      this.refuse(name, 'the log does not show what is read and written through a ring');
    } else if (NAMESPACE.test(name)) {
      this.refuse(name, 'links and devices are not made');
    } else this.refuse(name, 'a call that is not known');
  }
}

const MAKES_PROCESS = /^(fork|vfork|clone|clone2|clone3)$/;

const FLAG_WORDS: readonly (readonly [word: RegExp, flag: OpenFlag])[] = [
  [/\bO_CREAT\b/, 'creat'],
  [/\bO_EXCL\b/, 'excl'],
  [/\bO_TRUNC\b/, 'trunc'],
  [/\bO_APPEND\b/, 'append'],
  [/\bO_DIRECT\b/, 'direct'],
];

function openFlags(words: string): OpenFlag[] {
  const mode = /O_RDWR/.test(words) ? 'rdwr' : /O_WRONLY/.test(words) ? 'wronly' : 'rdonly';
  const flags = FLAG_WORDS.filter(([word]) => word.test(words)).map(([, flag]) => flag);
  return [mode, ...flags];
}

function opened(reader: Reader, call: Call, path: string, words: string): void {
  const { process, result, resultPath } = call;
  const real = resultPath || path;
  const directory = /O_DIRECTORY|O_PATH|O_TMPFILE/.exec(words)?.[0];
  const played = isPlayed(real) && directory === undefined;
  if (directory === 'O_TMPFILE') reader.refuse(call.name, 'O_TMPFILE: a file without a name');
  else if (!played && directory === undefined) {
    reader.refuse(call.name, "the kernel's own files are not played (/proc, /sys, /dev)", false);
  }
  const description = played
    ? reader.open(real, openFlags(words), process.pid)
    : { slot: -1, path: real, position: 0, append: false, uses: 0 };
  reader.processes.set(process, result, description, /O_CLOEXEC/.test(words));
}

// Where a call that uses the position of the file begins, which it then moves on.
function atPosition(file: Description, result: number): number {
  const { position } = file;
  file.position = position + result;
  return position;
}

/** Bytes of one buffer argument, or of an array of them; undefined when the log cuts it short. */
function bufferBytes(arg: string): { bytes: Buffer; cut: boolean } | undefined {
  const whole = scanString(arg);
  if (whole !== undefined) return whole;
  if (!arg.startsWith('[')) return undefined;
  const parts: Buffer[] = [];
  for (const found of arg.matchAll(
    /iov_base=("(?:[^"\\]|\\.)*"(?:\.\.\.)?|[^,]*), iov_len=(\d+)/g,
  )) {
    const part = scanString(found[1] as string);
    if (part === undefined) return { bytes: Buffer.concat(parts), cut: true };
    const length = Number(found[2]);
    parts.push(part.bytes.subarray(0, length));
    if (part.cut || part.bytes.length < length) return { bytes: Buffer.concat(parts), cut: true };
  }
  return { bytes: Buffer.concat(parts), cut: false };
}

function transfer(write: boolean, buffer: number, at?: number): Handler {
  return (reader, call) => {
    const file = reader.file(call, call.args[0]);
    if (file === undefined || file.slot < 0) return;
    const { result, args } = call;
    const positioned = at === undefined ? Number.NaN : Number(args[at]);
    const own = at === undefined || positioned === -1;
    const offset = own ? atPosition(file, result) : positioned;
    const asked = write ? result : requested(args, buffer, result);
    if (!Number.isSafeInteger(offset) || offset < 0 || asked < 0) {
      reader.refuse(call.name, 'its position or length is no number');
      return;
    }
    const shown = bufferBytes(args[buffer] ?? '')?.bytes.subarray(0, result);
    const { slot } = file;
    const op: Op = write
      ? { kind: 'write', slot, offset, length: asked, seed: 0 }
      : { kind: 'read', slot, offset, length: asked };
    reader.emit(op, call.process.pid, result, shown);
  };
}

// How much was asked for: the length argument, or the sum of those of the buffers.
function requested(args: readonly string[], buffer: number, result: number): number {
  if (!args[buffer]?.startsWith('[')) {
    const length = Number(args[buffer + 1]);
    return Number.isSafeInteger(length) ? Math.min(length, 1 << 30) : result;
  }
  let sum = 0;
  for (const found of (args[buffer] as string).matchAll(/iov_len=(\d+)/g)) sum += Number(found[1]);
  return Math.max(sum, result);
}

const seek: Handler = (reader, call) => {
  const file = reader.file(call, call.args[0]);
  if (file !== undefined) file.position = call.result;
};

// A copy of standard input or output that the log does not name is no more known than they are.
function duplicated(reader: Reader, call: Call): Description | undefined {
  const fd = descriptorOf(call.args[0] ?? '');
  const file = reader.file(call, call.args[0]);
  if (file !== undefined || !(fd < 3)) return file;
  return { slot: -1, path: '', position: 0, append: false, uses: 0 };
}

const duplicate: Handler = (reader, call) => {
  const file = duplicated(reader, call);
  if (file === undefined) return;
  reader.processes.set(call.process, call.result, file, /CLOEXEC/.test(call.args[2] ?? ''));
};

const control: Handler = (reader, call) => {
  const [fd = '', command = '', value = ''] = call.args;
  if (command.startsWith('F_DUPFD')) {
    const file = duplicated(reader, call);
    if (file === undefined) return;
    reader.processes.set(call.process, call.result, file, command.endsWith('CLOEXEC'));
  } else if (command === 'F_SETFD') {
    const { fd: number } = scanDescriptor(fd);
    reader.processes.setCloseOnExec(call.process, number, value.includes('FD_CLOEXEC'));
  }
};

const map: Handler = (reader, call) => {
  const [, length = '', prot = '', flags = '', fd = '', offset = ''] = call.args;
  if (flags.includes('MAP_ANON')) return;
  const file = reader.file(call, fd);
  if (file === undefined || file.slot < 0) return;
  const shift = call.name === 'mmap2' && !offset.startsWith('0x') ? 4096 : 1;
  const range = { slot: file.slot, offset: Number(offset) * shift, length: Number(length) };
  if (!Number.isSafeInteger(range.offset) || !Number.isSafeInteger(range.length)) {
    reader.refuse(call.name, 'its position or length is no number');
    return;
  }
  if (prot.includes('PROT_WRITE') && flags.includes('MAP_SHARED')) {
    reader.refuse('mmap for writing', 'the log does not show what is stored through a mapping');
  }
  if (reader.options.mmap === 'none') {
    reader.refuse('mmap', 'left out (--mmap none)');
    return;
  }
  const advice = 'a log does not tell which pages of a mapping were used';
  reader.builder.note(`mappings are read from first to last page: ${advice} (--mmap none)`);
  reader.emit({ kind: 'load', ...range }, call.process.pid);
};

const onFile =
  (op: (slot: number, call: Call) => Op | undefined): Handler =>
  (reader, call) => {
    const file = reader.file(call, call.args[0]);
    if (file === undefined || file.slot < 0) return;
    const made = op(file.slot, call);
    if (made !== undefined) reader.emit(made, call.process.pid);
    else reader.refuse(call.name, 'its arguments are no numbers');
  };

function ranged(kind: 'truncate' | 'readahead', slot: number, args: readonly string[]) {
  const numbers = args.slice(1).map(Number);
  if (!numbers.every((value) => Number.isSafeInteger(value) && value >= 0)) return undefined;
  const [first = 0, second = 0] = numbers;
  if (kind === 'truncate') return { kind, slot, length: first } as const;
  return { kind, slot, offset: first, length: second } as const;
}

const ADVICE: Readonly<Record<string, 'normal' | 'random' | 'sequential' | 'willneed'>> = {
  NORMAL: 'normal',
  RANDOM: 'random',
  SEQUENTIAL: 'sequential',
  WILLNEED: 'willneed',
};

function advise(slot: number, { args }: Call): Op | undefined {
  const word = /FADV_([A-Z]+)/.exec(args[3] ?? '')?.[1] ?? '';
  const advice =
    ADVICE[word] ?? (word === 'DONTNEED' ? 'dontneed' : word === 'NOREUSE' ? 'noreuse' : undefined);
  const [offset, length] = [Number(args[1]), Number(args[2])];
  if (advice === undefined || !Number.isSafeInteger(offset + length)) return undefined;
  return { kind: 'fadvise', slot, advice, offset, length };
}

const truncatePath: Handler = (reader, call) => {
  const path = reader.path(call, 'AT_FDCWD', call.args[0] ?? '');
  if (!isPlayed(path)) return;
  const { pid } = call.process;
  const { slot } = reader.open(path, ['wronly'], pid);
  reader.emit({ kind: 'truncate', slot, length: Number(call.args[1]) || 0 }, pid);
  reader.emit({ kind: 'close', slot }, pid);
};

// sendfile(out, in, [offset] => [after], count); copy_file_range(in, &off, out, &off, len, flags).
const copy: Handler = (reader, call) => {
  const { args, result, name } = call;
  const sends = name.startsWith('sendfile');
  const [from, to] = sends ? [args[1], args[0]] : [args[0], args[2]];
  const [fromAt, toAt] = sends ? [args[2], 'NULL'] : [args[1], args[3]];
  const target = reader.file(call, to);
  const source = reader.file(call, from);
  if (result === 0) return;
  const { pid } = call.process;
  const offset = source && positionOf(source, fromAt, result);
  if (source !== undefined && source.slot >= 0 && offset !== undefined) {
    reader.emit({ kind: 'read', slot: source.slot, offset, length: result }, pid, result);
  }
  const position = target && positionOf(target, toAt, result);
  if (target === undefined || target.slot < 0 || position === undefined) return;
  const op: Op = {
    kind: 'write',
    slot: target.slot,
    offset: position,
    length: result,
    seed: COPIED,
  };
  reader.emit(op, pid, result);
};

function positionOf(file: Description, arg: string | undefined, result: number): number {
  const given = /\d+/.exec(arg ?? '')?.[0];
  return given === undefined ? atPosition(file, result) : Number(given);
}

function fallocMode(words: string): FallocMode[] | undefined {
  if (words === '0') return ['none'];
  const modes = words.split('|').map((word) => word.replace('FALLOC_FL_', '').toLowerCase());
  const known = modes.every((mode) => Object.hasOwn(FALLOC_MODES, mode) && mode !== 'none');
  return known ? (modes as FallocMode[]) : undefined;
}

function renamed(
  reader: Reader,
  call: Call,
  fromDirectory: string,
  from: number,
  toDirectory: string,
  to: number,
): void {
  const source = reader.path(call, fromDirectory, call.args[from] ?? '');
  const target = reader.path(call, toDirectory, call.args[to] ?? '');
  if (!isPlayed(source) || !isPlayed(target)) return;
  const { names } = reader.options;
  const path = mapName(target, names);
  reader.emit({ kind: 'rename', from: mapName(source, names), path }, call.process.pid);
}

// unlink, rmdir and mkdir: a call on one name.
function removed(
  reader: Reader,
  call: Call,
  directory: string,
  name: string | undefined,
  kind: 'unlink' | 'rmdir' | 'mkdir',
): void {
  const full = reader.path(call, directory, name ?? '');
  if (!isPlayed(full)) return;
  reader.emit({ kind, path: mapName(full, reader.options.names) }, call.process.pid);
}

const makesProcess: Handler = (reader, call) => {
  const how = call.args.join(',');
  reader.processes.forked(call.process, call.result, how);
};

const directory: Handler = (reader, call) => {
  const { process, args, name } = call;
  if (name === 'fchdir')
    process.cwd =
      reader.processes.find(process, scanDescriptor(args[0] ?? '').fd)?.path ?? process.cwd;
  else if (name === 'getcwd') process.cwd = scanString(args[0] ?? '')?.bytes.toString() ?? '';
  else process.cwd = reader.path(call, 'AT_FDCWD', args[0] ?? '');
};

/** Descriptors that are no files: what is read and written through them is not played. */
const notAFile: Handler = (reader, { process, result, args, name }) => {
  const pair = /\[(\d+)[^,]*, (\d+)/.exec(args.join(', '));
  const made = /^(pipe|socketpair)/.test(name) ? (pair?.slice(1).map(Number) ?? []) : [result];
  for (const fd of made) {
    const description = { slot: -1, path: name, position: 0, append: false, uses: 0 };
    reader.processes.set(process, fd, description, /CLOEXEC/.test(args.join()));
  }
};

const NOT_FILES = [
  ...['pipe', 'pipe2', 'socketpair', 'socket', 'accept', 'accept4', 'eventfd', 'eventfd2'],
  ...['epoll_create', 'epoll_create1', 'timerfd_create', 'signalfd', 'signalfd4', 'memfd_create'],
  ...['inotify_init', 'inotify_init1', 'fanotify_init', 'pidfd_open', 'perf_event_open'],
] as const;

const SYNC = onFile((slot) => ({ kind: 'fsync', slot }));

/** What is done about each call. */
const CALLS: Readonly<Record<string, Handler>> = {
  open: (reader, call) =>
    opened(reader, call, reader.path(call, 'AT_FDCWD', call.args[0] ?? ''), call.args[1] ?? ''),
  creat: (reader, call) => {
    const path = reader.path(call, 'AT_FDCWD', call.args[0] ?? '');
    opened(reader, call, path, 'O_WRONLY|O_CREAT|O_TRUNC');
  },
  openat: (reader, call) =>
    opened(
      reader,
      call,
      reader.path(call, call.args[0] ?? '', call.args[1] ?? ''),
      call.args[2] ?? '',
    ),
  openat2: (reader, call) =>
    opened(
      reader,
      call,
      reader.path(call, call.args[0] ?? '', call.args[1] ?? ''),
      call.args[2] ?? '',
    ),
  close: (reader, call) => {
    reader.processes.close(call.process, scanDescriptor(call.args[0] ?? '').fd);
  },
  close_range: (reader, call) => {
    if (/CLOEXEC/.test(call.args[2] ?? '')) return;
    const last = Number(call.args[1]);
    const end = Number.isNaN(last) ? Number.MAX_SAFE_INTEGER : last;
    reader.processes.closeRange(call.process, Number(call.args[0]), end);
  },
  read: transfer(false, 1),
  pread64: transfer(false, 1, 3),
  pread: transfer(false, 1, 3),
  readv: transfer(false, 1),
  preadv: transfer(false, 1, 3),
  preadv2: transfer(false, 1, 3),
  write: transfer(true, 1),
  pwrite64: transfer(true, 1, 3),
  pwrite: transfer(true, 1, 3),
  writev: transfer(true, 1),
  pwritev: transfer(true, 1, 3),
  pwritev2: transfer(true, 1, 3),
  lseek: seek,
  _llseek: (reader, call) => {
    const file = reader.file(call, call.args[0]);
    const to = /\d+/.exec(call.args[2] ?? '')?.[0];
    if (file !== undefined && to !== undefined) file.position = Number(to);
  },
  dup: duplicate,
  dup2: duplicate,
  dup3: duplicate,
  fcntl: control,
  fcntl64: control,
  mmap: map,
  mmap2: map,
  munmap: () => {},
  msync: (reader) => reader.refuse('msync', 'the log does not tell the file of a mapping', false),
  madvise: (reader) =>
    reader.refuse('madvise', 'the log does not tell the file of a mapping', false),
  ftruncate: onFile((slot, { args }) => ranged('truncate', slot, args)),
  ftruncate64: onFile((slot, { args }) => ranged('truncate', slot, args)),
  truncate: truncatePath,
  truncate64: truncatePath,
  fsync: SYNC,
  fdatasync: SYNC,
  sync_file_range: SYNC,
  sync: (reader, call) => reader.emit({ kind: 'sync' }, call.process.pid),
  syncfs: (reader, call) => reader.emit({ kind: 'sync' }, call.process.pid),
  readahead: onFile((slot, { args }) => ranged('readahead', slot, args)),
  fadvise64: onFile(advise),
  fadvise64_64: onFile(advise),
  posix_fadvise: onFile(advise),
  sendfile: copy,
  sendfile64: copy,
  copy_file_range: copy,
  splice: copy,
  fallocate: (reader, call) => {
    const file = reader.file(call, call.args[0]);
    const mode = fallocMode(call.args[1] ?? '');
    const [offset, length] = [Number(call.args[2]), Number(call.args[3])];
    if (file === undefined || file.slot < 0) return;
    if (mode === undefined || !Number.isSafeInteger(offset + length)) {
      reader.refuse('fallocate', `mode ${call.args[1]} is not played`);
    } else {
      reader.emit(
        { kind: 'fallocate', slot: file.slot, falloc: mode, offset, length },
        call.process.pid,
      );
    }
  },
  rename: (reader, call) => renamed(reader, call, 'AT_FDCWD', 0, 'AT_FDCWD', 1),
  renameat: (reader, { args, ...call }) =>
    renamed(reader, { ...call, args }, args[0] ?? '', 1, args[2] ?? '', 3),
  renameat2: (reader, { args, ...call }) => {
    if (/EXCHANGE|WHITEOUT/.test(args[4] ?? ''))
      reader.refuse('renameat2', `${args[4]} is not played`);
    else renamed(reader, { ...call, args }, args[0] ?? '', 1, args[2] ?? '', 3);
  },
  unlink: (reader, call) => removed(reader, call, 'AT_FDCWD', call.args[0], 'unlink'),
  unlinkat: (reader, call) => {
    const directory = /AT_REMOVEDIR/.test(call.args[2] ?? '');
    removed(reader, call, call.args[0] ?? '', call.args[1], directory ? 'rmdir' : 'unlink');
  },
  rmdir: (reader, call) => removed(reader, call, 'AT_FDCWD', call.args[0], 'rmdir'),
  mkdir: (reader, call) => removed(reader, call, 'AT_FDCWD', call.args[0], 'mkdir'),
  mkdirat: (reader, call) => removed(reader, call, call.args[0] ?? '', call.args[1], 'mkdir'),
  fork: makesProcess,
  vfork: makesProcess,
  clone: makesProcess,
  clone2: makesProcess,
  clone3: makesProcess,
  execve: (reader, call) => reader.processes.executed(call.process),
  execveat: (reader, call) => reader.processes.executed(call.process),
  chdir: directory,
  fchdir: directory,
  getcwd: directory,
  ...Object.fromEntries(NOT_FILES.map((name) => [name, notAFile])),
};

const HEAD_CALL =
  /^ *(?:\[pid +\d+(?:<[^>]*>)?\] +|\d+(?:<[^>]*>)? +)?(?:\d[\d:.]* +)*(?:\(\+ +[\d.]+\) )?(?:\[[ \da-f?]+\] )*(?:[a-z_0-9]+\(.*(?:\) += +(?:-?\d|0x|\?)|<unfinished \.\.\.>)|<\.\.\. [a-z_0-9]+ resumed>|\+\+\+ exited|--- SIG)/m;

/** Logs of strace. */
export const strace: FrontEnd = {
  name: 'strace',
  doc: 'strace -f -y -ttt -T -e trace=file,desc and poorer forms',
  recognises: (head) => HEAD_CALL.test(head),
  parse(text: string, _file: string, options: RecordingOptions): Recording {
    const reader = new Reader(options);
    let number = 0;
    for (let start = 0; start < text.length; ) {
      let end = text.indexOf('\n', start);
      if (end < 0) end = text.length;
      number++;
      if (end > start) reader.read(text.slice(start, end), number);
      start = end + 1;
    }
    return reader.builder.build('strace');
  },
};
