/**
 * One line of strace: who, when, and which call with which arguments and result. Knows no system
 * call; `strace.ts` does.
 */

/** What a line tells. */
export interface StraceLine {
  /** 0 where the log names no process. */
  pid: number;
  /** As printed: since 1970, since midnight, or since the line before (`relative`). NaN: none. */
  seconds: number;
  relative: boolean;
  kind: 'call' | 'unfinished' | 'resumed' | 'exit' | 'signal' | 'notice' | 'other';
  name: string;
  /** Position of the first argument in the line; of the rest, in a resumed line. */
  argsAt: number;
}

const DIGIT_0 = 48;
const DIGIT_9 = 57;
const SPACE = 32;

function isDigit(code: number): boolean {
  return code >= DIGIT_0 && code <= DIGIT_9;
}

function skipSpaces(text: string, at: number): number {
  let next = at;
  while (text.charCodeAt(next) === SPACE) next++;
  return next;
}

function skipDigits(text: string, at: number): number {
  let next = at;
  while (isDigit(text.charCodeAt(next))) next++;
  return next;
}

/** Reads the front of a line into `into`, which is used again for every line. */
export function scanStraceLine(text: string, into: StraceLine): void {
  into.pid = 0;
  into.seconds = Number.NaN;
  into.relative = false;
  let at = scanPid(text, into);
  at = scanTime(text, at, into);
  // `-r` beside `-t`: a second time stands behind; the first counts.
  if (isDigit(text.charCodeAt(at))) {
    const again = { ...into };
    const behind = scanTime(text, at, again);
    if (behind !== at && again.relative) at = behind;
  }
  at = skipMarks(text, at);
  scanCall(text, at, into);
}

// `(+     0.000123) ` of -r beside -t, `[ 257] ` of -n, `[00007f9d0c1b8a67] ` of -i, in this order.
function skipMarks(text: string, at: number): number {
  let next = at;
  while (text[next] === '[' || text.startsWith('(+', next)) {
    const end = text.indexOf(text[next] === '[' ? ']' : ')', next);
    if (end < 0) return next;
    next = skipSpaces(text, end + 1);
  }
  return next;
}

// `[pid  4301] `, `[pid 4301<sh>] `, `4201 `, `4201<sh> ` or nothing. A number in front of a time
// with a point is no process.
function scanPid(text: string, into: StraceLine): number {
  const at = skipSpaces(text, 0);
  if (text.startsWith('[pid', at)) {
    const start = skipSpaces(text, at + 4);
    const end = skipDigits(text, start);
    into.pid = Number(text.slice(start, end));
    const close = text.indexOf('] ', end);
    return skipSpaces(text, close < 0 ? end : close + 1);
  }
  const end = skipDigits(text, at);
  let behind = end;
  if (text[end] === '<') behind = text.indexOf('> ', end) + 1;
  if (end === at || text.charCodeAt(behind) !== SPACE) return at;
  into.pid = Number(text.slice(at, end));
  return skipSpaces(text, behind);
}

// `12:34:56`, `12:34:56.123456`, `1700000000.123456`, `0.000123`.
function scanTime(text: string, at: number, into: StraceLine): number {
  const end = skipDigits(text, at);
  if (end === at) return at;
  const mark = text[end];
  if (mark === ':') {
    const found = /^(\d+):(\d\d):(\d\d(?:\.\d+)?) +/.exec(text.slice(at, at + 32));
    if (found === null) return at;
    into.seconds = Number(found[1]) * 3600 + Number(found[2]) * 60 + Number(found[3]);
    return at + found[0].length;
  }
  if (mark !== '.') return at;
  const last = skipDigits(text, end + 1);
  if (text.charCodeAt(last) !== SPACE) return at;
  into.seconds = Number(text.slice(at, last));
  into.relative = end - at < 9;
  return skipSpaces(text, last);
}

function scanCall(text: string, at: number, into: StraceLine): void {
  into.argsAt = at;
  into.name = '';
  const first = text[at];
  if (first === '<' && text.startsWith('<... ', at)) {
    const space = text.indexOf(' ', at + 5);
    into.kind = 'resumed';
    into.name = text.slice(at + 5, space < 0 ? text.length : space);
    const close = text.indexOf('>', at + 5);
    into.argsAt = close < 0 ? text.length : close + 1;
    return;
  }
  if (first === '+' || first === '-') {
    into.kind = text.startsWith('+++', at) ? 'exit' : 'signal';
    return;
  }
  const open = text.indexOf('(', at);
  if (open <= at || !isName(text, at, open)) {
    into.kind = NOTICE.test(text.slice(at)) ? 'notice' : 'other';
    return;
  }
  into.name = text.slice(at, open);
  into.argsAt = open + 1;
  into.kind = UNFINISHED.test(text.slice(-80)) ? 'unfinished' : 'call';
}

// What strace says of itself, the stack of -k (` > /lib/libc.so.6(read+0x12) [0xfd]`), the rest of
// a call into which it spoke (` <unfinished ...>`), and the table of -C.
const NOTICE = /^(strace: |Process \d+ |> |<unfinished \.\.\.>|% time |-{6}|[\d. ]+ +\w+$)/;

// A call that goes on in another line: `clone(strace: Process 15236 attached` is one, too.
const UNFINISHED = /<unfinished \.\.\.>\r?$|\bProcess \d+ (?:attached|suspended)\r?$/;

/** Where the arguments of the first half of a call end. */
export function unfinishedEnd(text: string, at: number): number {
  const mark = text.lastIndexOf('<unfinished ...>');
  if (mark >= at) return mark;
  const spoken = text.slice(at).search(/(?:strace: )?Process \d+ (?:attached|suspended)\r?$/);
  return spoken < 0 ? text.length : at + spoken;
}

function isName(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i);
    const letter = (code >= 97 && code <= 122) || (code >= 65 && code <= 90);
    if (!letter && !isDigit(code) && code !== 95) return false;
  }
  return true;
}

/** What stands behind the arguments of a call. */
export interface StraceEnd {
  readonly args: readonly string[];
  /** The result; NaN for `?` and for what is no number. */
  readonly result: number;
  /** Symbolic error, `ENOENT`; '' without. */
  readonly error: string;
  /** What `-y` shows behind a result that is a descriptor: `/mnt/t/f`; '' without. */
  readonly resultPath: string;
}

/**
 * Splits the arguments from position `at` on and reads the result; undefined where the line ends
 * before the call does.
 */
export function scanArguments(text: string, at: number): StraceEnd | undefined {
  const args: string[] = [];
  let depth = 0;
  let start = at;
  for (let i = at; i < text.length; i++) {
    const code = text.charCodeAt(i);
    // Letters and digits are most of a line.
    if (code > 64 && code !== 91 && code !== 93 && code !== 123 && code !== 125) continue;
    if (code === 34) i = endOfString(text, i);
    else if (code === 60) i = endOfPath(text, i);
    else if (code === 40 || code === 91 || code === 123) depth++;
    else if (code === 41 && depth === 0) {
      if (i > start || args.length > 0) args.push(trimmed(text, start, i));
      return scanResult(text, i + 1, args);
    } else if (code === 41 || code === 93 || code === 125) depth--;
    else if (code === 44 && depth === 0) {
      args.push(trimmed(text, start, i));
      start = i + 1;
    }
  }
  return undefined;
}

function trimmed(text: string, from: number, to: number): string {
  let [start, end] = [from, to];
  while (start < end && text.charCodeAt(start) === SPACE) start++;
  while (end > start && text.charCodeAt(end - 1) === SPACE) end--;
  return text.slice(start, end);
}

function endOfString(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 92) i++;
    else if (code === 34) return i;
  }
  return text.length;
}

// `3</a/b>`: only behind a descriptor; `<` elsewhere (`1<<20`) is a character.
function endOfPath(text: string, at: number): number {
  const before = text.charCodeAt(at - 1);
  if (!isDigit(before) && before !== 68) return at;
  if (text[at + 1] === '<') return at;
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    if (text[i] === '<') depth++;
    // `<pipe:[1]>`, `</dev/null<char 1:3>>`; `->` is part of a name of a socket.
    else if (text[i] === '>' && text[i - 1] !== '-' && --depth === 0) return i;
  }
  return at;
}

const RESULT =
  /^\s*=\s*(-?(?:0x[0-9a-f]+|\d+)|\?)(?:<((?:[^<>]|<[^<>]*>)*)>)?(?:\s+([A-Z][A-Z0-9_]*))?/;

function scanResult(text: string, at: number, args: readonly string[]): StraceEnd {
  const plain = plainResult(text, at);
  if (plain >= 0) return { args, result: plain, error: '', resultPath: '' };
  const found = RESULT.exec(text.slice(at, at + 4200));
  if (found === null) return { args, result: Number.NaN, error: '', resultPath: '' };
  const [, value = '?', path = '', error = ''] = found;
  const result = value === '?' ? Number.NaN : Number(value);
  return {
    args,
    result,
    error: result === -1 || value === '?' ? error : '',
    resultPath: plainPath(path),
  };
}

// ` = 4096` and nothing behind it but the time it took; -1: something else.
function plainResult(text: string, at: number): number {
  let next = skipSpaces(text, at);
  if (text.charCodeAt(next) !== 61) return -1;
  next = skipSpaces(text, next + 1);
  const end = skipDigits(text, next);
  if (end === next || end - next > 15) return -1;
  const after = text.charCodeAt(end);
  const ends =
    Number.isNaN(after) || after === 13 || (after === SPACE && text.charCodeAt(end + 1) === 60);
  return ends ? Number(text.slice(next, end)) : -1;
}

/** The descriptor in front of an argument, without its name; NaN: there is none. */
export function descriptorOf(arg: string): number {
  const end = skipDigits(arg, 0);
  return end === 0 ? Number.NaN : Number(arg.slice(0, end));
}

/** A name as `-y` prints it, without the kind of device and the mark of a removed file. */
function plainPath(path: string): string {
  return unescapeC(path.replace(/\(deleted\)$/, '').replace(/<[^<>]*>$/, ''));
}

/** A descriptor with the name that `-y` shows: `3</mnt/t/f>`. NaN: not a descriptor. */
export function scanDescriptor(arg: string): { readonly fd: number; readonly path: string } {
  const end = skipDigits(arg, 0);
  if (end === 0) {
    const cwd = arg.startsWith('AT_FDCWD');
    const path = cwd && arg[8] === '<' ? plainPath(arg.slice(9, -1)) : '';
    return { fd: cwd ? -100 : Number.NaN, path };
  }
  const path = arg[end] === '<' && arg.endsWith('>') ? plainPath(arg.slice(end + 1, -1)) : '';
  return { fd: Number(arg.slice(0, end)), path };
}

const ESCAPES: Readonly<Record<string, number>> = {
  n: 10,
  t: 9,
  r: 13,
  v: 11,
  f: 12,
  '"': 34,
  '\\': 92,
};

/** The bytes of a quoted string; undefined for what is none. `cut`: the log shows only a part. */
export function scanString(
  arg: string,
): { readonly bytes: Buffer; readonly cut: boolean } | undefined {
  if (arg[0] !== '"') return undefined;
  const end = endOfString(arg, 0);
  const body = arg.slice(1, end);
  return { bytes: unescapeBytes(body), cut: arg.startsWith('...', end + 1) };
}

// What stands behind a backslash: up to three octal digits, x and two hexadecimal ones, a letter.
function escapeAt(body: string, at: number): readonly [byte: number, used: number] {
  let value = 0;
  let used = 0;
  while (used < 3) {
    const digit = body.charCodeAt(at + used) - DIGIT_0;
    if (!(digit >= 0 && digit < 8)) break;
    value = value * 8 + digit;
    used++;
  }
  if (used > 0) return [value & 255, used];
  if (body[at] === 'x') {
    const hex = /^[0-9a-fA-F]{1,2}/.exec(body.slice(at + 1, at + 3))?.[0];
    if (hex !== undefined) return [Number.parseInt(hex, 16), hex.length + 1];
  }
  const letter = body[at];
  return [
    ESCAPES[letter as string] ?? (body.charCodeAt(at) || 92) & 255,
    letter === undefined ? 0 : 1,
  ];
}

function unescapeBytes(body: string): Buffer {
  if (!body.includes('\\')) return Buffer.from(body, 'utf8');
  const bytes = Buffer.allocUnsafe(body.length * 3);
  let length = 0;
  for (let i = 0; i < body.length; i++) {
    if (body[i] !== '\\') {
      const char = body.codePointAt(i) as number;
      if (char < 128) bytes[length++] = char;
      else {
        length += bytes.write(String.fromCodePoint(char), length);
        if (char > 0xffff) i++;
      }
      continue;
    }
    const [byte, used] = escapeAt(body, i + 1);
    bytes[length++] = byte;
    i += used;
  }
  return bytes.subarray(0, length);
}

/** A name as C would write it, without its escapes. */
export function unescapeC(text: string): string {
  return text.includes('\\') ? unescapeBytes(text).toString('utf8') : text;
}
