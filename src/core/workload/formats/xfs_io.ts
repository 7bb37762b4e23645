/**
 * Commands of xfs_io: a file of them, one a line, or a shell script with `xfs_io -c ... FILE`. They
 * are split into blocks as xfs_io does (`-b`, 4 KiB without), and what `-v` prints is kept.
 */
import { TraceParseError } from '../../base/errors.js';
import type { FallocMode, Op, OpAdvice, OpenFlag } from '../ops/language.js';
import {
  COPIED,
  type FrontEnd,
  mapName,
  type Recording,
  RecordingBuilder,
  type RecordingOptions,
} from '../recording.js';
import { Shell, type ShellCommand } from './shell.js';

const BLOCK = 4096;
/** Largest number of blocks that one command may be split into. */
const BLOCKS_MAX = 1_000_000;
/** Byte that pwrite writes without -S. */
const DEFAULT_BYTE = 0xcd;
/** Byte that mwrite stores without -S. */
const MAPPED_BYTE = 0x58;

interface OpenFile {
  readonly slot: number;
  readonly path: string;
  mapped: { offset: number; length: number } | undefined;
}

/** One command with its words. */
interface Command {
  readonly words: readonly string[];
  readonly line: number;
  readonly column: number;
}

/** Options and arguments of a command. */
interface Parsed {
  readonly options: ReadonlyMap<string, string>;
  readonly args: readonly string[];
}

type Handler = (player: XfsIo, command: Command, parsed: Parsed) => void;

/** Letters of each command that take a value. */
const VALUED: Readonly<Record<string, string>> = {
  open: '',
  pread: 'bVZ',
  pwrite: 'bVZSis',
  mwrite: 'S',
  sendfile: 'if',
  copy_range: 'sdlf',
};

class XfsIo {
  readonly builder = new RecordingBuilder();
  readonly options: RecordingOptions;
  readonly #file: string;
  readonly #open: OpenFile[] = [];
  #current = -1;
  #at: Command = { words: [], line: 1, column: 1 };

  constructor(file: string, options: RecordingOptions) {
    this.#file = file;
    this.options = options;
  }

  /** Performs one command of xfs_io. */
  perform(command: Command): void {
    this.#at = command;
    const [name = '', ...rest] = command.words;
    const handler = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    const reason = REFUSED[name];
    if (handler !== undefined) handler(this, command, parseWords(rest, VALUED[name] ?? ''));
    else if (reason !== undefined) this.refuse(name, reason[0], reason[1]);
    else if (!WITHOUT_EFFECT.has(name)) this.fail('a command of xfs_io', name);
  }

  /** `xfs_io [-options] [-c COMMAND]... FILE...`. */
  invoke({ words, line, column }: ShellCommand): void {
    const commands: string[] = [];
    const files: string[] = [];
    const letters: string[] = [];
    for (let i = 1; i < words.length; i++) {
      const word = words[i] as string;
      if (word === '-c') commands.push(words[++i] ?? '');
      else if (word.startsWith('-c')) commands.push(word.slice(2));
      else if (word === '-p' || word === '-C') i++;
      else if (word.startsWith('-')) letters.push(...word.slice(1));
      else files.push(word);
    }
    this.#at = { words, line, column };
    for (const name of files) this.open(name, letters);
    for (const text of commands) {
      const parts = text.match(/"[^"]*"|'[^']*'|\S+/g) ?? [];
      const plain = parts.map((part) => part.replace(/^(["'])(.*)\1$/, '$2'));
      this.perform({ words: plain, line, column });
    }
    while (this.#open.length > 0) this.close();
  }

  open(name: string, letters: readonly string[]): OpenFile {
    const has = (letter: string): boolean => letters.includes(letter);
    const flags: OpenFlag[] = [has('r') ? 'rdonly' : 'rdwr'];
    if (has('f')) flags.push('creat');
    if (has('t')) flags.push('trunc');
    if (has('a')) flags.push('append');
    if (has('d')) flags.push('direct');
    const path = mapName(name, this.options.names);
    const slot = this.builder.nextSlot();
    const file: OpenFile = { slot, path, mapped: undefined };
    this.#open.push(file);
    this.#current = this.#open.length - 1;
    this.emit({ kind: 'open', slot, flags, path });
    return file;
  }

  close(): void {
    const [file] = this.#open.splice(this.#current, 1);
    this.#current = this.#open.length - 1;
    if (file !== undefined) this.emit({ kind: 'close', slot: file.slot });
  }

  get file(): OpenFile {
    return this.#open[this.#current] ?? this.fail('an open file (open FILE)', 'none');
  }

  get mapped(): { offset: number; length: number } {
    return this.file.mapped ?? this.fail('a mapping (mmap OFFSET LENGTH)', 'none');
  }

  /** Makes the N-th open file the current one. */
  choose(index: number): void {
    if (this.#open[index] === undefined) this.fail('the number of an open file', String(index));
    this.#current = index;
  }

  other(index: number): OpenFile {
    return this.#open[index] ?? this.fail('the number of an open file', String(index));
  }

  emit(op: Op, more: { data?: Uint8Array; shown?: boolean } = {}): void {
    const { line } = this.#at;
    this.builder.add({ op, line, atNs: Number.NaN, task: 0, ...more });
  }

  refuse(what: string, reason: string, matters = true): void {
    this.builder.refuse(what, reason, this.#at.line, this.#at.column, matters);
  }

  fail(expected: string, got: string): never {
    throw new TraceParseError(this.#file, this.#at.line, this.#at.column, expected, got);
  }

  /** A number with a suffix of xfs_io. */
  number(text: string | undefined, what: string): number {
    const found = /^(0[xX][0-9a-fA-F]+|\d+)([bskmgtpe])?$/i.exec(text ?? '');
    const unit = UNITS[(found?.[2] ?? '').toLowerCase()] ?? 1;
    const value = found === null ? Number.NaN : Number(found[1]) * unit;
    return Number.isSafeInteger(value) ? value : this.fail(what, text ?? 'end of line');
  }

  range(args: readonly string[]): { offset: number; length: number } {
    const offset = this.number(args[0], 'a position in bytes');
    return { offset, length: this.number(args[1], 'a length in bytes') };
  }
}

const UNITS: Readonly<Record<string, number>> = {
  b: 4096,
  s: 512,
  ...Object.fromEntries(['k', 'm', 'g', 't', 'p'].map((unit, i) => [unit, 1024 ** (i + 1)])),
};

function parseWords(words: readonly string[], valued: string): Parsed {
  const options = new Map<string, string>();
  const args: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string;
    if (!/^-[A-Za-z]/.test(word)) {
      args.push(word);
      continue;
    }
    for (let at = 1; at < word.length; at++) {
      const letter = word[at] as string;
      if (!valued.includes(letter)) options.set(letter, '');
      else {
        options.set(letter, word.slice(at + 1) || (words[++i] ?? ''));
        break;
      }
    }
  }
  return { options, args };
}

// Blocks of a range in the order of -B (backwards) and -F; -V joins that many into one call.
function* blocks(player: XfsIo, options: Parsed['options'], args: readonly string[]) {
  const { offset, length } = player.range(args);
  const block = options.has('b') ? player.number(options.get('b'), 'a block size') : BLOCK;
  const vectors = options.has('V') ? player.number(options.get('V'), 'a number of vectors') : 1;
  const size = Math.max(1, block) * Math.max(1, vectors);
  const count = Math.ceil(length / size);
  if (count > BLOCKS_MAX) player.fail(`at most ${BLOCKS_MAX} blocks`, String(count));
  if (options.has('R')) player.refuse('-R', 'random positions: played in order');
  for (let i = 0; i < count; i++) {
    const at = (options.has('B') ? count - 1 - i : i) * size;
    yield { offset: offset + at, length: Math.min(size, length - at) };
  }
}

const pread: Handler = (player, _command, { options, args }) => {
  const { slot } = player.file;
  const shown = options.has('v');
  for (const range of blocks(player, options, args)) {
    player.emit({ kind: 'read', slot, ...range }, { shown });
  }
};

const pwrite: Handler = (player, _command, { options, args }) => {
  const { slot } = player.file;
  if (options.has('i')) player.refuse('pwrite -i', 'the file that it copies from is not known');
  const seed = options.has('S') ? player.number(options.get('S'), 'a byte') : DEFAULT_BYTE;
  for (const range of blocks(player, options, args)) {
    const data = new Uint8Array(range.length).fill(seed & 255);
    player.emit({ kind: 'write', slot, ...range, seed: 0 }, { data });
  }
  if (options.has('W') || options.has('w')) player.emit({ kind: 'fsync', slot });
};

const mread: Handler = (player, _command, { options, args }) => {
  const { slot } = player.file;
  const { mapped } = player;
  const range = args.length === 0 ? mapped : player.range(args);
  player.emit({ kind: 'load', slot, ...range }, { shown: options.has('v') });
};

const mwrite: Handler = (player, _command, { options, args }) => {
  const { slot } = player.file;
  const { mapped } = player;
  const range = args.length === 0 ? mapped : player.range(args);
  if (range.length > 1 << 30) player.fail('at most 1 GiB', String(range.length));
  const seed = options.has('S') ? player.number(options.get('S'), 'a byte') : MAPPED_BYTE;
  const data = new Uint8Array(range.length).fill(seed & 255);
  player.emit({ kind: 'store', slot, ...range, seed: 0 }, { data });
};

const fadvise: Handler = (player, _command, { options, args }) => {
  const words: readonly (readonly [string, OpAdvice])[] = [
    ['d', 'dontneed'],
    ['n', 'noreuse'],
    ['r', 'random'],
    ['s', 'sequential'],
    ['w', 'willneed'],
  ];
  const advice = words.find(([letter]) => options.has(letter))?.[1] ?? 'normal';
  const range = args.length >= 2 ? player.range(args) : { offset: 0, length: 0 };
  player.emit({ kind: 'fadvise', slot: player.file.slot, advice, ...range });
};

// The whole range at once: what was read is what is written.
function copy(player: XfsIo, from: OpenFile, offset: number, to: number, length: number): void {
  player.emit({ kind: 'read', slot: from.slot, offset, length });
  player.emit({ kind: 'write', slot: player.file.slot, offset: to, length, seed: COPIED });
}

const copyRange: Handler = (player, _command, { options, args }) => {
  const length = options.has('l') ? player.number(options.get('l'), 'a length') : Number.NaN;
  if (Number.isNaN(length)) {
    player.refuse('copy_range', 'without -l the length of the source decides');
    return;
  }
  const at = (letter: string) => player.number(options.get(letter) ?? '0', 'a position');
  const target = player.file;
  if (options.has('f')) {
    copy(
      player,
      player.other(player.number(options.get('f'), 'a number')),
      at('s'),
      at('d'),
      length,
    );
    return;
  }
  const index = args[0] ?? player.fail('a file to copy from', 'end of line');
  const source = player.open(index, ['r']);
  player.emit({ kind: 'read', slot: source.slot, offset: at('s'), length });
  player.emit({ kind: 'write', slot: target.slot, offset: at('d'), length, seed: COPIED });
  player.close();
};

function allocate(mode: 'none' | 'punch_hole' | 'zero_range'): Handler {
  return (player, _command, { options, args }) => {
    const keep = options.has('k') || mode === 'punch_hole';
    const modes: FallocMode[] = keep ? [mode, 'keep_size'] : [mode];
    const { slot } = player.file;
    player.emit({ kind: 'fallocate', slot, falloc: modes, ...player.range(args) });
  };
}

const onSlot =
  (op: (slot: number, player: XfsIo, parsed: Parsed) => Op): Handler =>
  (player, _command, parsed) =>
    player.emit(op(player.file.slot, player, parsed));

const COMMANDS: Readonly<Record<string, Handler>> = {
  open: (player, _command, { options, args }) => {
    if (args[0] !== undefined) player.open(args[0], [...options.keys()]);
  },
  close: (player) => player.close(),
  file: (player, _command, { args }) => {
    if (args[0] !== undefined) player.choose(player.number(args[0], 'the number of a file'));
  },
  pread,
  r: pread,
  read: pread,
  pwrite,
  w: pwrite,
  write: pwrite,
  mread,
  mr: mread,
  mwrite,
  mw: mwrite,
  mmap: (player, _command, { args }) => {
    player.file.mapped = player.range(args);
  },
  mm: (player, _command, { args }) => {
    player.file.mapped = player.range(args);
  },
  munmap: (player) => {
    player.file.mapped = undefined;
  },
  mu: (player) => {
    player.file.mapped = undefined;
  },
  msync: onSlot((slot) => ({ kind: 'fsync', slot })),
  ms: onSlot((slot) => ({ kind: 'fsync', slot })),
  fsync: onSlot((slot) => ({ kind: 'fsync', slot })),
  s: onSlot((slot) => ({ kind: 'fsync', slot })),
  fdatasync: onSlot((slot) => ({ kind: 'fsync', slot })),
  ds: onSlot((slot) => ({ kind: 'fsync', slot })),
  sync_range: onSlot((slot) => ({ kind: 'fsync', slot })),
  sync: (player) => player.emit({ kind: 'sync' }),
  syncfs: (player) => player.emit({ kind: 'sync' }),
  truncate: onSlot((slot, player, { args }) => ({
    kind: 'truncate',
    slot,
    length: player.number(args[0], 'a size in bytes'),
  })),
  fadvise,
  readahead: onSlot((slot, player, { args }) => ({
    kind: 'readahead',
    slot,
    ...player.range(args),
  })),
  stat: onSlot((slot) => ({ kind: 'fstat', slot })),
  statx: onSlot((slot) => ({ kind: 'fstat', slot })),
  freeze: (player) => player.emit({ kind: 'freeze' }),
  thaw: (player) => player.emit({ kind: 'thaw' }),
  falloc: allocate('none'),
  fpunch: allocate('punch_hole'),
  fzero: allocate('zero_range'),
  copy_range: copyRange,
  sendfile: (player, _command, { options, args }) => {
    const { offset, length } = player.range(args);
    if (options.has('f')) {
      copy(player, player.other(player.number(options.get('f'), 'a number')), offset, 0, length);
    } else
      player.refuse('sendfile -i', 'it writes behind what was written last, which is not known');
  },
};

const NOT_YET = ['calls of XFS alone are not played', true] as const;
const NO_NETWORK = ['a network file cannot share or shift extents', true] as const;
const SEEKS = ['where holes are is not known of a network file', false] as const;

/** Commands of xfs_io that are not played, and whether later operations may depend on them. */
const REFUSED: Readonly<Record<string, readonly [reason: string, matters: boolean]>> = {
  allocsp: NOT_YET,
  resvsp: NOT_YET,
  unresvsp: NOT_YET,
  zero: NOT_YET,
  fcollapse: NO_NETWORK,
  finsert: NO_NETWORK,
  reflink: NO_NETWORK,
  dedupe: NO_NETWORK,
  exchangerange: NO_NETWORK,
  funshare: NO_NETWORK,
  seek: SEEKS,
  fiemap: SEEKS,
  bmap: SEEKS,
  madvise: ['advice for a mapping is not played', false],
  mremap: ['a mapping that moves is not played', true],
  mincore: ['what is resident is not printed', false],
};

const WITHOUT_EFFECT = new Set([
  ...['quit', 'q', 'help', '?', 'print', 'p', 'lsattr', 'chattr', 'lsproj', 'chproj', 'extsize'],
  ...['getpath', 'version', 'statfs', 'label', 'inode', 'readdir', 'fsmap', 'utimes', 'parent'],
]);

/** Programs of a shell script that touch no file that is served. */
const HARMLESS = new Set([
  ...['echo', 'printf', 'set', 'true', ':', 'exit', 'cd', 'export', 'local', 'sleep', 'date', '.'],
  ...['source', 'shift', 'unset', 'trap', 'test', '['],
]);

class Script {
  readonly #xfs: XfsIo;
  readonly #file: string;

  constructor(xfs: XfsIo, file: string) {
    this.#xfs = xfs;
    this.#file = file;
  }

  perform(command: ShellCommand): void {
    const { words, output, line, column } = command;
    const [program = '', ...args] = words;
    const name = program.replace(/^.*\//, '');
    const emit = (op: Op): void => {
      this.#xfs.builder.add({ op, line, atNs: Number.NaN, task: 0 });
    };
    const dropped = /^\s*([123])\s*$/.exec(args.join(' '))?.[1];
    const sysctl = /^vm\.drop_caches=([123])$/.exec(args.at(-1) ?? '')?.[1];
    if (name === 'xfs_io') this.#xfs.invoke(command);
    else if (name === 'sync') emit({ kind: 'sync' });
    else if (name === 'echo' && output?.endsWith('/drop_caches') && dropped !== undefined) {
      emit({ kind: 'drop', level: Number(dropped) });
    } else if (name === 'sysctl' && sysctl !== undefined) {
      emit({ kind: 'drop', level: Number(sysctl) });
    } else if (READERS.has(name)) this.#readWhole(args, line);
    else if (!HARMLESS.has(name)) {
      const where = `${this.#file}: the program is not played`;
      this.#xfs.builder.refuse(name, where.slice(this.#file.length + 2), line, column);
    }
  }

  // `cat f`, `md5sum f`: the file from its beginning to its end.
  #readWhole(args: readonly string[], line: number): void {
    for (const name of args.filter((arg) => !arg.startsWith('-'))) {
      const { builder, options } = this.#xfs;
      const slot = builder.nextSlot();
      const path = mapName(name, options.names);
      const base = { line, atNs: Number.NaN, task: 0 };
      builder.add({ ...base, op: { kind: 'open', slot, flags: ['rdonly'], path } });
      builder.add({ ...base, op: { kind: 'load', slot, offset: 0, length: 1 << 30 }, result: 0 });
      builder.add({ ...base, op: { kind: 'close', slot } });
    }
  }
}

const READERS = new Set(['cat', 'md5sum', 'sha1sum', 'sha256sum', 'cksum', 'od', 'hexdump', 'xxd']);

const SCRIPT = /^(?:#!.*\bsh\b|.*\bxfs_io\b|.*XFS_IO_PROG)/m;
const COMMAND_LINE = new RegExp(
  `^\\s*(?:${[...Object.keys(COMMANDS), ...Object.keys(REFUSED)].filter((name) => name.length > 2).join('|')})(?:\\s|$)`,
);

function firstLine(head: string): string {
  return head.split('\n').find((line) => line.trim() !== '' && !line.startsWith('#')) ?? '';
}

/** Commands of xfs_io. */
export const xfsIo: FrontEnd = {
  name: 'xfs_io',
  doc: 'commands of xfs_io, one a line, or a shell script with xfs_io -c',
  recognises: (head) => {
    if (/^.*(?:\bxfs_io\b|XFS_IO_PROG).*-[a-z]*c/m.test(head)) return true;
    return COMMAND_LINE.test(firstLine(head));
  },
  parse(text: string, file: string, options: RecordingOptions): Recording {
    const xfs = new XfsIo(file, options);
    if (SCRIPT.test(text)) {
      const script = new Script(xfs, file);
      new Shell(text, file, (command) => script.perform(command)).run();
      return xfs.builder.build('xfs_io');
    }
    for (const [i, line] of text.split('\n').entries()) {
      const words = line.trim().split(/\s+/);
      const column = line.length - line.trimStart().length + 1;
      if (words[0] !== '' && !line.trimStart().startsWith('#')) {
        xfs.perform({ words, line: i + 1, column });
      }
    }
    return xfs.builder.build('xfs_io');
  },
};
