/**
 * The op-list language: one operation a line, each a system call on an open file or something done
 * to the machine. Called by the player, by `replay` and by the readers of scenarios. The
 * grammar is one table, from which come parser, printer, types and the documentation's table.
 */
import { TraceParseError } from '../../base/errors.js';

/** What each kind of argument becomes. Positions and lengths are bytes. */
interface ArgValues {
  /** Number of an open file, as the list gives it. */
  slot: number;
  /** How to open: words of `OPEN_FLAGS`, at most one access mode. */
  flags: readonly OpenFlag[];
  /** Name relative to the mount; the rest of the line. */
  path: string;
  /** Permissions. */
  mode: number;
  offset: number;
  length: number;
  /** Decides the bytes that are written. */
  seed: number;
  /** A byte, 0 to 255. */
  value: number;
  advice: OpAdvice;
  /** 1: pages, 2: inodes and names, 3: both. */
  level: number;
  ms: number;
  kib: number;
  /** What to do on the server's side; the rest of the line. */
  command: string;
  /** A name without blanks, or with them as `%20`. */
  from: string;
  /** Number of the file that is copied to, and the position there. */
  target: number;
  position: number;
  /** What fallocate(2) is to do: words of `FALLOC_MODES`. */
  falloc: readonly FallocMode[];
  /** The word itself: the mapping can be written. */
  rw: true;
  /** The word itself: the mapping is advised to be read at random. */
  random: true;
}

type ArgName = keyof ArgValues;

/** Words of an `open`, joined by `+`. */
export const OPEN_FLAGS = [
  ...['rdonly', 'wronly', 'rdwr', 'creat', 'excl', 'trunc', 'append', 'direct'],
] as readonly OpenFlag[];

/** One of them. */
export type OpenFlag =
  | ('rdonly' | 'wronly' | 'rdwr')
  | ('creat' | 'excl' | 'trunc' | 'append' | 'direct');

/** Modes of fallocate(2), and their bits. */
export const FALLOC_MODES = { none: 0, keep_size: 1, punch_hole: 2, zero_range: 0x10 } as const;

/** One of them. */
export type FallocMode = keyof typeof FALLOC_MODES;

const ADVICE = ['normal', 'random', 'sequential', 'willneed', 'dontneed', 'noreuse'] as const;

/** Advice of posix_fadvise(2). */
export type OpAdvice = (typeof ADVICE)[number];

/** Every operation: its arguments in order (`?` = may be missing) and what it does. */
export const OPS = {
  open: { args: ['slot', 'flags', 'path'], doc: 'open(2)' },
  close: { args: ['slot'], doc: 'close(2)' },
  read: { args: ['slot', 'offset', 'length'], doc: 'pread(2); the md5 of what was read is kept' },
  write: {
    args: ['slot', 'offset', 'length', 'seed'],
    doc: 'pwrite(2) of bytes that depend on their position and the seed',
  },
  truncate: { args: ['slot', 'length'], doc: 'ftruncate(2)' },
  fsync: { args: ['slot'], doc: 'fsync(2)' },
  fstat: { args: ['slot'], doc: 'fstat(2); the result is the size' },
  fadvise: { args: ['slot', 'advice', 'offset?', 'length?'], doc: 'posix_fadvise(2)' },
  readahead: { args: ['slot', 'offset', 'length'], doc: 'readahead(2)' },
  fallocate: { args: ['slot', 'falloc', 'offset', 'length'], doc: 'fallocate(2)' },
  copy: {
    args: ['slot', 'offset', 'target', 'position', 'length'],
    doc: 'copy_file_range(2) to a position of another file',
  },
  mmap: { args: ['slot', 'length', 'rw?', 'random?'], doc: 'mmap(2) from the beginning, shared' },
  touch: { args: ['slot', 'offset'], doc: 'loads one byte of the mapping; it is the result' },
  poke: { args: ['slot', 'offset', 'value'], doc: 'stores one byte into the mapping' },
  load: {
    args: ['slot', 'offset', 'length'],
    doc: 'loads a range through the mapping, made where there is none; ends with the file',
  },
  store: {
    args: ['slot', 'offset', 'length', 'seed'],
    doc: 'stores into a range through the mapping, made where there is none; ends with the file',
  },
  msync: { args: ['slot'], doc: 'msync(2) of the mapping' },
  munmap: { args: ['slot'], doc: 'munmap(2)' },
  mincore: { args: ['slot'], doc: 'mincore(2): which pages are resident' },
  mkdir: { args: ['path'], doc: 'mkdir(2)' },
  rmdir: { args: ['path'], doc: 'rmdir(2)' },
  unlink: { args: ['path'], doc: 'unlink(2); who has the file open goes on with it' },
  rename: { args: ['from', 'path'], doc: 'rename(2)' },
  link: { args: ['from', 'path'], doc: 'link(2): another name for a file' },
  symlink: { args: ['from', 'path'], doc: 'symlink(2) that leads to the first name' },
  chmod: { args: ['mode', 'path'], doc: 'chmod(2)' },
  lstat: { args: ['path'], doc: 'lstat(2); the result is the size' },
  sleep: { args: ['ms'], doc: 'does nothing for milliseconds' },
  sync: { args: [], doc: 'sync(2)' },
  freeze: { args: [], doc: 'FIFREEZE: who would write waits from now on' },
  thaw: { args: [], doc: 'FITHAW' },
  drop: { args: ['level'], doc: 'sync(2), then drop_caches' },
  setra: { args: ['kib'], doc: 'sets read_ahead_kb of the mount' },
  umount: { args: [], doc: 'unmounts' },
  mount: { args: [], doc: 'mounts again, with the same options' },
  unbind: { args: [], doc: 'withdraws the cache' },
  bind: { args: [], doc: 'brings the cache back' },
  fill: { args: [], doc: 'lets another file take all space of the cache' },
  unfill: { args: [], doc: 'gives the space back' },
  host: { args: ['command'], doc: "something on the server's side, see below" },
} as const satisfies Record<string, { args: readonly (ArgName | `${ArgName}?`)[]; doc: string }>;

/** The name of an operation. */
export type OpKind = keyof typeof OPS;

type ArgsOf<K extends OpKind> = (typeof OPS)[K]['args'][number];

/** The operation of one kind, with its arguments. */
export type OpOf<K extends OpKind> = { readonly kind: K } & {
  readonly [A in Extract<ArgsOf<K>, ArgName>]: ArgValues[A];
} & {
  readonly [A in ArgName as `${A}?` extends ArgsOf<K> ? A : never]?: ArgValues[A];
};

/** An operation. */
export type Op = { [K in OpKind]: OpOf<K> }[OpKind];

interface ArgSyntax<T> {
  readonly expected: string;
  /** The value of a word, undefined when it is none. */
  readonly parse: (word: string) => T | undefined;
  readonly print?: (value: T) => string;
  /** Takes the rest of the line. */
  readonly rest?: true;
}

const whole =
  (max: number) =>
  (word: string): number | undefined =>
    /^\d{1,16}$/.test(word) && Number(word) <= max ? Number(word) : undefined;

const text = (word: string): string | undefined => (word === '' ? undefined : word);

const word = <W extends string>(known: readonly W[], given: string): W | undefined =>
  known.find((each) => each === given);

function openFlags(given: string): readonly OpenFlag[] | undefined {
  const flags = given.split('+').map((each) => word(OPEN_FLAGS, each));
  const modes = flags.filter((flag) => /^(rd|wr)/.test(flag ?? ''));
  return flags.includes(undefined) || modes.length > 1 ? undefined : (flags as OpenFlag[]);
}

function fallocModes(given: string): readonly FallocMode[] | undefined {
  const modes = given.split('+').map((each) => word(Object.keys(FALLOC_MODES), each));
  return modes.includes(undefined) ? undefined : (modes as FallocMode[]);
}

const ARGS: { readonly [A in ArgName]: ArgSyntax<ArgValues[A]> } = {
  slot: { expected: 'the number of a file, 0 to 999', parse: whole(999) },
  flags: {
    expected: `flags joined by + (${OPEN_FLAGS.join(', ')})`,
    parse: openFlags,
    print: (flags) => flags.join('+'),
  },
  path: { expected: 'the name of a file', parse: text, rest: true },
  mode: {
    expected: 'permissions in octal',
    parse: (given) => (/^[0-7]{1,4}$/.test(given) ? Number.parseInt(given, 8) : undefined),
    print: (mode) => mode.toString(8),
  },
  offset: { expected: 'a position in bytes', parse: whole(Number.MAX_SAFE_INTEGER) },
  length: { expected: 'a length in bytes', parse: whole(Number.MAX_SAFE_INTEGER) },
  seed: { expected: 'a seed, a whole number', parse: whole(2 ** 31) },
  value: { expected: 'a byte, 0 to 255', parse: whole(255) },
  advice: { expected: `advice (${ADVICE.join(', ')})`, parse: (given) => word(ADVICE, given) },
  level: {
    expected: '1 (pages), 2 (inodes) or 3 (both)',
    parse: (given) => (/^[123]$/.test(given) ? Number(given) : undefined),
  },
  ms: { expected: 'milliseconds, a whole number', parse: whole(1e9) },
  kib: { expected: 'KiB, a whole number', parse: whole(1e9) },
  command: { expected: 'a command for the server', parse: text, rest: true },
  from: {
    expected: 'the name of a file, blanks as %20',
    parse: (given) => (given === '' ? undefined : unescaped(given)),
    print: (name) => name.replaceAll(/[%\s]/g, (char) => encodeURIComponent(char)),
  },
  target: { expected: 'the number of a file, 0 to 999', parse: whole(999) },
  position: { expected: 'a position in bytes', parse: whole(Number.MAX_SAFE_INTEGER) },
  falloc: {
    expected: `modes joined by + (${Object.keys(FALLOC_MODES).join(', ')})`,
    parse: fallocModes,
    print: (modes) => modes.join('+'),
  },
  rw: { expected: 'rw', parse: (given) => (given === 'rw' ? true : undefined), print: () => 'rw' },
  random: {
    expected: 'random',
    parse: (given) => (given === 'random' ? true : undefined),
    print: () => 'random',
  },
};

function unescaped(name: string): string | undefined {
  try {
    return decodeURIComponent(name);
  } catch {
    return undefined;
  }
}

/**
 * Reads a list of operations. Empty lines and lines that begin with `#` mean nothing. Throws a
 * `TraceParseError` (`file:line:column`) at the first line that is no operation.
 */
export function parseOps(source: string, file: string): Op[] {
  return source.split('\n').flatMap((line, i) => {
    const trimmed = line.trim();
    return trimmed === '' || trimmed.startsWith('#') ? [] : [parseOp(line, file, i + 1)];
  });
}

/** Reads one operation; `line` is where it stands, for the error. */
export function parseOp(source: string, file: string, line = 1): Op {
  const words = [...source.matchAll(/\S+/g)];
  const fail = (expected: string, at: number): never => {
    const found = words[at];
    const column = (found?.index ?? source.trimEnd().length) + 1;
    throw new TraceParseError(file, line, column, expected, found?.[0] ?? 'end of line');
  };
  const kind = words[0]?.[0] ?? '';
  if (!Object.hasOwn(OPS, kind)) fail(`an operation (${Object.keys(OPS).join(', ')})`, 0);
  const op: Record<string, unknown> = { kind };
  let at = 1;
  for (const spec of OPS[kind as OpKind].args) {
    const name = spec.replace('?', '') as ArgName;
    const { expected, parse, rest } = ARGS[name];
    const found = words[at];
    const given = rest && found ? source.slice(found.index).trimEnd() : (found?.[0] ?? '');
    const value = parse(given);
    if (value === undefined && spec === name) fail(expected, at);
    if (value === undefined) continue;
    op[name] = value;
    at = rest ? words.length : at + 1;
  }
  if (at < words.length) fail(`nothing more after ${usage(kind as OpKind)}`, at);
  return op as unknown as Op;
}

/** An operation as a line of a list: `parseOp(printOp(op))` gives the same operation. */
export function printOp(op: Op): string {
  const values = op as unknown as Readonly<Record<string, unknown>>;
  const args = OPS[op.kind].args.flatMap((spec) => {
    const name = spec.replace('?', '') as ArgName;
    const value = values[name];
    if (value === undefined) return [];
    const print = ARGS[name].print as ((value: unknown) => string) | undefined;
    return [print?.(value) ?? String(value)];
  });
  return [op.kind, ...args].join(' ');
}

/** A list of operations as text, one a line. */
export function printOps(ops: readonly Op[]): string {
  return ops.map((op) => `${printOp(op)}\n`).join('');
}

/** How an operation is written: `fadvise SLOT ADVICE [OFFSET] [LENGTH]`. */
export function usage(kind: OpKind): string {
  const args = OPS[kind].args.map((spec) => {
    const name = spec.replace('?', '').toUpperCase();
    return spec.endsWith('?') ? `[${name}]` : name;
  });
  return [kind, ...args].join(' ');
}
