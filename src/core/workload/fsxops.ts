/**
 * The operations of fsx and the text they are kept in (`.fsxops`), as fsx of xfstests reads and
 * writes it: `[skip ]OP 0xOFFSET 0xLENGTH 0xSIZE[ keep_size][ close_open][ *]`, one a line.
 *
 * Differs: `invalidate`, `drop` and `foreign` are ours; operations that AFS does not have
 * (`fallocate`, `punch_hole`, ...) are read and passed over.
 */
import { TraceParseError } from '../base/errors.js';

/** Operations that are performed. */
export const FSX_KINDS = [
  'read',
  'write',
  'mapread',
  'mapwrite',
  'truncate',
  'fsync',
  'invalidate',
  'drop',
  'foreign',
] as const;

/** One of them. */
export type FsxKind = (typeof FSX_KINDS)[number];

/** Operations of fsx that the played filesystem refuses with EOPNOTSUPP. */
const UNSUPPORTED = [
  'fallocate',
  'punch_hole',
  'zero_range',
  'collapse_range',
  'insert_range',
  'read_dontcache',
  'write_dontcache',
  'write_atomic',
  'clone_range',
  'dedupe_range',
  'copy_range',
  'exchange_range',
];

/** One operation. Bytes; of `truncate`, `length` is the new size. */
export interface FsxOp {
  readonly kind: FsxKind;
  readonly offset: number;
  readonly length: number;
  /** The file is closed and opened again behind it. */
  readonly reopen: boolean;
}

/** What a file of operations holds. */
export interface FsxOps {
  readonly ops: readonly FsxOp[];
  /** Lines that are not performed: marked `skip`, or not supported. */
  readonly skipped: number;
}

/** One operation as a line; `size` is the file's before it. */
export function printFsxOp({ kind, offset, length, reopen }: FsxOp, size: number): string {
  const hex = (value: number): string => `0x${value.toString(16)}`;
  const flags = reopen ? ' close_open' : '';
  return `${kind} ${hex(offset)} ${hex(length)} ${hex(size)}${flags}`;
}

/** Reads a file of operations. Throws a `TraceParseError` at a line that is none. */
export function parseFsxOps(text: string, file: string): FsxOps {
  const ops: FsxOp[] = [];
  let skipped = 0;
  for (const [at, line] of text.split('\n').entries()) {
    const words = line.split(/[ \t]+/).filter((word) => word !== '');
    if (words.length === 0) continue;
    const op = parseWords(words, (expected) => {
      throw new TraceParseError(file, at + 1, 1, expected, line);
    });
    if (op === undefined) skipped++;
    else ops.push(op);
  }
  return { ops, skipped };
}

function parseWords(words: string[], fail: (expected: string) => never): FsxOp | undefined {
  const skip = words[0] === 'skip';
  const [kind = '', ...rest] = skip ? words.slice(1) : words;
  const known = (FSX_KINDS as readonly string[]).includes(kind);
  if (!known && !UNSUPPORTED.includes(kind)) fail('an operation of fsx');
  const numbers = rest.filter((word) => /^(0[xX][0-9a-fA-F]+|[0-9]+)$/.test(word));
  const flags = rest.slice(numbers.length);
  if (numbers.length < 3 || numbers.length > 4) fail('offset, length and size');
  for (const flag of flags) {
    if (!['keep_size', 'close_open', '*'].includes(flag)) fail('keep_size, close_open or *');
  }
  if (skip || !known) return undefined;
  const [offset = 0, length = 0] = numbers.map(parseNumber);
  return { kind: kind as FsxKind, offset, length, reopen: flags.includes('close_open') };
}

// As strtoul(3) with base 0: a leading 0 is octal.
function parseNumber(word: string): number {
  return /^0[0-7]+$/.test(word) ? Number.parseInt(word, 8) : Number(word);
}
