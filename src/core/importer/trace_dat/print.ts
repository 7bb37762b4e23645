/**
 * A small interpreter of embedded print formats: compiles `print fmt: "...", args` to a function
 * that prints a record as the kernel does. Called by the decoder, which also takes the values of
 * single conversions from it.
 *
 * Kernel: lib/vsprintf.c. Differs: `%p` prints the address and not its hash, which only the kernel
 * that was traced can know.
 */
import type { Layout } from './bytes.js';
import { compileArguments, PrintFmtError } from './expression.js';
import type { EventFormat, Field } from './format.js';
import { dump } from './helpers.js';
import type { KernelSymbols } from './symbols.js';
import {
  asText,
  type BytesExpression,
  type Expression,
  type Integer,
  type NumberExpression,
  type RecordView,
  readNumber,
  wrap,
} from './value.js';

/** One `%...` of a format with the argument it prints. */
export interface PrintConversion {
  /** As it stands: `%08x`, `%pISpc`. */
  readonly source: string;
  /** `d u x X o s c`, or `p` with its extension. */
  readonly kind: string;
  /** Bits of the C type that the conversion reads. */
  readonly bits: 8 | 16 | 32 | 64;
  readonly argument: Expression;
  /** What it prints. */
  readonly print: (record: RecordView) => string;
  /** The number in the record that alone decides what it prints; null where there is none. */
  readonly of: Field | null;
}

/** A compiled print format: `text[0] conversions[0] text[1] ...`. */
export interface PrintFmt {
  /** The format string alone. */
  readonly source: string;
  readonly text: readonly string[];
  readonly conversions: readonly PrintConversion[];
  /** The arguments as they stand behind the format string: `, REC->rreq, REC->ref`. */
  readonly args: string;
}

/** What printing needs besides the record. */
export interface PrintContext extends Layout {
  readonly symbols: KernelSymbols;
}

const CONVERSION =
  /%([-+ #0]*)(\*|\d{0,4})(?:\.(\*|\d{0,4}))?(hh|h|ll|l|L|q|z|t|j|)(%|p[A-Za-z0-9]*|[diuxXosc])/g;
const LENGTH_BITS: Readonly<Record<string, 8 | 16 | 64>> = { hh: 8, h: 16, ll: 64, L: 64, q: 64 };

interface Spec {
  readonly source: string;
  readonly flags: string;
  readonly width: Amount;
  readonly precision: Amount;
  readonly length: string;
  readonly kind: string;
}

/** A width or precision: none, given, or taken from the arguments. */
type Amount = null | '*' | number;

/** Compiles a print format. Throws PrintFmtError where it is not understood. */
export function compilePrintFmt(format: EventFormat, context: PrintContext): PrintFmt {
  const source = format.printFmt;
  let failure = new PrintFmtError(0, 'no format string');
  if (!source.startsWith('"')) throw failure;
  // A quote inside the string is not escaped (`"d=%x "%s" f=%x", REC->d, ...`): the string ends at
  // the first one behind which everything makes sense.
  const ends = /"\s*(?=,|$)/g;
  ends.lastIndex = 1;
  for (let tries = 0; tries < 8; tries++) {
    const end = ends.exec(source);
    if (end === null) break;
    try {
      const text = unescaped(source.slice(1, end.index));
      const args = source.slice(end.index + 1);
      return { ...bind(text, compileArguments(args, format, context), context), args };
    } catch (error) {
      if (!(error instanceof PrintFmtError)) throw error;
      if (tries === 0) failure = error;
    }
  }
  throw failure;
}

const MAX_WIDTH = 1024;
/** The kernel has room for this many bytes of text of an event. */
const MAX_TEXT = 8192;

/** Prints a record; no longer than the kernel could. */
export function printRecord({ text, conversions }: PrintFmt, record: RecordView): string {
  let line = text[0] as string;
  for (let i = 0; i < conversions.length && line.length < MAX_TEXT; i++) {
    line += (conversions[i] as PrintConversion).print(record) + text[i + 1];
  }
  return line.length > MAX_TEXT ? line.slice(0, MAX_TEXT) : line;
}

/** The fields of a record as `name=value`, for an event whose print format is not understood. */
export function printFields(format: EventFormat, context: Layout, record: RecordView): string {
  const texts: string[] = [];
  for (const { name, array, type } of format.fields.values()) {
    if (name.startsWith('common_')) continue;
    const [value] = compileArguments(`, REC->${name}`, format, context);
    if (value === undefined) continue;
    const read = value.eval(record);
    if (!(read instanceof Uint8Array)) texts.push(`${name}=${read}`);
    else if (array && /\bchar\b/.test(type)) texts.push(`${name}=${asText(value)?.(record)}`);
    else texts.push(`${name}=${dump(read, ' ')}`);
  }
  return texts.join(' ');
}

function unescaped(text: string): string {
  return text.replace(/\\([nt"\\])/g, (_, letter: string) =>
    letter === 'n' ? '\n' : letter === 't' ? '\t' : letter,
  );
}

function bind(
  source: string,
  args: readonly Expression[],
  context: PrintContext,
): Omit<PrintFmt, 'args'> {
  const text: string[] = [];
  const conversions: PrintConversion[] = [];
  let literal = '';
  let end = 0;
  let next = 0;
  const take = (): Expression => {
    const argument = args[next++];
    if (argument === undefined) throw new PrintFmtError(0, 'more conversions than arguments');
    return argument;
  };
  for (const match of source.matchAll(CONVERSION)) {
    literal += source.slice(end, match.index);
    end = match.index + match[0].length;
    if (match[5] === '%') {
      literal += '%';
      continue;
    }
    text.push(literal);
    literal = '';
    conversions.push(conversion(specOf(match), take, context));
  }
  if (next !== args.length) throw new PrintFmtError(0, 'more arguments than conversions');
  literal += source.slice(end);
  text.push(literal);
  return { source, text, conversions };
}

function specOf(match: RegExpMatchArray): Spec {
  const [source, flags = '', width = '', precision, length = '', kind = ''] = match;
  const amount = (given: string) => (given === '*' ? '*' : Math.min(MAX_WIDTH, Number(given)));
  return {
    source,
    flags,
    width: width === '' ? null : amount(width),
    precision: precision === undefined ? null : amount(precision),
    length,
    kind: kind === 'i' ? 'd' : kind,
  };
}

function conversion(spec: Spec, take: () => Expression, context: PrintContext): PrintConversion {
  const width = amountOf(spec.width, take);
  const precision = amountOf(spec.precision, take);
  const argument = take();
  const bits = LENGTH_BITS[spec.length] ?? (spec.length === '' ? 32 : longBits(context));
  const { source, kind, flags } = spec;
  const digits = digitsOf(spec, bits, argument, width, context);
  const zero = flags.includes('0') && !flags.includes('-') && kind !== 's';
  const print = (record: RecordView): string => {
    let text = digits(record);
    const limit = precision(record);
    if (limit !== null && kind === 's') text = text.slice(0, limit);
    else if (limit !== null) text = padDigits(text, limit);
    // The width of `%*ph` is how many bytes to print.
    const columns = kind.startsWith('ph') ? null : width(record);
    if (columns === null || text.length >= columns) return text;
    if (flags.includes('-')) return text.padEnd(columns);
    if (!zero) return text.padStart(columns);
    return padDigits(text, columns - (text.startsWith('-') ? 1 : 0));
  };
  const fixed = spec.width !== '*' && spec.precision !== '*';
  const of = fixed && argument.kind !== 'bytes' ? argument.of : null;
  return { source, kind, bits, argument, print, of };
}

function amountOf(amount: Amount, take: () => Expression): (record: RecordView) => number | null {
  if (amount !== '*') return () => amount;
  const argument = take();
  if (argument.kind !== 'number') throw new PrintFmtError(0, 'a width that is not a number');
  return (record) => Math.max(0, Math.min(MAX_WIDTH, Number(argument.eval(record))));
}

function longBits({ longSize }: Layout): 32 | 64 {
  return longSize === 8 ? 64 : 32;
}

function padDigits(text: string, digits: number): string {
  return text.startsWith('-')
    ? `-${text.slice(1).padStart(digits, '0')}`
    : text.padStart(digits, '0');
}

/** The text of an argument before width and precision. */
function digitsOf(
  { kind, flags }: Spec,
  bits: 8 | 16 | 32 | 64,
  argument: Expression,
  width: (record: RecordView) => number | null,
  context: PrintContext,
): (record: RecordView) => string {
  if (kind.startsWith('p')) return pointerText(kind.slice(1), argument, width, context);
  if (kind === 's') {
    const text = asText(argument);
    if (text !== null || argument.kind !== 'number') return text ?? (() => '');
    const { symbols } = context;
    return (r) => symbols.text(unsigned(argument.eval(r))) ?? addressText(argument, r, context);
  }
  if (argument.kind !== 'number') throw new PrintFmtError(0, `%${kind} of what is not a number`);
  const { eval: value } = argument;
  if (kind === 'c') return (record) => String.fromCharCode(Number(value(record)) & 0xff);
  const base = kind === 'o' ? 8 : kind === 'x' || kind === 'X' ? 16 : 10;
  const prefix = base === 16 && flags.includes('#') ? '0x' : '';
  const plus = kind === 'd' && flags.includes('+') ? '+' : '';
  return (record) => {
    const number = wrap(value(record), bits, kind === 'd');
    const text = number.toString(base);
    return (number >= 0 ? plus : '') + prefix + (kind === 'X' ? text.toUpperCase() : text);
  };
}

/** What the kernel prints for the extensions of `%p` that events use. */
function pointerText(
  extension: string,
  argument: Expression,
  width: (record: RecordView) => number | null,
  context: PrintContext,
): (record: RecordView) => string {
  if (argument.kind === 'number') {
    const offset = /^[SB]/.test(extension);
    if (!offset && !/^s/.test(extension)) return (r) => addressText(argument, r, context);
    return (record) => context.symbols.name(unsigned(argument.eval(record)), offset);
  }
  if (argument.kind === 'text') return argument.eval;
  const { eval: bytes } = argument;
  if (extension.startsWith('h')) {
    const between = { C: ':', D: '-', N: '' }[extension[1] ?? ''] ?? ' ';
    return (record) => dump(bytes(record).subarray(0, Math.min(width(record) ?? 1, 64)), between);
  }
  if (extension.startsWith('IS')) return (r) => socketAddress(bytes(r), extension, context);
  if (/^[Ii]4/.test(extension)) return (record) => bytes(record).subarray(0, 4).join('.');
  if (/^[Ii]6/.test(extension)) return (r) => ip6(bytes(r), extension.includes('c'));
  if (extension.startsWith('U')) return (record) => uuid(bytes(record), extension);
  if (extension.startsWith('M')) return (record) => dump(bytes(record).subarray(0, 6), ':');
  return addressOfBytes(argument);
}

function addressOfBytes({ eval: bytes }: BytesExpression): (record: RecordView) => string {
  return (record) => dump(bytes(record), ' ');
}

function addressText(argument: NumberExpression, record: RecordView, { longSize }: Layout): string {
  return unsigned(argument.eval(record))
    .toString(16)
    .padStart(longSize * 2, '0');
}

function unsigned(value: Integer): bigint {
  return BigInt.asUintN(64, BigInt(value));
}

const AF_INET = 2;
const AF_INET6 = 10;

function socketAddress(bytes: Uint8Array, extension: string, { little }: Layout): string {
  if (bytes.length < 8) return '(short address)';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const family = Number(readNumber(view, 0, 2, false, little));
  const port = extension.includes('p') ? `:${view.getUint16(2)}` : '';
  if (family === AF_INET) return bytes.subarray(4, 8).join('.') + port;
  if (family !== AF_INET6 || bytes.length < 24) return `(unknown family ${family})`;
  const address = ip6(bytes.subarray(8, 24), extension.includes('c'));
  return port === '' ? address : `[${address}]${port}`;
}

function ip6(bytes: Uint8Array, compressed: boolean): string {
  const groups = Array.from({ length: 8 }, (_, i) => {
    const group = ((bytes[i * 2] ?? 0) << 8) | (bytes[i * 2 + 1] ?? 0);
    return compressed ? group.toString(16) : group.toString(16).padStart(4, '0');
  });
  // The longest run of zero groups, the first of equals, becomes `::`.
  let [from, length] = [0, 1];
  for (let at = 0; compressed && at < 8; at++) {
    let end = at;
    while (groups[end] === '0') end++;
    if (end - at > length) [from, length] = [at, end - at];
  }
  if (length < 2) return groups.join(':');
  return `${groups.slice(0, from).join(':')}::${groups.slice(from + length).join(':')}`;
}

function uuid(bytes: Uint8Array, extension: string): string {
  const order = /^U[lL]/.test(extension)
    ? [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]
    : Array.from({ length: 16 }, (_, i) => i);
  const digits = dump(
    Uint8Array.from(order, (i) => bytes[i] ?? 0),
    '',
  );
  const text = digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return /^U[BL]/.test(extension) ? text.toUpperCase() : text;
}
