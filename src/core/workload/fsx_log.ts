/**
 * The `LOG DUMP` that fsx prints when a read is wrong, of xfstests, LTP and Apple, as operations
 * that can be done again. Called by `replay` and `fsx`.
 */
import { TraceParseError } from '../base/errors.js';
import {
  FSX_REFUSED,
  type FsxOp,
  type FsxOps,
  type FsxSkipped,
  isFsxOpsLine,
  parseFsxOps,
} from './fsxops.js';

/** What a mail, a commit message or the output of xfstests puts in front of a line. */
const QUOTED = /^[ \t>|+]+/gm;
const HEADER = /^LOG DUMP \((\d+) total operations\):/m;
const ENTRY = /^\s*(\d+)(?:\(\s*\d+ mod \d+\))?: (?:(\d+\.\d+) )?\s*(.*?)\s*$/;
const RANGE = /0x([0-9a-f]+)\s+thru\s+0x([0-9a-f]+)\s*(?:\(0x([0-9a-f]+) bytes\))?/i;
const CUT = /from\s+0x([0-9a-f]+)\s+to\s+0x([0-9a-f]+)/i;
const TARGET = /\bto\s+0x([0-9a-f]+)(?:\s+thru\s+0x([0-9a-f]+))?/i;
const BAD = /^READ BAD DATA: offset = 0x([0-9a-f]+), size = 0x([0-9a-f]+)/im;

/** Names in a dump, and of the operation in a list. */
const NAMES: Readonly<Record<string, string>> = {
  READ: 'read',
  WRITE: 'write',
  MAPREAD: 'mapread',
  MAPWRITE: 'mapwrite',
  TRUNCATE: 'truncate',
  FSYNC: 'fsync',
  MSYNC: 'fsync',
  INVALIDATE: 'invalidate',
  COPY: 'copy_range',
  FALLOC: 'fallocate',
  FALLOCATE: 'fallocate',
  PUNCH: 'punch_hole',
  ZERO: 'zero_range',
  COLLAPSE: 'collapse_range',
  INSERT: 'insert_range',
  CLONE: 'clone_range',
  DEDUPE: 'dedupe_range',
  EXCHANGE: 'exchange_range',
  XCHG: 'exchange_range',
};

/** True if the beginning of a file is of fsx. */
export function isFsxText(quoted: string): boolean {
  const head = quoted.replace(QUOTED, '');
  if (HEADER.test(head) || BAD.test(head)) return true;
  return isFsxOpsLine(head.split('\n').find((line) => line.trim() !== '') ?? '');
}

/** Reads a list of operations or a dump. Throws a `TraceParseError`. */
export function parseFsxText(text: string, file: string): FsxOps {
  const plain = text.replace(QUOTED, '');
  return HEADER.test(plain) ? parseDump(text, plain, file) : parseFsxOps(text, file);
}

// The same lines twice: as they stand in the file, for positions, and without what is in front.
function parseDump(whole: string, text: string, file: string): FsxOps {
  const lines = whole.split('\n');
  const ops: FsxOp[] = [];
  const skipped: FsxSkipped[] = [];
  const numbers: number[] = [];
  let marked = 0;
  let inside = false;
  for (const [i, line] of text.split('\n').entries()) {
    if (HEADER.test(line)) inside = true;
    else if (/^CLOSE\/OPEN/.test(line)) reopenLast(ops);
    const entry = inside && !HEADER.test(line) ? ENTRY.exec(line) : null;
    if (entry === null) {
      if (inside && numbers.length > 0 && /^(Correct content|\S*\.fsx)/.test(line)) inside = false;
      continue;
    }
    numbers.push(Number(entry[1]));
    const column = (lines[i] as string).indexOf(entry[3] as string) + 1;
    const read = parseEntry(entry[3] as string, (expected) => {
      throw new TraceParseError(file, i + 1, column, expected, entry[3] as string);
    });
    if (read === 'skip') marked++;
    else if (typeof read === 'string') {
      skipped.push({ kind: read, reason: FSX_REFUSED[read] as string, line: i + 1 });
    } else ops.push(read);
  }
  return { ops, skipped, marked, notes: [...badRead(text), ...gaps(text, numbers)] };
}

function reopenLast(ops: FsxOp[]): void {
  const last = ops.pop();
  if (last !== undefined) ops.push({ ...last, reopen: true });
}

function parseEntry(entry: string, fail: (expected: string) => never): FsxOp | string {
  if (/^(SKIPPED|BOGUS)/.test(entry)) return 'skip';
  if (/^CLOSE\/OPEN/.test(entry)) return plain('fsync', true);
  const name = /^[A-Z]+/.exec(entry)?.[0] ?? '';
  const kind = Object.hasOwn(NAMES, name) ? (NAMES[name] as string) : fail('an operation of fsx');
  const reopen = /CLOSE\/OPEN/.test(entry);
  if (kind === 'truncate') {
    const cut = CUT.exec(entry) ?? fail('from 0x... to 0x...');
    const size = Number.parseInt(cut[2] as string, 16);
    return { kind, offset: 0, length: size, reopen };
  }
  if (kind === 'fsync' || kind === 'invalidate') return plain(kind, reopen);
  const range = RANGE.exec(entry) ?? fail('0x... thru 0x...');
  const offset = Number.parseInt(range[1] as string, 16);
  // The end is the last byte, but of FALLOC the one behind it: the count is right of both.
  const last = Number.parseInt(range[2] as string, 16);
  const length = range[3] === undefined ? last - offset + 1 : Number.parseInt(range[3], 16);
  if (!(length > 0 && last >= offset)) fail('a range that ends behind its beginning');
  if (kind in FSX_REFUSED) return kind;
  if (kind !== 'copy_range') {
    const op = { kind: kind as 'read', offset, length, reopen };
    return /PAST_EOF/.test(entry) ? { ...op, keepSize: true } : op;
  }
  const target = TARGET.exec(entry.slice((range.index ?? 0) + range[0].length));
  const to = Number.parseInt(target?.[1] ?? fail('to 0x...'), 16);
  return { kind, offset, length, to, reopen };
}

function plain(kind: 'fsync' | 'invalidate', reopen: boolean): FsxOp {
  return { kind, offset: 0, length: 0, reopen };
}

function badRead(text: string): string[] {
  const bad = BAD.exec(text);
  if (bad === null) return [];
  const [offset, size] = [
    Number.parseInt(bad[1] as string, 16),
    Number.parseInt(bad[2] as string, 16),
  ];
  return [
    `the log was dumped for a read of 0x${size.toString(16)} bytes at 0x${offset.toString(16)}`,
  ];
}

// Numbers that the dump leaves out: what stood there is not known.
function gaps(text: string, numbers: readonly number[]): string[] {
  const total = Number(HEADER.exec(text)?.[1]);
  const missing: string[] = [];
  let next = 1;
  const range = (from: number, to: number) =>
    missing.push(from === to ? `${from}` : `${from}-${to}`);
  for (const number of numbers) {
    if (number > next) range(next, number - 1);
    next = number + 1;
  }
  if (total >= next) range(next, total);
  if (missing.length === 0) return [];
  const shown = missing.slice(0, 20).join(', ');
  const more = missing.length > 20 ? ` and ${missing.length - 20} stretches more` : '';
  return [`the log has no lines for operations ${shown}${more} of ${total}`];
}
