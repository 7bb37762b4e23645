/**
 * The operations of fsx and the text they are kept in (`.fsxops`), as fsx of xfstests reads and
 * writes it: `[skip ]OP 0xOFFSET 0xLENGTH [0xTO ]0xSIZE[ keep_size][ close_open][ *]`, one a line.
 *
 * Differs: `invalidate`, `drop` and `foreign` are ours; operations that a network file cannot do
 * (`insert_range`, `clone_range`, ...) are read and counted by name.
 */
import { TraceParseError } from '../base/errors.js';

/** Operations that are performed. */
export const FSX_KINDS = [
  'read',
  'write',
  'mapread',
  'mapwrite',
  'truncate',
  'copy_range',
  'fallocate',
  'punch_hole',
  'zero_range',
  'fsync',
  'invalidate',
  'drop',
  'foreign',
] as const;

/** One of them. */
export type FsxKind = (typeof FSX_KINDS)[number];

/** Operations of fsx that are not performed, and why. */
export const FSX_REFUSED: Readonly<Record<string, string>> = {
  collapse_range: 'a network file cannot shift its extents',
  insert_range: 'a network file cannot shift its extents',
  clone_range: 'a network file cannot share extents',
  dedupe_range: 'a network file cannot share extents',
  exchange_range: 'a network file cannot exchange extents',
  unshare_range: 'a network file has no shared extents',
};

/**
 * Reads and writes with a hint, and what is done: fsx, too, does them without it where the
 * filesystem has none, and its dump calls them READ and WRITE.
 */
const HINTED: Readonly<Record<string, FsxKind>> = {
  ...({ read_dontcache: 'read', write_dontcache: 'write', write_atomic: 'write' } as const),
};

/** Operations whose line has a second position in front of the size. */
const TWO_PLACES = ['copy_range', 'clone_range', 'dedupe_range', 'exchange_range'];

/** One operation. Bytes; of `truncate`, `length` is the new size. */
export interface FsxOp {
  readonly kind: FsxKind;
  readonly offset: number;
  readonly length: number;
  /** Where `copy_range` copies to. */
  readonly to?: number;
  /** `fallocate` and `zero_range` leave the size as it is. */
  readonly keepSize?: boolean;
  /** The file is closed and opened again behind it. */
  readonly reopen: boolean;
}

/** An operation of a list that is not performed. */
export interface FsxSkipped {
  readonly kind: string;
  readonly reason: string;
  /** Line of the list, from 1. */
  readonly line: number;
}

/** What a file of operations holds. */
export interface FsxOps {
  readonly ops: readonly FsxOp[];
  /** Operations that change the file and are not performed. */
  readonly skipped: readonly FsxSkipped[];
  /** Lines that the list itself marks as no operation. */
  readonly marked: number;
  /** What else the text tells: sentences. */
  readonly notes: readonly string[];
}

/** One operation as a line; `size` is the file's before it. */
export function printFsxOp(op: FsxOp, size: number): string {
  const { kind, offset, length, to, reopen, keepSize } = op;
  const hex = (value: number): string => `0x${value.toString(16)}`;
  const flags = `${keepSize === true ? ' keep_size' : ''}${reopen ? ' close_open' : ''}`;
  const second = kind === 'copy_range' ? ` ${hex(to ?? 0)}` : '';
  return `${kind} ${hex(offset)} ${hex(length)}${second} ${hex(size)}${flags}`;
}

/** True for a line that could be of a list. */
export function isFsxOpsLine(line: string): boolean {
  const words = line.trim().split(/[ \t]+/);
  const kind = (words[0] === 'skip' ? words[1] : words[0]) ?? '';
  const plays = (FSX_KINDS as readonly string[]).includes(kind) || Object.hasOwn(HINTED, kind);
  const known = plays || Object.hasOwn(FSX_REFUSED, kind);
  return known && words.some((word) => /^0x[0-9a-f]+$/i.test(word));
}

/** Reads a file of operations. Throws a `TraceParseError` at a line that is none. */
export function parseFsxOps(text: string, file: string): FsxOps {
  const ops: FsxOp[] = [];
  const skipped: FsxSkipped[] = [];
  let marked = 0;
  for (const [at, line] of text.split('\n').entries()) {
    const words = [...line.matchAll(/[^ \t\r]+/g)];
    if (words.length === 0) continue;
    const parsed = parseWords(words, (expected, index) => {
      const word = words[index];
      const column = (word?.index ?? line.length) + 1;
      throw new TraceParseError(file, at + 1, column, expected, word?.[0] ?? 'end of line');
    });
    if (parsed === 'skip') marked++;
    else if (typeof parsed === 'string') {
      skipped.push({ kind: parsed, reason: FSX_REFUSED[parsed] as string, line: at + 1 });
    } else ops.push(parsed);
  }
  return { ops, skipped, marked, notes: [] };
}

// An operation, 'skip', or the name of one that is not performed.
function parseWords(
  words: readonly RegExpMatchArray[],
  fail: (expected: string, index: number) => never,
): FsxOp | string {
  const skip = words[0]?.[0] === 'skip';
  const first = skip ? 1 : 0;
  const written = words[first]?.[0] ?? '';
  const kind = Object.hasOwn(HINTED, written) ? (HINTED[written] as FsxKind) : written;
  const known = (FSX_KINDS as readonly string[]).includes(kind);
  if (!known && !Object.hasOwn(FSX_REFUSED, kind)) fail('an operation of fsx', first);
  const rest = words.slice(first + 1).map((word) => word[0] as string);
  const isFlag = (word: string): boolean => !/^(0[xX][0-9a-fA-F]+|[0-9]+)$/.test(word);
  const count = rest.findIndex(isFlag) < 0 ? rest.length : rest.findIndex(isFlag);
  const two = TWO_PLACES.includes(kind);
  // A line of copy_range without its second position is of an older fsx: cannot be performed.
  if (count < 3 || count > 4) fail('offset, length and size', first + 1 + count);
  const flags = rest.slice(count);
  const wrong = flags.findIndex(
    (flag) => !['keep_size', 'close_open', 'unshare', '*'].includes(flag),
  );
  if (wrong >= 0) fail('keep_size, close_open or *', first + 1 + count + wrong);
  if (skip) return 'skip';
  if (!known) return kind;
  if (flags.includes('unshare')) return 'unshare_range';
  if (two && count < 4) fail('offset, length, position to copy to, and size', first + 1 + count);
  const [offset = 0, length = 0, to = 0] = rest.slice(0, count).map(parseNumber);
  const base = { kind: kind as FsxKind, offset, length, reopen: flags.includes('close_open') };
  if (two) return { ...base, to };
  return flags.includes('keep_size') ? { ...base, keepSize: true } : base;
}

// As strtoul(3) with base 0: a leading 0 is octal.
function parseNumber(word: string): number {
  return /^0[0-7]+$/.test(word) ? Number.parseInt(word, 8) : Number(word);
}
