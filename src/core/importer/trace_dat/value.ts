/**
 * What the arguments of an embedded `print fmt` evaluate to: numbers with C's types, text, bytes;
 * the fields of a record and C's arithmetic. Called by the expression parser and the printer.
 *
 * Numbers have 8 to 64 bits, signed or not, with C's promotions; one beyond 2^53 is a bigint.
 */
import { type Layout, textOf } from './bytes.js';
import type { Field } from './format.js';

/** A record to evaluate over: bytes [start, end) of a page. */
export interface RecordView {
  readonly page: DataView;
  readonly start: number;
  readonly end: number;
}

/** A number exactly: a bigint where it is beyond 2^53. */
export type Integer = number | bigint;

/** A number-valued expression with its C type. */
export interface NumberExpression {
  readonly kind: 'number';
  readonly bits: 8 | 16 | 32 | 64;
  readonly signed: boolean;
  readonly eval: (record: RecordView) => Integer;
  /** The number in the record that alone decides the value; null where there is no such one. */
  readonly of: Field | null;
  /** The value is that of the field `of`, as it stands. */
  readonly plain: boolean;
}

/** A text-valued expression. */
export interface TextExpression {
  readonly kind: 'text';
  readonly eval: (record: RecordView) => string;
  /** The words of a `__print_symbolic`, null for other text. */
  readonly symbolic: readonly Symbolic[] | null;
  /** As of a number. */
  readonly of: Field | null;
}

/** Bytes in the record: an array, or what `&REC->field` points to. */
export interface BytesExpression {
  readonly kind: 'bytes';
  readonly eval: (record: RecordView) => Uint8Array;
}

/** Any argument. */
export type Expression = NumberExpression | TextExpression | BytesExpression;

/** One `{ value, "word" }` of a list; `name` where the value is an enum's and not known. */
export interface Symbolic {
  value: Integer;
  readonly name: string | null;
  readonly word: string;
}

/** A record without bytes: every field of it is 0 or empty. */
export const NOTHING: RecordView = { page: new DataView(new ArrayBuffer(0)), start: 0, end: 0 };

/** Makes an expression of a number; `of` where one field of the record alone decides it. */
export function number(
  bits: 8 | 16 | 32 | 64,
  signed: boolean,
  evaluate: (record: RecordView) => Integer,
  of: Field | null = null,
): NumberExpression {
  return { kind: 'number', bits, signed, eval: evaluate, of, plain: false };
}

/** `value` as another C type. */
export function castTo(
  bits: 8 | 16 | 32 | 64,
  signed: boolean,
  { eval: value, of, plain, ...from }: NumberExpression,
): NumberExpression {
  const same = from.signed === signed ? bits >= from.bits : bits > from.bits && !from.signed;
  const evaluate = (record: RecordView): Integer => wrap(value(record), bits, signed);
  return { ...number(bits, signed, evaluate, of), plain: plain && same };
}

/** Makes an expression of a text. */
export function text(
  evaluate: (record: RecordView) => string,
  symbolic: readonly Symbolic[] | null = null,
  of: Field | null = null,
): TextExpression {
  return { kind: 'text', eval: evaluate, symbolic, of };
}

/** C's idea of true. */
export function isTrue(value: Integer): boolean {
  return value !== 0 && value !== 0n;
}

/** Cuts a value to a C type. */
export function wrap(value: Integer, bits: number, signed: boolean): Integer {
  if (bits === 32 && typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER) {
    return signed ? value | 0 : value >>> 0;
  }
  if (typeof value === 'number' && bits === 64 && (signed || value >= 0)) return value;
  const big = BigInt(value);
  return narrow(signed ? BigInt.asIntN(bits, big) : BigInt.asUintN(bits, big));
}

/** A number where it is exact as one. */
export function narrow(value: bigint): Integer {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** An operator on exact numbers. */
export type Binary = (a: bigint, b: bigint) => bigint;

const truth = (yes: boolean) => (yes ? 1n : 0n);
/** Binary operators by how tightly they bind. */
export const LEVELS: readonly Readonly<Record<string, Binary>>[] = [
  { '||': (a, b) => truth(a !== 0n || b !== 0n) },
  { '&&': (a, b) => truth(a !== 0n && b !== 0n) },
  { '|': (a, b) => a | b },
  { '^': (a, b) => a ^ b },
  { '&': (a, b) => a & b },
  { '==': (a, b) => truth(a === b), '!=': (a, b) => truth(a !== b) },
  {
    '<': (a, b) => truth(a < b),
    '>': (a, b) => truth(a > b),
    '<=': (a, b) => truth(a <= b),
    '>=': (a, b) => truth(a >= b),
  },
  { '<<': (a, b) => a << (b & 63n), '>>': (a, b) => a >> (b & 63n) },
  { '+': (a, b) => a + b, '-': (a, b) => a - b },
  {
    '*': (a, b) => a * b,
    '/': (a, b) => (b === 0n ? 0n : a / b),
    '%': (a, b) => (b === 0n ? 0n : a % b),
  },
];
const COMPARES = new Set(['||', '&&', '==', '!=', '<', '>', '<=', '>=']);

/** The same on numbers below 2^31, where they are exact: nearly every value. */
const SMALL: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '&': (a, b) => a & b,
  '|': (a, b) => a | b,
  '>>': (a, b) => (b < 32 ? a >> b : 0),
  '==': (a, b) => (a === b ? 1 : 0),
  '!=': (a, b) => (a !== b ? 1 : 0),
  '<': (a, b) => (a < b ? 1 : 0),
  '<=': (a, b) => (a <= b ? 1 : 0),
  '>': (a, b) => (a > b ? 1 : 0),
  '>=': (a, b) => (a >= b ? 1 : 0),
};

/** C's usual conversions: the wider type, unsigned if one of that width is. */
export function arithmetic(
  name: string,
  operator: Binary,
  a: NumberExpression,
  b: NumberExpression,
): NumberExpression {
  const shift = name === '<<' || name === '>>';
  const bits = Math.max(32, a.bits, shift ? 0 : b.bits) as 32 | 64;
  const signedA = a.bits < bits || a.signed;
  const signed = COMPARES.has(name) || (signedA && (shift || b.bits < bits || b.signed));
  const [left, right] = [a.eval, b.eval];
  const small = SMALL[name];
  return number(COMPARES.has(name) ? 32 : bits, signed, (record) => {
    const x = left(record);
    const y = right(record);
    if (small !== undefined && isSmall(x) && isSmall(y)) return wrap(small(x, y), bits, signed);
    return wrap(narrow(operator(BigInt(x), BigInt(y))), bits, signed);
  });
}

function isSmall(value: Integer): value is number {
  return typeof value === 'number' && value >= 0 && value <= 0x7fff_ffff;
}

/** Unary minus. */
export function negate({ eval: value, bits, signed }: NumberExpression): NumberExpression {
  const wide = bits === 64 ? 64 : 32;
  const keep = bits < 32 || signed;
  return number(wide, keep, (record) => {
    const x = value(record);
    // No negative zero: it would print a sign.
    return wrap(typeof x === 'number' ? 0 - x : -x, wide, keep);
  });
}

/** Bitwise not. */
export function invert({ eval: value, bits, signed }: NumberExpression): NumberExpression {
  const wide = bits === 64 ? 64 : 32;
  const keep = bits < 32 || signed;
  return number(wide, keep, (record) => wrap(narrow(~BigInt(value(record))), wide, keep));
}

/** The type of a cast by its words; 'other' where its size is not known. */
export function castOf(words: readonly string[], { longSize }: Layout) {
  const long = (longSize * 8) as 32 | 64;
  if (words.includes('*')) return { bits: long, signed: false };
  const signed = !words.some((word) => /^(?:unsigned|_*u\d+|_*[bl]e\d+|size_t|bool)$/.test(word));
  const sized = words.map((word) => /(8|16|32|64)(?:_t)?$/.exec(word)?.[1]).find(Boolean);
  if (sized !== undefined) return { bits: Number(sized) as 8 | 16 | 32 | 64, signed };
  const longs = words.filter((word) => word === 'long').length;
  if (longs === 2 || words.includes('loff_t')) return { bits: 64 as const, signed };
  if (longs === 1 || words.includes('size_t') || words.includes('ssize_t')) {
    return { bits: long, signed };
  }
  if (words.includes('short')) return { bits: 16 as const, signed };
  if (words.includes('char') || words.includes('bool')) return { bits: 8 as const, signed };
  const plain = words.some((word) => word === 'int' || word === 'unsigned' || word === 'signed');
  return plain ? { bits: 32 as const, signed } : ('other' as const);
}

/** A field as a value: a number where it fits one, else its bytes. */
export function fieldValue(field: Field, { little }: Layout): Expression {
  const { offset, size, signed } = field;
  if (field.array || ![1, 2, 4, 8].includes(size))
    return { kind: 'bytes', eval: bytesOf(field, little) };
  const bits = (size * 8) as 8 | 16 | 32 | 64;
  const value = (record: RecordView): Integer => {
    const at = record.start + offset;
    return at + size > record.end ? 0 : readNumber(record.page, at, size, signed, little);
  };
  return { ...number(bits, signed, value, field), plain: true };
}

/** The number of 1, 2, 4 or 8 bytes at `at`. */
export function readNumber(
  view: DataView,
  at: number,
  size: number,
  signed: boolean,
  little: boolean,
): Integer {
  if (size === 4) return signed ? view.getInt32(at, little) : view.getUint32(at, little);
  if (size === 1) return signed ? view.getInt8(at) : view.getUint8(at);
  if (size === 2) return signed ? view.getInt16(at, little) : view.getUint16(at, little);
  const high = view.getUint32(little ? at + 4 : at, little);
  const low = view.getUint32(little ? at : at + 4, little);
  if (high < 0x20_0000) return high * 0x1_0000_0000 + low;
  return narrow(signed ? view.getBigInt64(at, little) : view.getBigUint64(at, little));
}

/** The bytes of a field in a record, clipped to it. */
export function bytesOf(field: Field, little: boolean): (record: RecordView) => Uint8Array {
  const { offset, size, location } = field;
  return ({ page, start, end }) => {
    let from = start + offset;
    let length = size === 0 ? end - from : size;
    if (location !== null) {
      if (from + 4 > end) return new Uint8Array(0);
      // A dynamic array's field is 16 bits of offset below 16 bits of length.
      const word = page.getUint32(from, little);
      from = (location === 'data' ? start : from + size) + (word & 0xffff);
      length = word >>> 16;
    }
    const room = Math.max(0, Math.min(length, end - from));
    return new Uint8Array(page.buffer, page.byteOffset + Math.min(from, end), room);
  };
}

/** An expression as `%s` prints it, null for a number. */
export function asText(expression: Expression): ((record: RecordView) => string) | null {
  if (expression.kind === 'text') return expression.eval;
  if (expression.kind === 'bytes') return (record) => textOf(expression.eval(record));
  return null;
}
